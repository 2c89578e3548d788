//! A clock that stands still until a test moves it.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use latchkey_core::time::Stamp;
use tokio::sync::watch;

use crate::ports::Clock;

/// A clock moved by hand. Its clones are the same clock.
#[derive(Clone, Debug)]
pub struct ManualClock {
    now: Arc<watch::Sender<Stamp>>,
    asleep: Arc<watch::Sender<SignedDuration>>,
    sleepers: Arc<watch::Sender<usize>>,
}

impl ManualClock {
    /// A clock that shows this wall-clock time, one hour after the machine was started.
    pub fn new(wall: Timestamp) -> Self {
        let now = Stamp { wall, boot: SignedDuration::from_hours(1) };
        let asleep = Arc::new(watch::Sender::new(SignedDuration::ZERO));
        Self { now: Arc::new(watch::Sender::new(now)), asleep, sleepers: Arc::new(watch::Sender::new(0)) }
    }

    /// Time passes: both clocks go forward, and whoever waited for that goes on.
    pub fn advance(&self, by: SignedDuration) {
        self.now.send_modify(|now| *now = now.plus(by));
    }

    /// The machine sleeps so long, and wakes.
    pub fn sleep(&self, long: SignedDuration) {
        self.asleep.send_modify(|asleep| *asleep = asleep.saturating_add(long));
        self.advance(long);
    }

    /// Somebody sets the wall clock; no time passes.
    pub fn set_wall(&self, wall: Timestamp) {
        self.now.send_modify(|now| now.wall = wall);
    }

    /// The wall clock jumps by this much (back, for a negative duration); no time passes.
    pub fn advance_wall(&self, by: SignedDuration) {
        self.now.send_modify(|now| now.wall = now.plus(by).wall);
    }

    /// How many are waiting at this moment.
    pub fn sleepers(&self) -> usize {
        *self.sleepers.borrow()
    }

    /// Waits until at least so many are waiting, so that a test need not guess when that is.
    pub async fn until_sleepers(&self, at_least: usize) {
        // The sender lives in `self`, so this ends with the number only.
        let _ = self.sleepers.subscribe().wait_for(|sleepers| *sleepers >= at_least).await;
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now(&self) -> Stamp {
        *self.now.borrow()
    }

    async fn sleep_until(&self, boot: SignedDuration) {
        // Subscribed before the first look: a move between the look and the wait is seen as a change.
        let mut seen = self.now.subscribe();
        if seen.borrow_and_update().boot >= boot {
            return;
        }
        let _asleep = Asleep::count(&self.sleepers);
        let _ = seen.wait_for(|now| now.boot >= boot).await;
    }

    fn boot_id(&self) -> Option<&str> {
        Some("the only one")
    }

    fn asleep(&self) -> SignedDuration {
        *self.asleep.borrow()
    }

    async fn wall_set(&self) {
        let apart = |now: &Stamp| now.wall.duration_since(Timestamp::UNIX_EPOCH).saturating_sub(now.boot);
        let mut seen = self.now.subscribe();
        let before = apart(&seen.borrow_and_update());
        let _ = seen.wait_for(|now| apart(now) != before).await;
    }
}

/// Counts a sleeper as long as it sleeps, also when its future is dropped.
struct Asleep<'a>(&'a watch::Sender<usize>);

impl<'a> Asleep<'a> {
    fn count(sleepers: &'a watch::Sender<usize>) -> Self {
        sleepers.send_modify(|n| *n = n.saturating_add(1));
        Self(sleepers)
    }
}

impl Drop for Asleep<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|n| *n = n.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: SignedDuration = SignedDuration::from_secs(1);

    fn clock() -> ManualClock {
        ManualClock::new("2026-11-20T12:00:00Z".parse().unwrap())
    }

    #[tokio::test]
    async fn a_sleeper_goes_on_when_its_time_has_come_and_not_before() {
        let clock = clock();
        let until = clock.now().boot + SECOND * 10;
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until(until).await }
        });
        clock.until_sleepers(1).await;
        clock.advance(SECOND * 9);
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(SECOND);
        sleeper.await.unwrap();
        assert_eq!(clock.sleepers(), 0);
    }

    #[tokio::test]
    async fn a_time_that_has_passed_is_not_waited_for() {
        let clock = clock();
        clock.sleep_until(clock.now().boot).await;
        clock.sleep_until(SignedDuration::MIN).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn no_wake_up_is_missed_however_the_clock_is_moved() {
        let clock = clock();
        for _ in 0..500 {
            let until = clock.now().boot + SECOND;
            let sleeper = tokio::spawn({
                let clock = clock.clone();
                async move { clock.sleep_until(until).await }
            });
            clock.advance(SECOND);
            sleeper.await.unwrap();
        }
    }

    #[test]
    fn the_wall_clock_is_set_without_time_passing() {
        let clock = clock();
        let before = clock.now();
        clock.advance_wall(SignedDuration::from_hours(-1));
        assert_eq!(clock.now().wall.duration_since(before.wall), SignedDuration::from_hours(-1));
        clock.set_wall(Timestamp::UNIX_EPOCH);
        assert_eq!(clock.now(), Stamp { wall: Timestamp::UNIX_EPOCH, boot: before.boot });
        clock.advance(SECOND);
        assert_eq!(clock.now().boot, before.boot + SECOND);
        assert_eq!(clock.now().wall.as_second(), 1);
    }

    #[tokio::test]
    async fn only_a_wall_clock_that_is_set_is_told_as_such() {
        let clock = clock();
        tokio::select! {
            biased;
            () = clock.wall_set() => panic!("it was not set"),
            () = async { clock.advance(SECOND); clock.sleep(SECOND) } => {}
        }
        assert_eq!(clock.asleep(), SECOND);
        tokio::join!(clock.wall_set(), async { clock.advance_wall(SECOND) });
    }

    #[tokio::test]
    async fn a_sleeper_that_is_dropped_is_not_counted() {
        let clock = clock();
        tokio::select! {
            () = clock.sleep_until(SignedDuration::MAX) => panic!("it came"),
            () = clock.until_sleepers(1) => {}
        }
        assert_eq!(clock.sleepers(), 0);
    }
}
