//! The one place that reads the clock.
//!
//! [`SystemClock`] is the adapter for life, [`ManualClock`] the one for tests. What differs by platform is the
//! boot-time clock and how it is waited for; it stands in `linux.rs` and `other.rs`.

#[cfg(target_os = "linux")]
mod linux;
mod manual;
#[cfg(not(target_os = "linux"))]
mod other;

use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use latchkey_core::time::Stamp;

use crate::ports::Clock;

#[cfg(target_os = "linux")]
use linux as platform;
pub use manual::ManualClock;
#[cfg(not(target_os = "linux"))]
use other as platform;

/// The machine's clocks.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the adapter everybody else is sent to")]
    fn now(&self) -> Stamp {
        Stamp { wall: Timestamp::now(), boot: platform::boot() }
    }

    async fn sleep_until(&self, boot: SignedDuration) {
        platform::sleep_until(boot).await;
    }

    fn boot_id(&self) -> Option<&str> {
        platform::boot_id()
    }

    fn asleep(&self) -> SignedDuration {
        platform::asleep()
    }

    async fn wall_set(&self) {
        platform::wall_set().await;
    }
}

/// The longest sleep before the boot-time clock is looked at again, where no timer of the system follows it.
const PIECE: Duration = Duration::from_secs(30);

/// Waits with a timer that may stand still during suspend: in pieces, with a look at the clock after each.
///
/// After a wake the deadline is met at most one [`PIECE`] late.
#[allow(clippy::disallowed_methods, reason = "the waiting that everybody else is sent to ends here")]
async fn sleep_in_pieces(boot: SignedDuration) {
    while let Some(left) = left(boot) {
        tokio::time::sleep(left.min(PIECE)).await;
    }
}

/// The pause between two looks at the wall clock, where nobody tells that it was set.
const LOOK: SignedDuration = SignedDuration::from_secs(60);
/// How far the two clocks may drift apart between two looks, as they do while the wall clock is slewed.
const DRIFT: SignedDuration = SignedDuration::from_secs(2);

/// Waits until the wall clock goes another way than the boot-time clock.
#[allow(clippy::disallowed_methods, reason = "the clock is read here, for everybody")]
async fn wall_set_by_polling() {
    let apart = || Timestamp::now().duration_since(Timestamp::UNIX_EPOCH).saturating_sub(platform::boot());
    let mut before = apart();
    loop {
        platform::sleep_until(platform::boot().saturating_add(LOOK)).await;
        let now = apart();
        if now.saturating_sub(before).abs() > DRIFT {
            return;
        }
        before = now;
    }
}

/// How long it is until then; `None` when it has come.
fn left(boot: SignedDuration) -> Option<Duration> {
    Duration::try_from(boot.saturating_sub(platform::boot())).ok().filter(|left| !left.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_clocks_go_forward() {
        let (earlier, later) = (SystemClock.now(), SystemClock.now());
        assert!(earlier.boot.is_positive(), "{:?}", earlier.boot);
        assert!(later.boot >= earlier.boot);
        assert!(earlier.wall > Timestamp::UNIX_EPOCH);
    }

    #[tokio::test]
    async fn a_time_that_has_passed_is_not_waited_for() {
        for passed in [SignedDuration::MIN, SignedDuration::ZERO, SystemClock.now().boot] {
            SystemClock.sleep_until(passed).await;
        }
    }

    #[tokio::test]
    async fn waiting_ends_when_the_boot_clock_says_so_and_not_before() {
        let until = SystemClock.now().boot + SignedDuration::from_millis(3);
        SystemClock.sleep_until(until).await;
        assert!(SystemClock.now().boot >= until);
    }

    #[tokio::test]
    async fn nobody_sets_the_clock_for_a_moment_and_the_machine_does_not_sleep() {
        assert!(!SystemClock.asleep().is_negative());
        let soon = SystemClock.now().boot + SignedDuration::from_millis(3);
        tokio::select! {
            biased;
            () = SystemClock.wall_set() => panic!("somebody did"),
            () = SystemClock.sleep_until(soon) => {}
        }
    }

    #[tokio::test]
    async fn waiting_in_pieces_ends_at_the_same_time() {
        let until = SystemClock.now().boot + SignedDuration::from_millis(3);
        sleep_in_pieces(until).await;
        assert!(SystemClock.now().boot >= until);
    }

    #[tokio::test]
    async fn the_end_of_time_can_be_waited_for() {
        let soon = SystemClock.now().boot + SignedDuration::from_millis(3);
        tokio::select! {
            () = SystemClock.sleep_until(SignedDuration::MAX) => panic!("it came"),
            () = SystemClock.sleep_until(soon) => {}
        }
    }
}
