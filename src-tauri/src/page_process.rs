//! The process in which the page lives: where it dies, for want of memory or by a fault of its own, the page is loaded
//! anew. Everything that counts is in this process, so nothing but what stood half-typed is lost.

use std::cell::Cell;

use tauri::{Runtime, WebviewWindow};
use tracing::warn;
use webkit2gtk::{WebProcessTerminationReason, WebViewExt as _};

/// How often it is brought back while the app runs. A page that dies again and again would take the machine with it.
const TIMES: u8 = 5;

/// Brings the page of this window back where its process dies.
pub(crate) fn watch<R: Runtime>(window: &WebviewWindow<R>) -> tauri::Result<()> {
    window.with_webview(|webview| {
        let left = Cell::new(TIMES);
        webview.inner().connect_web_process_terminated(move |view, reason| {
            if reason == WebProcessTerminationReason::TerminatedByApi {
                return;
            }
            warn!(kind = "page_died", left = left.get(), "the process of the page has ended: {reason:?}");
            if let Some(fewer) = left.get().checked_sub(1) {
                left.set(fewer);
                view.reload();
            }
        });
    })
}
