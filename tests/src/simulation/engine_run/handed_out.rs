//! What must hold of a token that is handed out.

use latchkey_engine::IssuedToken;
use latchkey_engine::ports::Vault as _;

use super::super::SECOND;
use super::super::host::readable;
use super::{LEEWAY, Run};

impl Run {
    /// Looks at a token that a program was given.
    pub(super) async fn handed_out(&mut self, token: &IssuedToken) {
        let Some(grant) = self.host.state().issued.get(token.access.expose()).copied() else {
            return self.host.breaks("a token was handed out that nobody issued");
        };
        let now = self.host.time();
        if now > grant.expires + LEEWAY {
            if self.wall_set > grant.issued {
                self.tally.stale += 1;
                let late = (now - grant.expires) / SECOND;
                let lifetime = grant.expires - grant.issued;
                self.tally.outlived += u32::from(now - grant.expires > lifetime + LEEWAY);
                self.tally
                    .remarks
                    .push(format!("{}: a token handed out {late} s after its end", readable(now)));
            } else {
                self.host.breaks(format!(
                    "I4: a token was handed out that had ended at {}",
                    readable(grant.expires)
                ));
            }
        }
        let stored = self.host.vault.read(&self.account.name).await.ok().flatten();
        if stored.is_none_or(|envelope| envelope.generation < token.generation) {
            self.host
                .breaks(format!("I6: generation {} was handed out before it was stored", token.generation));
        }
    }

    /// While all is quiet and the keychain can be read, a window hands out what is stored, whoever stored it.
    pub(super) async fn is_the_newest(&self, token: &IssuedToken) {
        let locked = self.host.world.locked.at(self.host.time());
        let stored = self.host.vault.read(&self.account.name).await.ok().flatten();
        if !locked && stored.is_some_and(|envelope| envelope.generation > token.generation) {
            self.host.breaks(format!("I10: generation {} was handed out, which is over", token.generation));
        }
    }
}
