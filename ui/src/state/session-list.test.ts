import { expect, it } from "vitest";
import type { SessionNews, SessionStatus } from "../ipc/bindings";
import { signedIn } from "../ipc/fake-sessions";
import { SessionList } from "./session-list";

/** A session that can be told from what it was. */
const session = (account: string, generation: number): SessionStatus => ({ ...signedIn(0, { account }), generation });

const shown = (sessions: readonly SessionStatus[]): string => sessions.map(({ account, generation }) => `${account} ${generation}`).join(", ");

it("keeps what has not changed and lets go of what is gone", () => {
  const list = new SessionList();
  expect(shown(list.answered(list.heard, [session("a", 1), session("b", 1)]))).toBe("a 1, b 1");
  expect(shown(list.changed({ accounts: ["a", "b"], changed: [session("b", 2)] }))).toBe("a 1, b 2");
  expect(shown(list.changed({ accounts: ["0", "b"], changed: [session("0", 1)] }))).toBe("0 1, b 2");
});

it("takes no answer for newer than what came while it was on its way", () => {
  const list = new SessionList();
  const { heard } = list;
  list.changed({ accounts: ["a"], changed: [session("a", 2)] });
  expect(shown(list.answered(heard, [session("a", 1), session("gone", 1)]))).toBe("a 2");
  expect(shown(list.answered(list.heard, [session("a", 3)]))).toBe("a 3");
});

it("shows in the end what the host has, however answers and news overtake each other", () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    // Mulberry's generator: the same draws each time.
    let state = seed;
    const draw = (below: number): number => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
    };
    let host = new Map<string, SessionStatus>();
    let told = new Map<string, SessionStatus>();
    const news: Pick<SessionNews, "accounts" | "changed">[] = [];
    const answers: { heard: number; all: SessionStatus[] }[] = [];
    const asking: number[] = [];
    const list = new SessionList();
    let seen = "";
    const step = (kind: number): void => {
      const sorted = [...host.values()].sort((one, other) => one.account.localeCompare(other.account));
      if (kind === 0) {
        const account = "abc"[draw(3)] ?? "";
        host = new Map(host);
        if (draw(4) === 0) host.delete(account);
        else host.set(account, session(account, draw(1000)));
      } else if (kind === 1) {
        news.push({ accounts: sorted.map(({ account }) => account), changed: sorted.filter((one) => told.get(one.account) !== one) });
        told = host;
      } else if (kind === 2) asking.push(list.heard);
      else if (kind === 3) {
        const heard = asking.shift();
        if (heard !== undefined) answers.push({ heard, all: sorted });
      } else if (kind === 4) {
        const next = news.shift();
        if (next) seen = shown(list.changed(next));
      } else {
        const next = answers.shift();
        if (next) seen = shown(list.answered(next.heard, next.all));
      }
    };
    // As the page begins: it listens first and asks then, with some changes behind it that it never heard of.
    step(0);
    step(1);
    news.length = 0;
    step(2);
    for (let time = 0; time < 60; time += 1) step(draw(6));
    step(1);
    for (const kind of [3, 4, 5]) for (let time = 0; time < 60; time += 1) step(kind);
    const sorted = [...host.values()].sort((one, other) => one.account.localeCompare(other.account));
    expect(seen, `seed ${seed}`).toBe(shown(sorted));
  }
});
