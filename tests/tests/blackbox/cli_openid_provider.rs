//! The terminal at node-oidc-provider: an account by its issuer alone, a real sign-in, real tokens in a real keychain.

use std::time::Duration;

use latchkey_tests::canary::Canary;
use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::openid_provider::{OpFault, OpenIdProvider, Settings, Support};
use latchkey_tests::programs::Done;
use latchkey_tests::scripted_browser::{Page, Person, ScriptedBrowser};
use serde_json::Value;

/// The desktop at the loudest level, the account `op` at this server, and everything that was printed.
struct Terminal {
    desktop: Desktop,
    provider: OpenIdProvider,
    printed: Vec<(String, Done)>,
    canary: Canary,
}

impl Terminal {
    fn at(settings: &Settings) -> Self {
        let provider = OpenIdProvider::start(settings);
        let desktop = Desktop::start(Keychain::Unlocked)
            .with("LATCHKEY_VAULT", "keychain")
            .with("LATCHKEY_LOG", "trace");
        let mut terminal = Self { desktop, provider, printed: Vec::new(), canary: Canary::default() };
        let issuer = terminal.provider.issuer().to_owned();
        let account = ["accounts", "add", "op", "--issuer", &issuer, "--client-id", "latchkey"];
        let scope = ["--scope", "openid offline_access"];
        terminal.runs(&[&account[..], &scope[..]].concat(), 0);
        terminal
    }

    /// Runs a command, which must end like this.
    #[track_caller]
    fn runs(&mut self, arguments: &[&str], code: i32) -> Done {
        let done = self.desktop.latchkey(arguments).ends(code);
        self.printed.push((arguments.join(" "), done.clone()));
        done
    }

    /// Starts a sign-in; the person does what it takes at the page that is printed.
    async fn signs_in(&mut self, how: &str, browser: &mut ScriptedBrowser, code: i32) -> (Page, Done) {
        let running = self.desktop.start_latchkey(&["sign-in", "op", how], "");
        let page = running.first_line();
        assert!(page.starts_with(self.provider.issuer()), "{page}");
        let last_page = match page.split_once("user_code=") {
            Some((_, user_code)) => browser.enter_device_code(&page, user_code).await,
            None => browser.sign_in(&page).await,
        };
        let done = running.done().ends(code);
        assert_eq!(done.value(), page, "the page is all that is printed as a value");
        self.printed.push((format!("sign-in op {how}"), done.clone()));
        (last_page, done)
    }

    /// What the keychain holds; its tokens may be nowhere else from now on.
    fn stored(&mut self) -> Value {
        let item = self.desktop.secret_of("op").expect("the keychain holds the session");
        let item: Value = serde_json::from_str(&item).unwrap();
        for member in ["access_token", "refresh_token", "id_token", "dpop_key"] {
            if let Some(secret) = item[member].as_str() {
                self.canary.watch(member, secret);
            }
        }
        item
    }

    fn status(&mut self) -> Value {
        let status = self.runs(&["status", "op", "--json"], 0).json();
        status[0].clone()
    }

    /// Nothing that was printed or written holds a token. One that a program asked for is printed to it alone.
    fn tells_no_secret(self) {
        let mut found = Vec::new();
        for (command, done) in &self.printed {
            if !command.starts_with("token") {
                found.extend(self.canary.look(&format!("the output of `{command}`"), done.stdout.as_bytes()));
            }
            found.extend(self.canary.look(&format!("the messages of `{command}`"), done.stderr.as_bytes()));
        }
        let (files, in_files) = self.canary.look_into(self.desktop.root());
        assert!(found.is_empty() && in_files.is_empty(), "{found:#?} {in_files:#?}");
        assert!(files >= 4 && self.canary.secrets() >= 3, "{files} files, {} secrets", self.canary.secrets());
    }
}

fn alice() -> ScriptedBrowser {
    ScriptedBrowser::of(Person::who_allows("alice", "secret"))
}

/// The current refresh token, presented by somebody who is not the client.
async fn presents(provider: &OpenIdProvider, refresh_token: &str) -> u16 {
    let form = [("grant_type", "refresh_token"), ("client_id", "latchkey"), ("refresh_token", refresh_token)];
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    client.post(provider.url("/token")).form(&form).send().await.unwrap().status().as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_renews_loses_the_session_to_a_thief_signs_in_again_and_signs_out() {
    let mut terminal =
        Terminal::at(&Settings { access_lifetime: Duration::from_mins(10), ..Settings::default() });
    let mut browser = alice();
    let (page, done) = terminal.signs_in("--no-browser", &mut browser, 0).await;
    assert!(page.text.contains("You are signed in"), "{page:#?}");
    assert!(done.stderr.contains("op: Signed in"), "{done:#?}");

    let status = terminal.status();
    for (place, value) in
        [("/account", "op"), ("/provider", "oauth"), ("/state", "signed_in"), ("/identity/subject", "alice")]
    {
        assert_eq!(status.pointer(place), Some(&value.into()), "{place} of {status:#}");
    }
    assert_eq!((&status["generation"], &status["reason"]), (&1.into(), &Value::Null));
    assert_eq!(status["clocks"]["access"]["source"], "expires_in");
    assert_eq!(status["next"]["action"], "renew");

    let stolen = terminal.stored()["refresh_token"].as_str().unwrap().to_owned();
    for generation in 2..=4 {
        let renewed = terminal.runs(&["renew", "op"], 0);
        let told = format!("generation {} → {generation}", generation - 1);
        assert!(renewed.stderr.contains(&told), "{renewed:#?}");
        terminal.stored();
    }
    assert_eq!(terminal.provider.refreshes(), 3);

    assert_eq!(presents(&terminal.provider, &stolen).await, 400);
    let refused = terminal.runs(&["renew", "op"], 3);
    assert!(refused.stderr.contains("latchkey sign-in op"), "it says what to do: {refused:#?}");
    let status = terminal.status();
    assert_eq!((&status["state"], &status["reason"]["code"]), (&"needs_sign_in".into(), &"refused".into()));
    let access = terminal.stored()["access_token"].as_str().unwrap().to_owned();
    assert_eq!(terminal.runs(&["token", "op"], 0).value(), access, "served until it expires");
    let asked = terminal.provider.requests("/token");
    terminal.runs(&["renew", "op"], 3);
    assert_eq!(terminal.provider.requests("/token"), asked, "a refused token is not sent again");

    terminal.signs_in("--no-browser", &mut browser, 0).await;
    assert_eq!(terminal.status()["state"], "signed_in");
    terminal.runs(&["renew", "op"], 0);
    let last = terminal.stored()["refresh_token"].as_str().unwrap().to_owned();
    let signed_out = terminal.runs(&["sign-out", "op"], 0);
    assert!(signed_out.stderr.contains("signed out"), "{signed_out:#?}");
    assert_eq!(terminal.desktop.secret_of("op"), None, "the keychain still has it");
    assert_eq!(presents(&terminal.provider, &last).await, 400, "revoked, not just forgotten");
    assert_eq!(terminal.status()["state"], "signed_out");
    terminal.runs(&["token", "op"], 3);
    terminal.tells_no_secret();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_with_a_code_on_another_device() {
    let mut terminal = Terminal::at(&Settings::default());
    let (_, done) = terminal.signs_in("--device", &mut alice(), 0).await;
    assert!(done.stderr.contains("On any device, open"), "{done:#?}");
    assert_eq!(terminal.status()["identity"]["subject"], "alice");
    terminal.runs(&["renew", "op"], 0);
    terminal.stored();
    terminal.runs(&["renew", "op"], 0);
    assert_eq!(terminal.status()["generation"], 3, "the family lives");
    terminal.runs(&["sign-out", "op"], 0);
    assert_eq!(terminal.desktop.secret_of("op"), None);
    terminal.tells_no_secret();
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_declines_is_told_so_in_the_terminal_too() {
    for how in ["--no-browser", "--device"] {
        let mut terminal = Terminal::at(&Settings::default());
        let mut denying = ScriptedBrowser::of(Person::who_denies("alice", "secret"));
        let (_, done) = terminal.signs_in(how, &mut denying, 1).await;
        assert!(done.stderr.contains("declined"), "{done:#?}");
        assert_eq!(terminal.status()["state"], "signed_out");
        assert_eq!(terminal.desktop.secret_of("op"), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_demands_bound_tokens_and_pushed_requests_is_served_from_process_to_process() {
    let settings = Settings { dpop: Support::Required, par: Support::Required, ..Settings::default() };
    let mut terminal = Terminal::at(&settings);
    terminal.signs_in("--no-browser", &mut alice(), 0).await;
    assert_eq!(terminal.stored()["token_type"], "DPoP");
    for generation in 2..=3 {
        terminal.runs(&["renew", "op"], 0);
        assert_eq!(terminal.status()["generation"], generation);
    }
    // Struggling is no verdict, from the terminal either.
    terminal.provider.fault(&OpFault::retry_after("/token", 503, 2));
    let struggling = terminal.runs(&["renew", "op"], 1);
    assert!(struggling.stderr.contains("your session is kept"), "{struggling:#?}");
    terminal.runs(&["renew", "op"], 0);
    terminal.runs(&["sign-out", "op"], 0);
    assert_eq!(terminal.provider.refusals().len(), 0);
    terminal.tells_no_secret();
}
