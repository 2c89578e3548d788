//! How an account's task answers those who wait for something.

use std::sync::Arc;

use jiff::SignedDuration;
use latchkey_core::freshness;
use latchkey_core::reason::Reason;
use latchkey_core::session::{Asker, Input, Notice, State};
use latchkey_core::time::Stamp;
use tokio::sync::oneshot;

use super::{Actor, Message};
use crate::consumers::{Consumer, Taken};
use crate::engine::{IssuedToken, TokenRequest};
use crate::error::EngineError;
use crate::inspection::Inspection;
use crate::prompts::Told;
use crate::provider::nextauth::site_secret::OpenedCookie;
use crate::snapshot::SessionStatus;
use crate::workshop::{SiteSecret, Workshop};

/// Someone who waits for a token.
pub(super) struct TokenWaiter {
    pub(super) request: TokenRequest,
    pub(super) consumer: Option<Arc<Consumer>>,
    pub(super) until: Stamp,
    pub(super) asked: bool,
    pub(super) reply: oneshot::Sender<Result<IssuedToken, EngineError>>,
}

/// What changed by an answer that others see.
pub(super) enum Seen {
    Nothing,
    News,
}

impl Actor {
    /// Answers a program that the token in hand is good enough for; gives back what takes more than that.
    pub(super) fn at_once(&mut self, message: Message) -> Result<Seen, Message> {
        let Message::Token(request, consumer, reply) = message else { return Err(message) };
        // Where the account has limits of its own, each use may move them.
        let limited = self.session.end().is_some() || self.session.expiring();
        let waited_for = !self.token_waiters.is_empty() || self.session.unanswered();
        let not_yet = limited || waited_for || self.closing.is_some() || self.is_behind();
        let issued = if not_yet { None } else { self.in_hand(&request) };
        match issued.filter(|issued| !issued.falls_short) {
            Some(issued) => Ok(self.hand_out(issued, consumer.as_deref(), reply)),
            None => Err(Message::Token(request, consumer, reply)),
        }
    }

    /// Answers everyone whose answer is known by now.
    pub(super) fn answer_waiters(&mut self) {
        let over = match self.session.state() {
            State::SignedOut { .. } => self.under_way == 0,
            State::SigningIn { .. } => false,
            // Somebody has signed in since, which took its turn after the erasing.
            State::SignedIn
            | State::Renewing { .. }
            | State::Saving { .. }
            | State::Waiting { .. }
            | State::NeedsSignIn { .. } => true,
        };
        if over {
            for waiter in std::mem::take(&mut self.sign_out_waiters) {
                let problem = self.erase_problem.map(|problem| EngineError::Vault { problem });
                let _ = waiter.send(problem.map_or_else(|| Ok(self.status()), Err));
            }
        }
        // While tokens wait to be saved or the vault to be read, a renewal by hand is a try at just that.
        let trying = match self.session.state() {
            State::Renewing { .. } | State::SigningIn { .. } => true,
            State::Saving { .. } | State::Waiting { .. } => self.under_way > 0,
            State::SignedOut { .. } | State::SignedIn | State::NeedsSignIn { .. } => false,
        };
        if !trying {
            for waiter in std::mem::take(&mut self.renew_waiters) {
                let _ = waiter.send(self.renewal_outcome());
            }
        }
        self.answer_token_waiters();
    }

    /// Looks into the access token in hand, in a task of its own: keys may have to be fetched.
    pub(super) fn inspect(&self, reply: oneshot::Sender<Result<Inspection, EngineError>>) {
        let Some(current) = &self.current else {
            let _ = reply.send(Err(self.nothing_in_hand()));
            return;
        };
        let (workshop, token) = (self.workshop.clone(), current.access.clone());
        let previous = self.beside.previous.clone();
        tokio::spawn(async move {
            let inspection = workshop.inspect(&token).await;
            let _ = reply.send(Ok(Inspection { previous, ..inspection }));
        });
    }

    /// Opens the session cookie in hand, in a task of its own: the vault may have to be asked.
    pub(super) fn open_cookie(
        &self,
        secret: SiteSecret,
        reply: oneshot::Sender<Result<OpenedCookie, EngineError>>,
    ) {
        let Some(current) = &self.current else {
            let _ = reply.send(Err(self.nothing_in_hand()));
            return;
        };
        let Some(cookies) = current.cookies.clone() else {
            let _ = reply.send(Err(EngineError::NotThisWay));
            return;
        };
        let (workshop, session) = (self.workshop.clone(), current.access.clone());
        tokio::spawn(async move {
            let _ = reply.send(workshop.open_cookie(&session, &cookies, secret).await);
        });
    }

    /// Why there is no access token, for whoever wants to look at one.
    fn nothing_in_hand(&self) -> EngineError {
        let reason = self.session.state().reason().unwrap_or(Reason::NeverSignedIn);
        EngineError::SignInNeeded { reason }
    }

    /// Whether the vault is still being read for the first time.
    pub(super) fn opening(&self) -> bool {
        matches!(self.session.state(), State::Waiting { reason: Reason::Opening, .. })
    }

    /// What a person is told who asked for a renewal, once it has ended.
    pub(super) fn renewal_outcome(&self) -> Result<SessionStatus, EngineError> {
        match self.session.state() {
            State::SignedIn => Ok(self.status()),
            State::SignedOut { reason } | State::NeedsSignIn { reason } => {
                Err(EngineError::SignInNeeded { reason: reason.clone() })
            }
            State::Waiting { reason, until } => Err(not_now(reason, Some(*until))),
            State::Saving { problem, .. } => Err(EngineError::Vault { problem: *problem }),
            State::Renewing { .. } | State::SigningIn { .. } => Err(EngineError::Busy),
        }
    }

    fn answer_token_waiters(&mut self) {
        let (mut wanted, mut handed_out) = (false, false);
        for mut waiter in std::mem::take(&mut self.token_waiters) {
            if let Some(answer) = self.token_for(&waiter) {
                handed_out |= answer.is_ok();
                self.answer_token(waiter, answer);
                continue;
            }
            if !waiter.asked && self.renews_for_programs() {
                waiter.asked = true;
                wanted = true;
            }
            if !waiter.reply.is_closed() {
                self.token_waiters.push(waiter);
            }
        }
        if wanted {
            self.input(Input::RenewRequested(Asker::Program));
        }
        if handed_out {
            self.input(Input::Used);
        }
    }

    /// Hands a token out, or says why not.
    fn answer_token(&mut self, waiter: TokenWaiter, answer: Result<IssuedToken, EngineError>) {
        match answer {
            Ok(issued) => {
                self.hand_out(issued, waiter.consumer.as_deref(), waiter.reply);
            }
            Err(error) => {
                if let (EngineError::SignInNeeded { reason }, State::NeedsSignIn { .. }, Some(_)) =
                    (&error, self.session.state(), &waiter.consumer)
                {
                    let notice = Notice::SignInNeeded(reason.clone());
                    self.prompter.remind(&self.workshop.account, Told::Notice(notice));
                }
                let _ = waiter.reply.send(Err(error));
            }
        }
    }

    /// Hands a token out and remembers who took it. What nobody is there to take any more was not taken.
    fn hand_out(
        &mut self,
        issued: IssuedToken,
        consumer: Option<&Consumer>,
        reply: oneshot::Sender<Result<IssuedToken, EngineError>>,
    ) -> Seen {
        let taken = Taken {
            fingerprint: issued.fingerprint,
            generation: issued.generation,
            expires_at: issued.expires_at,
            at: self.workshop.clock.now().wall,
        };
        let given = reply.send(Ok(issued)).is_ok();
        let Workshop { account, consumers, .. } = &*self.workshop;
        match consumer {
            Some(consumer) if given && consumers.note(account, consumer, taken) => {
                self.beside.took(account, consumer, taken);
                Seen::News
            }
            Some(_) | None => Seen::Nothing,
        }
    }

    /// The token in hand as an answer to this request, as long as it lives.
    fn in_hand(&self, request: &TokenRequest) -> Option<IssuedToken> {
        let now = self.workshop.clock.now();
        let (held, current) = self.session.held().zip(self.current.as_deref())?;
        let asked = freshness::min_valid(&held.facts, request.min_valid);
        let over = self.session.end().is_some_and(|end| end.over(now));
        (!over && freshness::left(&held.facts, now) > SignedDuration::ZERO).then(|| IssuedToken {
            access: current.access.clone(),
            token_type: current.token_type.clone(),
            proof_key: current.proof_key.clone(),
            cookies: current.cookies.clone(),
            expires_at: current.expires_at,
            generation: held.facts.generation,
            fingerprint: held.facts.access_fingerprint,
            min_valid_capped: asked.capped,
            falls_short: !freshness::covers(&held.facts, asked.required, now),
        })
    }

    /// Whether the session may renew for a program that needs a better token. While it waits, the machine decides
    /// whether the request cuts that short.
    fn renews_for_programs(&self) -> bool {
        matches!(self.session.state(), State::SignedIn | State::Waiting { .. })
    }

    /// The answer for a waiter, if it is time to give one.
    fn token_for(&self, waiter: &TokenWaiter) -> Option<Result<IssuedToken, EngineError>> {
        let now = self.workshop.clock.now();
        let late = waiter.until.passed(now);
        if let Some(issued) = self.in_hand(&waiter.request) {
            let renewable = self.session.held().is_some_and(|held| held.facts.renewable());
            let no_better = matches!(self.session.state(), State::NeedsSignIn { .. }) || !renewable;
            if !issued.falls_short || late || no_better {
                return Some(Ok(issued));
            }
        }
        match self.session.state() {
            State::SignedOut { reason } | State::NeedsSignIn { reason } => {
                Some(Err(EngineError::SignInNeeded { reason: reason.clone() }))
            }
            _ if !late => None,
            State::Waiting { reason, until } => Some(Err(not_now(reason, Some(*until)))),
            State::Saving { problem, .. } => Some(Err(EngineError::Vault { problem: *problem })),
            State::SigningIn { .. } => Some(Err(EngineError::Busy)),
            State::SignedIn | State::Renewing { .. } => Some(Err(not_now(&Reason::RenewalUnderWay, None))),
        }
    }
}

fn not_now(reason: &Reason, until: Option<Stamp>) -> EngineError {
    if let Reason::Vault { problem } = reason {
        EngineError::Vault { problem: *problem }
    } else if let Reason::Unreachable { what } = reason {
        EngineError::Unreachable { what: what.clone() }
    } else {
        EngineError::NotNow { reason: reason.clone(), next_at: until.map(|at| at.wall) }
    }
}
