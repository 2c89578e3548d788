// Sentences that come from the host, in the language of the window.
import type { codes, HistoryMark } from "../ipc/bindings";
import { fill, named } from "./fill";
import { text } from "./language.svelte";

export type Code = (typeof codes)[number];

/** What a language needs to say what the host says in English. */
export interface Told {
  /** A sentence for each code; what `values` has is put in. */
  sentences: Record<Code, string>;
  /** Why a renewal failed, in a few words, where there are no values. */
  failed: string;
  /** What a provider said, where it said something. */
  said: string;
  /** How much earlier a renewal is so that not all come at once. */
  jitter: string;
  /** The lifetime is not known but assumed. */
  assumed: string;
  /** Where the clock here stands to that of the provider. */
  how: { ahead: string; behind: string };
  /** Short words of the host inside a sentence. */
  what: Readonly<Record<string, string>>;
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
  const table = text.told;
  if (table === null || !Object.hasOwn(table.sentences, code)) return words;
  const slots: Record<string, string> = { said: "", jitter: "", assumed: "" };
  for (const [name, value] of Object.entries(values)) {
    if (name.endsWith("_ms")) slots[name.slice(0, -3)] = say(Number(value));
    else slots[name] = value;
  }
  if (values["said"] !== undefined) slots["said"] = fill(table.said, { said: values["said"] });
  if (values["jitter_ms"] !== undefined) slots["jitter"] = fill(table.jitter, { jitter: slots["jitter"] ?? "" });
  if (values["assumed"] !== undefined) slots["assumed"] = table.assumed;
  if (values["how"] !== undefined) slots["how"] = named(table.how, values["how"]);
  if (values["what"] !== undefined) slots["what"] = named(table.what, values["what"]);
  return fill(table.sentences[code as Code], slots);
}

/** What went wrong at a mark of the past: the host's note, or the sentence of its reason without its values. */
export function noted({ note, reason }: Pick<HistoryMark, "note" | "reason">): string | null {
  const table = text.told;
  if (table === null || note === null) return note;
  const sentence = reason !== null && Object.hasOwn(table.sentences, reason) ? table.sentences[reason as Code] : table.failed;
  // A number that the note has, such as a status, is the one value that is the same in each language.
  const status = /\b([1-5]\d\d)\b/.exec(note)?.[1];
  const filled = fill(sentence, { said: "", jitter: "", assumed: "", ...(status === undefined ? {} : { status }) });
  return filled.includes("{") ? table.failed : filled;
}
