//! The shipped scenarios, played: on a right client and a right backend, and on wrong ones.

use std::time::Duration;

use async_trait::async_trait;
use latchkey_devserver::{DevServer, Options};

use super::*;
use crate::client::{Client, Latchkey, Seen};
use crate::scenario::Which;
use crate::shipped;

fn named(name: &str) -> Scenario {
    Scenario::parse(shipped::text(name).unwrap(), name).unwrap()
}

async fn played(name: &str, rules: &[Rule]) -> Outcome {
    let keys = tempfile::tempdir().unwrap();
    run(&named(name), &Against::Own { rules: rules.to_vec() }, keys.path()).await.unwrap()
}

/// What went wrong, in lines.
fn told(outcome: &Outcome) -> String {
    let failed = outcome.judgements.iter().filter(|judgement| !judgement.passed());
    let lines = failed.map(|judgement| format!("{judgement:?}"));
    let entries = outcome.run.entries.iter().map(|entry| format!("{entry:?}"));
    let all: Vec<_> = outcome.broken.iter().cloned().chain(lines).chain(entries).collect();
    format!("{}\n{}", outcome.name, all.join("\n"))
}

#[tokio::test]
async fn every_shipped_scenario_passes_on_our_client_and_our_backend() {
    let keys = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();

    for scenario in shipped::all().unwrap() {
        let outcome = run(&scenario, &Against::Own { rules: Vec::new() }, keys.path()).await.unwrap();

        if !outcome.passed() {
            wrong.push(told(&outcome));
        }
    }
    assert!(wrong.is_empty(), "{} went wrong:\n{}", wrong.len(), wrong.join("\n\n"));
}

#[tokio::test]
async fn a_backend_that_was_told_to_misbehave_is_named() {
    for (scenario, rule) in [
        ("double-spend", Rule::ReuseAccepted),
        ("double-spend", Rule::ReuseRefused),
        ("renews-ahead", Rule::NoRotation),
        ("renews-ahead", Rule::Cacheable),
    ] {
        let outcome = played(scenario, &[rule]).await;
        assert_eq!(outcome.at_fault(), Some("the backend"), "{rule}: {}", told(&outcome));
    }
}

/// A client that takes every trouble for the end of the session.
struct GivesUp(Latchkey);

/// A client that renews twice where once is asked for.
struct RenewsTwice(Latchkey);

macro_rules! otherwise_latchkey {
    ($client:ident { $seen:item $renew:item }) => {
        #[async_trait]
        impl Client for $client {
            $seen
            $renew
            async fn sign_in(&mut self, how: SignIn) -> Result<(), String> {
                self.0.sign_in(how).await
            }
            async fn changed(&mut self) {
                self.0.changed().await;
            }
            async fn gives_a_token(&mut self) -> bool {
                self.0.gives_a_token().await
            }
            async fn rejected(&mut self, which: Which) {
                self.0.rejected(which).await;
            }
            async fn restart(&mut self) {
                self.0.restart().await;
            }
            async fn second_renews(&mut self) {
                self.0.second_renews().await;
            }
            fn vault_is_away(&mut self, away: bool) {
                self.0.vault_is_away(away);
            }
        }
    };
}

otherwise_latchkey!(GivesUp {
    async fn seen(&mut self) -> Seen {
        let mut seen = self.0.seen().await;
        if seen.state == "waiting" {
            seen.state = "signed_out".to_owned();
            seen.next = None;
        }
        seen
    }
    async fn renew(&mut self) {
        self.0.renew().await;
    }
});

otherwise_latchkey!(RenewsTwice {
    async fn seen(&mut self) -> Seen {
        self.0.seen().await
    }
    async fn renew(&mut self) {
        self.0.renew().await;
        self.0.renew().await;
    }
});

#[tokio::test]
async fn a_client_that_does_wrong_is_named() {
    let keys = tempfile::tempdir().unwrap();
    for name in ["server-errors", "waf-403", "outage-five-minutes", "captive-portal-at-wake"] {
        let make = |stage: &Stage| GivesUp(stage.latchkey().unwrap());
        let outcome = run_with(&named(name), Vec::new(), keys.path(), make).await.unwrap();
        assert_eq!(outcome.at_fault(), Some("the client"), "{}", told(&outcome));
    }
    for name in ["slow-token-endpoint", "json-as-text", "early-401"] {
        let make = |stage: &Stage| RenewsTwice(stage.latchkey().unwrap());
        let outcome = run_with(&named(name), Vec::new(), keys.path(), make).await.unwrap();
        let expected = (name != "early-401").then_some("the client");
        assert_eq!(outcome.at_fault(), expected, "{}", told(&outcome));
    }
}

#[tokio::test]
async fn the_exchange_of_a_code_is_no_refresh() {
    let keys = tempfile::tempdir().unwrap();
    let text = "version = 1\nname = \"mine\"\ntitle = \"t\"\nabout = \"a\"\nstandard = []\n\
                [backend]\nprovider = \"oauth\"\n[[steps]]\nsign_in = true\n[[steps]]\nexpect_client = { refreshes = 0 }\n\
                [[steps]]\nrenew = true\n[[steps]]\nexpect_client = { refreshes = 1 }\n";
    let scenario = Scenario::parse(text, "mine.toml").unwrap();
    let outcome = run(&scenario, &Against::Own { rules: Vec::new() }, keys.path()).await.unwrap();
    assert!(outcome.passed(), "{}", told(&outcome));
}

/// A backend that is somebody's own, which takes used tokens for so long, and its account.
async fn own_backend(grace: Duration) -> (DevServer, AccountConfig) {
    let options = Options { listen: ([127, 0, 0, 1], 0).into(), grace, state: None, ..Options::default() };
    let server = DevServer::start(options).await.unwrap();
    let account = AccountConfig { devserver: false, ..AccountConfig::demo(server.address().port()) };
    (server, account)
}

/// A scenario of these steps.
fn of_steps(steps: &[&str]) -> Scenario {
    let head = "version = 1\nname = \"mine\"\ntitle = \"t\"\nabout = \"a\"\nstandard = []\n";
    let steps: Vec<_> = steps.iter().map(|step| format!("[[steps]]\n{step}\n")).collect();
    Scenario::parse(&format!("{head}{}", steps.concat()), "mine.toml").unwrap()
}

fn demo() -> Person {
    Person::Typed { username: "demo".to_owned(), password: Password::new("demo") }
}

#[tokio::test]
async fn what_was_signed_in_to_at_somebodys_own_backend_is_signed_out_of() {
    let keys = tempfile::tempdir().unwrap();
    let expect = "expect_client = { generation = 1 }";
    for steps in [
        &["sign_in = true", "renew = true", "renew = true", expect][..],
        &["sign_in = true", "renew = true", "sign_in = true", expect],
        &["sign_in = true", "renew = true", "replay = \"current\"", expect],
        &["sign_in = true", "fault = { at = \"logout\", mode = \"html\", count = -1 }", expect],
    ] {
        let (server, account) = own_backend(Duration::ZERO).await;
        let against = Against::Account(Box::new(account), demo(), Arc::default());
        let outcome = run(&of_steps(steps), &against, keys.path()).await.unwrap();
        assert!(outcome.passed(), "{}", told(&outcome));
        assert_eq!(server.revoke("demo").await, Some(0), "{steps:?}");
    }
}

#[tokio::test]
async fn a_run_that_is_given_up_leaves_nothing_at_somebodys_own_backend() {
    let keys = tempfile::tempdir().unwrap();
    let (server, account) = own_backend(Duration::ZERO).await;
    let ending = Arc::<Ending>::default();
    let against = Against::Account(Box::new(account), demo(), ending.clone());
    let scenario = of_steps(&["sign_in = true", "advance = \"50s\"", "expect_client = { generation = 1 }"]);
    let mut requests = server.follow_requests();
    let comes = async {
        while requests.recv().await.unwrap().status != Some(200) {}
        ending.comes().await;
    };
    let (outcome, ()) = tokio::join!(run(&scenario, &against, keys.path()), comes);
    assert!(matches!(outcome, Err(StageError::GivenUp)));
    assert_eq!(server.revoke("demo").await, Some(0));
}

#[tokio::test]
async fn a_backend_whose_grace_window_nobody_measured_is_not_said_to_take_used_tokens() {
    let keys = tempfile::tempdir().unwrap();
    let scenario = of_steps(&[
        "sign_in = true",
        "renew = true",
        "replay = \"old\"",
        "expect_backend = { replay = \"refused\" }",
    ]);
    for (grace, broken) in [(Duration::from_secs(30), true), (Duration::ZERO, false)] {
        let (_server, account) = own_backend(grace).await;
        let against = Against::Account(Box::new(account), demo(), Arc::default());
        let outcome = run(&scenario, &against, keys.path()).await.unwrap();
        assert_ne!(outcome.backend, SideOutcome::Failed, "{}", told(&outcome));
        let said = outcome.broken.as_deref().unwrap_or_default();
        assert_eq!(said.contains("latchkey lab profile"), broken, "{said}");
    }
}
