// What a profile says of a backend, in the language of the window.
import type { findingCodes, ProfileFinding } from "../ipc/bindings";
import { fill, templateOf, text, worded } from "../strings";
import { times } from "../time";

export type FindingCode = (typeof findingCodes)[number];

/** What a language needs to say what the host says in English. */
export interface Findings {
  /** What was asked, by the fact. */
  titles: Readonly<Record<string, string>>;
  /** A sentence for each code; what `values` has is put in. */
  sentences: Record<FindingCode, string>;
  /** What another said, where that is all that is known. */
  quoted: string;
  /** How long something lasts, beside what is said of it. */
  lasts: string;
}

export interface FindingWords {
  title: string;
  value: string;
  advice: string | null;
}

/** The host's own words where the window speaks English, or a code is not known. */
export function inWords({ fact, title, code, value, values, advice, advice_code }: ProfileFinding): FindingWords {
  const table = text.findings;
  if (table === null) return { title, value, advice };
  const { lasts_ms, reason, ...others } = values;
  const why = reason === undefined ? undefined : templateOf(reason)?.[0];
  const lasts = lasts_ms === undefined ? "" : times.span(Number(lasts_ms));
  const error = why === undefined ? fill(table.quoted, others) : worded(why, others, times.span);
  const slots = { ...others, error, lasts, long: lasts === "" ? "" : fill(table.lasts, { lasts }) };
  const sentence = (name: string | null, words: string) =>
    name !== null && Object.hasOwn(table.sentences, name) ? fill(table.sentences[name as FindingCode], slots) : words;
  return {
    title: table.titles[fact] ?? title,
    value: sentence(code, value),
    advice: advice === null ? null : sentence(advice_code, advice),
  };
}
