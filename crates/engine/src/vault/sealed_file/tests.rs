//! The vault on a real file system, and on one that loses power (`model`).

mod model;

use std::fs;
use std::path::Path;
use std::sync::Mutex;

use super::super::envelope::tests::{example, same};
use super::*;

/// As little work as Argon2id does.
const CHEAP: Cost = Cost { memory: 8, passes: 1, lanes: 1 };

fn material(passphrase: &str) -> Material {
    Material::Passphrase(Zeroizing::new(passphrase.as_bytes().to_vec()))
}

fn open(dir: &Path, passphrase: &str) -> SealedFile {
    let inner = Inner::new(dir.join("vault"), Box::new(SystemDisk), material(passphrase), CHEAP);
    SealedFile::new(inner)
}

fn name(text: &str) -> AccountName {
    AccountName::new(text).unwrap()
}

fn generation(generation: u64) -> Envelope {
    Envelope { generation, ..example("work") }
}

fn problem<T>(result: Result<T, VaultError>) -> VaultProblem {
    result.err().unwrap().problem
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir.join("vault"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn it_keeps_one_envelope_for_each_account_and_another_process_reads_it() {
    let dir = tempfile::tempdir().unwrap();
    let vault = open(dir.path(), "open sesame");
    assert!(vault.read(&name("work")).await.unwrap().is_none());
    vault.check_writable().await.unwrap();
    vault.write(&name("work"), &example("work")).await.unwrap();
    vault.write(&name("home"), &example("home")).await.unwrap();
    vault.write(&name("work"), &generation(8)).await.unwrap();
    let other = open(dir.path(), "open sesame");
    assert!(same(&other.read(&name("work")).await.ok().flatten().unwrap(), &generation(8)));
    assert!(same(&other.read(&name("home")).await.ok().flatten().unwrap(), &example("home")));
    assert_eq!(names(dir.path()), ["home.sealed", "work.sealed"]);
    let bytes = fs::read(dir.path().join("vault/work.sealed")).unwrap();
    let refresh = generation(8).tokens.refresh.unwrap();
    assert!(!bytes.windows(8).any(|part| refresh.expose().as_bytes().starts_with(part)));

    other.erase(&name("work")).await.unwrap();
    other.erase(&name("work")).await.unwrap();
    assert!(vault.read(&name("work")).await.unwrap().is_none());
    assert_eq!(names(dir.path()), ["home.sealed"]);
}

#[tokio::test]
async fn the_probe_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path(), "open sesame").probe().await.unwrap();
    assert_eq!(names(dir.path()), [""; 0]);
    open(dir.path(), "open sesame").write(&name("work"), &example("work")).await.unwrap();
    open(dir.path(), "open sesame").probe().await.unwrap();
    assert_eq!(problem(open(dir.path(), "open barley").probe().await), VaultProblem::WrongPassphrase);
    assert_eq!(names(dir.path()), ["work.sealed"]);
}

#[tokio::test]
async fn a_wrong_passphrase_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let right = open(dir.path(), "open sesame");
    right.write(&name("work"), &example("work")).await.unwrap();
    let before = fs::read(dir.path().join("vault/work.sealed")).unwrap();
    let wrong = open(dir.path(), "open barley");
    let key_file = Material::KeyFile(Zeroizing::new(b"open sesame, open sesame, open sesame".to_vec()));
    let inner = Inner::new(dir.path().join("vault"), Box::new(SystemDisk), key_file, CHEAP);
    for vault in [wrong, SealedFile::new(inner)] {
        assert_eq!(problem(vault.read(&name("work")).await), VaultProblem::WrongPassphrase);
        assert_eq!(problem(vault.check_writable().await), VaultProblem::WrongPassphrase);
        assert_eq!(problem(vault.write(&name("work"), &generation(8)).await), VaultProblem::WrongPassphrase);
        // A vault has one passphrase, whichever account is the first to be written with another.
        let other = vault.write(&name("home"), &example("home")).await;
        assert_eq!(problem(other), VaultProblem::WrongPassphrase);
    }
    assert_eq!(fs::read(dir.path().join("vault/work.sealed")).unwrap(), before);
    assert_eq!(names(dir.path()), ["work.sealed"]);
    assert!(right.read(&name("work")).await.unwrap().is_some());
}

#[tokio::test]
async fn the_swapped_files_of_two_accounts_do_not_open() {
    let dir = tempfile::tempdir().unwrap();
    let vault = open(dir.path(), "open sesame");
    for account in ["work", "home"] {
        vault.write(&name(account), &example(account)).await.unwrap();
    }
    let at = |name: &str| dir.path().join("vault").join(name);
    fs::rename(at("work.sealed"), at("aside")).unwrap();
    fs::rename(at("home.sealed"), at("work.sealed")).unwrap();
    fs::rename(at("aside"), at("home.sealed")).unwrap();
    for account in ["work", "home"] {
        assert_eq!(problem(vault.read(&name(account)).await), VaultProblem::Damaged);
    }
}

#[tokio::test]
async fn a_torn_or_foreign_file_is_damaged_and_is_kept_beside_the_one_that_replaces_it() {
    let dir = tempfile::tempdir().unwrap();
    let vault = open(dir.path(), "open sesame");
    vault.write(&name("work"), &example("work")).await.unwrap();
    let file = dir.path().join("vault/work.sealed");
    let whole = fs::read(&file).unwrap();
    for bytes in [&whole[..0], &whole[..40], &whole[..whole.len() - 1], b"a picture of a cat", &[0; 4096]] {
        fs::write(&file, bytes).unwrap();
        assert_eq!(problem(vault.read(&name("work")).await), VaultProblem::Damaged);
        vault.check_writable().await.unwrap();
        vault.write(&name("work"), &generation(9)).await.unwrap();
        assert_eq!(vault.read(&name("work")).await.ok().flatten().unwrap().generation, 9);
        assert_eq!(fs::read(dir.path().join("vault/work~damaged")).unwrap(), bytes);
    }
    vault.erase(&name("work")).await.unwrap();
    assert_eq!(names(dir.path()), [""; 0], "whoever signs out leaves nothing");
}

#[tokio::test]
async fn what_a_newer_version_wrote_is_neither_read_nor_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let vault = open(dir.path(), "open sesame");
    vault.write(&name("work"), &example("work")).await.unwrap();
    let file = dir.path().join("vault/work.sealed");
    let mut newer = fs::read(&file).unwrap();
    newer[16] = 2;
    let plain = br#"{"schema":99,"account":"work"}"#;
    let sealed = {
        let mut inner = vault.0.try_lock().unwrap();
        let heading = format::Heading::of(&fs::read(&file).unwrap()).unwrap();
        let key = inner.material.key(heading.recipe).ok().unwrap();
        assert!(!inner.is_empty() && inner.check().is_ok());
        format::seal(&key, "work", 7, plain).unwrap()
    };
    for bytes in [newer, sealed] {
        fs::write(&file, &bytes).unwrap();
        assert_eq!(problem(vault.read(&name("work")).await), VaultProblem::Newer);
        assert_eq!(problem(vault.write(&name("work"), &generation(8)).await), VaultProblem::Newer);
        assert_eq!(fs::read(&file).unwrap(), bytes);
    }
}

#[tokio::test]
async fn an_older_generation_that_was_put_back_is_read_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let vault = open(dir.path(), "open sesame");
    vault.write(&name("work"), &generation(7)).await.unwrap();
    let file = dir.path().join("vault/work.sealed");
    let backup = fs::read(&file).unwrap();
    vault.write(&name("work"), &generation(8)).await.unwrap();
    fs::write(&file, backup).unwrap();
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).finish();
    let read = || vault.0.try_lock().unwrap().read(&name("work")).unwrap().unwrap().generation;
    tracing::subscriber::with_default(subscriber, || {
        assert_eq!(read(), 7);
        assert!(log.text().contains("older generation"), "{}", log.text());
        let once = log.text();
        assert_eq!(read(), 7);
        assert_eq!(log.text(), once, "it is told once");
    });
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, part: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> tracing_subscriber::fmt::MakeWriter<'a> for Log {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn a_check_cleans_up_after_one_that_was_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    let vault = open(dir.path(), "open sesame");
    vault.check_writable().await.unwrap();
    fs::write(dir.path().join("vault/~check~00.new"), "room").unwrap();
    vault.check_writable().await.unwrap();
    assert_eq!(names(dir.path()), [""; 0]);
}

#[tokio::test]
async fn an_envelope_is_not_stored_under_another_accounts_name() {
    let dir = tempfile::tempdir().unwrap();
    let vault = open(dir.path(), "open sesame");
    assert_eq!(problem(vault.write(&name("work"), &example("home")).await), VaultProblem::Refused);
    let huge = Envelope { scope: Some("x".repeat(1024 * 1024)), ..example("work") };
    assert_eq!(problem(vault.write(&name("work"), &huge).await), VaultProblem::TooLarge);
}

#[tokio::test]
async fn whether_a_passphrase_is_being_chosen_can_be_asked() {
    let dir = tempfile::tempdir().unwrap();
    let unopened = Unopened { folder: dir.path().join("vault") };
    assert!(unopened.is_new());
    open(dir.path(), "open sesame").write(&name("work"), &example("work")).await.unwrap();
    assert!(!unopened.is_new());
}

#[cfg(unix)]
#[tokio::test]
async fn files_and_folder_are_for_this_user_alone_and_are_made_so_again() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let vault = open(dir.path(), "open sesame");
    vault.write(&name("work"), &example("work")).await.unwrap();
    let paths = [(dir.path().join("vault"), 0o755), (dir.path().join("vault/work.sealed"), 0o666)];
    let modes = || paths.each_ref().map(|(path, _)| fs::metadata(path).unwrap().permissions().mode() & 0o777);
    assert_eq!(modes(), [0o700, 0o600]);
    for (path, open) in &paths {
        fs::set_permissions(path, fs::Permissions::from_mode(*open)).unwrap();
    }
    assert!(vault.read(&name("work")).await.unwrap().is_some());
    assert_eq!(modes(), [0o700, 0o600]);
    fs::set_permissions(&paths[0].0, fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(problem(vault.read(&name("work")).await), VaultProblem::FileUnusable);
    assert_eq!(problem(vault.write(&name("work"), &generation(8)).await), VaultProblem::FileUnusable);
}

#[cfg(unix)]
#[tokio::test]
async fn links_and_other_things_in_the_place_of_file_or_folder_are_not_followed() {
    use std::os::unix::fs::symlink;
    let dir = tempfile::tempdir().unwrap();
    let vault = open(dir.path(), "open sesame");
    vault.write(&name("work"), &example("work")).await.unwrap();
    let (folder, file) = (dir.path().join("vault"), dir.path().join("vault/work.sealed"));
    let elsewhere = dir.path().join("elsewhere");
    let refused = async || {
        let read = vault.read(&name("work")).await.err().unwrap();
        let written = vault.write(&name("work"), &generation(8)).await.err().unwrap();
        assert_eq!([read.problem, written.problem], [VaultProblem::FileUnusable; 2]);
        format!("{} {}", read.detail, written.detail)
    };
    fs::rename(&file, &elsewhere).unwrap();
    let sealed = fs::read(&elsewhere).unwrap();
    symlink(&elsewhere, &file).unwrap();
    assert!(refused().await.contains("it is a link"));
    assert_eq!(fs::read(&elsewhere).unwrap(), sealed);
    fs::remove_file(&file).unwrap();

    fs::create_dir(&file).unwrap();
    assert!(refused().await.contains("no regular file"));
    fs::remove_dir(&file).unwrap();
    rustix::fs::mknodat(rustix::fs::CWD, &file, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    assert!(refused().await.contains("no regular file"), "and nobody waits at the pipe");
    fs::remove_file(&file).unwrap();

    fs::rename(&folder, dir.path().join("moved")).unwrap();
    symlink(dir.path().join("moved"), &folder).unwrap();
    assert!(refused().await.contains("its folder is a link"));
    fs::remove_file(&folder).unwrap();
    fs::write(&folder, "a file").unwrap();
    assert!(refused().await.contains("no folder"));
}

#[tokio::test]
async fn the_right_passphrase_is_derived_as_recommended() {
    let dir = tempfile::tempdir().unwrap();
    let unopened = Unopened { folder: dir.path().join("vault") };
    let vault = unopened.with(&Password::new("open sesame"));
    vault.write(&name("work"), &example("work")).await.unwrap();
    let heading = format::Heading::of(&fs::read(dir.path().join("vault/work.sealed")).unwrap()).unwrap();
    assert_eq!(heading.recipe.cost, Some(Cost::RECOMMENDED));
}
