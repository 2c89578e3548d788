//! The end of the program in the middle of what the lab does with somebody's backend. What was signed in to there would
//! stand among their sessions for weeks, and counts where a backend allows only so many: it is signed out of first.

use std::time::Duration;

use tokio::sync::watch;

/// How long the end waits for all of it.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a backend is given to hear of what was signed in to.
pub(crate) const FAREWELL: Duration = Duration::from_secs(5);

/// How long an exchange that is under way is waited for: what it brings could not be signed out of otherwise.
const MOMENT: Duration = Duration::from_secs(1);

/// Tells of the end, and hears when everything is signed out of.
#[derive(Debug, Default)]
pub struct Ending {
    begun: watch::Sender<bool>,
    under_way: watch::Sender<usize>,
}

impl Ending {
    /// Nothing is begun from here on, and what is under way comes to an end: returns once it has, or after a few seconds.
    /// Whatever is under way has to be polled meanwhile.
    pub async fn comes(&self) {
        self.begun.send_replace(true);
        let mut under_way = self.under_way.subscribe();
        // Who takes longer speaks to a backend that does not answer, and would not hear of it anyway.
        let _ = tokio::time::timeout(PATIENCE, under_way.wait_for(|count| *count == 0)).await;
    }

    /// Whether it has come.
    pub(crate) fn has_come(&self) -> bool {
        *self.begun.borrow()
    }

    /// Waits until it comes.
    pub(crate) async fn is_wished(&self) {
        // The sender lives as long as this does.
        let _ = self.begun.subscribe().wait_for(|begun| *begun).await;
    }

    /// Something that is signed in to is under way, until this is dropped.
    pub(crate) fn waits_for(&self) -> impl Drop + '_ {
        self.under_way.send_modify(|count| *count = count.saturating_add(1));
        UnderWay(&self.under_way)
    }
}

/// What comes of this; nothing where the end comes first, which waits a moment for the exchange that is under way.
pub(crate) async fn until<T>(ending: &Ending, doing: impl Future<Output = T>) -> Option<T> {
    tokio::pin!(doing);
    tokio::select! {
        biased;
        () = ending.is_wished() => {}
        done = &mut doing => return Some(done),
    }
    let _ = tokio::time::timeout(MOMENT, doing).await;
    None
}

struct UnderWay<'a>(&'a watch::Sender<usize>);

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|count| *count = count.saturating_sub(1));
    }
}
