//! Numbers drawn from a seed: the same seed gives the same world on every machine and with every version.

use rand_pcg::Pcg32;
use rand_pcg::rand_core::{Rng as _, SeedableRng as _};

use super::Millis;

/// A stream of numbers. PCG is stable by its documentation, so a seed that failed once fails again.
pub struct Draw(Pcg32);

impl Draw {
    /// The stream of a seed for one purpose; streams of different purposes do not disturb each other.
    pub fn new(seed: u64, purpose: u64) -> Self {
        // An odd constant (2^64 divided by the golden ratio) spreads neighbouring purposes.
        Self(Pcg32::seed_from_u64(seed ^ purpose.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }

    /// A whole number of 16 bits.
    pub fn short(&mut self) -> u16 {
        u16::try_from(self.0.next_u32() >> 16).unwrap_or_default()
    }

    /// A number from `least` to `most`, both included.
    pub fn between(&mut self, least: Millis, most: Millis) -> Millis {
        let width = u64::try_from(most - least).unwrap_or_default() + 1;
        least + Millis::try_from(self.0.next_u64() % width).unwrap_or_default()
    }

    /// Whether something happens that happens so many times out of a thousand.
    pub fn per_mille(&mut self, times: Millis) -> bool {
        self.between(0, 999) < times
    }

    /// One of several.
    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        let last = Millis::try_from(choices.len()).unwrap_or(1) - 1;
        choices[usize::try_from(self.between(0, last)).unwrap_or_default()]
    }
}
