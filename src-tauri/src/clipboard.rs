//! The clipboard of the desktop, for what a person takes elsewhere by hand.

use latchkey_core::secret::AccessToken;

use crate::command_error::CommandError;

/// Puts a text there in the place of what was there before. Only from the thread that draws, where commands run
/// unless they say otherwise.
pub(crate) fn put(text: &str) -> Result<(), CommandError> {
    set(text).ok_or_else(|| {
        let hint = "select the text and copy it by hand";
        CommandError::new("clipboard", "the clipboard cannot be used", Some(hint))
    })
}

/// Takes the text out that is there if it is still this one; says whether it was. Only from the thread that draws.
#[cfg(target_os = "linux")]
pub(crate) fn clear_if(still: AccessToken, told: impl FnOnce(bool) + 'static) {
    if !gtk::is_initialized_main_thread() {
        return told(false);
    }
    let clipboard = gtk::Clipboard::get(&gtk::gdk::SELECTION_CLIPBOARD);
    // Whoever holds the clipboard now may take its time: nobody waits for it.
    clipboard.request_text(move |clipboard, text| {
        let mine = text.is_some_and(|text| text == still.expose());
        if mine {
            clipboard.set_text("");
            clipboard.clear();
        }
        told(mine);
    });
}

/// Takes the text out that is there if it is still this one; says whether it was.
#[cfg(not(target_os = "linux"))]
pub(crate) fn clear_if(still: AccessToken, told: impl FnOnce(bool) + 'static) {
    let mine = arboard::Clipboard::new().is_ok_and(|mut clipboard| {
        let mine = clipboard.get_text().is_ok_and(|text| text == still.expose());
        mine && clipboard.clear().is_ok()
    });
    told(mine);
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
