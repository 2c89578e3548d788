// Made-up sessions for the fake host: what the host would say at a moment, for each state.
import type { ConsumerStatus, HistoryMark, MarkKind, ReasonStatus, ServerFacts, SessionStatus } from "./bindings";

export const iso = (at: number): string => new Date(at).toISOString();

const HEX = "0123456789abcdef";

/** Looks like a fingerprint, says nothing. */
export const fingerprint = (seed: number): string => {
  let n = (seed * 2654435761) >>> 0;
  let digits = "";
  for (let i = 0; i < 6; i += 1) {
    digits += HEX[n % 16] ?? "0";
    n = Math.floor(n / 16) + 7919 * (i + 1);
  }
  return `${digits.slice(0, 4)}·${digits.slice(4)}`;
};

/** Something that happened, with nothing known of it but this. */
export const mark = (kind: MarkKind, at: number, known: Partial<HistoryMark> = {}): HistoryMark => ({
  kind,
  at: iso(at),
  until: null,
  count: 1,
  generation: 0,
  fingerprint: null,
  expires_at: null,
  took_ms: null,
  reason: null,
  note: null,
  ...known,
});

export const reason = (code: string, message: string, values: ReasonStatus["values"] = {}): ReasonStatus => ({ code, message, values });

const busy = { reason: "provider_busy", note: "The provider answered 503: it cannot do it now. Next try in 1.4 s" };

export interface Shape {
  account: string;
  /** Lifetime of an access token. */
  lifetime: number;
  generation: number;
  /** How many renewals lie behind. */
  past: number;
  /** How much of the current token's lifetime has gone, 0 to 1. */
  gone: number;
  refreshLifetime: number | null;
  ceilingIn: number | null;
  /** Failures before the last renewal. */
  failures: number;
}

const usual: Shape = {
  account: "demo",
  lifetime: 60_000,
  generation: 42,
  past: 8,
  gone: 0.3,
  refreshLifetime: 30 * 60_000,
  ceilingIn: 8 * 3600_000,
  failures: 0,
};

/** A fifth of the lifetime, at most an hour; and a fixed part of it as the jitter. */
const margin = (lifetime: number) => Math.min(lifetime / 5, 3600_000);
const jitter = (lifetime: number) => margin(lifetime) * 0.1;

export function tokens(lifetime: number, received: number, generation: number): Pick<SessionStatus, "access" | "next" | "generation"> {
  const expires = received + lifetime;
  const short = margin(lifetime) < 3600_000;
  return {
    generation,
    access: {
      received_at: iso(received),
      expires_at: iso(expires),
      margin_from: iso(expires - margin(lifetime)),
      fingerprint: fingerprint(generation),
      claims: [
        { name: "iss", value: "https://auth.example.com" },
        { name: "sub", value: "ada@example.com" },
        { name: "aud", value: "api.example.com" },
        { name: "roles", value: "admin, billing" },
        { name: "iat", value: String(Math.floor(received / 1000)) },
      ],
    },
    next: {
      action: "renew",
      at: iso(expires - margin(lifetime) - jitter(lifetime)),
      why: `${short ? "a fifth of the lifetime" : "an hour"} before expiry, ${short ? `${(jitter(lifetime) / 1000).toFixed(0)} s` : "6 min"} of jitter`,
      code: short ? "fifth_of_lifetime" : "an_hour",
      values: { margin_ms: String(margin(lifetime)), jitter_ms: String(jitter(lifetime)) },
    },
  };
}

export function signedIn(now: number, change: Partial<Shape> = {}): SessionStatus {
  const shape = { ...usual, ...change };
  const { lifetime, generation } = shape;
  const received = now - lifetime * shape.gone;
  const stride = lifetime - margin(lifetime) - jitter(lifetime);
  const history: HistoryMark[] = [];
  for (let back = shape.past; back >= 0; back -= 1) {
    const at = received - back * stride;
    const number = generation - back;
    const first = back === shape.past && number <= 1;
    history.push(
      mark(first ? "signed_in" : "renewed", at, {
        generation: number,
        fingerprint: fingerprint(number),
        expires_at: iso(at + lifetime),
        took_ms: first ? null : 280 + ((number * 37) % 90),
      }),
    );
  }
  const current = history.pop();
  for (let n = shape.failures; n > 0; n -= 1) {
    history.push(mark("failed", received - n * lifetime * 0.12, { generation: generation - 1, took_ms: 120, ...busy }));
  }
  if (current) history.push(current);
  const ceiling = shape.ceilingIn === null ? null : iso(now + shape.ceilingIn);
  return {
    account: shape.account,
    provider: "credentials",
    state: "signed_in",
    reason: null,
    headline: { kind: ceiling ? "signed_in_until" : "signed_in", at: ceiling },
    sign_in: null,
    clock_skew_ms: null,
    updated: null,
    identity: { name: "Ada Lovelace", email: "ada@example.com", subject: "ada@example.com" },
    clocks: {
      access: { expires_at: iso(received + lifetime), source: "expires_in" },
      refresh: shape.refreshLifetime === null ? null : { expires_at: iso(received + shape.refreshLifetime), source: "refresh_expires_in" },
      session: ceiling === null ? null : { expires_at: ceiling, source: "policy" },
    },
    renewals: { count: shape.past, failed: shape.failures, last_ms: 287 },
    refresh: { fingerprint: fingerprint(generation + 500), since: iso(received), rotates: true },
    history,
    consumers: [],
    ...tokens(lifetime, received, generation),
  };
}

/** A site's session, which is its cookie: read now and then, and sealed anew each time. */
export function cookieSession(now: number, change: Partial<Shape> = {}): SessionStatus {
  const base = signedIn(now, { account: "shop", lifetime: 30 * 24 * 3600_000, refreshLifetime: null, gone: 0.02, past: 0, generation: 1, ...change });
  const until = base.access?.expires_at ?? iso(now);
  return {
    ...base,
    provider: "nextauth",
    headline: { kind: "signed_in_until", at: until },
    access: base.access && { ...base.access, claims: [] },
    clocks: { access: { expires_at: until, source: "session_expiry" }, refresh: null, session: { expires_at: until, source: "session_expiry" } },
    refresh: base.refresh && { ...base.refresh, rotates: null },
  };
}

/** A program that asks for a token, or took one. */
export function program(change: Partial<ConsumerStatus> = {}): ConsumerStatus {
  return {
    id: "00000000000000a1",
    program: "/usr/bin/git",
    name: "git",
    pid: 4711,
    fingerprint: null,
    generation: null,
    taken_at: null,
    expires_at: null,
    current: false,
    times: 0,
    consent: "asked",
    asked_at: iso(Date.now()),
    allowed_until: null,
    ...change,
  };
}

export function signedOut(account: string, reason: SessionStatus["reason"] = null): SessionStatus {
  return {
    account,
    provider: "credentials",
    state: "signed_out",
    reason,
    headline: { kind: "signed_out", at: null },
    generation: 0,
    sign_in: null,
    clock_skew_ms: null,
    updated: null,
    identity: null,
    clocks: { access: null, refresh: null, session: null },
    next: null,
    renewals: { count: 0, failed: 0, last_ms: null },
    access: null,
    refresh: null,
    history: [],
    consumers: [],
  };
}

export function waiting(now: number, change: Partial<Shape> = {}): SessionStatus {
  const base = signedIn(now, { gone: 0.86, failures: 0, ...change });
  const failures: HistoryMark[] = [9_000, 6_500, 2_000].map((ago) =>
    mark("failed", now - (ago * (change.lifetime ?? 60_000)) / 60_000, { generation: base.generation, took_ms: 5, ...busy }),
  );
  const why = "The provider answered 503: it cannot do it now";
  return {
    ...base,
    state: "waiting",
    reason: reason("provider_busy", why, { status: "503" }),
    next: { action: "retry_renewal", at: iso(now + 5_400), why, code: "provider_busy", values: { status: "503" } },
    renewals: { count: 8, failed: 3, last_ms: 287 },
    history: [...base.history, ...failures],
  };
}

export function needsSignIn(now: number, change: Partial<Shape> = {}): SessionStatus {
  const base = signedIn(now, { gone: 0.6, ...change });
  const by = base.access?.expires_at ?? null;
  return {
    ...base,
    state: "needs_sign_in",
    reason: reason("refused", "The provider refused to renew (“the session was revoked by your administrator”). Sign in again", {
      said: "the session was revoked by your administrator",
    }),
    headline: { kind: "sign_in_again_by", at: by },
    next: { action: "sign_in", at: by, why: "the access token in hand is still good until then", code: "access_token_lives", values: {} },
    clocks: { ...base.clocks, refresh: null, session: null },
    history: [
      ...base.history,
      mark("failed", now - 4_000, {
        generation: base.generation,
        took_ms: 41,
        reason: "refused",
        note: "The provider refused to renew (“the session was revoked by your administrator”). Sign in again",
      }),
    ],
  };
}

/** Somebody at an authorization server who has not signed in. */
export const corp = (account = "work"): SessionStatus => ({ ...signedOut(account), provider: "oauth" });

export const PAGE = "https://login.example.com/realms/work/protocol/openid-connect/auth";

/** The browser is open, and the person has not come back yet. */
export const inBrowser = (now: number, account = "work", opened = true): SessionStatus => ({
  ...corp(account),
  state: "signing_in",
  headline: { kind: "signing_in", at: null },
  sign_in: {
    kind: "browser",
    url: `${PAGE}?client_id=latchkey-desktop&response_type=code&scope=openid%20profile%20email%20offline_access&state=Zq3l0Vt6&code_challenge_method=S256`,
    opened,
    expires_at: iso(now + 272_000),
  },
});

/** A code waits to be entered. */
export const withCode = (now: number, account = "work", left = 581_000): SessionStatus => ({
  ...corp(account),
  state: "signing_in",
  headline: { kind: "signing_in", at: null },
  sign_in: {
    kind: "device",
    user_code: "WDJB-MJHT",
    verification_uri: "https://login.example.com/device",
    verification_uri_complete: "https://login.example.com/device?user_code=WDJB-MJHT",
    expires_at: iso(now + left),
  },
});

export const server: ServerFacts = {
  issuer: "https://login.example.com/realms/work",
  name: "work",
  scope: "openid profile email offline_access",
  redirect_uri: "http://127.0.0.1/callback",
  browser: true,
  device: true,
  revocation: true,
  end_session: true,
  dpop: false,
};
