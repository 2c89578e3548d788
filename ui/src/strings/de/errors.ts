import type { errors as english } from "../en/errors";

export const errors: typeof english = {
  errors: {
    dismiss: "Schließen",
    wrong_credentials: {
      title: "Benutzername oder Passwort ist falsch",
      todo: "Geben Sie das Passwort noch einmal ein; das vorige wurde nicht behalten.",
    },
    backend_unreachable: {
      title: "Das Backend ist nicht erreichbar",
      todo: "Prüfen Sie, ob Sie online sind und das Backend läuft, und versuchen Sie es noch einmal.",
    },
    backend_answered_oddly: {
      title: "Das Backend gab eine Antwort, die Latchkey nicht versteht",
      todo: "Wenn dieses Netz zuerst eine Anmeldung verlangt, melden Sie sich dort an. Prüfen Sie sonst die Adressen des Kontos.",
    },
    keychain_locked: { title: "Der Schlüsselbund ist gesperrt", todo: "Entsperren Sie ihn und versuchen Sie es noch einmal." },
    keychain_unavailable: {
      title: "Es gibt keinen Schlüsselbund, der Geheimnisse aufnimmt",
      todo: "Starten Sie den Schlüsselbund-Dienst Ihres Systems, oder wählen Sie mit `LATCHKEY_VAULT` einen anderen Speicher.",
    },
    keychain_refused: {
      title: "Der Schlüsselbund hat abgelehnt",
      todo: "Erlauben Sie Latchkey, ihn zu benutzen, und versuchen Sie es noch einmal.",
    },
    keychain_wrong_passphrase: {
      title: "Die versiegelte Datei wurde mit etwas anderem versiegelt",
      todo: "Starten Sie Latchkey mit der Passphrase oder Schlüsseldatei, mit der sie versiegelt wurde. Ist die verloren, löscht `latchkey sign-out` im Terminal sie, und Sie melden sich neu an.",
    },
    keychain_file_unusable: {
      title: "Die versiegelte Datei lässt sich nicht lesen oder schreiben",
      todo: "Sorgen Sie für Platz auf dem Datenträger und dafür, dass der Zustandsordner Ihnen gehört. Das Protokoll nennt die Datei.",
    },
    keychain_not_kept: {
      title: "Geheimnisse bleiben nicht so, wie sie gespeichert wurden",
      todo: "Latchkey versucht es noch einmal. Bleibt es dabei, wählen Sie mit `LATCHKEY_VAULT` einen anderen Speicher.",
    },
    unknown_account: {
      title: "Dieses Konto gibt es nicht",
      todo: "Vielleicht wurde es entfernt. Sehen Sie mit `latchkey accounts list` nach.",
    },
    sign_in_needed: { title: "Dafür müssen Sie sich anmelden", todo: "Melden Sie sich unten an." },
    busy: { title: "Latchkey ist schon dabei", todo: "Warten Sie einen Moment." },
    sign_in_denied: {
      title: "Die Anmeldung wurde abgelehnt",
      todo: "Melden Sie sich neu an; lehnt der Anbieter wieder ab, fragen Sie seinen Betreiber.",
    },
    sign_in_refused: {
      title: "Der Anbieter hat die Anmeldung mit einem Fehler beendet",
      todo: "Prüfen Sie Client-ID und Scope; mehr weiß der Betreiber des Anbieters.",
    },
    sign_in_timed_out: {
      title: "Die Zeit für die Anmeldung ist abgelaufen",
      todo: "Beginnen Sie neu, wann immer Sie möchten; es wurde nichts geändert.",
    },
    not_believed: {
      title: "Was der Anbieter gesendet hat, ist nicht glaubwürdig",
      todo: "Es wurde nichts gespeichert. Bleibt es dabei, fragen Sie den Betreiber des Anbieters.",
    },
    port_taken: {
      title: "Der Browser hätte nicht zurückkehren können",
      todo: "Beenden Sie das Programm, das den Port belegt, oder setzen Sie für das Konto einen anderen redirect_port.",
    },
    misfit: { title: "Der Anbieter passt nicht zum Konto", todo: "Prüfen Sie die Adresse und was das Konto verlangt." },
    not_this_way: { title: "Dieses Konto meldet sich nicht auf diese Weise an", todo: "Wählen Sie einen anderen Weg." },
    account_exists: { title: "Ein Konto dieses Namens gibt es schon", todo: "Wählen Sie einen anderen Namen." },
    configuration: {
      title: "Das Konto ließ sich nicht aufschreiben",
      todo: "Berichtigen Sie, was genannt ist, und versuchen Sie es noch einmal.",
    },
    no_browser: {
      title: "Es ließ sich kein Browser öffnen",
      todo: "Kopieren Sie die Adresse und öffnen Sie sie, wo Sie möchten, oder melden Sie sich mit einem Code an.",
    },
    no_web_page: {
      title: "Der Anbieter nennt etwas, das keine Webseite ist",
      todo: "Es wurde nicht geöffnet. Fragen Sie den Betreiber des Anbieters.",
    },
    clipboard: { title: "Das Kopieren ist nicht gelungen", todo: "Markieren Sie den Text und kopieren Sie ihn von Hand." },
    invalid_input: { title: "Das kann nicht stimmen", todo: "Berichtigen Sie es und versuchen Sie es erneut." },
    closing: { title: "Latchkey wird beendet", todo: "Starten Sie es neu." },
    not_now: { title: "Im Moment ist kein gültiges Token zu bekommen", todo: "Latchkey versucht es von selbst weiter; die Sitzung bleibt bestehen." },
    no_sign_in: { title: "Es läuft keine Anmeldung", todo: "Beginnen Sie von vorn." },
    devserver_not_started: { title: "Das Entwicklungs-Backend ließ sich nicht starten", todo: "Beenden Sie, was seinen Port belegt, und versuchen Sie es erneut." },
    autostart: { title: "Der Start beim Anmelden ließ sich nicht ändern", todo: "Sehen Sie nach, ob Sie in den Autostart-Ordner Ihres Desktops schreiben dürfen." },
    no_file_manager: { title: "Es ließ sich kein Dateimanager öffnen", todo: "Öffnen Sie den Ordner selbst; sein Name steht auf dieser Seite." },
    no_guide: { title: "Die Anleitung ließ sich nicht öffnen", todo: "Sie kommt mit dem Paket des Fensters. Im Terminal erklärt sich jeder Befehl: `latchkey --help`." },
    record_forgotten: { title: "Diesen Eintrag gibt es nicht mehr", todo: "Die Protokolldatei hat ihn vielleicht noch." },
    not_exported: { title: "Der Bericht wurde nicht geschrieben", todo: "Sehen Sie nach, ob es Ihren Download-Ordner gibt und er Platz hat." },
    internal: { title: "In Latchkey ist etwas schiefgegangen", todo: "Versuchen Sie es noch einmal. Mehr steht im Protokoll." },
  },
};
