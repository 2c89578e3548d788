// The log.
import type { Plural } from "../fill";

export const log = {
  log: {
    title: "Log",
    level: "Show records from level",
    levels: { error: "Error", warn: "Warn", info: "Info", debug: "Debug", trace: "Trace" },
    account: "Account",
    anyAccount: "All accounts",
    search: "Search",
    searchHint: "Search text",
    follow: "Follow",
    following: "Shows new records as they come",
    count: "{shown} of {all}",
    countAll: { one: "{count} record", other: "{count} records" } as Plural,
    none: "Nothing has been recorded yet",
    noMatch: "No record matches",
    clear: "Show all records",
    recordsLess: "Latchkey records {level} and above at present.",
    recordMore: "Record {level} too",
    list: "Log records",
    failed: "The log could not be read",
  },
};
