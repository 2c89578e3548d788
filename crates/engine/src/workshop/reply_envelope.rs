//! What is stored of a provider's reply.

use jiff::Timestamp;
use latchkey_core::token_set::{Source, TokenSet};

use super::Workshop;
use crate::provider::Issued;
use crate::vault::{Envelope, Expiry};

impl Workshop {
    /// The envelope of a reply, on top of the one it replaces; `None` if there is no access token to serve.
    pub(super) fn envelope(
        &self,
        issued: Issued,
        before: Option<&Envelope>,
        generation: u64,
    ) -> Option<Envelope> {
        let now = self.clock.now().wall;
        // A reply with a new refresh token and no access token is kept, with an access token that has expired.
        let (access, expired) = match (issued.access, before) {
            (Some(access), _) => (access, false),
            (None, Some(before)) => (before.tokens.access.clone(), true),
            (None, None) => return None,
        };
        let assumed = issued.received.saturating_add(self.policy.assumed_lifetime).unwrap_or(issued.received);
        let (expires_at, source) = issued.access_expires.unwrap_or((assumed, Source::Assumed));
        let replaced = issued.refresh.is_some();
        let stored = |clock: Option<(Timestamp, Source)>| {
            clock.map(|(expires_at, source)| Expiry { expires_at, source })
        };
        let old = before.map(|before| &before.tokens);
        let kept = before.filter(|_| !replaced).and_then(|before| before.refresh);
        Some(Envelope {
            account: self.account.clone(),
            generation,
            stored_at: now,
            received_at: issued.received,
            tokens: TokenSet {
                access,
                // RFC 6749 §6: a reply without a refresh token leaves the old one in force.
                refresh: issued.refresh.or_else(|| old.and_then(|old| old.refresh.clone())),
                id: issued.id.or_else(|| old.and_then(|old| old.id.clone())),
            },
            access: Expiry { expires_at: if expired { issued.received } else { expires_at }, source },
            refresh: stored(issued.refresh_expires).or(kept),
            session: stored(issued.session_expires).or_else(|| before.and_then(|before| before.session)),
            identity: issued.identity.or(before.map(|before| before.identity.clone()).unwrap_or_default()),
            token_type: None,
            scope: None,
            quarantined: None,
            signed_out_at: None,
        })
    }
}
