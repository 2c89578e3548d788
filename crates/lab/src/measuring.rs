//! The profile of an account's backend, measured as a person or a program would sign in to it.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use latchkey_engine::EngineError;
use latchkey_engine::clock::SystemClock;
use latchkey_engine::config::AccountConfig;
use latchkey_engine::http::Http;
use latchkey_engine::lab::{Bounds, Held, Probe, Profile, Waiter, profile};
use latchkey_engine::ports::Clock;
use tokio::sync::mpsc;

use crate::ending::{Ending, FAREWELL, until};
use crate::runner::Person;
use crate::stage::{Stage, Time};

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum NotMeasured {
    /// HTTP cannot be used on this machine.
    #[error("{0}")]
    Http(#[from] latchkey_engine::http::HttpUnusable),
    /// Nobody could sign in.
    #[error("nobody could sign in to measure it: {0}")]
    SignIn(#[from] EngineError),
    /// The account cannot be signed in to that way.
    #[error("{0}")]
    Unfit(String),
    /// The program ends.
    #[error("the program ends; what was signed in to for it was signed out of again")]
    GivenUp,
}

/// Measures the backend of an account in real time; `tell` hears what is being done. What is signed in to for that is
/// signed out of again, also where the end of the program comes first.
///
/// # Errors
/// [`NotMeasured`].
pub async fn measure(
    account: &AccountConfig,
    person: &Person,
    bounds: Bounds,
    ending: &Ending,
    tell: impl FnMut(&str) + Send,
) -> Result<Profile, NotMeasured> {
    let clock = SystemClock;
    measured(account, person, bounds, ending, tell, Time::Real(clock)).await
}

/// Measures the backend of a stage in virtual time.
///
/// # Errors
/// [`NotMeasured`].
pub async fn measure_on(
    stage: &Stage,
    person: &Person,
    bounds: Bounds,
    ending: &Ending,
    tell: impl FnMut(&str) + Send,
) -> Result<Profile, NotMeasured> {
    let clock =
        stage.manual().ok_or_else(|| NotMeasured::Unfit("this stage has no clock to move".to_owned()))?;
    measured(&stage.account, person, bounds, ending, tell, Time::Virtual(clock.clone())).await
}

async fn measured(
    account: &AccountConfig,
    person: &Person,
    bounds: Bounds,
    ending: &Ending,
    tell: impl FnMut(&str) + Send,
    time: Time,
) -> Result<Profile, NotMeasured> {
    let http = Http::new()?;
    let (_, browser) = person.sign_in(&account.provider, &http).map_err(NotMeasured::Unfit)?;
    let probe = Arc::new(Probe::new(account, &http, time.of_client(), browser));
    let _under_way = ending.waits_for();
    let mut world = World { probe: probe.clone(), account, person, http, time, ending, tell };
    let measured = until(ending, Box::pin(profile(&probe, bounds, &mut world))).await;
    // What takes longer is given up: somebody waits for the answer.
    let _ = tokio::time::timeout(FAREWELL, probe.leaves_nothing()).await;
    Ok(measured.ok_or(NotMeasured::GivenUp)??)
}

struct World<'a, F> {
    probe: Arc<Probe>,
    account: &'a AccountConfig,
    person: &'a Person,
    http: Http,
    time: Time,
    ending: &'a Ending,
    tell: F,
}

#[async_trait]
impl<F: FnMut(&str) + Send> Waiter for World<'_, F> {
    async fn sign_in(&mut self, why: &str) -> Result<Held, EngineError> {
        if self.ending.has_come() {
            return Err(EngineError::Closing);
        }
        (self.tell)(&format!("signing in: {why}"));
        let how = self.person.sign_in(&self.account.provider, &self.http);
        let Ok((how, _)) = how else { return Err(EngineError::NotThisWay) };
        // A page is opened in the person's browser or filled in; there is nothing to be shown here.
        let (prompts, _unseen) = mpsc::unbounded_channel();
        self.probe.sign_in(how, prompts).await
    }

    async fn wait(&mut self, long: Duration) {
        let long = SignedDuration::try_from(long).unwrap_or(SignedDuration::MAX);
        match &self.time {
            Time::Real(clock) => clock.sleep_until(clock.now().boot.saturating_add(long)).await,
            Time::Virtual(clock) => clock.advance(long),
        }
    }

    fn tell(&mut self, what: &str) {
        (self.tell)(what);
    }
}

#[cfg(test)]
mod tests;
