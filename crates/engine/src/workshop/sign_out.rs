//! Signing out: erased here first, then told to the provider, for a day if need be.

use std::sync::atomic::Ordering;

use latchkey_core::disposition::{Disposition, Failure, disposition};
use latchkey_core::reason::{Reason, VaultProblem};
use latchkey_core::session::{Revocation, Revoke, Wiped};
use latchkey_core::time::Stamp;
use latchkey_core::token_set::TokenSet;
use reqwest::Url;
use tracing::{debug, info, warn};

use super::{Workshop, reason_of};
use crate::ports::VaultError;
use crate::provider::SignedOut;
use crate::vault::{Envelope, Identity};

impl Workshop {
    /// Erases the tokens for every reader: signing out here never waits for the network. Where the provider has to
    /// be told, what that takes is kept, marked as signed out. Erasing may have had to wait for the vault: who has signed
    /// in since, by another process, wanted that.
    pub(crate) async fn wipe(&self, since: Stamp) -> Result<Wiped, VaultProblem> {
        let _turn = self.turn.lock().await;
        let _lock = self.lock_to_store().await?;
        let read = self.vault.read(&self.account).await;
        let (now, boot_id) = (self.clock.now(), self.clock.boot_id());
        let later = |held: &Envelope| held.signed_out_at.is_none() && held.began_after(since, now, boot_id);
        if read.as_ref().is_ok_and(|held| held.as_ref().is_some_and(later)) {
            *self.unclaimed() = None;
            return Ok(Wiped::Later);
        }
        // Where another process was quicker there is nothing left to sign out of.
        let signed_in =
            read.as_ref().map_or(true, |held| held.as_ref().is_some_and(|held| held.signed_out_at.is_none()));
        let left = self.put_away(read).await?;
        self.ended_here.store(signed_in, Ordering::Relaxed);
        Ok(left)
    }

    /// Erases what is stored, under the lock.
    pub(super) async fn put_away(
        &self,
        stored: Result<Option<Envelope>, VaultError>,
    ) -> Result<Wiped, VaultProblem> {
        let left = self.put_away_the_newest(stored).await?;
        *self.unclaimed() = None;
        Ok(left)
    }

    async fn put_away_the_newest(
        &self,
        stored: Result<Option<Envelope>, VaultError>,
    ) -> Result<Wiped, VaultProblem> {
        let (stored, mut in_the_way) = match stored {
            Ok(stored) => (stored, None),
            Err(error) => (None, Some(self.vault_failed("read", &error))),
        };
        let generation = stored.as_ref().map_or(0, |stored| stored.generation);
        let unclaimed = self.unclaimed().clone().filter(|left| left.generation > generation);
        let held = unclaimed.map(|left| *left).or(stored);
        if let Some(held) = held.filter(|_| self.provider.revokes()) {
            match self.vault.write(&self.account, &self.kept_of(held)).await {
                Ok(()) => {
                    self.close_intent().await;
                    return Ok(Wiped::Unrevoked);
                }
                // Gone from here is worth more than told there.
                Err(error) => in_the_way = Some(self.vault_failed("write", &error)),
            }
        }
        self.vault.erase(&self.account).await.map_err(|error| self.vault_failed("erase", &error))?;
        self.close_intent().await;
        if let Some(problem) = in_the_way.filter(|_| self.provider.revokes()) {
            self.was_not_told(&Reason::Vault { problem });
        }
        Ok(Wiped::Gone)
    }

    /// What the provider is told with, and nothing about the person.
    fn kept_of(&self, held: Envelope) -> Envelope {
        let signed_out_at = held.signed_out_at.or(Some(self.clock.now().wall));
        let TokenSet { access, refresh, id } = held.tokens;
        Envelope {
            tokens: TokenSet { access, refresh, id },
            identity: Identity::default(),
            refresh: None,
            session: None,
            token_type: None,
            scope: None,
            session_data: None,
            site_secret: None,
            signed_out_at,
            ..held
        }
    }

    /// Tells the provider of a sign-out, and erases what was kept for that. Nothing is held while it is asked: a new
    /// sign-in need not wait for it.
    pub(crate) async fn revoke(&self, which: Revoke) -> Revocation {
        let kept = match self.vault.read(&self.account).await {
            Ok(kept) => kept.filter(|kept| kept.signed_out_at.is_some()),
            Err(error) => return Revocation::NotErased(self.vault_failed("read", &error)),
        };
        let Some(kept) = kept else { return Revocation::Done };
        match self.tell_provider(&kept).await {
            Ok(Some(page)) if which == Revoke::First => self.open_page(&page).await,
            Ok(_) => {}
            Err(failure) => {
                let may_help = matches!(disposition(&failure), Disposition::Retry { .. });
                if may_help && which != Revoke::Last {
                    return Revocation::Failed(failure);
                }
                self.was_not_told(&reason_of(&failure));
            }
        }
        let _turn = self.turn.lock().await;
        let _lock = match self.lock_to_store().await {
            Ok(lock) => lock,
            Err(problem) => return Revocation::NotErased(problem),
        };
        let erased = match self.vault.read(&self.account).await {
            // Somebody has signed in since.
            Ok(now) if now.as_ref().is_none_or(|now| now.signed_out_at != kept.signed_out_at) => Ok(()),
            Ok(_) => self.vault.erase(&self.account).await,
            Err(error) => Err(error),
        };
        erased.map_or_else(
            |error| Revocation::NotErased(self.vault_failed("erase", &error)),
            |()| Revocation::Done,
        )
    }

    /// Tells the provider that these tokens are not used any more; gives the page at which the person ends their
    /// session there, if there is one.
    pub(super) async fn tell_provider(&self, envelope: &Envelope) -> Result<Option<Url>, Failure> {
        let SignedOut { revoked, page } = self.provider.sign_out(envelope, &*self.clock).await?;
        if revoked {
            debug!(account = %self.account, kind = "revoked", "The provider knows that the session is over");
        } else {
            info!(
                account = %self.account, kind = "not_revoked",
                "The provider has nowhere to be told of a sign-out: what it issued ends by itself"
            );
        }
        Ok(page)
    }

    /// One attempt to tell the provider, for tokens that nobody keeps.
    pub(super) async fn tell_provider_once(&self, envelope: &Envelope) {
        if let Err(failure) = self.tell_provider(envelope).await {
            self.was_not_told(&reason_of(&failure));
        }
    }

    async fn open_page(&self, page: &Url) {
        if !self.prompts.may_open().await || self.browser.open(page).is_err() {
            warn!(account = %self.account, kind = "page_not_opened", "The provider's sign-out page could not be opened");
        }
    }

    fn was_not_told(&self, reason: &Reason) {
        warn!(
            account = %self.account, kind = "revocation_failed", reason = reason.code(),
            "Signed out here, but the provider was not told: {}", reason.message()
        );
    }
}
