// The window without a mouse.
import { screen } from "@testing-library/svelte";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { signedIn } from "../src/ipc/fake-sessions";
import { NOW, openWindow, pass } from "./helpers";

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

it("leads past the list to the content with the first key", async () => {
  const { user } = await openWindow({ sessions: [signedIn(NOW)] });
  await user.tab();
  expect(screen.getByText("Skip to the content")).toHaveFocus();
  await user.keyboard("{Enter}");
  expect(screen.getByRole("main")).toHaveFocus();
  await user.tab();
  expect(screen.getByRole("main")).toContainElement(document.activeElement as HTMLElement);
});

it("leaves the focus in the list where a view was chosen there", async () => {
  const { user } = await openWindow({ sessions: [signedIn(NOW)] });
  screen.getByTestId("nav-log").focus();
  await user.keyboard("{Enter}");
  await pass(0);
  expect(screen.getByRole("heading", { level: 1 })).toHaveTextContent("Log");
  expect(screen.getByTestId("nav-log")).toHaveFocus();
});

it("goes on in the content where what had the focus went with the view before", async () => {
  const { user } = await openWindow({ sessions: [] });
  await user.click(screen.getByTestId("try-demo"));
  await pass(2_000);
  expect(document.activeElement).not.toBe(document.body);
  expect(screen.getByRole("main")).toContainElement(document.activeElement as HTMLElement);
});

it("takes no focus by itself when it opens", async () => {
  await openWindow({ sessions: [signedIn(NOW)] });
  expect(document.activeElement).toBe(document.body);
});
