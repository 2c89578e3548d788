//! The programs that an account runs when its session changes.
//!
//! **Invariants:** a program gets facts and no token; it holds up neither the session nor another account; of one account
//! one program runs at a time, in the order of what happened. A change is told by the process that made it: whoever finds
//! it in the vault took it over and tells nobody. What no process made (a session without a refresh token that runs out) is
//! told by the first that claims it ([`crate::ports::RenewalLock::first`]).

mod event;
mod run;

use std::sync::{Arc, Mutex, PoisonError};

use jiff::SignedDuration;
use latchkey_core::account::AccountName;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::{debug, warn};

use crate::command_line::ProgramFlaw;
use crate::config::{Hook, HookEvent};
use crate::ports::{Clock, RenewalLock};

pub(crate) use event::{Event, of_kind};

/// How many events of an account may wait for the programs to end. What comes beyond that is not told.
const WAITING: usize = 16;

/// How much longer than one program may take its end is waited for: the program that runs is to come to its own limit.
const TO_ITS_LIMIT: SignedDuration = SignedDuration::from_secs(2);

/// The variable that says what a program is run for. Latchkey run by such a program runs none itself: that would go round.
const VARIABLE: &str = "LATCHKEY_EVENT";

/// Tells an account's programs what happens to its session.
pub(crate) struct Hooks {
    account: AccountName,
    wanted: Vec<HookEvent>,
    /// The longest that one of the programs may take.
    patience: SignedDuration,
    clock: Arc<dyn Clock>,
    going: Mutex<Option<Going>>,
}

/// The task that runs the programs, and the way to it.
struct Going {
    queue: mpsc::Sender<Event>,
    task: JoinHandle<()>,
}

impl Hooks {
    /// Begins to tell these programs.
    pub(crate) fn start(
        account: &AccountName,
        hooks: &[Hook],
        clock: &Arc<dyn Clock>,
        lock: &Arc<dyn RenewalLock>,
    ) -> Self {
        let within = std::env::var_os(VARIABLE).is_some();
        let mut wanted: Vec<HookEvent> = hooks.iter().flat_map(|hook| hook.events.iter().copied()).collect();
        if within {
            wanted.clear();
        }
        let going = (!wanted.is_empty()).then(|| {
            let (queue, mut events) = mpsc::channel::<Event>(WAITING);
            let (account, hooks) = (account.clone(), hooks.to_vec());
            let (clock, lock) = (clock.clone(), lock.clone());
            let task = tokio::spawn(async move {
                while let Some(event) = events.recv().await {
                    if let Some(claim) = &event.claim
                        && !lock.first(&account, claim).await
                    {
                        debug!(
                            account = account.as_str(),
                            kind = "hook_left_out",
                            event = event.what.name(),
                            "Another process has told of this"
                        );
                        continue;
                    }
                    for hook in hooks.iter().filter(|hook| hook.events.contains(&event.what)) {
                        run::run(&account, hook, &event, &*clock).await;
                    }
                }
            });
            Going { queue, task }
        });
        let patience = hooks.iter().map(|hook| hook.time_limit).max().unwrap_or_default();
        Self { account: account.clone(), wanted, patience, clock: clock.clone(), going: Mutex::new(going) }
    }

    /// Whether a program wants to hear of this.
    pub(crate) fn want(&self, what: HookEvent) -> bool {
        self.wanted.contains(&what)
    }

    /// Tells it, after what was told before. Never waits.
    pub(crate) fn tell(&self, event: Event) {
        if !self.want(event.what) {
            return;
        }
        let what = event.what.name();
        let going = self.going.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(going) = &*going else { return };
        if going.queue.try_send(event).is_err() {
            warn!(
                account = self.account.as_str(),
                kind = "hook_dropped",
                event = what,
                "The programs of this account do not keep up: {WAITING} events wait, and this one is not told"
            );
        }
    }

    /// Waits until the programs have heard everything, as long as one of them may take. Then what runs is ended.
    pub(crate) async fn finish(&self) {
        let going = self.going.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Going { queue, mut task }) = going else { return };
        drop(queue);
        let patience = self.patience.saturating_add(TO_ITS_LIMIT);
        let end = self.clock.now().boot.saturating_add(patience);
        tokio::select! {
            _ = &mut task => {}
            () = self.clock.sleep_until(end) => {
                task.abort();
                warn!(
                    account = self.account.as_str(), kind = "hook_dropped",
                    "Programs of this account were still busy when it was let go of; what they had not heard is not told"
                );
            }
        }
    }
}

/// What is odd about the programs of an account, as they are on this machine; once for each of them.
pub(crate) fn flaws(hooks: &[Hook]) -> Vec<(String, ProgramFlaw)> {
    let mut found = Vec::new();
    for flaw in hooks.iter().filter_map(|hook| Some((hook.run.to_string(), hook.run.flaw()?))) {
        if !found.contains(&flaw) {
            found.push(flaw);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command_line::CommandLine;

    #[test]
    fn a_program_that_is_run_twice_is_complained_about_once() {
        let hook = |words: [&str; 2]| Hook {
            run: CommandLine::new(&words.map(str::to_owned)).unwrap(),
            events: HookEvent::ALL.into(),
            time_limit: SignedDuration::from_secs(1),
        };
        let hooks = [hook(["no-such-program", "a"]), hook(["no-such-program", "b"]), hook(["no-other", "a"])];
        let named: Vec<_> = flaws(&hooks).into_iter().map(|(program, _)| program).collect();
        assert_eq!(named, ["no-such-program", "no-other"]);
    }
}
