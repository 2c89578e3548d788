// Which records are shown. Pure; fast enough to run over 100 000 of them at each keystroke.
import type { Level, LogRecord } from "../ipc/bindings";
import { parse } from "../time";

export const LEVELS: readonly Level[] = ["error", "warn", "info", "debug", "trace"];

export interface Filter {
  /** This level and what is graver. */
  level: Level;
  account: string | null;
  /** What happened (`renewed`). */
  kind: string | null;
  query: string;
}

/** A record and the text a search looks through, made once when it arrives. */
export interface Entry {
  record: LogRecord;
  haystack: string;
}

/** Everything there is. */
export const EVERYTHING: Filter = { level: "trace", account: null, kind: null, query: "" };

const RANKS: Readonly<Record<Level, number>> = { error: 0, warn: 1, info: 2, debug: 3, trace: 4 };

export const rank = (level: Level): number => RANKS[level];

export function toEntry(record: LogRecord): Entry {
  const facts = Object.entries(record.facts).map(([name, value]) => `${name}=${String(value)}`);
  return { record, haystack: [record.account ?? "", record.kind, record.message, ...facts].join("\n").toLowerCase() };
}

export function matcher({ level, account, kind, query }: Filter): (entry: Entry) => boolean {
  const limit = rank(level);
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return ({ record, haystack }) =>
    rank(record.level) <= limit &&
    (account === null || record.account === account) &&
    (kind === null || record.kind === kind) &&
    words.every((word) => haystack.includes(word));
}

/** The rows to draw for a place in the list: only what is in sight, and a few on either side. */
export function visibleRange(total: number, scrollTop: number, height: number, rowHeight: number, spare = 8): [number, number] {
  const first = Math.min(Math.max(0, Math.floor(scrollTop / rowHeight) - spare), total);
  const last = Math.min(total, Math.ceil((Math.max(0, scrollTop) + height) / rowHeight) + spare);
  return [first, Math.max(first, last)];
}

/** Is this fact a token's fingerprint, to be shown as one? */
export const isFingerprint = (name: string): boolean => /(^|_)(fingerprint|fp)$/.test(name);

/** The moment this fact is, where it is one. */
export const momentOf = (value: unknown): number | null =>
  typeof value === "string" && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value) ? parse(value) : null;

/** The fingerprints in a record, in the order of its facts. */
export const fingerprintsOf = (record: LogRecord): string[] =>
  Object.entries(record.facts).flatMap(([name, value]) => (isFingerprint(name) ? [String(value)] : []));
