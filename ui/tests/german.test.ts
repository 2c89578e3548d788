// Every view in German, on a fake host: no English is left but what is said to be English, as log lines are.
import { render, screen } from "@testing-library/svelte";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { demoKeys } from "../src/ipc/fake-settings";
import { cookieSession, corp, inBrowser, mark, needsSignIn, program, reason, signedIn, signedOut, waiting, withCode } from "../src/ipc/fake-sessions";
import { FakeHost, type FakeOptions } from "../src/ipc/fake";
import { BUSY_BACKEND, STRICT_PROFILE } from "../src/ipc/fake-lab";
import type { SessionStatus } from "../src/ipc/bindings";
import { chooseLanguage } from "../src/strings";
import TroubleView from "../src/trouble/TroubleView.svelte";
import { NOW, openWindow, pass } from "./helpers";

/** Words that German does not have, and hardly an English sentence does without. */
const ENGLISH = /\b(the|of|and|is|are|its|it|this|that|these|to|be|been|has|have|with|from|by|for|your|you|not yet|no|nobody|cannot|sign|signed|renew|renewed|expired|see|write|remove|missing|failed|reply|never|when|where|which|after|before|until|again|today|tomorrow)\b/i;
/** What is a name, a key or an address, not a sentence. */
const QUOTED = /`[^`]*`|„[^“]*“|\bhttps?:\S+|\/[\w./-]+|\bnext-auth\S*|\b[a-z]+(?:_[a-z]+)+\b|\S+@\S+|--\w+|\b\w+:\w+\b|\bno-store\b/g;

const isEnglish = (words: string): boolean => ENGLISH.test(words.replace(QUOTED, ""));

/** Everything that can be read or heard, but for what says that it is English. */
function words(): string[] {
  const all: string[] = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT, (node) =>
    node instanceof Element && (node.matches("[lang=en], code, pre, script, style, textarea, option[value=en]")) ? NodeFilter.FILTER_REJECT : NodeFilter.FILTER_ACCEPT,
  );
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
    if (node instanceof Element) {
      for (const name of ["aria-label", "aria-description", "aria-roledescription", "aria-valuetext", "title", "placeholder", "alt"]) if (!(name === "title" && node.matches("[data-testid=log-row]"))) all.push(node.getAttribute(name) ?? "");
    } else all.push(node.textContent ?? "");
  }
  return all.map((one) => one.trim()).filter((one) => one !== "");
}

const english = (): string[] => words().filter(isEnglish);

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});
afterEach(async () => {
  vi.useRealTimers();
  await chooseLanguage("system");
});

async function openGerman(options: FakeOptions) {
  await chooseLanguage("de");
  const opened = await openWindow({ settings: { app: { language: "de", dates: "language", log_level: "info", notifications: { sign_in_needed: true, window_forward: false, sign_in_soon: true, not_saved: true, quiet_from: "22:00", quiet_to: "07:00" } } }, ...options });
  await pass(0);
  expect(document.documentElement.lang).toBe("de");
  return opened;
}

// The host's sentences are English; what it puts into them is in the language of the window.
const unreachable = reason("unreachable", "The provider cannot be reached: nothing listens at its address", { what: "unter seiner Adresse antwortet kein Programm" });
const distrusted = reason("distrusted", "A renewal brought tokens that are not believed: its ID token is refused: its signature is not the issuer's. They are not handed out. Sign in again", {
  why: "sein ID-Token wird abgelehnt: seine Signatur ist nicht die des Ausstellers",
});
const away: SessionStatus = {
  ...waiting(NOW),
  reason: unreachable,
  next: { action: "retry_renewal", at: new Date(NOW + 5000).toISOString(), why: unreachable.message, code: "unreachable", values: unreachable.values },
};
const SESSIONS: Record<string, SessionStatus[]> = {
  none: [],
  "signed in": [signedIn(NOW), waiting(NOW, { account: "other" })],
  "a site's": [cookieSession(NOW)],
  "that programs take tokens of": [{ ...signedIn(NOW), consumers: [program(), program({ id: "2", consent: "allowed", asked_at: null, times: 3, generation: 41 }), program({ id: "3", consent: "paused" })] }],
  "with a past": [
    { ...signedIn(NOW), history: [...signedIn(NOW).history, mark("slept", NOW - 50_000, { until: new Date(NOW - 40_000).toISOString() }), mark("out_of_reach", NOW - 30_000, { note: "nothing listens at its address", reason: "unreachable" }), mark("taken", NOW - 20_000, { note: "/usr/bin/git" })] },
  ],
  waiting: [waiting(NOW)],
  "out of reach": [away],
  "in need of a sign-in": [needsSignIn(NOW)],
  "whose tokens are not believed": [{ ...needsSignIn(NOW), reason: distrusted }],
  "signed out": [signedOut("demo", reason("signed_out", "You signed out"))],
  "about to sign in elsewhere": [corp()],
  "in the browser": [inBrowser(NOW)],
  "without a browser": [inBrowser(NOW, "work", false)],
  "with a code": [withCode(NOW)],
  "with a code that expired": [withCode(NOW, "work", -1000)],
};

it("the words that are looked for are those of English sentences", () => {
  expect(["The clock shows it", "see whether it is right", "this key is missing", "Sign in"].every(isEnglish)).toBe(true);
  expect(["Die Uhr zeigt es", "Was zu tun ist: sehen Sie in `the log`", "„it failed“ in /no/file"].some(isEnglish)).toBe(false);
});

it.each(Object.entries(SESSIONS))("of a session %s", async (_, sessions) => {
  const { user } = await openGerman({ sessions });
  expect(english()).toEqual([]);
  for (const one of document.querySelectorAll<SVGElement>("[data-testid^='lifeline-mark']")) {
    one.focus();
    await pass(0);
    expect(english()).toEqual([]);
  }
  const out = screen.queryByTestId("sign-out");
  if (out !== null) {
    await user.click(out);
    await pass(0);
    expect(english()).toEqual([]);
  }
});

it("of every view that the navigation leads to", async () => {
  const { user } = await openGerman({ sessions: [signedIn(NOW, { account: "work" })], keys: { work: demoKeys }, log: [{ seq: 1, at: new Date(NOW).toISOString(), level: "warn", account: "work", kind: "renewal_failed", message: "503 from the token endpoint, tried again after 1.4 s", facts: { status: 503, renewal: 1 } }] });
  for (const { dataset } of [...document.querySelectorAll<HTMLElement>("[data-testid^='nav-']")]) {
    await user.click(screen.getByTestId(dataset["testid"] ?? ""));
    await pass(0);
    await pass(500);
    expect(english(), dataset["testid"]).toEqual([]);
  }
});

it("of the log, with a record opened", async () => {
  const { user } = await openGerman({ sessions: [signedIn(NOW, { account: "work" })], log: [{ seq: 1, at: new Date(NOW).toISOString(), level: "warn", account: "work", kind: "renewal_failed", message: "503 from the token endpoint, tried again after 1.4 s", facts: { status: 503 } }] });
  await user.click(screen.getByTestId("nav-log"));
  await pass(500);
  await user.click(screen.getAllByTestId("log-row")[0] as HTMLElement);
  await pass(0);
  expect(english()).toEqual([]);
});

it("of an account that is changed, with what is wrong with it", async () => {
  const { user } = await openGerman({ sessions: [signedIn(NOW, { account: "work" })], keys: { work: { ...demoKeys, rolling: true } } });
  await user.click(screen.getByTestId("nav-settings"));
  await pass(0);
  await user.click(screen.getByTestId("edit-work"));
  await pass(500);
  expect(english()).toEqual([]);
  const field = screen.getByTestId("field-renew_before");
  await user.clear(field);
  await user.type(field, "soon");
  await pass(2000);
  expect(screen.getByTestId("problem-renew_before")).toBeVisible();
  expect(english()).toEqual([]);
});

it("of each way to add an account", async () => {
  const { user } = await openGerman({ sessions: [] });
  for (const way of [...document.querySelectorAll<HTMLElement>("summary, [data-testid^='way-']")]) {
    await user.click(way);
    await pass(0);
  }
  expect(english()).toEqual([]);
});

it("of each part of the lab", async () => {
  const { host, user } = await openGerman({ sessions: [signedIn(NOW)] });
  [host.labState, host.labFindings] = [BUSY_BACKEND, STRICT_PROFILE];
  await user.click(screen.getByTestId("nav-lab"));
  await pass(0);
  for (const [part, ...presses] of [["tour", "tour-begin", "tour-next", "tour-next"], ["backend"], ["scenarios", "lab-run"], ["profile", "lab-measure"], ["policies", "policy-beside"]]) {
    for (const press of [`lab-${part ?? ""}`, ...presses]) {
      await user.click(screen.getByTestId(press));
      await pass(1000);
      expect(english(), press).toEqual([]);
    }
  }
});

it("of a window that did not open", async () => {
  await chooseLanguage("de");
  const host = new FakeHost({ trouble: { about: "configuration", message: "config.toml:3:1: accounts.work.login_url: dieser Schlüssel fehlt; fügen Sie ihn hinzu", hint: null, file: "/home/ada/.config/latchkey/config.toml", problems: [{ line: 3, column: 1, key: "accounts.work.login_url", what: "dieser Schlüssel fehlt", remedy: "fügen Sie `login_url = \"…\"` hinzu" }] } });
  render(TroubleView, { props: { host, open: () => Promise.resolve() } });
  await pass(0);
  expect(english()).toEqual([]);
});
