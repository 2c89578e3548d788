//! Why a session is as it is, or a command did not work, in the short words that the engine puts into a reason, in German. The
//! English is in `latchkey-engine`: in `provider`, `http.rs`, and wherever a reason is made.

/// As in the table of the configuration: `{}` stands for anything.
pub(super) const WORDS: &[(&str, &str)] = &[
    // Why the provider is out of reach.
    ("nothing listens at its address", "unter seiner Adresse antwortet kein Programm"),
    ("connecting took too long", "der Aufbau der Verbindung dauerte zu lange"),
    ("the network does not reach it", "das Netz reicht nicht bis zu ihm"),
    ("its reply did not arrive", "seine Antwort kam nicht an"),
    ("there is no network", "es gibt kein Netz"),
    (
        "no authority that this machine trusts vouches for its certificate",
        "für sein Zertifikat bürgt keine Stelle, der dieses Gerät traut",
    ),
    ("its certificate has ended", "sein Zertifikat ist abgelaufen"),
    ("its certificate is not valid yet", "sein Zertifikat gilt noch nicht"),
    ("its certificate is for another name", "sein Zertifikat ist auf einen anderen Namen ausgestellt"),
    ("what answers there speaks no TLS", "was dort antwortet, spricht kein TLS"),
    (
        "the proxy in {} cannot be used: write it as {} or {}",
        "der Proxy in {} ist nicht zu brauchen: Schreiben Sie ihn als {} oder {}",
    ),
    ("the proxy {}:{} gives no way to it: {}", "der Proxy {}:{} lässt nicht zu ihm durch: {}"),
    ("it wants a user name and a password", "er verlangt einen Benutzernamen und ein Passwort"),
    ("it refused", "er lehnte ab"),
    // The standard library's, the system's, and that of TLS.
    ("invalid peer certificate: {}", "sein Zertifikat gilt hier nicht ({})"),
    (
        "received corrupt message of type {}",
        "was dort antwortet, spricht kein TLS, das sich lesen lässt ({})",
    ),
    ("tunnel error: {}", "es kommt keine Verbindung zustande ({})"),
    ("failed to lookup address information: {}", "die Adresse zu seinem Namen fand sich nicht ({})"),
    ("Temporary failure in name resolution", "die Namensauflösung ist gerade gestört"),
    ("Name or service not known", "niemand kennt diesen Namen"),
    ("Permission denied (os error {})", "keine Berechtigung (Systemfehler {})"),
    ("No space left on device (os error {})", "kein Platz mehr auf dem Datenträger (Systemfehler {})"),
    ("Read-only file system (os error {})", "das Dateisystem lässt kein Schreiben zu (Systemfehler {})"),
    ("Not a directory (os error {})", "wo ein Ordner sein muss, ist keiner (Systemfehler {})"),
    (
        "the operating system gives no random bytes: no sign-in can be made safe without them",
        "das Betriebssystem gibt keine Zufallszahlen: Ohne sie lässt sich keine Anmeldung absichern",
    ),
    // What a server says of itself.
    ("its issuer is no address", "sein Aussteller ist keine Adresse"),
    (
        "there are no metadata at its address: is the issuer right?",
        "unter seiner Adresse gibt es keine Metadaten: Stimmt der Aussteller?",
    ),
    ("its metadata name another issuer", "seine Metadaten nennen einen anderen Aussteller"),
    ("its metadata name another issuer (`{}`)", "seine Metadaten nennen einen anderen Aussteller (`{}`)"),
    (
        "its metadata do not say whose they are (`issuer`)",
        "seine Metadaten sagen nicht, wessen sie sind (`issuer`)",
    ),
    (
        "the `{}` in its metadata is no `https` address",
        "`{}` in seinen Metadaten ist keine Adresse mit `https`",
    ),
    ("its metadata name no token endpoint", "seine Metadaten nennen keinen Token-Endpunkt"),
    ("it has no token endpoint", "er hat keinen Token-Endpunkt"),
    (
        "it takes PKCE without a hash only (`plain`), which protects nothing",
        "er nimmt PKCE nur ohne Hash an (`plain`), und das schützt nicht",
    ),
    (
        "it does not announce that it checks PKCE with S256",
        "er kündigt nicht an, dass er PKCE mit S256 prüft",
    ),
    (
        "it takes requests only that are sent ahead (`par`)",
        "er nimmt nur Anfragen an, die vorausgeschickt werden (`par`)",
    ),
    ("requests cannot be sent ahead to it (`par`)", "Anfragen lassen sich ihm nicht vorausschicken (`par`)"),
    (
        "its {} has moved from `{}` to `{}`; sign in again if that is right",
        "{} ist umgezogen, von `{}` zu `{}`; melden Sie sich neu an, wenn das stimmt",
    ),
    ("token endpoint", "sein Token-Endpunkt"),
    ("refresh address", "seine Adresse zum Erneuern"),
    // What came back from a sign-in or a renewal.
    ("its answer has neither a code nor an error", "in seiner Antwort steht weder ein Code noch ein Fehler"),
    ("its answer is from another issuer", "seine Antwort ist von einem anderen Aussteller"),
    (
        "its answer does not say from which issuer it is, though the provider announces that it does",
        "seine Antwort sagt nicht, von welchem Aussteller sie ist, obwohl der Anbieter das ankündigt",
    ),
    (
        "its answer to a request for a code has no {} that can be shown",
        "in seiner Antwort auf die Bitte um einen Code fehlt, was sich zeigen ließe: {}",
    ),
    ("user code", "der Code"),
    ("page", "die Seite"),
    ("its ID token is refused: {}", "sein ID-Token wird abgelehnt: {}"),
    ("its access token is refused: {}", "sein Access-Token wird abgelehnt: {}"),
    (
        "its ID token is of somebody else, and cannot be checked now",
        "sein ID-Token ist von jemand anderem und lässt sich jetzt nicht prüfen",
    ),
    (
        "there is no access token in its reply that can be used",
        "in seiner Antwort ist kein Access-Token, das sich benutzen ließe",
    ),
    (
        "its tokens are not bound to a key, and the account wants that (`dpop`)",
        "seine Token sind nicht an einen Schlüssel gebunden, und das Konto verlangt es (`dpop`)",
    ),
    (
        "its tokens are bound to a key that was never shown to it",
        "seine Token sind an einen Schlüssel gebunden, der ihm nie gezeigt wurde",
    ),
    (
        "it gave no ID token; if it has none, take `openid` out of the scope",
        "er gab kein ID-Token; hat er keines, nehmen Sie `openid` aus dem Scope",
    ),
    (
        "it names no keys (`jwks_uri`) with which its ID token could be checked",
        "er nennt keine Schlüssel (`jwks_uri`), mit denen sich sein ID-Token prüfen ließe",
    ),
    (
        "there is no access token where the account looks for it; either the backend wants a second factor, which a REST login has no step for, or the account's `map` has to name another place",
        "wo das Konto es sucht, steht kein Access-Token; entweder will das Backend einen zweiten Faktor, für den eine REST-Anmeldung keinen Schritt hat, oder das `map` des Kontos muss eine andere Stelle nennen",
    ),
    ("there is no refresh token", "es gibt kein Refresh-Token"),
    // Of a site with cookie sessions.
    ("no NextAuth answers at {} or {}", "weder unter {} noch unter {} antwortet ein NextAuth"),
    ("no NextAuth answers at {}", "unter {} antwortet kein NextAuth"),
    ("the account names no address", "das Konto nennt keine Adresse"),
    (
        "it sends to {}; if that is the site, use its address",
        "er leitet zu {} weiter; ist das die Website, nehmen Sie deren Adresse",
    ),
    (
        "what is stored is no session of a NextAuth site",
        "was gespeichert ist, ist keine Sitzung einer NextAuth-Website",
    ),
    (
        "the session is another site's; sign in again",
        "die Sitzung ist die einer anderen Website; melden Sie sich neu an",
    ),
    ("this is no value of a session cookie", "das ist kein Wert eines Sitzungs-Cookies"),
    (
        "the site signed in and then knew nothing of the session it had made",
        "die Website meldete an und wusste dann nichts von der Sitzung, die sie angelegt hatte",
    ),
    (
        "the site answered as if it had signed in and set no session cookie; if it calls that by a name of its own, set `session_cookie`",
        "die Website antwortete, als hätte sie angemeldet, und setzte kein Sitzungs-Cookie; gibt sie ihm einen eigenen Namen, setzen Sie `session_cookie`",
    ),
];

/// What this program says where a provider's own words go, known word for word: of those nothing may be taken for ours.
pub(super) const SAID: &[(&str, &str)] = &[
    ("it asks for a nonce again and again", "er verlangt immer wieder eine Nonce"),
    (
        "the site does not know this session cookie, or it has ended",
        "die Website kennt dieses Sitzungs-Cookie nicht, oder die Sitzung ist zu Ende",
    ),
    // What a site's own codes mean.
    ("the site did not accept user name and password", "die Website nahm Benutzername und Passwort nicht an"),
    (
        "the site failed while it checked the sign-in; its log says why",
        "die Website scheiterte beim Prüfen der Anmeldung; warum, steht in ihrem Protokoll",
    ),
    (
        "the site is set up wrongly, or what it signs in at failed; who runs it finds more in its log",
        "die Website ist falsch eingerichtet, oder wo sie anmeldet, schlug etwas fehl; der Betreiber findet mehr in ihrem Protokoll",
    ),
    ("the site does not let this account in", "die Website lässt dieses Konto nicht ein"),
    (
        "the sign-in link has expired or was used before",
        "der Link zur Anmeldung ist abgelaufen oder wurde schon benutzt",
    ),
    (
        "the site did not get its own form token back; try again",
        "die Website bekam ihr eigenes Formular-Token nicht zurück; versuchen Sie es noch einmal",
    ),
    (
        "the site could not begin the sign-in at its provider",
        "die Website konnte die Anmeldung bei ihrem Anbieter nicht beginnen",
    ),
    ("the site's provider answered with an error", "der Anbieter der Website antwortete mit einem Fehler"),
    ("the site could not create the account", "die Website konnte das Konto nicht anlegen"),
    (
        "this address belongs to an account that signs in another way; use that one",
        "diese Adresse gehört zu einem Konto, das sich anders anmeldet; nehmen Sie diesen Weg",
    ),
    (
        "the site could not send the sign-in e-mail",
        "die Website konnte die E-Mail zur Anmeldung nicht senden",
    ),
    ("the site failed at the end of the sign-in", "die Website scheiterte am Ende der Anmeldung"),
    ("the site wants a sign-in first", "die Website will zuerst eine Anmeldung"),
    (
        "the site could not begin the sign-in; another way to sign in may work",
        "die Website konnte die Anmeldung nicht beginnen; ein anderer Weg gelingt vielleicht",
    ),
    (
        "the site keeps sessions in a database, which its password sign-in cannot do",
        "die Website hält Sitzungen in einer Datenbank, und das kann ihre Anmeldung mit Passwort nicht",
    ),
    (
        "the site does not trust the host name it is reached by; who runs it sets `trustHost`",
        "die Website traut dem Host-Namen nicht, unter dem sie erreicht wird; der Betreiber setzt `trustHost`",
    ),
    ("the site gives no reason", "die Website nennt keinen Grund"),
];

/// What this program says in a provider's place, in German; none where the words are the provider's own.
pub(super) fn said(english: &str) -> Option<&'static str> {
    SAID.iter().find(|(known, _)| *known == english).map(|(_, words)| *words)
}

#[cfg(test)]
mod tests {
    use super::super::german::german;
    use super::super::sources::{code, files, texts};
    use super::*;

    /// Where nearly each sentence is a reason: what else is said there stands in `NO_REASONS`.
    const WHOLE: [&str; 4] = [
        "engine/src/provider/",
        "engine/src/http.rs",
        "engine/src/http/unreachable.rs",
        "engine/src/jose/random.rs",
    ];

    /// How a reason is made anywhere else.
    const MADE: [&str; 7] = [
        "NotSent {",
        "Unreachable {",
        "Misfit {",
        "NotBelieved {",
        "Distrusted {",
        "LockUnusable {",
        "not_checked(",
    ];

    /// Files whose sentences are no reasons: the page in the browser, and names in cryptography.
    const OTHER_FILES: [&str; 2] = ["oauth/page.rs", "nextauth/site_secret.rs"];

    /// Sentences beside reasons: the log's, the browser's, what is sent, what a developer reads.
    const NO_REASONS: [&str; 8] = [
        "Bearer {}",
        "Basic {}",
        "an object",
        "text/html; charset=utf-8",
        "HTTP cannot be used on this machine: check the proxy settings and the system's certificates",
        "The provider could not be asked for the tokens",
        "A renewed ID token is not used: {}",
        "A renewed access token is used unverified: {}",
    ];

    fn is_sentence(text: &str) -> bool {
        text.trim().contains(' ') && text.chars().any(char::is_lowercase) && !text.contains('<')
    }

    #[test]
    fn every_short_word_that_the_engine_puts_into_a_reason_has_german_words() {
        let mut found = Vec::new();
        for file in [files("engine/src"), files("core/src")].concat() {
            let (name, code) = (file.to_string_lossy().replace('\\', "/"), code(&file));
            if OTHER_FILES.iter().any(|other| name.ends_with(other)) {
                continue;
            }
            if WHOLE.iter().any(|whole| name.contains(whole)) {
                found.extend(texts(&code, false));
            }
            for made in MADE {
                for (at, _) in code.match_indices(made) {
                    found.extend(texts(&code[at + made.len()..], true));
                }
            }
        }
        found.retain(|text| is_sentence(text) && !NO_REASONS.contains(&text.as_str()));
        found.sort_unstable();
        found.dedup();
        assert!(found.len() > 60, "{found:#?}");
        let known = |text: &str| said(text).is_some() || german(text) != text;
        let missing: Vec<_> = found.iter().filter(|text| !known(text)).collect();
        assert!(missing.is_empty(), "{missing:#?}");
    }
}
