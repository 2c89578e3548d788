//! Faults on demand: what is to go wrong, where, and how often.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};

use crate::endpoint::{self, CONTROL_PREFIX};

/// Faults that can be planned at once.
const MOST_PLANNED: usize = 1000;

const LONGEST_WAIT_MS: u64 = 10 * 60 * 1000;

/// How long `delay` waits unless told.
const DEFAULT_DELAY_MS: u64 = 1000;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultMode {
    /// Answers with `status` (500 unless set) and does nothing else.
    Status,
    /// Waits `ms` (1000 unless set) and then does what was asked.
    Delay,
    /// Reads the request, does nothing, closes the connection without a reply.
    DropBefore,
    /// Does what was asked, then closes the connection without a reply: a rotated token is lost on its way.
    DropAfter,
    /// Answers with a sign-in page in HTML (status 200 unless set), as a captive portal does.
    Html,
    /// Answers with an empty body (status 200 unless set) and does nothing else.
    Empty,
    /// Does what was asked, announces the whole reply, sends half of it and closes the connection.
    Torn,
    /// Answers with 30 MB of JSON without announcing the length.
    Big,
    /// Answers with a redirect (302 to `/` unless set) and does nothing else.
    Redirect,
}

/// A planned fault. Also the body of `POST /__fault`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Where it hits: an exact path such as `/auth/refreshToken`, or the name of an endpoint: `login`, `refresh`,
    /// `logout`, `me`, `discovery`, `jwks`, `authorize`, `par`, `device`, `device_page`, `token`, `revoke`,
    /// `userinfo`, `end_session`. `*` hits every path but the test control's.
    pub path: String,
    /// What goes wrong.
    pub mode: FaultMode,
    /// The status of the reply, 200 to 599; each mode has its own unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Milliseconds to wait first, with any mode. 0 to 600 000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<u64>,
    /// How many requests it hits: 1 or more, or -1 for every one until it is cleared. 1 unless set.
    #[serde(default = "once")]
    pub count: i64,
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
        Duration::from_millis(self.ms.unwrap_or(default))
    }

    pub(crate) fn status_or(&self, default: StatusCode) -> StatusCode {
        self.status.and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(default)
    }

    /// The headers, each of them known to be valid since `check`.
    pub(crate) fn valid_headers(&self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        self.headers.iter().filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?)))
    }

    fn hits(&self, path: &str) -> bool {
        self.path == "*"
            || self.path == path
            || endpoint::paths(&self.path).is_some_and(|paths| paths.contains(&path))
    }

    fn check(&self) -> Result<(), FaultError> {
        let refuse = |why: &str| Err(FaultError(why.to_owned()));
        if self.path != "*" && !self.path.starts_with('/') && endpoint::paths(&self.path).is_none() {
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

/// A fault that cannot be planned, and why.
#[derive(Debug, thiserror::Error)]
#[error("not a fault that can be planned: {0}")]
pub struct FaultError(String);

/// The handle with which faults are planned. Clones plan for the same server.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    planned: Arc<Mutex<VecDeque<Fault>>>,
}

impl Faults {
    /// Plans a fault. Faults for the same path happen in the order they were planned.
    pub fn add(&self, fault: Fault) -> Result<(), FaultError> {
        fault.check()?;
        let mut planned = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        if planned.len() >= MOST_PLANNED {
            return Err(FaultError("too many are planned already; clear them first".into()));
        }
        planned.push_back(fault);
        Ok(())
    }

    /// Forgets all that is planned; how many that were.
    pub fn clear(&self) -> usize {
        std::mem::take(&mut *self.planned.lock().unwrap_or_else(PoisonError::into_inner)).len()
    }

    /// What is planned and has not happened as often as it should.
    pub fn planned(&self) -> Vec<Fault> {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// The fault for a request to `path`, which counts as one time.
    pub(crate) fn take(&self, path: &str) -> Option<Fault> {
        if path.starts_with(CONTROL_PREFIX) {
            return None;
        }
        let mut planned = self.planned.lock().unwrap_or_else(PoisonError::into_inner);
        let place = planned.iter().position(|fault| fault.hits(path))?;
        let fault = planned.get_mut(place)?;
        match fault.count {
            -1 => Some(fault.clone()),
            count if count > 1 => {
                fault.count -= 1;
                Some(fault.clone())
            }
            _ => planned.remove(place),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_happens_as_often_as_planned_and_in_order() {
        let faults = Faults::default();
        faults.add(Fault::new("/a", FaultMode::Empty).times(2)).unwrap();
        faults.add(Fault::new("/a", FaultMode::Html)).unwrap();
        let modes: Vec<_> = (0..4).map(|_| faults.take("/a").map(|fault| fault.mode)).collect();
        assert_eq!(modes, [Some(FaultMode::Empty), Some(FaultMode::Empty), Some(FaultMode::Html), None]);
    }

    #[test]
    fn a_fault_without_end_lasts_until_it_is_cleared() {
        let faults = Faults::default();
        faults.add(Fault::new("*", FaultMode::Big).times(-1)).unwrap();
        for _ in 0..10 {
            assert!(faults.take("/anything").is_some());
        }
        assert!(faults.take("/__fault").is_none(), "the test control must stay usable");
        assert_eq!(faults.clear(), 1);
        assert!(faults.take("/anything").is_none());
    }

    #[test]
    fn the_name_of_an_endpoint_stands_for_its_paths() {
        let faults = Faults::default();
        for (name, paths) in endpoint::NAMES {
            for path in paths {
                faults.add(Fault::new(name, FaultMode::Empty)).unwrap();
                assert!(faults.take("/elsewhere").is_none());
                assert_eq!(faults.take(path).map(|fault| fault.path).as_deref(), Some(name));
            }
        }
    }

    #[test]
    fn a_fault_that_cannot_work_is_refused_when_it_is_planned() {
        let faults = Faults::default();
        for (fault, about) in [
            (Fault::new("auth", FaultMode::Empty), "path"),
            (Fault::new("/__requests", FaultMode::Empty), "path"),
            (Fault::new("/a", FaultMode::Status).status(100), "status"),
            (Fault::new("/a", FaultMode::Delay).after(Duration::from_secs(601)), "ms"),
            (Fault::new("/a", FaultMode::Empty).times(0), "count"),
            (Fault::new("/a", FaultMode::Empty).header("X", "a\nb"), "headers"),
            (Fault::new("/a", FaultMode::Empty).header("Content-Length", "1"), "headers"),
        ] {
            let message = faults.add(fault).unwrap_err().to_string();
            assert!(message.contains(about), "{message}");
        }
        assert!(faults.planned().is_empty());
    }
}
