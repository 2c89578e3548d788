// In which language the page speaks, and how it writes dates: as it is set.
import { chooseDates } from "./dates.svelte";
import type { AppConfig } from "./ipc/bindings";
import { chooseLanguage } from "./strings";

/** Speaks as it is set from now on. */
export async function speakAs({ language, dates }: Pick<AppConfig, "language" | "dates">): Promise<void> {
  chooseDates(dates);
  // Where the page is loaded anew, since its process died, it begins with what is in its address.
  history.replaceState(null, "", `${location.pathname}?language=${language}&dates=${dates}`);
  // A language that cannot be loaded leaves the one that is spoken.
  await chooseLanguage(language).catch(() => undefined);
}
