//! What is rewritten between a client and the backend, so that the client stays with the proxy.

use aws_lc_rs::digest;
use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderName, HeaderValue, Response as HttpResponse, header, request::Parts},
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp, fmt::rfc2822};
use serde_json::{Map, Value, json};
use url::{Url, form_urlencoded};

use crate::{fault::tokens, keys::SigningKey, reply::Note};

/// The members of a discovery document that say where an endpoint is, and what faults call it.
const ENDPOINTS: [(&str, &str); 8] = [
    ("authorization_endpoint", "authorize"),
    ("token_endpoint", "token"),
    ("userinfo_endpoint", "userinfo"),
    ("jwks_uri", "jwks"),
    ("device_authorization_endpoint", "device"),
    ("pushed_authorization_request_endpoint", "par"),
    ("revocation_endpoint", "revoke"),
    ("end_session_endpoint", "end_session"),
];

/// Epoch seconds after 2001 are times, and not durations.
const FIRST_TIME: i64 = 1_000_000_000;

/// The two names of the same place: the backend's own and the proxy's.
pub(super) struct Rewriting {
    upstream: String,
    proxy: String,
}

impl Rewriting {
    pub(super) fn new(upstream: &str, proxy: &str) -> Self {
        Self { upstream: upstream.to_owned(), proxy: proxy.to_owned() }
    }

    /// The proxy's own origin.
    pub(super) fn proxy(&self) -> &str {
        &self.proxy
    }

    /// A request as the backend is to see it: a form of one of its own pages.
    pub(super) fn request(&self, mut parts: Parts, body: Bytes) -> (Parts, Bytes) {
        for name in [header::ORIGIN, header::REFERER] {
            replace(&mut parts.headers, &name, |value| value.replace(&self.proxy, &self.upstream));
        }
        (parts, body)
    }

    /// A reply as the client is to see it, by a clock that is so far ahead. `learn` is told the endpoints that a
    /// discovery document names.
    pub(super) fn reply(
        &self,
        reply: HttpResponse<Bytes>,
        key: &SigningKey,
        ahead: SignedDuration,
        mut learn: impl FnMut(&str, &str),
    ) -> Response {
        let (mut parts, body) = reply.into_parts();
        replace(&mut parts.headers, &header::LOCATION, |value| self.location(value));
        self.cookies(&mut parts.headers);
        if !ahead.is_zero() {
            replace(&mut parts.headers, &header::DATE, |date| {
                later_date(date, ahead).unwrap_or(date.to_owned())
            });
        }
        let kind =
            parts.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let mut outcome = "passed on";
        let body = if kind.starts_with("text/html") {
            Bytes::from(String::from_utf8_lossy(&body).replace(&self.upstream, &self.proxy))
        } else if let Ok(Value::Object(mut json)) = serde_json::from_slice::<Value>(&body) {
            if json.contains_key("token_endpoint") || json.contains_key("authorization_endpoint") {
                outcome = "passed on: a discovery document, with the proxy's addresses";
                self.discovery(&mut json, &mut learn);
                Bytes::from(Value::Object(json).to_string())
            } else if json.get("keys").is_some_and(Value::is_array) {
                outcome = "passed on: a key set, with the proxy's key";
                publish(&mut json, key);
                Bytes::from(Value::Object(json).to_string())
            } else {
                let mut json = Value::Object(json);
                let signed = self.tokens(&mut json, key, ahead);
                if signed {
                    outcome = "passed on: an ID token, signed anew";
                }
                // A body in which nothing changed goes on as it came, byte for byte.
                if signed || !ahead.is_zero() { Bytes::from(json.to_string()) } else { body }
            }
        } else {
            body
        };
        let mut response = HttpResponse::from_parts(parts, Body::from(body));
        response.extensions_mut().insert(Note { outcome: outcome.to_owned(), family: None });
        response
    }

    /// The issuer's own redirects stay here; the one that goes back to the client names the proxy as the issuer
    /// (RFC 9207 §2).
    fn location(&self, location: &str) -> String {
        if let Some(rest) = location.strip_prefix(&self.upstream) {
            return format!("{}{rest}", self.proxy);
        }
        let Ok(mut url) = Url::parse(location) else { return location.to_owned() };
        let iss = url.query_pairs().find(|(name, _)| name == "iss").map(|(_, iss)| iss.into_owned());
        let Some(ours) =
            iss.and_then(|iss| iss.strip_prefix(&self.upstream).map(|rest| format!("{}{rest}", self.proxy)))
        else {
            return location.to_owned();
        };
        let query = url.query().unwrap_or_default().to_owned();
        let mut rewritten = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            rewritten.append_pair(&name, if name == "iss" { &ours } else { &value });
        }
        url.set_query(Some(&rewritten.finish()));
        url.into()
    }

    /// A cookie of the backend comes back to the proxy.
    fn cookies(&self, headers: &mut HeaderMap) {
        let plain = self.proxy.starts_with("http:");
        let cookies: Vec<_> = headers.get_all(header::SET_COOKIE).iter().cloned().collect();
        headers.remove(header::SET_COOKIE);
        for cookie in cookies {
            let kept = cookie.to_str().ok().map(|text| {
                let attributes = text.split(';').filter(|attribute| {
                    let name = attribute.split('=').next().unwrap_or_default().trim().to_ascii_lowercase();
                    name != "domain" && !(plain && name == "secure")
                });
                attributes.collect::<Vec<_>>().join(";")
            });
            let kept = kept.and_then(|text| text.parse::<HeaderValue>().ok()).unwrap_or(cookie);
            headers.append(header::SET_COOKIE, kept);
        }
    }

    fn discovery(&self, document: &mut Map<String, Value>, learn: &mut impl FnMut(&str, &str)) {
        for (member, name) in ENDPOINTS {
            let address = document.get(member).and_then(Value::as_str).and_then(|text| Url::parse(text).ok());
            if let Some(address) = address.filter(|url| url.origin().ascii_serialization() == self.upstream) {
                learn(name, address.path());
            }
        }
        for value in document.values_mut() {
            if let Value::String(text) = value
                && let Some(rest) = text.strip_prefix(&self.upstream)
            {
                *text = format!("{}{rest}", self.proxy);
            }
        }
        if let Some(Value::Array(algorithms)) = document.get_mut("id_token_signing_alg_values_supported")
            && !algorithms.iter().any(|algorithm| algorithm == "RS256")
        {
            algorithms.push(json!("RS256"));
        }
        // A proof of possession names the address it is sent to, which the backend would not recognize; and with a
        // certificate of its own the client would ask past the proxy.
        document.remove("dpop_signing_alg_values_supported");
        document.remove("mtls_endpoint_aliases");
    }

    /// Signs ID tokens in the proxy's name, and moves times where the clock is to be wrong. Whether there was any.
    fn tokens(&self, json: &mut Value, key: &SigningKey, ahead: SignedDuration) -> bool {
        let access = json.get("access_token").and_then(Value::as_str).map(str::to_owned);
        let mut signed = false;
        tokens::replace_id_token(json, |token| {
            let next = signed_anew(token, key, None, |claims| {
                self.claims(claims, token, access.as_deref());
                move_times(claims, ahead);
            });
            signed |= next.is_some();
            next
        });
        if !ahead.is_zero()
            && let Value::Object(object) = json
        {
            move_times(object, ahead);
        }
        signed
    }

    fn claims(&self, claims: &mut Map<String, Value>, token: &str, access: Option<&str>) {
        if let Some(Value::String(issuer)) = claims.get_mut("iss")
            && let Some(rest) = issuer.strip_prefix(&self.upstream)
        {
            *issuer = format!("{}{rest}", self.proxy);
        }
        let algorithm =
            tokens::parts(token).and_then(|(header, _)| Some(header.get("alg")?.as_str()?.to_owned()));
        let same_hash = algorithm.is_some_and(|algorithm| algorithm.ends_with("256"));
        // The hash goes with the signature's algorithm (OpenID Connect Core §3.1.3.6), which is now RS256.
        if let (Some(access), Some(hash), false) = (access, claims.get_mut("at_hash"), same_hash) {
            let digest = digest::digest(&digest::SHA256, access.as_bytes());
            let half: Vec<u8> = digest.as_ref().iter().copied().take(16).collect();
            *hash = json!(URL_SAFE_NO_PAD.encode(half));
        }
    }
}

/// The same claims, changed, under another signature. None for what is no JWT.
pub(super) fn signed_anew(
    token: &str,
    key: &SigningKey,
    key_id: Option<&str>,
    change: impl FnOnce(&mut Map<String, Value>),
) -> Option<String> {
    let (header, mut claims) = tokens::parts(token)?;
    change(&mut claims);
    let kind = header.get("typ").and_then(Value::as_str).unwrap_or("JWT");
    key.sign_as(key_id.unwrap_or_else(|| key.key_id()), kind, &claims).ok()
}

fn publish(keys: &mut Map<String, Value>, key: &SigningKey) {
    if let (Some(Value::Array(keys)), Ok(own)) = (keys.get_mut("keys"), serde_json::to_value(key.jwk())) {
        keys.push(own);
    }
}

/// Moves whatever is a time, in seconds.
fn move_times(object: &mut Map<String, Value>, ahead: SignedDuration) {
    for (name, value) in object.iter_mut() {
        let is_time = ["iat", "exp", "nbf", "auth_time"].contains(&name.as_str())
            || name.to_ascii_lowercase().contains("expir");
        if let Some(seconds) = value.as_i64().filter(|seconds| is_time && *seconds >= FIRST_TIME) {
            *value = json!(seconds.saturating_add(ahead.as_secs()));
        }
    }
}

fn later_date(date: &str, ahead: SignedDuration) -> Option<String> {
    let at = rfc2822::DateTimeParser::new().parse_timestamp(date).ok()?;
    let at: Timestamp = at.checked_add(ahead).ok()?;
    rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at).ok()
}

fn replace(headers: &mut HeaderMap, name: &HeaderName, change: impl Fn(&str) -> String) {
    let changed = headers.get(name).and_then(|value| value.to_str().ok()).map(change);
    if let Some(value) = changed.and_then(|text| text.parse::<HeaderValue>().ok()) {
        headers.insert(name.clone(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewriting() -> Rewriting {
        Rewriting::new("https://login.example", "http://127.0.0.1:4190")
    }

    #[test]
    fn redirects_stay_with_the_proxy_and_name_it_as_the_issuer() {
        let rewriting = rewriting();
        assert_eq!(rewriting.location("https://login.example/a?b=c"), "http://127.0.0.1:4190/a?b=c");
        assert_eq!(rewriting.location("/interaction/1"), "/interaction/1");
        let back =
            "http://127.0.0.1:5555/callback?code=x%2Fy&iss=https%3A%2F%2Flogin.example%2Frealm&state=s";
        assert_eq!(
            rewriting.location(back),
            "http://127.0.0.1:5555/callback?code=x%2Fy&iss=http%3A%2F%2F127.0.0.1%3A4190%2Frealm&state=s"
        );
        let other = "https://elsewhere.example/?iss=https%3A%2F%2Felsewhere.example";
        assert_eq!(rewriting.location(other), other);
    }

    #[test]
    fn cookies_come_back_to_the_proxy() {
        let mut headers = HeaderMap::new();
        let cookie = "sid=1; Domain=login.example; Path=/; Secure; HttpOnly";
        headers.append(header::SET_COOKIE, HeaderValue::from_static(cookie));
        rewriting().cookies(&mut headers);
        assert_eq!(headers[header::SET_COOKIE], "sid=1; Path=/; HttpOnly");
    }

    #[test]
    fn a_discovery_document_leads_to_the_proxy() {
        let mut document = json!({
            "issuer": "https://login.example/realm",
            "token_endpoint": "https://login.example/realm/token",
            "jwks_uri": "https://keys.example/jwks",
            "id_token_signing_alg_values_supported": ["ES256"],
            "dpop_signing_alg_values_supported": ["ES256"],
        });
        let mut learned = Vec::new();
        let mut learn = |name: &str, path: &str| learned.push(format!("{name} {path}"));
        rewriting().discovery(document.as_object_mut().unwrap(), &mut learn);
        assert_eq!(document["issuer"], "http://127.0.0.1:4190/realm");
        assert_eq!(document["token_endpoint"], "http://127.0.0.1:4190/realm/token");
        assert_eq!(document["jwks_uri"], "https://keys.example/jwks", "not the backend's: left alone");
        assert_eq!(document["id_token_signing_alg_values_supported"], json!(["ES256", "RS256"]));
        assert!(document.get("dpop_signing_alg_values_supported").is_none());
        assert_eq!(learned, ["token /realm/token"]);
    }

    #[test]
    fn a_wrong_clock_moves_times_and_no_durations() {
        let mut reply =
            json!({ "accessTokenExpiry": 1_900_000_000, "expires_in": 60, "level": 2_000_000_000 });
        move_times(reply.as_object_mut().unwrap(), SignedDuration::from_hours(1));
        assert_eq!(
            reply,
            json!({ "accessTokenExpiry": 1_900_003_600, "expires_in": 60, "level": 2_000_000_000 })
        );
        let date = later_date("Sun, 06 Nov 1994 08:49:37 GMT", SignedDuration::from_hours(1)).unwrap();
        assert_eq!(date, "Sun, 06 Nov 1994 09:49:37 GMT");
    }
}
