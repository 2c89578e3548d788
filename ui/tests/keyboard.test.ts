// The window without a mouse.
import { screen } from "@testing-library/svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { program, signedIn } from "../src/ipc/fake-sessions";
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

describe("goes on from where it was when what had the focus is gone", () => {
  const heading = () => screen.getByRole("heading", { level: 1 });

  it("as a program is answered", async () => {
    const { user } = await openWindow({ sessions: [{ ...signedIn(NOW), consumers: [program()] }] });
    await pass(600);
    screen.getByTestId("program-refuse").focus();
    await user.keyboard("{Enter}");
    await pass(0);
    expect(screen.queryByTestId("program-asks")).toBeNull();
    expect(heading()).toHaveFocus();
  });

  it("as what went wrong has been read", async () => {
    const { host, user } = await openWindow({ sessions: [signedIn(NOW)] });
    host.failNext("renew", { code: "internal", message: "no engine", hint: null });
    await user.click(screen.getByTestId("renew-now"));
    screen.getByRole("button", { name: "Dismiss" }).focus();
    await user.keyboard("{Enter}");
    await pass(0);
    expect(heading()).toHaveFocus();
  });

  it("as an account is removed", async () => {
    const { user } = await openWindow({ sessions: [signedIn(NOW, { account: "home" }), signedIn(NOW, { account: "work" })] });
    await user.click(screen.getByTestId("nav-settings"));
    await pass(0);
    await user.click(screen.getByTestId("remove-work"));
    screen.getByTestId("remove-confirm").focus();
    await user.keyboard("{Enter}");
    await pass(0);
    expect(screen.queryByTestId("account-work")).toBeNull();
    expect(screen.getByTestId("edit-home")).toHaveFocus();
  });
});
