//! A site with a cookie session from the terminal: added by its address, signed in to, changed, looked into, signed out of.

use latchkey_devserver::SITE_SECRET;
use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::process::signal;
use latchkey_tests::programs::DevServerProcess;
use latchkey_tests::wait::{PATIENCE, until};
use rustix::process::Signal;
use serde_json::{Value, json};

/// The desktop, and the account `shop` at the site of the development backend.
fn set_up() -> (Desktop, DevServerProcess) {
    let desktop = Desktop::start(Keychain::Unlocked).with("LATCHKEY_VAULT", "keychain");
    let backend = DevServerProcess::start(&desktop, &["--grace", "30s"]);
    let added = desktop
        .latchkey(&["accounts", "add", "shop", "--provider", "nextauth", "--site", &backend.url])
        .ends(0)
        .says("Auth.js v5 answers at");
    assert_eq!(added.stdout, "", "nothing was asked for, so nothing is printed");
    (desktop, backend)
}

#[test]
fn a_person_signs_in_to_a_site_changes_the_session_and_signs_out() {
    let (desktop, _backend) = set_up();
    let wrong = desktop.sign_in("shop", "wrong").ends(1);
    assert!(wrong.stderr.contains("did not accept"), "{}", wrong.stderr);
    let _ = desktop.sign_in("shop", "demo").ends(0).says("Signed in");
    let status = desktop.status("shop");
    assert_eq!(
        (&status["provider"], &status["state"]),
        (&"nextauth".into(), &"signed_in".into()),
        "{status:#}"
    );
    assert_eq!(status["identity"]["name"], "Demo User");
    assert_eq!(status["clocks"]["session"], status["clocks"]["access"], "the cookie is the session");

    let token = desktop.latchkey(&["token", "shop", "--output", "json"]).ends(0).json();
    assert_eq!(token["token_type"], "session_cookie");
    assert!(token["access_token"].as_str().unwrap().starts_with("eyJ"));

    let data = r#"{"theme":"dark"}"#;
    let updated = desktop.latchkey(&["session", "update", "shop", "--data", data]).ends(0);
    assert!(updated.stdout.contains("data.theme is dark"), "{}", updated.stdout);
    let same = desktop.latchkey(&["session", "revalidate", "shop"]).ends(0);
    assert!(same.stdout.contains("Nothing changed") && same.stdout.contains("data.theme"), "{}", same.stdout);

    let _ = desktop.latchkey(&["sign-out", "shop"]).ends(0).says("signed out");
    assert_eq!(desktop.secret_of("shop"), None, "the keychain still has it");
}

#[test]
fn a_developer_opens_the_cookie_with_the_sites_secret_and_seals_another() {
    let (desktop, _backend) = set_up();
    let _ = desktop.sign_in("shop", "demo").ends(0);
    let inspect = |arguments: &[&str], secret: &str| {
        let arguments: Vec<_> =
            ["inspect", "shop", "--site-secret-stdin"].iter().chain(arguments).copied().collect();
        desktop.start_latchkey(&arguments, secret).done()
    };
    let opened = inspect(&["--json"], SITE_SECRET).ends(0).json();
    assert_eq!((&opened["claims"]["sub"], &opened["sealed_by"]), (&"demo".into(), &"Auth.js v5".into()));
    let _ = inspect(&[], "another").ends(2).says("the secret does not open it");
    let sealed =
        inspect(&["--set", "sub=\"somebody\""], SITE_SECRET).ends(0).says("signs in as whoever it names");
    let cookie = sealed.value().split_once('=').unwrap();
    assert_eq!(cookie.0, "authjs.session-token");
    // The site takes it for its own, and nobody of that name is known to it.
    let refused = desktop.start_latchkey(&["sign-in", "shop", "--cookie"], "of.nobody").done().ends(1);
    let refused = refused.says("the site does not know this session cookie").says("copy the cookie anew");
    assert!(!refused.stderr.contains("password"), "{refused:#?}");
    let taken = desktop.start_latchkey(&["sign-in", "shop", "--cookie"], cookie.1).done().ends(0);
    assert!(taken.stderr.contains("Signed in"), "{}", taken.stderr);
    assert_eq!(desktop.status("shop")["identity"]["subject"], "somebody");
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::disallowed_methods, reason = "the program behind the proxy sends what it likes")]
async fn the_proxy_beside_an_agent_sends_the_cookie_and_has_a_changed_session_read_again() {
    let (desktop, backend) = set_up();
    let _ = desktop.sign_in("shop", "demo").ends(0);
    let agent = desktop.start_latchkey(&["agent"], "");
    assert!(agent.first_line().contains("agent.sock"));
    let proxy = desktop.start_latchkey(&["proxy", "shop", "--upstream", &backend.url], "");
    let page = format!("{}api/me", proxy.first_line());
    let nobody = reqwest::get(format!("{}/api/me", backend.url)).await.unwrap();
    assert_eq!(nobody.status(), 401, "who comes without a cookie is nobody");
    let me: Value = reqwest::get(&page).await.unwrap().json().await.unwrap();
    assert_eq!(me["sub"], "demo");
    assert_eq!(desktop.status("shop")["generation"], 1, "nothing has changed");

    // What the site's next answer says of it (`X-Revalidate-Session: true`) is for Latchkey, not for the caller.
    let change = json!({ "username": "demo", "user": { "role": "admin" } });
    let changed = reqwest::Client::new().post(format!("{}/__session", backend.url)).json(&change).send();
    assert_eq!(changed.await.unwrap().status(), 200);
    let told = reqwest::get(&page).await.unwrap();
    assert_eq!((told.status().as_u16(), told.headers().get("x-revalidate-session")), (200, None));
    let read = until("the session to be read again", PATIENCE, || {
        Some(desktop.status("shop")).filter(|status| status["generation"] == 2)
    });
    assert_eq!(read["identity"]["roles"], json!(["admin"]), "{read:#}");
    let me: Value = reqwest::get(&page).await.unwrap().json().await.unwrap();
    assert_eq!(me["sub"], "demo", "the new cookie is sent");
    for program in [proxy, agent] {
        signal(program.id(), Signal::INT);
        let _ = program.done().ends(0);
    }
}
