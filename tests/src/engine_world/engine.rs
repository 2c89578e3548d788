//! An engine of a world, as tests speak to it.

use std::ops::Deref;

use jiff::{SignedDuration, Timestamp};
use latchkey_core::account::AccountName;
use latchkey_core::secret::Password;
use latchkey_engine::clock::ManualClock;
use latchkey_engine::ports::Clock as _;
use latchkey_engine::sign_in::{Login, SignIn};
use latchkey_engine::snapshot::SessionStatus;
use latchkey_engine::{EngineError, EngineHandle, IssuedToken, TokenRequest};
use tokio::task::JoinHandle;

use super::{PASSWORD, guarded};

/// An engine with one account, spoken to in sentences.
#[derive(Clone)]
pub struct Engine {
    pub(super) handle: EngineHandle,
    pub(super) account: AccountName,
    pub(super) clock: ManualClock,
}

impl Deref for Engine {
    type Target = EngineHandle;
    fn deref(&self) -> &EngineHandle {
        &self.handle
    }
}

impl Engine {
    /// The person signs in.
    pub async fn signs_in(&self) -> Result<SessionStatus, EngineError> {
        self.signs_in_with(PASSWORD).await
    }

    /// The person signs in with this password.
    pub async fn signs_in_with(&self, password: &str) -> Result<SessionStatus, EngineError> {
        let login = Login { username: "demo".to_owned(), password: Password::new(password) };
        guarded("signing in", self.handle.sign_in(&self.account, SignIn::Password(login))).await
    }

    /// The person signs out.
    pub async fn signs_out(&self) -> Result<SessionStatus, EngineError> {
        guarded("signing out", self.handle.sign_out(&self.account)).await
    }

    /// The person renews now.
    pub async fn renews(&self) -> Result<SessionStatus, EngineError> {
        guarded("renewing", self.handle.renew(&self.account)).await
    }

    /// Begins to renew beside the test.
    pub fn begins_to_renew(&self) -> JoinHandle<Result<SessionStatus, EngineError>> {
        let engine = self.clone();
        tokio::spawn(async move { engine.renews().await })
    }

    /// A request goes through the proxy, or a person looks at the session.
    pub fn is_used(&self) {
        self.handle.note_activity(&self.account).unwrap();
    }

    /// A program asks for a token as `latchkey token` does.
    pub async fn token(&self) -> Result<IssuedToken, EngineError> {
        self.token_valid_for(30).await
    }

    /// A program asks for a token that stays valid for so many seconds.
    pub async fn token_valid_for(&self, seconds: i64) -> Result<IssuedToken, EngineError> {
        let wait = SignedDuration::from_secs(10);
        let request = TokenRequest { min_valid: SignedDuration::from_secs(seconds), wait };
        guarded("a token", self.handle.token(&self.account, request)).await
    }

    /// A program asks for a token and does not wait for it.
    pub async fn token_at_once(&self) -> Result<IssuedToken, EngineError> {
        let request = TokenRequest { min_valid: SignedDuration::ZERO, wait: SignedDuration::ZERO };
        guarded("a token at once", self.handle.token(&self.account, request)).await
    }

    /// The session as it is now.
    pub async fn now(&self) -> SessionStatus {
        guarded("the status", self.handle.status(&self.account)).await.unwrap()
    }

    /// Waits until the session is like this.
    pub async fn until(&self, what: &str, like: impl Fn(&SessionStatus) -> bool) -> SessionStatus {
        let mut watch = self.handle.watch();
        let seen = guarded(what, async {
            watch
                .wait_for(|all| all.get(&self.account).is_some_and(|status| like(status)))
                .await
                .map(|all| (*all[&self.account]).clone())
        });
        seen.await.unwrap()
    }

    /// Waits until it is in this state.
    pub async fn until_state(&self, state: &str) -> SessionStatus {
        self.until(state, |status| status.state == state).await
    }

    /// Waits until it holds tokens of this generation, durable and published.
    pub async fn until_generation(&self, generation: u32) -> SessionStatus {
        let there = |status: &SessionStatus| status.generation == generation && status.state == "signed_in";
        self.until(&format!("generation {generation}"), there).await
    }

    /// Waits until whatever the last move of the clock set off has been done.
    ///
    /// Every question passes through the account's task, which looks at its alarm each time round.
    pub async fn settles(&self) -> SessionStatus {
        loop {
            let mut status = self.now().await;
            for _ in 0..40 {
                status = self.now().await;
            }
            if !is_under_way(&status) {
                return status;
            }
            self.until("an answer", |status| !is_under_way(status)).await;
        }
    }

    /// So much time passes, in small steps, and everything that becomes due is done.
    pub async fn time_passes(&self, long: SignedDuration) -> SessionStatus {
        let (mut left, step) = (long, SignedDuration::from_secs(5));
        while left > SignedDuration::ZERO {
            self.clock.advance(left.min(step));
            left -= step;
            self.settles().await;
        }
        self.now().await
    }

    /// Time passes until the next thing is planned, and that is done.
    pub async fn next_thing_happens(&self) -> SessionStatus {
        let status = self.settles().await;
        let next = status.next.unwrap().at.unwrap();
        self.clock_reaches(&next);
        self.settles().await
    }

    /// Time passes at one stroke until this moment, as a status tells it.
    pub fn clock_reaches(&self, moment: &str) {
        let at: Timestamp = moment.parse().unwrap();
        self.clock.advance(at.duration_since(self.clock.now().wall).max(SignedDuration::ZERO));
    }

    /// Time passes at one stroke until the access token in hand expires.
    pub async fn access_token_expires(&self) {
        let expires = self.now().await.access.unwrap().expires_at;
        self.clock_reaches(&expires);
    }
}

/// Whether an answer is awaited that needs no time of the clock to come.
fn is_under_way(status: &SessionStatus) -> bool {
    match status.state.as_str() {
        "renewing" | "signing_in" => true,
        // A look at the network, or into the vault: what comes next is planned once it has been seen.
        "waiting" => status.next.as_ref().is_none_or(|next| next.at.is_none()),
        _ => false,
    }
}
