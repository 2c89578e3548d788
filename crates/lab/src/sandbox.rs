//! A backend to try rotation on, one step at a time: what the window's tour shows.
//!
//! It is the development backend in virtual time, and a client by hand. Nothing in it is scripted: what a step shows is
//! what the backend answered.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use latchkey_core::secret::Password;
use latchkey_engine::http::Http;
use latchkey_engine::lab::{Held, Probe, Spent};
use latchkey_engine::ports::NoBrowser;
use latchkey_engine::sign_in::{Login, SignIn};
use serde::Serialize;
use tokio::sync::mpsc;

use crate::runner::START;
use crate::scenario::BackendSetup;
use crate::stage::{Stage, StageError};

/// What has become of a refresh token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum TokenFate {
    /// It is the one in force.
    Live,
    /// It was exchanged for the next one.
    Used,
    /// Its whole family was revoked.
    Revoked,
}

/// What the backend said to the token that was presented last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// Nobody has presented one yet.
    Nothing,
    /// Here are the next tokens.
    Renewed,
    /// Here are the same tokens as before.
    Repeated,
    /// No.
    Refused,
}

/// The sandbox as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct SandboxState {
    /// The refresh tokens, oldest first.
    pub tokens: Vec<TokenFate>,
    /// Which of them was presented last, from 1; 0 for none.
    pub presented: u32,
    /// What the backend said to it.
    pub said: Said,
    /// With which status, where it answered.
    pub status: Option<u16>,
    /// What the backend wrote into its log.
    pub outcome: String,
    /// How long a used token is taken once more, in seconds.
    pub grace_secs: u32,
}

/// What can be done in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// The owner presents the newest token.
    Refresh,
    /// Somebody presents the token before the newest.
    Replay,
    /// So much time passes.
    Wait(Duration),
}

/// The sandbox.
pub struct Sandbox {
    stage: Stage,
    probe: Probe,
    held: Vec<Held>,
    fates: Vec<TokenFate>,
    presented: usize,
    said: Said,
    grace: SignedDuration,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The backend did not start.
    #[error("{0}")]
    Stage(#[from] StageError),
    /// HTTP cannot be used on this machine.
    #[error("{0}")]
    Http(#[from] latchkey_engine::http::HttpUnusable),
    /// Nobody could sign in.
    #[error("{0}")]
    SignIn(#[from] latchkey_engine::EngineError),
}

impl Sandbox {
    /// A new one, signed in to; a used token is taken once more for so long. `keys` is a folder for the lab's own keys.
    ///
    /// # Errors
    /// [`SandboxError`].
    pub async fn begin(grace: SignedDuration, keys: &Path) -> Result<Self, SandboxError> {
        let setup = BackendSetup { grace: Some(grace), ..BackendSetup::default() };
        let start: Timestamp = START.parse().unwrap_or(Timestamp::UNIX_EPOCH);
        let stage = Stage::own(&setup, &[], start, keys).await?;
        let probe = Probe::new(&stage.account, &Http::new()?, stage.clock(), Arc::new(NoBrowser));
        let login = Login { username: "demo".to_owned(), password: Password::new("demo") };
        let (prompts, _unseen) = mpsc::unbounded_channel();
        let first = probe.sign_in(SignIn::Password(login), prompts).await?;
        Ok(Self {
            stage,
            probe,
            held: vec![first],
            fates: vec![TokenFate::Live],
            presented: 0,
            said: Said::Nothing,
            grace,
        })
    }

    /// Does one thing and shows what came of it.
    pub async fn does(&mut self, what: Move) -> SandboxState {
        let newest = self.held.len().saturating_sub(1);
        match what {
            Move::Refresh => self.presents(newest).await,
            Move::Replay => self.presents(newest.saturating_sub(1)).await,
            Move::Wait(long) => {
                if let Some(clock) = self.stage.manual() {
                    clock.advance(SignedDuration::try_from(long).unwrap_or(SignedDuration::ZERO));
                }
            }
        }
        self.state()
    }

    async fn presents(&mut self, place: usize) {
        let Some(held) = self.held.get(place).cloned() else { return };
        self.presented = place + 1;
        let newest = self.held.len().saturating_sub(1);
        match self.probe.spend(&held).await {
            Spent::Renewed(next) => {
                let repeated = self.held.iter().any(|known| known.same_refresh_token(&next));
                self.said = if repeated { Said::Repeated } else { Said::Renewed };
                if !repeated {
                    for fate in &mut self.fates {
                        *fate = TokenFate::Used;
                    }
                    self.held.push(*next);
                    self.fates.push(TokenFate::Live);
                }
            }
            Spent::Refused { .. } => {
                self.said = Said::Refused;
                // A used token ends the family; the newest one is refused only where that has happened.
                let reused = place < newest || self.fates.contains(&TokenFate::Revoked);
                if reused {
                    for fate in &mut self.fates {
                        *fate = TokenFate::Revoked;
                    }
                }
            }
            Spent::Failed(_) => self.said = Said::Refused,
        }
    }

    /// The sandbox as it stands.
    pub fn state(&self) -> SandboxState {
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let latest = self.stage.requests().into_iter().next_back();
        SandboxState {
            tokens: self.fates.clone(),
            presented: number(self.presented),
            said: self.said,
            status: latest.as_ref().and_then(|request| request.status),
            outcome: latest.map(|request| request.outcome).unwrap_or_default(),
            grace_secs: u32::try_from(self.grace.as_secs()).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn begun(grace: i64) -> (Sandbox, tempfile::TempDir) {
        let keys = tempfile::tempdir().unwrap();
        (Sandbox::begin(SignedDuration::from_secs(grace), keys.path()).await.unwrap(), keys)
    }

    #[tokio::test]
    async fn a_used_token_ends_the_session_of_owner_and_thief() {
        let (mut sandbox, _keys) = begun(0).await;
        assert_eq!(sandbox.state().tokens, [TokenFate::Live]);
        let renewed = sandbox.does(Move::Refresh).await;
        assert_eq!(
            (renewed.said, renewed.tokens.as_slice()),
            (Said::Renewed, &[TokenFate::Used, TokenFate::Live][..])
        );
        let replayed = sandbox.does(Move::Replay).await;
        assert_eq!((replayed.said, replayed.presented, replayed.status), (Said::Refused, 1, Some(401)));
        assert_eq!(replayed.tokens, [TokenFate::Revoked; 2]);
        let after = sandbox.does(Move::Refresh).await;
        assert_eq!((after.said, after.presented), (Said::Refused, 2));
    }

    #[tokio::test]
    async fn inside_a_grace_window_the_answer_is_repeated_and_after_it_is_not() {
        let (mut sandbox, _keys) = begun(10).await;
        sandbox.does(Move::Refresh).await;
        let repeated = sandbox.does(Move::Replay).await;
        assert_eq!((repeated.said, repeated.tokens.len()), (Said::Repeated, 2));
        sandbox.does(Move::Wait(Duration::from_secs(11))).await;
        assert_eq!(sandbox.does(Move::Replay).await.said, Said::Refused);
    }
}
