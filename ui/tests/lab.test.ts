// The lab on a fake host.
import { screen, within } from "@testing-library/svelte";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Outcome } from "../src/ipc/bindings";
import { signedIn } from "../src/ipc/fake-sessions";
import { en } from "../src/strings/en";
import { NOW, openWindow, pass } from "./helpers";

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

async function openLab(part: string) {
  const opened = await openWindow({ sessions: [signedIn(NOW, { account: "demo" })] });
  opened.host.labState = { url: "http://127.0.0.1:4180", account: "demo", faults: [], requests: [] };
  await opened.user.click(screen.getByTestId("nav-lab"));
  await pass(0);
  await opened.user.click(screen.getByTestId(`lab-${part}`));
  await pass(0);
  return opened;
}

const fates = () => screen.queryAllByTestId("tour-token").map((token) => token.className.split(" ")[0]);

it("the tour shows rotation, reuse detection and a grace window, one step at a time", async () => {
  const { user } = await openLab("tour");
  await user.click(screen.getByTestId("tour-begin"));
  await pass(0);
  const seen = [];
  for (const step of en.lab.tour.steps) {
    expect(screen.getByRole("heading", { level: 3, name: step.title })).toBeVisible();
    seen.push(fates().join(" "));
    await user.click(screen.getByTestId("tour-next"));
    await pass(0);
  }
  expect(seen).toEqual([
    "live",
    "used live",
    "revoked revoked",
    "revoked revoked",
    "used live",
    "used live",
    "revoked revoked",
  ]);
  expect(fates()).toEqual(["live"]);
});

it("a fault is planned with a click, listed, and cleared", async () => {
  const { user } = await openLab("backend");
  await user.click(screen.getByTestId("lab-fault-fail"));
  await pass(0);
  expect(within(screen.getByTestId("lab-planned")).getByText("status at refresh, 3 times")).toBeVisible();
  await user.click(screen.getByTestId("lab-clear"));
  await pass(0);
  expect(screen.queryByTestId("lab-planned")).toBeNull();
  await user.click(screen.getByTestId("lab-switch-replay"));
  await pass(0);
  expect(screen.getByText(/the family is revoked/)).toBeVisible();
});

it("what the backend's session could not do is said until the next thing is asked for, whatever happens meanwhile", async () => {
  const { host, user } = await openLab("backend");
  host.failNext("renew", { code: "backend_unreachable", message: "it answered 503", hint: null });
  await user.click(screen.getByTestId("lab-renew"));
  host.change("demo", { clock_skew_ms: 1 });
  await pass(0);
  expect(screen.getByTestId("error-message")).toHaveTextContent("it answered 503");
  await user.click(screen.getByTestId("lab-fault-fail"));
  await pass(0);
  expect(screen.queryByTestId("error-message")).toBeNull();
});

it("what came of a scenario is shown with that scenario and that rule, and with no other", async () => {
  const { host, user } = await openLab("scenarios");
  await user.click(screen.getByTestId("lab-run"));
  await pass(0);
  expect(screen.getByTestId("lab-outcome")).toBeVisible();
  await user.selectOptions(screen.getByTestId("lab-rule"), "reuse-accepted");
  expect(screen.queryByTestId("lab-outcome")).toBeNull();
  const outcome = await host.labRun("double-spend", "reuse-accepted");
  let answer: (outcome: Outcome) => void = () => undefined;
  vi.spyOn(host, "labRun").mockImplementation(() => new Promise((resolve) => (answer = resolve)));
  await user.click(screen.getByTestId("lab-run"));
  await user.selectOptions(screen.getByTestId("lab-rule"), "none");
  answer(outcome);
  await pass(0);
  expect(screen.queryByTestId("lab-outcome")).toBeNull();
  expect(screen.getByTestId("lab-run")).toHaveAttribute("aria-disabled", "false");
});

it("a scenario says who did wrong, and shows it", async () => {
  const { user } = await openLab("scenarios");
  await user.click(screen.getByTestId("lab-run"));
  await pass(0);
  expect(screen.getByTestId("lab-outcome")).toHaveTextContent(en.lab.scenarios.nobody);
  await user.selectOptions(screen.getByTestId("lab-rule"), "reuse-accepted");
  await user.click(screen.getByTestId("lab-run"));
  await pass(0);
  const outcome = screen.getByTestId("lab-outcome");
  expect(outcome).toHaveTextContent(en.lab.scenarios.backend);
  expect(outcome).toHaveTextContent("it exchanged it");
  expect(within(outcome).getByRole("img")).toHaveAccessibleName(/faults 1, requests 3/);
});

it("a profile is measured and each finding has a grade in words", async () => {
  const { host, user } = await openLab("profile");
  host.labFindings = [
    { fact: "grace", title: "Grace window", value: "none", code: "grace_none", values: {}, grade: "note", advice: "a lost reply ends the session", advice_code: "lost_reply_ends", standard: "RFC 9700 §4.14.2" },
  ];
  await user.click(screen.getByTestId("lab-measure"));
  await pass(0);
  expect(screen.getByTestId("lab-findings")).toHaveTextContent("worth knowing");
});

it("a profile is that of the account that is chosen, and of no other", async () => {
  const opened = await openWindow({ sessions: [signedIn(NOW, { account: "demo" }), signedIn(NOW, { account: "work" })] });
  const { host, user } = opened;
  host.labFindings = [{ fact: "grace", title: "Grace window", value: "none", code: "grace_none", values: {}, grade: "note", advice: null, advice_code: null, standard: null }];
  await user.click(screen.getByTestId("nav-lab"));
  await pass(0);
  await user.click(screen.getByTestId("lab-profile"));
  await pass(0);
  await user.click(screen.getByTestId("lab-measure"));
  await pass(0);
  expect(screen.getByTestId("lab-findings")).toBeInTheDocument();
  const account = screen.getByRole("combobox", { name: en.lab.profile.account });
  await user.selectOptions(account, "work");
  expect(screen.queryByTestId("lab-findings")).toBeNull();
  await user.type(screen.getByLabelText(en.lab.profile.username), "ada");
  await user.type(screen.getByLabelText(en.lab.profile.password), "secret");
  let answer: (found: typeof host.labFindings) => void = () => undefined;
  const asked = vi.spyOn(host, "labProfile").mockImplementation(() => new Promise((resolve) => (answer = resolve)));
  await user.click(screen.getByTestId("lab-measure"));
  expect(asked).toHaveBeenCalledWith("work", "ada", "secret");
  expect(screen.getByLabelText(en.lab.profile.password)).toHaveValue("");
  await user.selectOptions(account, "demo");
  answer(host.labFindings);
  await pass(0);
  expect(screen.queryByTestId("lab-findings")).toBeNull();
});

it("a policy is foreseen over a month, and beside another one", async () => {
  const { user } = await openLab("policies");
  expect(screen.getAllByTestId("policy-end")).toHaveLength(4);
  const [first] = screen.getAllByTestId("policy-end");
  first?.focus();
  expect(first).toHaveAccessibleName(/Signed out on day 8, Mon.*lasted as long as this account allows/);
  await user.keyboard("{ArrowRight}");
  expect(document.activeElement).toHaveAccessibleName(/day 15/);
  expect(screen.getByTestId("policy-reasons-0")).toHaveTextContent("4 times: The session lasted as long");

  await user.click(screen.getByTestId("policy-beside"));
  await user.selectOptions(screen.getByTestId("policy-rolling-1"), "true");
  await pass(0);
  expect(within(screen.getByTestId("policy-month-1")).getByText(en.lab.policies.never)).toBeVisible();
  expect(screen.getByTestId("policy-compared")).toHaveTextContent("The second policy signs you out 4 times less, and the provider sees 8 requests fewer.");
});
