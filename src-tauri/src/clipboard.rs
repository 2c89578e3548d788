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

/// The same with a token, marked as a secret: clipboard managers that heed the mark keep no copy of it. Only from the
/// thread that draws.
pub(crate) fn put_secret(token: &AccessToken) -> Result<(), CommandError> {
    set_secret(token).ok_or_else(|| CommandError::new("clipboard", "the clipboard cannot be used", None))
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
#[allow(clippy::needless_pass_by_value, reason = "on Linux the answer comes later")]
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

/// The mark that the clipboard managers of Linux heed, Klipper's first: who finds this text beside it keeps nothing.
#[cfg(target_os = "linux")]
const SECRET: (&str, &[u8]) = ("x-kde-passwordManagerHint", b"secret");

/// The names that text goes by between programs (ICCCM §2.6.2, and the MIME type that Wayland has).
#[cfg(target_os = "linux")]
const TEXT: [&str; 5] = ["UTF8_STRING", "text/plain;charset=utf-8", "text/plain", "STRING", "TEXT"];

#[cfg(target_os = "linux")]
fn set_secret(token: &AccessToken) -> Option<()> {
    use gtk::{TargetEntry, TargetFlags};
    if !gtk::is_initialized_main_thread() {
        return None;
    }
    let (mark, value) = SECRET;
    let mut targets: Vec<_> =
        TEXT.into_iter().map(|name| TargetEntry::new(name, TargetFlags::empty(), 0)).collect();
    targets.push(TargetEntry::new(mark, TargetFlags::empty(), 1));
    // Held for as long as it is offered, and wiped then.
    let token = token.clone();
    let offered =
        gtk::Clipboard::get(&gtk::gdk::SELECTION_CLIPBOARD).set_with_data(&targets, move |_, asked, what| {
            match what {
                0 => drop(asked.set_text(token.expose())),
                _ => asked.set(&asked.target(), 8, value),
            }
        });
    offered.then_some(())
}

#[cfg(target_os = "macos")]
fn set_secret(token: &AccessToken) -> Option<()> {
    use arboard::SetExtApple as _;
    let mut clipboard = arboard::Clipboard::new().ok()?;
    clipboard.set().exclude_from_history().text(token.expose()).ok()
}

#[cfg(target_os = "windows")]
fn set_secret(token: &AccessToken) -> Option<()> {
    use arboard::SetExtWindows as _;
    let mut clipboard = arboard::Clipboard::new().ok()?;
    clipboard.set().exclude_from_monitoring().text(token.expose()).ok()
}
