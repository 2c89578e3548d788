// What a second costs while something counts: the letters that change, and nothing around them.
import { screen } from "@testing-library/svelte";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { signedIn } from "../src/ipc/fake-sessions";
import { MINUTE, SECOND } from "../src/time";
import { NOW, openWindow, pass } from "./helpers";
import { styles } from "./styles";

const HOUR = 60 * MINUTE;

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** What changed in the page, a line each, while `ms` passed. */
async function changes(ms: number): Promise<string[]> {
  const seen: string[] = [];
  const place = (node: Node) => node.parentElement?.closest("[class]")?.className ?? node.nodeName;
  const observer = new MutationObserver((records) => {
    seen.push(...records.map(({ type, target, attributeName }) => `${type} ${attributeName ?? ""} ${place(target)}`));
  });
  observer.observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
  await pass(ms);
  observer.disconnect();
  return seen;
}

it("changes the letters of each countdown once a second, and nothing else", async () => {
  // Renewed in seven minutes and a half, in a picture that moves each twenty seconds.
  await openWindow({ sessions: [signedIn(NOW, { account: "work", lifetime: HOUR, gone: 0.655, past: 20 })] });
  await pass(3 * SECOND);
  expect(screen.getByTestId("countdown")).toHaveTextContent("07:27");
  const formatted = vi.spyOn(Intl, "DateTimeFormat");
  const seen = await changes(3 * SECOND);
  expect(screen.getByTestId("countdown")).toHaveTextContent("07:24");
  const countdowns = seen.filter((change) => /^characterData {2}said/.test(change));
  // In the list and beside what comes next.
  expect(countdowns).toHaveLength(2 * 3);
  expect(seen.filter((change) => !countdowns.includes(change))).toEqual([]);
  expect(formatted).not.toHaveBeenCalled();
});

it("keeps each countdown's room in the line as it was", async () => {
  await openWindow({ sessions: [signedIn(NOW, { account: "work", lifetime: HOUR, gone: 0.655 })] });
  const room = () => screen.getByTestId("countdown").parentElement?.getAttribute("data-room");
  expect(room()).toBe("00:00");
  await pass(7 * MINUTE);
  expect(screen.getByTestId("countdown")).toHaveTextContent("00:30");
  expect(room()).toBe("00:00");
  await pass(MINUTE);
  expect(room()).toBe("00 min");
  // Without these the browser lays out whatever the line is part of.
  expect(styles("src/components/Countdown.svelte").filter((line) => line.includes(".said")).join()).toMatch(/position: absolute;.*contain: strict/);
});
