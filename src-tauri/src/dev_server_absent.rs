//! Stands in for the development backend where the app is built without it.

use std::path::PathBuf;
use std::time::Duration;

use latchkey_engine::config::AccountConfig;
use latchkey_engine::http::Http;

use crate::command_error::CommandError;

/// No backend.
pub(crate) struct EmbeddedServer;

/// No account is served here.
pub(crate) fn port(_: &AccountConfig) -> Option<u16> {
    None
}

impl EmbeddedServer {
    pub(crate) fn new(_: PathBuf, _: Option<Duration>, _: Http) -> Self {
        Self
    }

    #[expect(clippy::unused_async, reason = "as the one it stands in for")]
    pub(crate) async fn start_for(&self, _: &[AccountConfig]) {}

    #[expect(clippy::unused_async, reason = "as the one it stands in for")]
    pub(crate) async fn start(&self, _: u16) -> Result<u16, CommandError> {
        let hint = "build it with the feature `devserver`";
        Err(CommandError::new("devserver_not_started", "this build has no development backend", Some(hint)))
    }

    #[expect(clippy::unused_async, reason = "as the one it stands in for")]
    pub(crate) async fn stop(&self) {}
}
