import { expect, it } from "vitest";
import { iso, needsSignIn, signedIn } from "../ipc/fake-sessions";
import { HOUR, MINUTE } from "../time";
import { comesNear } from "./deadlines";

const now = Date.UTC(2026, 10, 20, 14, 34, 6);
const at = now + 2 * HOUR;
const status = { ...needsSignIn(now, { lifetime: 8 * HOUR }), headline: { kind: "sign_in_again_by" as const, at: iso(at) } };

it("a deadline is told an hour, a quarter of an hour, five minutes and a minute ahead, each once", () => {
  const told: number[] = [];
  for (let moment = now; moment < at + MINUTE; moment += 20_000) {
    const left = comesNear(status, moment - 20_000, moment);
    if (left !== null) told.push(left / MINUTE);
  }
  expect(told).toEqual([60, 15, 5, 1]);
});

it("after a sleep the nearest is told, once", () => {
  expect(comesNear(status, now, at - 4 * MINUTE)).toBe(4 * MINUTE);
  expect(comesNear(status, now, at + MINUTE)).toBeNull();
});

it("nobody is warned for more than a third of what the token lives", () => {
  const short = { ...needsSignIn(at - 5 * MINUTE, { lifetime: 9 * MINUTE, gone: 0 }), headline: status.headline };
  expect(comesNear(short, at - 6 * MINUTE, at - 4 * MINUTE)).toBeNull();
  expect(comesNear(short, at - 2 * MINUTE, at - MINUTE)).toBe(MINUTE);
});

it("a session that stays signed in has no such deadline", () => {
  expect(comesNear(signedIn(now), now, now + 10 * HOUR)).toBeNull();
});
