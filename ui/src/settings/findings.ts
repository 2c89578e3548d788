// What was found on this machine, and what contradicts itself in a policy, in the language of the window.
import type { adviceCodes, AdviceStatus, Finding, Sentence } from "../ipc/bindings";
import { fill, named, number, templateOf, text, worded } from "../strings";
import { times } from "../time";

/** What a language needs to say what the host says in English. */
export interface HealthWords {
  /** The folders, by the host's names. */
  folders: Readonly<Record<string, string>>;
  /** What was found and, behind the first full stop, what to do. */
  sentences: Record<Exclude<Sentence, "as_said">, string>;
}

export type AdviceCode = (typeof adviceCodes)[number];

/** What is to be thought about in a policy. */
export function advised({ code, values, message }: AdviceStatus): string {
  const table = text.advice;
  return table !== null && Object.hasOwn(table, code) ? worded(table[code as AdviceCode], values, times.span) : message;
}

/** A size in the unit that fits. */
function size(bytes: number): string {
  const [unit, one] = bytes < 1e6 ? ["kB", 1e3] : bytes < 1e9 ? ["MB", 1e6] : ["GB", 1e9];
  return `${number(Math.floor((bytes / one) * 10) / 10)} ${unit}`;
}

/** The host's own words where the window speaks English, or where they are somebody else's. */
export function inWords({ sentence, values, message, hint }: Finding): Pick<Finding, "message" | "hint"> {
  const table = text.health;
  if (table === null || sentence === "as_said") return { message, hint };
  const { reason, folder, free_bytes: free, ...others } = values;
  let [what = "", todo] = table.sentences[sentence].split(". ");
  if (reason !== undefined) {
    const [why, ...remedy] = templateOf(reason) ?? [reason];
    [what, todo] = [fill(what, { reason: why ?? "" }), remedy.join(". ")];
  }
  const slots = { ...others, folder: named(table.folders, folder ?? ""), free: size(Number(free)) };
  const say = (template: string) => worded(template, slots, times.span);
  return { message: say(what), hint: hint === null || todo === undefined ? null : say(todo) };
}
