// How dates and times are written: as the language has it, as the system has it, or as ISO 8601 has it.
import type { Dates } from "./ipc/bindings";
import { locales } from "./strings";

let form = $state<Dates>("language");

export const dateForm = (): Dates => form;

export function chooseDates(wanted: Dates): void {
  form = wanted;
}

let system: readonly string[] | undefined;

/** The locales that dates are written by, the most wanted first. The same array until it changes. */
export function dateLocales(): readonly string[] {
  if (form !== "system") return locales();
  try {
    return (system ??= Intl.DateTimeFormat.supportedLocalesOf([...navigator.languages]));
  } catch {
    // A tag that no engine knows must not keep a time from being shown.
    return locales();
  }
}
