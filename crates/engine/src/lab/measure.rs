//! The measurements, on throw-away sign-ins: each experiment that may end a session has one of its own.

use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use latchkey_core::disposition::Failure;
use latchkey_core::secret::RefreshToken;
use latchkey_core::token_set::Source;
use latchkey_core::wording::Wording;
use serde::{Deserialize, Serialize};

use super::facts::{
    BackendFacts, Between, ErrorShape, Grace, Lifetime, ReuseHandling, Skew, TwoAtOnce, Unmeasured,
};
use super::probe::{Held, Probe, Spent};
use crate::error::EngineError;
use crate::jose::look;

/// What a measurement needs of the world besides the backend.
#[async_trait]
pub trait Waiter: Send {
    /// Signs in anew; `why` is for the person, who may have to do it.
    async fn sign_in(&mut self, why: &str) -> Result<Held, EngineError>;
    /// Waits so long, in the backend's time.
    async fn wait(&mut self, long: Duration);
    /// Tells what is being measured.
    fn tell(&mut self, what: &str);
}

/// How far a measurement goes.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// The oldest age at which a replaced token is presented.
    pub grace: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { grace: Duration::from_mins(1) }
    }
}

/// A backend as it was measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct Profile {
    /// The version of this form.
    pub version: u32,
    /// When it was measured.
    #[cfg_attr(feature = "bindings", specta(type = String))]
    pub measured_at: Timestamp,
    /// What was measured.
    pub facts: BackendFacts,
    /// What could not be told, and why.
    pub unmeasured: Vec<Unmeasured>,
}

/// The version of the form a profile has.
const VERSION: u32 = 1;

/// Long enough for a server that counts in whole seconds to count on.
const A_WHILE: Duration = Duration::from_millis(2100);

/// Measures a backend.
///
/// # Errors
/// The [`EngineError`] of the first sign-in: without one there is nothing to measure.
pub async fn profile(probe: &Probe, bounds: Bounds, world: &mut dyn Waiter) -> Result<Profile, EngineError> {
    world.tell("signing in");
    let first = world.sign_in("a throw-away session to measure with").await?;
    let mut measuring =
        Measuring { probe, bounds, world, facts: BackendFacts::default(), unmeasured: Vec::new() };
    measuring.everything(first).await;
    let Measuring { facts, unmeasured, .. } = measuring;
    Ok(Profile { version: VERSION, measured_at: probe.now(), facts, unmeasured })
}

struct Measuring<'a> {
    probe: &'a Probe,
    bounds: Bounds,
    world: &'a mut dyn Waiter,
    facts: BackendFacts,
    unmeasured: Vec<Unmeasured>,
}

impl Measuring<'_> {
    async fn everything(&mut self, first: Held) {
        if first.0.tokens.refresh.is_none() {
            self.cannot("rotates", "no_refresh_token", [], "the sign-in brought no refresh token: ask for `offline_access`, or see whether the client may refresh");
            return;
        }
        let Some((first, next)) = self.one_refresh(first).await else { return };
        self.refusal(&next).await;
        if self.facts.rotates == Some(true) {
            self.reuse(first, next).await;
        }
        self.two_at_once().await;
        self.revocation().await;
    }

    fn cannot<const N: usize>(&mut self, fact: &str, code: &str, values: [(&str, &str); N], why: &str) {
        let values = values.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let (fact, code, why) = (fact.to_owned(), code.to_owned(), why.to_owned());
        self.unmeasured.push(Unmeasured { fact, why, code, values });
    }

    /// It could not be told because something failed.
    fn failed(&mut self, fact: &str, code: &str, what: &str, (error, said): (String, Option<Wording>)) {
        self.cannot(fact, code, [("error", &error)], &format!("{what}: {error}"));
        // The same for whoever words it anew: its code as `reason`, and what that has values for.
        if let Some((Wording { code, values }, last)) = said.zip(self.unmeasured.last_mut()) {
            last.values.extend(values.into_iter().map(|(name, value)| (name.to_owned(), value)));
            last.values.insert("reason".to_owned(), code.to_owned());
        }
    }

    /// A new session, or the remark that there is none to measure this with.
    async fn anew(&mut self, fact: &str, why: &str) -> Option<Held> {
        match self.world.sign_in(why).await {
            Ok(held) => Some(held),
            Err(error) => {
                self.failed(
                    fact,
                    "nobody_again",
                    "nobody signed in again",
                    (error.to_string(), error.wording()),
                );
                None
            }
        }
    }

    /// One ordinary refresh, and all that it shows.
    async fn one_refresh(&mut self, first: Held) -> Option<(Held, Held)> {
        self.world.tell("an ordinary refresh");
        let taken_before = self.probe.is_accepted(&first).await;
        self.world.wait(A_WHILE).await;
        let asked = self.probe.now();
        let next = match self.probe.spend(&first).await {
            Spent::Renewed(next) => *next,
            Spent::Refused { status } => {
                let why = format!("the first refresh was refused with status {status}");
                self.cannot("rotates", "first_refused", [("status", &status.to_string())], &why);
                return None;
            }
            Spent::Failed(failure) => {
                self.failed("rotates", "first_failed", "the first refresh failed", in_words(&failure));
                return None;
            }
        };
        let took = self.probe.now().duration_since(asked);
        self.reply(&next, took);
        self.facts.rotates = Some(!first.same_refresh_token(&next));
        self.lifetime(&first, &next);
        match taken_before {
            Some(true) => {
                self.facts.old_access_dies = self.probe.is_accepted(&first).await.map(|taken| !taken);
            }
            Some(false) => {
                let why = "the user-info endpoint does not take this account's access tokens";
                self.cannot("old_access_dies", "user_info_refuses", [], why);
            }
            None => {
                let why = "the account names no user-info endpoint to ask with an access token";
                self.cannot("old_access_dies", "no_user_info", [], why);
            }
        }
        Some((first, next))
    }

    /// What the reply to a refresh shows.
    fn reply(&mut self, next: &Held, took: SignedDuration) {
        let answer = self.probe.latest().and_then(|exchange| exchange.answer);
        self.facts.no_store = answer.as_ref().map(|answer| answer.no_store);
        let envelope = &next.0;
        if envelope.access.source == Source::Assumed {
            self.cannot(
                "access_secs",
                "lifetime_not_told",
                [],
                "the backend does not say: send `expires_in`",
            );
        } else {
            self.facts.access_secs = Some(seconds(said_of(envelope)));
        }
        let claims = look::claims(envelope.tokens.access.expose());
        let claim = |name: &str| claims.as_ref().and_then(|claims| claims.get(name)?.as_i64());
        match (claim("exp"), claim("iat"), answer.as_ref().and_then(|answer| answer.expires_in)) {
            (Some(_), Some(_), None) if envelope.access.source == Source::JwtExp => {
                self.cannot("exp_differs_secs", "no_expires_in", [], "only exp is there: send `expires_in`");
            }
            (Some(exp), Some(iat), said) => {
                let said = said.unwrap_or(i64::from(seconds(said_of(envelope))));
                let differs = exp.saturating_sub(iat).saturating_sub(said);
                self.facts.exp_differs_secs = Some(i32::try_from(differs).unwrap_or(i32::MAX));
            }
            _ => {
                let why = "the access token is no JWT that says when it was made and ends";
                self.cannot("exp_differs_secs", "no_jwt", [], why);
            }
        }
        match self.probe.skew() {
            Some(skew) => {
                let millis = |long: SignedDuration| i32::try_from(long.as_millis()).unwrap_or(i32::MAX);
                // A `Date` is the begin of a second, and the answer was under way for a part of the exchange.
                let ahead = millis(skew).saturating_add(500);
                self.facts.skew = Some(Skew { ahead_ms: ahead, error_ms: millis(took).saturating_add(500) });
            }
            None => self.cannot("skew", "no_date", [], "its answers bear no `Date`"),
        }
    }

    fn lifetime(&mut self, first: &Held, next: &Held) {
        self.facts.refresh_lifetime = Some(match (first.0.refresh, next.0.refresh) {
            (Some(before), Some(after)) => {
                self.facts.refresh_secs = Some(seconds(after.expires_at.duration_since(next.0.received_at)));
                let moved = after.expires_at.duration_since(before.expires_at);
                if moved >= SignedDuration::from_secs(1) { Lifetime::Sliding } else { Lifetime::Fixed }
            }
            _ => Lifetime::NotTold,
        });
    }

    /// How a token is refused that was never issued.
    async fn refusal(&mut self, like: &Held) {
        self.world.tell("how a wrong token is refused");
        let mut made_up = like.clone();
        made_up.0.tokens.refresh = Some(RefreshToken::new("this-token-was-never-issued-by-anyone"));
        let spent = self.probe.spend(&made_up).await;
        match self.probe.latest().and_then(|exchange| exchange.answer) {
            Some(answer) if !spent.is_renewed() => {
                self.facts.refusal = Some(ErrorShape {
                    status: answer.status,
                    error: answer.error,
                    is_json: answer.is_object,
                });
            }
            Some(_) => {
                self.cannot("refusal", "made_up_taken", [], "a token that was never issued was taken");
            }
            None => self.cannot("refusal", "not_answered", [], "a wrong token was not answered"),
        }
    }

    /// What becomes of a token that was replaced: at once, and where it is taken then, for how long.
    async fn reuse(&mut self, first: Held, next: Held) {
        self.world.tell("a replaced token, presented again");
        match self.probe.spend(&first).await {
            Spent::Refused { .. } => {
                self.facts.grace = Some(Grace::None);
                self.facts.reuse = self.after_refusal(&next).await;
            }
            Spent::Renewed(_) => self.window().await,
            Spent::Failed(failure) => {
                self.failed("reuse", "no_verdict", "a replaced token got no verdict", in_words(&failure));
            }
        }
    }

    /// Whether the newest token outlives the refusal of an older one.
    async fn after_refusal(&mut self, newest: &Held) -> Option<ReuseHandling> {
        match self.probe.spend(newest).await {
            Spent::Refused { .. } => Some(ReuseHandling::FamilyRevoked),
            Spent::Renewed(_) => Some(ReuseHandling::Refused),
            Spent::Failed(_) => None,
        }
    }

    /// Finds the end of the grace window: first by doubling, then by halving.
    async fn window(&mut self) {
        let bound = u32::try_from(self.bounds.grace.as_secs()).unwrap_or(u32::MAX).max(1);
        let (mut taken, mut refused) = (0, None);
        let mut age = 1;
        while refused.is_none() {
            match self.taken_at(age).await {
                None => return,
                Some(true) => taken = age,
                Some(false) => refused = Some(age),
            }
            if age >= bound {
                break;
            }
            age = age.saturating_mul(2).min(bound);
        }
        let Some(mut refused) = refused else {
            self.facts.grace = Some(Grace::AtLeast { secs: taken });
            self.facts.reuse = Some(ReuseHandling::Accepted);
            return;
        };
        while refused - taken > 1 {
            let middle = taken + (refused - taken) / 2;
            match self.taken_at(middle).await {
                None => break,
                Some(true) => taken = middle,
                Some(false) => refused = middle,
            }
        }
        self.facts.grace = Some(Grace::Between(Between { taken, refused }));
    }

    /// Whether a token is taken so many seconds after it was replaced; on a session of its own. The first refusal
    /// tells what becomes of the session as well.
    async fn taken_at(&mut self, age: u32) -> Option<bool> {
        self.world.tell(&format!("a replaced token, {age} s old"));
        let held = self.anew("grace", "to see how long a replaced token is taken").await?;
        let Spent::Renewed(next) = self.probe.spend(&held).await else {
            self.cannot("grace", "not_refreshed", [], "a new session could not be refreshed");
            return None;
        };
        self.world.wait(Duration::from_secs(age.into())).await;
        match self.probe.spend(&held).await {
            Spent::Renewed(again) => {
                let _ = self.probe.revoke(&again).await;
                Some(true)
            }
            Spent::Refused { .. } => {
                if self.facts.reuse.is_none() {
                    self.facts.reuse = self.after_refusal(&next).await;
                }
                Some(false)
            }
            Spent::Failed(failure) => {
                self.failed("grace", "no_verdict", "a replaced token got no verdict", in_words(&failure));
                None
            }
        }
    }

    async fn two_at_once(&mut self) {
        self.world.tell("two refreshes at once");
        let Some(held) = self.anew("two_at_once", "to see what two refreshes at once do").await else {
            return;
        };
        self.facts.two_at_once = match tokio::join!(self.probe.spend(&held), self.probe.spend(&held)) {
            (Spent::Renewed(one), Spent::Renewed(other)) => {
                let same = one.same_refresh_token(&other) && !one.same_refresh_token(&held);
                Some(if same { TwoAtOnce::SameAnswer } else { TwoAtOnce::BothServed })
            }
            (Spent::Renewed(winner), _) | (_, Spent::Renewed(winner)) => {
                match self.probe.spend(&winner).await {
                    Spent::Renewed(_) => Some(TwoAtOnce::OneServed),
                    Spent::Refused { .. } => Some(TwoAtOnce::WinnerRevoked),
                    Spent::Failed(failure) => self.two_got_no_verdict(&failure),
                }
            }
            (Spent::Refused { .. }, Spent::Refused { .. }) => Some(TwoAtOnce::NeitherServed),
            // Whoever did not answer has said nothing of the two.
            (Spent::Failed(failure), _) | (_, Spent::Failed(failure)) => self.two_got_no_verdict(&failure),
        };
    }

    fn two_got_no_verdict(&mut self, failure: &Failure) -> Option<TwoAtOnce> {
        let what = "two refreshes at once got no verdict";
        self.failed("two_at_once", "no_verdict_on_two", what, in_words(failure));
        None
    }

    async fn revocation(&mut self) {
        self.world.tell("whether revoking works");
        let Some(held) = self.anew("revocation_works", "to see whether it can be ended").await else {
            return;
        };
        match self.probe.revoke(&held).await {
            Ok(Some(())) => {
                self.facts.revocation_works = match self.probe.spend(&held).await {
                    Spent::Renewed(_) => Some(false),
                    Spent::Refused { .. } => Some(true),
                    Spent::Failed(_) => None,
                };
            }
            Ok(None) => {
                let why = "the account names no place to revoke or to sign out at";
                self.cannot("revocation_works", "nowhere_to_revoke", [], why);
            }
            Err(failure) => {
                self.failed("revocation_works", "revoking_failed", "revoking failed", in_words(&failure));
            }
        }
    }
}

fn said_of(envelope: &crate::vault::Envelope) -> SignedDuration {
    envelope.access.expires_at.duration_since(envelope.received_at)
}

/// Whole seconds, to the nearest.
fn seconds(long: SignedDuration) -> i32 {
    let nearest = long.saturating_add(SignedDuration::from_millis(500)).as_secs();
    i32::try_from(nearest).unwrap_or(i32::MAX)
}

fn in_words(failure: &Failure) -> (String, Option<Wording>) {
    let reason = crate::workshop::reason_of(failure);
    (reason.message(), Some(Wording::from(&reason)))
}
