//! The web view's own settings, where it has some that matter to us, and what it tells of its process.

use tauri::{Runtime, WebviewWindow};

/// Has the web view draw by the processor, and its page come back where its process dies. On Linux it would load the
/// whole stack of the graphics card, into two processes, for a page of text that changes once in a while
/// (docs/decisions/0040).
#[cfg_attr(not(target_os = "linux"), allow(clippy::unnecessary_wraps, reason = "on Linux it can fail"))]
pub(crate) fn set_up<R: Runtime>(window: &WebviewWindow<R>) -> tauri::Result<()> {
    #[cfg(target_os = "linux")]
    window.with_webview(|view| {
        use webkit2gtk::{HardwareAccelerationPolicy, SettingsExt as _, WebViewExt as _};

        if let Some(settings) = view.inner().settings() {
            settings.set_hardware_acceleration_policy(HardwareAccelerationPolicy::Never);
        }
    })?;
    #[cfg(target_os = "linux")]
    crate::page_process::watch(window)?;
    let _ = window;
    Ok(())
}
