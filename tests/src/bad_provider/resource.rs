//! What takes a token: user info (OpenID Connect Core §5.3) and revocation (RFC 7009).

use serde_json::json;

use super::dpop;
use super::exchange::{Delivery, Reply, Request};
use super::fault::{Revocation, UserInfo};
use super::state::State;

/// The user info endpoint.
pub(super) fn user_info(state: &mut State, request: &Request) -> Result<Reply, Reply> {
    let (scheme, token) =
        request.authorization.as_deref().and_then(|value| value.split_once(' ')).ok_or_else(unauthorized)?;
    let access = state.access.get(token).copied().ok_or_else(unauthorized)?;
    let grant = state.grants[access.grant].clone();
    if grant.revoked || access.expires <= state.now() {
        return Err(unauthorized());
    }
    // A bound token under the scheme of an unbound one is refused (RFC 9449 §7.1).
    let scheme_fits = match &grant.key {
        Some(key) => {
            scheme.eq_ignore_ascii_case("dpop")
                && dpop::proven(state, request, Some(token))?.as_ref() == Some(key)
        }
        None => scheme.eq_ignore_ascii_case("bearer"),
    };
    if !scheme_fits {
        return Err(unauthorized());
    }
    let subject = state.settings.subject.clone();
    let mut about = json!({
        "sub": subject,
        "name": format!("User {subject}"),
        "email": format!("{subject}@example.test"),
        "realm_access": { "roles": ["user", "editor"] },
    });
    match state.plan.first() {
        Some(UserInfo::SubWrong) => about["sub"] = json!("mallory"),
        Some(UserInfo::SubMissing) => drop(about.as_object_mut().unwrap().remove("sub")),
        None => {}
    }
    Ok(Reply::json(200, &about))
}

fn unauthorized() -> Reply {
    Reply::error(401, "invalid_token", "this token is not taken")
        .with("www-authenticate", "Bearer error=\"invalid_token\"")
}

/// The revocation endpoint: either token ends the whole grant, and a token nobody knows is no error.
pub(super) fn revoke(state: &mut State, request: &Request) -> Result<Reply, Reply> {
    let token = request.need("token")?;
    let unavailable = Reply::error(503, "temporarily_unavailable", "planned").with("retry-after", "2");
    match state.plan.first() {
        Some(Revocation::Unavailable) => return Err(unavailable),
        Some(Revocation::Hang) => return Err(unavailable.delivered(Delivery::Never)),
        None => {}
    }
    let refresh = state.refresh.get(token).map(|known| known.grant);
    if let Some(grant) = refresh.or_else(|| state.access.get(token).map(|known| known.grant)) {
        state.grants[grant].revoked = true;
    }
    Ok(Reply::text(200, "text/plain", ""))
}
