//! How an account's task does what the session machine wants done.

use std::sync::Arc;

use latchkey_core::limits::Usage;
use latchkey_core::session::{Asker, Effect, Input, State, Step};
use tokio::sync::mpsc;
use tracing::debug;

use super::{Actor, Done, Message};
use crate::error::EngineError;
use crate::inspection;
use crate::prompts::Told;
use crate::sign_in::Attempt;
use crate::snapshot::Beside;
use crate::workshop::{Arrived, Wish, Workshop};

impl Actor {
    /// Runs the effects of a step, all of them and in their order.
    pub(super) fn take(&mut self, step: Step) {
        self.session = step.session;
        for effect in step.effects {
            self.run_effect(effect);
        }
    }

    fn run_effect(&mut self, effect: Effect) {
        match effect {
            Effect::Load(id) => {
                self.reading = Some(id);
                self.begin(move |workshop| async move {
                    let (loaded, arrived) = workshop.load().await;
                    Done { input: Input::Loaded(id, loaded), arrived, told: None }
                });
            }
            Effect::Authenticate(id) => {
                let Some(how) = self.how.take() else { return };
                let (prompter, prompts) = mpsc::unbounded_channel();
                let attempt = Attempt::new(
                    self.workshop.browser.clone(),
                    self.prompter.clone(),
                    prompter,
                    self.farewells.clone(),
                );
                (self.attempt, self.prompts) = (Some((id, attempt.clone())), Some(prompts));
                self.begin(move |workshop| async move {
                    let (outcome, arrived, told) = workshop.sign_in(*how, &attempt).await;
                    Done { input: Input::Authenticated(id, outcome), arrived, told }
                });
            }
            Effect::AbandonSignIn => {
                if let Some((_, attempt)) = &self.attempt {
                    attempt.give_up();
                }
                self.end_attempt();
                if let Some(waiter) = self.sign_in_waiter.take() {
                    let _ = waiter.send(Err(EngineError::Cancelled));
                }
            }
            Effect::Renew { id, generation, asker } => {
                let wish = match self.update.take() {
                    Some(data) => Wish::Update(*data),
                    None if asker == Asker::Revalidation => Wish::Reading,
                    None => Wish::Renewal,
                };
                self.begin(move |workshop| async move {
                    let (outcome, arrived) = workshop.renew(generation, wish).await;
                    Done { input: Input::Renewed(id, outcome), arrived, told: None }
                });
            }
            Effect::Save(id) => {
                let Some(mut arrived) = self.arrived.take() else { return };
                self.begin(move |workshop| async move {
                    let outcome = match &arrived.unsaved {
                        Some(unsaved) => workshop.save(unsaved).await,
                        None => Ok(()),
                    };
                    if outcome.is_ok() {
                        arrived.unsaved = None;
                    }
                    Done { input: Input::Saved(id, outcome), arrived: Some(*arrived), told: None }
                });
            }
            Effect::Probe { id, look } => self.begin(move |workshop| async move {
                let there = workshop.probe(look).await;
                Done { input: Input::Probed(id, there), arrived: None, told: None }
            }),
            Effect::Seal { id, generation, token, reason } => self.begin(move |workshop| async move {
                let (outcome, arrived) = workshop.seal(generation, token, reason).await;
                Done { input: Input::Sealed(id, outcome), arrived, told: None }
            }),
            Effect::Wipe { id, since } => self.begin(move |workshop| async move {
                let outcome = workshop.wipe(since).await;
                Done { input: Input::Wiped(id, outcome), arrived: None, told: None }
            }),
            Effect::Expire(id) => self.begin(move |workshop| async move {
                let (outcome, arrived) = workshop.expire().await;
                Done { input: Input::Expired(id, outcome), arrived, told: None }
            }),
            Effect::Mark(usage) => self.mark(usage),
            Effect::Revoke { id, which } => self.begin(move |workshop| async move {
                let outcome = workshop.revoke(which).await;
                Done { input: Input::Revoked(id, outcome), arrived: None, told: None }
            }),
            Effect::Publish { generation } => self.publish(generation),
            Effect::Forget => {
                self.current = None;
                if let Some(arrived) = self.arrived.take() {
                    self.let_go_of(*arrived);
                }
                self.beside = Beside {
                    history: std::mem::take(&mut self.beside.history),
                    skew: self.beside.skew,
                    // A sign-in goes on when the session before it comes to its own end.
                    prompt: self.beside.prompt.take().filter(|_| self.attempt.is_some()),
                    ..Beside::default()
                };
            }
            Effect::Notify(notice) => self.prompter.tell(&self.workshop.account, Told::Notice(notice)),
            Effect::Record(record) => self.note(&record),
        }
    }

    /// Begins work in a task of its own: whoever asked for it may go away, the work goes on.
    fn begin<F, R>(&mut self, work: F)
    where
        F: FnOnce(Arc<Workshop>) -> R,
        R: Future<Output = Done> + Send + 'static,
    {
        self.under_way += 1;
        // Boxed, since a task would keep room for it twice. At a start all accounts read their vault at once.
        let working = Box::pin(work(self.workshop.clone()));
        let outbox = self.outbox.clone();
        tokio::spawn(async move {
            let _ = outbox.send(Message::Done(Box::new(working.await)));
        });
    }

    /// Tokens that nobody waits for any more. Of a session that has ended the provider is still told.
    pub(super) fn let_go_of(&self, arrived: Arrived) {
        let ended = self.session.expiring() || matches!(self.session.state(), State::SignedOut { .. });
        if let Some(unsaved) = arrived.unsaved.filter(|_| ended) {
            self.workshop.leave(*unsaved);
        }
    }

    /// Nobody waits for it, and a task that ends does not leave it undone.
    fn mark(&self, usage: Usage) {
        let workshop = self.workshop.clone();
        self.farewells.spawn(async move { workshop.mark(usage).await });
    }

    fn publish(&mut self, generation: u64) {
        let Some(arrived) = self.arrived.take_if(|arrived| arrived.generation == generation) else { return };
        let before = std::mem::take(&mut self.beside.claims);
        self.beside.identity = Some(arrived.identity.clone());
        self.beside.claims.clone_from(&arrived.claims);
        let replaced =
            self.current.as_ref().filter(|before| before.access.expose() != arrived.access.expose());
        if let Some(before) = replaced {
            self.beside.previous = Some(inspection::claims(&before.access));
        }
        if self.workshop.provider.reads_sessions() && self.current.is_some() {
            self.note_changes(&before, &arrived.claims);
        }
        self.beside.rotates = arrived.rotated.or(self.beside.rotates);
        self.current = Some(arrived);
        debug!(
            account = %self.workshop.account, kind = "published", generation,
            "Whoever asks gets the new access token from now on"
        );
    }
}
