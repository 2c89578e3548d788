//! One task for each account: it feeds the session machine and runs what the machine wants done.
//!
//! This file hears: what is asked, what was done, what time it is, what happens around. `effects` does what the
//! machine wants done, `around` notices what happens around, `answers` answers those who wait.

mod answers;
mod around;
mod attempts;
mod closing;
mod effects;
mod message;
mod programs;
mod revalidation;

use std::sync::Arc;

use jiff::SignedDuration;
use latchkey_core::reason::VaultProblem;
use latchkey_core::record::{Level, Record};
use latchkey_core::session::{self, EffectId, Input, Session, State};
use latchkey_core::time::{Jitter, Now};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::task::TaskTracker;

use answers::{Seen, TokenWaiter};
use closing::Closing;
use message::{Boxed, Done};
pub(crate) use message::{Message, Outbox};
use revalidation::Revalidation;

use crate::engine::Sessions;
use crate::error::EngineError;
use crate::event_log;
use crate::ports::Clock;
use crate::prompts::Prompts;
use crate::sign_in::{Attempt, SignIn};
use crate::snapshot::{Beside, SessionStatus, SignInPrompt, status};
use crate::surroundings::{Surroundings, changed};
use crate::workshop::{Arrived, Workshop};

/// The task of one account.
pub(crate) struct Actor {
    session: Session,
    workshop: Arc<Workshop>,
    prompter: Arc<Prompts>,
    inbox: mpsc::UnboundedReceiver<Boxed>,
    /// For the tasks that are begun, so that they can tell how they ended.
    outbox: Outbox,
    sessions: watch::Sender<Sessions>,
    /// Whether renewals happen by themselves, or only while someone waits for something.
    background: bool,
    /// What happens around, where renewals happen by themselves.
    around: Option<watch::Receiver<Surroundings>>,
    /// What was seen of that.
    seen: Surroundings,
    /// How long the machine had slept when that was looked at last.
    asleep: SignedDuration,
    beside: Beside,
    /// What is handed out.
    current: Option<Box<Arrived>>,
    /// What will be handed out once the session publishes it.
    arrived: Option<Box<Arrived>>,
    /// How the sign-in that was asked for is to be done.
    how: Option<Box<SignIn>>,
    /// What the next renewal is to change in the session.
    update: Option<Box<serde_json::Value>>,
    revalidation: Revalidation,
    /// The sign-in under way. One that was given up may end after the next has begun.
    attempt: Option<(EffectId, Attempt)>,
    /// What a person is to be shown for it.
    prompts: Option<mpsc::UnboundedReceiver<SignInPrompt>>,
    /// What sign-ins that are over still show the person.
    farewells: TaskTracker,
    under_way: u32,
    sign_in_waiter: Option<oneshot::Sender<Result<SessionStatus, EngineError>>>,
    sign_out_waiters: Vec<oneshot::Sender<Result<SessionStatus, EngineError>>>,
    renew_waiters: Vec<oneshot::Sender<Result<SessionStatus, EngineError>>>,
    token_waiters: Vec<TokenWaiter>,
    /// The reading of the vault that was begun last.
    reading: Option<EffectId>,
    /// Whether that takes in what another process changed.
    behind: bool,
    /// What was asked before the vault had been read, for the first time or after another process changed it.
    deferred: Vec<Message>,
    /// Why erasing failed the last time.
    erase_problem: Option<VaultProblem>,
    closing: Option<Closing>,
    /// Whether what is being taken in is this process's own doing, and no other's that was found in the vault.
    ours: bool,
}

impl Actor {
    /// Opens the session; [`Actor::run`] then lives until it is told to close.
    pub(crate) fn open(
        workshop: Arc<Workshop>,
        prompter: Arc<Prompts>,
        sessions: watch::Sender<Sessions>,
        background: bool,
        around: Option<watch::Receiver<Surroundings>>,
        beside: Beside,
    ) -> (Self, Outbox) {
        let (outbox, inbox) = mpsc::unbounded_channel();
        let outbox = Outbox(outbox);
        let step = session::open(workshop.account.clone(), workshop.policy.clone(), draw(&*workshop.clock));
        let asleep = workshop.clock.asleep();
        let seen = around.as_ref().map_or_else(Surroundings::default, |around| *around.borrow());
        let mut actor = Self {
            session: step.session.clone(),
            workshop,
            prompter,
            inbox,
            outbox: outbox.clone(),
            sessions,
            background,
            around,
            seen,
            asleep,
            beside,
            current: None,
            arrived: None,
            how: None,
            update: None,
            revalidation: Revalidation::default(),
            attempt: None,
            prompts: None,
            farewells: TaskTracker::new(),
            under_way: 0,
            sign_in_waiter: None,
            sign_out_waiters: Vec::new(),
            renew_waiters: Vec::new(),
            token_waiters: Vec::new(),
            reading: None,
            behind: false,
            deferred: Vec::new(),
            erase_problem: None,
            closing: None,
            ours: false,
        };
        actor.take(step);
        (actor, outbox)
    }

    /// Runs until closed.
    // Boxed, since a task would keep room for it twice: where it came from and where it is.
    pub(crate) async fn run(mut self: Box<Self>) {
        'all: loop {
            self.notice_sleep();
            self.go_on_revalidating();
            self.answer_waiters();
            self.show();
            if self.ended() {
                return;
            }
            let wake = self.wake_at();
            let clock = self.workshop.clock.clone();
            let woken = async {
                match wake {
                    Some(at) => clock.sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            let mut woken = std::pin::pin!(woken);
            let message = loop {
                let message = tokio::select! {
                    message = self.inbox.recv() => message,
                    () = async { match &mut self.around { Some(around) => changed(around).await, None => std::future::pending().await } } => {
                        self.look_around();
                        continue 'all;
                    }
                    Some(prompt) = async { match &mut self.prompts { Some(prompts) => prompts.recv().await, None => None } } => {
                        self.beside.prompt = Some(prompt).filter(|_| self.attempt.is_some()).map(Box::new);
                        continue 'all;
                    }
                    () = woken.as_mut() => {
                        self.notice_sleep();
                        self.input(Input::TimePassed);
                        continue 'all;
                    }
                };
                // Programs that ask for the token in hand change nothing that is shown or waited for.
                match message.map(|message| self.at_once(*message)) {
                    Some(Ok(Seen::Nothing)) => {}
                    Some(Ok(Seen::News)) => continue 'all,
                    Some(Err(message)) => break Some(message),
                    None => break None,
                }
            };
            match message {
                Some(message) => self.hear(message),
                None => return,
            }
        }
    }

    fn hear(&mut self, message: Message) {
        match message {
            // Nothing can be answered before it is known what the vault holds.
            message if self.opening() && !matches!(message, Message::Done(_) | Message::Close { .. }) => {
                self.deferred.push(message);
            }
            message if message.looks() && self.is_behind() => self.deferred.push(message),
            Message::SignIn(how, reply) => self.sign_in(how, reply),
            Message::CancelSignIn => self.cancel_sign_in(),
            Message::SignOut(reply) => {
                self.sign_out_waiters.push(reply);
                self.input(Input::SignOutRequested);
            }
            Message::Renew(asker, reply) => {
                self.input(Input::RenewRequested(asker));
                self.renew_waiters.push(reply);
            }
            Message::Token(request, consumer, reply) => {
                // A single command renews what a crash left open as well, whatever the token is good for, and erases what
                // has come to its end.
                if self.session.unanswered() || self.session.expiring() {
                    self.input(Input::TimePassed);
                }
                let until = self.workshop.clock.now().plus(request.wait);
                self.token_waiters.push(TokenWaiter { request, consumer, until, asked: false, reply });
            }
            Message::Revalidate(reply) => self.revalidate(reply),
            Message::Revalidated(found) => self.heard_identity(*found),
            Message::UpdateSession(data, reply) => self.update_session(data, reply),
            Message::Inspect(reply) => self.inspect(reply),
            Message::InspectOther(token, reply) => {
                let workshop = self.workshop.clone();
                tokio::spawn(async move {
                    let _ = reply.send(workshop.inspect_other(&token).await);
                });
            }
            Message::OpenCookie(secret, reply) => self.open_cookie(secret, reply),
            Message::TokenRejected(fingerprint, reply) => {
                self.input(Input::TokenRejected(fingerprint));
                self.renew_waiters.extend(reply);
            }
            Message::Used => self.input(Input::Used),
            Message::Reload => {
                if !self.is_behind() {
                    self.input(Input::ReloadRequested);
                }
            }
            Message::Look => {}
            Message::Status(reply) => {
                let _ = reply.send(self.status());
            }
            Message::Close { closed, for_good } => {
                self.closing = Some(Closing { closed, for_good, tried: false });
            }
            Message::Done(done) => self.finished(*done),
        }
    }

    fn finished(&mut self, done: Done) {
        self.under_way -= 1;
        let begun = self.attempt.as_ref().map(|(id, _)| *id);
        let signed_in = matches!(done.input, Input::Authenticated(id, _) if Some(id) == begun);
        if let Input::Wiped(_, outcome) = &done.input {
            self.erase_problem = outcome.err();
        }
        self.notice_skew();
        // What an answer asks for by the way; a reading that was asked for is none of these.
        if self.workshop.http.asked_to_revalidate() && !self.workshop.provider.reads_sessions() {
            self.revalidate(None);
        }
        // What comes too late takes the place of nothing: tokens that wait to be saved are nowhere else.
        match done.arrived {
            Some(arrived) if self.session.awaits(&done.input) => self.arrived = Some(Box::new(arrived)),
            Some(arrived) => self.let_go_of(arrived),
            None => {}
        }
        self.input(done.input);
        // What was neither published nor waits to be saved is of no use, and the lock it holds is wanted.
        if !self.saving() {
            self.arrived = None;
        }
        if signed_in {
            self.end_attempt();
            if let Some(waiter) = self.sign_in_waiter.take() {
                let _ = waiter.send(done.told.map_or_else(|| Ok(self.status()), Err));
            }
        }
        if !self.opening() {
            for message in std::mem::take(&mut self.deferred) {
                self.hear(message);
            }
        }
    }

    fn input(&mut self, input: Input) {
        let before = self.session.state().name();
        // A new session has an end of its own: nothing has moved.
        let ceiling = self.ceiling().filter(|_| !matches!(self.session.state(), State::SigningIn { .. }));
        self.ours = programs::is_ours(&input, &self.workshop);
        let step = session::step(self.session.clone(), input, draw(&*self.workshop.clock));
        self.take(step);
        let after = self.session.state().name();
        if before != after {
            let message = format!("{before} → {after}");
            let account = &self.workshop.account;
            event_log::emit(account, &Record::new(Level::Debug, "state", message));
        }
        self.notice_reach();
        self.notice_ceiling(ceiling);
    }

    fn saving(&self) -> bool {
        matches!(self.session.state(), State::Saving { .. })
    }

    fn status(&self) -> SessionStatus {
        let now = self.workshop.clock.now();
        let Workshop { account, consumers, consent, .. } = &*self.workshop;
        let consumers = |in_hand| consumers.status(account, *consent, in_hand, now);
        status(&self.session, self.workshop.provider.name(), &self.beside, consumers, now)
    }

    /// Shows the session to whoever watches, if anything changed.
    fn show(&self) {
        let shown = self.status();
        self.sessions.send_if_modified(|sessions| {
            let name = &self.workshop.account;
            if sessions.get(name).is_some_and(|before| **before == shown) {
                return false;
            }
            sessions.insert(name.clone(), Arc::new(shown));
            true
        });
    }
}

/// The time, and a number drawn for it.
fn draw(clock: &dyn Clock) -> Now {
    let mut bytes = [0; 2];
    // Without randomness the schedule is merely less spread out.
    let _ = getrandom::fill(&mut bytes);
    Now { stamp: clock.now(), jitter: Jitter(u16::from_le_bytes(bytes)) }
}

/// It lives as long as its account.
#[cfg(target_os = "linux")]
const _: () = assert!(size_of::<Actor>() <= 1672, "a thousand accounts need room");
