//! Tokens for other programs, and which of them may have one.

use std::sync::{Arc, Weak};

use jiff::SignedDuration;
use latchkey_core::account::AccountName;
use latchkey_core::session::Asker;

use super::{EngineHandle, Inner, IssuedToken, TokenRequest};
use crate::actor::Message;
use crate::consumers::{Consumer, Decision};
use crate::error::EngineError;
use crate::prompts::Told;
use crate::snapshot::SessionStatus;

/// How often the screen is looked at while a program is allowed for now: whoever asks behind a locked one is found out
/// at once, and this is for a lock that ends before anybody asks.
const LOOK: SignedDuration = SignedDuration::from_secs(15);

impl EngineHandle {
    /// A valid access token for another program, which is remembered as one that took it. Where the account asks for
    /// that, the person has to let it first; waiting for an answer counts as waiting for a token.
    pub async fn token_for(
        &self,
        account: &AccountName,
        request: TokenRequest,
        consumer: Arc<Consumer>,
    ) -> Result<IssuedToken, EngineError> {
        let Inner { setup, consumers, prompts, .. } = &*self.inner;
        if consumers.any_for_now(setup.clock.now()) {
            self.end_leave_behind_a_locked_screen().await;
        }
        let until = setup.clock.now().plus(request.wait);
        self.while_changed_until(account, until).await?;
        // It only fails where the account is gone, which the question itself will say.
        let changed = || drop(self.tell(account, Message::Look));
        let asked = |program: String| {
            changed();
            prompts.tell(account, Told::Consent(program));
        };
        consumers
            .settle(
                account,
                self.known(account, |known| known.config.consent)?,
                &consumer,
                until,
                &*setup.clock,
                asked,
            )
            .await?;
        let message = |request, reply| Message::Token(request, Some(consumer.clone()), reply);
        self.token_until(account, request, until, message).await
    }

    /// Renews now because a program wants it. What the provider asked to be left alone for is no program's to cut short.
    pub async fn renew_for_program(&self, account: &AccountName) -> Result<SessionStatus, EngineError> {
        self.ask(account, |reply| Message::Renew(Asker::Program, reply)).await?
    }

    /// Decides whether a program may have an account's tokens: one that asks or took one, by its id, its path or its
    /// name.
    pub async fn decide(
        &self,
        account: &AccountName,
        program: &str,
        decision: Decision,
    ) -> Result<SessionStatus, EngineError> {
        self.while_changed(account).await;
        self.known(account, |_| ())?;
        let Inner { setup, consumers, .. } = &*self.inner;
        consumers.decide(account, program, decision, setup.clock.now()).await?;
        if setup.screen.is_some() && consumers.begin_to_watch() {
            tokio::spawn(watch_the_screen(Arc::downgrade(&self.inner)));
        }
        self.status(account).await
    }

    /// Ends what was allowed for now if the screen is locked.
    async fn end_leave_behind_a_locked_screen(&self) {
        let Inner { setup, consumers, .. } = &*self.inner;
        let Some(screen) = &setup.screen else { return };
        if screen.locked().await {
            for account in consumers.end_for_now() {
                // An account that is gone has nothing to show.
                drop(self.tell(&account, Message::Look));
            }
        }
    }

    /// Reads again who is signed in and what the session holds, and waits for it. However many ask, one reading is under
    /// way and at most one more follows. What is different then stands in the session's `updated`.
    pub async fn revalidate(&self, account: &AccountName) -> Result<SessionStatus, EngineError> {
        self.ask(account, |reply| Message::Revalidate(Some(reply))).await?
    }

    /// Sends new data for the session to its site, as NextAuth's `update()` does, and waits for the session as it is then.
    pub async fn update_session(
        &self,
        account: &AccountName,
        data: serde_json::Value,
    ) -> Result<SessionStatus, EngineError> {
        self.ask(account, |reply| Message::UpdateSession(Box::new(data), reply)).await?
    }
}

/// Looks at the screen for as long as any program is allowed for now.
async fn watch_the_screen(engine: Weak<Inner>) {
    loop {
        let Some(inner) = engine.upgrade() else { return };
        let clock = inner.setup.clock.clone();
        if !inner.consumers.goes_on_watching(clock.now()) {
            return;
        }
        EngineHandle { inner }.end_leave_behind_a_locked_screen().await;
        clock.sleep_until(clock.now().boot.saturating_add(LOOK)).await;
    }
}
