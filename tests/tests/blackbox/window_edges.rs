//! What the window is not to do: run what a server sends, open twice, or start where it cannot.

use std::time::Duration;

use futures_util::StreamExt as _;
use jiff::SignedDuration;
use latchkey_devserver::{Fault, FaultMode, User};
use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::process::{Process, signal};
use latchkey_tests::programs::{Running, latchkey_desktop};
use latchkey_tests::wait::{PATIENCE, until};
use latchkey_tests::window::{Window, page_process_of};
use rustix::process::Signal;

use crate::backend::{REFRESH, asked, by_hand, living, with_users};
use crate::sealed_file::with_passphrase;
use crate::window::desktop_with_demo;

/// What a hostile server may call its user.
const HOSTILE: &str =
    "Eve<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>";

#[tokio::test(flavor = "multi_thread")]
async fn window_shows_what_a_server_sends_as_text() {
    let user = User { name: HOSTILE.into(), ..User::demo() };
    let backend = with_users(Duration::from_mins(10), vec![user]).await;
    let desktop = desktop_with_demo(backend.address().port());
    let window = Window::open(&desktop, &[]).await;
    window.sign_in("demo", "demo").await;
    window.comes_to("signed_in").await;
    let main = window.words().await;
    assert!(main.contains("<img src=x"), "the name is not shown as it is:\n{main}");
    assert!(window.all_css("main img, main script").await.is_empty(), "the name became part of the page");
    assert_eq!(window.run("return document.title").await.json().as_str(), Some("Latchkey"));
    window.picture("light-hostile-name").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn window_page_can_reach_nothing_but_the_app() {
    let backend = living(Duration::from_mins(1)).await;
    let desktop = desktop_with_demo(backend.address().port());
    let window = Window::open(&desktop, &[]).await;
    let before = backend.requests().len();
    let script = format!(
        "const img = new Image(); img.src = '{0}/img'; \
         const s = document.createElement('script'); s.src = '{0}/script'; document.head.append(s); \
         fetch('{0}/fetch').catch(() => 0); navigator.sendBeacon('{0}/beacon'); \
         return [typeof window.__TAURI__, typeof require].join(' ')",
        backend.url()
    );
    assert_eq!(window.run(&script).await.json().as_str(), Some("undefined undefined"));
    // A picture that is drawn afterwards: whatever was to be sent has been sent by then.
    window.picture("light-page-reaches-nothing").await;
    assert_eq!(backend.requests().len(), before, "{:#?}", backend.requests());
}

#[tokio::test(flavor = "multi_thread")]
async fn window_is_opened_once_and_a_second_start_ends() {
    let backend = living(Duration::from_mins(1)).await;
    let desktop = desktop_with_demo(backend.address().port());
    let window = Window::open(&desktop, &[]).await;
    window.comes_to("signed_out").await;

    let second = Running::start(desktop.command(latchkey_desktop()), "").done();
    assert_eq!(second.code, Some(0), "{second:#?}");
    window.sign_in("demo", "demo").await;
    window.comes_to("signed_in").await;
}

/// Whoever starts the app again while it is still finishing a renewal wants its window, and gets it afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn window_that_is_asked_for_while_the_app_ends_comes_when_it_has_ended() {
    let (backend, clock, waiting) = by_hand().await;
    let desktop = desktop_with_demo(backend.address().port());
    let _ = desktop.sign_in("demo", "demo").ends(0);
    let mut first = painted(&desktop);
    backend.faults().add(Fault::new(REFRESH, FaultMode::Delay).after(Duration::from_secs(10))).unwrap();
    let _renewed = desktop.start_latchkey(&["renew", "demo", "--json"], "");
    until("the refresh to arrive", PATIENCE, || (*waiting.borrow() == 1).then_some(()));
    signal(first.id(), Signal::TERM);
    until("the app to be on its way out", PATIENCE, || (!desktop.shows_a_window()).then_some(()));

    let _ = Running::start(desktop.command(latchkey_desktop()), "").done().ends(0);
    assert!(first.runs(), "it ended in the middle of a renewal");
    clock.advance(SignedDuration::from_secs(10));
    assert_eq!(first.ended(PATIENCE).code(), Some(0));
    until("the page of the next one", PATIENCE, || (paints(&desktop) == 2).then_some(()));
    until("the window of the next one", PATIENCE, || desktop.shows_a_window().then_some(()));
    assert_eq!(desktop.status("demo")["state"], "signed_in");
    assert_eq!(asked(&backend, REFRESH), 1);
}

/// At login the app starts in the background. Whoever opens it while it is still reading what is set up wants its window.
#[test]
fn window_that_is_asked_for_before_it_is_made_is_shown_once_it_is() {
    let desktop = Desktop::start(Keychain::Absent).with_screen().with("LATCHKEY_VAULT", "sealed-file");
    let desktop = with_passphrase(desktop, "takes its while to be made a key of");
    let mut command = desktop.command(latchkey_desktop());
    command.arg("--hidden");
    let _first = Process::start(command, "nothing: it is built by cargo");
    until("the app on the bus", PATIENCE, || desktop.on_the_bus(ON_THE_BUS).then_some(()));
    let _ = Running::start(desktop.command(latchkey_desktop()), "").done().ends(0);
    until("its window", PATIENCE, || desktop.shows_a_window().then_some(()));
}

/// The app's name on the session bus, as its second start looks for it.
const ON_THE_BUS: &str = "dev.latchkey.desktop.SingleInstance";

/// A program that has this name.
async fn on_the_bus(desktop: &Desktop) -> zbus::Connection {
    let address = format!("unix:path={}", desktop.path("bus").display());
    let bus = zbus::connection::Builder::address(address.as_str()).unwrap().name(ON_THE_BUS).unwrap();
    bus.build().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn window_opens_though_its_start_meets_an_app_that_just_dies() {
    let desktop = Desktop::start(Keychain::Unlocked).with_screen();
    let mut asked = zbus::MessageStream::from(on_the_bus(&desktop).await);
    let dies = tokio::spawn(async move {
        while let Some(message) = asked.next().await {
            if message.unwrap().header().member().is_some_and(|member| member == "ExecuteCallback") {
                return;
            }
        }
    });
    let _app = tokio::task::block_in_place(|| painted(&desktop));
    dies.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn window_says_so_when_another_program_has_its_name_on_the_bus() {
    let desktop = Desktop::start(Keychain::Unlocked).with_screen();
    let squatter = on_the_bus(&desktop).await;
    // Which makes it answer, that it knows no such call.
    let _ = squatter.object_server();
    let refused = Running::start(desktop.command(latchkey_desktop()), "").done().ends(1).says(ON_THE_BUS);
    assert!(refused.stderr.contains("hint: "), "{refused:#?}");
}

/// A debugger, a full cgroup or a frozen session stops a process, and what it was asked waits with it.
#[test]
fn window_whose_app_is_stopped_is_not_waited_for_for_ever() {
    let desktop = Desktop::start(Keychain::Unlocked).with_screen();
    let mut command = desktop.command(latchkey_desktop());
    command.arg("--hidden");
    let mut first = Process::start(command, "nothing: it is built by cargo");
    until("the app on the bus", PATIENCE, || desktop.on_the_bus(ON_THE_BUS).then_some(()));
    first.signal(Signal::STOP);
    let second =
        Running::start(desktop.command(latchkey_desktop()), "").done().ends(1).says("does not answer");
    assert!(second.stderr.contains(&format!("kill -CONT {}", first.id())), "{second:#?}");
    assert!(!desktop.shows_a_window());
    first.signal(Signal::CONT);
    until("the window that was asked for", PATIENCE, || desktop.shows_a_window().then_some(()));
    assert!(first.runs());
}

/// The page is a process of its own: it can be killed, or hang, and nobody is signed out by it.
#[tokio::test(flavor = "multi_thread")]
async fn window_whose_page_is_gone_does_not_keep_renewals_from_going_on() {
    let backend = living(Duration::from_secs(6)).await;
    let desktop = desktop_with_demo(backend.address().port()).with("LATCHKEY_BENCH_FIRST_PAINT", "1");
    let _ = desktop.sign_in("demo", "demo").ends(0);
    let window = Window::open(&desktop, &[]).await;
    window.find("history-renewed").await;
    signal(window.page_process(), Signal::KILL);
    let before = asked(&backend, REFRESH);
    until("two more renewals", PATIENCE, || (asked(&backend, REFRESH) >= before + 2).then_some(()));
    let requests = backend.requests();
    assert!(requests.iter().all(|it| it.status.is_none_or(|status| status == 200)), "{requests:#?}");
}

/// The app without WebDriver, which would hold on to a page that is gone; each page says that it was painted.
fn painted(desktop: &Desktop) -> Process {
    let mut command = desktop.command(latchkey_desktop());
    command.env("LATCHKEY_BENCH_FIRST_PAINT", "1");
    latchkey_tests::process::print_into(&mut command, &desktop.out("app"));
    let app = Process::start(command, "nothing: it is built by cargo");
    until("the first paint", PATIENCE, || (paints(desktop) == 1).then_some(()));
    app
}

fn paints(desktop: &Desktop) -> usize {
    std::fs::read_to_string(desktop.out("app")).unwrap().matches("first-paint").count()
}

#[test]
fn window_page_that_was_killed_comes_back() {
    let desktop = Desktop::start(Keychain::Unlocked).with_screen();
    let app = painted(&desktop);
    let killed = page_process_of(app.id());
    signal(killed, Signal::KILL);
    until("the page to be painted again", PATIENCE, || (paints(&desktop) == 2).then_some(()));
    assert_ne!(page_process_of(app.id()), killed);
}

#[test]
fn window_app_ends_by_itself_when_it_is_asked_to() {
    let desktop = Desktop::start(Keychain::Unlocked).with_screen();
    let mut app = painted(&desktop);
    app.signal(Signal::TERM);
    let status = app.ended(PATIENCE);
    let printed = std::fs::read_to_string(desktop.out("app")).unwrap();
    assert_eq!(status.code(), Some(0), "{status}\n{printed}");
}

#[test]
fn window_app_says_what_keeps_it_from_opening() {
    let desktop = Desktop::start(Keychain::NoBus);
    let no_screen = Running::start(desktop.command(latchkey_desktop()), "").done().ends(2).says("no display");
    assert!(no_screen.stderr.contains("hint: "), "{no_screen:#?}");

    let desktop = desktop.with("DISPLAY", ":65535").with("LATCHKEY_VAULT", "bogus");
    let _ = Running::start(desktop.command(latchkey_desktop()), "").done().ends(2).says("LATCHKEY_VAULT");
    let desktop = desktop.with("LATCHKEY_VAULT", "keychain");
    std::fs::write(desktop.config_file(), "[accounts.work]\nprovider = SeCrEt\n").unwrap();
    let broken =
        Running::start(desktop.command(latchkey_desktop()), "").done().ends(2).says("config.toml:2:");
    assert!(!broken.stderr.contains("SeCrEt"), "{broken:#?}");
    let mut command = desktop.command(latchkey_desktop());
    command.arg("--no-such-option");
    let _ = Running::start(command, "").done().ends(2).says("--help");
}
