// What a token says, explained: which claims are times, which are lists, what differs from the token before. Pure.
import type { ClaimStatus } from "../ipc/bindings";
import { named, text } from "../strings";

export type Value =
  | { kind: "text"; text: string }
  /** Milliseconds since the epoch. */
  | { kind: "time"; at: number }
  | { kind: "list"; items: string[] }
  | { kind: "flag"; yes: boolean }
  /** Members of an object, or what is too deep to be told apart. */
  | { kind: "members"; members: { name: string; value: string }[] };

export interface Claim {
  /** As it stands in the token. */
  name: string;
  /** What it means; the name itself where that is not known. */
  meaning: string;
  /** As the token has it, for those who copy it. */
  raw: string;
  value: Value;
  /** What it was in the token before, where that is another. */
  before: string | null;
  change: "same" | "new" | "changed" | "gone";
}

/** Seconds since the epoch by their names (RFC 7519 §4.1, OpenID Connect Core §2 and §5.1, Auth0, Entra). */
const TIMES = new Set(["exp", "nbf", "iat", "auth_time", "updated_at", "xms_tcdt"]);

/** Lists whose members are separated by spaces (RFC 8693 §4.2). */
const SPACED = new Set(["scope", "scp"]);

/** What differs from token to token by itself. */
const PASSING = new Set(["exp", "nbf", "iat", "jti", "uti", "aio", "rh", "at_hash", "c_hash", "nonce"]);

/** Where roles and scopes stand, by the habits of known servers. */
const ALLOWING = ["roles", "groups", "entitlements", "permissions", "wids", "scope", "scp", "realm_access", "resource_access"];

/** What people look for first. */
const FIRST = ["iss", "sub", "aud", "client_id", "azp", "name", "preferred_username", "email"];

const LATEST = 8.64e12;

export function read({ name, value }: ClaimStatus): Value {
  if (TIMES.has(name) && /^\d{1,13}(\.\d+)?$/.test(value) && Number(value) < LATEST) return { kind: "time", at: Number(value) * 1000 };
  if (SPACED.has(name) && !value.startsWith("[")) return { kind: "list", items: value.split(" ").filter(Boolean) };
  if (value === "true" || value === "false") return { kind: "flag", yes: value === "true" };
  return structured(value) ?? { kind: "text", text: value };
}

/** A list or an object, where it is one and was not cut. */
function structured(value: string): Value | null {
  if (!/^[[{]/.test(value)) return null;
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch {
    return null;
  }
  if (Array.isArray(parsed)) return { kind: "list", items: parsed.map(plain) };
  if (typeof parsed !== "object" || parsed === null) return null;
  return { kind: "members", members: Object.entries(parsed).map(([name, member]) => ({ name, value: plain(member) })) };
}

const plain = (value: unknown): string =>
  typeof value === "string" ? value : Array.isArray(value) && value.every((item) => typeof item === "string") ? value.join(", ") : JSON.stringify(value);

/** All claims, what people look for first at the top, with what differs from the token before. */
export function explained(claims: readonly ClaimStatus[], previous: readonly ClaimStatus[] | null): Claim[] {
  const before = new Map(previous?.map(({ name, value }) => [name, value]));
  const one = ({ name, value }: ClaimStatus): Claim => {
    const was = before.get(name);
    const change = previous === null || was === value ? "same" : was === undefined ? "new" : "changed";
    return { name, meaning: named(text.claims, name), raw: value, value: read({ name, value }), before: change === "changed" ? (was ?? null) : null, change };
  };
  const there = new Set(claims.map(({ name }) => name));
  const gone = (previous ?? [])
    .filter(({ name }) => !there.has(name))
    .map(({ name, value }): Claim => ({ name, meaning: named(text.claims, name), raw: "", value: { kind: "text", text: "" }, before: value, change: "gone" }));
  const rank = (name: string) => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length);
  return [...claims.map(one), ...gone].sort((a, b) => rank(a.name) - rank(b.name));
}

/** Whether it tells something that this claim differs. */
export const telling = ({ name, change }: Claim): boolean => change !== "same" && !PASSING.has(name);

/** The names in a claim that says what somebody may do, to be shown one by one. */
export function allowed(claims: readonly Claim[]): { name: string; meaning: string; items: string[] }[] {
  return claims.flatMap(({ name, meaning, value, change }) => {
    if (!ALLOWING.includes(name) || change === "gone") return [];
    if (value.kind === "list") return value.items.length > 0 ? [{ name, meaning, items: value.items }] : [];
    if (value.kind === "text") return value.text === "" ? [] : [{ name, meaning, items: [value.text] }];
    if (value.kind !== "members") return [];
    // Keycloak: {"roles": [...]} for the realm, {"client": {"roles": [...]}} for clients.
    const items = value.members.flatMap((member) => rolesOf(member.value).map((role) => (name === "resource_access" ? `${member.name}: ${role}` : role)));
    return items.length > 0 ? [{ name, meaning, items }] : [];
  });
}

function rolesOf(value: string): string[] {
  const inner = structured(value);
  if (inner?.kind === "members") return inner.members.filter(({ name }) => name === "roles").flatMap((member) => rolesOf(member.value));
  if (inner?.kind === "list") return inner.items;
  return value.split(", ").filter(Boolean);
}

export interface Lifetime {
  issued: number | null;
  starts: number | null;
  ends: number | null;
}

/** From when until when a token says that it is valid. */
export function lifetime(claims: readonly Claim[]): Lifetime {
  const at = (wanted: string): number | null => {
    const found = claims.find(({ name, change }) => name === wanted && change !== "gone")?.value;
    return found?.kind === "time" ? found.at : null;
  };
  const [issued, starts] = [at("iat"), at("nbf")];
  return { issued, starts: starts === issued ? null : starts, ends: at("exp") };
}
