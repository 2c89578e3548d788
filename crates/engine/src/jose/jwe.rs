//! Encrypted tokens in the compact serialization (RFC 7516 §3.1), as far as session cookies need them: a key that is
//! used directly (`dir`, RFC 7518 §4.5), with A256GCM (§5.3) or A256CBC-HS512 (§5.2.5).
//!
//! Nothing is decided on what is read here: it answers a developer who has the key. No other algorithm is read, so no
//! token can choose a weaker one.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::cipher::{
    AES_256, AES_CBC_IV_LEN, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey,
    PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use aws_lc_rs::iv::FixedLength;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::compact::MAX_TOKEN;
use super::json;

/// The octets of a tag of A256GCM.
const GCM_TAG: usize = 16;
/// A256CBC-HS512 uses the first half of its key to authenticate and the second to encrypt; its tag is as long.
const HALF: usize = 32;

/// How the content of a token is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// AES in Galois/Counter mode.
    A256Gcm,
    /// AES in CBC mode with HMAC SHA-512.
    A256CbcHs512,
}

impl Encryption {
    /// Its name in a header (`enc`, RFC 7518 §5.1).
    pub fn name(self) -> &'static str {
        match self {
            Self::A256Gcm => "A256GCM",
            Self::A256CbcHs512 => "A256CBC-HS512",
        }
    }

    /// How long its key is, in octets.
    pub fn key_length(self) -> usize {
        match self {
            Self::A256Gcm => HALF,
            Self::A256CbcHs512 => 2 * HALF,
        }
    }

    fn of_name(name: &str) -> Option<Self> {
        [Self::A256Gcm, Self::A256CbcHs512].into_iter().find(|one| one.name() == name)
    }
}

/// Why a token was not opened. Holds nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotOpened {
    /// It has not the five parts of base64url that an encrypted token has, or is too large.
    #[error("this is no encrypted token: five parts of base64url with dots between them are expected")]
    NotCompact,
    /// It names an algorithm that is not read here.
    #[error(
        "it is encrypted in a way that session cookies are not; only `dir` with A256GCM or A256CBC-HS512 is read"
    )]
    Algorithm,
    /// The key does not open it, or somebody changed it.
    #[error("the secret does not open it: it is another one, or the token was changed")]
    WrongKey,
}

/// A token taken apart before anything in it is believed.
pub struct Sealed<'a> {
    /// The header as it was written, which is authenticated with the rest.
    protected: &'a str,
    /// Its members.
    pub header: Map<String, Value>,
    /// How the content is encrypted.
    pub encryption: Encryption,
    iv: Vec<u8>,
    text: Zeroizing<Vec<u8>>,
    tag: Vec<u8>,
}

impl<'a> Sealed<'a> {
    /// Takes a token apart.
    ///
    /// # Errors
    /// [`NotOpened::NotCompact`] and [`NotOpened::Algorithm`].
    pub fn of(token: &'a str) -> Result<Self, NotOpened> {
        let parts: Vec<_> = token.splitn(6, '.').collect();
        let [protected, key, iv, text, tag] = parts[..] else { return Err(NotOpened::NotCompact) };
        if token.len() > MAX_TOKEN {
            return Err(NotOpened::NotCompact);
        }
        let octets = |part: &str| BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| NotOpened::NotCompact);
        let header = json::object(&octets(protected)?).map_err(|_| NotOpened::NotCompact)?;
        let text_of = |name: &str| header.get(name).and_then(Value::as_str);
        let encryption = text_of("enc").and_then(Encryption::of_name).ok_or(NotOpened::Algorithm)?;
        // `crit` asks for what is not understood here; `zip` would need it.
        let understood = !header.contains_key("crit") && !header.contains_key("zip");
        if text_of("alg") != Some("dir") || !key.is_empty() || !understood {
            return Err(NotOpened::Algorithm);
        }
        Ok(Self {
            protected,
            encryption,
            iv: octets(iv)?,
            text: Zeroizing::new(octets(text)?),
            tag: octets(tag)?,
            header,
        })
    }

    /// What it holds.
    ///
    /// # Errors
    /// [`NotOpened::WrongKey`].
    pub fn open(self, key: &[u8]) -> Result<Zeroizing<Vec<u8>>, NotOpened> {
        open_content(self.encryption, key, self.protected.as_bytes(), &self.iv, self.text, &self.tag)
            .ok_or(NotOpened::WrongKey)
    }
}

/// Decrypts a content (RFC 7516 §5.2, steps 14 to 16) that was authenticated together with `aad`.
pub fn open_content(
    encryption: Encryption,
    key: &[u8],
    aad: &[u8],
    iv: &[u8],
    mut text: Zeroizing<Vec<u8>>,
    tag: &[u8],
) -> Option<Zeroizing<Vec<u8>>> {
    if key.len() != encryption.key_length() {
        return None;
    }
    match encryption {
        Encryption::A256Gcm => {
            if tag.len() != GCM_TAG {
                return None;
            }
            let nonce = Nonce::try_assume_unique_for_key(iv).ok()?;
            let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?);
            text.extend_from_slice(tag);
            let length = key.open_in_place(nonce, Aad::from(aad), &mut text).ok()?.len();
            text.truncate(length);
            Some(text)
        }
        Encryption::A256CbcHs512 => {
            let (mac, aes) = key.split_at(HALF);
            verify_slices_are_equal(&cbc_tag(mac, aad, iv, &text), tag).ok()?;
            let iv: [u8; AES_CBC_IV_LEN] = iv.try_into().ok()?;
            let aes = PaddedBlockDecryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_256, aes).ok()?).ok()?;
            let context = DecryptionContext::Iv128(FixedLength::from(iv));
            let length = aes.decrypt(&mut text, context).ok()?.len();
            text.truncate(length);
            Some(text)
        }
    }
}

/// Encrypts a content under this header. None where the system gives no random octets or the key does not fit.
pub fn seal(
    encryption: Encryption,
    key: &[u8],
    header: &Map<String, Value>,
    content: &[u8],
) -> Option<String> {
    if key.len() != encryption.key_length() {
        return None;
    }
    let protected = BASE64_URL_SAFE_NO_PAD.encode(Value::Object(header.clone()).to_string());
    let mut text = Zeroizing::new(Vec::with_capacity(content.len() + AES_CBC_IV_LEN));
    text.extend_from_slice(content);
    let (iv, tag) = match encryption {
        Encryption::A256Gcm => {
            let mut iv = [0; NONCE_LEN];
            getrandom::fill(&mut iv).ok()?;
            let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).ok()?);
            let nonce = Nonce::assume_unique_for_key(iv);
            let tag =
                key.seal_in_place_separate_tag(nonce, Aad::from(protected.as_bytes()), &mut text).ok()?;
            (iv.to_vec(), tag.as_ref().to_vec())
        }
        Encryption::A256CbcHs512 => {
            let (mac, aes) = key.split_at(HALF);
            let mut iv = [0; AES_CBC_IV_LEN];
            getrandom::fill(&mut iv).ok()?;
            let aes = PaddedBlockEncryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_256, aes).ok()?).ok()?;
            let iv128 = EncryptionContext::Iv128(FixedLength::from(iv));
            aes.less_safe_encrypt(&mut *text, iv128).ok()?;
            (iv.to_vec(), cbc_tag(mac, protected.as_bytes(), &iv, &text))
        }
    };
    let part = |octets: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(octets);
    Some(format!("{protected}..{}.{}.{}", part(&iv), part(&text), part(&tag)))
}

/// The first half of the HMAC over everything and the length of `aad` in bits (RFC 7518 §5.2.2.1).
fn cbc_tag(key: &[u8], aad: &[u8], iv: &[u8], text: &[u8]) -> Vec<u8> {
    let mut signing = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA512, key));
    let bits = u64::try_from(aad.len()).unwrap_or(u64::MAX).saturating_mul(8);
    for part in [aad, iv, text, &bits.to_be_bytes()] {
        signing.update(part);
    }
    signing.sign().as_ref().iter().take(HALF).copied().collect()
}

#[cfg(test)]
#[path = "jwe_tests.rs"]
mod tests;
