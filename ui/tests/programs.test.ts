// Programs that take tokens: asking the person, and the list of them.
import { screen } from "@testing-library/svelte";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { program, signedIn } from "../src/ipc/fake-sessions";
import { NOW, openWindow, pass } from "./helpers";

const HOUR = 3_600_000;

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

const withPrograms = (...consumers: ReturnType<typeof program>[]) => openWindow({ sessions: [{ ...signedIn(NOW, { account: "work" }), consumers }] });

it("a program that asks is named by its path, and the answer is about exactly that one", async () => {
  const { host, user } = await withPrograms(program({ id: "other", program: "/opt/other" }), program({ program: "/usr/bin/git", pid: 4711 }));
  const decide = vi.spyOn(host, "decide");
  await pass(600);
  const [, card] = screen.getAllByTestId("program-asks");
  expect(card).toHaveTextContent("/usr/bin/git wants a token of work");
  expect(card).toHaveTextContent("Process 4711");
  // Elsewhere than in a run of its own from left to right, a language written the other way would turn the path round.
  expect(card!.querySelector('bdi[dir="ltr"]')).toHaveTextContent(/^\/usr\/bin\/git$/);
  expect(screen.getByTestId("session-item-work")).toHaveTextContent("a program wants a token");
  const [, allow] = screen.getAllByTestId("program-allow-for-now");
  await user.click(allow!);
  await pass(0);
  expect(decide.mock.calls).toEqual([["work", "00000000000000a1", "allow_for_now"]]);
  expect(screen.getAllByTestId("program-asks")).toHaveLength(1);
});

it("a click that was already on its way when the question came answers nothing", async () => {
  const { host, user } = await withPrograms(program());
  const decide = vi.spyOn(host, "decide");
  await user.click(screen.getByTestId("program-allow-for-now"));
  expect(decide).not.toHaveBeenCalled();
  await pass(600);
  await user.click(screen.getByTestId("program-refuse"));
  expect(decide.mock.calls).toEqual([["work", "00000000000000a1", "deny"]]);
});

it("the list says what each took until when, and offers what can be decided about it", async () => {
  const took = { times: 2, generation: 7, expires_at: new Date(NOW + HOUR).toISOString(), asked_at: null };
  const { host, user } = await withPrograms(
    program({ ...took, consent: "allowed", allowed_until: new Date(NOW + HOUR / 6).toISOString() }),
    program({ ...took, id: "", program: null, pid: null, consent: "open" }),
  );
  const list = screen.getByTestId("programs");
  expect(list).toHaveTextContent(/\/usr\/bin\/git allowed until .+ took generation 7, good until/);
  expect(list).toHaveTextContent("A program that cannot be told");
  expect(screen.getAllByRole("button", { name: /^Pause/ })).toHaveLength(1);
  const decide = vi.spyOn(host, "decide");
  await user.click(screen.getByRole("button", { name: "Pause: /usr/bin/git" }));
  await pass(0);
  expect(list).toHaveTextContent("paused");
  await user.click(screen.getByRole("button", { name: "Allow: /usr/bin/git" }));
  expect(decide.mock.calls.map(([, , decision]) => decision)).toEqual(["pause", "allow_for_now"]);
});

it("a second click on an answer does not answer the question that comes in its place", async () => {
  const { host, user } = await withPrograms(program(), program({ id: "other", program: "/opt/other" }));
  const decide = vi.spyOn(host, "decide");
  await pass(600);
  const allow = () => screen.getAllByTestId("program-allow-for-good")[0]!;
  await user.click(allow());
  await pass(50);
  expect(screen.getByTestId("program-asks")).toHaveTextContent("/opt/other");
  await user.click(allow());
  expect(decide.mock.calls).toEqual([["work", "00000000000000a1", "allow_for_good"]]);
  await pass(600);
  await user.click(allow());
  expect(decide).toHaveBeenLastCalledWith("work", "other", "allow_for_good");
});

it("a program that takes a token keeps its place in the list, and so do the buttons under a hand", async () => {
  const took = { times: 2, generation: 7, expires_at: new Date(NOW + HOUR).toISOString(), asked_at: null, consent: "open" } as const;
  const [git, deploy] = [program({ ...took }), program({ ...took, id: "b2", program: "/opt/deploy" })];
  const { host } = await withPrograms(git, deploy);
  const refuse = () => screen.getAllByRole("button", { name: /^Refuse/ });
  const [first, second] = refuse();
  second!.focus();
  // The host tells of the one that took one last first.
  host.change("work", { consumers: [{ ...deploy, times: 3 }, git] });
  await pass(0);
  expect(refuse()).toEqual([first, second]);
  expect(refuse().map((button) => button.getAttribute("aria-label"))).toEqual(["Refuse: /usr/bin/git", "Refuse: /opt/deploy"]);
  expect(second).toHaveFocus();
  host.change("work", { consumers: [program({ ...took, id: "c3", program: "/opt/new" }), deploy, git] });
  await pass(0);
  expect(refuse().map((button) => button.getAttribute("aria-label"))).toEqual(["Refuse: /usr/bin/git", "Refuse: /opt/deploy", "Refuse: /opt/new"]);
});

it("of which another process hears are said to be told of in the terminal, as long as it is so", async () => {
  const { host } = await openWindow({ sessions: [signedIn(NOW, { account: "work" })], info: { served_by: "another" } });
  expect(screen.getByTestId("programs")).toHaveTextContent("Use latchkey consumers in a terminal to see which they are, and to answer what they ask.");
  host.serve("us");
  await pass(0);
  expect(screen.queryByTestId("programs")).toBeNull();
});
