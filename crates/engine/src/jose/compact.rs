//! The compact serialization (RFC 7515 §3.1), taken apart before anything in it is believed.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::algorithm::Algorithm;
use super::json::{self, Fault};
use super::refusal::Refusal;

/// The longest token that is looked at, in bytes.
pub(super) const MAX_TOKEN: usize = 64 * 1024;

/// Header members that end it. `crit` asks for what is not understood here (RFC 7515 §4.1.11), `b64` changes what
/// is signed (RFC 7797), `zip` and `enc` are of JWE, and the others bring a key along (RFC 8725 §3.10).
const NOT_ACCEPTED: [&str; 7] = ["crit", "b64", "zip", "jwk", "jku", "x5u", "x5c"];

/// A token in its parts.
pub(super) struct Compact<'a> {
    /// What is signed: header and payload as they were written.
    pub(super) signed: &'a [u8],
    /// The signature.
    pub(super) signature: Vec<u8>,
    /// What decides who may have signed it.
    pub(super) header: Header,
    /// The payload.
    pub(super) payload: Vec<u8>,
}

/// What is used of a header. All of it comes from whoever made the token.
pub(super) struct Header {
    pub(super) algorithm: Algorithm,
    pub(super) kid: Option<String>,
    pub(super) typ: Option<String>,
}

impl<'a> Compact<'a> {
    /// Takes it apart.
    pub(super) fn of(token: &'a str) -> Result<Self, Refusal> {
        if token.len() > MAX_TOKEN {
            return Err(Refusal::TooLarge);
        }
        let mut parts = token.split('.');
        let (Some(header), Some(payload), Some(signature)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(Refusal::NotCompact);
        };
        match parts.count() {
            0 => {}
            2 => return Err(Refusal::Encrypted),
            _ => return Err(Refusal::NotCompact),
        }
        let signed = token.as_bytes().get(..header.len() + 1 + payload.len()).ok_or(Refusal::NotCompact)?;
        let header = Header::of(&octets(header)?)?;
        Ok(Self { signed, header, payload: octets(payload)?, signature: octets(signature)? })
    }
}

fn octets(part: &str) -> Result<Vec<u8>, Refusal> {
    BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::NotCompact)
}

impl Header {
    fn of(bytes: &[u8]) -> Result<Self, Refusal> {
        let members = json::object(bytes).map_err(|fault| match fault {
            Fault::NotAnObject => Refusal::UnreadableHeader,
            Fault::Duplicate => Refusal::Duplicate("header"),
        })?;
        if members.contains_key("enc") {
            return Err(Refusal::Encrypted);
        }
        if let Some(name) = NOT_ACCEPTED.into_iter().find(|name| members.contains_key(*name)) {
            return Err(Refusal::HeaderMember(name));
        }
        let name = text(&members, "alg")?.ok_or(Refusal::HeaderMember("alg"))?;
        let algorithm = Algorithm::from_name(&name).ok_or_else(|| not_accepted(&name))?;
        Ok(Self { algorithm, kid: text(&members, "kid")?, typ: text(&members, "typ")? })
    }
}

fn not_accepted(algorithm: &str) -> Refusal {
    if algorithm.eq_ignore_ascii_case("none") {
        Refusal::Unsigned
    } else if algorithm.starts_with("HS") {
        Refusal::Symmetric
    } else {
        Refusal::UnknownAlgorithm
    }
}

/// A member that is a text or is not there.
fn text(members: &Map<String, Value>, name: &'static str) -> Result<Option<String>, Refusal> {
    match members.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            Err(Refusal::HeaderMember(name))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn refusal(token: &str) -> Option<Refusal> {
        Compact::of(token).err()
    }

    fn with_header(header: &[u8]) -> String {
        format!("{}.e30.c2ln", BASE64_URL_SAFE_NO_PAD.encode(header))
    }

    #[test]
    fn only_three_parts_of_strict_base64url_are_a_token() {
        let good = with_header(br#"{"alg":"ES256"}"#);
        assert!(refusal(&good).is_none());
        let not_compact = [
            String::new(),
            ".".to_owned(),
            "a".to_owned(),
            good.replace(".e30", ""),
            format!("{good}."),
            format!("{good} "),
            format!("\n{good}"),
            format!("{good}=="),
            good.replace(".e30.", ".e30=."),
            good.replace(".e30.", ".e3 0."),
            good.replace(".e30.", ".e3+/."),
            good.replace(".e30.", ".\u{e9}30."),
            // The last sextet has bits that belong to no octet.
            good.replace(".c2ln", ".c2lnZB"),
        ];
        for token in not_compact {
            assert_eq!(refusal(&token), Some(Refusal::NotCompact), "{token:?}");
        }
        assert_eq!(refusal(&format!("{good}.a.b")), Some(Refusal::Encrypted));
        assert_eq!(refusal(&"a".repeat(65_537)), Some(Refusal::TooLarge));
        assert_eq!(refusal(&"a".repeat(65_536)), Some(Refusal::NotCompact), "64 KiB are looked at");
    }

    #[test]
    fn what_a_header_may_not_say_is_refused_before_any_key_is_looked_for() {
        for (header, expected) in [
            (r#"{"alg":"none"}"#, Refusal::Unsigned),
            (r#"{"alg":"nOnE"}"#, Refusal::Unsigned),
            (r#"{"alg":"HS256"}"#, Refusal::Symmetric),
            (r#"{"alg":"rs256"}"#, Refusal::UnknownAlgorithm),
            ("{}", Refusal::HeaderMember("alg")),
            (r#"{"alg":["RS256"]}"#, Refusal::HeaderMember("alg")),
            (r#"{"alg":"ES256","kid":7}"#, Refusal::HeaderMember("kid")),
            (r#"{"alg":"ES256","kid":null}"#, Refusal::HeaderMember("kid")),
            (r#"{"alg":"ES256","typ":{}}"#, Refusal::HeaderMember("typ")),
            (r#"{"alg":"ES256","crit":[]}"#, Refusal::HeaderMember("crit")),
            (r#"{"alg":"ES256","b64":true}"#, Refusal::HeaderMember("b64")),
            (r#"{"alg":"ES256","zip":"DEF"}"#, Refusal::HeaderMember("zip")),
            (r#"{"alg":"ES256","enc":"A256GCM"}"#, Refusal::Encrypted),
            (r#"{"alg":"ES256","alg":"none"}"#, Refusal::Duplicate("header")),
            ("[]", Refusal::UnreadableHeader),
        ] {
            assert_eq!(refusal(&with_header(header.as_bytes())), Some(expected), "{header}");
        }
    }

    proptest! {
        #[test]
        fn no_text_brings_it_down(token: String) {
            let _ = Compact::of(&token);
        }

        #[test]
        fn no_header_brings_it_down(header: Vec<u8>) {
            let _ = Compact::of(&with_header(&header));
        }

        #[test]
        fn what_is_signed_is_what_was_written(payload: Vec<u8>, signature: Vec<u8>) {
            let token = format!(
                "eyJhbGciOiJFUzI1NiJ9.{}.{}",
                BASE64_URL_SAFE_NO_PAD.encode(&payload),
                BASE64_URL_SAFE_NO_PAD.encode(&signature)
            );
            let parts = Compact::of(&token).ok().unwrap();
            prop_assert_eq!((&parts.payload, &parts.signature), (&payload, &signature));
            prop_assert_eq!(parts.signed, token.rsplit_once('.').unwrap().0.as_bytes());
        }
    }
}
