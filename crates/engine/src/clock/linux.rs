//! `CLOCK_BOOTTIME`, which counts on through suspend, and a timer that follows it.
//!
//! The timers of tokio stand still during suspend (they follow `CLOCK_MONOTONIC`), so a renewal planned before
//! the lid was closed would come hours late. A `timerfd` on `CLOCK_BOOTTIME` expires at the wake.

use std::sync::OnceLock;

use jiff::SignedDuration;
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
    timerfd_create, timerfd_settime,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Time since the start of the machine, suspend included.
pub(super) fn boot() -> SignedDuration {
    let read = clock_gettime(ClockId::Boottime);
    // The kernel keeps nanoseconds below one second, which fit.
    SignedDuration::new(read.tv_sec, i32::try_from(read.tv_nsec).unwrap_or(0))
}

/// The kernel's name for this boot.
pub(super) fn boot_id() -> Option<&'static str> {
    static ID: OnceLock<Option<String>> = OnceLock::new();
    let read = || std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok();
    ID.get_or_init(|| read().map(|id| id.trim().to_owned()).filter(|id| !id.is_empty())).as_deref()
}

/// How long the machine has slept: `CLOCK_MONOTONIC` stands still meanwhile.
pub(super) fn asleep() -> SignedDuration {
    let read = clock_gettime(ClockId::Monotonic);
    let awake = SignedDuration::new(read.tv_sec, i32::try_from(read.tv_nsec).unwrap_or(0));
    // Read second, the boot clock is never the smaller one.
    boot().saturating_sub(awake)
}

/// Waits until the wall clock is set, or the machine wakes: then the kernel cancels a timer that it was told to
/// (timerfd_create(2), `TFD_TIMER_CANCEL_ON_SET`).
pub(super) async fn wall_set() {
    let Ok(timer) = timer(TimerfdClockId::Realtime, SignedDuration::MAX, TimerfdTimerFlags::CANCEL_ON_SET)
    else {
        return super::wall_set_by_polling().await;
    };
    if timer.readable().await.is_err() {
        super::wall_set_by_polling().await;
    }
}

/// Waits until [`boot`] says so.
pub(super) async fn sleep_until(boot: SignedDuration) {
    if super::left(boot).is_none() {
        return;
    }
    let Ok(timer) = timer(TimerfdClockId::Boottime, boot, TimerfdTimerFlags::empty()) else {
        // No file descriptor left (EMFILE): a late renewal is better than none.
        return super::sleep_in_pieces(boot).await;
    };
    // An error here means that the runtime is shutting down; the caller is dropped with it.
    if timer.readable().await.is_err() {
        super::sleep_in_pieces(boot).await;
    }
}

// tokio's successor of `with_interest` is `unsafe`, since a type that changes its file descriptor could cheat it.
// An `OwnedFd` cannot, and unsafe code is forbidden here.
#[allow(deprecated, reason = "sound for an `OwnedFd`, and the successor is `unsafe`")]
fn timer(
    clock: TimerfdClockId,
    at: SignedDuration,
    how: TimerfdTimerFlags,
) -> std::io::Result<AsyncFd<std::os::fd::OwnedFd>> {
    let timer = timerfd_create(clock, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?;
    let at = Itimerspec {
        it_interval: Timespec { tv_sec: 0, tv_nsec: 0 },
        it_value: Timespec { tv_sec: at.as_secs(), tv_nsec: at.subsec_nanos().into() },
    };
    timerfd_settime(&timer, TimerfdTimerFlags::ABSTIME | how, &at)?;
    AsyncFd::with_interest(timer, Interest::READABLE)
}
