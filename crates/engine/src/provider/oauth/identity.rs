//! Who signed in: from the claims of a verified ID token, and from the user-info endpoint where those say little.

use latchkey_core::disposition::Failure;
use latchkey_core::secret::AccessToken;
use latchkey_core::text;
use serde_json::{Map, Value};

use super::metadata::Metadata;
use super::token::bound_to;
use super::{BoundKey, Oauth, locked};
use crate::config::{ClaimPlaces, endpoint};
use crate::http::{Reply, Request};
use crate::jose::dpop::{self, Server, asks_for_nonce};
use crate::jose::look;
use crate::provider::credentials::verdict;
use crate::provider::reply;
use crate::vault::{Envelope, Identity, MAX_ROLES};

/// The longest address of a picture that is kept.
const MAX_PICTURE: usize = 2048;

/// Who these claims speak of.
pub(super) fn of(claims: &Map<String, Value>, places: &ClaimPlaces) -> Identity {
    let claims = Value::Object(claims.clone());
    let shown = |place: &str| {
        let text = match claims.pointer(place)? {
            Value::String(text) => text::foreign(text),
            Value::Number(number) => number.to_string(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
        };
        Some(text).filter(|text| !text.is_empty())
    };
    let picture = claims.pointer(&places.picture).and_then(Value::as_str);
    Identity {
        name: shown(&places.name),
        email: shown(&places.email),
        subject: shown(&places.subject),
        roles: claims.pointer(&places.roles).map(roles).unwrap_or_default(),
        picture: picture
            .filter(|text| text.len() <= MAX_PICTURE)
            .and_then(endpoint)
            .filter(|url| url.scheme() == "https")
            .map(String::from),
    }
}

/// Roles as servers write them: a list, an object with a member for each, or names with spaces between them.
fn roles(value: &Value) -> Vec<String> {
    let names: Vec<&str> = match value {
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        Value::Object(members) => members.keys().map(String::as_str).collect(),
        Value::String(text) => text.split_ascii_whitespace().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    };
    let shown = names.into_iter().map(text::foreign).filter(|name| !name.is_empty());
    shown.take(MAX_ROLES).collect()
}

impl Oauth {
    /// Completes an identity: roles from the access token, where it is one that can be looked into (they are shown
    /// and nothing else), the rest from the user-info endpoint. Not knowing is no reason to fail.
    pub(super) async fn complete(
        &self,
        known: Identity,
        subject: Option<&str>,
        metadata: &Metadata,
        access: &AccessToken,
        key: Option<&BoundKey>,
    ) -> Identity {
        let places = &self.inner.config.claims;
        let mut identity = known;
        if identity.name.is_none() || identity.email.is_none() {
            let claims = self.user_info(metadata, access, key).await;
            // OpenID Connect Core §5.3.2: what speaks of somebody else is not used.
            let same = |claims: &Map<String, Value>| {
                subject.is_none_or(|subject| claims.get("sub").and_then(Value::as_str) == Some(subject))
            };
            if let Some(claims) = claims.filter(same) {
                identity = identity.or(of(&claims, places));
            }
        }
        if identity.roles.is_empty() {
            identity.roles =
                look::claims(access.expose()).map(|claims| of(&claims, places).roles).unwrap_or_default();
        }
        identity
    }

    /// Asks once more who an access token is for; none where the server has nowhere to ask.
    pub(in crate::provider) async fn user_info_again(
        &self,
        access: &AccessToken,
        held: &Envelope,
    ) -> Result<Option<Identity>, Failure> {
        let metadata = self.metadata().await?;
        if metadata.endpoints.user_info.is_none() {
            return Ok(None);
        }
        let key = bound_to(held)?;
        let claims = self.user_info(&metadata, access, key.as_ref()).await.ok_or(Failure::NoReply)?;
        let known = held.identity.subject.as_deref();
        // OpenID Connect Core §5.3.2: what speaks of somebody else is not used.
        let found = of(&claims, &self.inner.config.claims);
        Ok(Some(found).filter(|found| known.is_none() || found.subject.as_deref() == known))
    }

    /// Whether the user-info endpoint takes this access token; none where there is none, or it says neither.
    pub(in crate::provider) async fn accepts(&self, held: &Envelope) -> Option<bool> {
        let metadata = self.metadata().await.ok()?;
        let key = bound_to(held).ok()?;
        let access = &held.tokens.access;
        let mut answer = self.ask_user_info(&metadata, access, key.as_ref()).await?;
        if key.is_some() && asks_for_nonce(Server::Resource, &answer) {
            answer = self.ask_user_info(&metadata, access, key.as_ref()).await?;
        }
        verdict(&answer)
    }

    async fn user_info(
        &self,
        metadata: &Metadata,
        access: &AccessToken,
        key: Option<&BoundKey>,
    ) -> Option<Map<String, Value>> {
        let mut answer = self.ask_user_info(metadata, access, key).await?;
        if key.is_some() && asks_for_nonce(Server::Resource, &answer) {
            answer = self.ask_user_info(metadata, access, key).await?;
        }
        match reply::object(&answer).filter(|_| answer.is_success())? {
            Value::Object(claims) => Some(claims),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => None,
        }
    }

    async fn ask_user_info(
        &self,
        metadata: &Metadata,
        access: &AccessToken,
        key: Option<&BoundKey>,
    ) -> Option<Reply> {
        let url = metadata.endpoints.user_info.as_ref()?;
        let mut request = Request::get(url);
        let scheme = if key.is_some() { dpop::TOKEN_TYPE } else { "Bearer" };
        request = request.secret_header("authorization", &format!("{scheme} {}", access.expose()));
        if let Some(key) = key {
            let proof = {
                let nonces = locked(&self.inner.nonces);
                let nonce = nonces.newest(Server::Resource, url);
                let about =
                    dpop::Request { method: request.method(), url, access_token: Some(access), nonce };
                key.proofs.proof(about, self.server_time()).ok()?
            };
            request = request.secret_header(dpop::HEADER, proof.expose());
        }
        let answer = self.inner.http.send(request).await.ok()?;
        locked(&self.inner.nonces).learn(Server::Resource, url, &answer.headers);
        Some(answer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of_json(claims: &Value, roles: &str) -> Identity {
        let places = ClaimPlaces { roles: roles.to_owned(), ..ClaimPlaces::default() };
        of(claims.as_object().unwrap(), &places)
    }

    #[test]
    fn roles_are_read_as_each_server_writes_them() {
        let keycloak = json!({ "realm_access": { "roles": ["admin", "user"] } });
        assert_eq!(of_json(&keycloak, "/realm_access/roles").roles, ["admin", "user"]);
        let zitadel = json!({ "urn:zitadel:iam:org:project:roles": { "admin": { "1": "example.com" } } });
        assert_eq!(of_json(&zitadel, "/urn:zitadel:iam:org:project:roles").roles, ["admin"]);
        assert_eq!(of_json(&json!({ "roles": "a b" }), "/roles").roles, ["a", "b"]);
        for none in [json!({}), json!({ "roles": 7 }), json!({ "roles": [7, null, ""] })] {
            assert_eq!(of_json(&none, "/roles").roles, [""; 0]);
        }
        let many: Vec<_> = (0..1000).map(|number| format!("r{number}")).collect();
        assert_eq!(of_json(&json!({ "roles": many }), "/roles").roles.len(), MAX_ROLES);
    }

    #[test]
    fn what_is_shown_is_harmless() {
        let claims = json!({
            "name": "A\u{1b}[2Jda", "email": "ada@example.com", "sub": 7,
            "picture": "javascript:alert(1)", "roles": ["\u{202e}x"],
        });
        let identity = of_json(&claims, "/roles");
        assert_eq!((identity.name.as_deref(), identity.subject.as_deref()), (Some("A [2Jda"), Some("7")));
        assert_eq!((identity.picture, identity.roles), (None, vec!["x".to_owned()]));
        let picture = of_json(&json!({ "picture": "https://example.com/a.png" }), "/roles").picture;
        assert_eq!(picture.as_deref(), Some("https://example.com/a.png"));
    }
}
