//! Looking into a site's session cookie with the site's secret, which a developer gives.

use latchkey_core::secret::{AccessToken, Secret};

use super::Workshop;
use crate::error::EngineError;
use crate::provider::nextauth::Jar;
use crate::provider::nextauth::site_secret::{OpenedCookie, open};
use crate::vault::Envelope;

/// A site's secret, if one was given, and whether to keep it.
pub struct SiteSecret {
    /// The secret; the one that was kept, if none is given.
    pub given: Option<Secret>,
    /// Whether to keep it in the vault, for as long as this person stays signed in.
    pub keep: bool,
}

impl Workshop {
    /// Opens the session cookie in hand. The secret is kept only where that is asked for, and only if it is the right one.
    pub(crate) async fn open_cookie(
        &self,
        session: &AccessToken,
        cookies: &Jar,
        secret: SiteSecret,
    ) -> Result<OpenedCookie, EngineError> {
        let not_opened = |why: String| EngineError::CookieNotOpened { why };
        let name = self.provider.session_cookie_name(cookies).ok_or(EngineError::NotThisWay)?;
        let given = if let Some(given) = secret.given {
            given
        } else {
            let stored = self.stored().await.ok().flatten().and_then(|stored| stored.site_secret);
            stored.ok_or_else(|| not_opened("it takes the site's secret, and none is kept".to_owned()))?
        };
        let opened = open(session, &given, &name).map_err(|error| not_opened(error.to_string()))?;
        if secret.keep {
            self.keep_site_secret(given).await?;
        }
        Ok(opened)
    }

    async fn keep_site_secret(&self, secret: Secret) -> Result<(), EngineError> {
        let _turn = self.turn.lock().await;
        let _lock = self.lock_to_store().await.map_err(|problem| EngineError::Vault { problem })?;
        let failed = |doing: &str, error| EngineError::Vault { problem: self.vault_failed(doing, &error) };
        let Some(stored) = self.stored().await.map_err(|error| failed("read", error))? else { return Ok(()) };
        let kept = Envelope { site_secret: Some(secret), ..stored };
        self.vault.write(&self.account, &kept).await.map_err(|error| failed("write", error))
    }
}
