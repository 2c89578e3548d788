//! When to renew, and how long to wait after a failure.

use jiff::SignedDuration;

use crate::limits::Limits;
use crate::time::{Jitter, Now, Stamp};
use crate::token_set::{Source, TokenFacts};

/// The widest margin that is chosen by itself.
pub const MAX_MARGIN: SignedDuration = SignedDuration::from_secs(3600);

/// How far apart renewals of tokens stay that arrive already expired.
pub const EXPIRED_ON_ARRIVAL: SignedDuration = SignedDuration::from_secs(60);

/// The longest wait between two tries when it is felt: shortly after the expiry, and at what stands in the way on this
/// machine.
pub const MAX_BACKOFF: SignedDuration = SignedDuration::from_secs(30);

/// The longest wait between two tries while the access token lives for long yet.
pub const MAX_BACKOFF_ALIVE: SignedDuration = SignedDuration::from_secs(300);

/// The longest wait between two tries after hours of outage.
pub const MAX_BACKOFF_EXPIRED: SignedDuration = SignedDuration::from_secs(20 * 60);

/// The shortest time after which a program's request cuts a wait short.
pub const PROGRAM_PAUSE: SignedDuration = SignedDuration::from_secs(30);

/// How long after a wake or a change the network is in doubt, and a renewal waits until the host answers.
pub const DOUBT_NETWORK_FOR: SignedDuration = SignedDuration::from_secs(180);

/// For how long after that the sign-in page of a Wi-Fi is asked again soon: a person has to find it and fill it in.
pub const SIGN_IN_PAGE_FOR: SignedDuration = SignedDuration::from_secs(600);

/// The longest wait before asking again whether the token host answers, and the wait after something else answered in
/// its place on a network that was just joined.
pub const PROBE_PAUSE: SignedDuration = SignedDuration::from_secs(3);

/// The least that a network is given between two looks at it: what people take for at once.
pub const WAKE_PAUSE: SignedDuration = SignedDuration::from_millis(100);

/// How long after a wake or a change the network is looked at for the first time.
pub const FIRST_LOOK: SignedDuration = SignedDuration::from_millis(20);

/// Over how long accounts that wake together spread their first look at the network.
pub const WAKE_SPREAD: SignedDuration = SignedDuration::from_millis(60);

/// From what difference to the provider's clock on ours counts as wrong.
pub const CLOCK_OFF: SignedDuration = SignedDuration::from_secs(300);

/// From what jump on our clock was set, and did not only drift.
pub const CLOCK_SET: SignedDuration = SignedDuration::from_secs(60);

/// For how long after a sign-out it is tried to tell the provider.
pub const REVOKE_WITHIN: SignedDuration = SignedDuration::from_secs(24 * 3600);

/// How long another process that signed out has to tell the provider before it is done in its place: as long as a request
/// may take, twice.
pub const REVOKE_TURN: SignedDuration = SignedDuration::from_secs(60);

/// How long after it was sent a refresh may be repeated whose reply was lost, where nobody has measured the provider's
/// grace window: servers that have one answer as before, and 10 s is the shortest that is common.
pub const REPEAT_WITHIN: SignedDuration = SignedDuration::from_secs(10);

/// For how long an access token is served of which nobody says when it ends, and which nothing renews: longer than
/// anybody plans for, so that no guess ends the session.
pub const WITHOUT_END: SignedDuration = SignedDuration::from_hours(10 * 365 * 24);

/// The longest `Retry-After` that is believed.
pub const MAX_RETRY_AFTER: SignedDuration = SignedDuration::from_secs(3600);

/// How many renewals in a row may buy less than half of what they promised before the storm breaker stops.
pub const STORM: u32 = 6;

/// How long the storm breaker waits before it lets one renewal through.
pub const STORM_PAUSE: SignedDuration = SignedDuration::from_secs(15 * 60);

/// How many answers without a readable verdict are waited out before the refresh token is quarantined.
pub const UNCLEAR_ANSWERS: u32 = 4;

/// The first of those waits, where every second counts.
pub const UNCLEAR_PAUSE: SignedDuration = SignedDuration::from_secs(2);

/// The first of those waits at most, while the access token lives for long yet.
pub const UNCLEAR_PAUSE_ALIVE: SignedDuration = SignedDuration::from_secs(20);

/// How much longer each of those waits is than the one before.
const UNCLEAR_GROWS: i32 = 4;

/// The lifetime of an access token that can be renewed and of which nobody says when it ends.
pub const ASSUMED_LIFETIME: SignedDuration = SignedDuration::from_mins(5);

/// What an account asks of its renewals.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// How long before expiry to renew; a fifth of the lifetime, at most an hour, if not set.
    pub renew_before: Option<SignedDuration>,
    /// The lifetime of an access token of which nobody says when it ends, where the account says one.
    pub assumed_lifetime: Option<SignedDuration>,
    /// How long a session may last here, whatever the provider allows.
    pub limits: Limits,
    /// How long the provider takes a refresh token that it has replaced (RFC 9700 §4.14.2), as it was measured; zero
    /// for not at all.
    pub grace_window: Option<SignedDuration>,
}

impl Policy {
    /// How long after it was sent a refresh may be repeated whose reply was lost. Where a provider takes no replaced
    /// token at all, time does not matter: the repeat is right only if the first request never arrived.
    pub fn repeat_within(&self) -> SignedDuration {
        self.grace_window.filter(SignedDuration::is_positive).unwrap_or(REPEAT_WITHIN)
    }

    /// How long an access token lives of which nobody says when it ends (RFC 6749 §5.1 only recommends `expires_in`).
    ///
    /// One that can be renewed is renewed early rather than late. Where nothing renews it, some servers issue tokens
    /// that live until somebody revokes them, and a guess would end their sessions for nothing: there only what the
    /// account itself says counts.
    pub fn lifetime_untold(&self, renewable: bool) -> SignedDuration {
        self.assumed_lifetime.unwrap_or(if renewable { ASSUMED_LIFETIME } else { WITHOUT_END })
    }
}

/// When a token set is to be renewed, and why then.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// When.
    pub due: Stamp,
    /// From when on renewing makes sense: the start of the margin.
    pub margin_from: Stamp,
    /// How long before expiry that is, without jitter.
    pub margin: SignedDuration,
    /// How much earlier than the margin it is, so that a fleet does not renew in one second.
    pub jitter: SignedDuration,
    /// What the margin follows from.
    pub basis: Basis,
}

/// What the margin of a plan follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// A fifth of the lifetime.
    FifthOfLifetime,
    /// An hour: a fifth of the lifetime would be more.
    AnHour,
    /// The account's `renew_before`.
    RenewBefore,
    /// Half of the lifetime: the account's `renew_before` would be more.
    HalfOfLifetime,
    /// The token arrived expired.
    ExpiredOnArrival,
    /// The session's ceiling, which the last renewal did not move.
    Ceiling,
    /// A renewal that was sent and never answered.
    Unanswered,
}

impl Policy {
    /// Plans the renewal of a token set that is in hand at `now`.
    ///
    /// `margin = min(lifetime / 5, 1 h)` or `renew_before`, never more than half of the lifetime;
    /// `due = expiry - margin - jitter` with `jitter` in `[0, margin / 4)`. Never in the past, never after expiry (unless the
    /// token arrived expired), never in the first half of the lifetime.
    ///
    /// Where the access token reaches the session's ceiling and the renewal from `previous` did not move that
    /// ceiling, renewing early buys nothing: it is tried at the ceiling, and the provider's answer decides. A renewal
    /// before its time tells nothing of that: sites move the ceiling only so often (`updateAge`).
    pub fn plan(&self, facts: &TokenFacts, previous: Option<&TokenFacts>, now: Now) -> Plan {
        let lifetime = facts.lifetime();
        if lifetime <= SignedDuration::ZERO {
            let due = facts.received.plus(EXPIRED_ON_ARRIVAL).later(now.stamp, now.stamp);
            let zero = SignedDuration::ZERO;
            return Plan {
                due,
                margin_from: due,
                margin: zero,
                jitter: zero,
                basis: Basis::ExpiredOnArrival,
            };
        }
        let static_end = |previous: &TokenFacts| {
            clipped(facts) && self.was_due(previous, facts.received) && !ceiling_moved(previous, facts)
        };
        if previous.is_some_and(static_end) {
            let (due, zero) = (facts.access.expires.later(now.stamp, now.stamp), SignedDuration::ZERO);
            return Plan { due, margin_from: due, margin: zero, jitter: zero, basis: Basis::Ceiling };
        }
        let (margin, basis) = self.margin(lifetime);
        let jitter = now.jitter.of((margin / 4).min(lifetime / 2 - margin));
        let expiry = facts.access.expires;
        let due = expiry.plus(-(margin + jitter)).later(now.stamp, now.stamp);
        Plan { due, margin_from: expiry.plus(-margin), margin, jitter, basis }
    }

    /// How long before its expiry a token of this lifetime is renewed, without jitter.
    fn margin(&self, lifetime: SignedDuration) -> (SignedDuration, Basis) {
        let (half, fifth) = (lifetime / 2, lifetime / 5);
        match self.renew_before {
            Some(asked) if asked > half => (half, Basis::HalfOfLifetime),
            Some(asked) => (asked.max(SignedDuration::ZERO), Basis::RenewBefore),
            None if fifth > MAX_MARGIN => (MAX_MARGIN, Basis::AnHour),
            None => (fifth, Basis::FifthOfLifetime),
        }
    }

    /// Whether these tokens were due for renewal at this moment.
    fn was_due(&self, facts: &TokenFacts, at: Stamp) -> bool {
        let (margin, _) = self.margin(facts.lifetime().max(SignedDuration::ZERO));
        facts.access.expires.left(at) <= margin + margin / 4
    }
}

/// Ends less than this apart are the same end: servers count in whole seconds.
const SAME_END: SignedDuration = SignedDuration::from_secs(2);

/// Whether the access token lives as long as the session does: no renewal can buy more.
pub(crate) fn clipped(facts: &TokenFacts) -> bool {
    facts.session.is_some_and(|session| session.expires.left(facts.access.expires) < SAME_END)
}

fn ceiling_moved(previous: &TokenFacts, facts: &TokenFacts) -> bool {
    match (previous.session, facts.session) {
        (Some(before), Some(after)) => after.expires.wall.duration_since(before.expires.wall) >= SAME_END,
        (None, _) | (_, None) => true,
    }
}

impl Plan {
    /// Why the renewal is due then, in a sentence without subject ("a fifth of the lifetime before expiry").
    pub fn why(&self, facts: &TokenFacts) -> String {
        let mut why = match self.basis {
            Basis::FifthOfLifetime => "a fifth of the lifetime before expiry".to_owned(),
            Basis::AnHour => "an hour before expiry".to_owned(),
            Basis::RenewBefore => format!("{} before expiry, as the account asks", in_words(self.margin)),
            Basis::HalfOfLifetime => {
                "half of the lifetime before expiry; renew_before asks for more than that".to_owned()
            }
            Basis::Ceiling => {
                return "the session ends then, and the last renewal did not move that end".to_owned();
            }
            Basis::Unanswered => {
                return "a renewal was sent and its reply never arrived, so it is asked for once more"
                    .to_owned();
            }
            Basis::ExpiredOnArrival => {
                return "the token arrived already expired; the clock here or at the server may be wrong"
                    .to_owned();
            }
        };
        if self.jitter >= SignedDuration::from_secs(1) {
            why = format!("{why}, {} of jitter", in_words(self.jitter));
        }
        if facts.access.source == Source::Assumed {
            why.push_str("; the server does not say how long the token lives, so that is assumed");
        }
        why
    }
}

/// The longest wait between two tries when the access token lives for `left` (negative once it has expired) and tries
/// have failed for `failing`.
///
/// While the token lives, an eighth of what is left. Then each minute counts: a tenth of the time that people have had
/// to wait, so that an outage is not made much longer, and a day of it stays below 200 requests
/// (docs/decisions/0012). A token that ended while nobody tried, with the lid closed, is as fresh a loss as any.
pub fn longest_backoff(left: SignedDuration, failing: SignedDuration) -> SignedDuration {
    if left.is_positive() {
        (left / 8).clamp(MAX_BACKOFF, MAX_BACKOFF_ALIVE)
    } else {
        (left.abs().min(failing) / 10).clamp(MAX_BACKOFF, MAX_BACKOFF_EXPIRED)
    }
}

/// How long to wait before looking again at a network that has been in doubt for so long.
///
/// A thirty-second of that: people open the lid and wait, and a network is there after seconds. A look that finds none
/// costs nobody anything.
pub fn probe_pause(doubted: SignedDuration) -> SignedDuration {
    (doubted / 32).clamp(WAKE_PAUSE, PROBE_PAUSE)
}

/// How long to wait before the next try after `failures` failures in a row (at least one).
///
/// One second, doubled with each failure, up to `longest`; equal jitter: half of it fixed, half drawn.
pub fn backoff(failures: u32, longest: SignedDuration, jitter: Jitter) -> SignedDuration {
    let doubled = 1_i64.checked_shl(failures.saturating_sub(1).min(30)).unwrap_or(i64::MAX);
    half_drawn(SignedDuration::from_secs(doubled).min(longest), jitter)
}

/// How long to wait after so many answers in a row (at least one) that refuse without a verdict that can be read, when
/// the access token lives for `left`.
///
/// Whoever answers like that may be a backend that is being brought up, or stand in its place for a while, and the last of
/// these answers ends a session. So one is asked again soon, since it may be the only one, and all of them together take
/// minutes: a quarter of what is left where that is more (docs/decisions/0044).
pub fn unclear_pause(answers: u32, left: SignedDuration, jitter: Jitter) -> SignedDuration {
    let places = answers.clamp(1, UNCLEAR_ANSWERS) - 1;
    let all: i32 = (0..UNCLEAR_ANSWERS).map(|place| UNCLEAR_GROWS.pow(place)).sum();
    let first = (left / (4 * all)).clamp(UNCLEAR_PAUSE, UNCLEAR_PAUSE_ALIVE);
    half_drawn(first * UNCLEAR_GROWS.pow(places), jitter)
}

/// Equal jitter: half of it fixed, half drawn.
fn half_drawn(whole: SignedDuration, jitter: Jitter) -> SignedDuration {
    whole / 2 + jitter.of(whole / 2)
}

/// How long to wait before the next try to store tokens that are in hand: 0.2 s, doubled up to 30 s.
pub fn save_backoff(failures: u32) -> SignedDuration {
    let doubled = 200_i64.checked_shl(failures.saturating_sub(1).min(20)).unwrap_or(i64::MAX);
    SignedDuration::from_millis(doubled).min(SignedDuration::from_secs(30))
}

/// A duration in words: its largest unit, and the next if it says something ("1 h 5 min", "12 s", "300 ms").
pub fn in_words(duration: SignedDuration) -> String {
    let millis = duration.as_millis().max(0);
    let (secs, mins) = (millis / 1000, millis / 60_000);
    let two = |big: i128, unit: &str, small: i128, part: &str| {
        if small == 0 { format!("{big} {unit}") } else { format!("{big} {unit} {small} {part}") }
    };
    match millis {
        0..1_000 => format!("{millis} ms"),
        1_000..60_000 => format!("{secs} s"),
        60_000..3_600_000 => two(mins, "min", secs % 60, "s"),
        3_600_000..86_400_000 => two(mins / 60, "h", mins % 60, "min"),
        _ => two(mins / 1440, "d", mins / 60 % 24, "h"),
    }
}

#[cfg(test)]
mod tests;
