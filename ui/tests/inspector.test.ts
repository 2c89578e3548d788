// Looking into tokens, and copying one, as a person does it.
import { screen } from "@testing-library/svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { signedIn, signedOut } from "../src/ipc/fake-sessions";
import { NOW, openWindow, pass } from "./helpers";

const get = (id: string) => screen.getByTestId(id);
const none = (id: string) => expect(screen.queryByTestId(id)).toBeNull();
const jwt = (payload: object) => `${btoa('{"alg":"RS256"}')}.${btoa(JSON.stringify(payload))}.c2ln`;

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("the inspector", () => {
  it("explains the token in hand, says whose word it is and what differs from the one before", async () => {
    const { user } = await openWindow({ sessions: [signedIn(NOW, { account: "work" })] });
    await user.click(get("inspect"));
    await pass(0);
    expect(get("signature")).toHaveAttribute("data-kind", "verified");
    expect(get("signature")).toHaveTextContent("RS256, verified with the key 2026-11");
    expect(get("token-times")).toHaveTextContent(/^Issued 14:33 today, 18 s ago · Expires 14:34 today, in 42 s · It lives for 60 s$/);
    expect(get("token-roles")).toHaveTextContent("support");
    expect(get("token-changes")).toHaveTextContent("3 claims differ");
    const changes = screen.getAllByTestId("claim").map((row) => `${row.dataset["claim"]} ${row.dataset["change"]}`);
    expect(changes).toEqual(expect.arrayContaining(["org_id new", "acr gone", "realm_access changed", "iss same"]));
    await user.click(screen.getByRole("checkbox", { name: "Only what differs" }));
    expect(screen.getAllByTestId("claim").some((row) => row.dataset["claim"] === "iss")).toBe(false);
  });

  it("is asked once for each token, whatever else changes of its session", async () => {
    const { host, user } = await openWindow({ sessions: [signedIn(NOW, { account: "work" })] });
    await pass(0);
    const asked = vi.spyOn(host, "inspect");
    const changes = async (change: object) => {
      host.change("work", change);
      await pass(0);
    };
    await changes({ identity: { name: "Ada" } });
    expect(asked, "beside the lifeline").not.toHaveBeenCalled();
    await user.click(get("inspect"));
    await pass(0);
    expect(asked).toHaveBeenCalledTimes(1);
    await changes({ identity: { name: "Grace" } });
    expect(asked).toHaveBeenCalledTimes(1);
    await changes(signedIn(NOW, { account: "work", generation: 43 }));
    expect(asked).toHaveBeenCalledTimes(2);
  });

  it("never shows the refresh token, only what stands for it", async () => {
    const { user } = await openWindow({ sessions: [signedIn(NOW, { account: "work" })] });
    await user.click(get("inspect"));
    expect(get("inspector-refresh")).toHaveTextContent(/generation 42, since 14:33 today/);
  });

  it("looks into any token that is pasted, and forgets it", async () => {
    const { host, user } = await openWindow({ sessions: [signedOut("work")] });
    const inspect = vi.spyOn(host, "inspectToken");
    await user.click(get("nav-inspect"));
    await user.type(get("inspector-paste"), `Bearer ${jwt({ sub: "<img src=x onerror=alert(1)>", exp: NOW / 1000 - 7200, aud: ["a", "b"] })}`);
    await user.click(get("inspector-look"));
    await pass(0);
    expect(inspect).toHaveBeenCalledOnce();
    expect(get("signature")).toHaveTextContent("Not verified");
    expect(get("token-times")).toHaveTextContent("Expired 12:34 today, 2 h ago");
    expect(document.querySelector("img")).toBeNull();
    expect(screen.getByText("<img src=x onerror=alert(1)>")).toBeInTheDocument();
    await user.click(screen.getByRole("button", { name: "Forget it" }));
    none("inspection");
    expect(get("inspector-paste")).toHaveValue("");
  });

  it("says of an opaque token that there is nothing to read in it", async () => {
    const { user } = await openWindow({ sessions: [signedOut("work")] });
    await user.click(get("nav-inspect"));
    await user.type(get("inspector-paste"), "2YotnFZFEjr1zCsicMWpAA");
    await user.click(get("inspector-look"));
    await pass(0);
    expect(get("opaque")).toHaveTextContent("This token is opaque");
    none("claim");
  });

  it("says when it cannot look", async () => {
    const { host, user } = await openWindow({ sessions: [signedIn(NOW, { account: "work" })] });
    host.failNext("inspect", { code: "sign_in_needed", message: "nobody is signed in", hint: null });
    await user.click(get("inspect"));
    await pass(0);
    expect(get("error-message")).toHaveAttribute("data-code", "sign_in_needed");
  });
});

describe("copying the access token", () => {
  it("says how long it stays in the clipboard, and that it was cleared", async () => {
    const { user } = await openWindow({ sessions: [signedIn(NOW, { lifetime: 3600_000 })] });
    await user.click(get("copy-access-token"));
    await pass(0);
    expect(get("copied")).toHaveTextContent("cleared in 01:00");
    expect(screen.getByRole("status")).toHaveTextContent("Copied. The clipboard is cleared in a minute.");
    await pass(18_000);
    expect(get("copied")).toHaveTextContent("cleared in 00:42");
    await pass(42_000);
    expect(get("copied")).toHaveTextContent("The clipboard was cleared.");
    await user.click(screen.getByRole("button", { name: "Dismiss" }));
    none("copied");
  });

  it("says that something else was left alone", async () => {
    const { host, user } = await openWindow({ sessions: [signedIn(NOW, { lifetime: 3600_000 })] });
    await user.click(get("copy-access-token"));
    await pass(0);
    host.clearClipboard(false);
    await pass(0);
    expect(get("copied")).toHaveTextContent("Something else is in the clipboard now");
  });

  it("is told in words when it fails", async () => {
    const { host, user } = await openWindow({ sessions: [signedIn(NOW)] });
    host.failNext("copyAccessToken", { code: "clipboard", message: "the clipboard cannot be used", hint: null });
    await user.click(get("copy-access-token"));
    await pass(0);
    none("copied");
    expect(get("error-message")).toHaveAttribute("data-code", "clipboard");
  });
});
