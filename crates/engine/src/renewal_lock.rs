//! The lock file that keeps two processes from spending the same refresh token (RFC 9700 §4.14.2: the second
//! use looks like theft, and the provider ends the session).
//!
//! Invariant: the operating system gives the lock back when its owner dies, however it dies; nothing is left
//! to clean up. The file is empty and is never deleted: were it, one process could hold a lock on the deleted
//! file while another locks its successor.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::SignedDuration;
use latchkey_core::account::AccountName;

use crate::ports::{Clock, LockError, LockGuard, RenewalLock};

/// The first pause between two attempts. A renewal takes a few hundred milliseconds.
const FIRST_PAUSE: SignedDuration = SignedDuration::from_millis(25);
/// The longest pause between two attempts.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_millis(250);

/// One lock file for each account, in each of its folders that can be used.
///
/// All of them are locked, in their order: two processes of which one cannot use the first folder (its disk is full,
/// it is read-only) still meet in the second.
pub struct FileLock {
    dirs: Vec<PathBuf>,
    clock: Arc<dyn Clock>,
}

impl FileLock {
    /// Locks in this folder, which is made when the first lock is taken.
    pub fn new(dir: impl Into<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        Self { dirs: vec![dir.into()], clock }
    }

    /// Locks in this folder as well.
    #[must_use]
    pub fn and_in(mut self, dir: impl Into<PathBuf>) -> Self {
        let dir = dir.into();
        if !self.dirs.contains(&dir) {
            self.dirs.push(dir);
        }
        self
    }

    /// Opens the account's lock files: every attempt to lock is made on these handles.
    ///
    /// # Errors
    /// What is wrong with the first folder, when there is none that can be used.
    fn open_all(&self, account: &AccountName) -> io::Result<Vec<File>> {
        let (mut files, mut wrong) = (Vec::new(), None);
        for dir in &self.dirs {
            match open(dir, &format!("{account}.lock")) {
                Ok(file) => files.push(file),
                Err(error) => wrong = wrong.or(Some(error)),
            }
        }
        match wrong {
            Some(error) if files.is_empty() => Err(error),
            Some(_) | None => Ok(files),
        }
    }
}

/// Opens a file for its owner only, made where it is not there yet, and leaves what is in it.
fn open(dir: &Path, name: &str) -> io::Result<File> {
    make_dir(dir)?;
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(dir.join(name))
}

/// Puts a claim in the place of the last one. Whether it is another one.
fn claim(dir: &Path, account: &AccountName, claim: &str) -> io::Result<bool> {
    let mut file = open(dir, &format!("{account}.told"))?;
    // Held for as long as these few bytes take.
    file.lock()?;
    let mut before = String::new();
    file.read_to_string(&mut before)?;
    if before == claim {
        return Ok(false);
    }
    file.set_len(0)?;
    file.rewind()?;
    file.write_all(claim.as_bytes())?;
    Ok(true)
}

/// Makes the folder, for its owner only. One that is there already is left as it is.
fn make_dir(dir: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

/// Whether a lock in this folder keeps a second holder out: some network file systems take every lock and keep none.
/// Uses a file of its own, which is gone afterwards.
pub(crate) fn probe(dir: &Path) -> io::Result<bool> {
    let file = tempfile::Builder::new().prefix(".probe-").tempfile_in(dir)?;
    file.as_file().lock()?;
    match file.reopen()?.try_lock() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

#[async_trait]
impl RenewalLock for FileLock {
    async fn acquire(&self, account: &AccountName, wait: Duration) -> Result<LockGuard, LockError> {
        // None of these calls waits for another process, so none is worth a thread.
        let mut files = self.open_all(account).map_err(LockError::Unusable)?;
        let mut held: Vec<File> = Vec::new();
        let wait = SignedDuration::try_from(wait).unwrap_or(SignedDuration::MAX);
        let deadline = self.clock.now().boot.saturating_add(wait);
        let mut pause = FIRST_PAUSE;
        loop {
            while let Some(file) = files.first() {
                match file.try_lock() {
                    Ok(()) => held.push(files.remove(0)),
                    Err(TryLockError::WouldBlock) => break,
                    // A file system that has no locks (some NFS) is no folder for them.
                    Err(TryLockError::Error(error)) if files.len() + held.len() == 1 => {
                        return Err(LockError::Unusable(error));
                    }
                    Err(TryLockError::Error(_)) => drop(files.remove(0)),
                }
            }
            if files.is_empty() {
                return Ok(Box::new(held));
            }
            let now = self.clock.now().boot;
            if now >= deadline {
                return Err(LockError::Busy);
            }
            // Polled, because a blocking lock could not be given up; the last attempt is made at the deadline.
            self.clock.sleep_until(now.saturating_add(pause).min(deadline)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    async fn first(&self, account: &AccountName, claim: &str) -> bool {
        self.dirs.iter().find_map(|dir| self::claim(dir, account, claim).ok()).unwrap_or(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    const NO_WAIT: Duration = Duration::ZERO;

    struct World {
        dir: tempfile::TempDir,
        clock: ManualClock,
        account: AccountName,
    }

    impl World {
        fn new() -> Self {
            Self {
                dir: tempfile::tempdir().unwrap(),
                clock: ManualClock::new("2026-11-20T12:00:00Z".parse().unwrap()),
                account: AccountName::new("work").unwrap(),
            }
        }

        /// As another process would make it: nothing is shared but the folder.
        fn lock(&self) -> FileLock {
            FileLock::new(self.dir.path().join("locks"), Arc::new(self.clock.clone()))
        }

        fn file(&self) -> PathBuf {
            self.dir.path().join("locks/work.lock")
        }
    }

    #[tokio::test]
    async fn one_holds_it_at_a_time_and_dropping_gives_it_back() {
        let world = World::new();
        let held = world.lock().acquire(&world.account, NO_WAIT).await.unwrap();
        assert!(matches!(world.lock().acquire(&world.account, NO_WAIT).await, Err(LockError::Busy)));
        drop(held);
        world.lock().acquire(&world.account, NO_WAIT).await.unwrap();
    }

    #[tokio::test]
    async fn accounts_do_not_wait_for_each_other() {
        let world = World::new();
        let other = AccountName::new("home").unwrap();
        let _held = world.lock().acquire(&world.account, NO_WAIT).await.unwrap();
        world.lock().acquire(&other, NO_WAIT).await.unwrap();
    }

    #[tokio::test]
    async fn who_waits_gets_it_when_it_is_given_back() {
        let world = World::new();
        let held = world.lock().acquire(&world.account, NO_WAIT).await.unwrap();
        let waiting = tokio::spawn({
            let (lock, account) = (world.lock(), world.account.clone());
            async move { lock.acquire(&account, Duration::from_mins(1)).await }
        });
        world.clock.until_sleepers(1).await;
        drop(held);
        world.clock.advance(FIRST_PAUSE);
        waiting.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn who_has_waited_long_enough_is_told_that_it_is_busy() {
        let world = World::new();
        let _held = world.lock().acquire(&world.account, NO_WAIT).await.unwrap();
        let (start, mut looks) = (world.clock.now().boot, 0);
        let lock = world.lock();
        let mut waiting = std::pin::pin!(lock.acquire(&world.account, Duration::from_secs(2)));
        let answer = loop {
            tokio::select! {
                biased;
                answer = &mut waiting => break answer,
                () = world.clock.until_sleepers(1) => {
                    looks += 1;
                    world.clock.advance(SignedDuration::from_millis(25));
                }
            }
        };
        assert!(matches!(answer, Err(LockError::Busy)));
        assert_eq!(world.clock.now().boot - start, SignedDuration::from_secs(2), "{looks} looks");
    }

    #[tokio::test]
    async fn the_file_is_empty_private_and_stays() {
        let world = World::new();
        drop(world.lock().acquire(&world.account, NO_WAIT).await.unwrap());
        assert_eq!(std::fs::metadata(world.file()).unwrap().len(), 0);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&world.file()), 0o600);
            assert_eq!(mode(&world.dir.path().join("locks")), 0o700);
        }
    }

    #[tokio::test]
    async fn who_cannot_use_the_first_folder_meets_the_others_in_the_second() {
        let world = World::new();
        let second = world.dir.path().join("run");
        let both = || world.lock().and_in(&second);
        let held = both().acquire(&world.account, NO_WAIT).await.unwrap();
        let broken = world.dir.path().join("full");
        std::fs::write(&broken, "a file in its place").unwrap();
        let clock: Arc<dyn Clock> = Arc::new(world.clock.clone());
        let only_second = || FileLock::new(&broken, clock.clone()).and_in(&second);
        assert!(matches!(only_second().acquire(&world.account, NO_WAIT).await, Err(LockError::Busy)));
        assert!(matches!(world.lock().acquire(&world.account, NO_WAIT).await, Err(LockError::Busy)));
        drop(held);
        let held = only_second().acquire(&world.account, NO_WAIT).await.unwrap();
        assert!(matches!(both().acquire(&world.account, NO_WAIT).await, Err(LockError::Busy)));
        drop(held);
        both().acquire(&world.account, NO_WAIT).await.unwrap();
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_made_is_no_busy_lock() {
        let world = World::new();
        std::fs::write(world.dir.path().join("locks"), "a file in its place").unwrap();
        let answer = world.lock().acquire(&world.account, NO_WAIT).await;
        assert!(matches!(answer, Err(LockError::Unusable(_))));
    }

    /// The child is this test again, told by its environment to hold the lock until it is killed.
    #[tokio::test]
    async fn the_lock_of_a_killed_process_is_free() {
        const CHILD: &str = "LATCHKEY_TEST_LOCK_DIR";
        use std::io::BufRead as _;
        use std::process::{Command, Stdio};

        if let Some(dir) = std::env::var_os(CHILD) {
            let clock = ManualClock::new("2026-11-20T12:00:00Z".parse().unwrap());
            let lock = FileLock::new(dir, Arc::new(clock));
            let _held = lock.acquire(&AccountName::new("work").unwrap(), NO_WAIT).await.unwrap();
            println!("\nheld");
            std::io::stdin().lines().for_each(drop);
            return;
        }

        let world = World::new();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "renewal_lock::tests::the_lock_of_a_killed_process_is_free", "--nocapture"])
            .env(CHILD, world.dir.path().join("locks"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = std::io::BufReader::new(child.stdout.take().unwrap());
        assert!(said.lines().map_while(Result::ok).any(|line| line == "held"), "the child took the lock");
        assert!(matches!(world.lock().acquire(&world.account, NO_WAIT).await, Err(LockError::Busy)));

        child.kill().unwrap();
        child.wait().unwrap();
        world.lock().acquire(&world.account, NO_WAIT).await.unwrap();
    }
}
