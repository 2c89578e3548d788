//! The window for those who do not see it as it was drawn, or have no mouse: axe-core in a real web view, the keyboard,
//! large letters, the other direction of writing. Views are found by the navigation, so a new one is looked at too.

use std::time::Duration;

use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::preview::{Preview, SETTLE};
use latchkey_tests::window::Window;
use thirtyfour::prelude::WebDriver;

use crate::backend::living;
use crate::window::desktop_with_demo;

/// The states of a session, and what a hand can bring a page to.
const SCENES: [&str; 15] = [
    "scenario=roles",
    "scenario=waiting",
    "scenario=needs-sign-in",
    "scenario=signed-out",
    "scenario=signed-out&act=wrong-password",
    "scenario=corp",
    "scenario=browser",
    "scenario=no-browser",
    "scenario=code",
    "scenario=code-expired",
    "scenario=signed-in&act=sign-out",
    "scenario=empty&act=discover",
    "scenario=programs",
    "scenario=programs&dir=rtl&language=de",
    "scenario=hostile",
];

/// What opens under a hand, in any view.
const OPENED: [&str; 9] = [
    "scenario=empty&press=way-preset,way-nextauth,way-rest",
    "scenario=roles&view=log&press=log-row",
    "scenario=roles&view=log&press=export-report,show-report",
    "scenario=roles&view=settings&press=edit-work",
    "scenario=roles&view=settings&press=remove-work",
    "scenario=roles&view=settings&press=setting-quiet",
    "scenario=roles&view=lab&part=tour",
    "scenario=roles&view=lab&part=scenarios",
    "scenario=roles&view=lab&part=policies",
];

/// What axe-core finds in the page as it is now.
async fn findings(page: &WebDriver) -> Vec<String> {
    // What fades from one colour to another is looked at when it has arrived.
    page.execute(SETTLE, Vec::new()).await.unwrap();
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../ui/node_modules/axe-core/axe.min.js");
    let axe = std::fs::read_to_string(root).expect("axe-core: (cd ui && npm ci)");
    let there = page.execute("return typeof axe", Vec::new()).await.unwrap();
    if there.json() != "object" {
        page.execute(axe, Vec::new()).await.unwrap();
    }
    let look = "const done = arguments[0]; \
        axe.run(document, { preload: false, resultTypes: ['violations'], runOnly: \
        ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }).then( \
        (all) => done(all.violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.html.slice(0, 300)} ${n.failureSummary}`))), \
        (error) => done([`axe-core failed: ${error}`]))";
    let found = page.execute_async(look, Vec::new()).await.unwrap();
    let found = found.json().as_array().cloned().unwrap_or_default();
    found.iter().filter_map(|line| line.as_str().map(str::to_owned)).collect()
}

/// The names of the views that the navigation leads to.
async fn views(page: &WebDriver) -> Vec<String> {
    let script =
        "return [...document.querySelectorAll('[data-testid^=nav-]')].map((e) => e.dataset.testid.slice(4))";
    let found = page.execute(script, Vec::new()).await.unwrap();
    found.json().as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn window_has_nothing_that_axe_finds_in_either_theme() {
    let desktop = Desktop::start(Keychain::Absent).with_screen();
    let preview = Preview::open(&desktop).await;
    preview.resize(960, 700).await;
    preview.show("scenario=roles").await;
    let mut scenes: Vec<String> = SCENES.iter().map(|scene| (*scene).to_owned()).collect();
    let views = views(preview.page()).await;
    assert!(views.contains(&"log".to_owned()), "{views:?}");
    scenes.extend(views.iter().map(|view| format!("scenario=roles&view={view}")));
    assert_eq!(all_findings(&preview, scenes).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn window_has_nothing_that_axe_finds_in_what_opens_under_a_hand() {
    let desktop = Desktop::start(Keychain::Absent).with_screen();
    let preview = Preview::open(&desktop).await;
    preview.resize(960, 700).await;
    assert_eq!(all_findings(&preview, OPENED.map(str::to_owned).to_vec()).await, [""; 0]);
}

/// What axe-core finds in these scenes, in either theme.
async fn all_findings(preview: &Preview, scenes: Vec<String>) -> Vec<String> {
    let mut found = Vec::new();
    for scene in scenes {
        preview.show(&scene).await;
        for theme in ["light", "dark"] {
            let script = format!("document.documentElement.dataset.theme = '{theme}'");
            preview.page().execute(script, Vec::new()).await.unwrap();
            found.extend(
                findings(preview.page()).await.iter().map(|line| format!("{scene}, {theme}: {line}")),
            );
        }
    }
    found
}

/// What does not fit: elements that stick out of the page, on either side.
const STICKS_OUT: &str = "const root = document.documentElement; \
    const out = root.scrollWidth > innerWidth ? [`the page is ${root.scrollWidth} wide`] : []; \
    for (const e of document.querySelectorAll('main button, main input, main h1, main h2, aside button')) { \
      const { left, right, width } = e.getBoundingClientRect(); \
      if (width > 1 && !e.closest('.unseen, .sessions') && (left < -1 || right > innerWidth + 1)) out.push(e.outerHTML.slice(0, 200)); \
    } \
    return out";

#[tokio::test(flavor = "multi_thread")]
async fn window_fits_at_twice_the_size_and_from_right_to_left() {
    let desktop = Desktop::start(Keychain::Absent).with_screen();
    let preview = Preview::open(&desktop).await;
    let mut found = Vec::new();
    // About the smallest window; one of the usual size at 200 %; the usual size.
    for (width, height) in [(450, 480), (480, 350), (960, 700)] {
        preview.resize(width, height).await;
        for direction in ["ltr", "rtl"] {
            for scene in [
                "scenario=roles",
                "scenario=code",
                "scenario=empty",
                "scenario=roles&view=log",
                "scenario=hostile",
            ] {
                preview.show(&format!("{scene}&dir={direction}&language=de")).await;
                let out = preview.page().execute(STICKS_OUT, Vec::new()).await.unwrap();
                for line in out.json().as_array().unwrap() {
                    found.push(format!("{scene} {width} {direction}: {line}"));
                }
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

/// Whether what has the focus shows it, and what it is.
const FOCUS: &str = "const e = document.activeElement; \
    if (!e || e === document.body) return ['nothing', true]; \
    const shows = [e, e.closest('label'), e.parentElement].some((x) => { \
      if (!x) return false; const s = getComputedStyle(x); \
      return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 1.5; }) || Boolean(e.ownerSVGElement?.querySelector('.focus')); \
    return [e.dataset.testid ?? e.id ?? e.outerHTML.slice(0, 80), shows]";

#[tokio::test(flavor = "multi_thread")]
async fn window_is_used_by_keyboard_alone_and_shows_where_one_is() {
    let backend = living(Duration::from_mins(10)).await;
    let desktop = desktop_with_demo(backend.address().port());
    let _ = desktop.sign_in("demo", "demo").ends(0);
    let window = Window::open(&desktop, &[]).await;
    window.comes_to("signed_in").await;
    assert_eq!(findings(window.page()).await, [""; 0], "axe-core finds something in the app");

    let mut seen = Vec::new();
    for _ in 0..14 {
        press(&window, "\u{e004}").await;
        let told = window.run(FOCUS).await;
        let (name, shows) = (told.json()[0].as_str().unwrap().to_owned(), told.json()[1].as_bool().unwrap());
        assert!(shows, "{name} does not show that it has the focus");
        seen.push(name);
    }
    for wanted in ["session-item-demo", "nav-log", "renew-now", "sign-out"] {
        assert!(seen.iter().any(|name| name == wanted), "{wanted} is not reached: {seen:?}");
    }
    // To the log, and back, by keyboard.
    window.run("document.querySelector('[data-testid=nav-log]').focus()").await;
    press(&window, "\u{e007}").await;
    window.find("log-row").await;
    assert_eq!(findings(window.page()).await, [""; 0], "axe-core finds something in the log");
}

/// Presses a key on what has the focus.
async fn press(window: &Window, key: &str) {
    let actions = window.page().action_chain();
    actions.send_keys(key).perform().await.unwrap();
}
