// axe-core on every view, in jsdom: names, roles, structure. What needs layout and colour is looked at in a real window.
import { screen } from "@testing-library/svelte";
import axe from "axe-core";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { corp, inBrowser, needsSignIn, program, signedIn, signedOut, waiting, withCode } from "../src/ipc/fake-sessions";
import type { SessionStatus } from "../src/ipc/bindings";
import { NOW, openWindow, pass } from "./helpers";

beforeEach(() => {
  // axe-core waits with timers of its own.
  vi.useFakeTimers({ now: NOW, toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** What axe-core finds, one line each. */
async function findings(): Promise<string[]> {
  const { violations } = await axe.run(document, {
    // jsdom draws nothing.
    rules: { "color-contrast": { enabled: false } },
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  });
  return violations.flatMap(({ id, help, nodes }) => nodes.map((node) => [id, help, node.html, ...node.any.flatMap((check) => check.relatedNodes?.map(({ html }) => html) ?? [])].join(": ")));
}

const SESSIONS: Record<string, SessionStatus[]> = {
  "signed in": [signedIn(NOW), waiting(NOW, { account: "other" })],
  "that programs take tokens of": [{ ...signedIn(NOW), consumers: [program(), program({ id: "2", consent: "allowed", asked_at: null })] }],
  "waiting": [waiting(NOW)],
  "signed out": [signedOut("demo")],
  "in need of a sign-in": [needsSignIn(NOW)],
  "about to sign in elsewhere": [corp()],
  "going on in the browser": [inBrowser(NOW)],
  "without a browser": [inBrowser(NOW, "work", false)],
  "with a code": [withCode(NOW)],
};

describe("axe-core finds nothing", () => {
  beforeEach(() => {
    document.title = "Latchkey";
    document.documentElement.lang = "en";
  });

  it("for a newcomer", async () => {
    await openWindow({ sessions: [] });
    expect(await findings()).toEqual([]);
  });

  it.each(Object.entries(SESSIONS))("in a session %s", async (_, sessions) => {
    await openWindow({ sessions });
    expect(await findings()).toEqual([]);
  });

  it("in any view that the navigation leads to", async () => {
    const { user } = await openWindow({ sessions: [signedIn(NOW)] });
    const views = [...document.querySelectorAll<HTMLElement>("[data-testid^='nav-']")].map(({ dataset }) => dataset["testid"] ?? "");
    expect(views).toContain("nav-log");
    for (const view of views) {
      await user.click(screen.getByTestId(view));
      await pass(0);
      expect(await findings(), view).toEqual([]);
    }
  });

  it("in any part of the lab", async () => {
    const { user } = await openWindow({ sessions: [signedIn(NOW)] });
    await user.click(screen.getByTestId("nav-lab"));
    await pass(0);
    const parts = [...document.querySelectorAll<HTMLElement>(".parts [data-testid]")].map(({ dataset }) => dataset["testid"] ?? "");
    expect(parts).toContain("lab-policies");
    for (const part of parts) {
      await user.click(screen.getByTestId(part));
      await pass(0);
      expect(await findings(), part).toEqual([]);
    }
  });
});
