//! The session cookie as Auth.js v5 makes it: a JWE (RFC 7516) in the compact form, `dir` with A256CBC-HS512
//! (RFC 7518 §5.2.5), whose key comes from the site's secret and the cookie's name by HKDF (RFC 5869).

use aws_lc_rs::{
    cipher::{
        AES_256, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey, PaddedBlockEncryptingKey,
        UnboundCipherKey,
    },
    constant_time::verify_slices_are_equal,
    hkdf, hmac,
    iv::FixedLength,
    rand,
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use crate::token::NoRandomness;

/// Half of the key authenticates, the other half encrypts.
const KEY: usize = 64;
const HALF: usize = KEY / 2;

struct Length;

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        KEY
    }
}

fn key(secret: &str, cookie: &str) -> Option<[u8; KEY]> {
    let info = format!("Auth.js Generated Encryption Key ({cookie})");
    let salt = hkdf::Salt::new(hkdf::HKDF_SHA256, cookie.as_bytes());
    let mut key = [0; KEY];
    salt.extract(secret.as_bytes()).expand(&[info.as_bytes()], Length).ok()?.fill(&mut key).ok()?;
    Some(key)
}

fn tag(key: &[u8], header: &str, iv: &[u8], text: &[u8]) -> Vec<u8> {
    let mut signed = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA512, key));
    signed.update(header.as_bytes());
    signed.update(iv);
    signed.update(text);
    signed.update(&(header.len() as u64 * 8).to_be_bytes());
    signed.sign().as_ref().iter().take(HALF).copied().collect()
}

/// Encrypts claims.
pub(super) fn seal(claims: &Map<String, Value>, secret: &str, cookie: &str) -> Result<String, NoRandomness> {
    let key = key(secret, cookie).ok_or(NoRandomness)?;
    let (mac, aes) = key.split_at(HALF);
    let header = URL_SAFE_NO_PAD.encode(json!({ "alg": "dir", "enc": "A256CBC-HS512" }).to_string());
    let mut iv = [0; 16];
    rand::fill(&mut iv).map_err(|_| NoRandomness)?;
    let mut text = Value::Object(claims.clone()).to_string().into_bytes();
    let aes = UnboundCipherKey::new(&AES_256, aes).map_err(|_| NoRandomness)?;
    let aes = PaddedBlockEncryptingKey::cbc_pkcs7(aes).map_err(|_| NoRandomness)?;
    aes.less_safe_encrypt(&mut text, EncryptionContext::Iv128(FixedLength::from(iv)))
        .map_err(|_| NoRandomness)?;
    let tag = tag(mac, &header, &iv, &text);
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    Ok(format!("{header}..{}.{}.{}", part(&iv), part(&text), part(&tag)))
}

/// The claims of a token that this secret sealed.
pub(super) fn open(token: &str, secret: &str, cookie: &str) -> Option<Map<String, Value>> {
    let parts: Vec<_> = token.split('.').collect();
    let [header, "", iv, text, given] = parts[..] else { return None };
    let part = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
    let (iv, mut text, given) = (part(iv)?, part(text)?, part(given)?);
    let key = key(secret, cookie)?;
    let (mac, aes) = key.split_at(HALF);
    verify_slices_are_equal(&tag(mac, header, &iv, &text), &given).ok()?;
    let iv: [u8; 16] = iv.try_into().ok()?;
    let aes = PaddedBlockDecryptingKey::cbc_pkcs7(UnboundCipherKey::new(&AES_256, aes).ok()?).ok()?;
    let opened = aes.decrypt(&mut text, DecryptionContext::Iv128(FixedLength::from(iv))).ok()?;
    serde_json::from_slice(opened).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_is_opened_with_the_same_secret_and_cookie_only() {
        let claims: Map<_, _> = [("sub".to_owned(), json!("ada"))].into_iter().collect();
        let sealed = seal(&claims, "secret", "authjs.session-token").unwrap();
        assert_eq!(open(&sealed, "secret", "authjs.session-token"), Some(claims));
        assert!(open(&sealed, "other", "authjs.session-token").is_none());
        assert!(open(&sealed, "secret", "__Secure-authjs.session-token").is_none());
        for damaged in
            ["", "a.b.c.d.e", &sealed[1..], &sealed[..sealed.len() - 1], &sealed.replace("..", ".x.")]
        {
            assert!(open(damaged, "secret", "authjs.session-token").is_none(), "{damaged}");
        }
    }
}
