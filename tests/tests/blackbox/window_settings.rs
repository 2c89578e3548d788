//! Settings in the built window: what is changed acts at once, stands in the file, and is there after a restart.

use std::fs;
use std::time::Duration;

use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::programs::latchkey_desktop;
use latchkey_tests::wait::{PATIENCE, until, until_async};
use latchkey_tests::window::Window;

use crate::backend::living;
use crate::process_hygiene::note_taker;
use crate::sealed_file::with_passphrase;
use crate::window::desktop_with_demo;

#[tokio::test(flavor = "multi_thread")]
async fn window_settings_act_at_once_and_are_there_after_a_restart() {
    let backend = living(Duration::from_mins(10)).await;
    let desktop = desktop_with_demo(backend.address().port());
    let before = fs::read_to_string(desktop.config_file()).unwrap();
    fs::write(desktop.config_file(), format!("# Mine.\n{before}")).unwrap();
    let _ = desktop.sign_in("demo", "demo").ends(0);
    let window = Window::open(&desktop, &[]).await;
    window.press("nav-settings").await;
    window.says("health-sum", "").await;
    window.find("finding").await;
    window.picture("light-settings").await;

    window.choose("setting-language", "de").await;
    until_async("the window to speak German", PATIENCE, async || {
        window.words().await.contains("Einstellungen").then_some(())
    })
    .await;
    window.choose("setting-dates", "iso").await;
    window.choose("setting-log_level", "debug").await;
    window.press("setting-quiet").await;
    window.find("setting-quiet_from").await;
    window.press("setting-start_at_login").await;
    until("the app to be started at login", PATIENCE, || {
        desktop.path("home").join(".config/autostart").read_dir().ok()?.next()?.ok()
    });
    until("the settings in the file", PATIENCE, || {
        let text = fs::read_to_string(desktop.config_file()).unwrap();
        let all = [
            "# Mine.",
            "language = \"de\"",
            "dates = \"iso\"",
            "log_level = \"debug\"",
            "quiet_to = \"07:00\"",
        ];
        all.iter().all(|line| text.contains(line)).then_some(())
    });
    window.resize(420, 800).await;
    window.picture("light-narrow-settings-german").await;
    drop(window);

    let window = Window::open(&desktop, &[]).await;
    window.says("headline", "Angemeldet").await;
    // The page was served with its words; it did not have to ask for them first.
    assert_eq!(window.all_css("script[src*='/assets/de-']").await.len(), 1);
    assert!(window.all_css("script[src*='/assets/en-']").await.is_empty());
    window.press("nav-settings").await;
    window.find("finding").await;
    let level = window.find("setting-log_level").await.prop("value").await.unwrap();
    assert_eq!(level.as_deref(), Some("debug"));
    assert!(window.find("setting-start_at_login").await.is_selected().await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn window_account_keeps_its_session_when_its_policy_changes_and_goes_when_it_is_removed() {
    let backend = living(Duration::from_mins(10)).await;
    let desktop = desktop_with_demo(backend.address().port());
    let _ = desktop.sign_in("demo", "demo").ends(0);
    let window = Window::open(&desktop, &[]).await;
    window.comes_to("signed_in").await;
    window.press("nav-settings").await;
    window.press("edit-demo").await;
    window.fill("field-renew_before", "soon").await;
    window.says("problem-renew_before", "this is no duration").await;
    window.picture("light-settings-account-wrong").await;
    window.fill("field-renew_before", "2m").await;
    window.gone("problem-renew_before").await;
    window.says("what-saving-does", "The session goes on").await;
    window.press("save-account").await;
    window.find("edit-demo").await;
    assert!(fs::read_to_string(desktop.config_file()).unwrap().contains("renew_before = \"2m\""));
    assert_eq!(desktop.status("demo")["state"], "signed_in");
    window.press("session-item-demo").await;
    window.comes_to("signed_in").await;
    window.says("next", "2 min before expiry, as the account asks").await;

    window.press("nav-settings").await;
    window.press("remove-demo").await;
    window.find("remove-confirm").await;
    window.picture("light-settings-remove").await;
    window.press("remove-confirm").await;
    window.gone("account-demo").await;
    // The configuration goes last.
    until("the account to be taken out of the file", PATIENCE, || {
        (!fs::read_to_string(desktop.config_file()).unwrap().contains("accounts.demo")).then_some(())
    });
    until("the keychain to be empty", PATIENCE, || desktop.secret_of("demo").is_none().then_some(()));
}

#[tokio::test(flavor = "multi_thread")]
async fn window_says_what_is_wrong_with_the_configuration_and_opens_when_it_is_right() {
    let desktop = Desktop::start(Keychain::Unlocked).with_screen();
    fs::write(desktop.config_file(), "[accounts.work]\nprovider = \"SeCrEt\"\n").unwrap();
    let window = Window::open_with(&desktop, &[], "try-again").await;
    window.says("trouble-problem", "Line 2").await;
    window.says("trouble-file", "config.toml").await;
    assert!(!window.everything().await.contains("SeCrEt"), "a value of the file is shown");
    window.picture("light-trouble").await;
    window.press("try-again").await;
    window.says("trouble-problem", "there is no such provider").await;
    fs::write(desktop.config_file(), "[app]\nlanguage = \"de\"\n").unwrap();
    window.press("try-again").await;
    window.says("try-demo", "Demo ausprobieren").await;
    window.press("try-demo").await;
    window.comes_to("signed_in").await;
}

/// As it is where the process of the page has died.
#[tokio::test(flavor = "multi_thread")]
async fn window_page_that_is_loaded_anew_speaks_the_language_that_was_chosen_since() {
    let desktop = Desktop::start(Keychain::Unlocked).with_screen();
    let window = Window::open_with(&desktop, &[], "try-demo").await;
    window.press("nav-settings").await;
    window.choose("setting-language", "de").await;
    window.says("nav-settings", "Einstellungen").await;
    let _ = window.run("location.reload()").await;
    window.says("nav-settings", "Einstellungen").await;
    window.says("try-demo", "Demo ausprobieren").await;
}

/// Tries again, and asks meanwhile what is wrong; tells in which order that is answered.
const ASK_BOTH: &str = "const [done] = arguments; const answered = []; \
    const ask = (name) => window.__TAURI_INTERNALS__.invoke(name, { language: 'en' }).then(() => answered.push(name)); \
    Promise.all([ask('try_again'), ask('trouble')]).then(() => done(answered.join(' ')), (e) => done(String(e)))";

/// Making a key of a passphrase takes a good part of a second, as it should.
#[tokio::test(flavor = "multi_thread")]
async fn window_answers_while_it_is_tried_again_to_open_a_sealed_file() {
    let desktop = Desktop::start(Keychain::Absent).with_screen().with("LATCHKEY_VAULT", "sealed-file");
    let desktop = with_passphrase(desktop, "takes its while to be made a key of");
    fs::write(desktop.config_file(), "[accounts.work]\nprovider = \"none\"\n").unwrap();
    let window = Window::open_with(&desktop, &[], "try-again").await;
    let answered = window.page().execute_async(ASK_BOTH, Vec::new()).await.unwrap();
    assert_eq!(answered.json().as_str(), Some("trouble try_again"), "the thread that draws was held up");
    fs::write(desktop.config_file(), "").unwrap();
    window.press("try-again").await;
    window.find("try-demo").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn window_opens_the_guide_that_lies_beside_the_app() {
    let desktop = Desktop::start(Keychain::Unlocked).with_screen();
    // As a package lays it out, but without the guide at first; the desktop's opener takes notes.
    let (bin, guide) = (desktop.path("usr/bin"), desktop.path("usr/share/doc/latchkey-desktop/guide"));
    fs::create_dir_all(&bin).unwrap();
    let app = bin.join("latchkey-desktop");
    fs::copy(latchkey_desktop(), &app).unwrap();
    let (opener, notes) = note_taker(&bin, "xdg-open");
    let path = std::env::var("PATH").unwrap();
    let desktop = desktop.with("PATH", format!("{}:{path}", opener.parent().unwrap().display()));
    let window = Window::open_program(&desktop, &app, &[], "try-demo").await;
    window.press("nav-settings").await;
    // What is found of this machine stands above, and moves the button once it is there.
    window.find_css("[data-testid=health-sum][data-healthy]").await;
    window.press("show-guide").await;
    window.says("error-message", "The guide could not be opened").await;
    assert!(!notes.exists(), "something was opened all the same");

    fs::create_dir_all(&guide).unwrap();
    fs::write(guide.join("index.html"), "<h1>Guide</h1>").unwrap();
    window.press("show-guide").await;
    window.gone("error-message").await;
    let notes = until("the guide to be opened", PATIENCE, || fs::read_to_string(&notes).ok());
    let page = guide.join("index.html").canonicalize().unwrap();
    let arguments: Vec<_> = notes.lines().filter_map(|line| line.strip_prefix("argument ")).collect();
    assert_eq!(arguments, [page.to_str().unwrap()], "{notes}");
}
