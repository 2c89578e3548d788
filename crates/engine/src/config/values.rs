//! Texts of the file made into what they mean. No complaint in here repeats the text.

use std::collections::BTreeSet;

use jiff::fmt::friendly::{Designator, Spacing, SpanParser, SpanPrinter};
use jiff::{SignedDuration, SpanRelativeTo};
use reqwest::Url;
use reqwest::header::HeaderName;

use super::account::{Consent, Place, is_loopback};
use super::problem::Flaw;

const LONGEST: SignedDuration = SignedDuration::from_hours(366 * 24);

/// Headers a request cannot do without in their own meaning.
const RESERVED: [&str; 9] = [
    "accept",
    "accept-encoding",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "host",
    "transfer-encoding",
];

pub(super) fn url(text: &str) -> Result<Url, Flaw> {
    let example = "write an absolute URL such as `https://api.example.com/auth/login`";
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(Flaw::new("there is white space in this URL", "remove it, or write it as `%20`"));
    }
    let url = Url::parse(text).map_err(|error| Flaw::new(format!("this is no URL ({error})"), example))?;
    if !matches!(url.scheme(), "https" | "http") || url.host_str().is_none() {
        return Err(Flaw::new("this is no `https` URL", example));
    }
    if !url.username().is_empty() || url.password().is_some() {
        let remedy = "remove what stands before the `@`; user name and password are asked for at sign-in";
        return Err(Flaw::new("there is a user name or a password in this URL", remedy));
    }
    if url.fragment().is_some() {
        return Err(Flaw::new("there is a fragment in this URL", "remove the `#` and what follows it"));
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        let what = "`http` would send passwords and tokens over the network in clear text";
        let remedy = "use `https`; `http` is for this machine only (127.0.0.1, [::1], localhost)";
        return Err(Flaw::new(what, remedy));
    }
    Ok(url)
}

/// An address of an account, which is on this machine where the dev server serves it.
pub(super) fn address(text: &str, devserver: bool) -> Result<Url, Flaw> {
    let url = url(text)?;
    if devserver && !is_loopback(&url) {
        let what = "the dev server is on this machine, and this URL leads elsewhere";
        return Err(Flaw::new(
            what,
            "write an address such as `http://127.0.0.1:4180/…`, or remove `devserver`",
        ));
    }
    Ok(url)
}

pub(super) fn consent(text: &str) -> Result<Consent, Flaw> {
    let known = [Consent::Open, Consent::Ask].into_iter().find(|consent| consent.name() == text);
    known.ok_or_else(|| Flaw::new("nobody can be asked that way", "write `ask`, or `open` to ask nobody"))
}

/// From a second to a year.
pub(super) fn duration(text: &str) -> Result<SignedDuration, Flaw> {
    let remedy = "write a number and a unit, such as `90s`, `5m`, `1h30m` or `30d`";
    // A day is one of the clock here, of 24 hours.
    let read = SpanParser::new()
        .parse_span(text.trim())
        .and_then(|span| span.to_duration(SpanRelativeTo::days_are_24_hours()));
    let duration = read.map_err(|_| Flaw::new("this is no duration", remedy))?;
    if duration < SignedDuration::from_secs(1) {
        return Err(Flaw::new("this is less than a second", remedy));
    }
    if duration > LONGEST {
        return Err(Flaw::new("this is more than a year", remedy));
    }
    Ok(duration)
}

/// The same, or `0s` for none at all.
pub(super) fn duration_or_none(text: &str) -> Result<SignedDuration, Flaw> {
    if matches!(text.trim(), "0" | "0s") { Ok(SignedDuration::ZERO) } else { duration(text) }
}

/// A duration as [`duration`] reads it.
pub(super) fn duration_text(duration: SignedDuration) -> String {
    SpanPrinter::new().designator(Designator::Compact).spacing(Spacing::None).duration_to_string(&duration)
}

pub(super) fn place(text: &str) -> Result<Place, Flaw> {
    if let Some(name) = text.strip_prefix("header:") {
        return HeaderName::from_bytes(name.as_bytes()).map(|_| Place::Header(name.to_owned())).map_err(
            |_| Flaw::new("this is no header name", "write a name such as `header:X-Access-Token`"),
        );
    }
    pointer_or(text, "write a JSON pointer such as `/data/accessToken`, or `header:Name`")
        .map(|pointer| Place::Pointer(pointer.into()))
}

/// A JSON pointer (RFC 6901).
pub(super) fn pointer(text: &str) -> Result<String, Flaw> {
    pointer_or(text, "write a JSON pointer such as `/realm_access/roles`")
}

fn pointer_or(text: &str, remedy: &str) -> Result<String, Flaw> {
    if text.is_empty() || text == "/" {
        return Err(Flaw::new("this points to no member", remedy));
    }
    if !text.starts_with('/') {
        return Err(Flaw::new("a JSON pointer starts with `/`", remedy));
    }
    if text.split('~').skip(1).any(|after| !after.starts_with(['0', '1'])) {
        return Err(Flaw::new(
            "a `~` stands alone in this JSON pointer",
            "write `~0` for `~` and `~1` for `/`",
        ));
    }
    member(text)
}

/// The name of a JSON member.
pub(super) fn member(text: &str) -> Result<String, Flaw> {
    let remedy = "write the name of a JSON member, of at most 128 characters";
    if text.is_empty() {
        return Err(Flaw::new("this is empty", remedy));
    }
    if text.chars().any(char::is_control) || text.chars().count() > 128 {
        return Err(Flaw::new("this is no name", remedy));
    }
    Ok(text.to_owned())
}

/// The name of a request header that a token may travel in.
pub(super) fn request_header(text: &str) -> Result<String, Flaw> {
    let remedy = "write a header name such as `X-Refresh-Token`";
    let name =
        HeaderName::from_bytes(text.as_bytes()).map_err(|_| Flaw::new("this is no header name", remedy))?;
    if RESERVED.contains(&name.as_str()) {
        return Err(Flaw::new("this header has a meaning of its own in HTTP", remedy));
    }
    Ok(text.to_owned())
}

/// The name of a cookie (RFC 6265 §4.1.1: a token of HTTP).
pub(super) fn cookie(text: &str) -> Result<String, Flaw> {
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if text.is_empty() || !text.chars().all(token) || text.len() > 128 {
        return Err(Flaw::new("this is no cookie name", "write a name such as `refresh_token`"));
    }
    Ok(text.to_owned())
}

/// Statuses that may mean "refused": **only a verdict ends a session**, so none that says "later" is taken.
pub(super) fn refused_status(numbers: &[i64]) -> Result<BTreeSet<u16>, Flaw> {
    let remedy =
        "name statuses from 400 to 499 with which the backend refuses a refresh token, such as `[401]`";
    let mut statuses = BTreeSet::new();
    for number in numbers {
        match u16::try_from(*number) {
            Ok(408 | 425 | 429) => {
                return Err(Flaw::new("408, 425 and 429 mean \"later\", never \"refused\"", remedy));
            }
            Ok(status @ 400..=499) => statuses.insert(status),
            Ok(_) | Err(_) => return Err(Flaw::new("there is a status outside 400 to 499", remedy)),
        };
    }
    Ok(statuses)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, secs) in [
            ("90s", 90),
            ("5m", 300),
            ("1h30m", 5400),
            ("1h 30m", 5400),
            ("24h", 86_400),
            ("12 s", 12),
            ("30d", 2_592_000),
            ("1d12h", 129_600),
        ] {
            assert_eq!(duration(text), Ok(SignedDuration::from_secs(secs)), "{text}");
        }
        for bad in [
            "",
            "5",
            "m",
            "-5m",
            "5m ago",
            "0s",
            "1mo",
            "367d",
            "1e3s",
            "five minutes",
            "9000h",
            "99999999999999999999h",
        ] {
            assert!(duration(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn plain_http_stays_on_this_machine() {
        for good in [
            "http://127.0.0.1:4180/a",
            "http://127.9.9.9/",
            "http://[::1]:80/",
            "http://localhost/x",
            "http://LOCALHOST/",
            "https://example.com/a?tenant=1",
        ] {
            assert!(url(good).is_ok(), "{good}");
        }
        for bad in [
            "http://example.com/",
            "http://127.0.0.1.example.com/",
            "http://localhost.example.com/",
            "http://10.0.0.1/",
            "http://[::ffff:127.0.0.1]/",
            "http://0.0.0.0/",
            "ftp://127.0.0.1/",
            "file:///etc/passwd",
            "/auth/login",
            "",
            "https://u:p@example.com/",
            "https://example.com/#a",
            "https://exa mple.com/",
            "https://",
            "http://localhost@example.com/",
        ] {
            assert!(url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_place_is_a_pointer_or_a_header() {
        for good in ["/accessToken", "/data/0/a~1b~0c", "header:X-Token"] {
            assert_eq!(place(good).map(|place| place.to_string()).as_deref(), Ok(good));
        }
        for bad in ["", "/", "accessToken", "/a~2", "/a~", "header:", "header:a b", "/a\nb"] {
            assert!(place(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn only_a_verdict_may_be_declared_a_refusal() {
        assert_eq!(refused_status(&[403, 401, 401]), Ok(BTreeSet::from([401, 403])));
        for bad in [408, 425, 429, 200, 302, 500, 503, -401, 70_000] {
            assert!(refused_status(&[401, bad]).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_token_takes_no_header_that_http_needs() {
        for bad in ["Host", "content-length", "a b", "", "ü"] {
            assert!(request_header(bad).is_err(), "{bad}");
        }
        assert!(request_header("Authorization").is_ok() && request_header("X-Refresh-Token").is_ok());
        for bad in ["", "a b", "a=b", "a;b", "ü"] {
            assert!(cookie(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_duration_that_was_written_reads_the_same(millis in 1_000_i64..31_622_400_000) {
            let meant = SignedDuration::from_millis(millis);
            prop_assert_eq!(duration(&duration_text(meant)), Ok(meant));
        }

        #[test]
        fn no_text_makes_a_reader_panic_or_repeats_itself(text in "\\PC{0,40}") {
            let complaints = [
                url(&text).err(), duration(&text).err(), place(&text).err(), member(&text).err(), cookie(&text).err(),
                request_header(&text).err(),
            ];
            let probe = format!("zq{text}qz");
            for flaw in complaints.into_iter().flatten().chain(url(&probe).err()).chain(duration(&probe).err()) {
                prop_assert!(!flaw.what.contains(&probe) && !flaw.remedy.contains(&probe));
            }
        }
    }
}
