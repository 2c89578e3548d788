//! The icon in the tray. What it shows is computed in [`menu`]; this file only puts it up.

mod host;
mod menu;

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use jiff::Zoned;
use jiff::tz::TimeZone;
use latchkey_engine::snapshot::SessionStatus;
use tauri::image::Image;
use tauri::menu::{MenuBuilder, MenuEvent};
use tauri::tray::{TrayIcon, TrayIconBuilder};
use tauri::{AppHandle, Manager as _, Runtime};

use crate::shell::Shell;
use crate::{quit, windows};
use menu::{Entry, Mark, Menu};

const SHOW: &str = "show";
const QUIT: &str = "quit";

/// The icon, and what it shows now.
struct Tray<R: Runtime> {
    icon: TrayIcon<R>,
    shown: Mutex<Menu>,
}

/// Puts the icon up. `icons` is a folder of the app's own: on Linux the icon is handed over as a file.
pub(crate) fn build<R: Runtime>(app: &AppHandle<R>, icons: PathBuf) -> Result<(), NoTray> {
    if !host::has_library() {
        return Err(NoTray::NoLibrary);
    }
    let first = menu::menu(&[], &now(app));
    let icon = TrayIconBuilder::with_id("latchkey")
        .temp_dir_path(icons)
        .icon(image(first.mark))
        .tooltip(&first.tooltip)
        .menu(&rendered(app, &first)?)
        .on_menu_event(|app, event| chosen(app, &event))
        .build(app)?;
    app.manage(Tray { icon, shown: Mutex::new(first) });
    Ok(())
}

/// Why there is no icon. The app does without.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoTray {
    #[error("libayatana-appindicator3 is not installed")]
    NoLibrary,
    #[error(transparent)]
    Tauri(#[from] tauri::Error),
}

/// Shows these sessions. Touches nothing that has not changed: a menu that is open would close.
pub(crate) fn show<R: Runtime>(app: &AppHandle<R>, sessions: &[SessionStatus]) {
    let Some(tray) = app.try_state::<Tray<R>>() else { return };
    let menu = menu::menu(sessions, &now(app));
    let mut shown = tray.shown.lock().unwrap_or_else(PoisonError::into_inner);
    // An icon that cannot be changed now is tried again at the next change.
    if shown.mark != menu.mark && tray.icon.set_icon(Some(image(menu.mark))).is_err() {
        return;
    }
    if shown.tooltip != menu.tooltip {
        let _ = tray.icon.set_tooltip(Some(&menu.tooltip));
    }
    if shown.entries != menu.entries
        && rendered(app, &menu).and_then(|items| tray.icon.set_menu(Some(items))).is_err()
    {
        return;
    }
    *shown = menu;
}

/// Whether there is an icon, and somewhere it is shown.
pub(crate) async fn can_be_seen<R: Runtime>(app: &AppHandle<R>) -> bool {
    app.try_state::<Tray<R>>().is_some() && host::is_there().await
}

fn rendered<R: Runtime>(app: &AppHandle<R>, menu: &Menu) -> tauri::Result<tauri::menu::Menu<R>> {
    let mut builder = MenuBuilder::new(app);
    for entry in &menu.entries {
        builder = match entry {
            Entry::Session { account, text } => builder.text(format!("session:{account}"), text),
            Entry::Separator => builder.separator(),
            Entry::Show => builder.text(SHOW, "Show Latchkey"),
            Entry::Quit => builder.text(QUIT, "Quit"),
        };
    }
    builder.build()
}

fn chosen<R: Runtime>(app: &AppHandle<R>, event: &MenuEvent) {
    if event.id() == QUIT { quit::quit(app) } else { windows::show(app) }
}

fn image(mark: Mark) -> Image<'static> {
    match mark {
        Mark::SignedOut => tauri::include_image!("../icons/tray/signed-out.png"),
        Mark::SignedIn => tauri::include_image!("../icons/tray/signed-in.png"),
        Mark::Waiting => tauri::include_image!("../icons/tray/waiting.png"),
        Mark::Attention => tauri::include_image!("../icons/tray/attention.png"),
    }
}

fn now<R: Runtime>(app: &AppHandle<R>) -> Zoned {
    app.state::<Shell>().clock.now().wall.to_zoned(TimeZone::system())
}
