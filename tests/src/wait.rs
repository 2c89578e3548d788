//! Waiting in real time: for a process, a window, a token that expires. Nothing sleeps for a fixed while in the hope
//! that it is enough.

use std::time::{Duration, Instant};

/// How long it is waited between two looks.
const PAUSE: Duration = Duration::from_millis(25);

/// Long enough for anything that is not broken, on a machine with much else to do.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// Looks until there is something to be seen.
///
/// # Panics
/// When there is nothing at the end of the time.
#[track_caller]
pub fn until<T>(what: &str, patience: Duration, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Deadline::after(patience);
    loop {
        if let Some(seen) = look() {
            return seen;
        }
        assert!(!end.passed(), "waited {patience:?} in vain: {what}");
        pause();
    }
}

/// The same, for a look that has to wait itself.
///
/// # Panics
/// When there is nothing at the end of the time.
pub async fn until_async<T>(what: &str, patience: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Deadline::after(patience);
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(!end.passed(), "waited {patience:?} in vain: {what}");
        let () = tokio::task::spawn_blocking(pause).await.unwrap_or(());
    }
}

/// An end of waiting.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(Instant);

impl Deadline {
    /// So long from now.
    #[expect(clippy::disallowed_methods, reason = "real processes run in real time")]
    pub fn after(patience: Duration) -> Self {
        Self(Instant::now() + patience)
    }

    /// Whether it has come.
    #[expect(clippy::disallowed_methods, reason = "real processes run in real time")]
    pub fn passed(self) -> bool {
        Instant::now() >= self.0
    }
}

/// Waits a moment.
#[expect(clippy::disallowed_methods, reason = "real processes run in real time")]
pub fn pause() {
    std::thread::sleep(PAUSE);
}
