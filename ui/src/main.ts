// Chooses the host and opens the window. Small: what it begins (the words, the question to the host) goes on while the
// page itself is still being read.
import { mount, unmount } from "svelte";
import "./app.css";
import { chooseDates } from "./dates.svelte";
import { insideTauri, tauriHost, type Host } from "./ipc/host";
import { AppState } from "./state/app.svelte";
import { chooseLanguage, LANGUAGES, type Language, text } from "./strings";

async function chooseHost(): Promise<Host | null> {
  if (insideTauri()) return tauriHost;
  // Without the app around it the page talks to a scripted host: in development and in `preview:fake`.
  // A release leaves the script out, so that pretended sessions can never be taken for real ones.
  if (import.meta.env.MODE === "production") return null;
  const { openFakePage } = await import("./ipc/fake-page");
  return openFakePage();
}

// The web view's own menu leads back, forward and to a reload, which an app does not have. Where there is a text to copy
// or a place to paste it is of use.
document.addEventListener("contextmenu", (event) => {
  const writable = event.target instanceof Element && event.target.closest("input, textarea") !== null;
  if (!writable && (getSelection()?.isCollapsed ?? true)) event.preventDefault();
});
// The app says in the address how the page is to begin: in which language, and whether there is an app to show at all.
const asked = new URLSearchParams(location.search);
const wanted = asked.get("language");
const first = wanted !== null && Object.hasOwn(LANGUAGES, wanted) ? (wanted as Language) : "system";
const dates = asked.get("dates");
if (dates === "iso" || dates === "system") chooseDates(dates);

// A language that cannot be loaded must not keep the window shut.
const words = chooseLanguage(first).catch(() => chooseLanguage("en"));
const page = import("./App.svelte");

/** Shows the sessions: they are asked for before there is a page to show them on. */
async function open(target: Element, host: Host): Promise<void> {
  const state = new AppState(host);
  void state.start(words);
  const [{ default: App }] = await Promise.all([page, words]);
  mount(App, { target, props: { host, state } });
}

const target = document.getElementById("app");
const host = await chooseHost();
if (target && host) {
  if (location.hash === "#trouble") {
    const [{ default: TroubleView }] = await Promise.all([import("./trouble/TroubleView.svelte"), words]);
    const shown = mount(TroubleView, {
      target,
      props: {
        host,
        open: () => {
          history.replaceState(null, "", location.pathname + location.search);
          void unmount(shown);
          void open(target, host);
        },
      },
    });
  } else await open(target, host);
} else if (target) {
  await words;
  target.textContent = text.app.notAnApp;
}
