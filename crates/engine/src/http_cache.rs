//! How long a reply may be kept (RFC 9111), for what is fetched once and used often: keys and metadata.
//!
//! A private cache of one document needs one number of all that RFC 9111 says. It is reckoned from the reply alone
//! (`Date`, `Age` and `Expires` are all the server's), so that a wrong clock here neither wears a document out
//! nor keeps it for ever; crates for the whole of HTTP caching compare the server's `Date` with the clock here.

use jiff::SignedDuration;
use reqwest::header::{AGE, CACHE_CONTROL, DATE, EXPIRES, HeaderMap, HeaderName};

use crate::http::http_date;

/// What is made of a server's wishes.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// It is kept at least so long, whatever the server says: else each use would be a request.
    pub at_least: SignedDuration,
    /// So long when the server says nothing.
    pub usually: SignedDuration,
    /// It is kept at most so long, whatever the server says.
    pub at_most: SignedDuration,
}

/// How long the reply with these headers is kept from its receipt on.
pub fn kept_for(headers: &HeaderMap, bounds: Bounds) -> SignedDuration {
    lifetime(headers).unwrap_or(bounds.usually).clamp(bounds.at_least, bounds.at_most.max(bounds.at_least))
}

/// The lifetime that is left, if the server says anything about it. `no-store` and `no-cache` leave none.
fn lifetime(headers: &HeaderMap) -> Option<SignedDuration> {
    let mut max_age: Option<SignedDuration> = None;
    for directive in directives(headers) {
        let (name, value) = directive.split_once('=').unwrap_or((&directive, ""));
        match name.trim() {
            "no-store" | "no-cache" => return Some(SignedDuration::ZERO),
            // The shortest counts where there are several, and one that cannot be read is none at all
            // (RFC 9111 §4.2.1).
            "max-age" => {
                let said = seconds(value.trim().trim_matches('"')).unwrap_or(SignedDuration::ZERO);
                max_age = Some(max_age.map_or(said, |shortest| shortest.min(said)));
            }
            _ => {}
        }
    }
    let whole = max_age.or_else(|| until_expires(headers))?;
    let age = text(headers, &AGE).and_then(|age| seconds(age.trim())).unwrap_or(SignedDuration::ZERO);
    Some(whole.saturating_sub(age))
}

/// `Expires` less `Date`. A date that cannot be read has passed (RFC 9111 §5.3); without `Date` nothing is known.
fn until_expires(headers: &HeaderMap) -> Option<SignedDuration> {
    let expires = text(headers, &EXPIRES)?;
    let Some(expires) = http_date(expires) else { return Some(SignedDuration::ZERO) };
    Some(expires.duration_since(http_date(text(headers, &DATE)?)?))
}

/// The directives of all `Cache-Control` lines, in lower case, each with its value. Commas between quotes
/// separate nothing.
fn directives(headers: &HeaderMap) -> Vec<String> {
    let mut found = Vec::new();
    for line in headers.get_all(CACHE_CONTROL) {
        let Ok(line) = line.to_str() else { continue };
        let mut quoted = false;
        let separates = |c: char| {
            quoted ^= c == '"';
            c == ',' && !quoted
        };
        found.extend(line.split(separates).map(|directive| directive.trim().to_ascii_lowercase()));
    }
    found
}

/// Delta-seconds (RFC 9111 §1.2.2): digits alone; what is too large counts as the largest.
fn seconds(text: &str) -> Option<SignedDuration> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits.then(|| SignedDuration::from_secs(text.parse::<u32>().unwrap_or(u32::MAX).into()))
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use reqwest::header::HeaderValue;

    const BOUNDS: Bounds = Bounds {
        at_least: SignedDuration::from_secs(60),
        usually: SignedDuration::from_secs(3_600),
        at_most: SignedDuration::from_secs(86_400),
    };

    fn kept(lines: &[(&'static str, &str)]) -> i64 {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        kept_for(&headers, BOUNDS).as_secs()
    }

    #[test]
    fn the_servers_wish_counts_between_a_floor_and_a_ceiling() {
        const DATED: (&str, &str) = ("date", "Fri, 20 Nov 2026 10:00:00 GMT");
        for (lines, expected) in [
            (&[][..], 3_600),
            (&[("cache-control", "public, max-age=600")], 600),
            (&[("cache-control", "Max-Age=\"600\"")], 600),
            (&[("cache-control", "max-age=600"), ("cache-control", "max-age=300")], 300),
            (&[("cache-control", "max-age=600"), ("age", "200")], 400),
            (&[("cache-control", "max-age=600"), ("age", "9999")], 60),
            (&[("cache-control", "max-age=600"), ("age", "young")], 600),
            (&[("cache-control", "no-store, max-age=600")], 60),
            (&[("cache-control", "no-cache=\"a, max-age=600\"")], 60),
            (&[("cache-control", "ext=\"a, max-age=600\"")], 3_600),
            (&[("cache-control", "max-age=soon")], 60),
            (&[("cache-control", "max-age=-1")], 60),
            (&[("cache-control", "max-age=99999999999999999999")], 86_400),
            (&[("cache-control", "s-maxage=600, must-revalidate")], 3_600),
            (&[("expires", "Fri, 20 Nov 2026 10:20:00 GMT"), DATED], 1_200),
            (&[("expires", "Fri, 20 Nov 2026 10:20:00 GMT")], 3_600),
            (&[("expires", "Fri, 20 Nov 2026 09:00:00 GMT"), DATED], 60),
            (&[("expires", "0"), DATED], 60),
            (&[("expires", "0"), ("cache-control", "max-age=600"), DATED], 600),
        ] {
            assert_eq!(kept(lines), expected, "{lines:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_said_the_bounds_hold(control in "[ -~]{0,60}", age in "[ -~]{0,20}", expires in "[ -~]{0,40}") {
            let lines = [("cache-control", control.as_str()), ("age", age.as_str()), ("expires", expires.as_str())];
            prop_assert!((60..=86_400).contains(&kept(&lines)));
        }
    }
}
