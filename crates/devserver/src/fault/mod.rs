//! Faults on demand: what is to go wrong, where, and how often.
//!
//! | file | what is in it |
//! |---|---|
//! | `mode` | what can go wrong |
//! | `planned` | the list of what is planned, and which request each of them strikes |
//! | `strike` | one request and its fault, in front of whatever answers it |
//! | `replies` | replies that take the place of the true one, and how one is torn or dripped |
//! | `tokens` | what is changed in a reply with tokens |

mod mode;
mod planned;
pub(crate) mod replies;
pub(crate) mod strike;
pub(crate) mod tokens;

use std::{collections::BTreeMap, time::Duration};

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};

pub use mode::FaultMode;
pub use planned::Faults;

use crate::endpoint::{self, CONTROL_PREFIX};

const LONGEST_WAIT_MS: u64 = 10 * 60 * 1000;

/// How long `delay` waits unless told.
const DEFAULT_DELAY_MS: u64 = 1000;

/// How far a clock is wrong unless told: an hour, as after a summer time that was set by hand.
const DEFAULT_SKEW_SECS: i64 = 3600;

/// Farther than a year no clock is worth a fault.
const LARGEST_SKEW_SECS: i64 = 366 * 24 * 3600;

/// A planned fault. Also the body of `POST /__fault`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Where it strikes: an exact path such as `/auth/refreshToken`, or the name of an endpoint: `login`, `refresh`,
    /// `logout`, `me`, `discovery`, `jwks`, `authorize`, `par`, `device`, `device_page`, `token`, `revoke`,
    /// `userinfo`, `end_session`. `refresh` is the refresh of the REST login and, at the token endpoint, requests
    /// with `grant_type=refresh_token`. `*` strikes every path but the test control's.
    pub path: String,
    /// What goes wrong.
    pub mode: FaultMode,
    /// The status of the reply, 200 to 599; each mode has its own unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Milliseconds to wait first, with any mode; for `drip`, between two bytes. 0 to 600 000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<u64>,
    /// How many requests it strikes: 1 or more, or -1 for every one until it is cleared. 1 unless set.
    #[serde(default = "once")]
    pub count: i64,
    /// Which of the requests to come is the first to be struck: 1, the next one, unless set.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub nth: u64,
    /// How likely it strikes a request that it could strike, above 0 and at most 1: 1 unless set.
    #[serde(default = "surely", skip_serializing_if = "is_sure")]
    pub probability: f64,
    /// What the probability is drawn from: with the same seed the same requests are struck. Drawn itself unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u32>,
    /// For `clock_skew`: how many seconds the server's clock is ahead, negative for behind. 3600 unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ahead_secs: Option<i64>,
    /// Headers to set on the reply, such as `Retry-After`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The body, in place of the one that `status` and `html` bring along.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
}

const fn once() -> i64 {
    1
}

const fn first() -> u64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks in this form")]
const fn is_first(nth: &u64) -> bool {
    *nth == 1
}

const fn surely() -> f64 {
    1.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks in this form")]
fn is_sure(probability: &f64) -> bool {
    *probability >= 1.0
}

/// A fault that cannot be planned, and why.
#[derive(Debug, thiserror::Error)]
#[error("not a fault that can be planned: {0}")]
pub struct FaultError(pub(crate) String);

impl Fault {
    /// This fault at the next request to `path`.
    #[must_use]
    pub fn new(path: impl Into<String>, mode: FaultMode) -> Self {
        Self {
            path: path.into(),
            mode,
            status: None,
            ms: None,
            count: 1,
            nth: 1,
            probability: 1.0,
            seed: None,
            ahead_secs: None,
            headers: BTreeMap::new(),
            body: None,
        }
    }

    /// With this status.
    #[must_use]
    pub fn status(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }

    /// After this wait.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self { ms: Some(u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)), ..self }
    }

    /// At the next `count` requests; -1 until cleared.
    #[must_use]
    pub fn times(self, count: i64) -> Self {
        Self { count, ..self }
    }

    /// From the `nth` request on.
    #[must_use]
    pub fn from_nth(self, nth: u64) -> Self {
        Self { nth, ..self }
    }

    /// At each request with this probability, drawn from this seed.
    #[must_use]
    pub fn sometimes(self, probability: f64, seed: u32) -> Self {
        Self { probability, seed: Some(seed), ..self }
    }

    /// With a clock so many seconds ahead.
    #[must_use]
    pub fn ahead(self, seconds: i64) -> Self {
        Self { ahead_secs: Some(seconds), ..self }
    }

    /// With this header on the reply.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name.into(), value.into());
        self
    }

    /// With this body.
    #[must_use]
    pub fn body(self, body: impl Into<String>) -> Self {
        Self { body: Some(body.into()), ..self }
    }

    /// How long to wait before anything else happens.
    pub(crate) fn wait(&self) -> Duration {
        let default = if self.mode == FaultMode::Delay { DEFAULT_DELAY_MS } else { 0 };
        if self.mode == FaultMode::Drip {
            return Duration::ZERO;
        }
        Duration::from_millis(self.ms.unwrap_or(default))
    }

    /// How far the server's clock is off.
    pub(crate) fn skew(&self) -> jiff::SignedDuration {
        jiff::SignedDuration::from_secs(self.ahead_secs.unwrap_or(DEFAULT_SKEW_SECS))
    }

    pub(crate) fn status_or(&self, default: StatusCode) -> StatusCode {
        self.status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(default)
    }

    /// The headers, each of them known to be valid since `check`.
    pub(crate) fn valid_headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        self.headers.iter().filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?)))
    }

    pub(crate) fn check(&self) -> Result<(), FaultError> {
        let refuse = |why: &str| Err(FaultError(why.to_owned()));
        if self.path != "*" && !self.path.starts_with('/') && !endpoint::is_name(&self.path) {
            let names = endpoint::NAMES.map(|(name, _)| name).join(", ");
            return refuse(&format!("path: begins with /, is * or is one of {names}"));
        }
        if self.path.starts_with(CONTROL_PREFIX) {
            return refuse("path: the test control itself takes no faults");
        }
        if self.status.is_some_and(|status| !(200..=599).contains(&status)) {
            return refuse("status: 200 to 599");
        }
        if self.ms.is_some_and(|ms| ms > LONGEST_WAIT_MS) {
            return refuse("ms: 0 to 600000");
        }
        if self.count != -1 && self.count < 1 {
            return refuse("count: 1 or more, or -1 for until cleared");
        }
        if self.nth == 0 {
            return refuse("nth: 1 or more; 1 is the next request");
        }
        if !(self.probability > 0.0 && self.probability <= 1.0) {
            return refuse("probability: above 0 and at most 1");
        }
        if self.ahead_secs.is_some_and(|ahead| ahead.saturating_abs() > LARGEST_SKEW_SECS) {
            return refuse("ahead_secs: at most a year");
        }
        for (name, value) in &self.headers {
            let (Ok(name), Ok(_)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) else {
                return refuse("headers: not a valid name or value");
            };
            // These describe the bytes that follow; a wrong one breaks the connection for another reason
            // than the one the fault was planned for.
            if [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION].contains(&name) {
                return refuse("headers: the framing of the reply cannot be changed");
            }
        }
        Ok(())
    }
}
