// What an account can be told, by provider: the keys of the configuration as fields of a form. Labels and hints are in
// the strings, under the same keys; what is right is the host's to say.
import type { KeyValue } from "../ipc/bindings";
import type { Changes, Keys } from "../ipc/host";

export type FieldKind = "text" | "url" | "duration" | "flag" | "choice" | "port" | "statuses" | "list" | "secret" | "place";

export interface FieldSpec {
  key: string;
  kind: FieldKind;
  choices?: readonly string[];
  /** What holds where nothing is set. */
  usual?: string;
  /** Whether a form for a new account must ask for it. */
  required?: boolean;
}

export interface Form {
  main: readonly FieldSpec[];
  more: readonly FieldSpec[];
}

const text = (key: string, usual?: string): FieldSpec => ({ key, kind: "text", ...(usual === undefined ? {} : { usual }) });
const url = (key: string, required = false): FieldSpec => ({ key, kind: "url", required });
const flag = (key: string, usual = "false"): FieldSpec => ({ key, kind: "flag", usual });
const place = (key: string, usual: string): FieldSpec => ({ key, kind: "place", usual });
const choice = (key: string, choices: readonly string[], usual: string): FieldSpec => ({ key, kind: "choice", choices, usual });
const duration = (key: string, usual?: string): FieldSpec => ({ key, kind: "duration", ...(usual === undefined ? {} : { usual }) });

/** When it renews: of every account. */
export const POLICY: readonly FieldSpec[] = [
  duration("renew_before"),
  duration("assumed_lifetime", "5m"),
  duration("max_age"),
  duration("idle_timeout"),
  duration("update_age"),
  choice("sensitivity", ["general", "admin"], "none"),
  flag("rolling"),
];

/** Where a REST backend's answers hold what. */
export const PLACES: readonly FieldSpec[] = [
  place("map.access_token", "/accessToken"),
  place("map.access_token_expiry", "/accessTokenExpiry"),
  place("map.refresh_token", "/refreshToken"),
  place("map.refresh_token_expiry", "/refreshTokenExpiry"),
  place("map.session_expiry", "/sessionExpiry"),
  place("map.id_token", "/idToken"),
  place("map.name", "/user/name"),
  place("map.email", "/user/email"),
  place("map.subject", "/user/id"),
];

/** Which hosts its tokens are for: of every account. */
const HOSTS: readonly FieldSpec[] = [{ key: "hosts", kind: "list" }, text("host_user", "oauth2")];

const CREDENTIALS: Form = {
  main: [url("login_url", true), url("refresh_url", true), url("logout_url"), url("user_info_url")],
  more: [
    text("username_field", "username"),
    choice("refresh_token.in", ["body", "header", "cookie"], "body"),
    text("refresh_token.name", "token"),
    { key: "refused_status", kind: "statuses", usual: "401" },
    flag("devserver"),
    ...PLACES,
    ...HOSTS,
  ],
};

const ENDPOINTS = ["authorization", "token", "device_authorization", "revocation", "end_session", "user_info", "jwks", "pushed_authorization_request"];

const OAUTH: Form = {
  main: [url("issuer"), text("client_id"), text("scope", "openid offline_access")],
  more: [
    text("preset"),
    text("base"),
    text("realm"),
    text("tenant"),
    { key: "client_secret", kind: "secret" },
    text("audience"),
    text("resource"),
    choice("redirect_host", ["127.0.0.1", "localhost"], "127.0.0.1"),
    text("redirect_path", "/callback"),
    { key: "redirect_port", kind: "port" },
    choice("dpop", ["auto", "always", "never"], "auto"),
    choice("par", ["auto", "always", "never"], "auto"),
    choice("pkce", ["auto", "always"], "auto"),
    flag("end_session"),
    flag("other_audiences"),
    flag("verify_access_token"),
    flag("devserver"),
    ...ENDPOINTS.map((name) => url(`endpoints.${name}`)),
    ...["name", "email", "roles", "picture", "subject"].map((name) => place(`claims.${name}`, name === "subject" ? "/sub" : `/${name}`)),
    ...HOSTS,
  ],
};

const NEXTAUTH: Form = {
  main: [url("site", true), text("credentials_provider", "credentials")],
  more: [text("username_field", "username"), text("password_field", "password"), text("session_cookie"), ...HOSTS],
};

const FORMS: Readonly<Record<string, Form>> = { credentials: CREDENTIALS, oauth: OAUTH, nextauth: NEXTAUTH };

/** The form of a provider; one that is not known here has no fields but those in the file. */
export const formOf = (provider: string): Form => FORMS[provider] ?? { main: [], more: [] };

/** Keys that stand in the file and have no field of their own: further parameters, and what a newer version knows. */
export function others(keys: Keys, known: readonly FieldSpec[]): FieldSpec[] {
  const taken = new Set(known.map(({ key }) => key));
  return Object.entries(keys)
    .filter(([key]) => key !== "provider" && !taken.has(key))
    .map(([key, value]) => ({ key, kind: kindOf(value) }));
}

const kindOf = (value: KeyValue): FieldKind =>
  typeof value === "boolean" ? "flag" : typeof value === "number" ? "port" : !Array.isArray(value) ? "text" : value.some((one) => typeof one === "string") ? "list" : "statuses";

/** A value as a field shows it. A secret is never shown: only a new one is typed. */
export function shown(spec: FieldSpec, value: KeyValue | undefined): string {
  if (spec.kind === "secret" || value === undefined) return "";
  return Array.isArray(value) ? value.join(", ") : String(value);
}

/** What a field holds as a value of the file; null where nothing is to stand there. */
export function written(spec: FieldSpec, shown: string): KeyValue | null {
  const typed = shown.trim();
  if (typed === "") return null;
  const whole = (part: string) => (/^\d{1,5}$/.test(part) && Number(part) <= 65_535 ? Number(part) : null);
  switch (spec.kind) {
    case "flag":
      return typed === "true" ? true : typed === spec.usual ? null : false;
    case "port":
      // What is no number stays a text, which the host complains about.
      return whole(typed) ?? typed;
    case "statuses": {
      const numbers = typed.split(/[\s,]+/).filter(Boolean).map(whole);
      return numbers.every((number) => number !== null) ? numbers : typed;
    }
    case "list":
      return typed.split(/[\s,]+/).filter(Boolean);
    case "text":
    case "url":
    case "duration":
    case "choice":
    case "secret":
    case "place":
      return typed;
  }
}

/** What differs from what stands in the file. */
export function changesOf(specs: readonly FieldSpec[], before: Keys, values: Readonly<Record<string, string>>): Changes {
  const changes: Changes = {};
  for (const spec of specs) {
    const now = values[spec.key];
    if (now === undefined || now.trim() === shown(spec, before[spec.key]).trim()) continue;
    changes[spec.key] = written(spec, now);
  }
  return changes;
}
