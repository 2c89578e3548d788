//! Who is connected: so many of one process, so many in all. Whoever comes when all places are taken gets that of the one
//! who has been there longest without asking anything, so that a crowd of idle connections shuts nobody out.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use super::{IN_ALL, PER_PROCESS};
use crate::socket::Pid;

/// The connections there are.
#[derive(Clone, Default)]
pub(super) struct Guests(Arc<Mutex<Crowd>>);

#[derive(Default)]
struct Crowd {
    /// How many each process has.
    counts: HashMap<Option<Pid>, usize>,
    /// Those that have asked nothing yet, in the order they came.
    silent: BTreeMap<u64, CancellationToken>,
    /// How many have come so far.
    came: u64,
}

/// One connection, counted as long as it lives.
pub(super) struct Guest {
    guests: Guests,
    pid: Option<Pid>,
    number: u64,
    room: CancellationToken,
}

impl Guests {
    /// Lets one in, unless its process has enough or all have asked something.
    pub(super) fn enter(&self, pid: Option<Pid>) -> Option<Guest> {
        let mut crowd = self.crowd();
        if crowd.counts.get(&pid).is_some_and(|own| *own >= PER_PROCESS) {
            return None;
        }
        if crowd.counts.values().sum::<usize>() >= IN_ALL {
            let (_, room) = crowd.silent.pop_first()?;
            room.cancel();
        }
        *crowd.counts.entry(pid).or_default() += 1;
        let (number, room) = (crowd.came, CancellationToken::new());
        crowd.came += 1;
        crowd.silent.insert(number, room.clone());
        Some(Guest { guests: self.clone(), pid, number, room })
    }

    fn crowd(&self) -> MutexGuard<'_, Crowd> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Guest {
    /// What tells that it asks something.
    pub(super) fn voice(&self) -> impl Fn() + Send + Sync + use<> {
        let (guests, number) = (self.guests.clone(), self.number);
        move || drop(guests.crowd().silent.remove(&number))
    }

    /// Waits until its place is given to another.
    pub(super) async fn makes_room(&self) {
        self.room.cancelled().await;
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        let mut crowd = self.guests.crowd();
        crowd.silent.remove(&self.number);
        if let Some(own) = crowd.counts.get_mut(&self.pid) {
            *own -= 1;
            if *own == 0 {
                crowd.counts.remove(&self.pid);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_cannot_shut_out_the_others() {
        let guests = Guests::default();
        let crowd: Vec<_> = std::iter::from_fn(|| guests.enter(Some(1))).take(33).collect();
        assert_eq!(crowd.len(), 32);
        let other = guests.enter(Some(2));
        assert!(other.is_some());
        drop(crowd);
        assert!(guests.enter(Some(1)).is_some());
        drop(other);
        let left = guests.crowd();
        assert!(left.counts.is_empty() && left.silent.is_empty(), "nothing is kept of those who left");
    }

    #[test]
    fn whoever_comes_late_gets_the_place_of_the_longest_silent_and_of_nobody_who_asked() {
        let guests = Guests::default();
        let pid = |number: usize| Some(Pid::try_from(number / 32).unwrap());
        let crowd: Vec<_> = (0..1024).map(|number| guests.enter(pid(number)).unwrap()).collect();
        crowd[0].voice()();
        let late = guests.enter(Some(Pid::MAX)).unwrap();
        let given = |guest: &Guest| guest.room.is_cancelled();
        assert!(!given(&crowd[0]) && given(&crowd[1]) && !given(&crowd[2]) && !given(&late));
        for guest in crowd.iter().chain([&late]) {
            guest.voice()();
        }
        assert!(guests.enter(Some(Pid::MAX)).is_none(), "all have asked something");
    }
}
