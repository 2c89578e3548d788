//! What authorizes a request to a resource server: the headers to put into it.

use latchkey_core::fingerprint::Fingerprint;
use latchkey_core::secret::{AccessToken, Secret};
use reqwest::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue};
use zeroize::Zeroizing;

use crate::jose::dpop;

/// The headers that authorize one request. Whoever holds them holds a secret, so there is no `Debug`.
pub struct RequestHeaders {
    /// To be put in the place of the request's own of the same names; a `Cookie` is added to the request's own. The
    /// values are marked as sensitive.
    pub headers: HeaderMap,
    /// The generation of the token in them.
    pub generation: u64,
    /// Its fingerprint: with it a refusal is told.
    pub fingerprint: Fingerprint,
}

/// A plain token (RFC 6750 §2.1).
pub(crate) fn bearer(token: &AccessToken) -> HeaderMap {
    let mut headers = HeaderMap::new();
    put(&mut headers, AUTHORIZATION, &Zeroizing::new(format!("Bearer {}", token.expose())));
    headers
}

/// A token that is bound to a key, and the proof of having it (RFC 9449 §7.1).
pub(crate) fn bound(token: &AccessToken, proof: &Secret) -> HeaderMap {
    let mut headers = HeaderMap::new();
    put(&mut headers, AUTHORIZATION, &Zeroizing::new(format!("{} {}", dpop::TOKEN_TYPE, token.expose())));
    put(&mut headers, HeaderName::from_static("dpop"), proof.expose());
    headers
}

/// The cookies of a session (RFC 6265 §4.2).
pub(crate) fn cookie(cookies: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    put(&mut headers, COOKIE, cookies);
    headers
}

/// A value that cannot stand in a header is left out; the server will say what it misses.
fn put(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(mut value) = HeaderValue::try_from(value) {
        value.set_sensitive(true);
        headers.insert(name, value);
    }
}
