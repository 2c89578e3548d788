//! Sessions and facts for tests. Every session here was driven where it stands by [`open`] and [`step`], so
//! none is in a state that the machine cannot reach.

use jiff::{SignedDuration, Timestamp};

use crate::account::AccountName;
use crate::disposition::{Answer, Body, ErrorCode, Failure};
use crate::fingerprint::{Fingerprint, FingerprintKey};
use crate::limits::{Limits, Usage};
use crate::policy::{self, Policy};
use crate::reason::{Reason, VaultProblem};
use crate::session::{
    Asker, Authenticated, EffectId, Expired, Failed, Input, Loaded, Renewal, Revocation, Sealed, Session,
    Wiped,
};
use crate::session::{open, step};
use crate::time::{Jitter, Now, Stamp};
use crate::token_set::{Clock, Source, TokenFacts};

/// Everyone who can want a renewal.
pub(crate) const ASKERS: [Asker; 7] = [
    Asker::Plan,
    Asker::Retry,
    Asker::Recovery,
    Asker::ResourceServer,
    Asker::Person,
    Asker::Program,
    Asker::Revalidation,
];

/// The wall clock when the boot clock of the samples is zero: 2026-01-01T00:00:00Z.
const BASE: i64 = 1_767_225_600;

/// How long the tokens of the sample sessions live: they renew at 48 s.
pub(crate) const LIFETIME: i64 = 60;

/// So many seconds into the story, on both clocks.
pub(crate) fn at(secs: i64) -> Stamp {
    let wall = Timestamp::from_second(BASE + secs).unwrap();
    Stamp { wall, boot: SignedDuration::from_secs(secs) }
}

/// The same, with nothing drawn.
pub(crate) fn now(secs: i64) -> Now {
    Now { stamp: at(secs), jitter: Jitter(0) }
}

/// The first whole second of the story that is not before the stamp.
pub(crate) fn since_start(stamp: Stamp) -> i64 {
    stamp.boot.as_secs() + i64::from(stamp.boot.subsec_nanos() > 0)
}

/// Tokens that arrived at zero.
pub(crate) fn facts(generation: u64, lifetime_secs: i64) -> TokenFacts {
    facts_at(0, generation, lifetime_secs)
}

/// Tokens that arrived at `received` seconds.
pub(crate) fn facts_at(received: i64, generation: u64, lifetime_secs: i64) -> TokenFacts {
    TokenFacts {
        generation,
        received: at(received),
        access: Clock { expires: at(received + lifetime_secs), source: Source::ExpiresIn },
        refresh: None,
        session: None,
        usage: Usage::beginning(at(received)),
        access_fingerprint: access_fingerprint(generation),
        refresh_fingerprint: Some(fingerprint(&format!("refresh {generation}"))),
        quarantined: None,
    }
}

/// The same without a refresh token.
pub(crate) fn not_renewable(received: i64, generation: u64, lifetime_secs: i64) -> TokenFacts {
    TokenFacts { refresh_fingerprint: None, ..facts_at(received, generation, lifetime_secs) }
}

/// The fingerprint of the access token of that generation.
pub(crate) fn access_fingerprint(generation: u64) -> Fingerprint {
    // Without jitter, so that stories can name the moment a plan comes to.
    Fingerprint::sample(u16::try_from(generation % 65_536).unwrap())
}

fn fingerprint(token: &str) -> Fingerprint {
    FingerprintKey::new([7; 32]).of(token)
}

/// `invalid_grant`: the verdict that ends a session.
pub(crate) fn refused() -> Failure {
    verdict(400, ErrorCode::InvalidGrant)
}

/// The client settings are wrong.
pub(crate) fn misconfigured() -> Failure {
    verdict(401, ErrorCode::InvalidClient)
}

fn verdict(status: u16, code: ErrorCode) -> Failure {
    Failure::Answered(Answer { status, body: Body::Verdict { code, said: None }, retry_after: None })
}

/// A bare status, with `Retry-After` or without.
pub(crate) fn bare(status: u16, retry_after: Option<i64>) -> Failure {
    let retry_after = retry_after.map(SignedDuration::from_secs);
    Failure::Answered(Answer { status, body: Body::Empty, retry_after })
}

/// No request left.
pub(crate) fn offline() -> Failure {
    Failure::NotSent { what: "no route to host".to_owned() }
}

/// A renewal that failed for that.
pub(crate) fn failed(failure: Failure) -> Renewal {
    Renewal::Failed(Failed { failure, after_lost_reply: false, skew: None })
}

/// Tokens of somebody else came back.
pub(crate) fn distrusted(facts: &TokenFacts) -> Renewal {
    let reason = Reason::Distrusted { why: "another person's".to_owned() };
    Renewal::Distrusted { facts: TokenFacts { quarantined: Some(reason.clone()), ..facts.clone() }, reason }
}

/// The id of the answer that the session waits for.
pub(crate) fn awaited(session: &Session) -> EffectId {
    session.in_flight.expect("the session waits for an answer")
}

/// Steps at `secs`, for the sake of the session alone.
pub(crate) fn after(session: Session, input: Input, secs: i64) -> Session {
    step(session, input, now(secs)).session
}

/// Answers what is awaited, at `secs`.
pub(crate) fn answered(session: Session, input: impl FnOnce(EffectId) -> Input, secs: i64) -> Session {
    let id = awaited(&session);
    after(session, input(id), secs)
}

/// Just opened: the vault is being read.
pub(crate) fn opening() -> Session {
    open(AccountName::new("work").unwrap(), Policy::default(), now(0)).session
}

/// The vault could not be read at opening.
pub(crate) fn opening_without_vault() -> Session {
    answered(opening(), |id| Input::Loaded(id, Loaded::Unknown(VaultProblem::Locked)), 0)
}

/// Nobody has signed in.
pub(crate) fn signed_out() -> Session {
    answered(opening(), |id| Input::Loaded(id, Loaded::Absent), 0)
}

/// Signed out by the person; the stored tokens are being erased.
pub(crate) fn erasing() -> Session {
    after(signed_in(), Input::SignOutRequested, 10)
}

/// Signed out by the person; the stored tokens could not be erased yet.
pub(crate) fn erase_owed() -> Session {
    answered(erasing(), |id| Input::Wiped(id, Err(VaultProblem::Locked)), 10)
}

/// Signed out by the person, and the provider is being told.
pub(crate) fn revoking() -> Session {
    answered(erasing(), |id| Input::Wiped(id, Ok(Wiped::Unrevoked)), 10)
}

/// Signed out by the person; the provider could not be told yet.
pub(crate) fn revocation_owed() -> Session {
    answered(revoking(), |id| Input::Revoked(id, Revocation::Failed(offline())), 10)
}

/// Signing in for the first time.
pub(crate) fn signing_in() -> Session {
    after(signed_out(), Input::SignInRequested, 0)
}

/// Signed in at zero with tokens of generation 1.
pub(crate) fn signed_in() -> Session {
    signed_in_with(facts(1, LIFETIME))
}

/// Signed in at zero with tokens that cannot be renewed.
pub(crate) fn signed_in_not_renewable() -> Session {
    signed_in_with(not_renewable(0, 1, LIFETIME))
}

/// Signed in at zero with these tokens.
pub(crate) fn signed_in_with(facts: TokenFacts) -> Session {
    answered(signing_in(), |id| Input::Authenticated(id, Authenticated::Done(facts)), 0)
}

/// Renewing generation 1 as planned.
pub(crate) fn renewing() -> Session {
    after(signed_in(), Input::TimePassed, 48)
}

/// Generation 2 has arrived and could not be stored.
pub(crate) fn saving() -> Session {
    let unsaved = Renewal::Unsaved { facts: facts_at(48, 2, LIFETIME), problem: VaultProblem::Locked };
    answered(renewing(), |id| Input::Renewed(id, unsaved), 48)
}

/// Storing generation 2 is being tried again.
pub(crate) fn saving_again() -> Session {
    after(saving(), Input::TimePassed, 49)
}

/// Backing off after a renewal that did not leave the machine.
pub(crate) fn backing_off() -> Session {
    answered(renewing(), |id| Input::Renewed(id, failed(offline())), 48)
}

/// Found at the start: a renewal that was sent and never answered.
pub(crate) fn unanswered() -> Session {
    answered(opening(), |id| Input::Loaded(id, Loaded::Unanswered(facts(1, LIFETIME))), 0)
}

/// A renewal is due just after a wake, and waits for the network.
pub(crate) fn awaiting_network() -> Session {
    after(after(signed_in(), Input::NetworkChanged, 47), Input::TimePassed, 48)
}

/// The token host is being asked whether it answers.
pub(crate) fn probing() -> Session {
    after(awaiting_network(), Input::TimePassed, 49)
}

/// Signed in, after as many worthless renewals as the storm breaker lets through.
pub(crate) fn stormy() -> Session {
    let mut session = signed_in_with(facts(1, 0));
    for (secs, generation) in (60..STORM_AT).step_by(60).zip(2..) {
        let facts = facts_at(secs, generation, 0);
        session = after(session, Input::TimePassed, secs);
        session = answered(session, |id| Input::Renewed(id, Renewal::Done { facts, took_ms: 80 }), secs);
    }
    session
}

/// Stopped by the storm breaker.
pub(crate) fn storm() -> Session {
    after(stormy(), Input::TimePassed, STORM_AT)
}

/// When the storm breaker of [`storm`] stops.
pub(crate) const STORM_AT: i64 = 60 * (policy::STORM as i64 + 1);

/// Signed in at zero; the account allows 40 s without use.
pub(crate) fn limited() -> Session {
    let limits = Limits {
        max_age: Some(SignedDuration::from_secs(40)),
        rolling: true,
        update_age: Some(SignedDuration::from_secs(10)),
        ..Limits::default()
    };
    let policy = Policy { limits, ..Policy::default() };
    let opening = open(AccountName::new("work").unwrap(), policy, now(0)).session;
    answered(opening, |id| Input::Loaded(id, Loaded::Found(facts(1, LIFETIME))), 0)
}

/// Those 40 s are over, and the vault is looked at once more.
pub(crate) fn ending() -> Session {
    after(limited(), Input::TimePassed, 40)
}

/// The same, and the vault could not be used.
pub(crate) fn end_owed() -> Session {
    answered(ending(), |id| Input::Expired(id, Expired::NotNow(VaultProblem::Locked)), 40)
}

/// The same, and it is tried again.
pub(crate) fn end_erasing() -> Session {
    after(end_owed(), Input::TimePassed, 41)
}

/// The refresh token was refused and is being sealed.
pub(crate) fn sealing() -> Session {
    answered(renewing(), |id| Input::Renewed(id, failed(refused())), 48)
}

/// The refresh token was refused, and could not be sealed yet.
pub(crate) fn seal_owed() -> Session {
    answered(sealing(), |id| Input::Sealed(id, Sealed::NotNow(VaultProblem::Locked)), 48)
}

/// The refresh token was refused and is sealed.
pub(crate) fn needs_sign_in() -> Session {
    answered(sealing(), |id| Input::Sealed(id, Sealed::Done), 48)
}

/// Renewing at 145 s, after as many answers without a verdict as are waited out.
pub(crate) fn renewing_after_unclear_answers() -> Session {
    [(48, 50), (50, 55), (55, 75), (75, 145)].into_iter().fold(renewing(), |session, (secs, next)| {
        let session = answered(session, |id| Input::Renewed(id, failed(bare(401, None))), secs);
        after(session, Input::TimePassed, next)
    })
}
