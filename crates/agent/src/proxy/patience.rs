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

    /// The renewed token was refused as well: it is not the token, or renewing does not mend it.
    pub(super) fn did_not_help(&mut self, now: SignedDuration) {
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
}
