//! Proofs of possession (RFC 9449): a key for each account, and a proof for each request.
//!
//! **Invariant:** a proof is made anew for each request, repeats included (RFC 9449 §7.3); none is kept.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use latchkey_core::secret::{AccessToken, DpopKey, Secret};
use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};
use reqwest::{Method, Url};
use serde_json::json;
use zeroize::Zeroizing;

use super::jwk::{canonical_ec, thumbprint};
use super::random::{self, NoRandomness};
use crate::http::Reply;

/// The header that proofs are sent in (RFC 9449 §4.1).
pub const HEADER: &str = "DPoP";
/// The token type, and the scheme of the `Authorization` header (RFC 9449 §5, §7.1). Compared without regard to case.
pub const TOKEN_TYPE: &str = "DPoP";
/// The header that servers send nonces in (RFC 9449 §8.1).
const NONCE_HEADER: &str = "dpop-nonce";
/// The error of a server that wants a nonce (RFC 9449 §8, §9).
const USE_NONCE: &str = "use_dpop_nonce";
/// The longest nonce that is sent back.
const MAX_NONCE: usize = 1024;
const JTI_OCTETS: usize = 16;

/// The key of one account (ES256). It lives where the refresh token lives.
pub struct ProofKey {
    pair: EcdsaKeyPair,
    jwk: serde_json::Value,
    thumbprint: String,
}

/// The stored key cannot be read: what is bound to it is lost, and the person must sign in again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the key of this account's proofs (DPoP) cannot be read, so its tokens are of no use; sign in again")]
pub struct UnreadableKey;

/// The request a proof is for.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// Its method.
    pub method: &'a Method,
    /// Its address; query and fragment do not count (RFC 9449 §4.2).
    pub url: &'a Url,
    /// The access token it carries, if it carries one.
    pub access_token: Option<&'a AccessToken>,
    /// The newest nonce of the server it goes to, if there is one.
    pub nonce: Option<&'a str>,
}

impl ProofKey {
    /// A new key, and the form in which the vault keeps it.
    ///
    /// # Errors
    /// [`NoRandomness`] when the operating system gives none.
    pub fn generate() -> Result<(Self, DpopKey), NoRandomness> {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
            .map_err(|_| NoRandomness)?;
        let key = Self::of_pkcs8(pkcs8.as_ref()).map_err(|UnreadableKey| NoRandomness)?;
        Ok((key, DpopKey::new(BASE64_URL_SAFE_NO_PAD.encode(pkcs8.as_ref()))))
    }

    /// The key as it was kept.
    ///
    /// # Errors
    /// [`UnreadableKey`] for anything that [`ProofKey::generate`] did not make.
    pub fn of_stored(stored: &DpopKey) -> Result<Self, UnreadableKey> {
        let pkcs8 = BASE64_URL_SAFE_NO_PAD.decode(stored.expose()).map_err(|_| UnreadableKey)?;
        Self::of_pkcs8(&Zeroizing::new(pkcs8))
    }

    fn of_pkcs8(pkcs8: &[u8]) -> Result<Self, UnreadableKey> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8);
        let pair = pair.map_err(|_| UnreadableKey)?;
        // An uncompressed point: 4, then x and y (SEC 1 §2.3.3).
        let Some((4, point)) = pair.public_key().as_ref().split_first() else { return Err(UnreadableKey) };
        let (x, y) = point.split_at_checked(32).ok_or(UnreadableKey)?;
        let canonical = canonical_ec("P-256", x, y);
        let jwk = serde_json::from_str(&canonical).map_err(|_| UnreadableKey)?;
        Ok(Self { thumbprint: thumbprint(&canonical), pair, jwk })
    }

    /// Its SHA-256 thumbprint (RFC 7638), for `dpop_jkt` (RFC 9449 §10). No secret.
    pub fn thumbprint(&self) -> &str {
        &self.thumbprint
    }

    /// A proof for one request (RFC 9449 §4.2).
    ///
    /// `now` is the time as the server sees it: by the clock here, corrected by the measured skew.
    ///
    /// # Errors
    /// [`NoRandomness`] when the operating system gives none.
    pub fn proof(&self, request: Request<'_>, now: Timestamp) -> Result<Secret, NoRandomness> {
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk });
        let mut claims = json!({
            "jti": random::text::<JTI_OCTETS>()?.expose(),
            "htm": request.method.as_str(),
            "htu": bare(request.url),
            "iat": now.as_second(),
        });
        if let (Some(token), Some(claims)) = (request.access_token, claims.as_object_mut()) {
            claims.insert("ath".to_owned(), hash(token).into());
        }
        if let (Some(nonce), Some(claims)) = (request.nonce, claims.as_object_mut()) {
            claims.insert("nonce".to_owned(), nonce.into());
        }
        let part = |value: &serde_json::Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).map_err(|_| NoRandomness)?;
        Ok(Secret::new(format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature.as_ref()))))
    }
}

/// The hash of an access token (`ath`).
fn hash(token: &AccessToken) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, token.expose().as_bytes()))
}

/// An address without query and fragment (`htu`), and without a name and password nobody should have put there.
fn bare(url: &Url) -> String {
    let mut bare = url.clone();
    bare.set_query(None);
    bare.set_fragment(None);
    // Neither can fail for an address with a host; where they do there is none to remove.
    let _ = bare.set_username("");
    let _ = bare.set_password(None);
    bare.into()
}

/// Which of its two servers a nonce is from. Those of one mean nothing to the other (RFC 9449 §8.2), even where both
/// answer at one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Server {
    /// The authorization server.
    Authorization,
    /// A resource server.
    Resource,
}

/// The newest nonce of each server.
#[derive(Default)]
pub struct Nonces(BTreeMap<(Server, String), String>);

impl Nonces {
    /// The one to send to this server.
    pub fn newest(&self, server: Server, url: &Url) -> Option<&str> {
        self.0.get(&(server, url.origin().ascii_serialization())).map(String::as_str)
    }

    /// Takes over the nonce of a reply, whatever its status (RFC 9449 §8.2). Whether there was a new one.
    pub fn learn(&mut self, server: Server, url: &Url, headers: &HeaderMap) -> bool {
        let nonce = headers.get(NONCE_HEADER).and_then(|nonce| nonce.to_str().ok());
        let Some(nonce) = nonce.filter(|nonce| is_nonce(nonce)) else { return false };
        let before = self.0.insert((server, url.origin().ascii_serialization()), nonce.to_owned());
        before.as_deref() != Some(nonce)
    }
}

/// Printable characters but quotes and backslashes (RFC 9449 §8.1).
fn is_nonce(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    (1..=MAX_NONCE).contains(&text.len()) && text.bytes().all(allowed)
}

/// Whether a server refused a request only for want of a nonce: 400 with that error from the authorization server,
/// 401 with that challenge from a resource server (RFC 9449 §8, §9).
///
/// Such a request is repeated once, with the nonce and a new proof; a server that asks again is not believed.
pub fn asks_for_nonce(server: Server, reply: &Reply) -> bool {
    match server {
        Server::Authorization => {
            let body: Option<serde_json::Value> = serde_json::from_slice(&reply.body).ok();
            matches!(reply.status, 400 | 401)
                && body.is_some_and(|body| body.get("error").is_some_and(|error| error == USE_NONCE))
        }
        Server::Resource => resource_asks_for_nonce(reply.status, &reply.headers),
    }
}

/// The same of a resource server's answer whose body nobody has read (RFC 9449 §9).
pub fn resource_asks_for_nonce(status: u16, headers: &HeaderMap) -> bool {
    let challenges = headers.get_all(WWW_AUTHENTICATE).iter();
    status == 401 && challenges.filter_map(|line| line.to_str().ok()).any(is_nonce_challenge)
}

/// Whether one of the challenges of a line is DPoP's (RFC 9110 §11.6.1: several may share a line).
fn is_nonce_challenge(line: &str) -> bool {
    let line = format!(", {}", line.trim().to_ascii_lowercase());
    line.contains(", dpop ") && line.contains(&format!("error=\"{USE_NONCE}\""))
}

#[cfg(test)]
mod tests;
