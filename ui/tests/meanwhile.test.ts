// What happens by itself, or is done elsewhere, takes nothing out of the hands of whoever uses the window.
import { screen } from "@testing-library/svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { corp, needsSignIn, signedIn, signedOut, withCode } from "../src/ipc/fake-sessions";
import { NOW, openWindow, pass } from "./helpers";

const MINUTE = 60_000;
const get = (id: string) => screen.getByTestId(id);
const none = (id: string) => expect(screen.queryByTestId(id)).toBeNull();
const title = () => screen.getByRole("heading", { level: 1 });

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("the account on screen", () => {
  it("stays when one is added elsewhere that comes before it, with what was typed", async () => {
    const { host, user } = await openWindow({ sessions: [signedOut("home")] });
    await user.type(get("sign-in-username"), "ada");
    await user.type(get("sign-in-password"), "half of it");
    await host.addAccount("alpha", { provider: "credentials" });
    await pass(0);
    expect(screen.getAllByTestId(/^session-item-/).map((item) => item.dataset["testid"])).toEqual(["session-item-alpha", "session-item-home"]);
    expect(title()).toHaveTextContent("home");
    expect(get("sign-in-password")).toHaveValue("half of it");
    expect(get("sign-in-password")).toHaveFocus();
  });

  it("keeps the name that is being typed when what is left of its session ends", async () => {
    const { host, user } = await openWindow({ sessions: [needsSignIn(NOW, { account: "home" })] });
    await user.clear(get("sign-in-username"));
    await user.type(get("sign-in-username"), "grace");
    host.change("home", signedOut("home"));
    await pass(0);
    expect(get("sign-in-username")).toHaveValue("grace");
  });

  it("gives way to another when it is removed elsewhere, and no key that is still typed gets into that one's form", async () => {
    const { host, user } = await openWindow({ sessions: [signedOut("alpha"), signedOut("work")] });
    await user.click(get("session-item-work"));
    await user.type(get("sign-in-username"), "ada");
    await user.type(get("sign-in-password"), "half of");
    await host.removeAccount("work");
    await pass(0);
    expect(title()).toHaveTextContent("alpha");
    await user.keyboard(" it{Enter}");
    expect(get("sign-in-username")).toHaveValue("");
    expect(get("sign-in-password")).toHaveValue("");
  });
});

it("an account that is opened from outside comes into sight in a long list", async () => {
  const sessions = Array.from({ length: 40 }, (_, at) => signedOut(`account-${String(at).padStart(2, "0")}`));
  const { host } = await openWindow({ sessions });
  const shown = vi.spyOn(HTMLElement.prototype, "scrollIntoView");
  host.openAccount({ account: "account-33", sign_in: false, by_itself: false });
  await pass(0);
  expect(shown.mock.contexts).toEqual([get("session-item-account-33")]);
  shown.mockRestore();
});

describe("a window that comes forward by itself", () => {
  const comesForward = { account: "work", sign_in: false, by_itself: true };

  it("shows the account that it is about", async () => {
    const { host } = await openWindow({ sessions: [signedIn(NOW, { account: "home" }), needsSignIn(NOW, { account: "work" })] });
    host.openAccount(comesForward);
    await pass(0);
    expect(title()).toHaveTextContent("work");
  });

  it("leaves a password that is being typed where it is", async () => {
    const { host, user } = await openWindow({ sessions: [signedOut("home"), signedIn(NOW, { account: "work" })] });
    await user.type(get("sign-in-username"), "ada");
    await user.type(get("sign-in-password"), "half of it");
    host.openAccount(comesForward);
    await pass(0);
    expect(title()).toHaveTextContent("home");
    expect(get("sign-in-password")).toHaveValue("half of it");
  });

  it("leaves an account that is being filled in where it is", async () => {
    const { host, user } = await openWindow({ sessions: [signedIn(NOW, { account: "work" })] });
    await user.click(get("nav-add"));
    await user.type(get("field-issuer"), "https://login.exa");
    host.openAccount(comesForward);
    await pass(0);
    expect(get("field-issuer")).toHaveValue("https://login.exa");
  });
});

describe("a notification that asks for a sign-in", () => {
  const asks = { account: "work", sign_in: true, by_itself: false };

  it("begins nothing where somebody has signed in since", async () => {
    const { host } = await openWindow({ sessions: [signedOut("home"), { ...signedIn(NOW, { account: "work" }), provider: "oauth" }] });
    const begun = vi.spyOn(host, "signInWithBrowser");
    host.openAccount(asks);
    await pass(0);
    expect(title()).toHaveTextContent("work");
    none("sign-in-browser");
    expect(begun).not.toHaveBeenCalled();
  });

  it("begins it where the session ends soon, until somebody looks at something else", async () => {
    const soon = { ...signedIn(NOW, { account: "work", lifetime: 30 * MINUTE, ceilingIn: 10 * MINUTE }) };
    const { host, user } = await openWindow({ sessions: [signedOut("home"), soon] });
    host.openAccount(asks);
    await pass(0);
    expect(get("sign-in-password")).toBeVisible();
    await user.click(get("session-item-home"));
    await user.click(get("session-item-work"));
    none("sign-in-password");
    expect(screen.getByRole("heading", { name: /Recent/ })).toBeVisible();
  });

  it("leads to no other account where its own was removed since", async () => {
    const { host, user } = await openWindow({ sessions: [signedOut("alpha"), signedOut("home")] });
    await user.click(get("session-item-home"));
    await user.type(get("sign-in-password"), "half of it");
    host.openAccount(asks);
    await pass(0);
    expect(title()).toHaveTextContent("home");
    expect(get("sign-in-password")).toHaveValue("half of it");
  });

  it("begins no second one where one is under way", async () => {
    const { host } = await openWindow({ sessions: [signedOut("home"), withCode(NOW, "work")] });
    const begun = vi.spyOn(host, "signInWithBrowser");
    host.openAccount(asks);
    await pass(0);
    expect(get("user-code")).toBeVisible();
    expect(begun).not.toHaveBeenCalled();
  });

  it("begins it where the session is over", async () => {
    const { host } = await openWindow({ sessions: [signedOut("home"), corp("work")] });
    const begun = vi.spyOn(host, "signInWithBrowser");
    host.openAccount(asks);
    await pass(0);
    expect(begun).toHaveBeenCalledExactlyOnceWith("work");
  });
});

it("what could not be done is not said any more once the session has new tokens", async () => {
  const { host, user } = await openWindow({ sessions: [signedIn(NOW)] });
  host.failNext("renew", { code: "backend_unreachable", message: "connection refused", hint: null });
  await user.click(get("renew-now"));
  expect(get("error-message")).toHaveTextContent("The backend cannot be reached");
  host.change("demo", { clock_skew_ms: 1 });
  await pass(1_000);
  expect(get("error-message")).toBeVisible();
  await pass(MINUTE);
  none("error-message");
});
