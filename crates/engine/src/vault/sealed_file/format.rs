//! One sealed file, byte by byte.
//!
//! ```text
//! offset  bytes
//!      0     16  "latchkey sealed\n"
//!     16      1  version, 1
//!     17      1  0: key file, 1: passphrase
//!     18     12  Argon2id: memory in KiB, passes, lanes (u32, little endian); zeros for a key file
//!     30     16  salt
//!     46     16  check: tells a wrong passphrase from a damaged file
//!     62     12  nonce
//!     74      8  generation (u64, little endian)
//!     82      …  the envelope, sealed with AES-256-GCM-SIV (RFC 8452), tag at the end
//! ```
//!
//! Everything before the envelope and the account's name are associated data: a file under another account's name, a
//! changed byte or a missing end does not open. The AEAD is one that bears a nonce drawn twice, as from a virtual
//! machine that was set back.

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, Nonce};
use zeroize::Zeroizing;

use super::key::{CHECK, Cost, Key, Recipe, SALT};

const MAGIC: &[u8; 16] = b"latchkey sealed\n";
const VERSION: u8 = 1;
const NONCE: usize = 12;
const HEADING: usize = 82;

/// What stands in the clear at the beginning of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Heading {
    pub(super) recipe: Recipe,
    pub(super) check: [u8; CHECK],
    nonce: [u8; NONCE],
    pub(super) generation: u64,
}

/// Why bytes are no sealed file that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// None of ours, torn, changed, or another account's.
    Damaged,
    /// Made by a newer version.
    Newer,
}

/// Seals the envelope of an account.
///
/// # Errors
/// Only when the system has no random bytes.
pub(super) fn seal(
    key: &Key,
    account: &str,
    generation: u64,
    plain: &[u8],
) -> Result<Vec<u8>, getrandom::Error> {
    let mut nonce = [0; NONCE];
    getrandom::fill(&mut nonce)?;
    let heading = Heading { recipe: key.recipe, check: key.check, nonce, generation }.to_bytes();
    // Room for all of it at once: a buffer that grows would leave a copy of the secrets behind.
    let mut body = Zeroizing::new(Vec::with_capacity(plain.len() + AES_256_GCM_SIV.tag_len()));
    body.extend_from_slice(plain);
    let aad = Aad::from(associated(&heading, account));
    key.aead
        .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut *body)
        .map_err(|_| getrandom::Error::UNSUPPORTED)?;
    Ok([&heading[..], &body[..]].concat())
}

/// Opens what [`seal`] made for this account.
pub(super) fn open(
    key: &Key,
    account: &str,
    heading: &Heading,
    bytes: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Unreadable> {
    let (clear, sealed) = bytes.split_at_checked(HEADING).ok_or(Unreadable::Damaged)?;
    let aad = Aad::from(associated(clear, account));
    let nonce = Nonce::assume_unique_for_key(heading.nonce);
    let mut body = Zeroizing::new(sealed.to_vec());
    let length = key.aead.open_in_place(nonce, aad, &mut body).map_err(|_| Unreadable::Damaged)?.len();
    body.truncate(length);
    Ok(body)
}

fn associated(heading: &[u8], account: &str) -> Vec<u8> {
    [heading, account.as_bytes()].concat()
}

impl Heading {
    /// Reads the beginning of a file.
    pub(super) fn of(bytes: &[u8]) -> Result<Self, Unreadable> {
        let mut rest = bytes;
        if take::<16>(&mut rest)? != *MAGIC {
            return Err(Unreadable::Damaged);
        }
        let [version, kind] = take(&mut rest)?;
        if version > VERSION {
            return Err(Unreadable::Newer);
        }
        let mut number = || take(&mut rest).map(u32::from_le_bytes);
        let cost = Cost { memory: number()?, passes: number()?, lanes: number()? };
        let cost = match (version, kind) {
            (VERSION, 0) if cost == (Cost { memory: 0, passes: 0, lanes: 0 }) => None,
            (VERSION, 1) if cost.is_sane() => Some(cost),
            _ => return Err(Unreadable::Damaged),
        };
        let salt = take::<SALT>(&mut rest)?;
        let check = take::<CHECK>(&mut rest)?;
        let nonce = take::<NONCE>(&mut rest)?;
        let generation = u64::from_le_bytes(take(&mut rest)?);
        Ok(Self { recipe: Recipe { cost, salt }, check, nonce, generation })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let Cost { memory, passes, lanes } =
            self.recipe.cost.unwrap_or(Cost { memory: 0, passes: 0, lanes: 0 });
        [
            &MAGIC[..],
            &[VERSION, u8::from(self.recipe.cost.is_some())],
            &memory.to_le_bytes(),
            &passes.to_le_bytes(),
            &lanes.to_le_bytes(),
            &self.recipe.salt,
            &self.check,
            &self.nonce,
            &self.generation.to_le_bytes(),
        ]
        .concat()
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Unreadable> {
    let (head, tail) = rest.split_first_chunk::<N>().ok_or(Unreadable::Damaged)?;
    *rest = tail;
    Ok(*head)
}

#[cfg(test)]
mod tests {
    use super::super::key::Material;
    use super::*;

    fn key(passphrase: &str) -> Key {
        let material = Material::Passphrase(Zeroizing::new(passphrase.as_bytes().to_vec()));
        let cost = Cost { memory: 8, passes: 1, lanes: 1 };
        material.key(Recipe { cost: Some(cost), salt: [7; SALT] }).ok().unwrap()
    }

    #[test]
    fn what_was_sealed_opens_for_its_account_alone() {
        let key = key("open sesame");
        let bytes = seal(&key, "work", 7, b"the envelope").unwrap();
        let heading = Heading::of(&bytes).unwrap();
        assert_eq!((heading.generation, bytes.len()), (7, HEADING + 12 + 16));
        assert!(key.made(&heading.check));
        assert_eq!(&**open(&key, "work", &heading, &bytes).unwrap(), b"the envelope");
        assert!(open(&key, "home", &heading, &bytes).is_err());
    }

    #[test]
    fn every_changed_bit_and_every_missing_byte_is_noticed() {
        let key = key("open sesame");
        let whole = seal(&key, "work", 7, b"the envelope").unwrap();
        let opens = |bytes: &[u8]| match Heading::of(bytes) {
            Ok(heading) if heading.recipe == key.recipe && key.made(&heading.check) => {
                open(&key, "work", &heading, bytes).is_ok()
            }
            Ok(_) | Err(_) => false,
        };
        assert!(opens(&whole));
        for bit in 0..whole.len() * 8 {
            let mut changed = whole.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!opens(&changed), "bit {bit}");
        }
        for length in 0..whole.len() {
            assert!(!opens(&whole[..length]), "{length} bytes");
        }
        assert!(!opens(&[&whole[..], b"x"].concat()));
    }

    #[test]
    fn a_newer_file_is_told_from_a_damaged_one() {
        let mut bytes = seal(&key("open sesame"), "work", 7, b"the envelope").unwrap();
        bytes[16] = 2;
        assert_eq!(Heading::of(&bytes), Err(Unreadable::Newer));
        bytes[16] = 0;
        assert_eq!(Heading::of(&bytes), Err(Unreadable::Damaged));
        assert_eq!(Heading::of(b"some other file"), Err(Unreadable::Damaged));
    }

    #[test]
    fn a_file_cannot_ask_for_the_memory_of_the_machine() {
        let mut bytes = seal(&key("open sesame"), "work", 7, b"the envelope").unwrap();
        bytes[18..22].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(Heading::of(&bytes), Err(Unreadable::Damaged));
    }

    #[test]
    fn each_passphrase_salt_and_key_file_makes_another_key() {
        let again = key("open sesame");
        assert!(key("open sesame").made(&again.check));
        assert!(!key("open sesamf").made(&again.check));
        let file = Material::KeyFile(Zeroizing::new(vec![9; 32]));
        let made = |salt| file.key(Recipe { cost: None, salt: [salt; SALT] }).ok().unwrap();
        assert!(made(1).made(&made(1).check) && !made(1).made(&made(2).check));
        assert!(!file.fits(again.recipe) && file.fits(made(1).recipe));
    }

    #[test]
    fn a_key_file_seals_too() {
        let file = Material::KeyFile(Zeroizing::new(vec![9; 32]));
        let key = file.key(file.new_recipe(Cost::RECOMMENDED).ok().unwrap()).ok().unwrap();
        let bytes = seal(&key, "work", 1, b"the envelope").unwrap();
        let heading = Heading::of(&bytes).unwrap();
        assert_eq!(heading.recipe, key.recipe);
        assert_eq!(&**open(&key, "work", &heading, &bytes).unwrap(), b"the envelope");
    }
}
