//! What may happen to a session: drawn at random for [`super::properties`].

use jiff::SignedDuration;
use proptest::prelude::*;

use crate::disposition::Failure;
use crate::limits::Limits;
use crate::reason::VaultProblem;
use crate::session::samples;
use crate::session::{Effect, EffectId, Input};

/// What happens next.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "a test has eighty of them at most")]
pub(super) enum Move {
    Tell(Input),
    /// A resource server refuses the access token in hand.
    Reject,
    /// Time goes on.
    Wait(u16),
    /// Someone sets the wall clock.
    SetClock(i16),
    /// Time goes on to the deadline.
    Deadline,
    /// The awaited answer comes.
    Answer(Outcome),
    /// An answer comes that nobody waits for: to an effect of long ago, or to none at all.
    Late(u64, Outcome),
}

/// How whatever was asked for ends; what it means depends on what was asked for.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) kind: u8,
    pub(super) lifetime: i64,
    pub(super) renewable: bool,
    pub(super) ceiling: Option<i64>,
    pub(super) newer: u64,
    pub(super) sealed: bool,
    pub(super) failure: Failure,
    pub(super) problem: VaultProblem,
}

pub(super) fn moves() -> impl Strategy<Value = Move> {
    prop_oneof![
        2 => requests().prop_map(Move::Tell),
        1 => Just(Move::Reject),
        1 => (0_u16..600).prop_map(Move::Wait),
        1 => (-7200_i16..7200).prop_map(Move::SetClock),
        3 => Just(Move::Deadline),
        5 => outcomes().prop_map(Move::Answer),
        1 => (0_u64..40, outcomes()).prop_map(|(id, outcome)| Move::Late(id, outcome)),
    ]
}

fn requests() -> impl Strategy<Value = Input> {
    let asker = prop::sample::select(samples::ASKERS.to_vec());
    prop_oneof![
        3 => Just(Input::SignInRequested),
        1 => Just(Input::SignInCancelled),
        1 => Just(Input::SignOutRequested),
        2 => Just(Input::ReloadRequested),
        2 => Just(Input::TimePassed),
        2 => Just(Input::Used),
        2 => Just(Input::NetworkChanged),
        1 => Just(Input::TokenRejected(samples::access_fingerprint(99_999))),
        3 => asker.prop_map(Input::RenewRequested),
    ]
}

/// What an account allows: mostly nothing is limited.
pub(super) fn limits() -> impl Strategy<Value = Limits> {
    let secs =
        |secs: std::ops::Range<i64>| prop::option::weighted(0.5, secs.prop_map(SignedDuration::from_secs));
    let some = (secs(1..6000), any::<bool>(), secs(1..2000), secs(1..3000));
    let some = some.prop_map(|(max_age, rolling, update_age, idle_timeout)| Limits {
        max_age,
        rolling,
        update_age,
        idle_timeout,
        sensitivity: None,
    });
    prop_oneof![1 => Just(Limits::default()), 1 => some]
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    let failure = prop::sample::select(vec![
        samples::offline(),
        Failure::NoReply,
        samples::refused(),
        samples::misconfigured(),
        samples::bare(401, None),
        samples::bare(503, None),
        samples::bare(429, Some(90)),
    ]);
    let problem = prop::sample::select(vec![VaultProblem::Locked, VaultProblem::Slow, VaultProblem::Damaged]);
    let lifetime = prop_oneof![Just(0_i64), -30_i64..0, 1_i64..4000];
    let ceiling = prop::option::weighted(0.3, 0_i64..4000);
    let flags = (prop::bool::weighted(0.85), prop::bool::weighted(0.1));
    (0_u8..12, lifetime, flags, ceiling, 0_u64..3, failure, problem).prop_map(
        |(kind, lifetime, (renewable, sealed), ceiling, newer, failure, problem)| Outcome {
            kind,
            lifetime,
            renewable,
            ceiling,
            newer,
            sealed,
            failure,
            problem,
        },
    )
}

/// A request-like effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Load,
    Authenticate,
    Renew,
    Save,
    Probe,
    Seal,
    Wipe,
    Expire,
    Revoke,
}

pub(super) fn asked(effect: &Effect) -> Option<(EffectId, Asked)> {
    match effect {
        Effect::Load(id) => Some((*id, Asked::Load)),
        Effect::Authenticate(id) => Some((*id, Asked::Authenticate)),
        Effect::Renew { id, .. } => Some((*id, Asked::Renew)),
        Effect::Save(id) => Some((*id, Asked::Save)),
        Effect::Probe { id, .. } => Some((*id, Asked::Probe)),
        Effect::Seal { id, .. } => Some((*id, Asked::Seal)),
        Effect::Wipe { id, .. } => Some((*id, Asked::Wipe)),
        Effect::Expire(id) => Some((*id, Asked::Expire)),
        Effect::Revoke { id, .. } => Some((*id, Asked::Revoke)),
        Effect::AbandonSignIn
        | Effect::Publish { .. }
        | Effect::Forget
        | Effect::Mark(_)
        | Effect::Notify(_)
        | Effect::Record(_) => None,
    }
}
