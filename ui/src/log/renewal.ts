// A renewal as its records tell it: the steps from the lock to whoever gets the new token, and how long each took.
// The steps are recorded at level debug; what came of it always is.
import type { LogRecord } from "../ipc/bindings";
import { parse } from "../time";

export type StepKind = "lock_taken" | "sent" | "reply_lost" | "reply" | "no_reply" | "stored" | "published" | "outcome";

export interface RenewalStep {
  kind: StepKind;
  record: LogRecord;
  /** How long it took, in milliseconds; null where that is not known. */
  took: number | null;
  /** How long after the beginning it was done. */
  after: number;
}

const STEPS: ReadonlySet<string> = new Set<StepKind>(["lock_taken", "sent", "reply_lost", "reply", "no_reply", "stored", "published"]);

/** What ends a renewal. */
const OUTCOMES: ReadonlySet<string> = new Set(["renewed", "adopted", "renewal_failed", "needs_sign_in", "save_failed", "renewals_paused"]);

/** How far it is looked for the steps of one renewal: other accounts have their records in between. */
const REACH = 2_000;

/** Whether a record is a step of a renewal or what came of one. */
export const isOfRenewal = (kind: string): boolean => STEPS.has(kind) || OUTCOMES.has(kind);

/**
 * The renewal that the record at `index` belongs to; null where it belongs to none. `at` gives a record by its place in
 * the log, `length` is how many there are.
 */
export function renewalAt(at: (index: number) => LogRecord | undefined, length: number, index: number): RenewalStep[] | null {
  const chosen = at(index);
  if (!chosen || !isOfRenewal(chosen.kind)) return null;
  const ours = (record: LogRecord) => record.account === chosen.account;

  let first = index;
  if (chosen.kind !== "lock_taken") {
    for (let before = index - 1; before >= Math.max(0, index - REACH); before -= 1) {
      const record = at(before);
      if (!record || !ours(record)) continue;
      if (OUTCOMES.has(record.kind)) break;
      if (STEPS.has(record.kind)) first = before;
      if (record.kind === "lock_taken") break;
    }
  }
  const records: LogRecord[] = [];
  for (let next = first; next < Math.min(length, first + REACH); next += 1) {
    const record = at(next);
    if (!record || !ours(record)) continue;
    // Another lock is another renewal.
    if (record.kind === "lock_taken" && next !== first) break;
    if (STEPS.has(record.kind)) records.push(record);
    else if (OUTCOMES.has(record.kind)) {
      records.push(record);
      break;
    }
  }
  return records.length > 0 ? steps(records) : null;
}

function steps(records: readonly LogRecord[]): RenewalStep[] {
  const begin = started(records[0]);
  let before = begin;
  return records.map((record) => {
    const at = parse(record.at) ?? before;
    const told = record.facts["took_ms"];
    const kind: StepKind = STEPS.has(record.kind) ? (record.kind as StepKind) : "outcome";
    // The outcome tells how long all of it took, the steps how long each did.
    const took = kind !== "outcome" && typeof told === "number" ? told : Math.max(0, at - before);
    before = at;
    return { kind, record, took: records.length === 1 && kind === "outcome" ? null : took, after: Math.max(0, at - begin) };
  });
}

/** When the first step began: it is recorded when it was done. */
function started(first: LogRecord | undefined): number {
  const at = parse(first?.at) ?? 0;
  const took = first?.facts["took_ms"];
  return typeof took === "number" ? at - took : at;
}
