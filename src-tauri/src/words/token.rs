//! Why a token is not believed, or was not looked at, and what is wrong with what tokens are kept in, in German. The
//! English is in `latchkey-engine` (`jose/refusal.rs`, `jose/key_set.rs`, `inspection.rs`) and `latchkey-core` (`reason.rs`).

/// As in the table of the configuration: `{}` stands for anything.
pub(super) const WORDS: &[(&str, &str)] = &[
    // Why it is not believed.
    (
        "it is larger than 64 KiB, which no token needs to be",
        "es ist größer als 64 KiB; so groß muss kein Token sein",
    ),
    (
        "it is no signed token: three parts of base64url with dots between them are expected",
        "es ist kein signiertes Token: Erwartet werden drei Teile in base64url mit Punkten dazwischen",
    ),
    (
        "it is encrypted; encrypted tokens are not asked for and not read",
        "es ist verschlüsselt; verschlüsselte Token werden nicht verlangt und nicht gelesen",
    ),
    ("its header is no JSON object", "sein Kopf ist kein JSON-Objekt"),
    ("its payload is no JSON object", "sein Inhalt ist kein JSON-Objekt"),
    (
        "a name stands twice in its header, so it can be read in two ways",
        "in seinem Kopf steht ein Name zweimal, daher lässt er sich auf zwei Arten lesen",
    ),
    (
        "a name stands twice in its {}, so it can be read in two ways",
        "darin steht ein Name zweimal ({}), daher lässt es sich auf zwei Arten lesen",
    ),
    ("its header has a `{}` that is not accepted", "sein Kopf hat ein `{}`, das nicht angenommen wird"),
    ("it is not signed (`alg` is `none`)", "es ist nicht signiert (`alg` ist `none`)"),
    (
        "it is signed with a shared secret (`HS…`), and this program shares none with the issuer",
        "es ist mit einem gemeinsamen Geheimnis signiert (`HS…`), und dieses Programm teilt keines mit dem Aussteller",
    ),
    (
        "its signature algorithm is not one that is accepted",
        "das Verfahren seiner Signatur wird nicht angenommen",
    ),
    (
        "it is signed with {}, which the issuer does not announce",
        "es ist mit {} signiert, und das kündigt der Aussteller nicht an",
    ),
    ("its header says that it is no {}", "sein Kopf sagt, dass es keines dieser Art ist: {}"),
    ("its claims say that it is a logout token", "seine Angaben sagen, dass es ein Logout-Token ist"),
    (
        "the issuer publishes no key of that name for that algorithm",
        "der Aussteller veröffentlicht keinen Schlüssel dieses Namens für diesen Algorithmus",
    ),
    ("its signature is not the issuer's", "seine Signatur ist nicht die des Ausstellers"),
    ("the issuer's keys are not at hand: {}", "die Schlüssel des Ausstellers sind nicht zur Hand: {}"),
    ("it has no `{}`", "es hat kein `{}`"),
    ("its `{}` is not what the standard allows", "sein `{}` ist nicht, was der Standard erlaubt"),
    (
        "the clock of this machine is wrong: it shows a time before this program was made; set it",
        "die Uhr dieses Geräts geht falsch: Sie zeigt eine Zeit, zu der es dieses Programm noch nicht gab; stellen Sie sie",
    ),
    ("it is from another issuer", "es ist von einem anderen Aussteller"),
    ("it is for somebody else (`aud`)", "es ist für jemand anderen (`aud`)"),
    (
        "it is also for others who are not trusted (`aud`)",
        "es ist auch für andere, denen nicht vertraut wird (`aud`)",
    ),
    ("it was issued to another client (`{}`)", "es wurde einem anderen Client ausgestellt (`{}`)"),
    ("it expired {} ago", "es ist seit {} abgelaufen"),
    (
        "it claims to live for more than ten years; its `exp` is not in seconds, or made up",
        "es will mehr als zehn Jahre gelten; sein `exp` zählt nicht in Sekunden oder ist erfunden",
    ),
    (
        "it is valid only {} from now; the clock here or the issuer's is wrong",
        "es gilt erst in {}; die Uhr hier oder beim Aussteller geht falsch",
    ),
    (
        "it was issued {} in the future; the clock here or the issuer's is wrong",
        "es wurde {} in der Zukunft ausgestellt; die Uhr hier oder beim Aussteller geht falsch",
    ),
    (
        "it was issued {} ago though it has just been received; the clock here or the issuer's is wrong",
        "es wurde vor {} ausgestellt und kam doch eben erst an; die Uhr hier oder beim Aussteller geht falsch",
    ),
    ("it does not belong to this sign-in (`nonce`)", "es gehört nicht zu dieser Anmeldung (`nonce`)"),
    (
        "the access token beside it is not the one it was issued with (`at_hash`)",
        "das Access-Token daneben ist nicht das, mit dem es ausgestellt wurde (`at_hash`)",
    ),
    (
        "the code is not the one it was issued for (`c_hash`)",
        "der Code ist nicht der, für den es ausgestellt wurde (`c_hash`)",
    ),
    (
        "the sign-in at the provider was {} ago, longer than was asked for (`auth_time`)",
        "die Anmeldung beim Anbieter war vor {}, länger als verlangt (`auth_time`)",
    ),
    (
        "its `{}` is not the one of the sign-in: it may be another person's",
        "sein `{}` ist nicht das der Anmeldung: Es könnte das einer anderen Person sein",
    ),
    // Why the keys are not at hand.
    (
        "the address of its keys (`jwks_uri`) does not answer",
        "die Adresse seiner Schlüssel (`jwks_uri`) antwortet nicht",
    ),
    (
        "the address of its keys (`jwks_uri`) answers with status {}",
        "die Adresse seiner Schlüssel (`jwks_uri`) antwortet mit Status {}",
    ),
    (
        "the document at the address of its keys (`jwks_uri`) is no set of keys",
        "unter der Adresse seiner Schlüssel (`jwks_uri`) liegen keine Schlüssel",
    ),
    (
        "none of the keys it publishes may be used for verifying",
        "keiner der Schlüssel, die er veröffentlicht, darf zum Prüfen dienen",
    ),
    // Why it was not looked at.
    ("it was not said whose it is", "es ist nicht gesagt, wessen es ist"),
    ("it names no issuer", "es nennt keinen Aussteller"),
    (
        "no account is of the issuer that it names, so there are no keys to hold it against",
        "kein Konto gehört zu dem Aussteller, den es nennt; daher gibt es keine Schlüssel, um es zu prüfen",
    ),
    ("it is opaque: only its issuer can read it", "es ist undurchsichtig: Nur sein Aussteller kann es lesen"),
    ("the provider cannot be reached", "der Anbieter ist nicht erreichbar"),
    (
        "the account names no issuer whose keys could be asked for",
        "das Konto nennt keinen Aussteller, dessen Schlüssel sich erfragen ließen",
    ),
    (
        "only the site can read its cookie; with its secret, so can you",
        "nur die Website kann ihr Cookie lesen; mit ihrem Geheimnis können Sie es auch",
    ),
    // What is wrong with what tokens are kept in.
    (
        "The keychain is locked. Unlock it, and all goes on by itself; or choose another vault with LATCHKEY_VAULT",
        "Der Schlüsselbund ist gesperrt. Entsperren Sie ihn, dann geht alles von selbst weiter; oder wählen Sie mit LATCHKEY_VAULT einen anderen Speicher",
    ),
    (
        "No keychain can be used. Start a keychain service that has a default keyring (GNOME Keyring, KWallet, KeePassXC) or choose another vault with LATCHKEY_VAULT",
        "Es gibt keinen Schlüsselbund. Starten Sie einen Dienst mit einem Standard-Schlüsselbund (GNOME Keyring, KWallet, KeePassXC), oder wählen Sie mit LATCHKEY_VAULT einen anderen Speicher",
    ),
    (
        "The keychain refused. Allow Latchkey to use it, or choose another vault with LATCHKEY_VAULT",
        "Der Schlüsselbund hat abgelehnt. Erlauben Sie Latchkey, ihn zu benutzen, oder wählen Sie mit LATCHKEY_VAULT einen anderen Speicher",
    ),
    (
        "The keychain does not answer in time. Look for a question it may have opened",
        "Der Schlüsselbund antwortet nicht rechtzeitig. Sehen Sie nach, ob er eine Frage stellt",
    ),
    (
        "The tokens are too large for this keychain. Choose another vault with LATCHKEY_VAULT",
        "Die Token sind zu groß für diesen Schlüsselbund. Wählen Sie mit LATCHKEY_VAULT einen anderen Speicher",
    ),
    (
        "The stored item cannot be read. Sign in again to replace it",
        "Was gespeichert ist, ist unlesbar. Melden Sie sich neu an, um es zu ersetzen",
    ),
    (
        "The stored item was written by a newer version of Latchkey. Update this one",
        "Was gespeichert ist, stammt von einem neueren Latchkey. Aktualisieren Sie dieses",
    ),
    (
        "This passphrase or key file does not open the sealed file, which was left as it is. Give the one it was sealed with; if that is lost, `latchkey sign-out` erases it, and you sign in again",
        "Diese Passphrase oder Schlüsseldatei öffnet die versiegelte Datei nicht, die blieb, wie sie ist. Geben Sie die, mit der sie versiegelt wurde; ist die verloren, löscht `latchkey sign-out` sie, und Sie melden sich neu an",
    ),
    (
        "The sealed file cannot be read or written. See that the disk has room and that the state folder is yours; the log says which file",
        "Die versiegelte Datei lässt sich nicht lesen oder schreiben. Sehen Sie nach, ob Platz frei ist und der Zustandsordner Ihnen gehört; welche Datei es ist, steht im Protokoll",
    ),
    (
        "What was read back is not what had been written. Choose another vault with LATCHKEY_VAULT if this stays",
        "Was zurückkam, ist nicht, was gespeichert wurde. Bleibt es so, wählen Sie mit LATCHKEY_VAULT einen anderen Speicher",
    ),
];

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use latchkey_core::reason::VaultProblem;

    use super::super::german::german;

    /// What a source says that a value is printed as, with `{}` where something of the value goes.
    fn printed(file: &str) -> Vec<String> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/engine/src/jose").join(file);
        let source = fs::read_to_string(path).unwrap();
        let attributes = source.split("#[error(").skip(1);
        let texts = attributes.map(|rest| rest.split('"').nth(1).unwrap());
        texts.map(|text| text.replace("{0}", "{}").replace("{0:#}", "{}")).collect()
    }

    #[test]
    fn every_reason_not_to_believe_a_token_has_german_words() {
        let all = [printed("refusal.rs"), printed("key_set.rs")].concat();
        assert!(all.len() > 35, "{all:#?}");
        let missing: Vec<_> = all.iter().filter(|text| german(text) == text.as_str()).collect();
        assert!(missing.is_empty(), "{missing:#?}");
        assert_eq!(
            german(
                "the issuer's keys are not at hand: the address of its keys (`jwks_uri`) answers with status 503"
            ),
            "die Schlüssel des Ausstellers sind nicht zur Hand: die Adresse seiner Schlüssel (`jwks_uri`) antwortet mit Status 503"
        );
        assert_eq!(german("it expired 2h 5m ago"), "es ist seit 2h 5m abgelaufen");
    }

    #[test]
    fn every_trouble_with_the_keychain_has_german_words() {
        for problem in VaultProblem::ALL {
            assert_ne!(german(problem.message()), problem.message());
        }
    }
}
