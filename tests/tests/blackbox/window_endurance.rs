//! The window while many sessions change all the time: what it holds has an end, and nobody is talked to death.
//!
//! `cargo xtask soak` has it do so for an hour.

use std::time::Duration;

use latchkey_devserver::RequestRecord;
use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::wait::PATIENCE;
use latchkey_tests::window::Window;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::backend::{REFRESH, living};

/// So many sessions are renewed every five seconds each, which makes some ten changes of the page a second: the app
/// tells it of no more.
const SESSIONS: usize = 32;
const LIFETIME: Duration = Duration::from_secs(6);

/// Renewals that are watched, unless [`RENEWALS`] says otherwise.
const USUALLY: usize = 64;
/// How many are watched; an hour has some 23,000.
const RENEWALS: &str = "LATCHKEY_SOAK_RENEWALS";

/// The most elements that a page may have while one session is shown: an account in the list has some ten, a renewal on
/// the lifeline and in what happened some more, and of those the oldest go.
const ELEMENTS: u64 = 6_000;
/// The most memory the page may take, in KiB. It goes up and down, as the page clears up, and more so the longer the
/// sessions' pasts are, up to their end. A leak of twenty kibibytes with each of an hour's renewals would be more.
const MEMORY: u64 = 512 * 1024;

/// How often the page is looked at while the renewals go on.
const LOOKS: usize = 12;

/// Counts what is said to those who listen, and how often the page changes.
const WATCH: &str = "window.said = 0; window.changes = 0; \
    const watch = (node, each) => new MutationObserver(each).observe(node, { subtree: true, childList: true, \
    characterData: true, attributes: true }); \
    watch(document.body, () => { window.changes += 1 }); \
    for (const region of document.querySelectorAll('[aria-live]')) watch(region, () => { window.said += 1 })";

/// What a page holds.
#[derive(Debug)]
struct Held {
    elements: u64,
    /// Its process's memory, shared parts divided by those who share them, in KiB.
    memory: u64,
}

async fn number(window: &Window, script: &str) -> u64 {
    window.run(&format!("return {script}")).await.json().as_u64().unwrap()
}

async fn held(window: &Window) -> Held {
    let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", window.page_process())).unwrap();
    let pss = rollup.lines().find_map(|line| line.strip_prefix("Pss:")?.split_whitespace().next());
    Held {
        elements: number(window, "document.querySelectorAll('*').length").await,
        memory: pss.unwrap().parse().unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn window_that_hears_of_changes_all_the_time_holds_no_more_and_says_nothing() {
    let renewals = std::env::var(RENEWALS).ok().and_then(|count| count.parse().ok()).unwrap_or(USUALLY);
    let backend = living(LIFETIME).await;
    let desktop = Desktop::start(Keychain::Unlocked).with_screen();
    // Written down at once: a command for each would take as long as all the rest.
    desktop.add_demo(backend.address().port());
    let demo = std::fs::read_to_string(desktop.config_file()).unwrap();
    let accounts: Vec<_> = (0..SESSIONS).map(|session| format!("session-{session:02}")).collect();
    let all: String =
        accounts.iter().map(|name| demo.replace("accounts.demo", &format!("accounts.{name}"))).collect();
    std::fs::write(desktop.config_file(), all).unwrap();
    for account in &accounts {
        let _ = desktop.sign_in(account, "demo").ends(0);
    }
    let window = Window::open(&desktop, &[]).await;
    window.comes_to("signed_in").await;
    window.find("lifeline-mark-renewed").await;
    let mut requests = backend.follow_requests();
    renewed(&mut requests, SESSIONS).await;
    window.run(WATCH).await;
    let mut looks = Vec::new();
    for _ in 0..LOOKS {
        renewed(&mut requests, renewals / LOOKS).await;
        looks.push(held(&window).await);
        eprintln!("after another {}: {:?}", renewals / LOOKS, looks.last());
    }
    let (changes, said) = (number(&window, "window.changes").await, number(&window, "window.said").await);
    eprintln!("{renewals} renewals of {SESSIONS} sessions, {changes} changes of the page, {said} times said");
    assert!(changes > 0, "the page heard of nothing");
    assert_eq!(said, 0, "a renewal is nothing to interrupt anybody for");
    assert!(looks.iter().all(|held| held.elements < ELEMENTS), "{looks:?}");
    assert!(looks.iter().all(|held| held.memory < MEMORY), "{looks:?}");
    window.comes_to("signed_in").await;
}

/// Waits until so many more renewals were answered, which takes as long as it takes.
async fn renewed(requests: &mut Receiver<RequestRecord>, more: usize) {
    let mut left = u64::try_from(more).unwrap();
    while left > 0 {
        let next = tokio::time::timeout(PATIENCE, requests.recv()).await.expect("another renewal in time");
        left = left.saturating_sub(match next {
            Ok(request) => u64::from(request.path == REFRESH),
            Err(RecvError::Lagged(missed)) => missed,
            Err(RecvError::Closed) => panic!("the backend has ended"),
        });
    }
}
