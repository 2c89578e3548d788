//! The front channel: authorization (RFC 6749 §4.1), pushed requests (RFC 9126) and the end of the session. Whoever asks
//! is answered with a redirect at once, as if a person had allowed it.

use jiff::SignedDuration;
use reqwest::Url;
use serde_json::json;

use super::exchange::{Reply, Request};
use super::fault::{Authorization, Discovery, Logout};
use super::state::{Challenge, Code, State};
use super::{CLIENT_ID, OTHER_ISSUER};

/// How long a pushed request is kept.
const PUSHED_LIFETIME: SignedDuration = SignedDuration::from_mins(1);

/// The authorization endpoint.
pub(super) fn authorize(state: &mut State, request: &Request) -> Result<Reply, Reply> {
    let pushed = match request.get("request_uri") {
        Some(uri) => {
            let now = state.now();
            let pushed = state.pushed.remove(uri).filter(|pushed| now < pushed.at + PUSHED_LIFETIME);
            Some(pushed.ok_or_else(|| Reply::page(400, "this request_uri is unknown, used or too old"))?)
        }
        None if state.settings.par_required => {
            return Err(Reply::page(400, "the request has to be pushed"));
        }
        None => None,
    };
    let request = pushed.as_ref().unwrap_or(request);
    let mut back = checked_redirect(request)?;
    let answer = match refusal(state, request) {
        Some(error) => vec![("error", error.to_owned())],
        None => vec![("code", new_code(state, request))],
    };
    let answer = spoiled(state, answer, request.get("state"));
    back.query_pairs_mut().extend_pairs(answer);
    Ok(Reply::redirect(back.as_str()))
}

/// Pushed authorization requests.
pub(super) fn push(state: &mut State, request: &Request) -> Result<Reply, Reply> {
    checked_redirect(request).map_err(|_| Reply::error(400, "invalid_request", "client or redirect URI"))?;
    if let Some(error) = refusal(state, request) {
        return Err(Reply::error(400, error, "the request is not complete"));
    }
    let uri = format!("urn:ietf:params:oauth:request_uri:{}", state.secret("request"));
    state.pushed.insert(uri.clone(), request.clone());
    Ok(Reply::json(201, &json!({ "request_uri": uri, "expires_in": PUSHED_LIFETIME.as_secs() })))
}

/// Without a client and a redirect URI that are known, nobody is redirected: any port and path on loopback will do.
fn checked_redirect(request: &Request) -> Result<Url, Reply> {
    let uri = request.get("redirect_uri").and_then(|uri| Url::parse(uri).ok());
    let loopback = |uri: &Url| {
        uri.scheme() == "http"
            && matches!(uri.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"))
            && uri.fragment().is_none()
    };
    let uri = uri.filter(loopback).ok_or_else(|| Reply::page(400, "the redirect URI is not registered"))?;
    if request.get("client_id") != Some(CLIENT_ID) {
        return Err(Reply::page(400, "the client is not registered"));
    }
    Ok(uri)
}

/// What is wrong with a request, as RFC 6749 §4.1.2.1 calls it.
fn refusal(state: &State, request: &Request) -> Option<&'static str> {
    let without_pkce = state.plan.has(Discovery::PkceMissing) && request.get("code_challenge").is_none();
    let plain = state.plan.has(Discovery::PkcePlain);
    let method = if plain { "plain" } else { "S256" };
    if request.get("response_type") != Some("code") {
        return Some("unsupported_response_type");
    }
    let pkce =
        request.get("code_challenge").is_some() && request.get("code_challenge_method") == Some(method);
    (!without_pkce && !pkce).then_some("invalid_request")
}

fn new_code(state: &mut State, request: &Request) -> String {
    let own = |name: &str| request.get(name).map(str::to_owned);
    let plain = request.get("code_challenge_method") == Some("plain");
    let challenge = if plain { Challenge::Plain } else { Challenge::S256 };
    let code = Code {
        redirect_uri: own("redirect_uri").unwrap_or_default(),
        challenge: own("code_challenge").map(challenge),
        nonce: own("nonce"),
        scope: own("scope").unwrap_or_default(),
        key: own("dpop_jkt"),
        spent: None,
    };
    let secret = state.secret("code");
    state.codes.insert(secret.clone(), code);
    secret
}

/// The parameters of the redirect, with what is planned to be wrong.
fn spoiled(
    state: &mut State,
    mut answer: Vec<(&'static str, String)>,
    asked: Option<&str>,
) -> Vec<(&'static str, String)> {
    let (mut issuer, mut states) = (Some(state.issuer.clone()), Vec::from_iter(asked.map(str::to_owned)));
    for fault in state.plan.striking() {
        match fault {
            Authorization::IssWrong => issuer = Some(format!("{}/", state.issuer)),
            Authorization::IssMissing => issuer = None,
            Authorization::IssOther => issuer = Some(OTHER_ISSUER.to_owned()),
            Authorization::StateWrong => states = vec!["another-state".to_owned()],
            Authorization::StateMissing => states.clear(),
            Authorization::StateTwice => states.push("another-state".to_owned()),
            Authorization::Denied => answer = vec![("error", "access_denied".to_owned())],
            Authorization::DeniedStateWrong => {
                answer = vec![("error", "access_denied".to_owned())];
                states = vec!["another-state".to_owned()];
            }
            Authorization::CodeMissing => answer.clear(),
        }
    }
    answer.extend(states.into_iter().map(|state| ("state", state)));
    answer.extend(issuer.map(|issuer| ("iss", issuer)));
    answer
}

/// RP-initiated logout, confirmed by itself.
pub(super) fn end_session(state: &mut State, request: &Request) -> Reply {
    let back = request.get("post_logout_redirect_uri").and_then(|uri| Url::parse(uri).ok());
    let Some(mut back) = back else { return Reply::page(200, "You are signed out.") };
    let mut answer = request.get("state").map(str::to_owned);
    match state.plan.first() {
        Some(Logout::StateMissing) => answer = None,
        Some(Logout::StateOther) => answer = Some("another-state".to_owned()),
        None => {}
    }
    if let Some(answer) = answer {
        back.query_pairs_mut().append_pair("state", &answer);
    }
    Reply::redirect(back.as_str())
}
