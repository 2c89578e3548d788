// The window in another language, on a fake host.
import { screen } from "@testing-library/svelte";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { chooseDates } from "../src/dates.svelte";
import type { Host } from "../src/ipc/host";
import { needsSignIn, signedIn } from "../src/ipc/fake-sessions";
import { chooseLanguage, language, list, number, plural, text } from "../src/strings";
import { times } from "../src/time";
import { NOW, openWindow, pass } from "./helpers";

const speaks = (...languages: string[]) => vi.spyOn(navigator, "languages", "get").mockReturnValue(languages);

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await chooseLanguage("system");
  vi.useRealTimers();
});

it("changes at once, with its dates, and tells the document", async () => {
  await openWindow({ sessions: [signedIn(NOW), needsSignIn(NOW, { account: "other" })] });
  expect(screen.getByTestId("state-pill")).toHaveTextContent("Signed in");
  await chooseLanguage("de");
  await pass(0);
  expect(document.documentElement).toHaveAttribute("lang", "de");
  expect(document.documentElement).toHaveAttribute("dir", "ltr");
  expect(screen.getByTestId("state-pill")).toHaveTextContent("Angemeldet");
  expect(screen.getByTestId("headline")).toHaveTextContent(/^Angemeldet bis heute \d\d:\d\d$/);
  expect(screen.getByRole("button", { name: "Jetzt erneuern" })).toBeVisible();
  expect(document.body.textContent).not.toMatch(/Sign(?!atur)|Renew|today/);
  await chooseLanguage("en");
  await pass(0);
  expect(screen.getByTestId("state-pill")).toHaveTextContent("Signed in");
});

it("is told to the host, which is asked anew for the sessions with their reasons", async () => {
  const { host, user } = await openWindow({ sessions: [needsSignIn(NOW)] });
  const asked = vi.spyOn(host as Host, "sessions");
  await user.click(screen.getByTestId("nav-settings"));
  await pass(0);
  await user.selectOptions(screen.getByTestId("setting-language"), "de");
  await pass(0);
  await user.selectOptions(screen.getByTestId("setting-log_level"), "debug");
  await pass(0);
  expect(language()).toBe("de");
  expect(asked.mock.calls).toEqual([["de"]]);
});

it("is in the address of the page, so that one that is loaded anew begins with it", async () => {
  const { user } = await openWindow({ sessions: [needsSignIn(NOW)] });
  await user.click(screen.getByTestId("nav-settings"));
  await pass(0);
  await user.selectOptions(screen.getByTestId("setting-language"), "de");
  await pass(0);
  await user.selectOptions(screen.getByTestId("setting-dates"), "iso");
  await pass(0);
  expect([...new URLSearchParams(location.search)]).toEqual([["language", "de"], ["dates", "iso"]]);
  history.replaceState(null, "", location.pathname);
  chooseDates("language");
});

it.each([
  [["de-AT", "en"], "de"],
  [["fr-FR", "de", "en"], "de"],
  [["fr-FR"], "en"],
  [["en-GB", "de"], "en"],
  [["not a tag!"], "en"],
  [[], "en"],
])("of a system that reads %j is %s", async (languages, spoken) => {
  speaks(...languages);
  await chooseLanguage("system");
  expect(language()).toBe(spoken);
});

it("of the setting wins over the system's, and brings its dates with it", async () => {
  speaks("en-GB", "de-DE");
  await chooseLanguage("de");
  expect(times.when(NOW, NOW + 5 * 86_400_000)).toBe("Fr., 20. Nov., 14:34");
  expect(times.took(1400)).toBe("1,4 s");
  expect([number(1234.5), list(["a", "b", "c"])]).toEqual(["1.234,5", "a, b und c"]);
  expect([plural(text.log.countAll, 1), plural(text.log.countAll, 100_000)]).toEqual(["1 Eintrag", "100.000 Einträge"]);
});

it("whose dates nobody asked for stays with the reader's", async () => {
  speaks("fr-FR");
  await chooseLanguage("system");
  expect(language()).toBe("en");
  expect(times.when(NOW, NOW + 5 * 86_400_000)).toMatch(/ven/);
});

it("chosen last is the one that is spoken, however long another took to come", async () => {
  await Promise.all([chooseLanguage("de"), chooseLanguage("en")]);
  expect(language()).toBe("en");
});
