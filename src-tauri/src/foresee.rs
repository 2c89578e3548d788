//! What a policy comes to, for the Lab view: a month that the engine foresees, of an account and what is set otherwise.

use jiff::SignedDuration;
use latchkey_core::policy::Policy;
use latchkey_engine::config::Config;
use latchkey_engine::forecast::{Forecast, Life, Lifetimes, Question, foresee};
use serde::{Deserialize, Serialize};

use crate::command_error::CommandError;
use crate::input;
use crate::shell::Shell;

/// A policy and the provider's lifetimes, in seconds. What is asked for: `null` leaves it as the account has it, and 0
/// takes a limit away. What was used: `null` is no limit, or the usual margin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(specta::Type))]
pub(crate) struct PolicyTrial {
    /// The longest a session lasts.
    max_age_s: Option<u32>,
    /// Whether activity moves that end.
    rolling: Option<bool>,
    /// At most once in this, if it does.
    update_age_s: Option<u32>,
    /// The longest a session lasts that nobody uses.
    idle_timeout_s: Option<u32>,
    /// How long before expiry to renew.
    renew_before_s: Option<u32>,
    /// How long an access token lives.
    access_s: Option<u32>,
    /// How long a refresh token lives from its issue.
    refresh_s: Option<u32>,
    /// How long a session lives from its sign-in, by the provider.
    session_s: Option<u32>,
}

/// A month, and the policy that it was foreseen under.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(test, derive(specta::Type))]
pub(crate) struct Foreseen {
    used: PolicyTrial,
    forecast: Forecast,
}

impl PolicyTrial {
    /// This trial of a policy. A token that lives for no time at all is as if nothing was said.
    fn of(self, mut policy: Policy) -> Question {
        let mut provider = Lifetimes::default();
        let limits = &mut policy.limits;
        for (asked, place) in [
            (self.max_age_s, &mut limits.max_age),
            (self.update_age_s, &mut limits.update_age),
            (self.idle_timeout_s, &mut limits.idle_timeout),
            (self.renew_before_s, &mut policy.renew_before),
            (self.session_s, &mut provider.session),
        ] {
            if let Some(secs) = asked {
                *place = (secs > 0).then(|| SignedDuration::from_secs(secs.into()));
            }
        }
        for (asked, place) in [(self.access_s, &mut provider.access), (self.refresh_s, &mut provider.refresh)]
        {
            if let Some(secs) = asked.filter(|secs| *secs > 0) {
                *place = SignedDuration::from_secs(secs.into());
            }
        }
        if let Some(rolling) = self.rolling {
            policy.limits.rolling = rolling;
        }
        Question { policy, provider }
    }

    /// What a question comes to, in the words of a trial.
    fn used(question: &Question) -> Self {
        let secs = |duration: SignedDuration| u32::try_from(duration.as_secs()).ok();
        let limits = question.policy.limits;
        Self {
            max_age_s: limits.max_age.and_then(secs),
            rolling: Some(limits.rolling),
            update_age_s: limits.update_age.and_then(secs),
            idle_timeout_s: limits.idle_timeout.and_then(secs),
            renew_before_s: question.policy.renew_before.and_then(secs),
            access_s: secs(question.provider.access),
            refresh_s: secs(question.provider.refresh),
            session_s: question.provider.session.and_then(secs),
        }
    }
}

impl Shell {
    /// Foresees a month of an account.
    pub(crate) async fn lab_foresee(
        &self,
        account: &str,
        life: &str,
        trial: PolicyTrial,
    ) -> Result<Foreseen, CommandError> {
        let name = input::account(account)?;
        let failed = |what: &str| CommandError::new("lab_failed", what, None);
        let life = Life::named(life).ok_or_else(|| failed("there is no such pattern of life"))?;
        let config = Config::load(&self.paths)?;
        let policy = config.account(&name).ok_or_else(|| failed("there is no such account"))?.policy.clone();
        let foreseen = tokio::task::spawn_blocking(move || {
            let question = trial.of(policy);
            Foreseen { used: PolicyTrial::used(&question), forecast: foresee(&name, &question, &life) }
        });
        foreseen.await.map_err(|_| failed("the month could not be foreseen"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trial_leaves_what_it_does_not_name_and_zero_takes_a_limit_away() {
        let mut policy = Policy::default();
        policy.limits.max_age = Some(SignedDuration::from_hours(8));
        policy.limits.idle_timeout = Some(SignedDuration::from_mins(15));
        let trial = PolicyTrial {
            idle_timeout_s: Some(0),
            rolling: Some(true),
            access_s: Some(0),
            session_s: Some(3600),
            ..PolicyTrial::default()
        };
        let used = PolicyTrial::used(&trial.of(policy));
        let expected = PolicyTrial {
            max_age_s: Some(8 * 3600),
            rolling: Some(true),
            access_s: Some(3600),
            refresh_s: Some(30 * 24 * 3600),
            session_s: Some(3600),
            ..PolicyTrial::default()
        };
        assert_eq!(used, expected);
    }
}
