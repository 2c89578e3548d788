//! The token endpoint (RFC 6749 §3.2): a code, a device code or a refresh token for tokens.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
};
use jiff::Timestamp;

use super::{
    client,
    code::Presented,
    device::Poll,
    discovery::DEVICE_CODE_GRANT,
    dpop,
    issue::{self, Allowed, Issue},
    params::{Form, Params},
    scope,
};
use crate::{
    backend::Backend,
    endpoint,
    family::{Authorization, Ended, Family, Grant, Scope},
    reply::Answer,
    rotation,
    token::{RefreshToken, TokenHash},
};

/// A request whose sender is known.
struct Asking<'a> {
    backend: &'a Backend,
    params: &'a Params,
    client_id: &'a str,
    /// The key it proved to hold.
    key: Option<String>,
    now: Timestamp,
}

/// `POST /oauth/token`
pub(super) async fn token(
    State(backend): State<Arc<Backend>>,
    headers: HeaderMap,
    Form(params): Form,
) -> Answer {
    let (answer, decided) = match exchange(&backend, &headers, &params) {
        Ok(answer) => (answer, true),
        // A refusal may have revoked a family. A poll that has to go on changed nothing that is written down.
        Err(refusal) => (refusal, params.get("grant_type") != Some(DEVICE_CODE_GRANT)),
    };
    let answer = dpop::with_nonce(&backend, backend.no_store(answer));
    if decided { answer.remark(backend.save().await) } else { answer }
}

fn exchange(backend: &Backend, headers: &HeaderMap, params: &Params) -> Result<Answer, Answer> {
    let client_id = client::authenticate(params, headers)?;
    let now = backend.clock.now();
    let grant_type = params.need("grant_type")?;
    let place = dpop::Place { method: "POST", path: endpoint::TOKEN, access_token: None };
    let key = dpop::key(backend, headers, &place, now).map_err(dpop::Refusal::into_answer)?;
    let asking = Asking { backend, params, client_id, key, now };
    match grant_type {
        "authorization_code" => asking.with_code(),
        "refresh_token" => asking.with_refresh_token(),
        DEVICE_CODE_GRANT => asking.with_device_code(),
        _ => Err(refused("unsupported_grant_type", "the grant_type is not known here")),
    }
}

impl Asking<'_> {
    /// RFC 6749 §4.1.3.
    fn with_code(self) -> Result<Answer, Answer> {
        let code = TokenHash::of(self.params.need("code")?);
        let presented = Presented {
            client_id: self.client_id,
            redirect_uri: self.params.get("redirect_uri"),
            verifier: self.params.get("code_verifier"),
            key: self.key.as_deref(),
        };
        // Held until the family is there: a second request with the same code must find it.
        let mut sessions = self.backend.sessions(self.now);
        let Some(found) = sessions.oidc.codes.get(code, self.now) else {
            return Err(refused("invalid_grant", "authorization code unknown"));
        };
        if let Some(family) = found.family.clone() {
            sessions.families.end(&family, Ended::CodeReplayed);
            let why = "authorization code already used; family revoked";
            return Err(refused("invalid_grant", why).family(family));
        }
        found.check(&presented, self.now).map_err(|why| refused("invalid_grant", why))?;
        let (request, who) = (found.request.clone(), found.who.clone());
        let allowed = Allowed {
            who: &who,
            client_id: &request.client_id,
            scope: &request.scope,
            nonce: request.nonce.as_deref(),
        };
        let (reply, family) = issue::begin(self.backend, &mut sessions, &allowed, self.key, self.now)?;
        if let Some(code) = sessions.oidc.codes.get_mut(code, self.now) {
            code.family = Some(family.clone());
        }
        Ok(Answer::ok(&reply, format!("exchanged a code: {}", who.username)).family(family))
    }

    /// RFC 6749 §6.
    fn with_refresh_token(self) -> Result<Answer, Answer> {
        let presented = RefreshToken::presented(self.params.need("refresh_token")?);
        let accept = |family: &Family| self.accept(family);
        let issue = |grant: &Grant,
                     (authorization, scope): (Authorization, Scope),
                     successor: RefreshToken| {
            let issue =
                Issue { authorization: &authorization, scope: &scope, nonce: None, key: self.key.as_deref() };
            issue::reply(self.backend, grant, &issue, Some(successor), self.now)
        };
        rotation::rotate(self.backend, presented, StatusCode::BAD_REQUEST, accept, issue, self.now)
    }

    /// Whether this family may be refreshed by whoever asks, and what is then granted.
    fn accept(&self, family: &Family) -> Result<(Authorization, Scope), Answer> {
        let Some(authorization) = &family.authorization else {
            return Err(refused("invalid_grant", "this refresh token belongs to the REST login"));
        };
        if authorization.client_id != self.client_id {
            return Err(refused("invalid_grant", "the refresh token belongs to another client"));
        }
        if authorization.dpop_key.is_some() && authorization.dpop_key != self.key {
            return Err(match self.key {
                Some(_) => refused("invalid_grant", "the refresh token is bound to another DPoP key"),
                None => dpop::Refusal::Invalid("the refresh token is bound to a key: send a DPoP proof")
                    .into_answer(),
            });
        }
        let scope = scope::narrowed(&authorization.scope, self.params.get("scope"))
            .ok_or_else(|| scope::invalid("a refresh cannot ask for more than was granted"))?;
        Ok((authorization.clone(), scope))
    }

    /// RFC 8628 §3.4.
    fn with_device_code(self) -> Result<Answer, Answer> {
        let code = TokenHash::of(self.params.need("device_code")?);
        let mut sessions = self.backend.sessions(self.now);
        let waiting = sessions.oidc.devices.get_mut(code, self.now);
        let Some(waiting) = waiting.filter(|waiting| waiting.client_id == self.client_id) else {
            return Err(refused("invalid_grant", "device code unknown or used"));
        };
        let who = match waiting.poll(self.now) {
            Poll::Pending => {
                return Err(refused("authorization_pending", "nobody has allowed the device yet"));
            }
            Poll::TooFast => {
                return Err(refused("slow_down", "polled too soon: wait 5 s longer from now on"));
            }
            Poll::Denied => return Err(refused("access_denied", "the person denied the device")),
            Poll::Expired => return Err(refused("expired_token", "the device code expired")),
            Poll::Allowed(who) => who,
        };
        let scope = waiting.scope.clone();
        let allowed = Allowed { who: &who, client_id: self.client_id, scope: &scope, nonce: None };
        let (reply, family) = issue::begin(self.backend, &mut sessions, &allowed, self.key, self.now)?;
        sessions.oidc.devices.take(code, self.now);
        Ok(Answer::ok(&reply, format!("connected a device: {}", who.username)).family(family))
    }
}

fn refused(error: &str, description: &str) -> Answer {
    Answer::refused(StatusCode::BAD_REQUEST, error, description)
}
