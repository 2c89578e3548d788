// The shapes that cross between the host and the window. No type here can hold a token: a fingerprint
// is all the window ever sees of one. Written by hand until the generated bindings replace it.

/** RFC 3339, UTC, with a fraction. */
export type Timestamp = string;

export type SessionState =
  | "signed_out"
  | "signing_in"
  | "signed_in"
  | "renewing"
  | "saving"
  | "waiting"
  | "needs_sign_in";

export type Level = "error" | "warn" | "info" | "debug" | "trace";

/** When does it end, and where was that learned? */
export interface Clock {
  expires_at: Timestamp;
  /** expires_in, jwt_exp, access_token_expiry, refresh_expires_in, session_expiry, policy, assumed */
  source: string;
}

export interface Reason {
  code: string;
  message: string;
}

export type HeadlineKind =
  | "signed_in_until"
  | "signed_in"
  | "sign_in_again_by"
  | "signing_in"
  | "signed_out"
  | "needs_sign_in"
  | "unknown";

export interface Headline {
  kind: HeadlineKind;
  at: Timestamp | null;
}

export type NextKind = "renew" | "retry_renewal" | "retry_save" | "read_vault" | "retry_erase" | "sign_in" | "wait";

export interface NextAction {
  action: NextKind;
  at: Timestamp | null;
  why: string;
}

export interface Identity {
  name: string | null;
  email: string | null;
  subject: string | null;
}

export interface Claim {
  name: string;
  value: string;
}

/** The access token in hand: facts, never the token. */
export interface AccessFacts {
  received_at: Timestamp;
  expires_at: Timestamp;
  margin_from: Timestamp;
  fingerprint: string;
  claims: Claim[];
}

export interface RefreshFacts {
  fingerprint: string;
  since: Timestamp;
  /** Does the server replace it at each renewal? null until the first one told. */
  rotates: boolean | null;
}

export interface HistoryEntry {
  kind: "signed_in" | "renewed" | "adopted" | "failed";
  at: Timestamp;
  generation: number;
  fingerprint: string | null;
  expires_at: Timestamp | null;
  took_ms: number | null;
  note: string | null;
}

export interface SessionStatus {
  account: string;
  provider: "credentials" | "oauth" | "nextauth";
  state: SessionState;
  /** Why it is signed out, needs a sign-in, or waits. */
  reason: Reason | null;
  headline: Headline;
  generation: number;
  identity: Identity | null;
  clocks: { access: Clock | null; refresh: Clock | null; session: Clock | null };
  next: NextAction | null;
  renewals: { count: number; failed: number; last_ms: number | null };
  access: AccessFacts | null;
  refresh: RefreshFacts | null;
  /** Oldest first, at most 200. */
  history: HistoryEntry[];
}

export interface LogRecord {
  seq: number;
  at: Timestamp;
  level: Level;
  account: string | null;
  kind: string;
  message: string;
  facts: Record<string, string | number | boolean>;
}

export interface CommandError {
  code: string;
  message: string;
  hint: string | null;
}

export interface AppInfo {
  version: string;
  vault: string;
  log_level: Level;
}
