//! What a single step of [`super::properties`] must keep.

use proptest::prelude::*;

use crate::session::{Authenticated, Effect, Expired, Input, Loaded, Renewal, Sealed};
use crate::session::{Session, State};

/// A renewed token set is durable before anyone receives it.
pub(super) fn only_durable_tokens_are_published(
    input: &Input,
    before: &Session,
    effects: &[Effect],
) -> Result<(), TestCaseError> {
    let durable = if let Input::Loaded(_, Loaded::Found(facts) | Loaded::Unanswered(facts))
    | Input::Sealed(_, Sealed::Adopted(facts))
    | Input::Expired(_, Expired::Lives(facts))
    | Input::Authenticated(_, Authenticated::Done(facts))
    | Input::Renewed(
        _,
        Renewal::Done { facts, .. } | Renewal::Adopted(facts) | Renewal::Distrusted { facts, .. },
    ) = input
    {
        Some(facts)
    } else if let Input::Saved(_, Ok(())) = input {
        before.unsaved.as_deref()
    } else {
        None
    };
    for effect in effects {
        if let Effect::Publish { generation } = effect {
            let durable = durable.map(|facts| facts.generation);
            prop_assert_eq!(Some(*generation), durable, "published by {:?}", input);
        }
    }
    Ok(())
}

/// Tokens that could be renewed are given up only with a seal, done or owed, unless the vault has it already.
pub(super) fn what_was_refused_is_sealed(
    before: &Session,
    input: &Input,
    after: &Session,
) -> Result<(), TestCaseError> {
    if let Input::Loaded(_, Loaded::Found(facts) | Loaded::Unanswered(facts))
    | Input::Renewed(_, Renewal::Adopted(facts)) = input
        && facts.quarantined.is_some()
    {
        return Ok(());
    }
    let ended = matches!(after.state(), State::NeedsSignIn { .. });
    let renewable = before.held().is_some_and(|held| held.facts.renewable());
    // After a sign-out elsewhere generations begin anew: what was received later is another's, and took the place of these.
    let same = before.held().zip(after.held()).is_some_and(|(before, after)| {
        let later = after.facts.received.boot > before.facts.received.boot;
        after.facts.generation == before.facts.generation && !later
    });
    if ended && renewable && same {
        prop_assert!(after.owed.is_some(), "refused and not sealed: {:?}", after.state());
    }
    Ok(())
}

/// A newer generation is never given up for an older one, unless that was received later: after a sign-out
/// elsewhere generations begin anew. The wall clock may have been set meanwhile.
pub(super) fn generations_do_not_go_back(
    before: &Session,
    input: &Input,
    after: &Session,
) -> Result<(), TestCaseError> {
    if let (Some(before), Some(after)) = (before.held(), after.held()) {
        let later = after.facts.received.boot > before.facts.received.boot;
        let (before, after) = (before.facts.generation, after.facts.generation);
        prop_assert!(after >= before || later, "generation {before} → {after} by {input:?}");
    }
    Ok(())
}
