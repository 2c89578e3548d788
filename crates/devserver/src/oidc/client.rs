//! Who may ask for tokens: one public client, at home on this machine.

use axum::http::{HeaderMap, StatusCode, header};
use url::{Host, Url};

use super::params::Params;
use crate::reply::Answer;

/// The one client: an app on this machine, which can keep no secret (RFC 8252 §8.4).
pub(crate) const CLIENT_ID: &str = "latchkey";

/// Whether a client is called that.
pub(super) fn is_known(client_id: &str) -> bool {
    client_id == CLIENT_ID
}

/// Who sends this request to an endpoint for programs, in the form of RFC 6749 §5.2.
pub(super) fn authenticate<'a>(params: &'a Params, headers: &HeaderMap) -> Result<&'a str, Answer> {
    let invalid_client = |why: &str| Answer::refused(StatusCode::UNAUTHORIZED, "invalid_client", why);
    if headers.contains_key(header::AUTHORIZATION) {
        // RFC 6749 §5.2: whoever tries the header is told which scheme there is.
        return Err(invalid_client("clients here are public: send client_id and no Authorization header")
            .fixed_header(header::WWW_AUTHENTICATE, "Basic realm=\"latchkey devserver\""));
    }
    if params.get("client_secret").is_some() {
        return Err(invalid_client("clients here are public: they have no secret"));
    }
    let client_id =
        params.get("client_id").ok_or_else(|| invalid_client("the parameter client_id is missing"))?;
    if !is_known(client_id) {
        return Err(invalid_client("no client is called that; the one client is `latchkey`"));
    }
    Ok(client_id)
}

/// An address the client may be sent back to: http on this machine, with any port and any path (RFC 8252 §7.3).
pub(super) fn loopback_uri(text: &str) -> Result<Url, &'static str> {
    let uri = Url::parse(text).map_err(|_| "it is no absolute address")?;
    let is_loopback = match uri.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if uri.scheme() != "http" || !is_loopback {
        return Err("it must be http to this machine, such as http://127.0.0.1:8080/callback");
    }
    if uri.fragment().is_some() || !uri.username().is_empty() || uri.password().is_some() {
        return Err("it must have neither a fragment nor a user name");
    }
    Ok(uri)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_a_place_to_be_sent_back_to() {
        for good in [
            "http://127.0.0.1/",
            "http://127.0.0.1:51234/callback",
            "http://[::1]:1/any/path?with=query",
            "http://localhost:3000/cb",
        ] {
            assert!(loopback_uri(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/callback",
            "https://127.0.0.1/cb",
            "http://example.com/cb",
            "http://127.0.0.1.example.com/",
            "http://localhost.example.com/",
            "http://127.0.0.1@example.com/",
            "http://someone@127.0.0.1/",
            "http://127.0.0.1/#fragment",
            "javascript:alert(1)",
            "com.example.app:/callback",
        ] {
            assert!(loopback_uri(bad).is_err(), "{bad}");
        }
    }
}
