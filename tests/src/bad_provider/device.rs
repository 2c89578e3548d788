//! The device flow (RFC 8628). The person allows it without a page, after as many polls as the settings say.

use serde_json::json;

use super::CLIENT_ID;
use super::exchange::{Endpoint, Reply, Request};
use super::fault::Device;
use super::issue::{self, Issue};
use super::state::{DeviceCode, Grant, State};
use super::token::invalid_grant;

pub(super) const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// What the person would type.
const USER_CODE: &str = "WDJB-MJHT";

/// The device authorization endpoint.
pub(super) fn authorize(state: &mut State, request: &Request) -> Result<Reply, Reply> {
    if request.need("client_id")? != CLIENT_ID {
        return Err(Reply::error(401, "invalid_client", "the client is not registered"));
    }
    let code = DeviceCode {
        scope: request.get("scope").unwrap_or_default().to_owned(),
        polls: 0,
        expires: state.later(state.settings.device_lifetime),
        spent: false,
    };
    let secret = state.secret("device");
    state.devices.insert(secret.clone(), code);
    let page = format!("{}{}", state.issuer, Endpoint::Verification.path());
    let mut reply = json!({
        "device_code": secret,
        "user_code": USER_CODE,
        "verification_uri": page,
        "verification_uri_complete": format!("{page}?user_code={USER_CODE}"),
        "expires_in": state.settings.device_lifetime.as_secs(),
        "interval": 5,
    });
    for (fault, member, value) in [
        (Device::IntervalMissing, "interval", None),
        (Device::IntervalZero, "interval", Some(json!(0))),
        (Device::IntervalHuge, "interval", Some(json!(3600))),
        (Device::IntervalNegative, "interval", Some(json!(-5))),
        (Device::EvilScheme, "verification_uri_complete", Some(json!("javascript:alert(1)"))),
    ] {
        if state.plan.strikes(fault) {
            match value {
                Some(value) => reply[member] = value,
                None => drop(reply.as_object_mut().unwrap().remove(member)),
            }
        }
    }
    Ok(Reply::json(200, &reply))
}

/// One poll at the token endpoint (RFC 8628 §3.5).
pub(super) fn poll(state: &mut State, request: &Request, key: Option<String>) -> Result<Reply, Reply> {
    let secret = request.need("device_code")?;
    let Some(code) = state.devices.get(secret).cloned() else { return Err(invalid_grant()) };
    let refused = |error: &str| Err(Reply::error(400, error, "see RFC 8628, section 3.5"));
    for (fault, error) in [
        (Device::SlowDown, "slow_down"),
        (Device::Expired, "expired_token"),
        (Device::Denied, "access_denied"),
        (Device::UnknownError, "out_of_paper"),
    ] {
        if state.plan.strikes(fault) {
            return refused(error);
        }
    }
    if code.spent {
        return Err(invalid_grant());
    }
    if code.expires <= state.now() {
        return refused("expired_token");
    }
    let pending = code.polls < state.settings.pending_polls;
    if let Some(code) = state.devices.get_mut(secret) {
        code.polls += 1;
        code.spent = !pending;
    }
    if pending {
        return refused("authorization_pending");
    }
    state.grants.push(Grant { scope: code.scope, key, revoked: false });
    let issue = Issue { grant: state.grants.len() - 1, ..Issue::default() };
    Ok(Reply::json(200, &issue::tokens(state, &issue)))
}
