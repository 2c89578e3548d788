//! The process in which the page lives: where it dies, for want of memory or by a fault of its own, the page is loaded
//! anew. Everything that counts is in this process, so nothing but what stood half-typed is lost.

use std::cell::RefCell;

use jiff::SignedDuration;
use latchkey_engine::clock::SystemClock;
use latchkey_engine::ports::Clock as _;
use tauri::{Runtime, WebviewWindow};
use tracing::warn;
use webkit2gtk::{WebProcessTerminationReason, WebViewExt as _};

/// How often it is brought back within a while. A page that dies again and again would take the machine with it; one that
/// dies once in a while, in an app that runs for weeks, would not.
const TIMES: usize = 5;

/// That while.
const WHILE: SignedDuration = SignedDuration::from_mins(10);

/// Brings the page of this window back where its process dies.
pub(crate) fn watch<R: Runtime>(window: &WebviewWindow<R>) -> tauri::Result<()> {
    window.with_webview(|webview| {
        let deaths = RefCell::new(Deaths::default());
        webview.inner().connect_web_process_terminated(move |view, reason| {
            if reason == WebProcessTerminationReason::TerminatedByApi {
                return;
            }
            let returns = deaths.borrow_mut().is_survived(SystemClock.now().boot);
            warn!(kind = "page_died", returns, "the process of the page has ended: {reason:?}");
            if returns {
                view.reload();
            }
        });
    })
}

/// When the page was brought back, on the boot-time clock.
#[derive(Default)]
struct Deaths(Vec<SignedDuration>);

impl Deaths {
    /// Whether it is brought back once more.
    fn is_survived(&mut self, now: SignedDuration) -> bool {
        self.0.retain(|at| now.saturating_sub(*at) < WHILE);
        let few = self.0.len() < TIMES;
        if few {
            self.0.push(now);
        }
        few
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_that_dies_once_a_day_comes_back_each_time_and_one_that_dies_at_once_does_not_for_ever() {
        let mut deaths = Deaths::default();
        assert!((0..30).all(|day| deaths.is_survived(SignedDuration::from_hours(24 * day))));
        let mut deaths = Deaths::default();
        let survived = (0..30).filter(|second| deaths.is_survived(SignedDuration::from_secs(*second)));
        assert_eq!(survived.count(), TIMES);
    }
}
