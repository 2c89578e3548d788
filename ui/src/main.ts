// Chooses the host and opens the window.
import { mount, unmount } from "svelte";
import "./app.css";
import App from "./App.svelte";
import { chooseDates } from "./dates.svelte";
import { insideTauri, tauriHost, type Host } from "./ipc/host";
import type { SessionStatus } from "./ipc/bindings";
import { AppState } from "./state/app.svelte";
import { speakAs } from "./spoken";
import { chooseLanguage, LANGUAGES, type Language, text } from "./strings";
import { fetchLater } from "./fetched.svelte";

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

/** The sessions that the app put into the page, if it knew them by then. */
function known(): SessionStatus[] | null {
  const data = document.getElementById("sessions");
  data?.remove();
  return data && (JSON.parse(data.textContent) as SessionStatus[]);
}

/** Longer than a first frame takes, in ms. A window that nobody can see has none. */
const NO_FRAME = 500;

/** Resolves when a frame was painted, or there is none to wait for. */
const firstFrame = () =>
  new Promise<void>((resolve) => {
    // A task of its own: the frame is painted before it.
    requestAnimationFrame(() => setTimeout(resolve));
    setTimeout(resolve, NO_FRAME);
  });

/** Shows the sessions: they are asked for before there is a page to show them on. */
async function open(target: Element, host: Host): Promise<void> {
  const state = new AppState(host);
  void state.start(words, known());
  await words;
  mount(App, { target, props: { host, state } });
  await firstFrame();
  await fetchLater();
}

/** Opens what could not be opened before. What is set could not be read then, nor be said in the address. */
async function openAfterAll(target: Element, host: Host, leave: () => Promise<void>): Promise<void> {
  // Without it the language of the system is spoken, as it was so far.
  await host.settings().then(({ app }) => speakAs(app), () => undefined);
  await leave();
  await open(target, host);
}

const target = document.getElementById("app");
const host = await chooseHost();
if (target && host) {
  if (location.hash === "#trouble") {
    const [{ TroubleView }] = await Promise.all([import("./later"), words]);
    const shown = mount(TroubleView, {
      target,
      props: {
        host,
        open: (): Promise<void> => openAfterAll(target, host, () => unmount(shown)),
      },
    });
  } else await open(target, host);
} else if (target) {
  await words;
  target.textContent = text.app.notAnApp;
}
