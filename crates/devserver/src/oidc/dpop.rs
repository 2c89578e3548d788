//! Proof of possession (RFC 9449): a token is good only for whoever holds the key it was bound to.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation,
    jwk::{Jwk, ThumbprintHash},
};
use serde::Deserialize;
use serde_json::{Map, Value};
use url::Url;

use super::pkce::sha256_text;
use crate::{
    backend::Backend,
    clock::later,
    reply::Answer,
    token::{NoRandomness, TokenHash, random_id},
};

/// The signatures that are taken: asymmetric ones only (§4.3).
const ALGORITHMS: [Algorithm; 3] = [Algorithm::ES256, Algorithm::ES384, Algorithm::EdDSA];

/// The same, for the discovery document.
pub(super) const ALGORITHM_NAMES: [&str; 3] = ["ES256", "ES384", "EdDSA"];

const PROOF: &str = "dpop";

/// How far the `iat` of a proof may be from our clock (§11.1), unless a nonce tells its age.
const WINDOW: Duration = Duration::from_mins(1);

/// How long a proof is remembered: for longer than it could be used again.
const REMEMBER: Duration = Duration::from_mins(5);

/// A nonce is replaced after this, and taken for as long again.
const NONCE_TURN: Duration = Duration::from_mins(1);

/// What a proof must be made for.
pub(super) struct Place<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'static str,
    /// The token it goes along with.
    pub(super) access_token: Option<&'a str>,
}

/// Why a proof is not taken.
#[derive(Debug)]
pub(super) enum Refusal {
    Invalid(&'static str),
    /// It holds no nonce of ours, or an old one (§8).
    NonceNeeded,
}

impl Refusal {
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid_dpop_proof",
            Self::NonceNeeded => "use_dpop_nonce",
        }
    }

    pub(super) fn description(&self) -> &'static str {
        match self {
            Self::Invalid(why) => why,
            Self::NonceNeeded => "the DPoP proof needs the nonce of the header DPoP-Nonce",
        }
    }

    /// The answer of an endpoint for clients (§5, §8).
    pub(super) fn into_answer(self) -> Answer {
        Answer::refused(StatusCode::BAD_REQUEST, self.code(), self.description())
    }
}

/// The nonces that are taken: the newest and the one before it.
#[derive(Default)]
pub(super) struct Nonces {
    current: Option<(String, Timestamp)>,
    previous: Option<(String, Timestamp)>,
}

impl Nonces {
    /// The nonce to hand out.
    fn current(&mut self, now: Timestamp) -> Result<String, NoRandomness> {
        if let Some((nonce, made_at)) = &self.current
            && now < later(*made_at, NONCE_TURN)
        {
            return Ok(nonce.clone());
        }
        let nonce = random_id()?;
        self.previous = self.current.replace((nonce.clone(), now));
        Ok(nonce)
    }

    fn take(&self, nonce: &str, now: Timestamp) -> bool {
        [&self.current, &self.previous]
            .into_iter()
            .flatten()
            .any(|(ours, made_at)| ours == nonce && now < later(*made_at, 2 * NONCE_TURN))
    }
}

/// The answer, with a nonce for the next request where nonces are asked for (§8.2).
pub(super) fn with_nonce(backend: &Backend, answer: Answer) -> Answer {
    if !backend.options.require_dpop_nonce {
        return answer;
    }
    let now = backend.clock.now();
    let nonce = backend.sessions(now).oidc.nonces.current(now);
    match nonce.ok().and_then(|nonce| HeaderValue::try_from(nonce).ok()) {
        Some(nonce) => answer.header(HeaderName::from_static("dpop-nonce"), nonce),
        None => answer,
    }
}

/// The thumbprint of the key for which these headers hold a proof; None where they hold none.
pub(super) fn key(
    backend: &Backend,
    headers: &HeaderMap,
    place: &Place<'_>,
    now: Timestamp,
) -> Result<Option<String>, Refusal> {
    let mut proofs = headers.get_all(PROOF).iter();
    let Some(proof) = proofs.next() else { return Ok(None) };
    if proofs.next().is_some() {
        return Err(Refusal::Invalid("more than one DPoP proof was sent"));
    }
    let proof = proof.to_str().map_err(|_| Refusal::Invalid("the DPoP proof is no text"))?;
    check(backend, proof, place, now).map(Some)
}

/// The checks of §4.3, in its order.
fn check(backend: &Backend, proof: &str, place: &Place<'_>, now: Timestamp) -> Result<String, Refusal> {
    let (key, claims) = open(proof)?;
    if claims.htm != place.method {
        return Err(Refusal::Invalid("the DPoP proof was made for another method (htm)"));
    }
    if !is_at(&claims.htu, &format!("{}{}", backend.issuer, place.path)) {
        return Err(Refusal::Invalid("the DPoP proof was made for another address (htu)"));
    }
    if let Some(token) = place.access_token
        && claims.ath.as_deref() != Some(&sha256_text(token))
    {
        return Err(Refusal::Invalid("the DPoP proof was made for another access token (ath)"));
    }
    let mut sessions = backend.sessions(now);
    let pending = &mut sessions.oidc;
    if backend.options.require_dpop_nonce {
        // The nonce says when the proof was made, so that a client whose clock is wrong is taken as well.
        if !claims.nonce.is_some_and(|nonce| pending.nonces.take(&nonce, now)) {
            return Err(Refusal::NonceNeeded);
        }
    } else if now.as_second().abs_diff(claims.iat) > WINDOW.as_secs() {
        return Err(Refusal::Invalid("the DPoP proof is too old, or made in the future (iat)"));
    }
    let seen = TokenHash::of(&format!("{key} {}", claims.jti));
    if pending.proofs.get(seen, now).is_some() {
        return Err(Refusal::Invalid("the DPoP proof was used before (jti)"));
    }
    pending.proofs.insert(seen, (), later(now, REMEMBER), now);
    Ok(key)
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: i64,
    ath: Option<String>,
    nonce: Option<String>,
}

/// The thumbprint of the key in the header, and the claims it signed.
fn open(proof: &str) -> Result<(String, Claims), Refusal> {
    let unreadable = || Refusal::Invalid("the DPoP proof cannot be read");
    let header = proof.split('.').next().unwrap_or_default();
    let header = URL_SAFE_NO_PAD.decode(header).map_err(|_| unreadable())?;
    let header: Map<String, Value> = serde_json::from_slice(&header).map_err(|_| unreadable())?;
    if header.get("typ").and_then(Value::as_str) != Some("dpop+jwt") {
        return Err(Refusal::Invalid("the type (typ) of the DPoP proof is not dpop+jwt"));
    }
    if header.contains_key("crit") {
        return Err(Refusal::Invalid("the DPoP proof has extensions that are not known here (crit)"));
    }
    let algorithm = header.get("alg").and_then(Value::as_str).and_then(|name| name.parse().ok());
    let Some(algorithm) = algorithm.filter(|algorithm| ALGORITHMS.contains(algorithm)) else {
        return Err(Refusal::Invalid("the signature (alg) of the DPoP proof is not ES256, ES384 or EdDSA"));
    };
    let jwk = header.get("jwk").filter(|jwk| jwk.is_object()).ok_or_else(unreadable)?;
    if ["d", "k"].iter().any(|private| jwk.get(private).is_some()) {
        return Err(Refusal::Invalid("the DPoP proof gives its private key away"));
    }
    let jwk: Jwk = serde_json::from_value(jwk.clone()).map_err(|_| unreadable())?;
    let key = DecodingKey::from_jwk(&jwk).map_err(|_| unreadable())?;
    let mut rules = Validation::new(algorithm);
    rules.validate_exp = false;
    rules.validate_aud = false;
    rules.required_spec_claims.clear();
    let claims = jsonwebtoken::decode(proof, &key, &rules)
        .map_err(|_| {
            Refusal::Invalid("the signature of the DPoP proof does not match, or claims are missing")
        })?
        .claims;
    Ok((jwk.thumbprint(ThumbprintHash::SHA256).map_err(|_| unreadable())?, claims))
}

/// Whether this is that address, apart from query and fragment.
fn is_at(htu: &str, address: &str) -> bool {
    let plain = |text: &str| {
        let mut url = Url::parse(text).ok()?;
        url.set_query(None);
        url.set_fragment(None);
        Some(url)
    };
    plain(htu).is_some_and(|htu| Some(htu) == plain(address))
}

/// The challenge of a resource that takes bound tokens, with what was wrong (§7.1).
pub(super) fn challenge(answer: Answer, error: Option<&str>) -> Answer {
    let error = error.map_or_else(String::new, |error| format!("error=\"{error}\", "));
    match HeaderValue::try_from(format!("DPoP {error}algs=\"{}\"", ALGORITHM_NAMES.join(" "))) {
        Ok(challenge) => answer.header(header::WWW_AUTHENTICATE, challenge),
        Err(_) => answer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_nonce_is_taken_for_a_minute_after_it_was_replaced() {
        let mut nonces = Nonces::default();
        let first = nonces.current(at(0)).unwrap();
        assert_eq!(nonces.current(at(59)).unwrap(), first);
        let second = nonces.current(at(60)).unwrap();
        assert_ne!(first, second);
        assert!(nonces.take(&first, at(119)) && nonces.take(&second, at(119)));
        assert!(!nonces.take(&first, at(120)), "though no newer one was handed out");
        assert!(!nonces.take("rubbish", at(60)));
    }

    #[test]
    fn an_address_is_compared_without_query_and_fragment() {
        let here = "http://127.0.0.1:4180/oauth/token";
        for (htu, same) in [
            (here, true),
            ("HTTP://127.0.0.1:4180/oauth/token?a=b#c", true),
            ("http://127.0.0.1:4181/oauth/token", false),
            ("http://127.0.0.1:4180/oauth/token/", false),
            ("/oauth/token", false),
        ] {
            assert_eq!(is_at(htu, here), same, "{htu}");
        }
    }
}
