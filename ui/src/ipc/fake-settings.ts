// The settings of the host without an app: what they are, and what it finds wrong with an account.
import { language } from "../strings";
import type { AccountCheck, KeyValue, PresetFacts, Report, Settings, Trial } from "./bindings";
import type { Changes, Keys } from "./host";

export const settings = (): Settings => ({
  app: {
    language: "system",
    dates: "language",
    log_level: "info",
    notifications: { sign_in_needed: true, window_forward: false, sign_in_soon: true, not_saved: true, quiet_from: null, quiet_to: null },
  },
  start_at_login: false,
  config_file: "/home/ada/.config/latchkey/config.toml",
  log_level_is_given: false,
});

export const health: Report = {
  healthy: true,
  findings: [
    { topic: "vault", account: null, code: "vault_works", grade: "ok", message: "The keychain (Secret Service) wrote, read and erased a probe in 12 ms", hint: null, sentence: "vault_works", values: { took_ms: "12" } },
    { topic: "config", account: null, code: "config_read", grade: "ok", message: "2 accounts in /home/ada/.config/latchkey/config.toml", hint: null, sentence: "config_read", values: { count: "2", file: "/home/ada/.config/latchkey/config.toml" } },
    { topic: "clock", account: null, code: "clock_set_back", grade: "warning", message: "The clock was set back: /home/ada/.local/state/latchkey/log/events.jsonl was written 12 min after the time it shows", hint: "see whether date and time are right", sentence: "clock_set_back", values: { file: "/home/ada/.local/state/latchkey/log/events.jsonl", ahead_ms: "720000" } },
  ],
};

/** What a REST backend's account says, as the demo has it. */
export const demoKeys: Keys = {
  provider: "credentials",
  login_url: "http://127.0.0.1:4180/auth/login",
  refresh_url: "http://127.0.0.1:4180/auth/refreshToken",
  renew_before: "12s",
};

const REQUIRED: Readonly<Record<string, readonly string[]>> = { credentials: ["login_url", "refresh_url"], oauth: ["client_id"], nextauth: ["site"] };

/** Where an account signs in: another one there ends the session. */
const PLACE = ["login_url", "refresh_url", "issuer", "client_id", "site"];

/** The host speaks the language that was chosen. */
export const say = (english: string, german: string): string => (language() === "de" ? german : english);

/** The two mistakes that people make most, as the host tells them. */
export function check(before: Keys | null, changes: Changes): AccountCheck {
  const keys = apply(before ?? {}, changes);
  const problems = Object.entries(keys).flatMap(([key, value]) => {
    if (typeof value !== "string") return [];
    if (/(_url|issuer|site)$/.test(key) && !value.startsWith("https://") && !/^http:\/\/(127\.0\.0\.1|localhost)\b/.test(value)) {
      return [{ key, what: say("this is no `https` URL", "das ist keine URL mit `https`"), remedy: say("write an absolute URL such as `https://api.example.com/auth/login`", "schreiben Sie eine vollständige URL wie `https://api.example.com/auth/login`") }];
    }
    if (key === "renew_before" && !/^(\d+[hms])+$/.test(value)) {
      return [{ key, what: say("this is no duration", "das ist keine Dauer"), remedy: say("write a number and a unit, such as `90s`, `5m` or `1h30m`", "schreiben Sie eine Zahl und eine Einheit, etwa `90s`, `5m` oder `1h30m`") }];
    }
    return [];
  });
  const missing = (REQUIRED[String(keys["provider"])] ?? [])
    .filter((key) => !(key in keys))
    .map((key) => ({ key, what: say("this key is missing", "dieser Schlüssel fehlt"), remedy: say(`add \`${key} = "…"\``, `fügen Sie \`${key} = "…"\` hinzu`) }));
  const advice =
    keys["rolling"] === true && !("max_age" in keys)
      ? [{ code: "rolling_without_max_age", warns: true, message: "`rolling` moves an end that is not set; set `max_age`, or remove `rolling`", values: {} }]
      : [];
  return { problems: [...missing, ...problems], advice, ends_session: before !== null && PLACE.some((key) => key in changes) };
}

export function apply(before: Keys, changes: Changes): Keys {
  const entries: [string, KeyValue | null][] = [...Object.entries(before), ...Object.entries(changes)];
  const merged = new Map(entries);
  return Object.fromEntries([...merged].filter((entry): entry is [string, KeyValue] => entry[1] !== null));
}

export const presets: PresetFacts[] = [
  { name: "entra", title: "Microsoft Entra ID", variables: { tenant: "" }, redirect_uri: "http://localhost/" },
  { name: "github", title: "GitHub", variables: {}, redirect_uri: "http://127.0.0.1/callback" },
  { name: "keycloak", title: "Keycloak", variables: { base: "", realm: "" }, redirect_uri: "http://127.0.0.1/callback" },
];

/** An answer that holds its tokens elsewhere than most. */
export const trial: Trial = {
  places: [
    { place: "/data/jwt", kind: "jwt" },
    { place: "/data/refresh", kind: "text" },
    { place: "/data/expires", kind: "number" },
  ],
  access_token: false,
  refresh_token: false,
  lifetime: null,
  signed_out: false,
};
