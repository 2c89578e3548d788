//! A scenario: steps, and what is expected of client and backend.

mod read;

use std::collections::BTreeMap;

use jiff::SignedDuration;
use latchkey_devserver::{Fault, FaultMode};
use serde::Deserialize;

pub use read::ScenarioError;

/// The version of the form that is written and read.
pub const VERSION: u32 = 1;

/// The longest step that somebody waits for before a backend of their own.
const LONGEST_IN_REAL_TIME: SignedDuration = SignedDuration::from_secs(10 * 60);

/// What is to happen and what is expected.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The version of this form: 1.
    pub version: u32,
    /// Its name: small letters, digits and hyphens.
    pub name: String,
    /// What it is about, in a line.
    pub title: String,
    /// Why that matters, in two or three sentences.
    pub about: String,
    /// The sections of standards that say what is right.
    pub standard: Vec<String>,
    /// How a client and a backend are set up, where both are the lab's.
    #[serde(default)]
    pub backend: BackendSetup,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// How the backend is set up where it is the lab's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BackendSetup {
    /// Over what the client signs in: `credentials` unless set.
    pub provider: ProviderKind,
    /// How long an access token lives; 60 s unless set.
    pub access_lifetime: Option<SignedDuration>,
    /// How long a refresh token lives that nobody uses; 30 min unless set.
    pub refresh_lifetime: Option<SignedDuration>,
    /// When a session ends, counted from its sign-in; 8 h unless set.
    pub session_lifetime: Option<SignedDuration>,
    /// How long a replaced refresh token gets the same answer; not at all unless set.
    pub grace: Option<SignedDuration>,
    /// Rules that differ from those of RFC 9700 (`no-rotation` and others).
    pub rules: Vec<String>,
}

impl BackendSetup {
    /// Whether the scenario means any backend, and not one that is set up like this.
    pub fn is_any(&self) -> bool {
        let Self { provider: _, access_lifetime, refresh_lifetime, session_lifetime, grace, rules } = self;
        let lifetimes = [access_lifetime, refresh_lifetime, session_lifetime, grace];
        lifetimes.iter().all(|lifetime| lifetime.is_none()) && rules.is_empty()
    }
}

/// Over what a client signs in to the lab's own backend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderKind {
    /// A REST login.
    #[default]
    Credentials,
    /// An authorization server.
    Oauth,
}

/// One thing that happens. In a file each step is a table with one key.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// `sign_in = true`: the person signs in.
    SignIn(Yes),
    /// `advance = "45s"`: so much time passes, and everything that becomes due happens.
    Advance(SignedDuration),
    /// `next = 3`: time passes until the client's next planned thing has happened, so many times.
    Next(u32),
    /// `renew = true`: somebody asks the client to renew now.
    Renew(Yes),
    /// `fault = { at = "refresh", mode = "drop_after" }`: something will go wrong.
    Fault(FaultStep),
    /// `clear_faults = true`: nothing goes wrong any more.
    ClearFaults(Yes),
    /// `backend = "away"` or `"back"`: nothing listens at its address, or it listens again.
    Backend(Presence),
    /// `network = "away"` or `"back"`: no host answers, or those that are there do.
    Network(Presence),
    /// `sleep = "8h"`: the client's machine sleeps.
    Sleep(SignedDuration),
    /// `clock = "1h"`: somebody sets the wall clock of the client's machine forward, or back for a negative one.
    Clock(SignedDuration),
    /// `revoke = true`: an administrator revokes the sessions of the user.
    Revoke(Yes),
    /// `replay = "old"` or `"current"`: somebody else presents the refresh token that was replaced last, or the one
    /// that is in force.
    Replay(Which),
    /// `reject = "old"` or `"current"`: a resource server says that it does not take the access token.
    Reject(Which),
    /// `restart = true`: the client's process is killed and another one starts.
    Restart(Yes),
    /// `second_client = "renew"`: another process of the same client renews.
    SecondClient(SecondClient),
    /// `vault = "away"` or `"back"`: the client can no longer store, or it can again.
    Vault(Presence),
    /// `expect_client = { … }`: what is right for a client.
    ExpectClient(ExpectClient),
    /// `expect_backend = { … }`: what is right for a backend.
    ExpectBackend(ExpectBackend),
}

/// The word `true`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Yes;

/// Whether something is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// It is not.
    Away,
    /// It is, again.
    Back,
}

/// Which of the client's tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Which {
    /// The one that was replaced last.
    Old,
    /// The one in force.
    Current,
}

/// What a second process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecondClient {
    /// It renews, and ends.
    Renew,
}

/// A fault, in a scenario's words.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultStep {
    /// Where it strikes: a path or the name of an endpoint.
    pub at: String,
    /// What goes wrong.
    pub mode: FaultMode,
    /// The status of the reply.
    pub status: Option<u16>,
    /// How long to wait first; for a drip, between two bytes.
    pub wait: Option<SignedDuration>,
    /// How many requests it strikes; -1 until it is cleared.
    pub count: Option<i64>,
    /// Which request is the first.
    pub nth: Option<u64>,
    /// How likely it strikes.
    pub probability: Option<f64>,
    /// What that is drawn from.
    pub seed: Option<u32>,
    /// How far ahead the backend's clock is.
    pub ahead: Option<SignedDuration>,
    /// Headers of the reply.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Its body.
    pub body: Option<String>,
}

impl FaultStep {
    /// The fault that is planned.
    pub fn fault(&self) -> Fault {
        let mut fault = Fault::new(self.at.clone(), self.mode);
        fault.status = self.status;
        fault.ms = self.wait.map(|wait| u64::try_from(wait.as_millis()).unwrap_or_default());
        fault.count = self.count.unwrap_or(1);
        fault.nth = self.nth.unwrap_or(1);
        fault.probability = self.probability.unwrap_or(1.0);
        fault.seed = self.seed;
        fault.ahead_secs = self.ahead.map(|ahead| ahead.as_secs());
        fault.headers.clone_from(&self.headers);
        fault.body.clone_from(&self.body);
        fault
    }
}

/// What is right for a client. What is not named is not looked at.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectClient {
    /// Why that is right, for the report.
    pub because: Option<String>,
    /// The state it is in, by its name in `status --json`.
    pub state: Option<String>,
    /// The code of its reason.
    pub reason: Option<String>,
    /// How much time may pass until it is so.
    pub within: Option<SignedDuration>,
    /// The generation of its tokens, at least.
    pub generation: Option<u32>,
    /// How many refresh requests the backend has seen since the step before the last `sign_in`, `fault` or `backend`.
    pub refreshes: Option<u32>,
    /// At most so many.
    pub refreshes_at_most: Option<u32>,
    /// At least so many.
    pub refreshes_at_least: Option<u32>,
    /// Whether a program that asks gets a valid access token.
    pub token: Option<bool>,
}

/// What is right for a backend. What is not named is not looked at.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ExpectBackend {
    /// Why that is right, for the report.
    pub because: Option<String>,
    /// What became of the last `replay`.
    pub replay: Option<Verdict>,
    /// Whether the client's session is still good there: the token in force is presented, which may replace it.
    pub session: Option<Life>,
    /// Whether each refresh replaced the refresh token.
    pub rotates: Option<bool>,
    /// Whether every reply with tokens forbade that it is stored.
    pub no_store: Option<bool>,
    /// Whether every refused refresh said so as RFC 6749 §5.2 has it: JSON with `invalid_grant`.
    pub readable_refusals: Option<bool>,
}

/// What a backend says to a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// No.
    Refused,
    /// It is exchanged.
    Accepted,
}

/// Whether a session goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Life {
    /// It goes on.
    Alive,
    /// It is over.
    Dead,
}

impl Step {
    /// How much time it lets pass at the most.
    pub(crate) fn at_most(&self) -> SignedDuration {
        if let Self::Advance(long) = self {
            *long
        } else if let Self::ExpectClient(expect) = self {
            expect.within.unwrap_or_default()
        } else {
            SignedDuration::ZERO
        }
    }
}

impl Scenario {
    /// Why it can only be played where client and backend are the lab's own; none where it can be played anywhere.
    pub fn needs_own_backend(&self) -> Option<String> {
        if !self.backend.is_any() {
            return Some("it needs a backend that is set up in a certain way".to_owned());
        }
        let longest = self.steps.iter().map(Step::at_most).max().unwrap_or_default();
        if longest > LONGEST_IN_REAL_TIME {
            let long = latchkey_core::policy::in_words(longest);
            return Some(format!("it may take {long} in real time"));
        }
        let needing = self.steps.iter().find_map(|step| match step {
            Step::Backend(_) => Some("takes the backend away"),
            Step::Network(_) => Some("takes the network away"),
            Step::Sleep(_) => Some("puts the machine to sleep"),
            Step::Clock(_) => Some("sets the clock"),
            Step::Revoke(_) => Some("revokes as an administrator"),
            Step::Next(_) => Some("waits for renewals as they are planned"),
            // Before somebody's own backend a proxy can say so, and nothing more.
            Step::Fault(fault) if fault.mode == FaultMode::RevokedFamily => {
                Some("revokes as the backend does")
            }
            Step::SignIn(_)
            | Step::Advance(_)
            | Step::Renew(_)
            | Step::Fault(_)
            | Step::ClearFaults(_)
            | Step::Replay(_)
            | Step::Reject(_)
            | Step::Restart(_)
            | Step::SecondClient(_)
            | Step::Vault(_)
            | Step::ExpectClient(_)
            | Step::ExpectBackend(_) => None,
        });
        needing.map(|what| format!("it {what}"))
    }
}
