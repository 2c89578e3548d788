//! Whether what was expected is so.

use jiff::SignedDuration;
use latchkey_engine::lab::Spent;
use std::sync::PoisonError;

use super::play::{Play, in_words};
use super::trace::{Judgement, Side};
use crate::client::{Client, Seen};
use crate::scenario::{ExpectBackend, ExpectClient, Life, Verdict};

impl<C: Client> Play<'_, C> {
    pub(super) async fn expects_of_client(&mut self, step: u32, expect: &ExpectClient) {
        let state = expect.state.clone();
        let reason = expect.reason.clone();
        let generation = expect.generation;
        let is_so = |seen: &Seen| {
            state.as_ref().is_none_or(|state| *state == seen.state)
                && generation.is_none_or(|generation| seen.generation >= generation)
                && reason
                    .as_ref()
                    .is_none_or(|reason| seen.reason.as_ref().is_some_and(|(code, _)| code == reason))
        };
        let within = expect.within.unwrap_or(SignedDuration::ZERO);
        let seen = self.until(within, is_so).await;
        let mut judged: Vec<(String, Option<String>)> = Vec::new();
        let soon = if within.is_zero() { String::new() } else { format!(" within {}", in_words(within)) };
        if let Some(state) = &expect.state {
            let found = (*state != seen.state).then(|| described(&seen));
            judged.push((format!("is {}{soon}", state_in_words(state)), found));
        }
        if let Some(reason) = &expect.reason {
            let code = seen.reason.as_ref().map(|(code, _)| code.as_str());
            let found = (code != Some(reason)).then(|| described(&seen));
            judged.push((format!("gives the reason {reason}"), found));
        }
        if let Some(generation) = expect.generation {
            let found = (seen.generation < generation).then(|| format!("generation {}", seen.generation));
            judged.push((format!("holds tokens of generation {generation} or later{soon}"), found));
        }
        let asked = u32::try_from(self.refreshes()).unwrap_or(u32::MAX);
        let mut count = |expected: String, right: bool| {
            judged.push((expected, (!right).then(|| format!("{asked} refresh requests"))));
        };
        if let Some(exactly) = expect.refreshes {
            count(format!("sends {exactly} refresh requests"), asked == exactly);
        }
        if let Some(most) = expect.refreshes_at_most {
            count(format!("sends at most {most} refresh requests"), asked <= most);
        }
        if let Some(least) = expect.refreshes_at_least {
            count(format!("sends at least {least} refresh requests"), asked >= least);
        }
        if let Some(wanted) = expect.token {
            let given = self.client.gives_a_token().await;
            let expected =
                if wanted { "gives programs a valid access token" } else { "gives programs no access token" };
            let found = (given != wanted).then(|| if given { "gave one" } else { "gave none" }.to_owned());
            judged.push((expected.to_owned(), found));
        }
        self.judged(step, Side::Client, expect.because.as_ref(), judged);
    }

    pub(super) async fn expects_of_backend(&mut self, step: u32, expect: &ExpectBackend) {
        let mut judged: Vec<(&str, Option<String>)> = Vec::new();
        if let Some(verdict) = expect.replay {
            judged.push(match verdict {
                Verdict::Refused => {
                    ("refuses the token that was presented again", unlike_refused(self.replayed.as_ref()))
                }
                Verdict::Accepted => {
                    ("takes the token that was presented again", unlike_accepted(self.replayed.as_ref()))
                }
            });
        }
        if let Some(life) = expect.session {
            self.remember_tokens().await;
            let spent = match self.held.last().cloned() {
                Some(newest) => Some(self.stage.presented(&newest).await),
                None => None,
            };
            judged.push(match life {
                Life::Dead => ("has revoked the session", unlike_refused(spent.as_ref())),
                Life::Alive => ("lets the session go on", unlike_accepted(spent.as_ref())),
            });
        }
        if let Some(wanted) = expect.rotates {
            self.remember_tokens().await;
            let pairs: Vec<bool> = self
                .held
                .windows(2)
                .filter_map(|pair| Some(!pair.first()?.same_refresh_token(pair.get(1)?)))
                .collect();
            let found = if pairs.is_empty() {
                Some("no refresh was seen".to_owned())
            } else {
                pairs.iter().any(|rotated| *rotated != wanted).then(|| {
                    if wanted { "a refresh token stayed the same" } else { "a refresh token was replaced" }
                        .to_owned()
                })
            };
            let what =
                if wanted { "replaces the refresh token at each refresh" } else { "keeps the refresh token" };
            judged.push((what, found));
        }
        if expect.no_store == Some(true) {
            judged.push((
                "forbids that replies with tokens are stored (Cache-Control: no-store)",
                self.storable(),
            ));
        }
        if expect.readable_refusals == Some(true) {
            judged.push((
                "refuses a refresh token with JSON that says invalid_grant",
                self.unreadable_refusals(),
            ));
        }
        self.judged(step, Side::Backend, expect.because.as_ref(), judged);
    }

    /// Takes down what was expected of one side in a step, each with what was found instead, if anything was.
    fn judged(
        &mut self,
        step: u32,
        side: Side,
        because: Option<&String>,
        judged: Vec<(impl Into<String>, Option<String>)>,
    ) {
        self.judgements.extend(judged.into_iter().map(|(expected, found)| Judgement {
            step,
            side,
            expected: expected.into(),
            found,
            because: because.cloned(),
            follows: false,
        }));
    }

    /// Replies with tokens that may be stored on their way.
    fn storable(&self) -> Option<String> {
        let exchanges = self.stage.exchanges.lock().unwrap_or_else(PoisonError::into_inner);
        let with_tokens = exchanges.iter().filter_map(|exchange| {
            let answer = exchange.answer.as_ref()?;
            let has = |member: &String| {
                ["access_token", "accessToken", "refresh_token", "refreshToken"].contains(&member.as_str())
            };
            answer.members.iter().any(has).then_some((exchange, answer.no_store))
        });
        let storable =
            with_tokens.filter(|(_, no_store)| !no_store).map(|(exchange, _)| exchange.path.clone());
        let mut paths: Vec<_> = storable.collect();
        paths.dedup();
        (!paths.is_empty()).then(|| format!("a reply of {} may be stored", paths.join(", ")))
    }

    /// Refusals of a refresh that a client has to guess at.
    fn unreadable_refusals(&self) -> Option<String> {
        let exchanges = self.stage.exchanges.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = exchanges.iter().filter_map(|exchange| {
            let answer = exchange.answer.as_ref()?;
            (answer.status == 400 || answer.status == 401).then_some(answer)
        });
        let odd = refused.filter(|answer| answer.error.as_deref() != Some("invalid_grant"));
        odd.map(|answer| {
            format!("a refusal with {} said {}", answer.status, answer.error.as_deref().unwrap_or("nothing"))
        })
        .next()
    }
}

fn described(seen: &Seen) -> String {
    let reason =
        seen.reason.as_ref().map_or_else(String::new, |(code, message)| format!(" ({code}: {message})"));
    format!("is {}{reason}", state_in_words(&seen.state))
}

fn unlike_refused(spent: Option<&Spent>) -> Option<String> {
    match spent {
        Some(Spent::Refused { .. }) => None,
        Some(Spent::Renewed(_)) => Some("it exchanged it".to_owned()),
        Some(Spent::Failed(_)) => Some("it gave no verdict".to_owned()),
        None => Some("no token was presented".to_owned()),
    }
}

fn unlike_accepted(spent: Option<&Spent>) -> Option<String> {
    match spent {
        Some(Spent::Renewed(_)) => None,
        Some(Spent::Refused { status }) => Some(format!("it refused it with status {status}")),
        Some(Spent::Failed(_)) => Some("it gave no verdict".to_owned()),
        None => Some("no token was presented".to_owned()),
    }
}

/// A state after "is".
fn state_in_words(state: &str) -> String {
    if state == "needs_sign_in" { "in need of a sign-in".to_owned() } else { state.replace('_', " ") }
}
