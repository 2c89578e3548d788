//! The monotonic clock of the other platforms. On Windows it was read under Wine; a sleep was seen on neither
//! (docs/platforms.md).
//!
//! `CLOCK_MONOTONIC` counts on through sleep on macOS, and so does what [`Instant`] reads on Windows. Neither
//! offers a timer that follows it here, so waiting is done in pieces of at most 30 s and may end that
//! much late after a wake.

use jiff::SignedDuration;

/// Time since some fixed point, sleep included.
#[cfg(unix)]
pub(super) fn boot() -> SignedDuration {
    let read = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    SignedDuration::new(read.tv_sec, i32::try_from(read.tv_nsec).unwrap_or(0))
}

/// Time since the first reading, sleep included.
#[cfg(not(unix))]
#[allow(clippy::disallowed_methods, reason = "the Clock port reads it here, for everybody")]
pub(super) fn boot() -> SignedDuration {
    use std::sync::OnceLock;
    use std::time::Instant;

    static START: OnceLock<Instant> = OnceLock::new();
    // One second ahead, so that the first reading is a time as well.
    let since = START.get_or_init(Instant::now).elapsed();
    SignedDuration::try_from(since)
        .unwrap_or(SignedDuration::MAX)
        .saturating_add(SignedDuration::from_secs(1))
}

/// Nothing here names a boot.
pub(super) fn boot_id() -> Option<&'static str> {
    None
}

/// How long the machine has slept: nothing here tells that apart from time awake.
pub(super) fn asleep() -> SignedDuration {
    SignedDuration::ZERO
}

/// Waits until the wall clock is set.
pub(super) async fn wall_set() {
    super::wall_set_by_polling().await;
}

/// Waits until [`boot`] says so.
pub(super) async fn sleep_until(boot: SignedDuration) {
    super::sleep_in_pieces(boot).await;
}
