//! What may be seen of the programs that take tokens.

use serde::{Deserialize, Serialize};

use super::ConsentName;

/// A program that took a token, or asks for one. Who it is comes from the operating system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct ConsumerStatus {
    /// What to call it when deciding about it; empty where its executable cannot be told, and then there is nothing
    /// to decide. Another one once the executable was replaced.
    pub id: String,
    /// Its executable file, if that can be told.
    pub program: Option<String>,
    /// The last part of that.
    pub name: Option<String>,
    /// Its process, or the latest of them; none in another pid namespace.
    pub pid: Option<u32>,
    /// The fingerprint of the access token it took last.
    pub fingerprint: Option<String>,
    /// That token's generation.
    pub generation: Option<u32>,
    /// When it took it (RFC 3339, UTC).
    pub taken_at: Option<String>,
    /// Until when that token is good (RFC 3339, UTC).
    pub expires_at: Option<String>,
    /// Whether that token is the one in hand.
    pub current: bool,
    /// How often it took one since the process started.
    pub times: u32,
    /// Whether it may.
    pub consent: ConsentName,
    /// Since when it waits for an answer.
    pub asked_at: Option<String>,
    /// Until when it may, where that has an end. The time is moved on whenever it takes a token.
    pub allowed_until: Option<String>,
}
