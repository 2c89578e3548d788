// One table from error code to what a person reads: how bad it is, what happened, what to do. Codes are
// matched, never messages; an unknown code falls back to the host's own words.
import { language, type Strings, templateOf, text, worded } from "../strings";
import { times } from "../time";
import type { CommandError, Told } from "./bindings";

export type KnownCode = Exclude<keyof Strings["errors"], "dismiss">;

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
  /** The language of that, where it is not the window's. */
  detailIn?: "en";
}

/** What is no problem of anybody. */
const notices: ReadonlySet<string> = new Set<KnownCode>([
  "sign_in_needed",
  "busy",
  "sign_in_denied",
  "sign_in_timed_out",
  "not_this_way",
  "account_exists",
  "no_browser",
  "clipboard",
  "closing",
  "not_now",
  "no_sign_in",
  "no_file_manager",
  "no_guide",
  "record_forgotten",
]);

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

const isKnown = (code: string): code is KnownCode => code !== "dismiss" && Object.hasOwn(text.errors, code);

/** The host writes its advice as part of a line. */
const capital = (words: string): string => words.charAt(0).toLocaleUpperCase() + words.slice(1);

export function explain(error: CommandError): Explained {
  const { code, told: why } = error;
  const abroad = language() !== "en";
  const template = (why && templateOf(why.code)) ?? null;
  const [what, todo] = why && template ? template.map((part) => worded(part, why.values, times.span)) : [];
  if (!isKnown(code)) {
    const title = what ?? ((!abroad && error.message) || text.errors.internal.title);
    const detail = what === undefined && abroad ? error.message : null;
    return { code, severity: "problem", title, todo: todo ?? (abroad ? null : error.hint), detail, ...(detail === null ? {} : { detailIn: "en" }) };
  }
  const words = text.errors[code];
  const said = (what ?? error.message).trim();
  const detail = said === "" || said === words.title || selfExplaining.has(code) ? null : said;
  // The host's advice is more exact than the window's, but it is English.
  const hint = abroad ? null : error.hint;
  return { code, severity: notices.has(code) ? "notice" : "problem", title: words.title, todo: hint === null ? words.todo : `${capital(hint)}${hint.endsWith(".") ? "" : "."}`, detail, ...(abroad && detail !== null && what === undefined ? { detailIn: "en" } : {}) };
}

/** Makes a `CommandError` of anything that can be thrown. */
export function toCommandError(thrown: unknown): CommandError {
  if (typeof thrown === "object" && thrown !== null) {
    const { code, message, hint, told } = thrown as Partial<Record<keyof CommandError, unknown>>;
    if (typeof message === "string") {
      return {
        code: typeof code === "string" ? code : "internal",
        message,
        hint: typeof hint === "string" && hint !== "" ? hint : null,
        ...(typeof told === "object" && told !== null ? { told: told as Told } : {}),
      };
    }
  }
  return { code: "internal", message: typeof thrown === "string" ? thrown : "", hint: null };
}
