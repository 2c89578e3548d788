import type { window as english } from "../en/window";

export const window: typeof english = {
  app: {
    name: "Latchkey",
    opening: "Wird geöffnet …",
    notAnApp: "Diese Seite ist das Fenster von Latchkey. Öffnen Sie sie mit der App.",
    hostFailed: "Das Fenster erreicht Latchkey nicht",
    tryAgain: "Erneut versuchen",
    skip: "Zum Inhalt springen",
    sessions: "Sitzungen",
    views: "Ansichten",
    log: "Protokoll",
    main: "Sitzung",
    footer: "{version} · {vault}",
    vaultMeaning: "Aufbewahrung der Geheimnisse: {vault}",
  },
  vaults: {
    keychain: "Schlüsselbund des Systems",
    "keychain (Secret Service)": "Schlüsselbund des Systems",
    "sealed-file": "versiegelte Datei",
    sealed_file: "versiegelte Datei",
    memory: "nur im Arbeitsspeicher",
  },
  states: {
    signed_out: "Abgemeldet",
    signing_in: "Anmeldung läuft",
    signed_in: "Angemeldet",
    renewing: "Wird erneuert",
    saving: "Wird gespeichert",
    waiting: "Wartet",
    needs_sign_in: "Neu anmelden",
  },
  announce: {
    signed_out: "{account}: abgemeldet",
    signed_in: "{account}: angemeldet",
    waiting: "{account}: Erneuerung wartet",
    needs_sign_in: "{account}: neu anmelden",
    inBrowser: "{account}: weiter im Browser",
    openPage: "{account}: Anmeldeseite öffnen",
    code: "{account}: Code {code} auf {site} eingeben",
  },
  marks: { ok: "Gelungen", failed: "Fehlgeschlagen", elsewhere: "Von anderswo" },
};
