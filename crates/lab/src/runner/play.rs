//! One scenario from its first step to its last.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use latchkey_engine::http::Http;
use latchkey_engine::lab::{Held, Spent};
use latchkey_engine::ports::Clock as _;

use super::Person;
use super::trace::{Judgement, Outcome, Run, Side, Span, SpanKind};
use crate::client::{Client, Seen};
use crate::scenario::{Presence, Scenario, SecondClient, Step, Which};
use crate::stage::{Backend, Stage};

/// Questions after which whatever the last move set off has begun: each passes through the client's task.
const QUESTIONS: u32 = 40;
/// The smallest step of a clock while a request waits for time to pass.
const SMALL: SignedDuration = SignedDuration::from_secs(1);
/// The longest that anything may take in real time before the run is given up.
const PATIENCE: Duration = Duration::from_mins(1);

/// Plays a scenario on a stage.
pub async fn play<C: Client>(
    scenario: &Scenario,
    stage: &mut Stage,
    client: &mut C,
    person: &Person,
) -> Outcome {
    let begun = stage.elapsed();
    let began_at = stage.now();
    let mut play = Play {
        stage,
        client,
        person,
        begun,
        began_at,
        run: Run { began_at: began_at.to_string(), ..Run::default() },
        judgements: Vec::new(),
        held: Vec::new(),
        anew: false,
        replayed: None,
        counted_from: 0,
        requests_told: 0,
        open: Vec::new(),
    };
    let broken = play.steps(&scenario.steps).await.err();
    let (judgements, run) = play.ends().await;
    Outcome { broken, ..Outcome::of(scenario, judgements, run) }
}

pub(super) struct Play<'a, C: Client> {
    pub(super) stage: &'a mut Stage,
    pub(super) client: &'a mut C,
    person: &'a Person,
    pub(super) begun: SignedDuration,
    pub(super) began_at: Timestamp,
    pub(super) run: Run,
    pub(super) judgements: Vec<Judgement>,
    /// The tokens the client had, oldest first, each generation once.
    pub(super) held: Vec<Held>,
    /// Whether somebody has signed in since the last of them, who replaced none.
    pub(super) anew: bool,
    /// What became of the last replay.
    pub(super) replayed: Option<Spent>,
    /// How many refreshes the backend had seen when counting began.
    pub(super) counted_from: usize,
    pub(super) requests_told: usize,
    /// What the world is like at the moment, and since when.
    pub(super) open: Vec<(SpanKind, i32)>,
}

impl<C: Client> Play<'_, C> {
    async fn steps(&mut self, steps: &[Step]) -> Result<(), String> {
        for (place, step) in steps.iter().enumerate() {
            let number = u32::try_from(place + 1).unwrap_or(u32::MAX);
            // In real time a step may take as long as it says.
            let said = if self.stage.manual().is_some() {
                Duration::ZERO
            } else {
                let window = self.stage.account.policy.grace_window.unwrap_or_default();
                Duration::try_from(step.at_most().saturating_add(window)).unwrap_or_default()
            };
            let guard = PATIENCE + said;
            let stepping = self.step(number, step);
            match tokio::time::timeout(guard, stepping).await {
                Ok(done) => done.map_err(|what| format!("step {number}: {what}"))?,
                Err(_) => {
                    return Err(format!("step {number}: nothing more happened for {} s", guard.as_secs()));
                }
            }
            self.settle().await;
        }
        Ok(())
    }

    async fn step(&mut self, number: u32, step: &Step) -> Result<(), String> {
        match step {
            Step::SignIn(_) => self.signs_in().await?,
            Step::Advance(long) => self.advance(*long).await,
            Step::Next(times) => {
                for _ in 0..*times {
                    self.next_thing().await;
                }
            }
            Step::Renew(_) => {
                self.note(Side::Lab, "asks the client to renew now", false);
                self.renews().await;
            }
            Step::Fault(fault) => {
                self.count_from_here();
                let words = format!("plans a fault at {}: {}", fault.at, fault.mode.name());
                self.note(Side::Lab, &words, true);
                self.stage.faults().add(fault.fault()).map_err(|error| error.to_string())?;
            }
            Step::ClearFaults(_) => {
                self.note(Side::Lab, "clears the faults", false);
                self.stage.faults().clear();
            }
            Step::Backend(presence) => self.backend(*presence).await?,
            Step::Network(presence) => {
                self.count_from_here();
                self.presence(*presence, SpanKind::Offline, "the network");
                self.stage.network.is_away(*presence == Presence::Away);
            }
            Step::Sleep(long) => self.sleeps(*long).await,
            Step::Clock(ahead) => {
                self.note(Side::Lab, &format!("sets the client's wall clock by {}", in_words(*ahead)), true);
                if let Some(clock) = self.stage.manual() {
                    clock.advance_wall(*ahead);
                }
            }
            Step::Revoke(_) => self.revokes().await,
            Step::Replay(which) => self.replays(*which).await?,
            Step::Reject(which) => {
                let token = match which {
                    Which::Old => "the access token that was replaced",
                    Which::Current => "the access token in force",
                };
                self.note(Side::Lab, &format!("a resource server does not take {token}"), true);
                self.client.rejected(*which).await;
            }
            Step::Restart(_) => {
                self.note(Side::Lab, "kills the client's process and starts another", true);
                self.client.restart().await;
            }
            Step::SecondClient(SecondClient::Renew) => {
                self.note(Side::Lab, "a second process of the client renews", false);
                self.client.second_renews().await;
            }
            Step::Vault(presence) => {
                self.presence(*presence, SpanKind::VaultAway, "the client's vault");
                self.client.vault_is_away(*presence == Presence::Away);
            }
            Step::ExpectClient(expect) => self.expects_of_client(number, expect).await,
            Step::ExpectBackend(expect) => self.expects_of_backend(number, expect).await,
        }
        Ok(())
    }

    async fn signs_in(&mut self) -> Result<(), String> {
        self.count_from_here();
        self.note(Side::Lab, "signs in", false);
        self.remember_tokens().await;
        self.anew = true;
        let http = Http::new().map_err(|error| error.to_string())?;
        let (how, _) = self.person.sign_in(&self.stage.account.provider, &http)?;
        self.client.sign_in(how).await.map_err(|error| format!("the sign-in failed: {error}"))
    }

    /// A renewal that was asked for, with time passing where the backend takes its time.
    async fn renews(&mut self) {
        let Some(mut waiting) = self.server_sleepers() else {
            self.client.renew().await;
            return;
        };
        let clock = self.stage.manual().cloned();
        let renewing = self.client.renew();
        tokio::pin!(renewing);
        loop {
            tokio::select! {
                () = &mut renewing => return,
                () = some_wait(&mut waiting) => {
                    if let Some(clock) = &clock {
                        clock.advance(SMALL);
                    }
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    async fn backend(&mut self, presence: Presence) -> Result<(), String> {
        self.count_from_here();
        self.presence(presence, SpanKind::BackendAway, "the backend");
        if let Backend::Own(own) = &mut self.stage.backend {
            match presence {
                Presence::Away => own.goes_away().await,
                Presence::Back => own.comes_back().await.map_err(|error| error.to_string())?,
            }
        }
        Ok(())
    }

    async fn sleeps(&mut self, long: SignedDuration) {
        let from = self.after();
        self.note(Side::Lab, &format!("the machine sleeps for {}", in_words(long)), false);
        if let Some(clock) = self.stage.manual() {
            clock.sleep(long);
        }
        let to_ms = self.after();
        self.run.spans.push(Span { kind: SpanKind::Asleep, from_ms: from, to_ms });
        self.settle().await;
        // A wake looks at the network within the first second.
        self.advance(SMALL).await;
    }

    async fn revokes(&mut self) {
        self.note(Side::Lab, "an administrator revokes the user's sessions", true);
        if let Backend::Own(own) = &self.stage.backend
            && let Some(server) = own.server()
        {
            server.revoke("demo").await;
        }
    }

    async fn replays(&mut self, which: Which) -> Result<(), String> {
        self.remember_tokens().await;
        let newest = self.held.len().checked_sub(1);
        let place = match which {
            Which::Current => newest,
            Which::Old => newest.and_then(|newest| newest.checked_sub(1)),
        };
        let held = place.and_then(|place| self.held.get(place)).cloned();
        let held = held.ok_or("the client has had no such token yet; renew first")?;
        let token = match which {
            Which::Old => "the refresh token that was replaced",
            Which::Current => "the refresh token in force",
        };
        if which == Which::Old && self.stage.manual().is_none() {
            // Within its grace window a backend is right to repeat its answer.
            let window = self.stage.account.policy.grace_window.unwrap_or_default();
            if window.is_positive() {
                self.note(Side::Lab, &format!("lets the grace window of {} pass", in_words(window)), false);
                self.advance(window.saturating_add(SMALL)).await;
            }
        }
        self.note(Side::Lab, &format!("somebody else presents {token}"), true);
        let spent = self.stage.presented(&held).await;
        let unknown = self.stage.manual().is_none() && self.stage.account.policy.grace_window.is_none();
        if which == Which::Old && unknown && spent.is_renewed() {
            // Within a grace window that was right, and nobody knows how long it is.
            return Err("the backend took a used token, which is right within its grace window, and how long that is \
                        is not known: measure it first with `latchkey lab profile`"
                .to_owned());
        }
        self.replayed = Some(spent);
        Ok(())
    }

    /// Time passes until what the client plans next has happened.
    async fn next_thing(&mut self) {
        let seen = self.settle().await;
        let Some(next) = seen.next else { return };
        let left = next.duration_since(self.stage.now());
        // A plan is met once its moment has come, and not a little before.
        self.advance(left.max(SignedDuration::ZERO).saturating_add(SignedDuration::from_millis(1))).await;
    }

    /// So much time passes, from one plan of the client to the next, and everything that becomes due happens.
    pub(super) async fn advance(&mut self, long: SignedDuration) {
        let until = self.stage.elapsed().saturating_add(long);
        if self.stage.manual().is_none() {
            self.wait_until(until).await;
            return;
        }
        loop {
            let seen = self.settle().await;
            let left = until.saturating_sub(self.stage.elapsed());
            if !left.is_positive() {
                return;
            }
            self.tick(&seen, left);
        }
    }

    /// Moves the clock to what comes next: the client's plan, the end of the wait, or a little where the backend waits
    /// for time to pass.
    fn tick(&self, seen: &Seen, left: SignedDuration) {
        let Some(clock) = self.stage.manual() else { return };
        let planned = seen.next.map(|next| next.duration_since(clock.now().wall));
        let step = match planned {
            _ if self.server_sleepers().is_some_and(|sleepers| *sleepers.borrow() > 0) => SMALL,
            Some(planned) if planned.is_positive() => planned.saturating_add(SignedDuration::from_millis(1)),
            // What is due by now was seen to by `settle`; where it is not, it waits for something else.
            Some(_) => SMALL,
            None => left,
        };
        clock.advance(step.min(left).max(SignedDuration::from_millis(1)));
    }

    /// Real time passes, and what happens meanwhile is written down as it does.
    async fn wait_until(&mut self, until: SignedDuration) {
        let clock = self.stage.clock();
        loop {
            self.look().await;
            tokio::select! {
                () = clock.sleep_until(until) => break,
                () = self.client.changed() => {}
            }
        }
    }

    /// Waits until it is so, for at most so much time of the stage.
    pub(super) async fn until(&mut self, within: SignedDuration, is_so: impl Fn(&Seen) -> bool) -> Seen {
        let until = self.stage.elapsed().saturating_add(within);
        let clock = self.stage.clock();
        loop {
            let seen = self.settle().await;
            let left = until.saturating_sub(self.stage.elapsed());
            if is_so(&seen) || !left.is_positive() {
                return seen;
            }
            if self.stage.manual().is_some() {
                self.tick(&seen, left);
            } else {
                tokio::select! {
                    () = clock.sleep_until(until) => {}
                    () = self.client.changed() => {}
                }
            }
        }
    }

    /// Waits until whatever the last move set off has been done, or needs time to pass.
    pub(super) async fn settle(&mut self) -> Seen {
        loop {
            let mut seen = self.client.seen().await;
            for _ in 0..QUESTIONS {
                tokio::task::yield_now().await;
                seen = self.client.seen().await;
            }
            let waiting = self.server_sleepers();
            let waits = waiting.as_ref().is_some_and(|waiting| *waiting.borrow() > 0);
            if !seen.is_busy() || waits {
                self.look().await;
                return seen;
            }
            match waiting {
                Some(mut waiting) => tokio::select! {
                    () = self.client.changed() => {}
                    () = some_wait(&mut waiting) => {}
                },
                None => self.client.changed().await,
            }
        }
    }

    fn server_sleepers(&self) -> Option<tokio::sync::watch::Receiver<usize>> {
        match &self.stage.backend {
            Backend::Own(own) => Some(own.waits_for_time()),
            Backend::Proxied(_) => None,
        }
    }
}

/// Waits until a request at the backend waits for time to pass.
async fn some_wait(waiting: &mut tokio::sync::watch::Receiver<usize>) {
    // What it gives is a lock, which whoever stops waiting needs: it must not outlive this.
    let _ = waiting.wait_for(|count| *count > 0).await;
}

pub(super) fn in_words(long: SignedDuration) -> String {
    let sign = if long.is_negative() { "−" } else { "" };
    format!("{sign}{}", latchkey_core::policy::in_words(long.abs()))
}
