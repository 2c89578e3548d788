//! The token endpoint: which grant, whether it is good, and how the refresh goes wrong.

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::exchange::{Delivery, Reply, Request};
use super::fault::Refresh as RefreshFault;
use super::issue::{self, Issue};
use super::keys::sha256;
use super::state::{Challenge, Grant, Refresh, State};
use super::{CLIENT_ID, OTHER_ISSUER, device, dpop};

/// The token endpoint.
pub(super) fn token(state: &mut State, request: &Request) -> Result<Reply, Reply> {
    if request.need("client_id")? != CLIENT_ID {
        return Err(Reply::error(401, "invalid_client", "the client is not registered"));
    }
    // A refresh that is refused out of hand is refused before anything is looked at.
    let grant_type = request.need("grant_type")?.to_owned();
    let fault = if grant_type == "refresh_token" { state.plan.first() } else { None };
    if let Some(reply) = fault.and_then(unspent) {
        return Ok(reply);
    }
    let key = dpop::proven(state, request, None)?;
    if key.is_none() && state.settings.dpop_required {
        return Err(Reply::error(400, "invalid_dpop_proof", "a proof is required"));
    }
    match grant_type.as_str() {
        "authorization_code" => redeem(state, request, key),
        "refresh_token" => refresh(state, request, key.as_deref(), fault),
        device::GRANT_TYPE => device::poll(state, request, key),
        _ => Err(Reply::error(400, "unsupported_grant_type", "this grant type is not known here")),
    }
}

/// RFC 6749 §4.1.3 with RFC 7636.
fn redeem(state: &mut State, request: &Request, key: Option<String>) -> Result<Reply, Reply> {
    let secret = request.need("code")?;
    let Some(code) = state.codes.get(secret).cloned() else { return Err(invalid_grant()) };
    if let Some(grant) = code.spent {
        // A code that comes twice was stolen: what it gave is taken back.
        state.grants[grant].revoked = true;
        return Err(invalid_grant());
    }
    let verifier = request.get("code_verifier");
    let proven = match (&code.challenge, verifier) {
        (Some(Challenge::S256(challenge)), Some(verifier)) => *challenge == sha256(verifier),
        (Some(Challenge::Plain(challenge)), Some(verifier)) => challenge == verifier,
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    };
    let same_key = code.key.is_none() || code.key == key;
    if !proven || !same_key || request.get("redirect_uri") != Some(&code.redirect_uri) {
        return Err(invalid_grant());
    }
    state.grants.push(Grant { scope: code.scope.clone(), key, revoked: false });
    let grant = state.grants.len() - 1;
    if let Some(code) = state.codes.get_mut(secret) {
        code.spent = Some(grant);
    }
    let issue = Issue { grant, nonce: code.nonce, ..Issue::default() };
    Ok(Reply::json(200, &issue::tokens(state, &issue)))
}

/// RFC 6749 §6, with rotation and reuse detection (RFC 9700 §4.14.2).
fn refresh(
    state: &mut State,
    request: &Request,
    key: Option<&str>,
    fault: Option<RefreshFault>,
) -> Result<Reply, Reply> {
    let secret = request.need("refresh_token")?;
    let Some(known) = state.refresh.get(secret).cloned() else { return Err(invalid_grant()) };
    let grant = state.grants[known.grant].clone();
    if grant.revoked || grant.key.as_deref() != key {
        return Err(invalid_grant());
    }
    if let Some((at, reply)) = known.spent {
        let grace = SignedDuration::try_from(state.settings.grace).unwrap();
        if !grace.is_zero() && state.now().duration_since(at) <= grace {
            return Ok(reply);
        }
        state.grants[known.grant].revoked = true;
        return Err(invalid_grant());
    }
    let stays = matches!(
        fault,
        Some(
            RefreshFault::NoRefreshToken
                | RefreshFault::EmptyRefreshToken
                | RefreshFault::NullRefreshToken
                | RefreshFault::SameRefreshToken
        )
    );
    let rotates = state.settings.rotate && !stays;
    let issue = Issue {
        grant: known.grant,
        keep: (!rotates).then(|| secret.to_owned()),
        issuer: (fault == Some(RefreshFault::NewIss)).then_some(OTHER_ISSUER),
        subject: (fault == Some(RefreshFault::NewSub)).then_some("mallory"),
        ..Issue::default()
    };
    let tokens = issue::tokens(state, &issue);
    let reply = fault.map_or_else(|| Reply::json(200, &tokens), |fault| spoiled(tokens.clone(), fault));
    if rotates {
        // Within the grace window the true tokens are given once more.
        let spent = Some((state.now(), Reply::json(200, &tokens)));
        state.refresh.insert(secret.to_owned(), Refresh { grant: known.grant, spent });
    }
    Ok(reply)
}

pub(super) fn invalid_grant() -> Reply {
    Reply::error(400, "invalid_grant", "grant request is invalid")
}

/// The replies that leave the token as it was.
fn unspent(fault: RefreshFault) -> Option<Reply> {
    let later = |status| Reply::error(status, "temporarily_unavailable", "planned").with("retry-after", "2");
    match fault {
        RefreshFault::Html => Some(Reply::portal()),
        RefreshFault::NoContent => Some(Reply::text(204, "text/plain", "")),
        RefreshFault::Redirect => Some(Reply::redirect("http://127.0.0.1:9/elsewhere")),
        RefreshFault::TooMany => Some(later(429)),
        RefreshFault::Unavailable => Some(later(503)),
        RefreshFault::ServerErrorWithVerdict => Some(Reply { status: 500, ..invalid_grant() }),
        RefreshFault::VerdictWithOk => Some(Reply { status: 200, ..invalid_grant() }),
        RefreshFault::NoRefreshToken
        | RefreshFault::EmptyRefreshToken
        | RefreshFault::NullRefreshToken
        | RefreshFault::SameRefreshToken
        | RefreshFault::Duplicate
        | RefreshFault::NewIss
        | RefreshFault::NewSub
        | RefreshFault::DropReply
        | RefreshFault::Hang
        | RefreshFault::Torn
        | RefreshFault::Truncated
        | RefreshFault::EmptyBody
        | RefreshFault::Created
        | RefreshFault::Text => None,
    }
}

/// The replies to a refresh that took place.
fn spoiled(mut tokens: Value, fault: RefreshFault) -> Reply {
    let whole = |tokens: &Value| Reply::json(200, tokens);
    match fault {
        RefreshFault::NoRefreshToken => {
            tokens.as_object_mut().unwrap().remove("refresh_token");
            whole(&tokens)
        }
        RefreshFault::EmptyRefreshToken => {
            tokens["refresh_token"] = json!("");
            whole(&tokens)
        }
        RefreshFault::NullRefreshToken => {
            tokens["refresh_token"] = Value::Null;
            whole(&tokens)
        }
        RefreshFault::Duplicate => {
            let body = tokens.to_string().replacen('{', r#"{"refresh_token":"not-this-one","#, 1);
            Reply::text(200, "application/json", body)
        }
        RefreshFault::DropReply => whole(&tokens).delivered(Delivery::Nothing),
        RefreshFault::Hang => whole(&tokens).delivered(Delivery::Never),
        RefreshFault::Torn => whole(&tokens).delivered(Delivery::Torn),
        RefreshFault::Truncated => {
            let body = tokens.to_string();
            let end = body.find("LKCANARY-rt-").map_or(body.len() / 2, |start| start + 20);
            Reply::text(200, "application/json", &body[..end])
        }
        RefreshFault::EmptyBody => Reply::text(200, "application/json", ""),
        RefreshFault::Created => Reply::json(201, &tokens),
        RefreshFault::Text => Reply::text(200, "text/plain", tokens.to_string()),
        RefreshFault::SameRefreshToken
        | RefreshFault::NewIss
        | RefreshFault::NewSub
        | RefreshFault::Html
        | RefreshFault::NoContent
        | RefreshFault::Redirect
        | RefreshFault::TooMany
        | RefreshFault::Unavailable
        | RefreshFault::ServerErrorWithVerdict
        | RefreshFault::VerdictWithOk => whole(&tokens),
    }
}
