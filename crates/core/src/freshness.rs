//! How fresh a token is: computed at each use, never stored.

use jiff::SignedDuration;

use crate::time::Stamp;
use crate::token_set::TokenFacts;

/// How long a token must stay valid, and whether what was asked had to be cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MinValid {
    /// What counts.
    pub required: SignedDuration,
    /// Whether more was asked for than half of the token's lifetime.
    pub capped: bool,
}

/// What `--min-valid` comes to for this token: never more than half of its lifetime, or a short-lived token
/// would be renewed at every call.
pub fn min_valid(facts: &TokenFacts, asked: SignedDuration) -> MinValid {
    let asked = asked.max(SignedDuration::ZERO);
    let half = facts.lifetime().max(SignedDuration::ZERO) / 2;
    // Servers count in whole seconds and replies take their time: half of "60 s" may be 29.9 s.
    MinValid { required: asked.min(half), capped: asked - half > SignedDuration::from_secs(1) }
}

/// How long the access token may still be used: zero once it has expired. A token that expires now has.
pub fn left(facts: &TokenFacts, now: Stamp) -> SignedDuration {
    facts.access.expires.left(now).max(SignedDuration::ZERO)
}

/// Whether the access token may be handed to someone who needs it for `required`.
pub fn covers(facts: &TokenFacts, required: SignedDuration, now: Stamp) -> bool {
    let left = left(facts, now);
    left > SignedDuration::ZERO && left >= required
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::samples;
    use proptest::prelude::*;

    #[test]
    fn a_token_that_expires_now_has_expired() {
        let facts = samples::facts(1, 60);
        assert!(covers(&facts, SignedDuration::ZERO, samples::at(59)));
        assert!(!covers(&facts, SignedDuration::ZERO, samples::at(60)));
    }

    #[test]
    fn asking_for_more_than_half_of_the_lifetime_is_cut_and_told() {
        let facts = samples::facts(1, 60);
        let asked = min_valid(&facts, SignedDuration::from_secs(300));
        assert_eq!((asked.required.as_secs(), asked.capped), (30, true));
        let asked = min_valid(&facts, SignedDuration::from_secs(30));
        assert_eq!((asked.required.as_secs(), asked.capped), (30, false));
    }

    #[test]
    fn a_second_more_than_half_is_what_servers_round_away() {
        let facts = samples::facts(1, 60);
        let capped = |millis| min_valid(&facts, SignedDuration::from_millis(millis)).capped;
        assert_eq!((capped(31_000), capped(31_001)), (false, true));
    }

    proptest! {
        #[test]
        fn an_expired_token_never_covers_anything(lifetime in -100_i64..10_000, after in 0_i64..10_000, asked: i32) {
            let facts = samples::facts(1, lifetime);
            let asked = min_valid(&facts, SignedDuration::from_secs(asked.into()));
            prop_assert!(!covers(&facts, asked.required, samples::at(lifetime.max(0) + after)));
        }
    }
}
