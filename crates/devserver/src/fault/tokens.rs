//! What is changed in a reply with tokens. Everything else of it stays as it was.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use crate::FaultMode;

/// What servers call the refresh token.
const REFRESH: [&str; 3] = ["refresh_token", "refreshToken", "refresh"];

/// What servers call the end of the access token.
const EXPIRY: [&str; 9] = [
    "expires_in",
    "accessTokenExpiry",
    "access_token_expiry",
    "accessTokenExpires",
    "expiresIn",
    "expiresAt",
    "expires_at",
    "accessTokenExpiresAt",
    "expires",
];

/// What servers call the ID token.
const ID_TOKEN: [&str; 2] = ["id_token", "idToken"];

/// Changes what `mode` changes in this reply, wherever it stands in it.
pub(crate) fn change(reply: &mut Value, mode: FaultMode) {
    for_each_object(reply, &mut |object| match mode {
        FaultMode::NoRefreshToken => REFRESH.iter().for_each(|name| drop(object.remove(*name))),
        FaultMode::ExpiryMissing => EXPIRY.iter().for_each(|name| drop(object.remove(*name))),
        FaultMode::ExpiryText => expiry(object, |value| match value {
            Value::Number(number) => Value::String(number.to_string()),
            Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                value.clone()
            }
        }),
        FaultMode::ExpiryZero => expiry(object, |_| json!(0)),
        FaultMode::ExpiryNegative => expiry(object, |_| json!(-60)),
        FaultMode::WrongType => expiry(object, |value| json!({ "value": value })),
        FaultMode::Status
        | FaultMode::Delay
        | FaultMode::DropBefore
        | FaultMode::DropAfter
        | FaultMode::Reset
        | FaultMode::Html
        | FaultMode::Empty
        | FaultMode::Torn
        | FaultMode::Drip
        | FaultMode::Big
        | FaultMode::Redirect
        | FaultMode::ContentType
        | FaultMode::EarlyUnauthorized
        | FaultMode::ClockSkew
        | FaultMode::RevokedFamily
        | FaultMode::RotateKeys
        | FaultMode::UnknownKey => {}
    });
}

/// Puts another ID token in the place of the one in this reply, wherever it stands.
pub(crate) fn replace_id_token(reply: &mut Value, mut other: impl FnMut(&str) -> Option<String>) {
    for_each_object(reply, &mut |object| {
        for name in ID_TOKEN {
            if let Some(token) = object.get_mut(name)
                && let Some(next) = token.as_str().and_then(&mut other)
            {
                *token = Value::String(next);
            }
        }
    });
}

/// The header and the claims of a JWT, unverified.
pub(crate) fn parts(token: &str) -> Option<(Map<String, Value>, Map<String, Value>)> {
    let mut parts = token.split('.');
    let mut next = || {
        let bytes = URL_SAFE_NO_PAD.decode(parts.next()?).ok()?;
        serde_json::from_slice(&bytes).ok()
    };
    Some((next()?, next()?))
}

fn expiry(object: &mut Map<String, Value>, change: impl Fn(&Value) -> Value) {
    for name in EXPIRY {
        if let Some(value) = object.get_mut(name) {
            *value = change(value);
        }
    }
}

fn for_each_object(value: &mut Value, change: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            change(object);
            object.values_mut().for_each(|inner| for_each_object(inner, change));
        }
        Value::Array(list) => list.iter_mut().for_each(|inner| for_each_object(inner, change)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(mode: FaultMode) -> Value {
        let mut reply = json!({
            "access_token": "a", "refresh_token": "r", "expires_in": 60,
            "data": { "accessTokenExpiry": 7, "refreshToken": "s" },
        });
        change(&mut reply, mode);
        reply
    }

    #[test]
    fn only_what_the_fault_is_about_is_changed_and_that_wherever_it_stands() {
        let without = changed(FaultMode::NoRefreshToken);
        assert_eq!(
            without,
            json!({ "access_token": "a", "expires_in": 60, "data": { "accessTokenExpiry": 7 } })
        );
        let missing = changed(FaultMode::ExpiryMissing);
        assert!(missing.get("expires_in").is_none() && missing["data"].get("accessTokenExpiry").is_none());
        assert_eq!(changed(FaultMode::ExpiryText)["expires_in"], "60");
        assert_eq!(changed(FaultMode::ExpiryZero)["data"]["accessTokenExpiry"], 0);
        assert_eq!(changed(FaultMode::ExpiryNegative)["expires_in"], -60);
        assert!(changed(FaultMode::WrongType)["expires_in"].is_object());
    }

    #[test]
    fn an_id_token_is_replaced_where_it_stands() {
        let mut reply = json!({ "id_token": "one", "more": [{ "idToken": "two" }] });
        replace_id_token(&mut reply, |token| Some(format!("not {token}")));
        assert_eq!(reply, json!({ "id_token": "not one", "more": [{ "idToken": "not two" }] }));
    }
}
