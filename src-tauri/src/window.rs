//! The window: how it is made, shown and closed.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use latchkey_core::account::AccountName;
use latchkey_engine::config::{AppConfig, Language};
use latchkey_engine::snapshot::{SessionStatus, StateName};
use serde::Serialize;
use tauri::http::{Request, Response};
use tauri::webview::{NewWindowResponse, PageLoadEvent, PageLoadPayload};
use tauri::{
    AppHandle, Emitter as _, Manager as _, Runtime, Url, UserAttentionType, WebviewUrl, WebviewWindow,
    WebviewWindowBuilder, Window, WindowEvent, async_runtime,
};
use tokio::sync::watch;

use crate::shell::Shell;
use crate::words::Tongue;
use crate::{page, quit, startup, tray, view};

/// The label of the one window; its capability bears it too.
pub(crate) const MAIN: &str = "main";

/// Says when what people open the window for has been painted: a task after the frame in which the page shows a session
/// that was read, or that there is none, or why it cannot be opened. An empty frame does not count, nor does a keychain
/// that is still being read. The message takes its while, so it says the time.
const FIRST_PAINT: &str = "(() => {
  const frame = requestAnimationFrame;
  const painted = () => window.__TAURI_INTERNALS__.invoke('first_paint', { at: Date.now() });
  const has = (selector) => document.querySelector(selector) !== null;
  const told = () => has('main:not([aria-busy=\"true\"]) h1') && !has('main [data-state=\"waiting\"]');
  const look = () => (told() ? setTimeout(painted) : frame(look));
  look();
})();";

/// What the window opens with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Page<'a> {
    /// The app, as it is set.
    App(&'a AppConfig),
    /// What keeps the app from opening.
    Trouble,
}

/// Whether there is a display to show one on. GTK would end the process with a panic where there is none; it is opened
/// once only, however often that is asked.
pub(crate) fn can_be_shown() -> bool {
    #[cfg(target_os = "linux")]
    return gtk::init().is_ok();
    #[cfg(not(target_os = "linux"))]
    true
}

/// Makes the window as `tauri.conf.json` describes it.
pub(crate) fn create<R: Runtime>(app: &AppHandle<R>, page: Page<'_>, hidden: bool) -> tauri::Result<()> {
    let described = app.config().app.windows.iter().find(|window| window.label == MAIN);
    let described = described.ok_or(tauri::Error::WindowNotFound)?;
    let mut described = described.clone();
    described.url = WebviewUrl::App(address(page).into());
    let fill_in = {
        let (app, spoken) = (app.clone(), spoken(page));
        move |request: Request<Vec<u8>>, response: &mut Response<Cow<'static, [u8]>>| {
            page::fill_in(&app, spoken, &request, response);
        }
    };
    let mut builder = WebviewWindowBuilder::from_config(app, &described)?
        .visible(!hidden)
        .devtools(cfg!(debug_assertions))
        .on_navigation(is_ours)
        .on_web_resource_request(fill_in)
        .on_new_window(|_, _| NewWindowResponse::Deny)
        .on_page_load(|window, load| loaded(&window, &load));
    if startup::measures_first_paint() {
        builder = builder.initialization_script(FIRST_PAINT);
    }
    let window = builder.build()?;
    view::set_up(&window)?;
    if WANTED.load(Ordering::Acquire) {
        show(app);
    }
    Ok(())
}

/// Whether somebody wanted to see the window before it was made.
static WANTED: AtomicBool = AtomicBool::new(false);

/// The page, and how it begins: it would otherwise speak another language until it has asked.
fn address(page: Page<'_>) -> String {
    match page {
        Page::App(app) => {
            format!("index.html?language={}&dates={}", app.language.name(), app.dates.name())
        }
        Page::Trouble => "index.html#trouble".to_owned(),
    }
}

/// Whether the page is there.
#[derive(Default)]
pub(crate) struct Loaded(watch::Sender<bool>);

/// Says that it is, to those who wait.
fn loaded<R: Runtime>(window: &WebviewWindow<R>, load: &PageLoadPayload<'_>) {
    if load.event() == PageLoadEvent::Finished {
        window.state::<Loaded>().0.send_replace(true);
    }
}

/// How long a page is waited for that does not come.
const PAGE_WITHIN: Duration = Duration::from_secs(2);

/// Ends when the page is there: what nobody looks for before that should not take the processor from it.
pub(crate) async fn page<R: Runtime>(app: &AppHandle<R>) {
    let mut loaded = app.state::<Loaded>().0.subscribe();
    let _ = tokio::time::timeout(PAGE_WITHIN, loaded.wait_for(|is| *is)).await;
}

/// In which language it opens.
fn spoken(page: Page<'_>) -> Tongue {
    match page {
        Page::App(app) => Tongue::of(app.language),
        Page::Trouble => Tongue::of(Language::System),
    }
}

/// Shows the window and brings it to the front, wherever it was.
pub(crate) fn show<R: Runtime>(app: &AppHandle<R>) {
    if quit::is_under_way() {
        return;
    }
    // First: it may be made in this moment.
    WANTED.store(true, Ordering::Release);
    if let Some(window) = app.get_webview_window(MAIN) {
        // A window that cannot be shown now can be asked for again.
        let _ = window.show();
        let _ = window.unminimize();
        let _ = window.set_focus();
    }
}

/// The event that opens an account in the page.
const OPEN: &str = "open";

/// The event that asks whether the app may end.
const CLOSING: &str = "closing";

/// An account to be opened.
#[derive(Clone, Debug, Serialize)]
struct OpenAccount<'a> {
    account: &'a str,
    /// Whether to begin to sign in there.
    sign_in: bool,
    /// Whether nobody asked for it: the page takes nothing away that somebody is filling in.
    by_itself: bool,
}

/// Why an account is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// A person wants to see it.
    ToSee,
    /// A person wants to sign in there.
    ToSignIn,
    /// Its session has ended.
    ItEnded,
}

/// Shows the window with this account in it.
pub(crate) fn open_account<R: Runtime>(app: &AppHandle<R>, account: &AccountName, why: Why) {
    show(app);
    let (sign_in, by_itself) = (why == Why::ToSignIn, why == Why::ItEnded);
    // A window that is gone has nobody to tell.
    let _ = app.emit_to(MAIN, OPEN, OpenAccount { account: account.as_str(), sign_in, by_itself });
}

/// Shows by the window's frame or its place in the task bar that something happened in it, and takes nobody's keys
/// away: they may be typing elsewhere.
pub(crate) fn hint<R: Runtime>(app: &AppHandle<R>) {
    if let Some(window) = app.get_webview_window(MAIN).filter(|window| !window.is_focused().unwrap_or(true)) {
        let _ = window.request_user_attention(Some(UserAttentionType::Informational));
    }
}

/// What the window's frame says.
pub(crate) fn on_event<R: Runtime>(window: &Window<R>, event: &WindowEvent) {
    if let WindowEvent::CloseRequested { api, .. } = event {
        api.prevent_close();
        let window = window.clone();
        async_runtime::spawn(async move { close(&window).await });
    } else if matches!(event, WindowEvent::Focused(true))
        && let Some(shell) = window.try_state::<Shell>()
    {
        shell.reload();
    }
}

/// Renewing goes on in the background while there is a tray icon to come back by. Without one nobody could find the
/// app again, so closing its window ends it; where that ends renewals, the page asks first. Whoever closes a second
/// time, or a window whose page does not answer, means it.
async fn close<R: Runtime>(window: &Window<R>) {
    let app = window.app_handle();
    if tray::can_be_seen(app).await {
        let _ = window.hide();
    } else if renews(app) && !ASKED.swap(true, Ordering::Relaxed) {
        let _ = window.unminimize();
        if app.emit_to(MAIN, CLOSING, ()).is_err() {
            quit::quit(app);
        }
    } else {
        quit::quit(app);
    }
}

/// Whether the page was asked and has not answered.
static ASKED: AtomicBool = AtomicBool::new(false);

/// The page's answer: the window stays, or goes to the task bar.
pub(crate) fn stay<R: Runtime>(app: &AppHandle<R>, minimised: bool) {
    ASKED.store(false, Ordering::Relaxed);
    if let Some(window) = app.get_webview_window(MAIN).filter(|_| minimised) {
        let _ = window.minimize();
    }
}

/// Whether some session renews itself as long as the app runs.
fn renews<R: Runtime>(app: &AppHandle<R>) -> bool {
    let Some(shell) = app.try_state::<Shell>() else { return false };
    let sessions = shell.engine.watch();
    let renewing = |session: &SessionStatus| {
        matches!(
            session.state,
            StateName::SignedIn | StateName::Renewing | StateName::Waiting | StateName::Saving
        )
    };
    sessions.borrow().values().any(|session| renewing(session))
}

/// Whether an address is one of the app's own pages: `tauri://localhost`, on Windows `http://tauri.localhost`.
fn is_ours(url: &Url) -> bool {
    let (scheme, host) = if cfg!(windows) { ("http", "tauri.localhost") } else { ("tauri", "localhost") };
    url.scheme() == scheme && url.host_str() == Some(host) && url.port().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(not(windows))]
    #[test]
    fn no_page_but_the_apps_own_is_opened() {
        let ours = |url: &str| is_ours(&url.parse().unwrap());
        assert!(ours("tauri://localhost") && ours("tauri://localhost/index.html#log"));
        for foreign in [
            "https://example.com",
            "http://localhost",
            "http://tauri.localhost",
            "tauri://localhost.example.com",
            "tauri://localhost:8080",
            "file:///etc/passwd",
            "data:text/html,x",
            "about:blank",
            "javascript:alert(1)",
        ] {
            assert!(!ours(foreign), "{foreign}");
        }
    }
}
