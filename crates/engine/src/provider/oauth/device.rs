//! Signing in with a code that the person enters on any device (RFC 8628).

use jiff::SignedDuration;
use latchkey_core::disposition::Failure;
use latchkey_core::reason::Reason;
use latchkey_core::secret::Secret;
use latchkey_core::text;
use latchkey_core::time::Stamp;
use serde_json::Value;

use super::metadata::Metadata;
use super::request::refused;
use super::trust::SignedInBy;
use super::{BoundKey, Oauth, token_reply};
use crate::config::{Url, endpoint, is_loopback};
use crate::http::{Reply, retry_after};
use crate::provider::{Issued, SignInFailure, reply};
use crate::sign_in::Attempt;
use crate::snapshot::SignInPrompt;

/// How long to wait between two questions where the server does not say, at least, and at most (RFC 8628 §3.5).
const USUALLY: SignedDuration = SignedDuration::from_secs(5);
const AT_MOST: SignedDuration = SignedDuration::from_mins(1);
/// By how much each `slow_down` makes it longer.
const SLOWER: SignedDuration = SignedDuration::from_secs(5);
/// How long a code is good at most, and where the server does not say.
const GOOD_FOR: SignedDuration = SignedDuration::from_mins(30);
const USUALLY_GOOD_FOR: SignedDuration = SignedDuration::from_mins(10);
/// The longest code that is shown.
const MAX_USER_CODE: usize = 64;

/// What the server says of a new code (RFC 8628 §3.2).
struct DeviceCode {
    secret: Secret,
    shown: String,
    verification_uri: Url,
    verification_uri_complete: Option<Url>,
    good_for: SignedDuration,
    interval: SignedDuration,
}

impl Oauth {
    /// Signs in with a device code.
    pub(in crate::provider) async fn sign_in_by_device(
        &self,
        attempt: &Attempt,
    ) -> Result<Issued, SignInFailure> {
        let (metadata, key, code) = tokio::select! {
            begun = self.begin_device() => begun?,
            () = attempt.given_up() => return Err(SignInFailure::GivenUp),
        };
        let until = self.inner.clock.now().plus(code.good_for);
        attempt.prompt(SignInPrompt::Device {
            user_code: code.shown.clone(),
            verification_uri: code.verification_uri.to_string(),
            verification_uri_complete: code.verification_uri_complete.as_ref().map(ToString::to_string),
            expires_at: until.wall.to_string(),
        });
        let answer = self.poll(&metadata, &code, key.as_ref(), until, attempt).await?;
        let by = SignedInBy { nonce: None, code: None, key: key.as_ref() };
        self.signed_in(&metadata, &answer, &by).await
    }

    async fn begin_device(&self) -> Result<(Metadata, Option<BoundKey>, DeviceCode), SignInFailure> {
        let metadata = self.metadata_for_sign_in().await?;
        let url = metadata.endpoints.device_authorization.clone().ok_or(SignInFailure::NotThisWay)?;
        let key = self.new_key(&metadata)?;
        let config = &self.inner.config;
        let mut form = Vec::new();
        if !config.scope.is_empty() {
            form.push(("scope", config.scope.as_str()));
        }
        form.extend(config.audience.as_deref().map(|audience| ("audience", audience)));
        form.extend(self.resource());
        let answer = self.ask(&metadata, &url, form, None).await.map_err(SignInFailure::Failed)?;
        let local = is_loopback(&url);
        let code = DeviceCode::read(&answer, local)?;
        Ok((metadata, key, code))
    }

    /// Asks until there is a verdict. The first reply with tokens ends it: a server takes one question more for
    /// a code that is used twice.
    async fn poll(
        &self,
        metadata: &Metadata,
        code: &DeviceCode,
        key: Option<&BoundKey>,
        until: Stamp,
        attempt: &Attempt,
    ) -> Result<Reply, SignInFailure> {
        let clock = &self.inner.clock;
        let mut interval = code.interval;
        loop {
            let next = clock.now().boot.saturating_add(interval);
            tokio::select! {
                () = clock.sleep_until(next.min(until.boot)) => {}
                () = attempt.given_up() => return Err(SignInFailure::GivenUp),
            }
            if next >= until.boot {
                return Err(SignInFailure::Refused(Reason::SignInTimedOut));
            }
            let form = vec![
                ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
                ("device_code", code.secret.expose()),
            ];
            match self.ask_for_tokens(metadata, form, key).await {
                Ok(answer) => match Said::of(&answer) {
                    Said::Tokens => return Ok(answer),
                    Said::Pending => {}
                    Said::SlowDown => interval += SLOWER,
                    Said::Later => interval = later(interval, retry_after(&answer.headers)),
                    Said::Over => return Err(refused(&answer)),
                },
                Err(failure @ (Failure::Misfit { .. } | Failure::KeyLost | Failure::SessionError { .. })) => {
                    return Err(SignInFailure::Failed(failure));
                }
                // RFC 8628 §3.5: a connection that times out is asked for less often, twice as long each time.
                Err(Failure::NotSent { .. } | Failure::NoReply | Failure::Answered(_)) => {
                    interval = later(interval, None);
                }
            }
        }
    }
}

/// The wait after a question that brought no answer.
fn later(interval: SignedDuration, wanted: Option<SignedDuration>) -> SignedDuration {
    (interval * 2).min(AT_MOST.max(interval)).max(wanted.unwrap_or_default().min(AT_MOST))
}

/// What an answer to the question means.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Tokens,
    Pending,
    SlowDown,
    /// Nothing that is about the code.
    Later,
    Over,
}

impl Said {
    fn of(answer: &Reply) -> Self {
        match token_reply::error(answer).as_deref() {
            Some("authorization_pending") => Self::Pending,
            Some("slow_down") => Self::SlowDown,
            _ if matches!(answer.status, 408 | 425 | 429 | 500..=599) => Self::Later,
            Some("temporarily_unavailable") => Self::Later,
            Some(_) => Self::Over,
            None if answer.is_success() && reply::object(answer).is_some() => Self::Tokens,
            // Something between here and there answered.
            None => Self::Later,
        }
    }
}

impl DeviceCode {
    fn read(answer: &Reply, local: bool) -> Result<Self, SignInFailure> {
        let json = reply::object(answer).filter(|_| answer.is_success()).ok_or_else(|| refused(answer))?;
        let member = |name: &str| json.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let seconds = |name: &str| match json.get(name)? {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().parse().ok(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        let lasting =
            |name: &str| seconds(name).and_then(|secs| SignedDuration::try_from_secs_f64(secs).ok());
        // Pages that a browser is given: of the web, and on this machine only where the server is.
        let page = |name: &str| member(name).and_then(endpoint).filter(|url| local || !is_loopback(url));
        let unfit = |what: &str| {
            let why = format!("its answer to a request for a code has no {what} that can be shown");
            SignInFailure::Refused(Reason::NotBelieved { why })
        };
        let device_code = member("device_code").ok_or_else(|| refused(answer))?;
        let user_code = member("user_code").map(shown_code).filter(|code| !code.is_empty());
        Ok(Self {
            secret: Secret::new(device_code.to_owned()),
            shown: user_code.ok_or_else(|| unfit("user code"))?,
            // Google's name for it is the draft's.
            verification_uri: page("verification_uri")
                .or_else(|| page("verification_url"))
                .ok_or_else(|| unfit("page"))?,
            verification_uri_complete: page("verification_uri_complete"),
            good_for: lasting("expires_in").unwrap_or(USUALLY_GOOD_FOR).clamp(SignedDuration::ZERO, GOOD_FOR),
            interval: lasting("interval").unwrap_or(USUALLY).clamp(USUALLY, AT_MOST),
        })
    }
}

/// A code as a person can read it. It is no secret once it is shown, so nothing in it is masked.
fn shown_code(code: &str) -> String {
    let plain: String = code.chars().filter(char::is_ascii_graphic).take(MAX_USER_CODE).collect();
    if plain.len() == code.len() { plain } else { text::foreign(code) }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderMap;
    use serde_json::json;
    use zeroize::Zeroizing;

    use super::*;

    fn reply(status: u16, body: &str) -> Reply {
        Reply { status, headers: HeaderMap::new(), body: Zeroizing::new(body.as_bytes().to_vec()) }
    }

    fn code(changes: &Value) -> Result<DeviceCode, SignInFailure> {
        let mut body = json!({
            "device_code": "d", "user_code": "WDJB-MJHT", "verification_uri": "https://example.com/device",
            "expires_in": 900,
        });
        for (name, value) in changes.as_object().unwrap() {
            body[name] = value.clone();
        }
        DeviceCode::read(&reply(200, &body.to_string()), false)
    }

    #[test]
    fn the_interval_is_never_shorter_than_the_standards_nor_beyond_reason() {
        for (interval, secs) in [
            (json!(null), 5),
            (json!(0), 5),
            (json!(-7), 5),
            (json!(7), 7),
            (json!("8"), 8),
            (json!(3600), 60),
        ] {
            assert_eq!(code(&json!({ "interval": interval })).unwrap().interval.as_secs(), secs);
        }
        assert_eq!(later(SignedDuration::from_secs(5), None).as_secs(), 10);
        assert_eq!(later(SignedDuration::from_secs(40), None).as_secs(), 60);
        assert_eq!(later(SignedDuration::from_secs(70), None).as_secs(), 70, "slow_down is not forgotten");
    }

    #[test]
    fn no_page_is_shown_that_is_none() {
        for bad in
            ["javascript:alert(1)", "file:///etc/passwd", "http://example.com/", "https://127.0.0.1/", "x"]
        {
            let shown = code(&json!({ "verification_uri_complete": bad })).unwrap();
            assert!(shown.verification_uri_complete.is_none(), "{bad}");
            assert!(code(&json!({ "verification_uri": bad })).is_err(), "{bad}");
        }
        assert!(
            code(&json!({ "verification_uri": null, "verification_url": "https://google.com/device" }))
                .is_ok()
        );
    }

    #[test]
    fn each_answer_means_what_the_standard_says() {
        for (status, body, said) in [
            (400, r#"{"error":"authorization_pending"}"#, Said::Pending),
            (200, r#"{"error":"authorization_pending"}"#, Said::Pending),
            (400, r#"{"error":"slow_down"}"#, Said::SlowDown),
            (429, r#"{"error":"slow_down"}"#, Said::SlowDown),
            (400, r#"{"error":"access_denied"}"#, Said::Over),
            (400, r#"{"error":"expired_token"}"#, Said::Over),
            (400, r#"{"error":"whatever"}"#, Said::Over),
            (503, r#"{"error":"access_denied"}"#, Said::Later),
            (502, "<html>", Said::Later),
            (200, "<html>", Said::Later),
            (200, r#"{"access_token":"a"}"#, Said::Tokens),
        ] {
            assert_eq!(Said::of(&reply(status, body)), said, "{status} {body}");
        }
    }
}
