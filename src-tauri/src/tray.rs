//! The icon in the tray. What it shows is computed in [`menu`]; this file only puts it up.

mod host;
mod mark;
mod menu;

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use latchkey_core::account::AccountName;
use latchkey_engine::snapshot::SessionStatus;
use tauri::image::Image;
use tauri::menu::{MenuBuilder, MenuEvent, SubmenuBuilder};
use tauri::tray::{TrayIcon, TrayIconBuilder};
use tauri::{AppHandle, Manager as _, Runtime, async_runtime};
use tracing::debug;

use crate::quit;
use crate::shell::Shell;
use crate::window::{self, Why};
use crate::words::Tongue;
use mark::{Left, Mark};
use menu::{Action, Entry, Menu};

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
    let first = menu::menu(&[], &now(app), tongue(app));
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

/// Shows these sessions, and gives when to show them again though nothing happens. Touches nothing that has not
/// changed: a menu that is open would close.
pub(crate) fn show<R: Runtime>(app: &AppHandle<R>, sessions: &[SessionStatus]) -> Option<Timestamp> {
    let tray = app.try_state::<Tray<R>>()?;
    let menu = menu::menu(sessions, &now(app), tongue(app));
    let until = menu.until;
    let mut shown = tray.shown.lock().unwrap_or_else(PoisonError::into_inner);
    // An icon that cannot be changed now is tried again at the next change.
    if shown.mark != menu.mark && tray.icon.set_icon(Some(image(menu.mark))).is_err() {
        return until;
    }
    if shown.tooltip != menu.tooltip {
        let _ = tray.icon.set_tooltip(Some(&menu.tooltip));
    }
    if shown.entries != menu.entries
        && rendered(app, &menu).and_then(|items| tray.icon.set_menu(Some(items))).is_err()
    {
        return until;
    }
    *shown = menu;
    until
}

/// Whether there is an icon, and somewhere it is shown.
pub(crate) async fn can_be_seen<R: Runtime>(app: &AppHandle<R>) -> bool {
    app.try_state::<Tray<R>>().is_some() && host::is_there().await
}

fn rendered<R: Runtime>(app: &AppHandle<R>, menu: &Menu) -> tauri::Result<tauri::menu::Menu<R>> {
    let mut builder = MenuBuilder::new(app);
    for entry in &menu.entries {
        builder = match entry {
            Entry::Session { account, text, actions } => {
                let mut session = SubmenuBuilder::new(app, text);
                for (action, label) in actions {
                    session = session.text(format!("{}:{account}", action.name()), label);
                }
                builder.item(&session.build()?)
            }
            Entry::Separator => builder.separator(),
            Entry::Show(label) => builder.text(SHOW, label),
            Entry::Quit(label) => builder.text(QUIT, label),
        };
    }
    builder.build()
}

fn chosen<R: Runtime>(app: &AppHandle<R>, event: &MenuEvent) {
    let id = event.id().as_ref();
    if id == QUIT {
        return quit::quit(app);
    }
    let said = id
        .split_once(':')
        .and_then(|(action, account)| Some((Action::of(action)?, AccountName::new(account).ok()?)));
    match said {
        Some((Action::Open, account)) => window::open_account(app, &account, Why::ToSee),
        Some((Action::SignIn, account)) => window::open_account(app, &account, Why::ToSignIn),
        Some((action @ (Action::Renew | Action::SignOut), account)) => do_at_once(app, action, account),
        None => window::show(app),
    }
}

/// Does what needs no window. Where it does not work the window opens, and its account says why.
fn do_at_once<R: Runtime>(app: &AppHandle<R>, action: Action, account: AccountName) {
    let app = app.clone();
    async_runtime::spawn(async move {
        let engine = app.state::<Shell>().engine.clone();
        let done = if action == Action::Renew {
            engine.renew(&account).await
        } else {
            engine.sign_out(&account).await
        };
        if let Err(error) = done {
            debug!(account = %account, kind = "tray", code = error.code(), "What was chosen in the tray did not work");
            window::open_account(&app, &account, Why::ToSee);
        }
    });
}

fn image(mark: Mark) -> Image<'static> {
    match mark {
        Mark::SignedOut => tauri::include_image!("../icons/tray/signed-out.png"),
        Mark::SignedIn(Left::Full) => tauri::include_image!("../icons/tray/signed-in-full.png"),
        Mark::SignedIn(Left::ThreeQuarters) => {
            tauri::include_image!("../icons/tray/signed-in-three-quarters.png")
        }
        Mark::SignedIn(Left::Half) => tauri::include_image!("../icons/tray/signed-in-half.png"),
        Mark::SignedIn(Left::Quarter) => tauri::include_image!("../icons/tray/signed-in-quarter.png"),
        Mark::Waiting => tauri::include_image!("../icons/tray/waiting.png"),
        Mark::Attention => tauri::include_image!("../icons/tray/attention.png"),
    }
}

fn tongue<R: Runtime>(app: &AppHandle<R>) -> Tongue {
    app.state::<Shell>().tongue()
}

fn now<R: Runtime>(app: &AppHandle<R>) -> Zoned {
    app.state::<Shell>().clock.now().wall.to_zoned(TimeZone::system())
}
