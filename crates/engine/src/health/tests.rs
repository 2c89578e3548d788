//! A whole examination, with a provider made here that answers on this machine.

use std::fs;
use std::time::Duration;

use latchkey_core::reason::{Reason, VaultProblem};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::clock::{ManualClock, SystemClock};
use crate::vault::Envelope;
use crate::vault::example;
use crate::vault::memory::MemoryVault;

/// A port of this machine where nobody listens.
const NOBODY: u16 = 1;

struct World {
    _root: tempfile::TempDir,
    paths: Paths,
    vault: MemoryVault,
    forgetful: bool,
    clock: Arc<dyn Clock>,
    patience: Duration,
}

impl World {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let dir = |name: &str| root.path().join(name);
        let paths = Paths { config_dir: dir("config"), state_dir: dir("state"), runtime_dir: dir("run") };
        paths.ensure().unwrap();
        let vault = MemoryVault::new();
        Self { _root: root, paths, vault, forgetful: false, clock: Arc::new(SystemClock), patience: PATIENCE }
    }

    fn configure(&self, port: u16) {
        let text = format!(
            "[accounts.work]\nprovider = \"credentials\"\nlogin_url = \"http://127.0.0.1:{port}/login\"\n\
             refresh_url = \"http://127.0.0.1:{port}/refresh\"\n"
        );
        fs::write(self.paths.config_file(), text).unwrap();
    }

    async fn examine(&self) -> Report {
        examine(Subject {
            paths: self.paths.clone(),
            vault: Ok(Arc::new(self.vault.clone())),
            forgetful: self.forgetful,
            clock: self.clock.clone(),
            patience: self.patience,
        })
        .await
    }
}

/// A provider that answers each request with this `Date`, and counts nothing.
async fn answering(date: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = vec![0; 4096];
            let read = stream.read(&mut request).await.unwrap();
            assert!(request[..read].starts_with(b"GET / HTTP/1.1\r\n"), "nothing but the root is asked for");
            let answer = format!("HTTP/1.1 404 Not Found\r\nDate: {date}\r\nContent-Length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    port
}

fn codes(report: &Report, topic: Topic) -> Vec<(&'static str, Grade)> {
    let about = report.findings.iter().filter(|finding| finding.topic == topic);
    about.map(|finding| (finding.code, finding.grade)).collect()
}

fn at_noon() -> Arc<dyn Clock> {
    Arc::new(ManualClock::new("2026-12-20T12:00:00Z".parse().unwrap()))
}

#[tokio::test]
async fn where_all_is_well_nothing_is_to_be_done() {
    let world = World { clock: at_noon(), ..World::new() };
    world.configure(answering("Sun, 20 Dec 2026 12:00:01 GMT").await);
    let work = AccountName::new("work").unwrap();
    world.vault.write(&work, &example("work")).await.unwrap();
    let report = world.examine().await;
    assert!(report.healthy, "{report:#?}");
    assert_eq!(report.count(Grade::Ok), report.findings.len(), "{report:#?}");
    assert_eq!(codes(&report, Topic::Vault), [("vault_works", Grade::Ok)]);
    assert_eq!(codes(&report, Topic::Config), [("config_read", Grade::Ok)]);
    assert_eq!(codes(&report, Topic::Folders).len(), 5);
    let account = ["provider_reached", "same_time", "tokens_stored"].map(|code| (code, Grade::Ok));
    assert_eq!(codes(&report, Topic::Account), account);
    assert!(
        report
            .findings
            .iter()
            .filter(|f| f.topic == Topic::Account)
            .all(|f| f.account.as_ref() == Some(&work))
    );
}

#[tokio::test]
async fn a_provider_with_another_time_is_told_by_how_much() {
    for (date, code, grade, words) in [
        ("Sun, 20 Dec 2026 12:00:30 GMT", "other_time", Grade::Ok, "30 s ahead"),
        ("Sun, 20 Dec 2026 11:58:00 GMT", "other_time", Grade::Warning, "2 min behind"),
        ("Sun, 20 Dec 2026 12:20:00 GMT", "other_time", Grade::Problem, "20 min ahead"),
    ] {
        let world = World { clock: at_noon(), ..World::new() };
        world.configure(answering(date).await);
        let report = world.examine().await;
        assert_eq!(codes(&report, Topic::Account)[1], (code, grade), "{date}");
        assert!(report.findings.iter().any(|finding| finding.message.contains(words)), "{report:#?}");
        assert_eq!(report.healthy, grade != Grade::Problem);
    }
}

#[tokio::test]
async fn a_provider_that_is_not_there_is_a_problem_and_the_rest_is_looked_at_all_the_same() {
    let world = World::new();
    world.configure(NOBODY);
    let report = world.examine().await;
    assert!(!report.healthy);
    let account = [("provider_unreachable", Grade::Problem), ("not_signed_in", Grade::Ok)];
    assert_eq!(codes(&report, Topic::Account), account);
}

#[tokio::test]
async fn a_refused_refresh_token_is_a_warning() {
    let world = World { clock: at_noon(), ..World::new() };
    world.configure(answering("Sun, 20 Dec 2026 12:00:00 GMT").await);
    let quarantined = Envelope { quarantined: Some(Reason::Refused { said: None }), ..example("work") };
    world.vault.write(&AccountName::new("work").unwrap(), &quarantined).await.unwrap();
    let report = world.examine().await;
    assert_eq!(codes(&report, Topic::Account)[2], ("refresh_token_refused", Grade::Warning));
    assert!(report.healthy);
}

#[tokio::test]
async fn a_vault_that_fails_is_told_once_and_in_the_words_of_the_rest() {
    let world = World::new();
    world.configure(NOBODY);
    world.vault.fail_checks(Some(VaultProblem::Locked));
    let report = world.examine().await;
    assert_eq!(codes(&report, Topic::Vault), [("keychain_locked", Grade::Problem)]);
    let vault = &report.findings[0];
    assert_eq!(vault.message, "The keychain is locked (scripted)");
    assert!(vault.hint.as_ref().is_some_and(|hint| hint.starts_with("Unlock it")));
    assert_eq!(codes(&report, Topic::Account).len(), 1, "nothing is read from a vault that is locked");
}

#[tokio::test]
async fn a_vault_that_was_not_opened_and_one_that_forgets_are_told() {
    let world = World { forgetful: true, ..World::new() };
    assert_eq!(codes(&world.examine().await, Topic::Vault), [("vault_forgets", Grade::Warning)]);
    let report = examine(Subject {
        paths: world.paths.clone(),
        vault: Err(NotOpened { message: "there is no vault `x`".to_owned(), hint: None }),
        forgetful: false,
        clock: world.clock.clone(),
        patience: PATIENCE,
    })
    .await;
    assert_eq!(codes(&report, Topic::Vault), [("vault_not_opened", Grade::Problem)]);
}

#[tokio::test]
async fn every_mistake_in_the_configuration_is_a_problem_of_its_own() {
    let world = World::new();
    fs::write(world.paths.config_file(), "[accounts.work]\nprovider = \"magic\"\nrenew_befor = \"1m\"\n")
        .unwrap();
    let report = world.examine().await;
    let config = codes(&report, Topic::Config);
    assert!(
        config.len() >= 2 && config.iter().all(|c| *c == ("config_unusable", Grade::Problem)),
        "{report:#?}"
    );
    assert_eq!(codes(&report, Topic::Account), []);
}

#[cfg(unix)]
#[tokio::test]
async fn folders_that_are_missing_open_or_no_folders_are_told() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    let set =
        |path: &std::path::Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    set(&world.paths.config_dir, 0o777);
    set(&world.paths.state_dir, 0o755);
    fs::remove_dir(world.paths.log_dir()).unwrap();
    fs::remove_dir(&world.paths.runtime_dir).unwrap();
    fs::write(&world.paths.runtime_dir, "a file").unwrap();
    let report = world.examine().await;
    let expected = [
        ("folder_shared", Grade::Problem),
        ("folder_open", Grade::Warning),
        ("folder_absent", Grade::Ok),
        ("folder_unusable", Grade::Problem),
        ("locks_work", Grade::Ok),
    ];
    assert_eq!(codes(&report, Topic::Folders), expected);
    assert!(fs::read_dir(world.paths.locks_dir()).unwrap().next().is_none(), "the probe is gone");
}

#[tokio::test]
async fn a_provider_that_never_answers_is_not_waited_for_without_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let world = World { patience: Duration::from_millis(50), ..World::new() };
    world.configure(listener.local_addr().unwrap().port());
    let report = world.examine().await;
    assert_eq!(codes(&report, Topic::Account)[0], ("provider_unreachable", Grade::Problem));
    assert!(report.findings.iter().any(|finding| finding.message.contains("no answer within 50ms")));
}

#[tokio::test]
async fn a_report_has_the_same_members_for_every_finding() {
    let world = World { forgetful: true, ..World::new() };
    let report = serde_json::to_value(world.examine().await).unwrap();
    assert_eq!(report["healthy"], true);
    let vault = &report["findings"][0];
    let members: Vec<_> = vault.as_object().unwrap().keys().cloned().collect();
    assert_eq!(members, ["topic", "account", "code", "grade", "message", "hint", "sentence", "values"]);
    assert_eq!((&vault["topic"], &vault["grade"]), (&"vault".into(), &"warning".into()));
}

/// What is written there has no effect, and nothing else would say so.
#[tokio::test]
async fn a_place_of_the_log_that_names_no_account_is_told() {
    let world = World::new();
    let text = "[log.archive]\nto = \"stderr\"\naccounts = { wrok = \"trace\" }\n";
    fs::write(world.paths.config_file(), text).unwrap();
    let report = world.examine().await;
    let found = report.findings.iter().find(|finding| finding.code == "log_of_no_account").unwrap();
    assert_eq!(found.grade, Grade::Warning);
    assert!(found.message.contains("log.archive") && found.message.contains("wrok"), "{}", found.message);
}

/// A refusal that cannot be read refuses nobody.
#[tokio::test]
async fn decisions_about_programs_that_cannot_be_read_are_told() {
    let world = World::new();
    let told = |report: &Report| report.findings.iter().any(|finding| finding.code == "decisions_unreadable");
    assert!(!told(&world.examine().await));
    fs::write(world.paths.consents_file(), "[]").unwrap();
    assert!(!told(&world.examine().await));
    fs::write(world.paths.consents_file(), "{torn").unwrap();
    let report = world.examine().await;
    assert!(told(&report) && report.healthy, "{report:#?}");
}
