//! Chunks over a store of small items that stops working after any operation.

use std::collections::BTreeMap;

use super::*;

const SIZES: [usize; 9] = [1, 1280, 1281, 2400, 2560, 2561, 5120, 10_000, 100_000];

/// A store with a limit.
#[derive(Clone)]
struct Store {
    items: BTreeMap<String, Vec<u8>>,
    limits: Limits,
    /// How many more changes and looks there are before the machine stops.
    left: Option<usize>,
    operations: usize,
}

impl Store {
    fn new() -> Self {
        Self::limited(Limits::WINDOWS)
    }

    fn limited(limits: Limits) -> Self {
        Self { items: BTreeMap::new(), limits, left: None, operations: 0 }
    }

    fn operation(&mut self) -> Result<(), VaultError> {
        self.operations += 1;
        match &mut self.left {
            Some(0) => Err(VaultError { problem: VaultProblem::Unavailable, detail: "stopped".to_owned() }),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn stopping_after(&self, operations: usize) -> Self {
        Self { left: Some(operations), operations: 0, ..self.clone() }
    }

    fn running(self) -> Self {
        Self { left: None, ..self }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), VaultError> {
        let limits = self.limits;
        Chunks::new(self, limits).write("work", bytes)
    }

    fn erase(&mut self) -> Result<(), VaultError> {
        let limits = self.limits;
        Chunks::new(self, limits).erase("work")
    }

    /// What a process that starts now finds.
    fn held(&self) -> Option<Vec<u8>> {
        let mut found = Chunks::new(&mut self.clone().running(), self.limits).read("work").unwrap();
        assert!(found.len() <= 1);
        found.pop().map(|bytes| bytes.to_vec())
    }

    /// Whether there is nothing but what the heading speaks of.
    fn is_clean(&self) -> bool {
        let Some(heading) = self.items.get("work") else { return self.items.is_empty() };
        let Some((Heading { whole: Some(whole), .. }, _)) = Heading::of(heading) else { return false };
        self.items.len() == 1 + whole.chunks
    }
}

impl Items for Store {
    fn read(&mut self, name: &str) -> Result<Vec<Zeroizing<Vec<u8>>>, VaultError> {
        self.operation()?;
        Ok(self.items.get(name).map(|bytes| Zeroizing::new(bytes.clone())).into_iter().collect())
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), VaultError> {
        self.operation()?;
        assert!(
            self.limits.item.is_none_or(|limit| bytes.len() <= limit),
            "{} bytes are too large for an item",
            bytes.len()
        );
        self.items.insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn erase(&mut self, name: &str) -> Result<(), VaultError> {
        self.operation()?;
        self.items.remove(name);
        Ok(())
    }
}

/// A token set of this size; the second is another one of the same size.
fn tokens(size: usize, which: u8) -> Vec<u8> {
    (0..size).map(|place| b'a' + u8::try_from(place % 13).unwrap() + which).collect()
}

fn holding(before: Option<usize>) -> Store {
    let mut store = Store::new();
    if let Some(size) = before {
        store.write(&tokens(size, 0)).unwrap();
    }
    store
}

fn befores() -> impl Iterator<Item = Option<usize>> {
    std::iter::once(None).chain(SIZES.into_iter().map(Some))
}

#[test]
fn every_size_is_read_as_it_was_written() {
    let mut store = Store::new();
    for size in SIZES.into_iter().chain(SIZES.into_iter().rev()) {
        store.write(&tokens(size, 1)).unwrap();
        assert_eq!(store.held(), Some(tokens(size, 1)), "{size}");
        assert!(store.is_clean(), "{size}: {:?}", store.items.keys());
    }
    store.erase().unwrap();
    assert_eq!((store.held(), store.items.len()), (None, 0));
}

#[test]
fn what_fits_in_one_item_takes_one() {
    let mut store = Store::new();
    store.write(&tokens(2400, 0)).unwrap();
    assert_eq!(store.items.len(), 1);
    store.write(&tokens(2561, 0)).unwrap();
    assert_eq!(store.items.len(), 3);
}

#[test]
fn what_is_too_large_is_refused_and_changes_nothing() {
    let mut store = holding(Some(10_000));
    let error = store.write(&vec![b'x'; 128 * 1024 + 1]).unwrap_err();
    assert_eq!(error.problem, VaultProblem::TooLarge);
    assert_eq!(store.held(), Some(tokens(10_000, 0)));
}

#[test]
fn a_write_that_stops_after_any_operation_leaves_the_old_or_the_new() {
    for before in befores() {
        for size in SIZES {
            let store = holding(before);
            let (old, new) = (before.map(|size| tokens(size, 0)), tokens(size, 1));
            for operations in 0.. {
                let mut stopped = store.stopping_after(operations);
                let done = stopped.write(&new).is_ok();
                let held = stopped.held();
                assert!(
                    held.as_ref() == Some(&new) || held == old && !done,
                    "{before:?} → {size} after {operations}"
                );

                // The largest have hundreds of operations, which are all alike.
                if operations > 50 && operations % 10 != 0 && !done {
                    continue;
                }
                let mut next = stopped.clone().running();
                next.write(&tokens(3000, 2)).unwrap();
                assert_eq!(next.held(), Some(tokens(3000, 2)));
                assert!(next.is_clean(), "{before:?} → {size} after {operations}: {:?}", next.items.keys());
                let mut gone = stopped.clone().running();
                gone.erase().unwrap();
                // Chunks of an account that has no heading yet are found by the next write.
                assert!(
                    gone.items.is_empty() || before.is_none(),
                    "{before:?} → {size}: {:?}",
                    gone.items.keys()
                );
                assert_eq!(gone.held(), None);
                if done && stopped.operations <= operations {
                    break;
                }
            }
        }
    }
}

#[test]
fn writes_that_stop_twice_leave_one_that_was_written() {
    let small = Limits { item: Some(150), whole: 10_000 };
    for before in [None, Some(10), Some(200), Some(500)] {
        let mut store = Store::limited(small);
        if let Some(size) = before {
            store.write(&tokens(size, 0)).unwrap();
        }
        for (second, third) in [(500, 200), (200, 500), (700, 10), (10, 700)] {
            let (second, third, last) = (tokens(second, 1), tokens(third, 2), tokens(300, 3));
            for first_stop in 0..24 {
                let mut once = store.stopping_after(first_stop);
                let _ = once.write(&second);
                let held = once.held();
                for second_stop in 0..24 {
                    let mut twice = once.stopping_after(second_stop);
                    let _ = twice.write(&third);
                    let now = twice.held();
                    assert!(
                        now == held || now.as_ref() == Some(&third),
                        "{before:?}, {first_stop}, {second_stop}"
                    );
                    let mut next = twice.running();
                    next.write(&last).unwrap();
                    assert_eq!(next.held().as_ref(), Some(&last));
                    assert!(
                        next.is_clean(),
                        "{before:?}, {first_stop}, {second_stop}: {:?}",
                        next.items.keys()
                    );
                }
            }
        }
    }
}

#[test]
fn an_erasing_that_stops_after_any_operation_leaves_a_whole_one_or_none() {
    for size in SIZES {
        let (store, old) = (holding(Some(size)), Some(tokens(size, 0)));
        for operations in 0.. {
            let mut stopped = store.stopping_after(operations);
            let done = stopped.erase().is_ok();
            let held = stopped.held();
            assert!(held.is_none() || held == old && !done, "{size} after {operations}");
            let mut erased = stopped.clone().running();
            erased.erase().unwrap();
            assert!(erased.items.is_empty(), "{size} after {operations}: {:?}", erased.items.keys());
            let mut written = stopped.running();
            written.write(&tokens(3000, 1)).unwrap();
            assert!(written.is_clean(), "{size} after {operations}: {:?}", written.items.keys());
            if done {
                break;
            }
        }
    }
}

#[test]
fn a_missing_or_changed_chunk_is_noticed() {
    let store = holding(Some(10_000));
    for name in store.items.keys().filter(|name| name.contains('~')) {
        for change in [None, Some(b"x".to_vec()), Some(vec![b'x'; 2560])] {
            let mut spoilt = store.clone();
            match change {
                None => spoilt.items.remove(name),
                Some(bytes) => spoilt.items.insert(name.clone(), bytes),
            };
            let held = spoilt.held().unwrap();
            assert!(held.starts_with(MAGIC.as_bytes()), "{name}: a heading, which is no token set");
            spoilt.write(&tokens(10_000, 1)).unwrap();
            assert_eq!(spoilt.held(), Some(tokens(10_000, 1)));
        }
    }
}

#[test]
fn a_heading_that_lies_costs_no_memory_and_no_panic() {
    for heading in [
        "latchkey-chunks 1 1 99999999999 18446744073709551615 00\n",
        "latchkey-chunks 1 1 4096 131072 00\n",
        "latchkey-chunks 1 18446744073709551615 1 1 00\n",
        "latchkey-chunks 1 x 1 1 00\n",
        "latchkey-chunks 1 1\n",
        "latchkey-chunks 1 ",
    ] {
        let mut store = Store::new();
        store.items.insert("work".to_owned(), heading.as_bytes().to_vec());
        assert_eq!(store.held().as_deref(), Some(heading.as_bytes()), "read as something damaged");
        store.write(&tokens(3000, 1)).unwrap();
        assert_eq!(store.held(), Some(tokens(3000, 1)), "{heading}");
    }
}

#[test]
fn a_token_set_that_is_replaced_while_it_is_read_is_read_anew() {
    /// Another process that writes after the heading was read.
    struct Replacing(Store, usize);
    impl Items for Replacing {
        fn read(&mut self, name: &str) -> Result<Vec<Zeroizing<Vec<u8>>>, VaultError> {
            let found = self.0.read(name);
            if name == "work" && self.1 > 0 {
                self.1 -= 1;
                self.0.write(&tokens(6000, u8::try_from(self.1).unwrap())).unwrap();
            }
            found
        }
        fn write(&mut self, _: &str, _: &[u8]) -> Result<(), VaultError> {
            unreachable!("nothing is written by who reads")
        }
        fn erase(&mut self, _: &str) -> Result<(), VaultError> {
            unreachable!("nothing is erased by who reads")
        }
    }
    let mut once = Replacing(holding(Some(5000)), 1);
    let found = Chunks::new(&mut once, Limits::WINDOWS).read("work").unwrap();
    assert_eq!(found.first().map(|bytes| bytes.to_vec()), Some(tokens(6000, 0)));
    let mut always = Replacing(holding(Some(5000)), 9);
    let error = Chunks::new(&mut always, Limits::WINDOWS).read("work").unwrap_err();
    assert_eq!(error.problem, VaultProblem::Slow);
}

#[test]
fn a_store_without_a_limit_holds_token_sets_as_they_are() {
    let mut store = Store::limited(Limits::ROOMY);
    let mut chunks = Chunks::new(&mut store, Limits::ROOMY);
    chunks.write("work", &tokens(100_000, 0)).unwrap();
    assert_eq!(chunks.read("work").unwrap().len(), 1);
    assert_eq!(store.items["work"], tokens(100_000, 0));
    Chunks::new(&mut store, Limits::ROOMY).erase("work").unwrap();
    assert!(store.items.is_empty());
}
