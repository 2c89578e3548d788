// One table from error code to what a person reads: how bad it is, what happened, what to do. Codes are
// matched, never messages; an unknown code falls back to the host's own words.
import { language, text } from "../strings";
import type { CommandError } from "./bindings";

export const KNOWN_CODES = [
  "wrong_credentials",
  "backend_unreachable",
  "backend_answered_oddly",
  "keychain_locked",
  "keychain_unavailable",
  "keychain_refused",
  "keychain_wrong_passphrase",
  "keychain_file_unusable",
  "keychain_not_kept",
  "unknown_account",
  "sign_in_needed",
  "busy",
  "sign_in_denied",
  "sign_in_refused",
  "sign_in_timed_out",
  "not_believed",
  "port_taken",
  "misfit",
  "not_this_way",
  "account_exists",
  "configuration",
  "no_browser",
  "no_web_page",
  "clipboard",
  "invalid_input",
  "closing",
  "not_now",
  "no_sign_in",
  "devserver_not_started",
  "autostart",
  "no_file_manager",
  "no_guide",
  "record_forgotten",
  "not_exported",
  "internal",
] as const;

export type KnownCode = (typeof KNOWN_CODES)[number];

/** `problem`: it did not work and needs someone. `notice`: nothing is wrong, it only cannot be done now. */
export type Severity = "problem" | "notice";

export interface Explained {
  code: string;
  severity: Severity;
  /** What happened. */
  title: string;
  /** What to do about it. */
  todo: string | null;
  /** The host's own message, where it says more than the title. */
  detail: string | null;
}

const severities: Record<KnownCode, Severity> = {
  wrong_credentials: "problem",
  backend_unreachable: "problem",
  backend_answered_oddly: "problem",
  keychain_locked: "problem",
  keychain_unavailable: "problem",
  keychain_refused: "problem",
  keychain_wrong_passphrase: "problem",
  keychain_file_unusable: "problem",
  keychain_not_kept: "problem",
  unknown_account: "problem",
  sign_in_needed: "notice",
  busy: "notice",
  sign_in_denied: "notice",
  sign_in_refused: "problem",
  sign_in_timed_out: "notice",
  not_believed: "problem",
  port_taken: "problem",
  misfit: "problem",
  not_this_way: "notice",
  account_exists: "notice",
  configuration: "problem",
  no_browser: "notice",
  no_web_page: "problem",
  clipboard: "notice",
  invalid_input: "problem",
  closing: "notice",
  not_now: "notice",
  no_sign_in: "notice",
  devserver_not_started: "problem",
  autostart: "problem",
  no_file_manager: "notice",
  no_guide: "notice",
  record_forgotten: "notice",
  not_exported: "problem",
  internal: "problem",
};

/** The host's message adds nothing to these: the title has said it all. */
const selfExplaining: ReadonlySet<string> = new Set<KnownCode>([
  "wrong_credentials",
  "sign_in_needed",
  "busy",
  "sign_in_timed_out",
  "not_this_way",
  "account_exists",
  "no_browser",
  "no_web_page",
  "clipboard",
  "closing",
  "no_sign_in",
  "autostart",
  "no_file_manager",
  "no_guide",
]);

const isKnown = (code: string): code is KnownCode => (KNOWN_CODES as readonly string[]).includes(code);

export function explain(error: CommandError): Explained {
  const { code } = error;
  if (!isKnown(code)) {
    return { code, severity: "problem", title: error.message || text.errors.internal.title, todo: error.hint, detail: null };
  }
  const words = text.errors[code];
  const said = error.message.trim();
  const detail = said === "" || said === words.title || selfExplaining.has(code) ? null : said;
  // The host's advice is more exact than the window's, but it is English.
  const hint = language() === "en" ? error.hint : null;
  return { code, severity: severities[code], title: words.title, todo: hint ?? words.todo, detail };
}

/** Makes a `CommandError` of anything that can be thrown. */
export function toCommandError(thrown: unknown): CommandError {
  if (typeof thrown === "object" && thrown !== null) {
    const { code, message, hint } = thrown as Partial<Record<keyof CommandError, unknown>>;
    if (typeof message === "string") {
      return {
        code: typeof code === "string" ? code : "internal",
        message,
        hint: typeof hint === "string" && hint !== "" ? hint : null,
      };
    }
  }
  return { code: "internal", message: typeof thrown === "string" ? thrown : "", hint: null };
}
