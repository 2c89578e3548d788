//! The account `demo`: what a newcomer sees first.

use latchkey_core::account::AccountName;
use latchkey_core::secret::Password;
use latchkey_engine::EngineError;
use latchkey_engine::config::{self, AccountConfig, AccountToml, Config};
use latchkey_engine::sign_in::{Login, SignIn};
use latchkey_engine::snapshot::{SessionStatus, StateName};

use crate::command_error::CommandError;
use crate::dev_server;
use crate::shell::Shell;

/// The port of a new demo account: where `latchkey devserver` listens as well.
const PORT: u16 = 4180;

/// The made-up user of the development backend, and the password everyone knows.
const USER: &str = "demo";

impl Shell {
    /// Configures the account where it is missing, starts its backend, and signs in where nobody is signed in.
    pub(crate) async fn demo(&self) -> Result<SessionStatus, CommandError> {
        self.demo_at(PORT).await
    }

    /// The same, with its backend at this port unless it is configured to be elsewhere.
    pub(crate) async fn demo_at(&self, port: u16) -> Result<SessionStatus, CommandError> {
        let told = |error: EngineError| self.told(error);
        // To the end of the sign-in: whoever asks a second time finds somebody signed in.
        let turn = self.engine.changing().await;
        let account = self.demo_account(port).await?;
        turn.account_is(&account).await.map_err(told)?;
        let mut status = self.engine.status(&account.name).await.map_err(told)?;
        if matches!(status.state, StateName::SignedOut | StateName::NeedsSignIn) {
            let login = Login { username: USER.to_owned(), password: Password::new(USER) };
            status = self.engine.sign_in(&account.name, SignIn::Password(login)).await.map_err(told)?;
        }
        self.spoken.borrow().say_session(&mut status);
        Ok(status)
    }

    /// The account as it is configured, with its backend running.
    async fn demo_account(&self, port: u16) -> Result<AccountConfig, CommandError> {
        let name: AccountName = AccountConfig::demo(port).name;
        let Some(known) = Config::load(&self.paths)?.account(&name).cloned() else {
            let port = self.dev_server.start(port).await?;
            let account = AccountConfig::demo(port);
            return Ok(config::add_account(&self.paths, &name, &AccountToml::from(&account))?);
        };
        // Somebody's own account may bear the name. Its backend is not sent a password that everyone knows.
        let port = dev_server::port(&known).ok_or_else(|| {
            let hint = "rename that account in the configuration to try the demo";
            CommandError::new(
                "account_exists",
                "there is an account `demo` already, and it is no demo",
                Some(hint),
            )
        })?;
        self.dev_server.start(port).await?;
        Ok(known)
    }
}
