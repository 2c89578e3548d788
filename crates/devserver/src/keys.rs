//! The signing keys: RS256 tokens (RFC 7519) and the key set that verifies them (RFC 7517).
//!
//! One key signs. A key that was replaced stays published for as long as a token lives that it signed.

mod signing_key;

use jiff::Timestamp;
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation,
    jwk::{Jwk, JwkSet},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub(crate) use signing_key::SigningKey;

/// The `aud` of every access token.
pub(crate) const AUDIENCE: &str = "latchkey-demo";

/// The `typ` of an access token of the REST login, and of an ID token.
pub(crate) const JWT: &str = "JWT";

/// The `typ` of an OAuth access token (RFC 9068 §2.1): what keeps the three kinds apart.
pub(crate) const ACCESS_TOKEN_JWT: &str = "at+jwt";

/// Not a token of this server, or one whose key is gone.
#[derive(Debug, thiserror::Error)]
#[error("not a token of this server")]
pub(crate) struct NotOurs;

/// Roles in the place where Keycloak puts them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Roles {
    pub(crate) roles: Vec<String>,
}

impl Roles {
    /// Everyone here has the same.
    pub(crate) fn of_a_user() -> Self {
        Self { roles: vec!["user".into()] }
    }
}

/// The key that signs, and those that signed before.
pub(crate) struct KeyRing {
    current: SigningKey,
    old: Vec<OldKey>,
}

/// The public half of a key that was replaced.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct OldKey {
    jwk: Jwk,
    /// When has everything expired that it signed?
    until: Timestamp,
}

impl KeyRing {
    pub(crate) fn new(current: SigningKey, old: Vec<OldKey>) -> Self {
        Self { current, old }
    }

    /// `next` signs from now on. The key before it stays published until `until`; without one, all old keys go.
    pub(crate) fn rotated(&self, next: SigningKey, until: Option<Timestamp>) -> Self {
        let mut old = Vec::new();
        if let Some(until) = until {
            old.clone_from(&self.old);
            old.push(OldKey { jwk: self.current.jwk().clone(), until });
        }
        Self { current: next, old }
    }

    pub(crate) fn current(&self) -> &SigningKey {
        &self.current
    }

    /// The old keys that are still published.
    pub(crate) fn old(&self, now: Timestamp) -> Vec<OldKey> {
        self.old.iter().filter(|key| key.until > now).cloned().collect()
    }

    /// The key set to publish: public halves only, the one that signs first.
    pub(crate) fn key_set(&self, now: Timestamp) -> JwkSet {
        let old = self.old(now).into_iter().map(|key| key.jwk);
        JwkSet { keys: std::iter::once(self.current.jwk().clone()).chain(old).collect() }
    }

    /// The claims of a token of ours, whatever its age: the caller compares `exp` with its own clock.
    pub(crate) fn verify<T: DeserializeOwned>(
        &self,
        token_type: &str,
        token: &str,
        issuer: &str,
        audience: &str,
        now: Timestamp,
    ) -> Result<T, NotOurs> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| NotOurs)?;
        if header.typ.as_deref() != Some(token_type) {
            return Err(NotOurs);
        }
        let keys = self.key_set(now);
        let key = keys.find(header.kid.as_deref().unwrap_or_default()).ok_or(NotOurs)?;
        let key = DecodingKey::from_jwk(key).map_err(|_| NotOurs)?;
        let mut rules = Validation::new(Algorithm::RS256);
        rules.validate_exp = false;
        rules.set_issuer(&[issuer]);
        rules.set_audience(&[audience]);
        rules.set_required_spec_claims(&["iss", "sub", "aud", "exp"]);
        jsonwebtoken::decode(token, &key, &rules).map(|token| token.claims).map_err(|_| NotOurs)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_token_is_good_for_its_own_type_audience_and_issuer_while_its_key_is_published() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let keys = KeyRing::new(SigningKey::generate().unwrap(), Vec::new());
        let claims = json!({ "iss": "issuer", "sub": "s", "aud": "audience", "exp": 5 });
        let token = keys.current().sign(ACCESS_TOKEN_JWT, &claims).unwrap();
        let verify = |keys: &KeyRing, token_type, issuer, audience, now| {
            keys.verify::<Value>(token_type, &token, issuer, audience, at(now)).is_ok()
        };
        assert!(verify(&keys, ACCESS_TOKEN_JWT, "issuer", "audience", 0));
        assert!(!verify(&keys, JWT, "issuer", "audience", 0));
        assert!(!verify(&keys, ACCESS_TOKEN_JWT, "other", "audience", 0));
        assert!(!verify(&keys, ACCESS_TOKEN_JWT, "issuer", "other", 0));

        let rotated = keys.rotated(SigningKey::generate().unwrap(), Some(at(10)));
        assert!(verify(&rotated, ACCESS_TOKEN_JWT, "issuer", "audience", 9));
        assert!(!verify(&rotated, ACCESS_TOKEN_JWT, "issuer", "audience", 10));
        let removed = rotated.rotated(SigningKey::generate().unwrap(), None);
        assert!(!verify(&removed, ACCESS_TOKEN_JWT, "issuer", "audience", 9));
    }
}
