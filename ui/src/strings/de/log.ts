import type { log as english } from "../en/log";

export const log: typeof english = {
  log: {
    title: "Protokoll",
    level: "Einträge ab dieser Stufe zeigen",
    levels: { error: "Fehler", warn: "Warnung", info: "Info", debug: "Debug", trace: "Trace" },
    account: "Konto",
    anyAccount: "Alle Konten",
    search: "Suchen",
    searchHint: "Text suchen",
    follow: "Folgen",
    following: "Zeigt neue Einträge, sobald sie kommen",
    count: "{shown} von {all}",
    countAll: { one: "{count} Eintrag", other: "{count} Einträge" },
    none: "Noch wurde nichts aufgezeichnet",
    noMatch: "Kein Eintrag passt",
    clear: "Alle Einträge zeigen",
    recordsLess: "Latchkey zeichnet zurzeit {level} und Schwereres auf.",
    recordMore: "Auch {level} aufzeichnen",
    list: "Einträge des Protokolls",
    failed: "Das Protokoll ließ sich nicht lesen",
  },
};
