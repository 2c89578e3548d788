// A session that changes ten times a second, as one with a fault may: what the page keeps of it does not grow.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { signedIn, signedOut, waiting } from "../src/ipc/fake-sessions";
import { NOW, openWindow, pass } from "./helpers";

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

it("hundreds of changes leave no more elements, timers and memory behind than tens", { timeout: 60_000 }, async () => {
  const { host } = await openWindow({ sessions: [signedIn(NOW, { account: "demo" }), signedOut("work")] });
  async function changes(count: number): Promise<void> {
    for (let time = 0; time < count; time += 1) {
      host.change("demo", time % 2 === 0 ? waiting(Date.now()) : signedIn(Date.now(), { account: "demo" }));
      await pass(100);
    }
  }
  function kept() {
    collect();
    return { elements: document.querySelectorAll("*").length, timers: vi.getTimerCount(), heap: process.memoryUsage().heapUsed };
  }
  await changes(50);
  const before = kept();
  await changes(400);
  const after = kept();
  expect(after.elements).toBe(before.elements);
  expect(after.timers).toBe(before.timers);
  // Five kibibytes a change would be found.
  expect(after.heap - before.heap).toBeLessThan(2 * 1024 * 1024);
});
