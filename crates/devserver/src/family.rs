//! The rules of rotation, as a pure data structure: no HTTP, no clock, no randomness, no token in clear.
//!
//! All refresh tokens that descend from one login form a *family* (RFC 9700 §4.14.2).
//!
//! Invariants:
//! 1. A family has at most one live refresh token, and none once it ended.
//! 2. No expiry is later than the ceiling set at the login.
//! 3. A family that ended never issues again.

mod authorization;

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Reuse, Rules, clock::later, token::TokenHash};

pub(crate) use authorization::{Authorization, Scope};

/// An ended family is kept for a day, so that its tokens are told "revoked" and not "unknown".
const KEEP_ENDED: Duration = Duration::from_hours(24);

/// Families kept: each request looks through them, and all are written down each time. A person never comes near this; a
/// program that signs in again and again does within hours.
const MOST: usize = 2000;

/// Consumed tokens remembered per family. Older ones are refused all the same, but as unknown.
const REMEMBER: usize = 1000;

/// The settings the rules depend on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetimes {
    pub(crate) access: Duration,
    pub(crate) refresh: Duration,
    pub(crate) session: Duration,
    pub(crate) grace: Duration,
    pub(crate) rules: Rules,
}

/// Why a family ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ended {
    /// A consumed refresh token was presented: someone has a copy.
    Reused,
    /// The user signed out.
    SignedOut,
    /// Someone with the right to do so revoked it.
    Revoked,
    /// The authorization code it came from was presented again: someone has a copy.
    CodeReplayed,
}

/// Whose a new family is, and what for.
pub(crate) struct Beginning {
    pub(crate) username: String,
    /// The first refresh token. None where the client did not ask for one (no `offline_access`).
    pub(crate) first: Option<TokenHash>,
    /// None at the REST login.
    pub(crate) authorization: Option<Authorization>,
}

/// All that descends from one login.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Family {
    /// Whose session is this?
    pub(crate) username: String,
    /// When does it end, whatever happens?
    pub(crate) ceiling: Timestamp,
    /// What was it authorized for? None for a family of the REST login.
    #[serde(default)]
    pub(crate) authorization: Option<Authorization>,
    /// Which token is live?
    live: Option<TokenHash>,
    /// When does the live token expire?
    expires_at: Timestamp,
    /// Which tokens were live before, and what came of them?
    consumed: BTreeMap<TokenHash, Consumed>,
    /// Why did it end early?
    ended: Option<Ended>,
    /// How often was it refreshed?
    #[serde(default)]
    refreshes: u64,
    /// Up to which of its refreshes are access tokens taken no more, because somebody let them expire?
    #[serde(default)]
    expired: Option<u64>,
    /// Which of its access tokens were revoked (by `jti`), and when do they expire anyway? Epoch seconds.
    #[serde(default)]
    revoked_access: BTreeMap<String, i64>,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Consumed {
    at: Timestamp,
    successor: TokenHash,
}

/// What a successful login or rotation entitles the user to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) family: String,
    pub(crate) username: String,
    pub(crate) access_expires_at: Timestamp,
    /// Says nothing where the family has no refresh token.
    pub(crate) refresh_expires_at: Timestamp,
    pub(crate) ceiling: Timestamp,
    /// How often the family was refreshed before these tokens.
    pub(crate) refreshes: u64,
}

/// What became of a presented refresh token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Rotation {
    /// It was live; now its successor is.
    Rotated(Grant),
    /// It was consumed a moment ago, inside the grace window: the answer is the one from then.
    Replay {
        family: String,
    },
    /// It was consumed before. The family is revoked from now on.
    Reused {
        family: String,
    },
    /// It was consumed before, and the rules do not mind more than that.
    Refused {
        family: String,
    },
    /// Its family had ended already.
    Ended {
        family: String,
        why: Ended,
    },
    /// Nobody used it in time.
    Expired {
        family: String,
    },
    /// The session's ceiling is reached.
    CeilingReached {
        family: String,
    },
    Unknown,
}

/// Every family the server knows.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Families {
    families: BTreeMap<String, Family>,
}

impl Families {
    /// A login: a new family `id`.
    pub(crate) fn begin(
        &mut self,
        id: String,
        beginning: Beginning,
        lifetimes: Lifetimes,
        now: Timestamp,
    ) -> Grant {
        self.families.retain(|_, family| later(family.ceiling, KEEP_ENDED) > now);
        if self.families.len() >= MOST {
            // Those that are over go first, then those that nobody has refreshed.
            let worth = |family: &Family| {
                let goes_on = family.ended.is_none() && now < family.expires_at;
                (goes_on, family.refreshes > 0, family.expires_at)
            };
            let least =
                self.families.iter().min_by_key(|(_, family)| worth(family)).map(|(id, _)| id.clone());
            least.and_then(|least| self.families.remove(&least));
        }
        let ceiling = later(now, lifetimes.session);
        let family = Family {
            username: beginning.username,
            ceiling,
            authorization: beginning.authorization,
            live: beginning.first,
            expires_at: later(now, lifetimes.refresh).min(ceiling),
            consumed: BTreeMap::new(),
            ended: None,
            refreshes: 0,
            expired: None,
            revoked_access: BTreeMap::new(),
        };
        let grant = family.grant(&id, lifetimes, now);
        self.families.insert(id, family);
        grant
    }

    /// `presented` is exchanged for `successor`, if the rules allow it.
    pub(crate) fn rotate(
        &mut self,
        presented: TokenHash,
        successor: TokenHash,
        lifetimes: Lifetimes,
        now: Timestamp,
    ) -> Rotation {
        let Some((id, family)) = self.find(presented) else { return Rotation::Unknown };
        let id = id.clone();
        if let Some(why) = family.ended {
            return Rotation::Ended { family: id, why };
        }
        if now >= family.ceiling {
            return Rotation::CeilingReached { family: id };
        }
        if let Some(consumed) = family.consumed.get(&presented) {
            // With a grace of zero even the same instant is a reuse, and one before it, where the clock was wrong then.
            if !lifetimes.grace.is_zero() && now < later(consumed.at, lifetimes.grace) {
                return Rotation::Replay { family: id };
            }
            match lifetimes.rules.reuse {
                Reuse::RevokeFamily => {
                    family.ended = Some(Ended::Reused);
                    return Rotation::Reused { family: id };
                }
                Reuse::Refuse => return Rotation::Refused { family: id },
                Reuse::Accept => {}
            }
        }
        if now >= family.expires_at {
            return Rotation::Expired { family: id };
        }
        family.replace(presented, successor, lifetimes, now);
        Rotation::Rotated(family.grant(&id, lifetimes, now))
    }

    /// Answers a `Replay` whose earlier answer is lost, as after a restart: `successor` takes the place of the
    /// token which that answer carried. If that token was used already, the answer did arrive, and whoever asks
    /// again is someone else: a reuse.
    pub(crate) fn reissue(
        &mut self,
        presented: TokenHash,
        successor: TokenHash,
        lifetimes: Lifetimes,
        now: Timestamp,
    ) -> Rotation {
        let Some((id, family)) = self.find(presented) else { return Rotation::Unknown };
        let id = id.clone();
        let lost = family.consumed.get(&presented).map(|consumed| consumed.successor);
        let Some(lost) = lost.filter(|lost| family.live == Some(*lost)) else {
            family.ended = Some(Ended::Reused);
            return Rotation::Reused { family: id };
        };
        family.replace(lost, successor, lifetimes, now);
        // A third request must find the newest answer, not the one that was lost.
        if let Some(consumed) = family.consumed.get_mut(&presented) {
            consumed.successor = successor;
        }
        Rotation::Rotated(family.grant(&id, lifetimes, now))
    }

    /// Ends the family this token belongs to; its id, or `None` for a token nobody knows.
    pub(crate) fn sign_out(&mut self, token: TokenHash) -> Option<String> {
        let (id, family) = self.find(token)?;
        family.ended.get_or_insert(Ended::SignedOut);
        Some(id.clone())
    }

    /// Ends this family, unless it has ended already.
    pub(crate) fn end(&mut self, id: &str, why: Ended) {
        if let Some(family) = self.families.get_mut(id) {
            family.ended.get_or_insert(why);
        }
    }

    /// Signs out of what was granted in this browser session and is not meant to outlive it
    /// (OpenID Connect RP-Initiated Logout; `offline_access` is OpenID Connect Core §11); how many.
    pub(crate) fn end_browser_session(&mut self, browser_session: &str, now: Timestamp) -> usize {
        let mut ended = 0;
        for family in self.families.values_mut() {
            let ends = family.authorization.as_ref().is_some_and(|authorization| {
                authorization.browser_session == browser_session && !authorization.is_offline()
            });
            if ends && family.ended.is_none() && now < family.ceiling {
                family.ended = Some(Ended::SignedOut);
                ended += 1;
            }
        }
        ended
    }

    /// This one access token is no longer taken; the family goes on (RFC 7009 §2.1).
    pub(crate) fn revoke_access_token(
        &mut self,
        id: &str,
        token_id: String,
        expires_at: i64,
        now: Timestamp,
    ) {
        if let Some(family) = self.families.get_mut(id) {
            family.revoked_access.retain(|_, expires_at| *expires_at > now.as_second());
            family.revoked_access.insert(token_id, expires_at);
        }
    }

    /// Ends every family of this user; how many were still going.
    pub(crate) fn revoke(&mut self, username: &str, now: Timestamp) -> usize {
        let mut revoked = 0;
        for family in self.families.values_mut() {
            if family.username == username && family.ended.is_none() && now < family.ceiling {
                family.ended = Some(Ended::Revoked);
                revoked += 1;
            }
        }
        revoked
    }

    /// Lets the access tokens of this user expire now; of how many families.
    pub(crate) fn expire_access(&mut self, username: &str, now: Timestamp) -> usize {
        let of_user = self
            .families
            .values_mut()
            .filter(|family| family.username == username && family.ended.is_none() && now < family.ceiling);
        let expired = of_user.map(|family| family.expired = Some(family.refreshes));
        expired.count()
    }

    /// The token of this user that was used last, in a family that goes on.
    pub(crate) fn used_last(&self, username: &str, now: Timestamp) -> Option<TokenHash> {
        let going = self
            .families
            .values()
            .filter(|family| family.username == username && family.ended.is_none() && now < family.ceiling);
        let used = going.flat_map(|family| family.consumed.iter());
        used.max_by_key(|(_, consumed)| consumed.at).map(|(token, _)| *token)
    }

    /// The family with this id, if it has neither ended nor reached its ceiling.
    pub(crate) fn going(&self, id: &str, now: Timestamp) -> Option<&Family> {
        self.families.get(id).filter(|family| family.ended.is_none() && now < family.ceiling)
    }

    /// The family this token belongs to, live or consumed.
    pub(crate) fn of_token(&self, token: TokenHash) -> Option<(&String, &Family)> {
        self.families.iter().find(|(_, family)| family.holds(token))
    }

    fn find(&mut self, token: TokenHash) -> Option<(&String, &mut Family)> {
        // A person's own machine has a handful of families: no index to keep in step.
        self.families.iter_mut().find(|(_, family)| family.holds(token))
    }
}

impl Family {
    /// Whether somebody let the access tokens expire that were issued after so many refreshes.
    pub(crate) fn has_expired(&self, refreshes: u64) -> bool {
        self.expired.is_some_and(|upto| refreshes <= upto)
    }

    /// Whether an access token that was issued after so many refreshes has been replaced since.
    pub(crate) fn has_replaced(&self, refreshes: u64) -> bool {
        refreshes < self.refreshes
    }

    /// Whether this access token was revoked on its own.
    pub(crate) fn has_revoked(&self, token_id: &str) -> bool {
        self.revoked_access.contains_key(token_id)
    }

    fn holds(&self, token: TokenHash) -> bool {
        self.live == Some(token) || self.consumed.contains_key(&token)
    }

    fn replace(&mut self, old: TokenHash, successor: TokenHash, lifetimes: Lifetimes, now: Timestamp) {
        self.refreshes = self.refreshes.saturating_add(1);
        if lifetimes.rules.rotate {
            // A used token that is taken again has another live one beside it, which is still known.
            for spent in self.live.into_iter().chain([old]) {
                self.consumed.insert(spent, Consumed { at: now, successor });
            }
            self.live = Some(successor);
        }
        if lifetimes.rules.sliding {
            self.expires_at = later(now, lifetimes.refresh).min(self.ceiling);
        }
        while self.consumed.len() > REMEMBER {
            let oldest = self.consumed.iter().min_by_key(|(_, consumed)| consumed.at).map(|(hash, _)| *hash);
            let Some(oldest) = oldest else { break };
            self.consumed.remove(&oldest);
        }
    }

    fn grant(&self, id: &str, lifetimes: Lifetimes, now: Timestamp) -> Grant {
        Grant {
            family: id.to_owned(),
            username: self.username.clone(),
            access_expires_at: later(now, lifetimes.access).min(self.ceiling),
            refresh_expires_at: self.expires_at,
            ceiling: self.ceiling,
            refreshes: self.refreshes,
        }
    }
}

#[cfg(test)]
mod tests;
