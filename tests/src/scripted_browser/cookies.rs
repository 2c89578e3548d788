//! The browser's cookies (RFC 6265), as far as a sign-in needs them.

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::Url;

/// What a browser keeps: by host and path. The port makes no difference, as in browsers (RFC 6265 §8.5), so a listener
/// on another port of the same host sees these cookies too.
#[derive(Debug, Default)]
pub(super) struct Cookies(Vec<Cookie>);

#[derive(Debug)]
struct Cookie {
    host: String,
    path: String,
    name: String,
    value: String,
}

impl Cookies {
    /// Takes in one `Set-Cookie` of a reply from this URL. One that has expired already removes what it names.
    pub(super) fn take(&mut self, from: &Url, header: &str, now: Timestamp) {
        let mut parts = header.split(';');
        let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else { return };
        let (name, host) = (name.trim(), from.host_str().unwrap_or_default());
        let (mut path, mut gone) = (default_path(from.path()), false);
        for attribute in parts {
            let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
            let value = value.trim();
            match key.trim().to_ascii_lowercase().as_str() {
                "path" if value.starts_with('/') => path = value,
                "max-age" => gone |= value.parse::<i64>().is_ok_and(|seconds| seconds <= 0),
                "expires" => gone |= rfc2822::parse(value).is_ok_and(|end| end.timestamp() <= now),
                _ => {}
            }
        }
        self.0.retain(|known| {
            (known.host.as_str(), known.path.as_str(), known.name.as_str()) != (host, path, name)
        });
        if !gone {
            let (host, path, name) = (host.to_owned(), path.to_owned(), name.to_owned());
            self.0.push(Cookie { host, path, name, value: value.trim().to_owned() });
        }
    }

    /// The `Cookie` header for a request, if there is anything to send.
    pub(super) fn header(&self, to: &Url) -> Option<String> {
        let fitting = |cookie: &&Cookie| {
            to.host_str() == Some(cookie.host.as_str()) && path_matches(to.path(), &cookie.path)
        };
        let pairs: Vec<_> =
            self.0.iter().filter(fitting).map(|cookie| format!("{}={}", cookie.name, cookie.value)).collect();
        (!pairs.is_empty()).then(|| pairs.join("; "))
    }
}

/// RFC 6265 §5.1.4.
fn default_path(path: &str) -> &str {
    match path.rfind('/') {
        Some(0) | None => "/",
        Some(end) => &path[..end],
    }
}

/// RFC 6265 §5.1.4.
fn path_matches(path: &str, cookie: &str) -> bool {
    path.strip_prefix(cookie)
        .is_some_and(|rest| rest.is_empty() || cookie.ends_with('/') || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header_after(set: &[&str], to: &str) -> Option<String> {
        let from = Url::parse("http://127.0.0.1:4100/interaction/one").unwrap();
        let mut cookies = Cookies::default();
        for header in set {
            cookies.take(&from, header, Timestamp::from_second(1_800_000_000).unwrap());
        }
        cookies.header(&Url::parse(to).unwrap())
    }

    #[test]
    fn a_cookie_goes_back_to_its_host_and_below_its_path() {
        let set = ["a=1; path=/", "b=2; Path=/device; httponly", "c=3"];
        assert_eq!(header_after(&set, "http://127.0.0.1:9/device/x").as_deref(), Some("a=1; b=2"));
        assert_eq!(header_after(&set, "http://127.0.0.1:9/devices").as_deref(), Some("a=1"));
        assert_eq!(header_after(&set, "http://127.0.0.1:9/interaction/two").as_deref(), Some("a=1; c=3"));
        assert_eq!(header_after(&set, "http://localhost:4100/device"), None);
    }

    #[test]
    fn a_cookie_is_replaced_and_removed() {
        let past = "a=; path=/; expires=Thu, 01 Jan 1970 00:00:00 GMT";
        let future = "a=2; path=/; expires=Thu, 01 Jan 2099 00:00:00 GMT";
        assert_eq!(header_after(&["a=1; path=/", future], "http://127.0.0.1/").as_deref(), Some("a=2"));
        assert_eq!(header_after(&["a=1; path=/", past], "http://127.0.0.1/"), None);
        assert_eq!(header_after(&["a=1; path=/", "a=; path=/; Max-Age=0"], "http://127.0.0.1/"), None);
    }
}
