// What one keystroke in the log costs with as many records as the window keeps: `cargo xtask bench log`.
import { bench, describe } from "vitest";
import type { LogRecord } from "../src/ipc/bindings";
import { EVERYTHING, matcher, toEntry, type Entry, type Filter } from "../src/log/filter";

const RECORDS = 100_000;
const LEVELS = ["info", "debug", "info", "trace", "warn", "debug", "info", "error"] as const;

const entries: Entry[] = Array.from({ length: RECORDS }, (_, index): Entry => {
  const level = LEVELS[(index * 7) % LEVELS.length] ?? "info";
  const bad = level === "warn" || level === "error";
  const record: LogRecord = {
    seq: index + 1,
    at: new Date(index * 1300).toISOString(),
    level,
    account: index % 11 === 0 ? null : index % 3 === 0 ? "staging" : "work",
    kind: bad ? "renewal_failed" : "renewed",
    message: bad ? `503 from the token endpoint, tried again after ${index % 17} s` : `Renewed in ${240 + ((index * 31) % 120)} ms`,
    facts: { generation: 40 + index, fingerprint: (index * 2_654_435_761).toString(16).slice(0, 8) },
  };
  return toEntry(record);
});

const filters: Record<string, Partial<Filter>> = {
  "a word that is in most": { query: "renewed" },
  "words that are in none": { query: "zebra crossing" },
  "two words, an account and a level": { level: "warn", account: "staging", query: "token 503" },
  "no filter": {},
};

describe(`filtering ${RECORDS} records`, () => {
  for (const [name, filter] of Object.entries(filters)) {
    bench(name, () => void entries.filter(matcher({ ...EVERYTHING, ...filter })), { time: 1_000 });
  }
});
