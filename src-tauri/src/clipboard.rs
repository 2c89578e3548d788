//! The clipboard of the desktop, for what a person takes elsewhere by hand.

use crate::command_error::CommandError;

/// Puts a text there in the place of what was there before. Only from the thread that draws, where commands run
/// unless they say otherwise.
pub(crate) fn put(text: &str) -> Result<(), CommandError> {
    set(text).ok_or_else(|| {
        let hint = "select the text and copy it by hand";
        CommandError::new("clipboard", "the clipboard cannot be used", Some(hint))
    })
}

/// GTK knows both X11 and every Wayland compositor, and keeps what was copied for as long as the app runs.
#[cfg(target_os = "linux")]
fn set(text: &str) -> Option<()> {
    // Elsewhere it would panic.
    gtk::is_initialized_main_thread()
        .then(|| gtk::Clipboard::get(&gtk::gdk::SELECTION_CLIPBOARD).set_text(text))
}

#[cfg(not(target_os = "linux"))]
fn set(text: &str) -> Option<()> {
    arboard::Clipboard::new().and_then(|mut clipboard| clipboard.set_text(text)).ok()
}
