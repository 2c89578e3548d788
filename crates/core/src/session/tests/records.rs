//! What the log is told with each record: which generation, which token, why, and what comes next.

use std::fmt::Write as _;

use jiff::SignedDuration;

use super::story::Story;
use crate::fingerprint::FingerprintKey;
use crate::reason::{Reason, VaultProblem};
use crate::record::Record;
use crate::session::samples::{self, LIFETIME, access_fingerprint, at, facts_at};
use crate::session::{
    Authenticated, Effect, Expired, Input, Loaded, Renewal, Revocation, Sealed, Session, Wiped,
};
use crate::token_set::TokenFacts;

/// The facts of a record in a line; times are seconds into the story.
fn facts(record: &Record) -> String {
    let mut text = record.kind.to_owned();
    let mut put = |name: &str, fact: Option<String>| {
        if let Some(fact) = fact {
            let _ = write!(text, " {name}={fact}");
        }
    };
    let secs = |time: jiff::Timestamp| time.duration_since(at(0).wall).as_secs_f64().to_string();
    put("generation", record.generation.map(|number| number.to_string()));
    put(
        "fingerprint",
        record.fingerprint.map(|one| {
            let named = (1..=2).find(|generation| access_fingerprint(*generation) == one);
            format!("of {}", named.unwrap_or_default())
        }),
    );
    put("took", record.took_ms.map(|number| number.to_string()));
    put("left", record.left_ms.map(|number| number.to_string()));
    put("expires", record.expires_at.map(secs));
    put("next", record.next_at.map(secs));
    put("reason", record.reason.map(str::to_owned));
    text
}

/// What is recorded when a session that waits for an answer gets this one.
fn answered(
    session: Session,
    secs: i64,
    input: impl FnOnce(crate::session::EffectId) -> Input,
) -> Vec<String> {
    let mut story = Story::of(session);
    story.answer(secs, input);
    recorded(&story)
}

fn told(session: Session, secs: i64, input: Input) -> Vec<String> {
    let mut story = Story::of(session);
    story.tell(secs, input);
    recorded(&story)
}

fn recorded(story: &Story) -> Vec<String> {
    let records = story.effects.iter();
    records
        .filter_map(|effect| if let Effect::Record(record) = effect { Some(facts(record)) } else { None })
        .collect()
}

#[test]
fn a_record_tells_of_which_tokens_it_is_and_when_they_are_renewed_next() {
    let done = Renewal::Done { facts: facts_at(48, 2, LIFETIME), took_ms: 80 };
    assert_eq!(
        answered(samples::renewing(), 48, |id| Input::Renewed(id, done)),
        ["renewed generation=2 fingerprint=of 2 took=80 left=12000 expires=108 next=96"]
    );
    assert_eq!(
        told(samples::signed_in(), 10, Input::TokenRejected(access_fingerprint(2))),
        ["old_token_rejected fingerprint=of 2"]
    );
}

#[test]
fn a_record_of_what_went_wrong_tells_why_and_when_it_is_tried_next() {
    let locked = VaultProblem::Locked;
    let unsaved = Renewal::Unsaved { facts: facts_at(48, 2, LIFETIME), problem: locked };
    let refused = Reason::Refused { said: None };
    let mut wrong = Vec::new();
    for (records, expected) in [
        (
            answered(samples::signing_in(), 1, |id| Input::Authenticated(id, Authenticated::Failed(refused))),
            "sign_in_failed reason=refused",
        ),
        (
            answered(samples::renewing(), 48, |id| Input::Renewed(id, samples::failed(samples::offline()))),
            "renewal_failed generation=1 next=48.5 reason=unreachable",
        ),
        (
            answered(samples::renewing(), 48, |id| Input::Renewed(id, samples::failed(samples::refused()))),
            "needs_sign_in generation=1 reason=refused",
        ),
        (
            answered(samples::renewing(), 48, |id| Input::Renewed(id, unsaved)),
            "save_failed generation=2 next=48.2 reason=keychain_locked",
        ),
        (
            answered(samples::saving_again(), 49, |id| Input::Saved(id, Err(locked))),
            "save_failed generation=2 next=49.4 reason=keychain_locked",
        ),
        (
            answered(samples::after(samples::signed_in(), Input::ReloadRequested, 1), 1, |id| {
                Input::Loaded(id, Loaded::Unknown(locked))
            }),
            "vault_unreadable reason=keychain_locked",
        ),
        (
            answered(samples::renewing(), 48, |id| Input::Renewed(id, Renewal::Absent)),
            "vault_empty reason=vault_empty",
        ),
        (
            answered(samples::sealing(), 48, |id| Input::Sealed(id, Sealed::NotNow(locked))),
            "seal_failed reason=keychain_locked",
        ),
        (
            answered(samples::erasing(), 10, |id| Input::Wiped(id, Err(locked))),
            "erase_failed reason=keychain_locked",
        ),
        (
            answered(samples::revoking(), 10, |id| {
                Input::Revoked(id, Revocation::Failed(samples::offline()))
            }),
            "revocation_failed next=10.5 reason=unreachable",
        ),
    ] {
        wrong.extend(
            Some((records, expected))
                .filter(|(records, expected)| records.first().is_none_or(|one| one != expected)),
        );
    }
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn a_record_of_an_end_tells_which_it_is() {
    assert_eq!(
        answered(samples::erasing(), 10, |id| Input::Wiped(id, Ok(Wiped::Gone))),
        ["signed_out reason=signed_out"]
    );
    assert_eq!(
        told(samples::limited(), 36, Input::TimePassed),
        ["ends_soon expires=40 reason=unused_too_long"]
    );
    assert_eq!(
        answered(samples::ending(), 40, |id| Input::Expired(id, Expired::Over(Wiped::Gone))),
        ["session_ended reason=unused_too_long"]
    );
}

#[test]
fn what_is_drawn_for_a_plan_comes_from_the_token_and_a_token_that_is_asked_for_again_waits_for_nothing() {
    let access_fingerprint = FingerprintKey::new([7; 32]).of("access");
    let odd = TokenFacts { access_fingerprint, ..samples::facts(1, LIFETIME) };
    let session = samples::signed_in_with(odd.clone());
    let plan = session.held().unwrap().plan;
    // A quarter of the margin of 12 s, drawn from.
    let drawn = access_fingerprint.jitter().of(SignedDuration::from_secs(3));
    assert!(drawn.is_positive(), "{drawn:?}");
    assert_eq!((plan.jitter, plan.due), (drawn, at(48).plus(-drawn)));
    let again = samples::answered(samples::opening(), |id| Input::Loaded(id, Loaded::Unanswered(odd)), 0);
    assert_eq!(again.held().unwrap().plan.jitter, SignedDuration::ZERO);
}
