//! Time comes in through one port, so that a test can move it instead of waiting for it.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};

/// Where the server reads the time and where it waits.
pub trait Clock: Send + Sync + 'static {
    /// The wall clock. Token lifetimes are wall-clock times, because clients compare them with theirs.
    fn now(&self) -> Timestamp;

    /// Completes once `now` has moved on by `wait`.
    fn sleep(&self, wait: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// The machine's own clock.
pub(crate) struct SystemClock;

#[allow(clippy::disallowed_methods, reason = "this is the dev server's one place that reads time and waits")]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        // A wall clock outside of jiff's range (years -9999 to 9999) is no clock anyone signs in with.
        Timestamp::try_from(std::time::SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    fn sleep(&self, wait: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(wait))
    }
}

tokio::task_local! {
    /// How far the server's clock is off while it answers this request.
    static SKEW: SignedDuration;
}

/// The same clock, except to a request that is answered with a wrong one.
pub(crate) struct Skewable(pub(crate) Arc<dyn Clock>);

impl Clock for Skewable {
    fn now(&self) -> Timestamp {
        let skew = SKEW.try_with(|skew| *skew).unwrap_or_default();
        let now = self.0.now();
        now.checked_add(skew).unwrap_or(now)
    }

    fn sleep(&self, wait: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.0.sleep(wait)
    }
}

/// Does this with a clock that is so far ahead.
pub(crate) async fn with_skew<T>(skew: SignedDuration, doing: impl Future<Output = T>) -> T {
    SKEW.scope(skew, doing).await
}

/// `at` plus `by`, stopping at the end of representable time instead of failing.
pub(crate) fn later(at: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| at.checked_add(by).ok()).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
pub(crate) mod manual {
    //! A clock that stands still until a test moves it.

    use std::sync::Arc;

    use tokio::sync::watch;

    use super::{Clock, Duration, Future, Pin, Timestamp, later};

    /// Starts at a whole second, so expected expiries are easy to write down.
    const START: i64 = 1_900_000_000;

    pub(crate) struct ManualClock {
        now: watch::Sender<Timestamp>,
        sleepers: watch::Sender<usize>,
    }

    impl ManualClock {
        pub(crate) fn new() -> Arc<Self> {
            let start = Timestamp::from_second(START).unwrap();
            Arc::new(Self { now: watch::Sender::new(start), sleepers: watch::Sender::new(0) })
        }

        pub(crate) fn advance(&self, by: Duration) {
            self.now.send_modify(|now| *now = later(*now, by));
        }

        /// Completes once somebody waits on this clock.
        pub(crate) async fn slept_on(&self) {
            self.sleepers.subscribe().wait_for(|sleepers| *sleepers > 0).await.unwrap();
        }
    }

    impl Clock for ManualClock {
        fn now(&self) -> Timestamp {
            *self.now.borrow()
        }

        fn sleep(&self, wait: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
            Box::pin(async move {
                let until = later(self.now(), wait);
                let mut now = self.now.subscribe();
                self.sleepers.send_modify(|sleepers| *sleepers += 1);
                let _ = now.wait_for(|now| *now >= until).await;
                self.sleepers.send_modify(|sleepers| *sleepers -= 1);
            })
        }
    }
}
