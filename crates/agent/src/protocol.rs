//! What is said over the socket, besides the sessions themselves (`latchkey_engine::snapshot`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The version of the protocol; the first part of every path is `/v1`.
pub const VERSION: u32 = 1;

/// The longest a caller may wait for a token, in seconds.
pub const LONGEST_WAIT: u64 = 300;

/// Who answers: `GET /v1/about`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// The program's version.
    pub version: String,
    /// [`VERSION`].
    pub protocol: u32,
    /// Its process id.
    pub pid: u32,
    /// What runs it: `window` or `agent`.
    pub host: String,
    /// Where tokens are kept, in words.
    pub vault: String,
}

/// What is spoken here: `GET /`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// The versions of the protocol; each is the first part of its paths (`/v1`).
    pub protocols: Vec<u32>,
    /// The program's version.
    pub version: String,
}

/// What is decided about a program: the body of `POST /v1/sessions/{account}/consumers`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsumerDecision {
    /// Which: its id, its path, or its name where only one has it.
    pub program: String,
    /// What is decided.
    pub decision: DecisionName,
}

/// What can be decided about a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DecisionName {
    /// It may, as long as it keeps asking.
    Allow,
    /// It may, until its executable changes.
    AllowForGood,
    /// Not now, until it is allowed again.
    Pause,
    /// It may not.
    Deny,
}

/// The token that a program holds is no longer the one in hand: the event `token_replaced` of `/v1/events`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenReplaced {
    /// Whose it was.
    pub account: String,
    /// The fingerprint of the token that the program took.
    pub fingerprint: String,
    /// Its generation.
    pub generation: u32,
    /// The fingerprint of the one that replaced it; null where there is none, as after a sign-out.
    pub by: Option<String>,
}

/// What someone needs of a token: the body of `POST /v1/sessions/{account}/token`. All of it may be left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenQuestion {
    /// How many seconds it must stay valid; 30 unless given, and never more than half of the token's lifetime.
    pub min_valid: Option<u64>,
    /// How many seconds to wait for one; 10 unless given, at most [`LONGEST_WAIT`].
    pub wait: Option<u64>,
}

/// Why it is to be renewed: the body of `POST /v1/sessions/{account}/renew`. All of it may be left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RenewQuestion {
    /// The fingerprint of an access token that a server refused: renewed only if that is still the one in hand. However
    /// many tell of the same refusal, the token is replaced once.
    pub rejected: Option<String>,
}

/// A token: the answer to it.
#[derive(Deserialize)]
#[cfg_attr(feature = "server", derive(Serialize))]
pub struct TokenAnswer {
    /// The token. Whoever holds this answer holds a secret.
    pub access_token: String,
    /// How it is sent (RFC 6749 §7.1).
    pub token_type: String,
    /// When it expires (RFC 3339, UTC).
    pub expires_at: String,
    /// Whose it is.
    pub account: String,
    /// The generation it belongs to.
    pub generation: u64,
    /// What logs and windows call it.
    pub fingerprint: String,
    /// Whether it lives shorter than what was asked, and no better one could be had.
    pub falls_short: bool,
    /// Whether more was asked than half of its lifetime.
    pub min_valid_capped: bool,
}

/// The header in which a resource server gives a nonce for proofs (RFC 9449 §9).
#[cfg(feature = "server")]
pub(crate) const NONCE: &str = "dpop-nonce";

/// One request that is to be authorized: the body of `POST /v1/sessions/{account}/request-headers`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadersQuestion {
    /// Its method.
    pub method: String,
    /// Where it goes.
    pub url: String,
    /// As in a [`TokenQuestion`].
    #[serde(default)]
    pub min_valid: Option<u64>,
    /// As in a [`TokenQuestion`].
    #[serde(default)]
    pub wait: Option<u64>,
    /// The nonce that the server gave last (RFC 9449 §9).
    #[serde(default)]
    pub nonce: Option<String>,
}

/// What authorizes it: the answer. Good for one sending.
#[derive(Deserialize)]
#[cfg_attr(feature = "server", derive(Serialize))]
pub struct HeadersAnswer {
    /// The headers to put into it, by name. Whoever holds this answer holds a secret.
    pub headers: BTreeMap<String, String>,
    /// Whose token is in them.
    pub account: String,
    /// The generation it belongs to.
    pub generation: u64,
    /// What logs and windows call it.
    pub fingerprint: String,
}

/// Why something was not done: the body of every answer with a status of 400 and above.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What went wrong.
    pub error: ProblemDetail,
}

/// What went wrong, for programs and for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemDetail {
    /// Stable name.
    pub code: String,
    /// A sentence.
    pub message: String,
    /// What to do about it, if that can be said.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hint: Option<String>,
    /// The stable name of the session's reason, where it has one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<String>,
}

impl ProblemDetail {
    /// A name and a sentence, and nothing more to say.
    pub fn new(code: &str, message: &str) -> Self {
        Self { code: code.to_owned(), message: message.to_owned(), hint: None, reason: None }
    }

    /// Whether it is no verdict on what was asked: the agent is on its way out, or has not heard of the account yet, or is
    /// of another version. Whoever can do without an agent goes on by itself.
    pub fn leaves_it_open(&self) -> bool {
        let open =
            ["closing", "unknown_account", "bad_request", "other_version", "not_found", "wrong_method"];
        open.contains(&self.code.as_str())
    }
}
