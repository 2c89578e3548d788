//! The way to an account's task. One that is being changed is let go of until what is under way for it has ended; whoever
//! wants something of it meanwhile waits, and is not told that there is no such account.

use std::sync::PoisonError;

use latchkey_core::account::AccountName;
use latchkey_core::time::Stamp;
use tokio::sync::oneshot;

use super::{EngineHandle, IssuedToken, Known, TokenRequest};
use crate::actor::Message;
use crate::error::EngineError;

/// Where a token, or why there is none, goes.
type TokenReply = oneshot::Sender<Result<IssuedToken, EngineError>>;

impl EngineHandle {
    /// A valid access token for this process itself, renewed first if the one in hand does not last.
    pub async fn token(
        &self,
        account: &AccountName,
        request: TokenRequest,
    ) -> Result<IssuedToken, EngineError> {
        let until = self.clock().now().plus(request.wait);
        self.token_until(account, request, until, |request, reply| Message::Token(request, None, reply)).await
    }

    /// A token, from whoever has the account by then.
    pub(super) async fn token_until(
        &self,
        account: &AccountName,
        request: TokenRequest,
        until: Stamp,
        message: impl Fn(TokenRequest, TokenReply) -> Message,
    ) -> Result<IssuedToken, EngineError> {
        loop {
            self.while_changed_until(account, until).await?;
            let request = TokenRequest { wait: until.left(self.clock().now()), ..request };
            let (reply, answer) = oneshot::channel();
            self.tell(account, message(request, reply))?;
            match answer.await {
                Ok(answer) => return answer,
                // Its task has ended in the middle.
                Err(_) if self.is_closed() => return Err(EngineError::Closing),
                Err(_) => {}
            }
        }
    }

    pub(super) fn tell(&self, account: &AccountName, message: Message) -> Result<(), EngineError> {
        self.known(account, |known| known.outbox.send(message))?
    }

    pub(crate) fn known<T>(
        &self,
        account: &AccountName,
        look: impl FnOnce(&Known) -> T,
    ) -> Result<T, EngineError> {
        let accounts = self.inner.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = accounts.get(account) {
            return Ok(look(known));
        }
        drop(accounts);
        Err(if self.is_closed() {
            EngineError::Closing
        } else if self.is_being_changed(account) {
            EngineError::Busy
        } else {
            EngineError::UnknownAccount(account.clone())
        })
    }

    pub(super) async fn ask<T>(
        &self,
        account: &AccountName,
        message: impl FnOnce(oneshot::Sender<T>) -> Message,
    ) -> Result<T, EngineError> {
        self.while_changed(account).await;
        let (reply, answer) = oneshot::channel();
        self.tell(account, message(reply))?;
        let ended = |_| if self.is_closed() { EngineError::Closing } else { EngineError::Busy };
        answer.await.map_err(ended)
    }

    /// Waits for the end of a change that has let go of the account. Whoever changes it has it before and afterwards.
    pub(crate) async fn while_changed(&self, account: &AccountName) {
        if self.is_being_changed(account) {
            drop(self.inner.changing.lock().await);
        }
    }

    /// The same, and no longer than this.
    ///
    /// # Errors
    /// [`EngineError::Busy`] where the change takes longer.
    pub(super) async fn while_changed_until(
        &self,
        account: &AccountName,
        until: Stamp,
    ) -> Result<(), EngineError> {
        if self.is_being_changed(account) {
            tokio::select! {
                biased;
                turn = self.inner.changing.lock() => drop(turn),
                () = self.clock().sleep_until(until.boot) => return Err(EngineError::Busy),
            }
        }
        Ok(())
    }

    /// Whether the account is let go of, and its session still shown.
    pub(super) fn is_being_changed(&self, account: &AccountName) -> bool {
        let accounts = self.inner.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let gone = !accounts.contains_key(account);
        drop(accounts);
        gone && !self.is_closed() && self.inner.sessions.borrow().contains_key(account)
    }
}
