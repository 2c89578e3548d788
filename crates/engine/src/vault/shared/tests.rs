use proptest::prelude::*;

use super::*;
use crate::clock::SystemClock;
use crate::vault::example;
use crate::vault::memory::MemoryVault;

/// What two processes share.
struct World {
    folder: tempfile::TempDir,
    vault: MemoryVault,
    account: AccountName,
}

impl World {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            vault: MemoryVault::new(),
            account: "work".parse().unwrap(),
        }
    }

    fn process(&self) -> SharedVault {
        let vault = Arc::new(self.vault.clone());
        SharedVault::new(vault, self.folder.path().join("changes"), Arc::new(SystemClock))
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("changes/work")
    }
}

fn generation(generation: u64) -> Envelope {
    Envelope { generation, ..example("work") }
}

#[tokio::test]
async fn what_another_process_stores_or_erases_is_seen_until_it_was_read() {
    let world = World::new();
    let (here, there) = (world.process(), world.process());
    assert!(here.catch_up(&world.account).await.unwrap().is_none());
    assert!(!here.changed_elsewhere(&world.account));
    there.write(&world.account, &generation(1)).await.unwrap();
    assert!(here.changed_elsewhere(&world.account));
    let _ = here.read(&world.account).await.unwrap();
    assert!(here.changed_elsewhere(&world.account), "whoever goes by it has not seen that");
    assert_eq!(here.catch_up(&world.account).await.unwrap().unwrap().generation, 1);
    assert!(!here.changed_elsewhere(&world.account));
    assert!(!here.erased_here(&world.account));
    there.erase(&world.account).await.unwrap();
    assert!(here.changed_elsewhere(&world.account));
    assert!(here.erased_here(&world.account));
    there.write(&world.account, &generation(1)).await.unwrap();
    assert!(!here.erased_here(&world.account), "whoever empties the keychain now is none of ours");
}

#[tokio::test]
async fn ones_own_changes_are_none_of_others_and_hide_none() {
    let world = World::new();
    let (here, there) = (world.process(), world.process());
    let _ = here.catch_up(&world.account).await.unwrap();
    here.write(&world.account, &generation(1)).await.unwrap();
    assert!(!here.changed_elsewhere(&world.account));
    there.write(&world.account, &generation(2)).await.unwrap();
    here.write(&world.account, &generation(3)).await.unwrap();
    assert!(here.changed_elsewhere(&world.account));
}

#[tokio::test]
async fn marks_that_begin_anew_are_a_change_as_well() {
    let world = World::new();
    let (here, there) = (world.process(), world.process());
    for _ in 0..2 * LONGEST {
        there.leave(&world.account, STORED);
        assert!((1..=LONGEST).contains(&fs::metadata(world.file()).unwrap().len()));
    }
    let _ = here.catch_up(&world.account).await.unwrap();
    for _ in 0..LONGEST {
        there.leave(&world.account, STORED);
    }
    assert!(here.changed_elsewhere(&world.account), "though its file is as long as it was");
}

#[cfg(unix)]
#[tokio::test]
async fn marks_are_their_owners_alone_and_say_nothing() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::new();
    world.process().write(&world.account, &generation(1)).await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&world.file()), mode(world.file().parent().unwrap())), (0o600, 0o700));
    assert_eq!(fs::read(world.file()).unwrap(), b"+");
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_costs_the_marks_alone() {
    let world = World::new();
    fs::write(world.folder.path().join("changes"), "in the way").unwrap();
    let (here, there) = (world.process(), world.process());
    let _ = here.catch_up(&world.account).await.unwrap();
    there.write(&world.account, &generation(1)).await.unwrap();
    assert!(!here.changed_elsewhere(&world.account));
    assert_eq!(here.catch_up(&world.account).await.unwrap().unwrap().generation, 1);
}

#[tokio::test]
async fn whoever_waits_is_told_of_each_change_by_another_process_once() {
    let world = World::new();
    let (here, there) = (world.process(), world.process());
    let _ = here.catch_up(&world.account).await.unwrap();
    there.write(&world.account, &generation(1)).await.unwrap();
    here.changed().await;
    assert!(!here.news(), "it was told");
    assert!(here.changed_elsewhere(&world.account), "and is still to be read");
    let waiting = tokio::spawn(async move {
        here.changed().await;
        here
    });
    there.erase(&world.account).await.unwrap();
    let here = waiting.await.unwrap();
    let _ = here.catch_up(&world.account).await.unwrap();
    here.write(&world.account, &generation(1)).await.unwrap();
    assert!(!here.news(), "this one is its own");
}

#[derive(Clone, Copy, Debug)]
enum Move {
    Write,
    Erase,
    CatchUp,
}

proptest! {
    /// Whoever is not told of a change goes by what is stored.
    #[test]
    fn who_is_not_behind_knows_what_is_stored(
        moves in prop::collection::vec((0..3_usize, prop::sample::select(vec![Move::Write, Move::Erase, Move::CatchUp])), 1..40),
    ) {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            let world = World::new();
            let processes = [world.process(), world.process(), world.process()];
            let mut known: [Option<u64>; 3] = [None; 3];
            for process in &processes {
                let _ = process.catch_up(&world.account).await;
            }
            for (time, (who, what)) in (1..).zip(moves) {
                let process = &processes[who];
                match what {
                    // As a renewal does it: what is stored is read, and then replaced.
                    Move::Write => {
                        process.write(&world.account, &generation(time)).await.unwrap();
                        known[who] = Some(time);
                    }
                    Move::Erase => {
                        process.erase(&world.account).await.unwrap();
                        known[who] = None;
                    }
                    Move::CatchUp => {
                        known[who] = process.catch_up(&world.account).await.unwrap().map(|held| held.generation);
                    }
                }
                let stored = world.vault.read(&world.account).await.unwrap().map(|held| held.generation);
                for (process, known) in processes.iter().zip(known) {
                    prop_assert!(process.changed_elsewhere(&world.account) || known == stored);
                }
            }
            Ok(())
        })?;
    }
}
