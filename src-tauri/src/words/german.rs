//! What the configuration says of mistakes, in German: where it is said, it is said in English. `{}` stands for anything,
//! which may be one of these words again. What is said of tokens and of providers stands beside it.

use std::borrow::Cow;

use super::{reasons, token};

/// An English sentence, or what is known of it, in German; as it is where nothing is.
pub(crate) fn german(english: &str) -> Cow<'_, str> {
    for (pattern, words) in reasons::WORDS.iter().chain(token::WORDS).chain(WORDS) {
        match in_places(pattern, english) {
            None => {}
            Some(places) if places.is_empty() => return Cow::Borrowed(words),
            Some(places) => return Cow::Owned(filled(words, &places)),
        }
    }
    // A choice between names, such as "`a`, `b` or `c`".
    if english.starts_with('`') && english.ends_with('`') {
        return Cow::Owned(english.replace("` or `", "` oder `"));
    }
    Cow::Borrowed(english)
}

/// What stands in the places of a pattern, where a text is one of its kind. Nothing else is left open by it.
fn in_places<'a>(pattern: &str, text: &'a str) -> Option<Vec<&'a str>> {
    let mut parts = pattern.split("{}");
    let mut rest = text.strip_prefix(parts.next()?)?;
    let mut parts = parts.peekable();
    let mut places = Vec::new();
    while let Some(part) = parts.next() {
        let last = parts.peek().is_none();
        let (inside, after) = if last { (rest.strip_suffix(part)?, "") } else { rest.split_once(part)? };
        if inside.is_empty() {
            return None;
        }
        places.push(inside);
        rest = after;
    }
    rest.is_empty().then_some(places)
}

/// German words with what stands in their places, in German where it is known.
fn filled(words: &str, places: &[&str]) -> String {
    let mut parts = words.split("{}");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.zip(places).fold(first, |said, (part, place)| said + &german(place) + part)
}

/// What is exact comes before what has a place for anything.
const WORDS: &[(&str, &str)] = &[
    // Any of them, where it is about a text.
    ("{}, in quotes", "{}, in Anführungszeichen"),
    // What is wrong.
    ("this key is missing", "dieser Schlüssel fehlt"),
    ("this key is unknown", "diesen Schlüssel gibt es nicht"),
    ("this key has no meaning for this provider", "dieser Schlüssel bedeutet bei diesem Anbieter nichts"),
    ("stands here for a second time", "steht hier zum zweiten Mal"),
    ("this is no `https` URL", "das ist keine URL mit `https`"),
    ("there is white space in this URL", "in dieser URL ist ein Leerzeichen"),
    (
        "there is a user name or a password in this URL",
        "in dieser URL steht ein Benutzername oder ein Passwort",
    ),
    ("there is a fragment in this URL", "in dieser URL steht ein Fragment"),
    ("there is a query in this URL", "in dieser URL steht eine Abfrage"),
    ("there is a query in this issuer", "in diesem Aussteller steht eine Abfrage"),
    ("there is a fragment in this resource", "in dieser Resource steht ein Fragment"),
    (
        "`http` would send passwords and tokens over the network in clear text",
        "`http` würde Passwörter und Token im Klartext durch das Netz senden",
    ),
    (
        "the dev server is on this machine, and this URL leads elsewhere",
        "das Entwicklungs-Backend ist auf diesem Gerät, und diese URL führt anderswohin",
    ),
    ("this is the address of an issuer's metadata", "das ist die Adresse der Metadaten eines Ausstellers"),
    ("this is no absolute URI", "das ist keine absolute URI"),
    ("this is no absolute path of a file", "das ist kein absoluter Pfad einer Datei"),
    ("this is no duration", "das ist keine Dauer"),
    ("this is less than a second", "das ist weniger als eine Sekunde"),
    ("this is more than a year", "das ist mehr als ein Jahr"),
    ("this is more than ten minutes", "das ist mehr als zehn Minuten"),
    ("this is no time of day", "das ist keine Uhrzeit"),
    ("quiet hours have a beginning and an end", "Ruhezeiten haben einen Anfang und ein Ende"),
    ("this is empty", "das ist leer"),
    ("this is no name", "das ist kein Name"),
    ("this is no user name", "das ist kein Benutzername"),
    ("this is no header name", "das ist kein Name eines Headers"),
    ("this header has a meaning of its own in HTTP", "dieser Header bedeutet in HTTP schon etwas"),
    ("this is no cookie name", "das ist kein Name eines Cookies"),
    ("this points to no member", "das zeigt auf kein Feld"),
    ("a JSON pointer starts with `/`", "ein JSON-Pointer beginnt mit `/`"),
    ("a `~` stands alone in this JSON pointer", "in diesem JSON-Pointer steht ein `~` allein"),
    (
        "408, 425 and 429 mean \"later\", never \"refused\"",
        "408, 425 und 429 heißen „später“, nie „abgelehnt“",
    ),
    ("there is a status outside 400 to 499", "ein Status liegt nicht zwischen 400 und 499"),
    ("the password travels in this member", "in diesem Feld reist das Passwort"),
    (
        "user name and password cannot travel in the same field",
        "Benutzername und Passwort können nicht im selben Feld reisen",
    ),
    ("a refresh token cannot travel there", "ein Refresh-Token kann dort nicht reisen"),
    (
        "access token and refresh token cannot stand in the same place",
        "Access-Token und Refresh-Token können nicht an derselben Stelle stehen",
    ),
    ("this is no id of a provider", "das ist keine ID eines Anbieters"),
    ("there is no such provider", "diesen Anbieter gibt es nicht"),
    ("there is no such preset", "diese Vorlage gibt es nicht"),
    ("the preset says who the issuer is", "wer der Aussteller ist, sagt die Vorlage"),
    ("this fills in a preset, and there is none", "das füllt eine Vorlage aus, und es ist keine gesetzt"),
    ("this preset has no such variable", "diese Vorlage hat keine solche Variable"),
    (
        "with a token endpoint of its own the account gets no other endpoint from the issuer",
        "mit einem eigenen Token-Endpunkt bekommt das Konto vom Aussteller keine anderen Endpunkte",
    ),
    ("this is no port for a program", "das ist kein Port für ein Programm"),
    ("this is no part of a path", "das ist kein Teil eines Pfades"),
    ("this is no path", "das ist kein Pfad"),
    ("this is no host", "das ist kein Host"),
    ("this is no client ID", "das ist keine Client-ID"),
    ("this is not a client secret", "das ist kein Client-Geheimnis"),
    ("this is not an audience", "das ist keine Audience"),
    ("this is no scope", "das ist kein Scope"),
    ("this parameter is Latchkey's to set", "diesen Parameter setzt Latchkey"),
    ("this parameter has a key of its own", "dieser Parameter hat einen eigenen Schlüssel"),
    ("this is no parameter", "das ist kein Parameter"),
    ("the browser comes back to this machine only", "der Browser kehrt nur auf dieses Gerät zurück"),
    ("this is no such choice", "diese Wahl gibt es nicht"),
    ("this is none of the choices", "diese Wahl gibt es nicht"),
    ("PKCE cannot be switched off", "PKCE lässt sich nicht abschalten"),
    ("there is no such sensitivity", "diese Empfindlichkeit gibt es nicht"),
    ("there is no such log level", "diese Stufe gibt es nicht"),
    ("there is no such event", "dieses Ereignis gibt es nicht"),
    ("there is no such signal", "dieses Signal gibt es nicht"),
    ("nobody can be asked that way", "so lässt sich niemand fragen"),
    ("this program is run for nothing", "dieses Programm liefe für nichts"),
    ("this system has none", "dieses System hat keines"),
    ("the log cannot go there", "dorthin kann das Protokoll nicht gehen"),
    ("this is a link to a file that is not there", "das ist ein Verweis auf eine Datei, die es nicht gibt"),
    ("this is no regular file", "das ist keine gewöhnliche Datei"),
    ("this is larger than 1 MB", "das ist größer als 1 MB"),
    ("this is no UTF-8 text", "das ist kein Text in UTF-8"),
    ("others may write to this file", "andere dürfen in diese Datei schreiben"),
    ("others may write to this folder", "andere dürfen in diesen Ordner schreiben"),
    ("this file belongs to somebody else", "diese Datei gehört jemand anderem"),
    ("relative URL without a base", "ihr Anfang fehlt, etwa `https://`"),
    ("empty host", "ihr Host fehlt"),
    ("invalid port number", "ihr Port ist keiner"),
    ("this is no URL ({})", "das ist keine URL ({})"),
    ("this is no TOML: {}", "das ist kein TOML: {}"),
    (
        "this account differs from `{}` by capitals only",
        "dieses Konto unterscheidet sich von `{}` nur in der Großschreibung",
    ),
    ("this is no account name: {}", "das ist kein Name für ein Konto: {}"),
    (
        "an account name starts with a letter or digit, has letters, digits, `.`, `-` and `_` only, and at most 64 of them",
        "er beginnt mit einem Buchstaben oder einer Ziffer, hat nur Buchstaben, Ziffern, `.`, `-` und `_`, und höchstens 64 davon",
    ),
    ("there is no display to open a window on", "es gibt keinen Bildschirm für ein Fenster"),
    (
        "the sealed file needs a passphrase or a key file: set {} to the path of a file that only you can read",
        "die versiegelte Datei braucht eine Passphrase oder eine Schlüsseldatei: Setzen Sie {} auf den Pfad einer Datei, die nur Sie lesen können",
    ),
    (
        "both {} are set: unset the one the sealed file was not made with",
        "beide sind gesetzt, {}: Nehmen Sie die weg, mit der die versiegelte Datei nicht gemacht wurde",
    ),
    (
        "{} is not an absolute path: start it at the root",
        "{} ist kein absoluter Pfad: Beginnen Sie ihn an der Wurzel",
    ),
    // What to do.
    (
        "correct the file and start again; nothing was changed, nobody is signed out",
        "berichtigen Sie die Datei und starten Sie neu; nichts wurde geändert, niemand ist abgemeldet",
    ),
    (
        "start it in a desktop session, or use `latchkey` in the terminal",
        "starten Sie es in einer Desktop-Sitzung, oder benutzen Sie `latchkey` im Terminal",
    ),
    ("remove it", "entfernen Sie es"),
    ("remove it, or correct `provider`", "entfernen Sie ihn, oder berichtigen Sie `provider`"),
    ("remove it, or add `preset`", "entfernen Sie es, oder fügen Sie `preset` hinzu"),
    ("remove it, or write it as `%20`", "entfernen Sie es, oder schreiben Sie `%20`"),
    (
        "remove it, or see `latchkey accounts add --template` for the keys there are",
        "entfernen Sie ihn, oder sehen Sie mit `latchkey accounts add --template` nach, welche es gibt",
    ),
    (
        "remove it: a password is typed at sign-in and never stored",
        "entfernen Sie ihn: Ein Passwort wird bei der Anmeldung eingegeben und nie gespeichert",
    ),
    ("remove this key, or remove `preset`", "entfernen Sie diesen Schlüssel, oder entfernen Sie `preset`"),
    ("remove the `?` and what follows it", "entfernen Sie das `?` und was folgt"),
    ("remove the `#` and what follows it", "entfernen Sie das `#` und was folgt"),
    (
        "remove what stands before the `@`; user name and password are asked for at sign-in",
        "entfernen Sie, was vor dem `@` steht; nach Benutzername und Passwort wird bei der Anmeldung gefragt",
    ),
    (
        "remove one of the two, or give it another name",
        "entfernen Sie eines der beiden, oder geben Sie ihm einen anderen Namen",
    ),
    (
        "use `https`; `http` is for this machine only (127.0.0.1, [::1], localhost)",
        "nehmen Sie `https`; `http` ist nur für dieses Gerät (127.0.0.1, [::1], localhost)",
    ),
    ("choose another name", "wählen Sie einen anderen Namen"),
    ("choose another name for one of them", "wählen Sie für eines einen anderen Namen"),
    ("name another one", "nennen Sie ein anderes"),
    ("name the field of each", "nennen Sie für jedes sein Feld"),
    ("name the place of each", "nennen Sie für jedes seine Stelle"),
    (
        "name `authorization` or `device_authorization` as well",
        "nennen Sie auch `authorization` oder `device_authorization`",
    ),
    (
        "name an event, or remove `events` for all of them",
        "nennen Sie ein Ereignis, oder entfernen Sie `events` für alle",
    ),
    (
        "name statuses from 400 to 499 with which the backend refuses a refresh token, such as `[401]`",
        "nennen Sie Status von 400 bis 499, mit denen das Backend ein Refresh-Token ablehnt, etwa `[401]`",
    ),
    (
        "write a number and a unit, such as `90s`, `5m`, `1h30m` or `30d`",
        "schreiben Sie eine Zahl und eine Einheit, etwa `90s`, `5m`, `1h30m` oder `30d`",
    ),
    ("write a shorter time, such as `30s`", "schreiben Sie eine kürzere Zeit, etwa `30s`"),
    ("write a time such as `22:00`", "schreiben Sie eine Uhrzeit wie `22:00`"),
    ("write a number from 1024 to 65535", "schreiben Sie eine Zahl von 1024 bis 65535"),
    ("write what stands before `/.well-known/`", "schreiben Sie, was vor `/.well-known/` steht"),
    (
        "write letters, digits, `-`, `_`, `.` and `~` only, as the server shows it in its URLs",
        "schreiben Sie nur Buchstaben, Ziffern, `-`, `_`, `.` und `~`, wie der Server es in seinen URLs zeigt",
    ),
    (
        "write the ID that the server shows for this client",
        "schreiben Sie die ID, die der Server für diesen Client zeigt",
    ),
    (
        "write the `id` of the provider as the site's own configuration has it",
        "schreiben Sie die `id` des Anbieters, wie sie in der Konfiguration der Seite steht",
    ),
    (
        "write names with spaces between them, such as `openid profile offline_access`",
        "schreiben Sie Namen mit Leerzeichen dazwischen, etwa `openid profile offline_access`",
    ),
    (
        "write it as the server shows it, or remove the key",
        "schreiben Sie es, wie der Server es zeigt, oder entfernen Sie den Schlüssel",
    ),
    ("write it as `[app]`, or remove it", "schreiben Sie `[app]`, oder entfernen Sie es"),
    (
        "write a name and a text without line breaks",
        "schreiben Sie einen Namen und einen Text ohne Zeilenumbrüche",
    ),
    (
        "write the name of a JSON member, of at most 128 characters",
        "schreiben Sie den Namen eines JSON-Feldes, höchstens 128 Zeichen",
    ),
    ("write `~0` for `~` and `~1` for `/`", "schreiben Sie `~0` für `~` und `~1` für `/`"),
    ("write `ask`, or `open` to ask nobody", "schreiben Sie `ask`, oder `open`, um niemanden zu fragen"),
    (
        "write a host such as `git.example.com`, with a port or a path behind it",
        "schreiben Sie einen Host wie `git.example.com`, dahinter einen Port oder einen Pfad",
    ),
    (
        "write an address such as `http://127.0.0.1:4180/…`, or remove `devserver`",
        "schreiben Sie eine Adresse wie `http://127.0.0.1:4180/…`, oder entfernen Sie `devserver`",
    ),
    (
        "write `to = \"file\"`, or another of the kinds there are",
        "schreiben Sie `to = \"file\"` oder eine andere Art",
    ),
    ("write an absolute URL such as {}", "schreiben Sie eine vollständige URL wie {}"),
    ("write an absolute URI such as {}", "schreiben Sie eine vollständige URI wie {}"),
    ("write it as {}", "schreiben Sie {}"),
    ("write a name such as {}", "schreiben Sie einen Namen wie {}"),
    ("write a header name such as {}", "schreiben Sie den Namen eines Headers wie {}"),
    ("write a path such as {}", "schreiben Sie einen Pfad wie {}"),
    ("write one such as {}", "schreiben Sie einen wie {}"),
    (
        "write a JSON pointer such as `/data/accessToken`, or `header:Name`",
        "schreiben Sie einen JSON-Pointer wie `/data/accessToken`, oder `header:Name`",
    ),
    (
        "write `[accounts.work]` for an account, `[app]` for settings, or `[log.archive]` for a place of the log",
        "schreiben Sie `[accounts.work]` für ein Konto, `[app]` für Einstellungen oder `[log.archive]` für einen Ort des Protokolls",
    ),
    ("move it into the table `[app]`", "schreiben Sie es in die Tabelle `[app]`"),
    (
        "write a table such as `[log.archive]`; the level of the log is `log_level` in `[app]`",
        "schreiben Sie eine Tabelle wie `[log.archive]`; die Stufe des Protokolls ist `log_level` in `[app]`",
    ),
    (
        "a line reads `key = \"text\"`, `key = 1`, `key = true` or `[table]`",
        "eine Zeile lautet `key = \"text\"`, `key = 1`, `key = true` oder `[table]`",
    ),
    ("put the file back, or remove the link", "bringen Sie die Datei zurück, oder entfernen Sie den Verweis"),
    ("put a file of accounts in its place", "legen Sie an seine Stelle eine Datei mit Konten"),
    ("put a file of your own in its place", "legen Sie an ihre Stelle eine eigene"),
    ("save the file in the encoding UTF-8", "speichern Sie die Datei in UTF-8"),
    ("run `chmod go-w` on it", "ändern Sie das mit `chmod go-w`"),
    (
        "add `issuer = \"https://…\"`, or name `authorization` and `token` in a table `endpoints`",
        "fügen Sie `issuer = \"https://…\"` hinzu, oder nennen Sie `authorization` und `token` in einer Tabelle `endpoints`",
    ),
    (
        "add `quiet_to = \"07:00\"`, or remove `quiet_from`",
        "fügen Sie `quiet_to = \"07:00\"` hinzu, oder entfernen Sie `quiet_from`",
    ),
    (
        "add `quiet_from = \"07:00\"`, or remove `quiet_to`",
        "fügen Sie `quiet_from = \"07:00\"` hinzu, oder entfernen Sie `quiet_to`",
    ),
    ("add {}", "fügen Sie {} hinzu"),
    (
        "set {} beside `client_id`, not in this table",
        "setzen Sie {} neben `client_id`, nicht in dieser Tabelle",
    ),
    ("did you mean {}?", "meinten Sie {}?"),
    ("known here: {}", "hier gibt es: {}"),
    ("there are: {}", "es gibt: {}"),
    ("`true` or `false`", "`true` oder `false`"),
    ("a text in quotes", "einen Text in Anführungszeichen"),
    ("a text", "ein Text"),
    ("a whole number", "eine ganze Zahl"),
    ("a number", "eine Zahl"),
    ("true or false", "wahr oder falsch"),
    ("a table", "eine Tabelle"),
    ("a list", "eine Liste"),
    ("a date", "ein Datum"),
    ("a list of texts, such as {}", "eine Liste von Texten, etwa {}"),
    ("a list of whole numbers, such as {}", "eine Liste ganzer Zahlen, etwa {}"),
    ("this is {}", "das ist {}"),
    ("write {}", "schreiben Sie {}"),
];

#[cfg(test)]
mod tests {
    use super::super::sources::{code, files, texts};
    use super::*;

    #[test]
    fn what_is_exact_goes_before_what_has_a_place() {
        for (english, expected) in [
            ("this is no duration", "das ist keine Dauer"),
            ("this is a whole number", "das ist eine ganze Zahl"),
            ("write a text in quotes", "schreiben Sie einen Text in Anführungszeichen"),
            ("write `auto`, `always` or `never`", "schreiben Sie `auto`, `always` oder `never`"),
            ("add `login_url = \"…\"`", "fügen Sie `login_url = \"…\"` hinzu"),
            (
                "this is no URL (relative URL without a base)",
                "das ist keine URL (ihr Anfang fehlt, etwa `https://`)",
            ),
            ("something new", "something new"),
        ] {
            assert_eq!(german(english), expected);
        }
    }

    #[test]
    fn every_mistake_that_the_configuration_knows_has_german_words() {
        let mut found = Vec::new();
        for file in files("engine/src/config") {
            let code = code(&file);
            // Where a value is made of a sentence.
            for call in ["Flaw::new(", "let remedy =", "let what =", "unfit("] {
                for (at, _) in code.match_indices(call) {
                    let statement = code[at..].split(";\n").next().unwrap();
                    found
                        .extend(texts(statement, false).into_iter().filter(|text| text.trim().contains(' ')));
                }
            }
        }
        assert!(found.len() > 100, "{found:#?}");
        let missing: Vec<_> = found.iter().filter(|text| german(text) == text.as_str()).collect();
        assert!(missing.is_empty(), "{missing:#?}");
    }
}
