//! What a script that got into the page could do: read no secret by any command, reach nothing but the app, lead nowhere.

use std::collections::BTreeSet;
use std::time::Duration;

use latchkey_devserver::User;
use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::process::dump_memory;
use latchkey_tests::window::Window;
use serde_json::Value;

use crate::backend::{living, random_text, with_users};
use crate::canary::Watched;
use crate::window::desktop_with_demo;

#[path = "../../../src-tauri/src/command_names.rs"]
mod command_names;

/// What a script might try besides; none of it is there, or allowed.
const FOREIGN: [&str; 14] = [
    "get_token",
    "token",
    "read_vault",
    "request_headers",
    "plugin:fs|read_file",
    "plugin:shell|execute",
    "plugin:opener|open_url",
    "plugin:http|fetch",
    "plugin:webview|create_webview_window",
    "plugin:webview|internal_toggle_devtools",
    "plugin:window|create",
    "plugin:path|resolve_directory",
    "plugin:app|version",
    "plugin:event|emit",
];

/// What ends the session.
const LAST: [&str; 3] = ["change_account", "sign_out", "remove_account"];

/// What answers nothing and does something outside of the window: ends the app, opens another program, is there at login.
const ELSEWHERE: [&str; 7] =
    ["quit", "stay", "start_at_login", "show_config_file", "show_guide", "show_report", "export_report"];

/// Calls each command with arguments that could fit any, and tells what came of it.
const CALL_ALL: &str = "const [names, done] = arguments; \
    const given = { account: 'demo', username: 'demo', password: 'x', issuer: 'http://127.0.0.1:9', level: 'trace', \
      after: null, since: null, limit: 1000, text: 'x', token: 'x', url: 'https://example.com', path: '/etc/passwd', \
      event: 'sessions', payload: {}, name: 'demo', key: 'x', language: 'en' }; \
    const call = async (name) => { \
      const late = new Promise((go) => setTimeout(() => go(['late', null]), 8000)); \
      const called = window.__TAURI_INTERNALS__.invoke(name, given).then((v) => ['ok', v], (e) => ['refused', e]); \
      return [name, ...(await Promise.race([called, late]))]; }; \
    Promise.all(names.map(call)).then((all) => done(JSON.stringify(all)))";

#[tokio::test(flavor = "multi_thread")]
async fn window_gives_a_script_in_it_no_secret_whatever_it_calls() {
    let desktop = Desktop::start(Keychain::Unlocked).with_screen();
    let watched = Watched::start(desktop, Duration::from_mins(10)).await;
    let window = Window::open(&watched.desktop, &[]).await;
    window.sign_in("demo", &watched.password).await;
    window.comes_to("signed_in").await;

    // What ends the session comes last: before it there is something to be had.
    let mut names: Vec<&str> = command_names::COMMANDS
        .into_iter()
        .filter(|name| !LAST.contains(name) && !ELSEWHERE.contains(name))
        .chain(FOREIGN)
        .collect();
    names.extend(LAST);
    let told = window.page().execute_async(CALL_ALL, vec![serde_json::json!(names)]).await.unwrap();
    let told = told.json().as_str().unwrap().to_owned();
    let canary = watched.canary();
    assert!(canary.secrets() >= 3, "only {} secrets went through", canary.secrets());
    let found = canary.look("what the commands answered", told.as_bytes());
    assert!(found.is_empty(), "{found:#?}");

    let answers: Vec<(String, String, Value)> = serde_json::from_str(&told).unwrap();
    assert_eq!(answers.len(), names.len());
    let served: BTreeSet<&str> =
        answers.iter().filter(|(_, how, _)| how == "ok").map(|(name, ..)| name.as_str()).collect();
    for name in FOREIGN {
        assert!(!served.contains(name), "{name} was served: {answers:?}");
    }
    assert!(served.contains("sessions") && served.contains("log"), "nothing was served: {answers:?}");

    // Neither what the page stores nor what its process has in memory holds a token.
    let stored = "const done = arguments[0]; Promise.all([indexedDB.databases?.() ?? [], caches?.keys?.() ?? []]) \
        .then((all) => done(JSON.stringify(all)), (e) => done(String(e)))";
    let stored = window.page().execute_async(stored, Vec::new()).await.unwrap();
    assert!(!stored.json().as_str().unwrap().contains("name"), "{:?}", stored.json());
    let found = canary.look("the page", window.everything().await.as_bytes());
    assert!(found.is_empty(), "{found:#?}");
    let tokens = tokens_only(&watched);
    let dump = watched.desktop.out("memory");
    let bytes = dump_memory(window.page_process(), &dump);
    let found = tokens.look_into_dump(&dump);
    std::fs::remove_file(&dump).unwrap();
    assert!(bytes > 10 << 20, "only {bytes} bytes of the page's memory could be read");
    assert!(found.is_empty(), "{found:#?}");
}

/// Not the password: somebody typed it into the page.
fn tokens_only(watched: &Watched) -> latchkey_tests::canary::Canary {
    let mut canary = latchkey_tests::canary::Canary::default();
    for token in watched.recorder.tokens() {
        canary.watch("a token", &token);
    }
    canary
}

/// Every way out of the page that a script has. Each tells whether it was kept back.
const WAYS_OUT: &str = "const [url, done] = arguments; \
    const kept = {}; const tell = (name, yes) => { kept[name] = yes; }; \
    const attempt = (name, f) => { try { f(); } catch { tell(name, true); } }; \
    const fails = (name, p) => p.then(() => tell(name, false), () => tell(name, true)); \
    const frame = document.createElement('iframe'); frame.src = url + '/iframe'; document.body.append(frame); \
    const form = document.createElement('form'); form.action = url + '/form'; form.method = 'post'; document.body.append(form); \
    const style = document.createElement('style'); style.textContent = `body { background: url(${url}/style) }`; document.head.append(style); \
    const inline = document.createElement('script'); inline.textContent = 'window.inline = 1'; document.body.append(inline); \
    const handler = document.createElement('div'); handler.innerHTML = '<img src=x onerror=\"window.inline = 1\">'; document.body.append(handler); \
    attempt('open', () => tell('open', window.open(url + '/open') === null)); \
    attempt('form', () => form.submit()); \
    attempt('eval', () => { eval('1'); tell('eval', false); }); \
    attempt('function', () => { new Function('return 1')(); tell('function', false); }); \
    attempt('worker', () => { const w = new Worker(url + '/worker.js'); w.onerror = () => tell('worker', true); }); \
    attempt('socket', () => { const s = new WebSocket(url.replace('http', 'ws') + '/socket'); s.onerror = () => tell('socket', true); s.onopen = () => tell('socket', false); }); \
    attempt('events', () => { const s = new EventSource(url + '/events'); s.onerror = () => tell('events', true); s.onopen = () => tell('events', false); }); \
    attempt('rtc', () => { const c = new RTCPeerConnection({ iceServers: [{ urls: 'stun:' + url.slice(7) }] }); c.createDataChannel('x'); c.createOffer().then((o) => c.setLocalDescription(o)); }); \
    attempt('request', () => { const x = new XMLHttpRequest(); x.onerror = () => tell('request', true); x.onload = () => tell('request', false); x.open('GET', url + '/xhr'); x.send(); }); \
    fails('fetch', fetch(url + '/fetch', { mode: 'no-cors' })); \
    fails('import', import(url + '/module.js')); \
    fails('bypass', fetch('ipc://localhost/sessions', { method: 'POST', body: '{}' }).then((r) => { if (!r.ok) throw 0; })); \
    attempt('away', () => { location.href = url + '/away'; }); \
    attempt('top', () => { const a = document.createElement('a'); a.href = url + '/link'; a.target = '_blank'; document.body.append(a); a.click(); }); \
    const told = () => ['open', 'eval', 'function', 'socket', 'request', 'fetch', 'import', 'bypass'].every((way) => way in kept); \
    const late = performance.now() + 20000; \
    const end = () => { kept.inline = window.inline === undefined; done(kept); }; \
    const look = () => setTimeout(told() || performance.now() > late ? () => setTimeout(end, 1500) : look, 50); \
    look()";

#[tokio::test(flavor = "multi_thread")]
async fn window_leads_nowhere_but_to_the_app() {
    let backend = living(Duration::from_mins(1)).await;
    let desktop = desktop_with_demo(backend.address().port());
    let window = Window::open(&desktop, &[]).await;
    window.comes_to("signed_out").await;
    let before = backend.requests().len();
    let kept = window.page().execute_async(WAYS_OUT, vec![serde_json::json!(backend.url())]).await.unwrap();
    let kept = kept.json().as_object().unwrap().clone();
    let open: Vec<_> = kept.iter().filter(|(_, kept)| kept.as_bool() != Some(true)).collect();
    assert!(open.is_empty(), "a way out is open: {open:?}");
    for way in ["open", "eval", "function", "socket", "request", "fetch", "import", "inline", "bypass"] {
        assert!(kept.contains_key(way), "{way} told nothing: {kept:?}");
    }
    assert_eq!(backend.requests().len(), before, "{:#?}", backend.requests());
    // The page is where it was, and works.
    let place = window.run("return location.href").await;
    assert!(place.json().as_str().unwrap().starts_with("tauri://localhost"), "{place:?}");
    window.press("nav-log").await;
    window.find("log-row").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn window_takes_no_call_that_is_not_shaped_like_one_and_its_prototypes_are_frozen() {
    let backend = living(Duration::from_mins(1)).await;
    let desktop = desktop_with_demo(backend.address().port());
    let window = Window::open(&desktop, &[]).await;
    let script = "const done = arguments[0]; \
        let deep = {}; for (let n = 0; n < 50; n += 1) deep = { deep }; \
        const odd = [{ account: deep }, { account: 'x'.repeat(300000) }, { 'not a name': 1 }, { account: Infinity }]; \
        Object.prototype.polluted = 1; \
        const calls = odd.map((payload) => window.__TAURI_INTERNALS__.invoke('renew', payload).then(() => 'served', (e) => String(e))); \
        Promise.all(calls).then((all) => done([({}).polluted === undefined, Object.isFrozen(Object.prototype), ...all]))";
    let told = window.page().execute_async(script, Vec::new()).await.unwrap();
    let told = told.json().as_array().unwrap().clone();
    assert_eq!(told[..2], [Value::Bool(true), Value::Bool(true)], "{told:?}");
    for answer in &told[2..] {
        assert!(answer.as_str().unwrap().contains("not found"), "it reached the app: {answer}");
    }
    // And one that is shaped like one still gets through.
    window.sign_in("demo", "demo").await;
    window.comes_to("signed_in").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn window_stays_whole_whatever_a_server_calls_its_user() {
    let name = format!(
        "</script></title><svg onload=\"document.title='owned'\">\u{202e}\u{2066}{}{}",
        "<img src=x onerror=\"document.title='owned'\">",
        random_text("long ").repeat(28_000),
    );
    assert!(name.len() > 1_000_000);
    let user = User { name, ..User::demo() };
    let backend = with_users(Duration::from_mins(1), vec![user]).await;
    let desktop = desktop_with_demo(backend.address().port());
    let window = Window::open(&desktop, &[]).await;
    window.sign_in("demo", "demo").await;
    // Taken or refused, but in words and in time.
    window.find_css("[data-testid=headline], [data-testid=error-message]").await;
    let page = window.everything().await;
    assert!(page.len() < 400_000, "{} characters went into the page", page.len());
    assert!(!window.words().await.contains('\u{202e}'), "the direction of writing can be turned");
    assert!(window.all_css("main img, main script, main svg[onload]").await.is_empty());
    assert_eq!(window.run("return document.title").await.json().as_str(), Some("Latchkey"));
    window.press("nav-log").await;
    window.find("log-row").await;
    assert_eq!(window.run("return document.title").await.json().as_str(), Some("Latchkey"));
}
