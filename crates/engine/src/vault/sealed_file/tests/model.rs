//! A file system that loses power, and a write that is cut off after every single step.
//!
//! What was not synced is lost in every way a file system may lose it: names that were changed since their folder was
//! synced come back in the order they were changed, up to any point; the bytes of a file that was not synced are
//! there, half there, or not.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::super::disk::Disk;
use super::*;

/// The parts of the machine that end with the power.
#[derive(Clone, Default)]
struct State {
    /// Each file's bytes, and whether they were synced.
    files: Vec<(Vec<u8>, bool)>,
    durable: BTreeMap<PathBuf, usize>,
    now: BTreeMap<PathBuf, usize>,
    /// Every stage of the names since they were last durable.
    stages: Vec<BTreeMap<PathBuf, usize>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// From this step on nothing happens any more.
    Crash(usize),
    /// This step fails, and the others do not.
    Error(usize),
    /// What is read of a new file is not what was written.
    Lies,
}

#[derive(Clone)]
struct Model(Arc<Mutex<(State, Fault, usize)>>);

impl Model {
    fn new(state: State, fault: Fault) -> Self {
        Self(Arc::new(Mutex::new((state, fault, 0))))
    }

    /// Does one step, unless it is the one that fails; `torn` is what such a step leaves behind.
    fn step<T>(&self, done: impl FnOnce(&mut State) -> T, torn: impl FnOnce(&mut State)) -> io::Result<T> {
        let (state, fault, steps) = &mut *self.0.lock().unwrap();
        *steps += 1;
        let fails = match *fault {
            Fault::Crash(at) if *steps == at => {
                torn(state);
                true
            }
            Fault::Crash(at) => *steps > at,
            Fault::Error(at) if *steps == at => {
                torn(state);
                true
            }
            Fault::Error(_) | Fault::None | Fault::Lies => false,
        };
        if fails { Err(io::ErrorKind::StorageFull.into()) } else { Ok(done(state)) }
    }

    fn state(&self) -> State {
        self.0.lock().unwrap().0.clone()
    }

    fn vault(&self) -> Inner {
        let key = Material::KeyFile(Zeroizing::new(vec![7; 32]));
        Inner::new(PathBuf::from("/state/vault"), Box::new(self.clone()), key, CHEAP)
    }
}

impl State {
    fn rename(&mut self, change: impl FnOnce(&mut BTreeMap<PathBuf, usize>)) {
        change(&mut self.now);
        self.stages.push(self.now.clone());
    }

    /// Everything that may be found after the power was lost; where the process alone ended, all is as it was.
    fn found_again(&self, process_alone: bool) -> Vec<Self> {
        let settle = |names: &BTreeMap<PathBuf, usize>, keep: usize| {
            let mut files = self.files.clone();
            for (bytes, synced) in &mut files {
                if !*synced {
                    bytes.truncate(bytes.len() * keep / 2);
                    *synced = true;
                }
            }
            Self { files, durable: names.clone(), now: names.clone(), stages: Vec::new() }
        };
        if process_alone {
            return vec![settle(&self.now, 2)];
        }
        let names = std::iter::once(&self.durable).chain(&self.stages);
        names.flat_map(|names| (0..=2).map(move |keep| settle(names, keep))).collect()
    }
}

impl Disk for Model {
    fn prepare(&self, _: &Path) -> io::Result<()> {
        self.step(|_| (), |_| ())
    }

    fn read(&self, file: &Path) -> io::Result<Option<Vec<u8>>> {
        let lies = self.0.lock().unwrap().1 == Fault::Lies && file.to_string_lossy().ends_with(".new");
        let mut read =
            self.step(|state| state.now.get(file).map(|place| state.files[*place].0.clone()), |_| ())?;
        if let Some(byte) = read.as_mut().and_then(|bytes| bytes.last_mut()).filter(|_| lies) {
            *byte ^= 1;
        }
        Ok(read)
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        let inside = |path: &PathBuf| {
            (path.parent() == Some(folder)).then(|| path.file_name().unwrap().to_str().unwrap().to_owned())
        };
        self.step(|state| state.now.keys().filter_map(inside).collect(), |_| ())
    }

    fn create(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        let name = |state: &mut State, bytes: &[u8]| {
            assert!(!state.now.contains_key(file), "a file that is there is not written over");
            state.files.push((bytes.to_vec(), false));
            let place = state.files.len() - 1;
            state.rename(|names| {
                names.insert(file.to_path_buf(), place);
            });
            place
        };
        let half = &bytes[..bytes.len() / 2];
        let place = self.step(|state| name(state, bytes), |state| _ = name(state, half))?;
        self.step(|state| state.files[place].1 = true, |_| ())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step(
            |state| {
                let place = state.now[from];
                state.rename(|names| {
                    names.remove(from);
                    names.insert(to.to_path_buf(), place);
                });
            },
            |_| (),
        )
    }

    fn remove(&self, file: &Path) -> io::Result<()> {
        self.step(|state| state.rename(|names| _ = names.remove(file)), |_| ())
    }

    fn sync(&self, _: &Path) -> io::Result<()> {
        self.step(
            |state| {
                state.durable.clone_from(&state.now);
                state.stages.clear();
            },
            |_| (),
        )
    }
}

/// A vault with generation 7, or none, or a file that cannot be read.
fn before(which: &str) -> State {
    let model = Model::new(State::default(), Fault::None);
    if which != "absent" {
        model.vault().write(&name("work"), &generation(7)).unwrap();
    }
    let mut state = model.state();
    if which == "damaged" {
        state.files.last_mut().unwrap().0.truncate(60);
    }
    state
}

fn held(state: &State) -> String {
    match Model::new(state.clone(), Fault::None).vault().read(&name("work")) {
        Ok(None) => "absent".to_owned(),
        Ok(Some(envelope)) => envelope.generation.to_string(),
        Err(error) => error.problem.code().to_owned(),
    }
}

fn what(which: &str) -> &str {
    match which {
        "damaged" => "keychain_item_damaged",
        other => other,
    }
}

#[test]
fn a_write_cut_off_at_any_step_leaves_the_old_or_the_new() {
    for (which, allowed) in [("absent", ["absent", "8"]), ("7", ["7", "8"])] {
        let mut at = 0;
        loop {
            at += 1;
            let model = Model::new(before(which), Fault::Crash(at));
            let done = model.vault().write(&name("work"), &generation(8)).is_ok();
            for process_alone in [true, false] {
                for found in model.state().found_again(process_alone) {
                    let held = held(&found);
                    assert!(allowed.contains(&held.as_str()), "{which}, step {at}: {held}");
                    assert!(!done || held == "8", "{which}: written and not there: {held}");
                    the_next_write_cleans_up(&found);
                }
            }
            if done {
                break;
            }
        }
        assert!(at > 8, "{at} steps are too few: was anything written?");
    }
}

#[test]
fn a_write_over_a_damaged_file_never_loses_the_damaged_one() {
    for at in 1.. {
        let model = Model::new(before("damaged"), Fault::Crash(at));
        let done = model.vault().write(&name("work"), &generation(8)).is_ok();
        for found in model.state().found_again(true).into_iter().chain(model.state().found_again(false)) {
            let held = held(&found);
            let aside = found.now.contains_key(Path::new("/state/vault/work~damaged"));
            assert!(
                held == what("damaged") || aside && ["absent", "8"].contains(&held.as_str()),
                "step {at}: {held}"
            );
            the_next_write_cleans_up(&found);
        }
        if done {
            break;
        }
    }
}

#[test]
fn a_step_that_fails_is_told_and_the_next_write_succeeds() {
    for which in ["absent", "7", "damaged"] {
        for at in 1.. {
            let model = Model::new(before(which), Fault::Error(at));
            let mut vault = model.vault();
            let outcome = vault.write(&name("work"), &generation(8));
            let held = held(&model.state());
            match &outcome {
                Ok(()) => assert_eq!(held, "8"),
                Err(error) => {
                    assert_eq!(error.problem, VaultProblem::FileUnusable, "{which}, step {at}");
                    let old = held == what(which) || which == "damaged" && held == "absent";
                    assert!(old || held == "8", "{which}, step {at}: {held}");
                    vault.write(&name("work"), &generation(8)).unwrap();
                    assert_eq!(super::model::held(&model.state()), "8");
                }
            }
            if model.0.lock().unwrap().2 < at {
                break;
            }
        }
    }
}

#[test]
fn an_erasing_cut_off_at_any_step_leaves_it_whole_or_nothing() {
    for at in 1.. {
        let model = Model::new(before("7"), Fault::Crash(at));
        let done = model.vault().erase(&name("work")).is_ok();
        for process_alone in [true, false] {
            for found in model.state().found_again(process_alone) {
                let held = held(&found);
                assert!(held == "absent" || held == "7" && !done, "step {at}: {held}");
            }
        }
        if done {
            assert_eq!(held(&model.state()), "absent");
            break;
        }
    }
}

#[test]
fn what_is_read_back_otherwise_than_written_is_not_stored() {
    let model = Model::new(before("7"), Fault::Lies);
    let error = model.vault().write(&name("work"), &generation(8)).unwrap_err();
    assert_eq!(error.problem, VaultProblem::NotKept);
    assert_eq!(held(&model.state()), "7");
    assert_eq!(model.state().now.len(), 1, "nothing is left behind");
}

#[test]
fn a_read_that_fails_never_leads_to_a_write() {
    let model = Model::new(before("7"), Fault::Error(1));
    let error = model.vault().read(&name("work")).err().unwrap();
    assert_eq!(error.problem, VaultProblem::FileUnusable);
    let model = Model::new(before("7"), Fault::Error(1));
    assert!(model.vault().write(&name("work"), &generation(8)).is_err());
    assert_eq!(held(&model.state()), "7");
}

fn the_next_write_cleans_up(found: &State) {
    let model = Model::new(found.clone(), Fault::None);
    model.vault().write(&name("work"), &generation(9)).unwrap();
    assert_eq!(held(&model.state()), "9");
    let left: Vec<_> =
        model.state().now.into_keys().filter(|path| path.extension().is_some_and(|e| e == "new")).collect();
    assert!(left.is_empty(), "{left:?}");
}
