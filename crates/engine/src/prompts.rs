//! When a person is told something: not while the screen is locked, and not in the first moment after a wake, when
//! half of what is wrong rights itself. What waited is told afterwards if it still holds, and once. However many
//! programs ask for a session that needs its person, that person is reminded of it once an hour.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use latchkey_core::account::AccountName;
use latchkey_core::session::Notice;
use latchkey_core::time::Stamp;

use crate::ports::{Clock, Notifier, Screen};
use crate::snapshot::{SessionStatus, StateName};

/// How long nothing is shown after a wake.
const AFTER_WAKE: SignedDuration = SignedDuration::from_secs(30);
/// How often a locked screen is looked at while something waits for it.
const LOOK: SignedDuration = SignedDuration::from_secs(15);
/// How often programs that ask remind a person of the same.
const REMINDED: SignedDuration = SignedDuration::from_hours(1);
/// The shortest sleep that counts: the clocks it is told from are read one after the other.
const SLEPT: SignedDuration = SignedDuration::from_secs(2);

/// An end that moved by less did not: two clocks are read one after the other.
const MOVED: SignedDuration = SignedDuration::from_secs(1);

/// What may be told to a person, and whether it still holds.
type Holds = Box<dyn Fn(&AccountName, &Told) -> bool + Send + Sync>;

/// Something that a person is to be told.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told {
    /// Of a session.
    Notice(Notice),
    /// That a program asks for an account's tokens.
    Consent(String),
}

/// Tells people what they are to be told, when they can see it.
pub(crate) struct Prompts {
    clock: Arc<dyn Clock>,
    /// None where whoever runs this looks at it anyway.
    screen: Option<Arc<dyn Screen>>,
    notifier: Arc<dyn Notifier>,
    holds: Holds,
    waiting: Mutex<BTreeSet<Key>>,
    /// What was told when, on the boot-time clock.
    told: Mutex<BTreeMap<Key, SignedDuration>>,
    woken: Mutex<Woken>,
}

/// An account, and the kind of what is told of it.
type Key = (AccountName, &'static str);

/// The last wake that was noticed.
struct Woken {
    asleep: SignedDuration,
    at: Option<SignedDuration>,
}

impl Prompts {
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        screen: Option<Arc<dyn Screen>>,
        notifier: Arc<dyn Notifier>,
        holds: Holds,
    ) -> Arc<Self> {
        let woken = Mutex::new(Woken { asleep: clock.asleep(), at: None });
        let (waiting, told) = (Mutex::default(), Mutex::default());
        Arc::new(Self { clock, screen, notifier, holds, waiting, told, woken })
    }

    /// Of what tells nobody anything, and opens whatever is asked.
    pub(crate) fn of_nobody(clock: Arc<dyn Clock>) -> Arc<Self> {
        struct Nobody;
        impl Notifier for Nobody {
            fn notify(&self, _: &AccountName, _: &Notice) {}
        }
        Self::new(clock, None, Arc::new(Nobody), Box::new(|_, _| true))
    }

    /// Tells it now, or when the person is back; the same at most once meanwhile.
    pub(crate) fn tell(self: &Arc<Self>, account: &AccountName, what: Told) {
        let key = (account.clone(), what.code());
        lock(&self.told).insert(key.clone(), self.clock.now().boot);
        if self.screen.is_none() {
            return self.say(account, &what);
        }
        if !lock(&self.waiting).insert(key.clone()) {
            return;
        }
        let prompts = self.clone();
        tokio::spawn(async move {
            let waited = prompts.until_seen().await;
            lock(&prompts.waiting).remove(&key);
            let (account, _) = key;
            if !waited || (prompts.holds)(&account, &what) {
                prompts.say(&account, &what);
            }
        });
    }

    /// Tells it again because a program asked for what only the person can give, unless it was told lately.
    pub(crate) fn remind(self: &Arc<Self>, account: &AccountName, what: Told) {
        let last = lock(&self.told).get(&(account.clone(), what.code())).copied();
        let now = self.clock.now().boot;
        if last.is_none_or(|last| now.saturating_sub(last) >= REMINDED) {
            self.tell(account, what);
        }
    }

    fn say(&self, account: &AccountName, what: &Told) {
        match what {
            Told::Notice(notice) => self.notifier.notify(account, notice),
            Told::Consent(program) => self.notifier.consent_asked(account, program),
        }
    }

    /// Whether a page may be opened in front of the person now.
    pub(crate) async fn may_open(&self) -> bool {
        match &self.screen {
            Some(screen) => !screen.locked().await,
            None => true,
        }
    }

    /// Waits until somebody can see what is shown. Whether that took a while.
    async fn until_seen(&self) -> bool {
        let mut waited = false;
        loop {
            let pause = match self.since_wake() {
                Some(since) if since < AFTER_WAKE => AFTER_WAKE.saturating_sub(since),
                Some(_) | None if !self.may_open().await => LOOK,
                Some(_) | None => return waited,
            };
            waited = true;
            self.clock.sleep_until(self.clock.now().boot.saturating_add(pause)).await;
        }
    }

    /// How long ago the machine woke. A sleep that was not noticed before has ended just now, as far as one knows.
    fn since_wake(&self) -> Option<SignedDuration> {
        let (asleep, now) = (self.clock.asleep(), self.clock.now().boot);
        let mut woken = lock(&self.woken);
        if asleep.saturating_sub(woken.asleep) >= SLEPT {
            *woken = Woken { asleep, at: Some(now) };
        }
        woken.at.map(|at| now.saturating_sub(at))
    }
}

impl SessionStatus {
    /// Whether what a notice says of it still holds: somebody may have signed in meanwhile, or used it.
    pub fn bears_out(&self, notice: &Notice, now: Stamp) -> bool {
        match notice {
            Notice::SignInNeeded(_) => matches!(self.state, StateName::NeedsSignIn | StateName::SignedOut),
            Notice::CannotSave(_) => self.state == StateName::Saving,
            Notice::EndsSoon(end) => {
                let known = self.clocks.session.as_ref().and_then(|clock| clock.expires_at.parse().ok());
                // Each by its own clock: the wall clock may have been set.
                let told = end.at.boot.saturating_sub(now.boot);
                known.is_some_and(|at: Timestamp| (at.duration_since(now.wall) - told).abs() < MOVED)
            }
        }
    }
}

impl Told {
    fn code(&self) -> &'static str {
        match self {
            Self::Notice(Notice::SignInNeeded(_)) => "sign_in_needed",
            Self::Notice(Notice::CannotSave(_)) => "cannot_save",
            Self::Notice(Notice::EndsSoon(_)) => "ends_soon",
            Self::Consent(_) => "consent_asked",
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use crate::screen::ManualScreen;

    /// Counts what was told.
    #[derive(Default)]
    struct Heard(Mutex<usize>);

    impl Notifier for Heard {
        fn notify(&self, _: &AccountName, _: &Notice) {}

        fn consent_asked(&self, _: &AccountName, _: &str) {
            *lock(&self.0) += 1;
        }
    }

    #[tokio::test]
    async fn a_machine_that_just_woke_is_given_half_a_minute() {
        let clock = ManualClock::new(jiff::Timestamp::UNIX_EPOCH);
        let (screen, heard) = (Arc::new(ManualScreen::default()), Arc::new(Heard::default()));
        let prompts =
            Prompts::new(Arc::new(clock.clone()), Some(screen), heard.clone(), Box::new(|_, _| true));
        let work = AccountName::new("work").unwrap();
        clock.sleep(SignedDuration::from_hours(8));
        prompts.tell(&work, Told::Consent("curl".to_owned()));
        prompts.tell(&work, Told::Consent("git".to_owned()));
        clock.until_sleepers(1).await;
        assert_eq!(*lock(&heard.0), 0);
        clock.advance(AFTER_WAKE);
        while *lock(&heard.0) == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(*lock(&heard.0), 1, "two questions at once are one disturbance");
        assert!(lock(&prompts.waiting).is_empty());
    }
}
