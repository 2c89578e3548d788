//! The list of what is planned, and which request each of them strikes.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use aws_lc_rs::rand;

use super::{Fault, FaultError};
use crate::endpoint::{Asked, Endpoints};

/// Faults that can be planned at once.
const MOST_PLANNED: usize = 1000;

/// The handle with which faults are planned. Clones plan for the same server.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    planned: Arc<Mutex<VecDeque<Planned>>>,
}

#[derive(Clone, Debug)]
struct Planned {
    fault: Fault,
    /// How many requests it could have struck.
    seen: u64,
}

impl Faults {
    /// Plans a fault. Faults for the same path happen in the order they were planned. Returns it as it was planned:
    /// with a seed, where it needs one.
    ///
    /// # Errors
    /// [`FaultError`] for one that cannot work.
    pub fn add(&self, mut fault: Fault) -> Result<Fault, FaultError> {
        fault.check()?;
        if fault.probability < 1.0 && fault.seed.is_none() {
            fault.seed = Some(drawn()?);
        }
        let mut planned = self.locked();
        if planned.len() >= MOST_PLANNED {
            return Err(FaultError("too many are planned already; clear them first".into()));
        }
        planned.push_back(Planned { fault: fault.clone(), seen: 0 });
        Ok(fault)
    }

    /// Forgets all that is planned; how many that were.
    pub fn clear(&self) -> usize {
        std::mem::take(&mut *self.locked()).len()
    }

    /// What is planned and has not happened as often as it should.
    pub fn planned(&self) -> Vec<Fault> {
        self.locked().iter().map(|planned| planned.fault.clone()).collect()
    }

    /// The fault for this request, which counts as one time.
    pub(crate) fn take(&self, asked: &Asked<'_>, endpoints: &Endpoints) -> Option<Fault> {
        if asked.is_control() {
            return None;
        }
        let mut planned = self.locked();
        let place = planned.iter_mut().position(|planned| planned.strikes(asked, endpoints))?;
        let fault = &mut planned.get_mut(place)?.fault;
        let struck = fault.clone();
        match fault.count {
            -1 => {}
            count if count > 1 => fault.count -= 1,
            _ => {
                planned.remove(place);
            }
        }
        Some(struck)
    }

    fn locked(&self) -> MutexGuard<'_, VecDeque<Planned>> {
        self.planned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Planned {
    /// Whether this request is one of its own, and its turn. Counts it as seen.
    fn strikes(&mut self, asked: &Asked<'_>, endpoints: &Endpoints) -> bool {
        if !endpoints.is_at(&self.fault.path, asked) {
            return false;
        }
        self.seen = self.seen.saturating_add(1);
        if self.seen < self.fault.nth {
            return false;
        }
        self.fault.probability >= 1.0 || self.draw() < self.fault.probability
    }

    /// A number from 0 up to 1, the same for the same seed and request (SplitMix64: one step a request).
    fn draw(&self) -> f64 {
        let steps = self.seen.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut mixed = u64::from(self.fault.seed.unwrap_or_default()).wrapping_add(steps);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        f64::from(u32::try_from(mixed >> 32).unwrap_or(u32::MAX)) / (f64::from(u32::MAX) + 1.0)
    }
}

fn drawn() -> Result<u32, FaultError> {
    let mut bytes = [0; 4];
    rand::fill(&mut bytes)
        .map_err(|_| FaultError("no random numbers from the operating system: set a seed".into()))?;
    Ok(u32::from_be_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{FaultMode, endpoint};

    fn take(faults: &Faults, path: &str) -> Option<Fault> {
        faults.take(&Asked::new(path, b""), &Endpoints::own())
    }

    fn struck(faults: &Faults, path: &str, requests: usize) -> Vec<bool> {
        (0..requests).map(|_| take(faults, path).is_some()).collect()
    }

    #[test]
    fn a_fault_happens_as_often_as_planned_and_in_order() {
        let faults = Faults::default();
        faults.add(Fault::new("/a", FaultMode::Empty).times(2)).unwrap();
        faults.add(Fault::new("/a", FaultMode::Html)).unwrap();
        let modes: Vec<_> = (0..4).map(|_| take(&faults, "/a").map(|fault| fault.mode)).collect();
        assert_eq!(modes, [Some(FaultMode::Empty), Some(FaultMode::Empty), Some(FaultMode::Html), None]);
    }

    #[test]
    fn a_fault_can_wait_for_the_nth_request() {
        let faults = Faults::default();
        faults.add(Fault::new("/a", FaultMode::Empty).from_nth(3).times(2)).unwrap();
        assert_eq!(struck(&faults, "/b", 5), [false; 5]);
        assert_eq!(struck(&faults, "/a", 5), [false, false, true, true, false]);
    }

    #[test]
    fn the_same_seed_strikes_the_same_requests_and_another_one_others() {
        let with = |seed| {
            let faults = Faults::default();
            faults.add(Fault::new("/a", FaultMode::Empty).times(-1).sometimes(0.3, seed)).unwrap();
            struck(&faults, "/a", 200)
        };
        assert_eq!(with(7), with(7));
        assert_ne!(with(7), with(8));
        let often = with(7).into_iter().filter(|struck| *struck).count();
        assert!((35..=85).contains(&often), "{often} of 200 at three in ten");
    }

    #[test]
    fn a_probability_without_a_seed_gets_one_that_is_told() {
        let faults = Faults::default();
        let fault = Fault { probability: 0.5, ..Fault::new("/a", FaultMode::Empty) };
        assert!(faults.add(fault).unwrap().seed.is_some());
    }

    #[test]
    fn a_fault_without_end_lasts_until_it_is_cleared() {
        let faults = Faults::default();
        faults.add(Fault::new("*", FaultMode::Big).times(-1)).unwrap();
        for _ in 0..10 {
            assert!(take(&faults, "/anything").is_some());
        }
        assert!(take(&faults, "/__fault").is_none(), "the test control must stay usable");
        assert_eq!(faults.clear(), 1);
        assert!(take(&faults, "/anything").is_none());
    }

    #[test]
    fn the_name_of_an_endpoint_stands_for_its_paths() {
        let faults = Faults::default();
        for (name, paths) in endpoint::NAMES {
            for path in paths {
                faults.add(Fault::new(name, FaultMode::Empty)).unwrap();
                assert!(take(&faults, "/elsewhere").is_none());
                assert_eq!(take(&faults, path).map(|fault| fault.path).as_deref(), Some(name));
            }
        }
    }

    #[test]
    fn a_refresh_is_told_from_the_other_requests_to_the_token_endpoint() {
        let faults = Faults::default();
        faults.add(Fault::new("refresh", FaultMode::Empty).times(-1)).unwrap();
        let asks = |body: &[u8]| faults.take(&Asked::new(endpoint::TOKEN, body), &Endpoints::own()).is_some();
        assert!(!asks(b"grant_type=authorization_code&code=x"));
        assert!(asks(b"client_id=latchkey&grant_type=refresh_token&refresh_token=x"));
    }

    #[test]
    fn a_fault_that_cannot_work_is_refused_when_it_is_planned() {
        let faults = Faults::default();
        for (fault, about) in [
            (Fault::new("auth", FaultMode::Empty), "path"),
            (Fault::new("/__requests", FaultMode::Empty), "path"),
            (Fault::new("/a", FaultMode::Status).status(100), "status"),
            (Fault::new("/a", FaultMode::Delay).after(Duration::from_secs(601)), "ms"),
            (Fault::new("/a", FaultMode::Empty).times(0), "count"),
            (Fault::new("/a", FaultMode::Empty).from_nth(0), "nth"),
            (Fault::new("/a", FaultMode::Empty).sometimes(0.0, 1), "probability"),
            (Fault::new("/a", FaultMode::Empty).sometimes(f64::NAN, 1), "probability"),
            (Fault::new("/a", FaultMode::ClockSkew).ahead(i64::MAX), "ahead_secs"),
            (Fault::new("/a", FaultMode::Empty).header("X", "a\nb"), "headers"),
            (Fault::new("/a", FaultMode::Empty).header("Content-Length", "1"), "headers"),
        ] {
            let message = faults.add(fault).unwrap_err().to_string();
            assert!(message.contains(about), "{message}");
        }
        assert!(faults.planned().is_empty());
    }
}
