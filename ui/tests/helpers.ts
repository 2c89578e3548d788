// Opens the window on a fake host with fake timers, so that no test sleeps.
import { render } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { vi } from "vitest";
import App from "../src/App.svelte";
import { FakeHost, type FakeOptions } from "../src/ipc/fake";

export const NOW = Date.UTC(2026, 10, 20, 14, 34, 6);

/** Lets time pass, and with it whatever was promised meanwhile. */
export const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

export async function openWindow(options: FakeOptions = {}) {
  const host = new FakeHost(options);
  const user = userEvent.setup({ advanceTimers: (ms) => vi.advanceTimersByTimeAsync(ms) });
  const view = render(App, { props: { host } });
  await pass(0);
  return { host, user, ...view };
}
