//! One cookie: read from a `Set-Cookie` header (RFC 6265 §5.2, read by the `cookie` crate) and judged by where it came
//! from (§5.3).

use ::cookie::SameSite;
use jiff::{SignedDuration, Timestamp};
use latchkey_core::secret::Secret;
use reqwest::Url;
use serde::{Deserialize, Serialize};

use crate::config::is_loopback;
use crate::provider::expiry;

/// The longest name and value together that are kept. Browsers stop at 4096 octets (RFC 6265 §6.1).
const LONGEST: usize = 8192;

/// A cookie that is kept. No `Debug`: its value may be a session.
#[derive(Clone)]
pub(super) struct Cookie {
    pub(super) name: String,
    pub(super) value: Secret,
    pub(super) scope: Scope,
}

/// Where a cookie may be sent, and until when.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Scope {
    /// The host that set it, or the `Domain` it named.
    pub(super) domain: String,
    /// Whether it goes to that host alone: it named no `Domain`.
    pub(super) host_only: bool,
    pub(super) path: String,
    pub(super) secure: bool,
    pub(super) http_only: bool,
    /// As it was given; requests from here are never another site's.
    pub(super) same_site: Option<Strictness>,
    /// When it ends by our clock; none where it lasts as long as a browser runs.
    pub(super) expires: Option<Timestamp>,
}

/// `SameSite` (RFC 6265bis §5.4.7).
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Strictness {
    Strict,
    Lax,
    None,
}

/// What one `Set-Cookie` says.
pub(super) struct SetCookie {
    pub(super) cookie: Cookie,
    /// Whether it takes the cookie away.
    pub(super) removes: bool,
}

impl SetCookie {
    /// Reads the header of an answer to a request for `url`; nothing, where a browser would not take it either.
    ///
    /// `skew` is how much the server's clock is ahead of ours: a server writes `Expires` by its own.
    pub(super) fn read(header: &str, url: &Url, received: Timestamp, skew: SignedDuration) -> Option<Self> {
        let read = ::cookie::Cookie::parse(header).ok()?;
        let (name, value) = read.name_value();
        let sendable = |text: &str| text.bytes().all(|byte| matches!(byte, 0x20..=0x7e) && byte != b';');
        if name.len() + value.len() > LONGEST || !sendable(name) || !sendable(value) {
            return None;
        }
        let host = host_of(url)?;
        let named = read.domain().map(|domain| domain.trim_start_matches('.').to_ascii_lowercase());
        let named = named.filter(|domain| !domain.is_empty());
        if named.as_ref().is_some_and(|domain| !domain_matches(&host, domain)) {
            return None;
        }
        let path = read.path().filter(|path| path.starts_with('/'));
        let secure = read.secure() == Some(true);
        let whole_host = named.is_none() && path == Some("/");
        if secure && !trustworthy(url)
            || name.starts_with("__Secure-") && !secure
            || name.starts_with("__Host-") && !(secure && whole_host)
        {
            return None;
        }
        // `Max-Age` wins (RFC 6265 §5.3, step 3).
        let ends = match (read.max_age(), read.expires_datetime()) {
            (Some(age), _) => {
                let age = SignedDuration::from_secs(age.whole_seconds().min(FARTHEST));
                Some(received.saturating_add(age).unwrap_or(Timestamp::MAX))
            }
            (None, Some(at)) => {
                let theirs = Timestamp::from_second(at.unix_timestamp()).unwrap_or(Timestamp::UNIX_EPOCH);
                Some(expiry::by_our_clock(theirs, skew).unwrap_or(theirs))
            }
            (None, None) => None,
        };
        let removes = ends.is_some_and(|ends| ends <= received);
        let same_site = read.same_site().map(|same_site| match same_site {
            SameSite::Strict => Strictness::Strict,
            SameSite::Lax => Strictness::Lax,
            SameSite::None => Strictness::None,
        });
        let scope = Scope {
            host_only: named.is_none(),
            domain: named.unwrap_or(host),
            path: path.map_or_else(|| default_path(url), str::to_owned),
            secure,
            http_only: read.http_only() == Some(true),
            same_site,
            expires: ends,
        };
        let cookie = Cookie { name: name.to_owned(), value: Secret::new(value.to_owned()), scope };
        Some(Self { cookie, removes })
    }
}

/// Ten years in seconds: what lasts longer lasts that long.
const FARTHEST: i64 = 10 * 366 * 86_400;

impl Scope {
    /// Whether a request for `url` carries the cookie (RFC 6265 §5.4), leaving its end aside.
    pub(super) fn covers(&self, url: &Url) -> bool {
        let Some(host) = host_of(url) else { return false };
        let domain = if self.host_only { host == self.domain } else { domain_matches(&host, &self.domain) };
        domain && path_matches(url.path(), &self.path) && (!self.secure || trustworthy(url))
    }
}

fn host_of(url: &Url) -> Option<String> {
    url.host_str().map(str::to_ascii_lowercase)
}

/// RFC 6265 §5.1.3. An address has no subdomains.
fn domain_matches(host: &str, domain: &str) -> bool {
    host == domain
        || host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
            && host.parse::<std::net::IpAddr>().is_err()
}

/// RFC 6265 §5.1.4.
fn path_matches(path: &str, cookie: &str) -> bool {
    path.strip_prefix(cookie)
        .is_some_and(|rest| rest.is_empty() || cookie.ends_with('/') || rest.starts_with('/'))
}

/// RFC 6265 §5.1.4: up to the last slash of the request's path.
fn default_path(url: &Url) -> String {
    let upto = url.path().rfind('/').unwrap_or(0);
    if upto == 0 { "/".to_owned() } else { url.path()[..upto].to_owned() }
}

/// Where `Secure` cookies may be set and sent: over TLS, and on this machine, as in browsers.
fn trustworthy(url: &Url) -> bool {
    url.scheme() == "https" || is_loopback(url)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    fn now() -> Timestamp {
        "2026-11-20T12:00:00Z".parse().unwrap()
    }

    fn read(header: &str, from: &str) -> Option<SetCookie> {
        SetCookie::read(header, &url(from), now(), SignedDuration::ZERO)
    }

    const SITE: &str = "https://shop.example/api/auth/session";

    /// RFC 6265 §5.4, a cookie and an address each, and whether the one goes to the other.
    #[test]
    fn a_cookie_goes_where_it_may_and_nowhere_else() {
        for (header, to, goes) in [
            ("a=1; Path=/", "https://shop.example/", true),
            ("a=1; Path=/", "https://SHOP.example/x?y", true),
            ("a=1; Path=/", "https://other.example/", false),
            ("a=1; Path=/", "https://evil-shop.example/", false),
            ("a=1; Path=/", "https://sub.shop.example/", false),
            ("a=1; Path=/; Domain=shop.example", "https://sub.shop.example/", true),
            ("a=1; Path=/; Domain=.shop.example", "https://sub.shop.example/", true),
            ("a=1; Path=/; Domain=shop.example", "https://evilshop.example/", false),
            ("a=1; Path=/api", "https://shop.example/api/x", true),
            ("a=1; Path=/api", "https://shop.example/api", true),
            ("a=1; Path=/api", "https://shop.example/apix", false),
            ("a=1; Path=/api/", "https://shop.example/api", false),
            ("a=1", "https://shop.example/api/auth/csrf", true),
            ("a=1", "https://shop.example/api/other", false),
            ("a=1; Path=/; Secure", "http://shop.example/", false),
            ("a=1; Path=/", "http://shop.example/", true),
        ] {
            let set = read(header, SITE).unwrap();
            assert_eq!(set.cookie.scope.covers(&url(to)), goes, "{header} to {to}");
        }
    }

    #[test]
    fn what_a_browser_would_refuse_is_refused() {
        for (header, from) in [
            ("a=1; Domain=other.example", SITE),
            ("a=1; Domain=p.example", SITE),
            ("a=1; Domain=0.0.1", "http://127.0.0.1/"),
            ("a=1; Secure", "http://shop.example/"),
            ("__Secure-a=1; Path=/", SITE),
            ("__Host-a=1; Path=/; Secure; Domain=shop.example", SITE),
            ("__Host-a=1; Path=/api; Secure", SITE),
            ("__Host-a=1; Path=/", SITE),
            ("=1", SITE),
            ("a", SITE),
            ("a=ü", SITE),
        ] {
            assert!(read(header, from).is_none(), "{header} from {from}");
        }
        assert!(read("__Host-a=1; Path=/; Secure", SITE).is_some());
        assert!(
            read("__Secure-a=1; Path=/; Secure", "http://127.0.0.1:4180/auth").is_some(),
            "on this machine"
        );
    }

    #[test]
    fn max_age_wins_over_expires_and_the_past_takes_away() {
        let expires = |header: &str| {
            let set = read(header, SITE).unwrap();
            (set.removes, set.cookie.scope.expires.map(|at| at.duration_since(now()).as_secs()))
        };
        assert_eq!(expires("a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT"), (false, Some(60)));
        assert_eq!(expires("a=; Max-Age=0"), (true, Some(0)));
        assert_eq!(expires("a=; Max-Age=-5"), (true, Some(0)));
        assert!(expires("a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT").0);
        assert_eq!(expires("a=1; Expires=Fri, 20 Nov 2026 12:00:30 GMT"), (false, Some(30)));
        assert_eq!(expires("a=1; Expires=soon"), (false, None));
        assert_eq!(expires("a=1; Max-Age=99999999999999999999").1, Some(FARTHEST));
    }

    #[test]
    fn a_server_whose_clock_is_behind_takes_nothing_away_by_that() {
        let behind = SignedDuration::from_hours(-1);
        let header = "a=1; Expires=Fri, 20 Nov 2026 11:00:30 GMT";
        let set = SetCookie::read(header, &url(SITE), now(), behind).unwrap();
        assert_eq!(
            (set.removes, set.cookie.scope.expires),
            (false, Some(now() + SignedDuration::from_secs(30)))
        );
    }

    proptest! {
        #[test]
        fn no_header_panics_and_none_leads_off_the_site(header: String, path in "(/[a-z]{0,3}){0,3}") {
            if let Some(set) = read(&header, SITE) {
                let elsewhere = url(&format!("https://elsewhere.test/{path}"));
                prop_assert!(!set.cookie.scope.covers(&elsewhere));
            }
        }
    }
}
