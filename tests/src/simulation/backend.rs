//! A backend that rotates refresh tokens and detects their reuse (RFC 9700 §4.14.2), and that knows what no client
//! can know: whether a reply arrived.

use super::seed::Draw;
use super::{DAY, HOUR, MINUTE, Millis, SECOND};

/// How a backend is set up.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// How long an access token lives.
    pub access: Millis,
    /// How long a refresh token lives unused.
    pub idle: Millis,
    /// When a session ends whatever is renewed, counted from its sign-in.
    pub ceiling: Option<Millis>,
    /// How long a refresh token that was just consumed gets the answer it got before.
    pub grace: Millis,
}

impl Rules {
    /// Those of the backend in the world of this seed.
    pub fn drawn(seed: u64) -> Self {
        let mut draw = Draw::new(seed, 5);
        Self {
            access: draw.one_of(&[5 * MINUTE, HOUR]),
            idle: 30 * DAY,
            ceiling: draw.one_of(&[None, None, Some(12 * DAY)]),
            grace: draw.one_of(&[0, 10 * SECOND, 30 * SECOND]),
        }
    }
}

/// What a sign-in or a refresh brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The refresh token; the higher half is its family.
    pub refresh: u64,
    /// When it was issued.
    pub issued: Millis,
    /// When the access token expires.
    pub expires: Millis,
    /// When the session ends, if that is fixed.
    pub ceiling: Option<Millis>,
}

/// Why a refresh token was truly refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// Nobody had used it for too long.
    Idle,
    /// The session had reached its ceiling.
    Ceiling,
    /// It had been consumed, and the reply with its successor never arrived: no client can do anything about it.
    LostReply,
    /// It had been consumed, and whoever sent it had been given its successor.
    Reused,
    /// Nobody ever got it.
    Unknown,
}

/// The backend.
#[derive(Clone, Debug)]
pub struct Backend {
    rules: Rules,
    families: Vec<Family>,
}

#[derive(Clone, Debug)]
struct Family {
    began: Millis,
    live: Grant,
    /// What was consumed last, and when.
    consumed: Option<(u64, Millis)>,
    /// Whether the reply that carried the live token arrived.
    delivered: bool,
    ended: Option<Refusal>,
}

impl Backend {
    /// A backend nobody has signed in to.
    pub fn new(rules: Rules) -> Self {
        Self { rules, families: Vec::new() }
    }

    /// A person signs in, and the reply arrives.
    pub fn sign_in(&mut self, now: Millis) -> Grant {
        let refresh = (self.families.len() as u64) << 32;
        let live = self.grant(refresh, now, now);
        self.families.push(Family { began: now, live, consumed: None, delivered: true, ended: None });
        live
    }

    /// A refresh token is presented; `arrives` tells whether the reply will reach whoever presented it.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn refresh(&mut self, presented: u64, now: Millis, arrives: bool) -> Result<Grant, Refusal> {
        let (rules, place) = (self.rules, usize::try_from(presented >> 32).unwrap_or(usize::MAX));
        let Some(family) = self.families.get_mut(place) else { return Err(Refusal::Unknown) };
        if let Some(why) = family.ended {
            return Err(why);
        }
        if rules.ceiling.is_some_and(|ceiling| now >= family.began + ceiling) {
            return Err(Refusal::Ceiling);
        }
        if presented != family.live.refresh {
            let within = |at: Millis| now < at + rules.grace;
            if family.consumed.is_some_and(|(token, at)| token == presented && within(at)) {
                family.delivered |= arrives;
                return Ok(family.live);
            }
            let why = if family.delivered { Refusal::Reused } else { Refusal::LostReply };
            family.ended = Some(why);
            return Err(why);
        }
        if now >= family.live.issued + rules.idle {
            return Err(Refusal::Idle);
        }
        let began = family.began;
        let live = self.grant(presented + 1, began, now);
        let family = &mut self.families[place];
        family.consumed = Some((presented, now));
        family.delivered = arrives;
        family.live = live;
        Ok(live)
    }

    /// The reply that carried this token arrived, and the token is kept.
    pub fn delivered(&mut self, token: u64) {
        let place = usize::try_from(token >> 32).unwrap_or(usize::MAX);
        if let Some(family) = self.families.get_mut(place).filter(|family| family.live.refresh == token) {
            family.delivered = true;
        }
    }

    /// The refresh token that is live in the family of this one, and the one before it while no reply with its
    /// successor has arrived.
    pub fn spendable(&self, token: u64) -> (u64, Option<u64>) {
        let family = &self.families[usize::try_from(token >> 32).unwrap_or_default()];
        (family.live.refresh, family.consumed.map(|(token, _)| token))
    }

    fn grant(&self, refresh: u64, began: Millis, now: Millis) -> Grant {
        let ceiling = self.rules.ceiling.map(|ceiling| began + ceiling);
        let expires = now + self.rules.access;
        Grant { refresh, issued: now, expires: ceiling.map_or(expires, |end| end.min(expires)), ceiling }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn backend(grace: Millis) -> Backend {
        Backend::new(Rules { access: HOUR, idle: 30 * DAY, ceiling: Some(90 * DAY), grace })
    }

    #[test]
    fn a_consumed_token_is_answered_again_inside_the_grace_window_only() {
        let mut backend = backend(30 * SECOND);
        let first = backend.sign_in(0).refresh;
        let second = backend.refresh(first, MINUTE, false).unwrap();
        assert_eq!(backend.refresh(first, MINUTE + 29 * SECOND, true), Ok(second));
        assert_eq!(backend.refresh(first, MINUTE + 30 * SECOND, true), Err(Refusal::Reused));
        assert_eq!(
            backend.refresh(second.refresh, 2 * MINUTE, true),
            Err(Refusal::Reused),
            "the family is gone"
        );
    }

    #[test]
    fn a_strict_backend_knows_whether_the_client_could_have_known() {
        for (arrives, why) in [(true, Refusal::Reused), (false, Refusal::LostReply)] {
            let mut backend = backend(0);
            let first = backend.sign_in(0).refresh;
            backend.refresh(first, MINUTE, arrives).unwrap();
            assert_eq!(backend.refresh(first, MINUTE, true), Err(why));
        }
    }

    #[test]
    fn a_session_ends_when_nobody_uses_it_and_at_its_ceiling() {
        let mut idle = backend(0);
        let first = idle.sign_in(0).refresh;
        assert_eq!(idle.refresh(first, 30 * DAY, true), Err(Refusal::Idle));
        let mut used = backend(0);
        let mut token = used.sign_in(0).refresh;
        for month in 1..=4 {
            token = used.refresh(token, month * 22 * DAY, true).unwrap().refresh;
        }
        assert_eq!(used.refresh(token, 90 * DAY, true), Err(Refusal::Ceiling));
    }
}
