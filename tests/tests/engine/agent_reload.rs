//! Accounts that are added, changed and removed in the configuration while an engine runs.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Mutex;

use jiff::SignedDuration;
use latchkey_core::account::AccountName;
use latchkey_core::reason::VaultProblem;
use latchkey_engine::config::{self, AccountConfig, AccountToml, Changes, Consent, KeyValue};
use latchkey_engine::config_changes::follow;
use latchkey_engine::paths::Paths;
use latchkey_tests::engine_world::{Engine, World, guarded};
use tempfile::TempDir;
use tokio::sync::oneshot;

struct Followed {
    world: World,
    engine: Engine,
    paths: Paths,
    _folder: TempDir,
}

impl Followed {
    /// An engine whose account somebody is signed in to, and a configuration that has it.
    async fn new() -> Self {
        let world = World::new().await;
        let engine = world.signed_in().await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::set_permissions(folder.path(), Permissions::from_mode(0o700)).unwrap();
        let at = |name: &str| folder.path().join(name);
        let paths = Paths { config_dir: at("config"), state_dir: at("state"), runtime_dir: at("run") };
        paths.ensure().unwrap();
        let followed = Self { world, engine, paths, _folder: folder };
        followed.writes(&followed.demo());
        followed
    }

    /// From now on the engine follows the configuration.
    fn begins(self) -> Self {
        tokio::spawn(follow((*self.engine).clone(), self.paths.clone(), |_| async {}));
        self
    }

    fn demo(&self) -> AccountConfig {
        AccountConfig::demo(self.world.server().address().port())
    }

    fn writes(&self, account: &AccountConfig) {
        config::add_account(&self.paths, &account.name, &AccountToml::from(account)).unwrap();
    }

    /// Waits until the engine has taken a change in.
    async fn until(&self, what: &str, there: impl Fn(&Engine) -> bool) {
        let taken_in = async {
            while !there(&self.engine) {
                self.world.clock.advance(SignedDuration::from_millis(10));
                tokio::task::yield_now().await;
            }
        };
        guarded(what, taken_in).await;
    }
}

fn name(name: &str) -> AccountName {
    AccountName::new(name).unwrap()
}

#[tokio::test]
async fn accounts_come_and_go_with_the_configuration_and_nobody_is_signed_out() {
    let followed = Followed::new().await.begins();
    let work = AccountConfig { name: name("work"), ..followed.demo() };
    followed.writes(&work);
    followed.until("the new account", |engine| engine.accounts().contains(&work.name)).await;
    assert_eq!(
        followed.engine.now().await.identity.unwrap().email.unwrap(),
        "demo@example.com",
        "still signed in"
    );
    config::remove_account(&followed.paths, &work.name).unwrap();
    followed.until("its removal", |engine| !engine.accounts().contains(&work.name)).await;
    assert!(followed.engine.sessions().await.iter().all(|session| session.account != "work"));
    assert!(followed.engine.now().await.generation > 0);
}

#[tokio::test]
async fn a_changed_account_keeps_its_session_and_its_history() {
    let followed = Followed::new().await.begins();
    let asking = AccountConfig { consent: Consent::Ask, ..followed.demo() };
    let history = followed.engine.now().await.history;
    let changes = followed.engine.accounts_are(std::slice::from_ref(&asking)).await;
    assert_eq!(changes.changed, std::slice::from_ref(&asking.name));
    let now = followed.engine.until_state("signed_in").await;
    assert_eq!((now.generation, &now.history[..1]), (1, &history[..]));
    assert!(followed.engine.accounts_are(&[asking]).await.is_empty(), "what did not change is left alone");
    assert!(followed.engine.renews().await.is_ok());
}

#[tokio::test]
async fn a_configuration_that_is_wrong_changes_nothing_and_says_so() {
    let followed = Followed::new().await.begins();
    let path = followed.paths.config_file();
    let right = std::fs::read(&path).unwrap();
    std::fs::write(&path, "[accounts.demo]\nprovider = ").unwrap();
    let said = |followed: &Followed| followed.world.logged().contains(&"config_not_read".to_owned());
    followed.until("the complaint", |_| said(&followed)).await;
    assert_eq!(followed.engine.now().await.state, "signed_in");
    std::fs::write(&path, right).unwrap();
    let work = AccountConfig { name: name("work"), ..followed.demo() };
    followed.writes(&work);
    followed.until("the new account", |engine| engine.accounts().contains(&work.name)).await;
}

/// Some editors empty a file before they write it anew.
#[tokio::test]
async fn a_file_that_is_written_while_a_change_is_taken_in_is_read_when_it_is_whole() {
    let followed = Followed::new().await;
    let (path, (go_on, held)) = (followed.paths.config_file(), oneshot::channel::<()>());
    let held = Mutex::new(Some(held));
    tokio::spawn(follow((*followed.engine).clone(), followed.paths.clone(), move |_| {
        let held = held.lock().unwrap().take();
        async move {
            if let Some(held) = held {
                held.await.unwrap();
            }
        }
    }));
    followed.engine.settles().await;
    let work = AccountConfig { name: name("work"), ..followed.demo() };
    followed.writes(&work);
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, "").unwrap();
    go_on.send(()).unwrap();
    followed.engine.settles().await;
    std::fs::write(&path, whole).unwrap();
    followed.until("the new account", |engine| engine.accounts().contains(&work.name)).await;
    let gone = followed.world.records().into_iter().find(|record| record.message.contains("is gone"));
    assert!(gone.is_none(), "nobody took an account away: {gone:?}");
}

#[tokio::test]
async fn a_change_waits_while_new_tokens_cannot_be_stored_and_is_followed_then() {
    let followed = Followed::new().await.begins();
    let (vault, engine) = (&followed.world.vault, &followed.engine);
    vault.fail_next_writes(u64::MAX, VaultProblem::Locked);
    engine.renews().await.unwrap_err();
    let asks = Changes::from([("consent".to_owned(), Some(KeyValue::Text("ask".to_owned())))]);
    config::change_account(&followed.paths, &followed.world.account, &asks).unwrap();
    let logged = |kind: &str| followed.world.logged().iter().any(|logged| logged == kind);
    followed.until("that it waits", |_| logged("account_change_waits")).await;
    assert!(!logged("account_changed"));
    vault.fail_next_writes(0, VaultProblem::Locked);
    followed.until("the change", |_| logged("account_changed")).await;
    assert!(engine.until_state("signed_in").await.generation > 1);
}
