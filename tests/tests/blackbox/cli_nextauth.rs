//! A site with a cookie session from the terminal: added by its address, signed in to, changed, looked into, signed out of.

use latchkey_devserver::SITE_SECRET;
use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::programs::DevServerProcess;

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
    let taken = desktop.start_latchkey(&["sign-in", "shop", "--cookie"], cookie.1).done().ends(0);
    assert!(taken.stderr.contains("Signed in"), "{}", taken.stderr);
    assert_eq!(desktop.status("shop")["identity"]["subject"], "somebody");
}
