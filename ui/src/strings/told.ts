// Sentences that come from the host, in the language of the window.
import type { codes, HistoryMark } from "../ipc/bindings";
import { fill, named } from "./fill";
import { type Strings, text } from "./language.svelte";

export type Code = (typeof codes)[number];
type ReasonCode = keyof Strings["reasons"];

/** What a language needs to say what the host says in English. */
export interface Told {
  /** A sentence for each code; what `values` has is put in. Reasons may be left to `Strings.reasons`. */
  sentences: Record<Exclude<Code, ReasonCode>, string> & Partial<Record<ReasonCode, string>>;
  /** Why a renewal failed, in a few words, where there are no values. */
  failed: string;
  /** What others said of a reason, behind what it is. */
  evidence: { said: string; status: string; detail: string };
  /** How much earlier a renewal is so that not all come at once. */
  jitter: string;
  /** The lifetime is not known but assumed. */
  assumed: string;
  /** Where the clock here stands to that of the provider. */
  how: { ahead: string; behind: string };
}

interface Sentence {
  code: string;
  values: Readonly<Record<string, string>>;
  /** The host's own words, for a code that is not known and where the window speaks English. */
  words: string;
}

/** How a duration is said; passed in so that this file knows no clock. */
type Say = (ms: number) => string;

export function told({ code, values, words }: Sentence, say: Say): string {
  const template = templateOf(code);
  return template === null ? words : worded(template.join(". "), values, say);
}

/** What a code says, and what to do where that is said too; null where the window speaks English, or does not know it. */
export function templateOf(code: string): string[] | null {
  if (text.told === null) return null;
  const { sentences } = text.told;
  if (Object.hasOwn(sentences, code)) return sentences[code as Code]?.split(". ") ?? null;
  if (!Object.hasOwn(text.reasons, code)) return null;
  const { what, todo } = text.reasons[code as ReasonCode];
  return [`${what[0]?.toLocaleUpperCase() ?? ""}${what.slice(1)}{evidence}`, todo.replace(/\.$/, "")];
}

/** Puts what the host says beside a code into a sentence. */
export function worded(sentence: string, values: Sentence["values"], say: Say): string {
  const slots: Record<string, string> = { jitter: "", assumed: "", evidence: "" };
  for (const [name, value] of Object.entries(values)) {
    if (name.endsWith("_ms")) slots[name.slice(0, -3)] = say(Number(value));
    else slots[name] = value;
  }
  const table = text.told;
  if (table !== null) {
    const detail = detailOf(values);
    if (values["jitter_ms"] !== undefined) slots["jitter"] = fill(table.jitter, { jitter: slots["jitter"] ?? "" });
    if (values["assumed"] !== undefined) slots["assumed"] = table.assumed;
    if (values["how"] !== undefined) slots["how"] = named(table.how, values["how"]);
    if (values["said"] !== undefined) slots["evidence"] = fill(table.evidence.said, values);
    else if (values["status"] !== undefined) slots["evidence"] = fill(table.evidence.status, values);
    else if (detail !== null) slots["evidence"] = fill(table.evidence.detail, { detail });
  }
  return fill(sentence, slots);
}

/** Short words of the host inside a sentence: it says them in the language of the window. */
export const detailOf = ({ what, why, error }: { readonly [name in "what" | "why" | "error"]?: string }): string | null => what ?? why ?? error ?? null;

/** What went wrong at a mark of the past: the host's note, or the sentence of its reason without its values. */
export function noted({ note, reason }: Pick<HistoryMark, "note" | "reason">): string | null {
  const table = text.told;
  if (table === null || note === null) return note;
  const [what] = templateOf(reason ?? "") ?? [table.failed];
  // A number that the note has, such as a status, is the one value that is the same in each language.
  const status = /\b([1-5]\d\d)\b/.exec(note)?.[1];
  const filled = worded(what ?? table.failed, status === undefined ? {} : { status }, String);
  return filled.includes("{") ? table.failed : filled;
}
