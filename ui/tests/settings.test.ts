// Settings on a fake host: what is shown, what is changed, and what is said before it is.
import { fireEvent, render, screen, within } from "@testing-library/svelte";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { demoKeys, settings } from "../src/ipc/fake-settings";
import { signedIn, signedOut } from "../src/ipc/fake-sessions";
import { FakeHost, type FakeOptions } from "../src/ipc/fake";
import { changesOf, formOf, others, POLICY, written } from "../src/accounts/fields";
import { chooseDates } from "../src/dates.svelte";
import { chooseLanguage } from "../src/strings";
import TroubleView from "../src/trouble/TroubleView.svelte";
import { NOW, openWindow, pass } from "./helpers";

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});
afterEach(async () => {
  vi.useRealTimers();
  chooseDates("language");
  await chooseLanguage("system");
});

async function openSettings(options: FakeOptions = {}) {
  const opened = await openWindow({ sessions: [signedIn(NOW, { account: "work" })], keys: { work: demoKeys }, ...options });
  await opened.user.click(screen.getByTestId("nav-settings"));
  await pass(0);
  return opened;
}

async function openAccount(options: FakeOptions = {}) {
  const opened = await openSettings(options);
  await opened.user.click(screen.getByTestId("edit-work"));
  await pass(0);
  return opened;
}

describe("settings", () => {
  it("are changed at once, written down, and said to those who listen", async () => {
    const { host, user } = await openSettings();
    await user.click(screen.getByTestId("setting-sign_in_soon"));
    await pass(0);
    expect((await host.settings()).app.notifications.sign_in_soon).toBe(false);
    expect(screen.getAllByText("Saved").length).toBeGreaterThan(0);
    await user.selectOptions(screen.getByTestId("setting-log_level"), "debug");
    await pass(0);
    expect((await host.appInfo()).log_level).toBe("debug");
    await user.click(screen.getByTestId("setting-start_at_login"));
    await pass(0);
    expect(screen.getByTestId("setting-start_at_login")).toBeChecked();
  });

  it("open the guide, and say where it is to be had when it is not here", async () => {
    const { host, user } = await openSettings();
    await user.click(screen.getByTestId("show-guide"));
    await pass(0);
    expect(screen.queryByText("The guide could not be opened")).toBeNull();
    host.failNext("showGuide", { code: "no_guide", message: "the guide could not be opened", hint: null });
    await user.click(screen.getByTestId("show-guide"));
    await pass(0);
    expect(screen.getByText("The guide could not be opened")).toBeVisible();
    expect(screen.getByText(/comes with the package/)).toBeVisible();
  });

  it("keep every change of several that come faster than they are written down", async () => {
    const { host } = await openSettings({ latency: 100 });
    await pass(1000);
    await fireEvent.change(screen.getByTestId("setting-log_level"), { target: { value: "debug" } });
    await fireEvent.change(screen.getByTestId("setting-dates"), { target: { value: "iso" } });
    await fireEvent.click(screen.getByTestId("setting-not_saved"));
    await pass(2000);
    const kept = host.settings();
    await pass(100);
    expect((await kept).app).toMatchObject({ log_level: "debug", dates: "iso", notifications: { not_saved: false, sign_in_soon: true } });
  });

  it("keep a change that is made while they are being read again", async () => {
    const { host } = await openSettings({ latency: 100 });
    await pass(1000);
    const reading = host.settings();
    await pass(100);
    const before = await reading;
    // What stood there when it was asked, said late.
    vi.spyOn(host, "settings").mockImplementationOnce(() => new Promise((say) => setTimeout(() => say(before), 500)));
    await fireEvent.click(screen.getByTestId("setting-start_at_login"));
    await pass(200);
    await fireEvent.change(screen.getByTestId("setting-log_level"), { target: { value: "debug" } });
    await pass(2000);
    await fireEvent.change(screen.getByTestId("setting-dates"), { target: { value: "iso" } });
    await pass(2000);
    const kept = host.settings();
    await pass(100);
    expect((await kept).app).toMatchObject({ log_level: "debug", dates: "iso" });
  });

  it("show another language and other dates without opening anything anew", async () => {
    await openSettings();
    // The other language is a chunk that is really loaded.
    vi.useRealTimers();
    await fireEvent.change(screen.getByTestId("setting-dates"), { target: { value: "iso" } });
    expect(await screen.findByText("Example: 2026-11-27 09:12", {}, { timeout: 30_000 })).toBeInTheDocument();
    await fireEvent.change(screen.getByTestId("setting-language"), { target: { value: "de" } });
    expect(await screen.findByRole("heading", { level: 1, name: "Einstellungen" }, { timeout: 30_000 })).toBeInTheDocument();
  });

  it("take quiet hours only as times of day", async () => {
    const { host, user } = await openSettings();
    await user.click(screen.getByTestId("setting-quiet"));
    await pass(0);
    const from = screen.getByTestId("setting-quiet_from");
    expect(from).toHaveValue("22:00");
    await user.clear(from);
    await user.type(from, "25:00");
    await user.tab();
    await pass(0);
    expect(screen.getByText("Write a time such as 22:00.")).toBeInTheDocument();
    expect((await host.settings()).app.notifications.quiet_from).toBe("22:00");
    const to = screen.getByTestId("setting-quiet_to");
    await user.clear(to);
    await user.type(to, "8:00");
    await user.tab();
    await pass(0);
    // The other one is still no time, and what stands there is not what holds.
    expect(screen.getByText("Write a time such as 22:00.")).toBeInTheDocument();
    expect([from, to].map((field) => field.getAttribute("aria-invalid"))).toEqual(["true", null]);
    await user.clear(from);
    await user.type(from, "9:30");
    await user.tab();
    await pass(0);
    expect((await host.settings()).app.notifications).toMatchObject({ quiet_from: "09:30", quiet_to: "08:00" });
  });

  it("show what was changed by hand in the file, and leave it as it is when the next one is changed", async () => {
    const { host, user } = await openSettings();
    const set = vi.spyOn(host, "setSettings").mockImplementation((app) => Promise.resolve({ ...app, dates: "iso" }));
    await user.click(screen.getByTestId("setting-not_saved"));
    await pass(0);
    expect(screen.getByTestId("setting-dates")).toHaveValue("iso");
    await user.click(screen.getByTestId("setting-sign_in_soon"));
    await pass(0);
    expect(set.mock.calls.map(([{ dates }]) => dates)).toEqual(["language", "iso"]);
  });

  it("keep what was set when it cannot be written down, and say why", async () => {
    const { host, user } = await openSettings();
    host.failNext("setSettings", { code: "configuration", message: "config.toml cannot be written", hint: null });
    await user.click(screen.getByTestId("setting-not_saved"));
    await pass(0);
    expect(screen.getByRole("alert")).toHaveTextContent("config.toml cannot be written");
    expect((await host.settings()).app.notifications.not_saved).toBe(true);
    expect(screen.getByTestId("setting-not_saved")).toBeChecked();
    host.failNext("setSettings", { code: "configuration", message: "config.toml cannot be written", hint: null });
    await user.selectOptions(screen.getByTestId("setting-dates"), "iso");
    await pass(0);
    expect(screen.getByTestId("setting-dates")).toHaveValue("language");
  });

  it("show where secrets are kept, what was found, and what to do", async () => {
    await openSettings();
    expect(screen.getByTestId("health-sum")).toHaveTextContent("1 warning");
    const findings = screen.getAllByTestId("finding");
    expect(findings.map((finding) => finding.getAttribute("data-grade"))).toEqual(["ok", "ok", "warning"]);
    expect(findings[2]).toHaveTextContent("What to do: see whether date and time are right");
  });

  it("leave the log level to the environment where that is set", async () => {
    await openSettings({ settings: { ...settings(), log_level_is_given: true } });
    expect(screen.getByTestId("setting-log_level")).toBeDisabled();
  });
});

describe("an account", () => {
  it("that cannot be looked at while somebody writes the file is looked at again with the next letter", async () => {
    const { host, user } = await openAccount();
    host.failNext("checkAccount", { code: "configuration", message: "config.toml:3: this is no TOML", hint: null });
    await user.type(screen.getByTestId("field-renew_before"), "2");
    await pass(1_000);
    expect(screen.getByTestId("error-message")).toHaveTextContent("this is no TOML");
    await user.type(screen.getByTestId("field-renew_before"), "m");
    await pass(1_000);
    expect(screen.queryByTestId("error-message")).toBeNull();
  });

  it("is removed only after it was said what that means", async () => {
    const { host, user } = await openSettings();
    await user.click(screen.getByTestId("remove-work"));
    await pass(0);
    expect(screen.getByRole("group", { name: "Remove work?" })).toHaveTextContent("its tokens are revoked");
    expect(screen.getByTestId("keep-account")).toHaveFocus();
    await user.click(screen.getByTestId("keep-account"));
    await pass(0);
    expect(await host.sessions()).toHaveLength(1);
    await user.click(screen.getByTestId("remove-work"));
    await pass(0);
    await user.click(screen.getByTestId("remove-confirm"));
    await pass(0);
    expect(await host.sessions()).toHaveLength(0);
    expect(screen.getByText("No account yet")).toBeInTheDocument();
  });

  it("shows what stands in the file, and what is wrong as soon as it is typed", async () => {
    const { user } = await openAccount();
    expect(screen.getByTestId("field-login_url")).toHaveValue("http://127.0.0.1:4180/auth/login");
    const margin = screen.getByTestId("field-renew_before");
    await user.clear(margin);
    await user.type(margin, "soon");
    await pass(300);
    expect(screen.getByTestId("problem-renew_before")).toHaveTextContent("this is no duration; write a number and a unit");
    expect(margin).toHaveAttribute("aria-invalid", "true");
    await user.clear(margin);
    await user.type(margin, "20s");
    await pass(300);
    expect(screen.queryByTestId("problem-renew_before")).toBeNull();
    expect(screen.getByTestId("what-saving-does")).toHaveTextContent("The session goes on");
  });

  it("keeps its session where it signs in to the same place, and says so where not", async () => {
    const { host, user } = await openAccount();
    const margin = screen.getByTestId("field-renew_before");
    await user.clear(margin);
    await user.type(margin, "20s");
    await pass(300);
    await user.click(screen.getByTestId("save-account"));
    await pass(0);
    expect((await host.accountKeys("work"))["renew_before"]).toBe("20s");
    expect((await host.sessions())[0]?.state).toBe("signed_in");
    // Back in the list, at the account it came from.
    expect(screen.getByTestId("edit-work")).toHaveFocus();

    await user.click(screen.getByTestId("edit-work"));
    await pass(0);
    const url = screen.getByTestId("field-login_url");
    await user.clear(url);
    await user.type(url, "https://api.example.com/login");
    await pass(300);
    expect(screen.getByTestId("what-saving-does")).toHaveTextContent("Saving signs you out");
    expect(screen.getByTestId("save-account")).toHaveTextContent("Save and sign out");
    await user.click(screen.getByTestId("save-account"));
    await pass(0);
    expect((await host.sessions())[0]?.state).toBe("signed_out");
  });

  it("is not saved while something is wrong: the wrong field gets the focus", async () => {
    const { host, user } = await openAccount();
    const url = screen.getByTestId("field-refresh_url");
    await user.clear(url);
    await user.type(url, "ftp://x{Enter}");
    await pass(0);
    expect(url).toHaveFocus();
    expect(screen.getByTestId("problem-refresh_url")).toBeInTheDocument();
    expect((await host.accountKeys("work"))["refresh_url"]).toBe(demoKeys["refresh_url"]);
  });

  it("never shows a secret: only that there is one", async () => {
    await openAccount({
      sessions: [signedOut("work", { code: "signed_out", message: "", values: {} })],
      keys: { work: { provider: "oauth", issuer: "https://login.example.com", client_id: "x", client_secret: true } },
    });
    const field = screen.getByTestId("field-client_secret");
    expect(field).toHaveValue("");
    expect(field).toHaveAttribute("type", "password");
    expect(within(field.closest("div") as HTMLElement).getByText(/A secret is set/)).toBeInTheDocument();
  });
});

describe("the keys of an account", () => {
  it("are written as what they are", () => {
    const flag = { key: "end_session", kind: "flag", usual: "false" } as const;
    expect([written(flag, "true"), written(flag, "false"), written(flag, "")]).toEqual([true, null, null]);
    expect(written({ key: "redirect_port", kind: "port" }, "4000")).toBe(4000);
    expect(written({ key: "redirect_port", kind: "port" }, "70000")).toBe("70000");
    expect(written({ key: "refused_status", kind: "statuses" }, "401, 403")).toEqual([401, 403]);
    expect(written({ key: "scope", kind: "text" }, "  ")).toBeNull();
  });

  it("are sent only where they differ", () => {
    const { main } = formOf("credentials");
    const values = { login_url: "http://127.0.0.1:4180/auth/login", refresh_url: "https://b.example", renew_before: "" };
    expect(changesOf([...main, ...POLICY], demoKeys, values)).toEqual({ refresh_url: "https://b.example", renew_before: null });
  });

  it("have a field even where this version does not know them", () => {
    const keys = { provider: "oauth", "parameters.prompt": "consent", brand_new: true };
    expect(others(keys, formOf("oauth").main)).toEqual([
      { key: "parameters.prompt", kind: "text" },
      { key: "brand_new", kind: "flag" },
    ]);
  });
});

describe("an app that cannot open", () => {
  const trouble = {
    about: "configuration" as const,
    message: "config.toml:2:12: accounts.work.provider: there is no such provider",
    hint: "correct the file and start again",
    file: "/home/ada/.config/latchkey/config.toml",
    problems: [{ line: 2, column: 12, key: "accounts.work.provider", what: "there is no such provider", remedy: "write `provider = \"oauth\"`" }],
  };

  it("says what is wrong, where, and what to do, and opens when it is right", async () => {
    const host = new FakeHost({ trouble });
    const open = vi.fn();
    const user = userEvent.setup({ advanceTimers: (ms) => vi.advanceTimersByTimeAsync(ms) });
    render(TroubleView, { props: { host, open } });
    await pass(0);
    expect(screen.getByTestId("trouble-title")).toHaveTextContent("The configuration cannot be read");
    const problem = screen.getByTestId("trouble-problem");
    expect(problem).toHaveTextContent("Line 2, column 12 accounts.work.provider: there is no such provider → write provider = \"oauth\"");
    expect(within(problem).getByText('provider = "oauth"').tagName, "what is to be typed is set apart").toBe("CODE");
    expect(screen.queryByText("correct the file and start again"), "each problem brings its remedy").toBeNull();
    await user.click(screen.getByTestId("try-again"));
    await pass(0);
    expect(screen.getByRole("status")).toHaveTextContent("It is not right yet");
    expect(open).not.toHaveBeenCalled();
    vi.spyOn(host, "tryAgain").mockResolvedValue(null);
    await user.click(screen.getByTestId("try-again"));
    await pass(0);
    expect(open).toHaveBeenCalledOnce();
  });
});
