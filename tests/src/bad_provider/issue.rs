//! What a grant gives: the token reply (RFC 6749 §5.1) and the ID token (OpenID Connect Core §2), with what is planned to
//! be wrong with them.

use serde_json::{Map, Value, json};

use super::CLIENT_ID;
use super::fault::{Dpop, IdToken, Tokens};
use super::keys::half_hash;
use super::state::{Access, Refresh, State};

/// What to issue, and for what.
#[derive(Default)]
pub(super) struct Issue {
    /// The grant's number.
    pub(super) grant: usize,
    /// The nonce of the authorization request.
    pub(super) nonce: Option<String>,
    /// The refresh token that stays, where there is no new one.
    pub(super) keep: Option<String>,
    /// Another issuer in the ID token.
    pub(super) issuer: Option<&'static str>,
    /// Another person in the ID token.
    pub(super) subject: Option<&'static str>,
}

/// Issues tokens, and says them.
pub(super) fn tokens(state: &mut State, issue: &Issue) -> Value {
    let grant = state.grants[issue.grant].clone();
    let lifetime = state.settings.access_lifetime;
    let access_token = access_token(state, issue);
    let expires = state.later(lifetime);
    state.access.insert(access_token.clone(), Access { grant: issue.grant, expires });
    let refresh_token = issue.keep.clone().unwrap_or_else(|| {
        let token = state.secret("rt");
        state.refresh.insert(token.clone(), Refresh { grant: issue.grant, spent: None });
        token
    });
    let bound = grant.key.is_some() && !state.plan.has(Dpop::Bearer);
    let mut reply = json!({
        "access_token": access_token,
        "token_type": if bound { "DPoP" } else { "Bearer" },
        "expires_in": lifetime.as_secs(),
        "refresh_token": refresh_token,
        "scope": grant.scope,
    });
    if grant.scope.split(' ').any(|scope| scope == "openid") {
        let claims = id_claims(state, issue, &access_token);
        reply["id_token"] = json!(state.keys.sign(&claims, &mut state.plan));
    }
    let members = reply.as_object_mut().unwrap();
    for fault in state.plan.striking() {
        spoil_reply(members, fault, lifetime.as_secs());
    }
    reply
}

fn spoil_reply(reply: &mut Map<String, Value>, fault: Tokens, lifetime: u64) {
    let (member, value) = match fault {
        Tokens::ExpiresInMissing => ("expires_in", None),
        Tokens::ExpiresInZero => ("expires_in", Some(json!(0))),
        Tokens::ExpiresInString => ("expires_in", Some(json!(lifetime.to_string()))),
        Tokens::ExpiresInFloat => {
            // Half a second more: written as a whole number it would be no fraction.
            let float = f64::from(u32::try_from(lifetime).unwrap_or(u32::MAX)) + 0.5;
            ("expires_in", Some(json!(float)))
        }
        Tokens::ExpiresInNegative => ("expires_in", Some(json!(-1))),
        Tokens::ExpiresInHuge => ("expires_in", Some(json!(1e30))),
        Tokens::TokenTypeLower => ("token_type", Some(json!("bearer"))),
        Tokens::TokenTypeUpper => ("token_type", Some(json!("BEARER"))),
        Tokens::TokenTypeMac => ("token_type", Some(json!("mac"))),
        Tokens::TokenTypeMissing => ("token_type", None),
        Tokens::ScopeNarrower => ("scope", Some(json!("openid"))),
        Tokens::ScopeArray => {
            let scope = reply["scope"].as_str().unwrap_or_default();
            let scope: Vec<_> = scope.split(' ').map(str::to_owned).collect();
            ("scope", Some(json!(scope)))
        }
        Tokens::IdTokenMissing => ("id_token", None),
    };
    set(reply, member, value);
}

/// An access token: opaque, or a JWT as issuers with ways of their own have them.
fn access_token(state: &mut State, issue: &Issue) -> String {
    let secret = state.secret("at");
    if !state.settings.jwt_access_tokens {
        return secret;
    }
    let (now, lifetime) = (state.now().as_second(), lifetime(state));
    let mut claims = json!({
        "iss": issue.issuer.unwrap_or(&state.issuer),
        "sub": issue.subject.unwrap_or(&state.settings.subject),
        "aud": "urn:example:api",
        "azp": CLIENT_ID,
        "iat": now,
        "exp": now + lifetime,
        "jti": secret,
    });
    let members = claims.as_object_mut().unwrap();
    for fault in state.plan.striking() {
        spoil_claims(members, fault, now, lifetime);
    }
    state.keys.sign(&claims, &mut state.plan)
}

fn lifetime(state: &State) -> i64 {
    i64::try_from(state.settings.access_lifetime.as_secs()).unwrap()
}

fn id_claims(state: &mut State, issue: &Issue, access_token: &str) -> Value {
    let (now, lifetime) = (state.now().as_second(), lifetime(state));
    let subject = issue.subject.unwrap_or(&state.settings.subject).to_owned();
    let mut claims = json!({
        "iss": issue.issuer.unwrap_or(&state.issuer),
        "sub": subject,
        "aud": CLIENT_ID,
        "iat": now,
        "exp": now + lifetime,
        "at_hash": half_hash(access_token),
        "name": format!("User {subject}"),
        "email": format!("{subject}@example.test"),
        "realm_access": { "roles": ["user", "editor"] },
    });
    if let Some(nonce) = &issue.nonce {
        claims["nonce"] = json!(nonce);
    }
    let members = claims.as_object_mut().unwrap();
    for fault in state.plan.striking() {
        spoil_claims(members, fault, now, lifetime);
    }
    claims
}

fn spoil_claims(claims: &mut Map<String, Value>, fault: IdToken, now: i64, lifetime: i64) {
    const HOUR: i64 = 3600;
    let (claim, value) = match fault {
        IdToken::IssWrong => ("iss", Some(json!(super::OTHER_ISSUER))),
        IdToken::IssMissing => ("iss", None),
        IdToken::SubMissing => ("sub", None),
        IdToken::AudWrong => ("aud", Some(json!("another-client"))),
        IdToken::AudMissing => ("aud", None),
        IdToken::AudArray => ("aud", Some(json!([CLIENT_ID]))),
        IdToken::AudExtra => ("aud", Some(json!([CLIENT_ID, "another-client"]))),
        IdToken::AzpWrong => ("azp", Some(json!("another-client"))),
        IdToken::IatMissing => ("iat", None),
        IdToken::IatFuture => ("iat", Some(json!(now + HOUR))),
        IdToken::NbfFuture => ("nbf", Some(json!(now + HOUR))),
        IdToken::ExpMissing => ("exp", None),
        IdToken::ExpString => ("exp", Some(json!((now + lifetime).to_string()))),
        IdToken::ExpPast => ("exp", Some(json!(now - HOUR))),
        IdToken::ExpMs => ("exp", Some(json!((now + lifetime) * 1000))),
        IdToken::NonceWrong => ("nonce", Some(json!("another-nonce"))),
        IdToken::NonceMissing => ("nonce", None),
        IdToken::AtHashWrong => ("at_hash", Some(json!(half_hash("another token")))),
        IdToken::AtHashMissing => ("at_hash", None),
        IdToken::CHashWrong => ("c_hash", Some(json!(half_hash("another code")))),
    };
    set(claims, claim, value);
}

fn set(members: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    match value {
        Some(value) => drop(members.insert(name.to_owned(), value)),
        None => drop(members.remove(name)),
    }
}
