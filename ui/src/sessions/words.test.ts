import { describe, expect, it } from "vitest";
import { iso, mark, needsSignIn, reason, signedIn, signedOut, waiting } from "../ipc/fake-sessions";
import { explanation, happened, headline, lastRenewals, ring, subtitle } from "./words";

const now = Date.UTC(2026, 10, 20, 14, 34, 6);
const HOUR = 3600_000;

describe("the headline", () => {
  it("says until when, by when, or that it is over and why", () => {
    expect(headline(signedIn(now), now)).toBe("Signed in until 22:34 today");
    expect(headline(needsSignIn(now), now)).toBe("Sign in again by 14:34 today");
    const over = { ...needsSignIn(now - HOUR), headline: { kind: "needs_sign_in" as const, at: null } };
    expect(headline(over, now)).toBe("Sign in again: the provider refused to renew");
    expect(headline(signedOut("work", reason("ceiling_reached", "")), now)).toBe("Signed out: the session reached its end");
  });
  it("does not tell people what they did themselves", () => {
    expect(headline(signedOut("work", reason("signed_out", "You signed out")), now)).toBe("Signed out");
    expect(headline(signedOut("work", reason("never_signed_in", "")), now)).toBe("Signed out");
    expect(headline(signedOut("work"), now)).toBe("Signed out");
  });
  it("with a deadline that has passed is told without it", () => {
    const late = needsSignIn(now);
    expect(headline(late, now + HOUR)).toBe("Sign in again: the provider refused to renew");
  });
});

describe("the reason", () => {
  it("is what happened, what the provider said, and what to do", () => {
    expect(explanation(needsSignIn(now), now)).toEqual({
      what: "The provider refused to renew.",
      evidence: "The provider says: “the session was revoked by your administrator”.",
      todo: "Sign in again.",
    });
  });
  it("is not said twice", () => {
    expect(explanation(needsSignIn(now - HOUR), now)?.what).toBeNull();
    const status = waiting(now);
    const told = { ...status, next: status.next && { ...status.next, why: status.reason?.message ?? "" } };
    expect(explanation(told, now)).toBeNull();
    expect(explanation(signedIn(now), now)).toBeNull();
  });
  it("that the window has no words for is told in the host's", () => {
    const status = { ...waiting(now), reason: reason("something_new", "The moon is in the way") };
    expect(explanation(status, now)?.what).toBe("The moon is in the way");
  });
});

describe("the list", () => {
  it.each([
    ["unreachable", "waiting for network"],
    ["network", "waiting for network"],
    ["keychain_locked", "keychain is locked"],
    ["keychain_slow", "waiting for the keychain"],
    ["opening", "waiting for the keychain"],
  ])("says that it waits because of %s", (code, said) => {
    expect(subtitle({ ...waiting(now), reason: reason(code, "") }, now).template).toBe(said);
  });
  it("shows by a ring what is left and from where on it is renewed", () => {
    const status = signedIn(now, { lifetime: HOUR, gone: 0.75 });
    expect(ring(status, now)).toEqual({ left: 0.25, margin: 0.2 });
    expect(ring(status, now + 10 * HOUR)?.left).toBe(0);
    expect(ring(signedOut("work"), now)).toBeNull();
  });
});

it("renewals are told by what the last five took", () => {
  expect(lastRenewals(signedIn(now))).toMatch(/^The last 5 renewals took \d{3} ms\.$/);
  expect(lastRenewals(signedIn(now, { past: 0, generation: 1 }))).toBeNull();
});

const TOKENS = { provider: "credentials" };

it("what lasted is told with how long, and several as several", () => {
  expect(happened(mark("slept", now - HOUR, { until: iso(now - 19 * 60_000) }), TOKENS, now)).toBe("Woke after 41 min");
  expect(happened(mark("out_of_reach", now, { note: "the name is not known" }), TOKENS, now)).toBe("The provider is out of reach: the name is not known");
  expect(happened(mark("renewed", now, { count: 120, generation: 300 }), TOKENS, now)).toMatch(/^120×, the last: Renewed, generation\s299\s→\s300$/);
});

it("a program takes a token, and of a site its cookie", () => {
  const took = mark("taken", now, { generation: 3, note: "/usr/bin/git" });
  expect(happened(took, TOKENS, now)).toBe("git took the access token of generation 3");
  expect(happened(took, { provider: "nextauth" }, now)).toBe("git took the session cookie of generation 3");
});
