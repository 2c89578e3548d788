//! What logs and the window show instead of a token.
//!
//! HMAC-SHA-256 under a key that stays on this machine, cut to four bytes: long enough to tell tokens apart in
//! a log, too short and too keyed to help anyone who holds the log alone.

use std::fmt;
use std::str::FromStr;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Serialize, Serializer};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::time::Jitter;

/// The key of a machine's fingerprints, 32 random bytes.
#[derive(Clone)]
pub struct FingerprintKey(Zeroizing<[u8; 32]>);

impl FingerprintKey {
    /// Takes the key's bytes.
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The fingerprint of a token.
    pub fn of(&self, token: &str) -> Fingerprint {
        // HMAC takes keys of any length, so this cannot fail for 32 bytes.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&*self.0) else { return Fingerprint([0; 4]) };
        mac.update(token.as_bytes());
        let mut cut = [0; 4];
        for (to, from) in cut.iter_mut().zip(mac.finalize().into_bytes()) {
            *to = from;
        }
        Fingerprint(cut)
    }
}

/// A short keyed hash of a token, stable on one machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 4]);

impl Fingerprint {
    /// One whose jitter is zero, so that tests can name the moment a plan comes to.
    #[cfg(test)]
    pub(crate) fn sample(number: u16) -> Self {
        let [high, low] = number.to_be_bytes();
        Self([0, 0, high, low])
    }

    /// A draw that is the same for every process on this machine, so that all of them plan the renewal of one
    /// token for the same moment, and different from machine to machine.
    pub fn jitter(self) -> Jitter {
        let [first, second, ..] = self.0;
        Jitter(u16::from_be_bytes([first, second]))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, byte) in self.0.iter().enumerate() {
            if place == 2 {
                f.write_str("·")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// A text is no fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is eight hexadecimal digits with `·` in the middle")]
pub struct NoFingerprint;

impl FromStr for Fingerprint {
    type Err = NoFingerprint;

    /// As it is shown.
    fn from_str(shown: &str) -> Result<Self, NoFingerprint> {
        let (high, low) = shown.split_once('·').ok_or(NoFingerprint)?;
        let half = |half: &str| {
            let digits = half.len() == 4 && half.bytes().all(|byte| byte.is_ascii_hexdigit());
            u16::from_str_radix(half, 16).ok().filter(|_| digits).ok_or(NoFingerprint)
        };
        let ([first, second], [third, fourth]) = (half(high)?.to_be_bytes(), half(low)?.to_be_bytes());
        Ok(Self([first, second, third, fourth]))
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_token_looks_the_same_on_one_machine_and_different_on_another() {
        let (here, there) = (FingerprintKey::new([1; 32]), FingerprintKey::new([2; 32]));
        assert_eq!(here.of("token"), here.of("token"));
        assert_ne!(here.of("token"), here.of("token "));
        assert_ne!(here.of("token"), there.of("token"));
    }

    #[test]
    fn it_is_short_and_easy_to_compare_by_eye() {
        let shown = FingerprintKey::new([7; 32]).of("token").to_string();
        assert_eq!(shown.chars().count(), 9, "{shown}");
        assert_eq!(shown.matches('·').count(), 1, "{shown}");
    }

    #[test]
    fn it_is_read_as_it_is_shown_and_nothing_else_is() {
        for key in 0..50 {
            let fingerprint = FingerprintKey::new([key; 32]).of("token");
            assert_eq!(fingerprint.to_string().parse(), Ok(fingerprint));
        }
        for other in [
            "",
            "·",
            "12345678",
            "1234·567",
            "1234·56789",
            "+234·5678",
            "1234·56 8",
            "1234·5678 ",
            "12·34·5678",
        ] {
            assert_eq!(other.parse::<Fingerprint>(), Err(NoFingerprint), "{other}");
        }
    }
}
