//! Texts that nobody can guess.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use latchkey_core::secret::Secret;
use zeroize::Zeroizing;

/// The operating system gives no random bytes; nothing that must not be guessed can be made without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gives no random bytes: no sign-in can be made safe without them")]
pub struct NoRandomness;

/// So many random octets, as base64url text.
pub(super) fn text<const OCTETS: usize>() -> Result<Secret, NoRandomness> {
    let mut octets = Zeroizing::new([0_u8; OCTETS]);
    getrandom::fill(&mut *octets).map_err(|_| NoRandomness)?;
    Ok(Secret::new(BASE64_URL_SAFE_NO_PAD.encode(*octets)))
}

/// The same as a plain text, for what is shown to a person and of no use elsewhere.
///
/// # Errors
/// [`NoRandomness`] when the operating system gives none.
pub fn shown<const OCTETS: usize>() -> Result<String, NoRandomness> {
    text::<OCTETS>().map(|text| text.expose().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_has_all_its_octets_and_is_another_one_each_time() {
        let (one, other) = (shown::<16>().unwrap(), shown::<16>().unwrap());
        assert_eq!(BASE64_URL_SAFE_NO_PAD.decode(&one).unwrap().len(), 16);
        assert_ne!(one, other);
    }
}
