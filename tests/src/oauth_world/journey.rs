//! A person's way through a sign-in with a real provider, and the look for secrets once it is over.

use std::time::Duration;

use jiff::SignedDuration;
use latchkey_engine::EngineError;
use latchkey_engine::ports::Vault as _;
use latchkey_engine::sign_in::SignIn;
use latchkey_engine::snapshot::{SessionStatus, SignInPrompt};
use tokio::task::JoinHandle;

use super::{OauthEngine, OauthWorld};
use crate::canary::Canary;
use crate::engine_world::guarded;
use crate::scripted_browser::{Page, ScriptedBrowser};

/// How a sign-in ends.
pub type Ending = JoinHandle<Result<SessionStatus, EngineError>>;

impl OauthEngine {
    /// The person signs in on the page they are shown, and sees the listener's last page.
    ///
    /// # Panics
    /// When they are shown something else.
    pub async fn signs_in_at(
        &self,
        browser: &mut ScriptedBrowser,
    ) -> (Result<SessionStatus, EngineError>, Page) {
        let ending = self.begins(SignIn::Browser);
        let SignInPrompt::Browser { url, .. } = self.prompt().await else { panic!("a page was expected") };
        let last_page = browser.sign_in(&url).await;
        (guarded("the sign-in", ending).await.unwrap(), last_page)
    }

    /// The person is shown a device code, and enters it on the page they are shown.
    ///
    /// # Panics
    /// When they are shown something else.
    pub async fn enters_device_code(&self, browser: &mut ScriptedBrowser) -> (Ending, Page) {
        let ending = self.begins(SignIn::Device);
        let SignInPrompt::Device { user_code, verification_uri, .. } = self.prompt().await else {
            panic!("a code was expected")
        };
        let last_page = browser.enter_device_code(&verification_uri, &user_code).await;
        (ending, last_page)
    }

    /// Waits until the session is in this state.
    ///
    /// # Panics
    /// When it never is.
    pub async fn until_state(&self, state: &str) -> SessionStatus {
        let mut watch = self.handle.watch();
        let seen = watch.wait_for(|all| all.get(&self.account).is_some_and(|status| status.state == state));
        (*guarded(state, seen).await.unwrap()[&self.account]).clone()
    }
}

impl<P> OauthWorld<P> {
    /// Time passes, second by second, until a sign-in has ended. `second` is how long one takes for the provider, which
    /// needs some real time for its answers.
    ///
    /// # Panics
    /// When it never ends.
    pub async fn until_ended(&self, ending: Ending, second: Duration) -> Result<SessionStatus, EngineError> {
        let passing = async {
            loop {
                self.clock.advance(SignedDuration::from_secs(1));
                let _ = tokio::time::timeout(second, std::future::pending::<()>()).await;
            }
        };
        tokio::select! {
            ended = guarded("the sign-in", ending) => ended.unwrap(),
            () = passing => unreachable!("time passes for ever"),
        }
    }

    /// Time passes at one stroke until the access token in hand has expired.
    ///
    /// # Panics
    /// When there is none.
    pub async fn access_token_expires(&self, engine: &OauthEngine) {
        let expires_at = engine.now().await.access.unwrap().expires_at;
        let expires_at: jiff::Timestamp = expires_at.parse().unwrap();
        let now = latchkey_engine::ports::Clock::now(&self.clock).wall;
        self.clock.advance(expires_at.duration_since(now).max(SignedDuration::ZERO));
    }

    /// Every token that is in the vault now.
    pub async fn stored_secrets(&self) -> Vec<String> {
        let Ok(Some(stored)) = self.vault.read(&self.account).await else { return Vec::new() };
        let tokens = stored.tokens;
        let mut secrets = vec![tokens.access.expose().to_owned()];
        secrets.extend(tokens.refresh.map(|token| token.expose().to_owned()));
        secrets.extend(tokens.id.map(|token| token.expose().to_owned()));
        secrets
    }

    /// Looks for these secrets in everything that anybody wrote, in the log's files and in what is given here.
    ///
    /// # Panics
    /// When one of them is there, or there is nothing to look into.
    pub fn holds_none_of(&self, secrets: &[String], shown: &[String]) {
        let mut canary = Canary::default();
        for (number, secret) in secrets.iter().enumerate() {
            canary.watch(&format!("secret {number}"), secret);
        }
        self.log.flush();
        let (files, mut found) = canary.look_into(&self.dir.path().join("log"));
        for text in self.traced.texts().iter().chain(shown) {
            found.extend(canary.look(text.split(' ').next().unwrap_or_default(), text.as_bytes()));
        }
        found.extend(canary.look("the notices", format!("{:?}", self.notices.all()).as_bytes()));
        assert!(found.is_empty(), "{found:#?}");
        assert!(files > 0 && canary.secrets() > 0, "there was nothing to look for or into");
    }
}
