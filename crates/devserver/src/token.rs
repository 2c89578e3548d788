//! Opaque random values: refresh tokens and identifiers.
//!
//! A refresh token exists in clear only while a reply is on its way (and, where a grace window is set, in
//! memory for that window). Everything that is kept is its SHA-256: 256 random bits need no salt.

use aws_lc_rs::{digest, rand};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The operating system gave no random bytes; nothing may be issued then.
#[derive(Debug, thiserror::Error)]
#[error("no random numbers from the operating system")]
pub(crate) struct NoRandomness;

/// A refresh token in clear. No `Debug`, `Display` or `Serialize`: it leaves through `into_text` only.
pub(crate) struct RefreshToken(String);

impl RefreshToken {
    pub(crate) fn random() -> Result<Self, NoRandomness> {
        random_secret().map(Self)
    }

    /// One that a client presents.
    pub(crate) fn presented(text: &str) -> Self {
        Self(text.to_owned())
    }

    pub(crate) fn hash(&self) -> TokenHash {
        TokenHash::of(&self.0)
    }

    pub(crate) fn into_text(self) -> String {
        self.0
    }
}

/// SHA-256 of a refresh token or another secret: what is kept and compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TokenHash([u8; 32]);

impl TokenHash {
    pub(crate) fn of(token: &str) -> Self {
        let mut bytes = [0; 32];
        for (to, from) in bytes.iter_mut().zip(digest::digest(&digest::SHA256, token.as_bytes()).as_ref()) {
            *to = *from;
        }
        Self(bytes)
    }
}

impl Serialize for TokenHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl<'de> Deserialize<'de> for TokenHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        URL_SAFE_NO_PAD
            .decode(text)
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or_else(|| de::Error::custom("not a SHA-256 in base64url"))
    }
}

/// A secret that cannot be guessed: 32 random bytes in base64url (RFC 6749 §10.10 asks for 128 bits or more).
pub(crate) fn random_secret() -> Result<String, NoRandomness> {
    random_text::<32>()
}

/// A random identifier (family id, `jti`): 16 bytes in base64url. Not a secret.
pub(crate) fn random_id() -> Result<String, NoRandomness> {
    random_text::<16>()
}

/// Random letters out of these 20: what a person can read and type. 2^4.3 possibilities each.
pub(crate) fn random_letters<const COUNT: usize>(letters: &[u8; 20]) -> Result<String, NoRandomness> {
    let mut text = String::new();
    while text.len() < COUNT {
        let mut bytes = [0; COUNT];
        rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
        // 240 is the largest multiple of 20 in a byte: above it some letters would come more often.
        let fair = bytes.iter().filter(|byte| **byte < 240);
        let drawn = fair.filter_map(|byte| letters.get(usize::from(*byte) % letters.len()));
        let missing = COUNT - text.len();
        text.extend(drawn.take(missing).map(|letter| char::from(*letter)));
    }
    Ok(text)
}

fn random_text<const BYTES: usize>() -> Result<String, NoRandomness> {
    let mut bytes = [0; BYTES];
    rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
