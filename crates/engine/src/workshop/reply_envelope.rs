//! What is stored of a provider's reply.

use jiff::Timestamp;
use latchkey_core::text;
use latchkey_core::time::Stamp;
use latchkey_core::token_set::{Source, TokenSet};
use tracing::warn;

use super::Workshop;
use crate::provider::Issued;
use crate::vault::{BootTime, Envelope, Expiry, Used};

impl Workshop {
    /// The envelope of a reply, on top of the one it replaces; `None` if there is no access token to serve.
    pub(crate) fn envelope(
        &self,
        issued: Issued,
        before: Option<&Envelope>,
        generation: u64,
    ) -> Option<Envelope> {
        let now = self.clock.now();
        let oauth = issued.oauth;
        let asked =
            oauth.asked_scope.as_deref().or_else(|| before.and_then(|before| before.scope.as_deref()));
        self.tell_narrower_scope(oauth.scope.as_deref(), asked);
        // A reply with a new refresh token and no access token is kept, with an access token that has expired.
        let (access, expired) = match (issued.access, before) {
            (Some(access), _) => (access, false),
            (None, Some(before)) => (before.tokens.access.clone(), true),
            (None, None) => return None,
        };
        let replaced = issued.refresh.is_some();
        let renewable = replaced || before.is_some_and(|before| before.tokens.refresh.is_some());
        let untold = self.policy.lifetime_untold(renewable);
        let assumed = issued.received.saturating_add(untold).unwrap_or(issued.received);
        let (expires_at, source) = issued.access_expires.unwrap_or((assumed, Source::Assumed));
        let stored = |clock: Option<(Timestamp, Source)>| {
            clock.map(|(expires_at, source)| Expiry { expires_at, source })
        };
        let old = before.map(|before| &before.tokens);
        let kept = before.filter(|_| !replaced).and_then(|before| before.refresh);
        // A renewal goes on with the session that somebody began.
        let used = before.map_or(Used::beginning(issued.received), |before| {
            let received = Stamp::from_wall(issued.received, now);
            Used::of(self.facts(before).usage, received, issued.received)
        });
        Some(Envelope {
            account: self.account.clone(),
            generation,
            stored_at: now.wall,
            received_at: issued.received,
            received_boot: BootTime::of(&*self.clock, Stamp::from_wall(issued.received, now)),
            tokens: TokenSet {
                access,
                // RFC 6749 §6: a reply without a refresh token leaves the old one in force.
                refresh: issued.refresh.or_else(|| old.and_then(|old| old.refresh.clone())),
                id: issued.id.or_else(|| old.and_then(|old| old.id.clone())),
            },
            access: Expiry { expires_at: if expired { issued.received } else { expires_at }, source },
            refresh: stored(issued.refresh_expires).or(kept),
            session: stored(issued.session_expires).or_else(|| before.and_then(|before| before.session)),
            used,
            identity: issued.identity.or(before.map(|before| before.identity.clone()).unwrap_or_default()),
            token_type: oauth.token_type.or_else(|| before.and_then(|before| before.token_type.clone())),
            scope: oauth.scope.or_else(|| before.and_then(|before| before.scope.clone())),
            quarantined: None,
            dpop_key: oauth.dpop_key.or_else(|| before.and_then(|before| before.dpop_key.clone())),
            token_host: oauth.token_host.or_else(|| before.and_then(|before| before.token_host.clone())),
            session_data: (issued.session_data)
                .or_else(|| before.and_then(|before| before.session_data.clone())),
            site_secret: before.and_then(|before| before.site_secret.clone()),
            signed_out_at: None,
        })
    }

    /// Tells when less was granted than was asked for, or than there was before (RFC 6749 §3.3, §6 allow it): programs
    /// that need the rest will be refused, and people should hear it from us first.
    fn tell_narrower_scope(&self, granted: Option<&str>, wanted: Option<&str>) {
        let (Some(granted), Some(wanted)) = (granted, wanted) else { return };
        let has = |name: &&str| granted.split(' ').any(|granted| granted == *name);
        // These two say what comes with the token, not what it is good for; many servers do not repeat them.
        let matters = |name: &&str| !matches!(*name, "" | "openid" | "offline_access");
        let gone: Vec<_> = wanted.split(' ').filter(|name| matters(name) && !has(name)).collect();
        if !gone.is_empty() {
            let gone = text::foreign(&gone.join(" "));
            warn!(account = %self.account, kind = "scope_narrowed", "The provider does not grant the scope `{gone}`");
        }
    }
}
