// The window as a person meets it, on a fake host.
import { render, screen } from "@testing-library/svelte";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import App from "../src/App.svelte";
import { fetchLater, later } from "../src/fetched.svelte";
import { FakeHost } from "../src/ipc/fake";
import { mark, needsSignIn, signedIn, signedOut, waiting } from "../src/ipc/fake-sessions";
import { AppState } from "../src/state/app.svelte";
import { NOW, openWindow, pass } from "./helpers";
import { screen as display } from "./setup";

vi.mock("../src/fetched.svelte", { spy: true });
await fetchLater();

const get = (id: string) => screen.getByTestId(id);
const all = (id: string) => screen.queryAllByTestId(id);
const none = (id: string) => expect(screen.queryByTestId(id)).toBeNull();

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("signing in by the form", () => {
  it("ends in the session, with the focus on it and no password left behind", async () => {
    const { user, container } = await openWindow({ sessions: [signedOut("demo")] });
    await user.type(get("sign-in-username"), "demo");
    await user.type(get("sign-in-password"), "demo{Enter}");
    await pass(0);
    expect(get("state-pill")).toHaveTextContent("Signed in");
    expect(get("headline")).toHaveTextContent(/^Signed in until 22:34 today$/);
    none("sign-in-password");
    expect(document.activeElement).toBe(screen.getByRole("heading", { name: "demo" }));
    expect(container.querySelector("input")).toBeNull();
  });

  it("helps password managers", async () => {
    await openWindow({ sessions: [signedOut("demo")] });
    expect(get("sign-in-username")).toHaveAttribute("autocomplete", "username");
    expect(get("sign-in-password")).toHaveAttribute("autocomplete", "current-password");
    expect(get("sign-in-username")).toHaveFocus();
  });

  it("says a wrong password in words, empties the field and lets the next try begin there", async () => {
    const { user } = await openWindow({ sessions: [signedOut("work")] });
    await user.type(get("sign-in-username"), "ada");
    await user.type(get("sign-in-password"), "guess{Enter}");
    await pass(0);
    expect(get("error-message")).toHaveTextContent("Wrong user name or password");
    expect(get("error-message")).toHaveAttribute("data-code", "wrong_credentials");
    expect(get("sign-in-password")).toHaveValue("");
    expect(get("sign-in-password")).toHaveFocus();
    expect(get("sign-in-username")).toHaveValue("ada");
    await user.type(get("sign-in-password"), "demo{Enter}");
    await pass(0);
    none("error-message");
    expect(get("state-pill")).toHaveTextContent("Signed in");
  });

  it("is busy meanwhile, takes no second submit, and has let go of the password already", async () => {
    const { host, user } = await openWindow({ sessions: [signedOut("demo")], latency: 5_000 });
    await pass(15_000);
    const signIn = vi.spyOn(host, "signIn");
    await user.type(get("sign-in-username"), "demo");
    await user.type(get("sign-in-password"), "demo");
    await user.click(get("sign-in-submit"));
    expect(get("sign-in-submit")).toHaveTextContent("Signing in…");
    expect(get("sign-in-submit")).toHaveAttribute("aria-disabled", "true");
    expect(get("sign-in-password")).toHaveValue("");
    await user.click(get("sign-in-submit"));
    expect(signIn).toHaveBeenCalledExactlyOnceWith("demo", "demo", "demo");
    await pass(5_000);
    expect(get("state-pill")).toHaveTextContent("Signed in");
  });

  it("asks for what is missing without asking the host", async () => {
    const { host, user } = await openWindow({ sessions: [signedOut("demo")] });
    const signIn = vi.spyOn(host, "signIn");
    await user.type(get("sign-in-password"), "secret{Enter}");
    expect(get("error-message")).toHaveTextContent("Enter both");
    expect(get("sign-in-username")).toHaveFocus();
    expect(get("sign-in-password")).toHaveValue("");
    expect(signIn).not.toHaveBeenCalled();
  });

  it("tells what to do when the backend is away", async () => {
    const { host, user } = await openWindow({ sessions: [signedOut("demo")] });
    host.failNext("signIn", { code: "backend_unreachable", message: "connection refused: 127.0.0.1:4180", hint: null });
    await user.type(get("sign-in-username"), "demo");
    await user.type(get("sign-in-password"), "demo{Enter}");
    await pass(0);
    expect(get("error-message")).toHaveTextContent("The backend cannot be reached");
    expect(get("error-message")).toHaveTextContent("Check that you are online");
    expect(get("error-message")).toHaveTextContent("connection refused: 127.0.0.1:4180");
  });

  it("shows above it why the session ended", async () => {
    await openWindow({ sessions: [needsSignIn(NOW)] });
    expect(get("headline")).toHaveTextContent("Sign in again by 14:34 today");
    expect(get("reason")).toHaveTextContent("revoked by your administrator");
    expect(get("sign-in-username")).toHaveValue("ada@example.com");
    none("renew-now");
  });
});

describe("a session that lives", () => {
  it("counts down each second, and never below now", async () => {
    await openWindow({ sessions: [signedIn(NOW)], renewal: 60_000 });
    expect(get("next")).toHaveTextContent("Next: renew at 14:34:34, in 00:29 — a fifth of the lifetime");
    await pass(1_000);
    expect(get("countdown")).toHaveTextContent("00:28");
    expect(get("session-item-demo")).toHaveTextContent("renews in 00:28");
    await pass(27_000);
    expect(get("countdown")).toHaveTextContent("00:01");
  });

  it("shows a renewal when it happens: on the lifeline, under Recent, in the generation", async () => {
    await openWindow({ sessions: [signedIn(NOW, { past: 1 })] });
    const marks = () => all("lifeline-mark-renewed").length;
    const before = { marks: marks(), rows: all("history-renewed").length };
    await pass(29_000);
    expect(get("state-pill")).toHaveTextContent("Renewing");
    expect(get("next")).toHaveTextContent("Renewing now…");
    expect(get("renew-now")).toHaveAttribute("aria-disabled", "true");
    expect(get("renew-now")).toHaveAccessibleDescription("A renewal is under way");
    await pass(1_000);
    expect(get("state-pill")).toHaveTextContent("Signed in");
    expect(marks()).toBe(before.marks + 1);
    expect(all("history-renewed")).toHaveLength(before.rows + 1);
    expect(all("history-renewed")[0]).toHaveTextContent("Renewed in 300 ms, generation 42 → 43");
    expect(get("countdown")).toHaveTextContent("00:46");
  });

  it("renews at once when asked, and says why it could not", async () => {
    const { host, user } = await openWindow({ sessions: [signedIn(NOW)] });
    await user.click(get("renew-now"));
    await pass(300);
    expect(all("history-renewed")[0]).toHaveTextContent("42 → 43");
    host.failNext("renew", { code: "something_new", message: "The moon is in the way", hint: "Wait for it" });
    await user.click(get("renew-now"));
    expect(get("error-message")).toHaveTextContent("The moon is in the way");
    expect(get("error-message")).toHaveTextContent("Wait for it");
    await user.click(screen.getByRole("button", { name: "Dismiss" }));
    none("error-message");
  });

  it("says what it waits for", async () => {
    await openWindow({ sessions: [waiting(NOW)] });
    expect(get("next")).toHaveTextContent(/^Next: try again at 14:34:11, in 00:06 — The provider answered 503/);
    expect(all("history-failed")).toHaveLength(3);
    expect(get("session-item-demo")).toHaveTextContent("tries again in 00:06");
  });

  it("keeps the timer still while hidden or while nothing counts", async () => {
    const { host } = await openWindow({ sessions: [{ ...signedIn(NOW), next: null, access: null }] });
    expect(vi.getTimerCount()).toBe(0);
    host.change("demo", { ...signedIn(NOW), state: "waiting" });
    await pass(0);
    expect(vi.getTimerCount()).toBe(1);
    const hidden = vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
    document.dispatchEvent(new Event("visibilitychange"));
    expect(vi.getTimerCount()).toBe(0);
    hidden.mockReturnValue("visible");
    vi.setSystemTime(NOW + 10_000);
    document.dispatchEvent(new Event("visibilitychange"));
    await pass(0);
    expect(get("countdown")).toHaveTextContent("00:19");
    hidden.mockRestore();
  });

  it("speaks of changes only, and not of routine renewals", async () => {
    const { host } = await openWindow({ sessions: [signedIn(NOW)] });
    const said = () => screen.getByRole("status").textContent;
    await pass(31_000);
    expect(said()).toBe("");
    host.change("demo", needsSignIn(Date.now()));
    await pass(0);
    expect(said()).toBe("demo: sign in again");
  });

  it("speaks of each that changed at the same time, of what needs somebody first, and of many in a word", async () => {
    const accounts = ["a", "b", "c", "d", "e"];
    const { host } = await openWindow({ sessions: accounts.map((account) => signedIn(NOW, { account })) });
    const lines = () => [...screen.getByRole("status").children].map(({ textContent }) => textContent);
    host.changes(waiting(NOW, { account: "a" }), needsSignIn(NOW, { account: "b" }));
    await pass(0);
    expect(lines()).toEqual(["b: sign in again", "a: waiting to renew"]);
    await pass(11_000);
    host.changes(...["c", "d", "e"].map((account) => waiting(NOW, { account })), signedOut("a"), signedOut("b"));
    await pass(0);
    expect(lines()).toEqual(["a: signed out", "b: signed out", "c: waiting to renew", "2 more sessions have changed"]);
  });

  it("speaks of the same again when it happens again", async () => {
    const { host } = await openWindow({ sessions: [signedIn(NOW)] });
    const added: (string | null)[] = [];
    const observer = new MutationObserver((records) => added.push(...records.flatMap(({ addedNodes }) => [...addedNodes].map(({ textContent }) => textContent))));
    observer.observe(screen.getByRole("status"), { childList: true });
    for (const state of ["waiting", "renewing", "waiting"] as const) {
      host.change("demo", { state });
      await pass(0);
    }
    observer.disconnect();
    expect(added).toEqual(["demo: waiting to renew", "demo: waiting to renew"]);
  });
});

describe("signing out", () => {
  it("asks first, and Escape takes it back to where it began", async () => {
    const { host, user } = await openWindow({ sessions: [signedIn(NOW)] });
    const signOut = vi.spyOn(host, "signOut");
    await user.click(get("sign-out"));
    expect(screen.getByRole("alertdialog", { name: "Sign out of demo?" })).toBeInTheDocument();
    await user.keyboard("{Escape}");
    none("sign-out-confirm");
    expect(get("sign-out")).toHaveFocus();
    await user.keyboard("{Enter}{Enter}");
    expect(signOut).not.toHaveBeenCalled();
  });

  it("happens once confirmed, and offers to sign in again", async () => {
    const { user } = await openWindow({ sessions: [signedIn(NOW)] });
    await user.click(get("sign-out"));
    await user.click(get("sign-out-confirm"));
    await pass(0);
    expect(get("headline")).toHaveTextContent("Signed out");
    expect(get("sign-in-submit")).toBeInTheDocument();
    none("renew-now");
    none("sign-out");
  });
});

describe("the window", () => {
  it("begins with the sessions that came with the page, and takes in what the host says after that", async () => {
    const host = new FakeHost({ sessions: [signedIn(NOW, { account: "work" })], latency: 5_000 });
    const state = new AppState(host);
    void state.start(Promise.resolve(), [signedIn(NOW, { account: "demo" })]);
    render(App, { props: { host, state } });
    await pass(0);
    expect(screen.getByRole("heading", { level: 1 })).toHaveTextContent("demo");
    await pass(60_000);
    expect(screen.getByRole("heading", { level: 1 })).toHaveTextContent("work");
  });

  it("has the headline in its first frame, and what takes longer to draw after it", async () => {
    const host = new FakeHost({ sessions: [signedIn(NOW, { account: "demo" })] });
    vi.mocked(later).mockReturnValue(null);
    const first = render(App, { props: { host } });
    await pass(0);
    expect(get("headline")).toHaveTextContent(/^Signed in until/);
    none("lifeline");
    first.unmount();
    vi.mocked(later).mockRestore();
    render(App, { props: { host } });
    await pass(0);
    expect(get("lifeline")).toBeVisible();
    expect(screen.getByRole("heading", { name: /Recent/ })).toBeVisible();
  });

  it("says times of the zone that the machine has come to, if that is one", async () => {
    const { host } = await openWindow({ sessions: [signedIn(NOW)] });
    expect(get("headline")).toHaveTextContent("Signed in until 22:34 today");
    host.travel("Asia/Kathmandu");
    await pass(0);
    expect(get("headline")).toHaveTextContent("Signed in until 04:19 tomorrow");
    host.travel("Nowhere/At_All");
    await pass(0);
    expect(get("headline")).toHaveTextContent("Signed in until 22:34 today");
  });

  it("begins with the demo when there is no account", async () => {
    const { user } = await openWindow();
    await user.click(get("try-demo"));
    await pass(0);
    expect(get("session-item-demo")).toHaveAttribute("aria-current", "page");
    expect(get("state-pill")).toHaveTextContent("Signed in");
  });

  it("says so when the demo cannot be added", async () => {
    const { host, user } = await openWindow();
    host.failNext("addDemo", { code: "keychain_locked", message: "", hint: null });
    await user.click(get("try-demo"));
    expect(get("error-message")).toHaveTextContent("The keychain is locked");
    expect(get("try-demo")).toHaveTextContent("Try the demo");
  });

  it("shows each session by shape, and goes from one to another", async () => {
    const { user } = await openWindow({
      sessions: [signedIn(NOW, { account: "work" }), needsSignIn(NOW, { account: "staging" }), signedOut("demo")],
    });
    const marks = ["work", "staging", "demo"].map((account) =>
      get(`session-item-${account}`).querySelector("svg")?.getAttribute("data-mark"),
    );
    expect(marks).toEqual(["signed_in", "needs_sign_in", "signed_out"]);
    await user.click(get("session-item-staging"));
    expect(screen.getByRole("heading", { level: 1 })).toHaveTextContent("staging");
    await user.click(get("session-item-demo"));
    expect(get("headline")).toHaveTextContent("Signed out");
  });

  it("shows names and claims from servers as text, never as markup", async () => {
    const evil = `<img src=x onerror="globalThis.owned=true"><script>globalThis.owned=true</script>`;
    const status = signedIn(NOW, { account: "work" });
    const { container } = await openWindow({
      sessions: [
        {
          ...needsSignIn(NOW, { account: "work" }),
          identity: { name: evil, email: evil, subject: null },
          reason: { code: evil, message: evil, values: { said: evil } },
          access: status.access && { ...status.access, fingerprint: evil, claims: [{ name: "__proto__", value: evil }] },
          history: [{ ...mark("failed", NOW), at: evil, until: evil, fingerprint: evil, expires_at: evil, took_ms: NaN, reason: evil, note: evil }],
        },
        { ...status, account: evil, access: status.access && { ...status.access, claims: [{ name: evil, value: evil }, { name: "constructor", value: "x" }] } },
      ],
    });
    get(`session-item-${evil}`).click();
    await pass(0);
    expect(container.querySelector("img, script")).toBeNull();
    expect((globalThis as { owned?: boolean }).owned).toBeUndefined();
    expect(screen.getAllByText(evil).length).toBeGreaterThan(1);
    expect(screen.getByText("constructor")).toBeInTheDocument();
  });

  it("puts the list above the content where it is narrow", async () => {
    display.width = 420;
    const { container } = await openWindow({ sessions: [signedIn(NOW)] });
    expect(container.querySelector("[data-layout]")).toHaveAttribute("data-layout", "narrow");
    expect(get("session-item-demo")).toHaveClass("narrow");
    expect(get("renew-now")).toBeInTheDocument();
    expect(get("nav-log")).toBeInTheDocument();
  });

  it("says when the host cannot be reached, and tries again", async () => {
    const { host, user } = await openWindow({ sessions: [signedIn(NOW)], latency: 10 });
    host.failNext("sessions", { code: "internal", message: "no engine", hint: null });
    await pass(50);
    expect(get("error-message")).toHaveTextContent("no engine");
    await user.click(screen.getByRole("button", { name: "Try again" }));
    await pass(50);
    expect(get("headline")).toBeInTheDocument();
  });

  it("shows version and vault", async () => {
    await openWindow({ sessions: [signedIn(NOW)], info: { version: "1.2.3", vault: "keychain" } });
    expect(screen.getByText("1.2.3 · system keychain")).toBeInTheDocument();
  });
});
