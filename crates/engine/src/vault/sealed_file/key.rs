//! From a passphrase or a key file to the key that seals.
//!
//! A passphrase goes through Argon2id (RFC 9106), which is meant to take long: it is done once in a process, and the
//! key is kept. A key file is random already and goes through HKDF (RFC 5869) alone.

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::aead::{AES_256_GCM_SIV, LessSafeKey, UnboundKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use zeroize::Zeroizing;

/// Random bytes that make the same passphrase another key in another vault.
pub(super) const SALT: usize = 16;
/// Bytes by which a wrong passphrase is told from a damaged file.
pub(super) const CHECK: usize = 16;

const SEALING: &[u8] = b"latchkey sealed file 1: seal";
const CHECKING: &[u8] = b"latchkey sealed file 1: check";

/// What the person gave. Held as long as the vault, since a file may have been sealed with another salt.
pub(super) enum Material {
    /// A passphrase.
    Passphrase(Zeroizing<Vec<u8>>),
    /// The bytes of a key file.
    KeyFile(Zeroizing<Vec<u8>>),
}

/// How a key is made of the material; stands in every file, so that each can be opened by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Recipe {
    /// The cost of Argon2id; none for a key file.
    pub(super) cost: Option<Cost>,
    pub(super) salt: [u8; SALT],
}

/// What Argon2id is given to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    /// In KiB.
    pub(super) memory: u32,
    pub(super) passes: u32,
    pub(super) lanes: u32,
}

impl Cost {
    /// The second recommendation of RFC 9106 §4, for machines that do other things as well.
    pub(super) const RECOMMENDED: Self = Self { memory: 64 * 1024, passes: 3, lanes: 4 };

    /// Whether it is worth trying: a file that was tampered with must not take the memory of the machine.
    pub(super) fn is_sane(self) -> bool {
        (8..=1024 * 1024).contains(&self.memory)
            && (1..=16).contains(&self.passes)
            && (1..=16).contains(&self.lanes)
    }
}

/// A key, and how it was made.
pub(super) struct Key {
    pub(super) recipe: Recipe,
    pub(super) aead: LessSafeKey,
    pub(super) check: [u8; CHECK],
}

/// The key cannot be made: no memory for it.
pub(super) struct NotMade;

impl Material {
    /// The recipe for a new vault.
    pub(super) fn new_recipe(&self, cost: Cost) -> Result<Recipe, NotMade> {
        let mut salt = [0; SALT];
        getrandom::fill(&mut salt).map_err(|_| NotMade)?;
        Ok(Recipe { cost: matches!(self, Self::Passphrase(_)).then_some(cost), salt })
    }

    /// Whether this recipe is for such a material.
    pub(super) fn fits(&self, recipe: Recipe) -> bool {
        matches!(self, Self::Passphrase(_)) == recipe.cost.is_some()
    }

    /// Makes the key. The hard work, if it is a passphrase.
    pub(super) fn key(&self, recipe: Recipe) -> Result<Key, NotMade> {
        let mut stretched = Zeroizing::new([0; 32]);
        let secret = match (self, recipe.cost) {
            (Self::Passphrase(passphrase), Some(cost)) => {
                let params =
                    Params::new(cost.memory, cost.passes, cost.lanes, Some(32)).map_err(|_| NotMade)?;
                Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
                    .hash_password_into(passphrase, &recipe.salt, &mut *stretched)
                    .map_err(|_| NotMade)?;
                stretched.as_slice()
            }
            (Self::KeyFile(bytes), None) => bytes.as_slice(),
            (Self::Passphrase(_), None) | (Self::KeyFile(_), Some(_)) => return Err(NotMade),
        };
        let extracted = Salt::new(HKDF_SHA256, &recipe.salt).extract(secret);
        let sealing = extracted.expand(&[SEALING], &AES_256_GCM_SIV).map_err(|_| NotMade)?;
        let mut check = [0; CHECK];
        let checking = extracted.expand(&[CHECKING], CheckLength).map_err(|_| NotMade)?;
        checking.fill(&mut check).map_err(|_| NotMade)?;
        Ok(Key { recipe, aead: LessSafeKey::new(UnboundKey::from(sealing)), check })
    }
}

impl Key {
    /// Whether it is the key of a file with this check.
    pub(super) fn made(&self, check: &[u8; CHECK]) -> bool {
        verify_slices_are_equal(&self.check, check).is_ok()
    }
}

struct CheckLength;

impl KeyType for CheckLength {
    fn len(&self) -> usize {
        CHECK
    }
}
