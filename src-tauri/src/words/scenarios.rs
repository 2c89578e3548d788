//! The lab's scenarios in German: what each is called, and what happens in it. The English is in `crates/lab/scenarios`.

/// Name of the scenario, its title, what it is about.
pub(super) const SCENARIOS: &[(&str, &str, &str)] = &[
    (
        "admin-revokes",
        "Ein Administrator beendet die Sitzung",
        "Jemand, der das darf, widerruft alle Sitzungen eines Benutzers. Die nächste Erneuerung wird abgelehnt; der Client sagt das und versucht es nicht noch einmal.",
    ),
    (
        "asleep-over-the-end",
        "Ein Laptop verschläft das Ende seines Access-Tokens",
        "Über Mittag ist der Deckel zu. Beim Aufwachen ist das Access-Token abgelaufen, das Netz braucht einen Moment, und das Erste, was geschieht, ist eine Erneuerung und kein Fehler.",
    ),
    (
        "captive-portal-at-wake",
        "Ein Laptop wacht im Hotel auf, und statt des Backends antwortet ein Portal",
        "Nach einer Nacht im Schlaf will das erste Netz eine eigene Anmeldung: Es beantwortet jede Anfrage mit 200 und einer Seite. Ein Client, der das für eine Antwort hält, wirft sein Refresh-Token weg. Einer, der liest, was er bekommt, wartet auf die richtige.",
    ),
    (
        "ceiling-reached",
        "Die Sitzung erreicht das Ende, das bei der Anmeldung gesetzt wurde",
        "Zehn Minuten nach der Anmeldung ist die Sitzung zu Ende, wie oft sie auch erneuert wurde. Der Client weiß das, jagt kurz davor keinen Erneuerungen nach und bittet um eine neue Anmeldung, wenn es so weit ist.",
    ),
    (
        "clock-an-hour-fast",
        "Jemand stellt die Uhr des Geräts eine Stunde vor",
        "Ein Laptop mit leerer Batterie oder falscher Zeitzone zeigt eine Stunde zu viel. Lebensdauern zählen ab dem Empfang eines Tokens auf einer Uhr, die niemand stellt; die Sitzung geht weiter, und Erneuerungen überschlagen sich nicht.",
    ),
    (
        "double-spend",
        "Jemand anderes legt ein Refresh-Token vor, das ersetzt wurde",
        "Ein kopiertes Refresh-Token ist der Diebstahl, den Rotation bemerken soll. Wer es auch vorlegt: Das Backend kann Dieb und Eigentümer nicht unterscheiden und beendet die Sitzung beider. Der Client erfährt es bei seiner nächsten Erneuerung und sagt es der Person.",
    ),
    (
        "dripping-reply",
        "Die Antwort kommt Byte für Byte",
        "Eine Antwort, die tröpfelt, sieht lebendig aus, solange sie dauert. Der Client liest sie zu Ende und fragt nicht daneben.",
    ),
    (
        "early-401",
        "Ein Resource-Server lehnt das geltende Access-Token ab",
        "Lange vor seinem Ende nimmt der Resource-Server das Token nicht mehr. Der Client erneuert sofort, und einmal.",
    ),
    (
        "json-as-text",
        "Die Antwort sagt, sie sei reiner Text",
        "Das JSON stimmt, sein Content-Type nicht. Eine lesbare Antwort mit Token zählt, wie sie auch heißt.",
    ),
    (
        "key-rotation",
        "Der Anbieter ersetzt seinen Signaturschlüssel",
        "Von einem Moment zum anderen signiert der Anbieter mit einem neuen Schlüssel. Ein Client mit den alten Schlüsseln fragt einmal nach den neuen und glaubt dem neuen ID-Token.",
    ),
    (
        "killed-while-renewing",
        "Der Client wird mitten in einer Erneuerung beendet",
        "Der Prozess stirbt zwischen dem Senden und dem Speichern der Antwort. Sein Nachfolger findet, was gesendet und nicht beantwortet wurde, sendet dasselbe Token noch einmal, und im Kulanzfenster geht nichts verloren.",
    ),
    (
        "late-401",
        "Ein Resource-Server lehnt ein Access-Token ab, das schon ersetzt ist",
        "Eine Anfrage mit dem alten Token war unterwegs, während es ersetzt wurde. Ihr 401 kommt spät und sagt nichts über das neue Token, das bleibt, wie es ist.",
    ),
    (
        "lost-reply-grace",
        "Eine Antwort geht verloren, und ein Kulanzfenster rettet die Sitzung",
        "Dasselbe vor einem Backend, das ein ersetztes Token zehn Sekunden lang noch einmal beantwortet. Der Client fragt sofort noch einmal, in diesem Fenster, und niemand merkt etwas.",
    ),
    (
        "lost-reply-strict",
        "Eine Antwort geht verloren, und das Backend hat kein Kulanzfenster",
        "Das Backend ersetzt das Refresh-Token, und die Antwort kommt nie an. Wo Wiederverwendung ohne Kulanzfenster bestraft wird, ist die Sitzung für jeden Client verloren; es zählt, dass er höchstens einmal nachfragt, sagt, warum, und nicht weiter probiert.",
    ),
    (
        "misconfigured-client",
        "Das Backend sagt invalid_client",
        "Jemand hat den Client beim Backend gelöscht oder sein Geheimnis geändert. Das Refresh-Token ist so gut wie vorher: Es wird behalten, und der Entwickler erfährt, was zu berichtigen ist.",
    ),
    (
        "no-new-refresh-token",
        "Eine Antwort bringt kein neues Refresh-Token",
        "Ein Backend, das nicht rotiert, darf das Refresh-Token weglassen. Das alte gilt weiter; es wird nicht mit nichts überschrieben.",
    ),
    (
        "odd-expiry",
        "Das Ende des Access-Tokens fehlt, ist ein Text, null, negativ, ein Objekt",
        "Fünf Antworten, jede mit einem anderen Fehler in der einen Zahl, die sagt, wie lange ein Access-Token gilt. Die Token darin sind trotzdem gut, und keiner der Fehler löst einen Sturm aus.",
    ),
    (
        "outage-five-minutes",
        "Das Backend ist fünf Minuten weg",
        "Fünf Minuten lang antwortet beim Backend nichts, länger als ein Access-Token gilt. Der Client wartet mit wachsenden Pausen und erneuert, sobald es geht; niemand wird abgemeldet.",
    ),
    (
        "redirected",
        "Der Token-Endpunkt leitet um",
        "Ein Proxy leitet die Erneuerung an eine andere Adresse um. Ein Refresh-Token wird niemand anderem gesendet; die Sitzung wartet.",
    ),
    (
        "refused-then-recovered",
        "Das Refresh-Token wird abgelehnt, und die Person meldet sich neu an",
        "Eine Ablehnung ist endgültig für das Token, nicht für die Person: Das Access-Token wird ausgegeben, bis es endet, das Backend wird nicht immer wieder gefragt, und eine neue Anmeldung macht alles gut.",
    ),
    (
        "renews-ahead",
        "Token werden vor ihrem Ende erneuert und jedes Mal ersetzt",
        "Hier geht nichts schief. Ein Client, der jemanden angemeldet hält, erneuert vor dem Ende des Access-Tokens, jedes Mal mit einem neuen Refresh-Token und nie zweimal für dasselbe.",
    ),
    (
        "reset-connection",
        "Die Verbindung bricht ab, bevor etwas getan ist",
        "Das Backend startet im Moment der Anfrage neu. Der Client kann das nicht von einer verlorenen Antwort unterscheiden; einmal nachzufragen ist bei beidem richtig.",
    ),
    (
        "revoked-while-renewing",
        "Die Familie wird im Moment einer Erneuerung widerrufen",
        "Widerruf und Erneuerung treffen sich: Das Backend widerruft die Familie, kurz bevor es tut, worum es gebeten wurde.",
    ),
    (
        "second-process",
        "Zwei Prozesse des Clients teilen eine Sitzung",
        "Ein Fenster und ein Terminal benutzen dasselbe Konto. Nur einer von beiden gibt das Refresh-Token aus; der andere übernimmt, was der erste gespeichert hat, nachdem er es unter der Sperre neu gelesen hat.",
    ),
    (
        "server-clock-behind",
        "Die Uhr des Backends geht zwei Stunden nach",
        "Das Backend sagt, seine Token seien vor zwei Stunden abgelaufen. `Date` verrät den Unterschied; ein Client, der die Zeiten des Backends mit seiner eigenen Uhr vergleicht, erneuert ohne Ende.",
    ),
    (
        "server-errors",
        "Der Token-Endpunkt antwortet 500, 502, 503 und 504",
        "Ein krankes Backend antwortet mit einem Fehler nach dem anderen. Keiner sagt etwas über das Refresh-Token; es wird behalten und später wieder versucht.",
    ),
    (
        "slow-token-endpoint",
        "Der Token-Endpunkt braucht zwanzig Sekunden",
        "Ein Token-Endpunkt unter Last antwortet spät. Eine Anfrage ist unterwegs und keine zweite daneben, und die Antwort zählt, wenn sie kommt.",
    ),
    (
        "stolen-first",
        "Ein Dieb erneuert zuerst, mit einem geltenden Token",
        "Der Dieb ist schneller: Er bekommt die neuen Token, und der Eigentümer legt ein benutztes vor. Die Erkennung von Wiederverwendung beendet die Sitzung beider, damit der Dieb sie nicht behält.",
    ),
    (
        "too-many-requests",
        "Das Backend sagt 429 und wann man wiederkommen soll",
        "Das Backend ist ausgelastet und sagt es: 429 mit Retry-After. Ein Client, der früher wiederkommt, macht es für alle schlimmer; einer, der 429 für eine Ablehnung hält, meldet Leute ab.",
    ),
    (
        "torn-reply",
        "Eine Antwort bricht mittendrin ab",
        "Die Verbindung bricht ab, während die Antwort unterwegs ist: Die Hälfte des JSON kommt an. Der Client kann das neue Token nicht kennen und fragt noch einmal; mit einem Kulanzfenster ist das alles.",
    ),
    (
        "unknown-kid",
        "Ein ID-Token ist mit einem Schlüssel signiert, der nirgends veröffentlicht ist",
        "Was mit einer Erneuerung kommt, nennt einen Schlüssel, den der Anbieter nicht kennt. Die Token, die vom Token-Endpunkt selbst kamen, werden benutzt, was das ID-Token sagt, nicht; niemand wird abgemeldet.",
    ),
    (
        "vault-fails-at-the-wrong-moment",
        "Der Schlüsselbund versagt, gerade als das neue Token gespeichert werden soll",
        "Das Backend hat das Refresh-Token ersetzt, und der Schlüsselbund nimmt das neue nicht an. Es bleibt im Speicher, das Speichern wird wieder versucht, und niemand bekommt ein Token, das verloren gehen könnte.",
    ),
    (
        "waf-403",
        "Eine Firewall antwortet 403 mit leerem Inhalt",
        "Zwischen Client und Backend nimmt eine Firewall Anstoß und antwortet 403. Das ist nicht das Backend und kein Urteil über ein Refresh-Token.",
    ),
];

#[cfg(test)]
mod tests {
    use latchkey_lab::shipped;

    use super::SCENARIOS;

    #[test]
    fn every_scenario_has_german_words_and_there_is_none_that_is_no_scenario() {
        let mut shipped: Vec<_> = shipped::all().unwrap().into_iter().map(|scenario| scenario.name).collect();
        shipped.sort();
        let mut german: Vec<_> = SCENARIOS.iter().map(|(name, ..)| *name).collect();
        german.sort_unstable();
        assert_eq!(german, shipped);
    }
}
