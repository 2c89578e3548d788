//! What the browser brings back (RFC 6749 §4.1.2, RFC 9207), held against what was asked.

use std::collections::BTreeMap;

use latchkey_core::reason::Reason;
use latchkey_core::secret::Secret;
use latchkey_core::text;

use crate::config::IssuerUrl;
use crate::jose::pkce::State;

/// Parameters of an answer. A further one may stand as often as it likes; none of these may stand twice
/// (RFC 6749 §3.1).
const KNOWN: [&str; 5] = ["state", "iss", "error", "error_description", "code"];

/// What an answer must be like.
pub(super) struct Expected {
    /// What was sent along and must come back.
    pub(super) state: State,
    /// Who was asked, where that is an issuer.
    pub(super) issuer: Option<IssuerUrl>,
    /// Whether it announces that it names itself in each answer.
    pub(super) names_itself: bool,
}

/// What to make of a request at the redirect path.
pub(super) enum Answer {
    /// It answers nothing that was asked here; the sign-in goes on.
    NotOurs,
    /// The person may be signed in: this buys the tokens.
    Code(Secret),
    /// The sign-in is over.
    Ended(Reason),
}

impl Expected {
    /// Reads an answer. Without the right `state` nothing in it counts, errors included: else any page could end a
    /// sign-in.
    pub(super) fn read(&self, query: &str) -> Answer {
        let mut known: BTreeMap<&'static str, String> = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let Some(name) = KNOWN.into_iter().find(|known| *known == name) else { continue };
            // A parameter without a value is as if it were not there.
            if !value.is_empty() && known.insert(name, value.into_owned()).is_some() {
                return Answer::NotOurs;
            }
        }
        if !known.get("state").is_some_and(|state| self.state.matches(state)) {
            return Answer::NotOurs;
        }
        if let Err(why) = self.issuer(known.get("iss").map(String::as_str)) {
            return Answer::Ended(Reason::NotBelieved { why: why.to_owned() });
        }
        if let Some(error) = known.get("error") {
            return Answer::Ended(ended(error, known.get("error_description").map(String::as_str)));
        }
        let neither = || Reason::NotBelieved { why: "its answer has neither a code nor an error".to_owned() };
        known.remove("code").map_or_else(|| Answer::Ended(neither()), |code| Answer::Code(Secret::new(code)))
    }

    /// Whether it is from whom was asked (RFC 9207 §2.4): compared octet by octet.
    fn issuer(&self, said: Option<&str>) -> Result<(), &'static str> {
        match (said, &self.issuer) {
            (Some(said), Some(issuer)) if said != issuer.as_str() => Err("its answer is from another issuer"),
            (None, Some(_)) if self.names_itself => Err(
                "its answer does not say from which issuer it is, though the provider announces that it does",
            ),
            (Some(_) | None, _) => Ok(()),
        }
    }
}

/// What an error of the authorization or token endpoint means for a sign-in.
pub(super) fn ended(error: &str, said: Option<&str>) -> Reason {
    let said = said.map(text::foreign).filter(|said| !said.is_empty());
    match error {
        "access_denied" => Reason::SignInDenied { said },
        "expired_token" => Reason::SignInTimedOut,
        other => Reason::SignInRefused { error: text::foreign(other), said },
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    fn expected(names_itself: bool) -> Expected {
        Expected { state: State::generate().unwrap(), issuer: samples::config().issuer, names_itself }
    }

    /// What `query` comes to; `STATE` in it is the right state.
    fn outcome(expected: &Expected, query: &str) -> String {
        match expected.read(&query.replace("STATE", expected.state.expose())) {
            Answer::NotOurs => "not ours".to_owned(),
            Answer::Code(code) => format!("code {}", code.expose()),
            Answer::Ended(reason) => reason.code().to_owned(),
        }
    }

    #[test]
    fn without_the_right_state_nothing_counts() {
        let expected = expected(false);
        for query in [
            "",
            "code=c",
            "code=c&state=",
            "code=c&state=wrong",
            "error=access_denied",
            "error=access_denied&state=wrong",
            "code=c&state=STATE&state=STATE",
            "code=c&code=d&state=STATE",
            "code=c&state=STATE&state=other",
            "iss=https://login.example.com&iss=x&code=c&state=STATE",
            "STATE",
            "%00%ff&&&===",
        ] {
            assert_eq!(outcome(&expected, query), "not ours", "{query}");
        }
    }

    #[test]
    fn the_right_answer_is_taken_whatever_else_it_says() {
        let expected = expected(false);
        for query in [
            "code=c&state=STATE",
            "state=STATE&code=c&session_state=x&session_state=y&hd=example.com",
            "state=STATE&code=c&iss=https%3A%2F%2Flogin.example.com",
            "state=STATE&code=c&error=",
        ] {
            assert_eq!(outcome(&expected, query), "code c", "{query}");
        }
        assert_eq!(outcome(&expected, "code=a%2Bb%20c&state=STATE"), "code a+b c");
    }

    #[test]
    fn an_error_ends_the_sign_in_in_words() {
        let expected = expected(false);
        assert_eq!(outcome(&expected, "error=access_denied&state=STATE"), "sign_in_denied");
        assert_eq!(outcome(&expected, "error=invalid_scope&code=c&state=STATE"), "sign_in_refused");
        assert_eq!(outcome(&expected, "state=STATE"), "not_believed");
        let Answer::Ended(reason) = expected.read(&format!(
            "error=%1b[31mbad&error_description=%0d%0aline%e2%80%ae&state={}",
            expected.state.expose()
        )) else {
            panic!("it has ended")
        };
        assert_eq!(reason.message(), "The provider ended the sign-in with `[31mbad` (“line”)");
    }

    /// RFC 9207 §2.4: simple string comparison, and no answer without `iss` where the server announces it.
    #[test]
    fn an_answer_of_another_issuer_is_refused() {
        for iss in [
            "https://login.example.com/",
            "https://LOGIN.example.com",
            "https://login.example.com:443",
            "https://login.example.com%2F",
            "https://evil.example",
            "null",
        ] {
            for rest in ["code=c", "error=access_denied"] {
                let query = format!("iss={iss}&state=STATE&{rest}");
                assert_eq!(outcome(&expected(false), &query), "not_believed", "{query}");
            }
        }
        assert_eq!(outcome(&expected(true), "code=c&state=STATE"), "not_believed");
        assert_eq!(outcome(&expected(true), "error=access_denied&state=STATE"), "not_believed");
        assert_eq!(outcome(&expected(true), "code=c&state=STATE&iss=https://login.example.com"), "code c");
    }
}
