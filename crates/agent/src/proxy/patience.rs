//! When a refusal by the upstream is a reason to renew: not each time, or an endpoint that always says no would renew
//! for ever, which backends answer by ending the session.

use jiff::SignedDuration;

/// How long it is renewed at most once, after it has not helped.
const FIRST: SignedDuration = SignedDuration::from_secs(30);
const LONGEST: SignedDuration = SignedDuration::from_hours(1);

/// What is remembered of renewals that a refusal led to.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Patience {
    /// Until when nothing is renewed for a refusal, on the boot-time clock.
    until: Option<SignedDuration>,
    /// For how long that was.
    pause: SignedDuration,
}

impl Patience {
    /// Whether a refusal may lead to a renewal now.
    pub(super) fn allows(&self, now: SignedDuration) -> bool {
        self.until.is_none_or(|until| now >= until)
    }

    /// The renewed token was taken.
    pub(super) fn helped(&mut self) {
        *self = Self::default();
    }

    /// The renewed token was refused as well: it is not the token, or renewing does not mend it. Requests that were under
    /// way together share a renewal, and what came of it counts once.
    pub(super) fn did_not_help(&mut self, now: SignedDuration) {
        if !self.allows(now) {
            return;
        }
        self.pause = self.pause.saturating_mul(2).clamp(FIRST, LONGEST);
        self.until = Some(now.saturating_add(self.pause));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_always_refuses_is_renewed_for_less_and_less_often() {
        let mut patience = Patience::default();
        let (mut now, mut renewals) = (SignedDuration::ZERO, 0);
        // A day of a program that asks each second and is refused each time.
        for _ in 0..24 * 60 * 60 {
            if patience.allows(now) {
                renewals += 1;
                patience.did_not_help(now);
            }
            now += SignedDuration::from_secs(1);
        }
        assert!(renewals < 35, "{renewals}");
        patience.helped();
        assert!(patience.allows(now));
    }

    #[test]
    fn requests_that_were_refused_together_count_as_one() {
        let (mut patience, now) = (Patience::default(), SignedDuration::from_secs(7));
        // A page that asks for ten things at once shares one renewal.
        for _ in 0..10 {
            patience.did_not_help(now);
        }
        assert!(!patience.allows(now) && patience.allows(now + FIRST));
    }
}
