//! Proofs of possession (RFC 9449): checked as the standard asks, with ES256 keys.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::exchange::{Endpoint, Reply, Request};
use super::fault::Dpop;
use super::keys::sha256;
use super::state::State;

/// How far a proof's clock may be off, in seconds.
const TOLERANCE: i64 = 300;

/// What the resource asks for; its nonces and those of the token endpoint are never mixed (RFC 9449 §9).
const RESOURCE_NONCE: &str = "resource-nonce";

/// The thumbprint of the key that a request proves to have (RFC 7638), if it proves one.
///
/// # Errors
/// The refusal, when the proof is no good or a nonce is asked for.
pub(super) fn proven(
    state: &mut State,
    request: &Request,
    token: Option<&str>,
) -> Result<Option<String>, Reply> {
    let Some(proof) = &request.proof else { return Ok(None) };
    let resource = request.endpoint == Endpoint::UserInfo;
    let (claims, key) = read(proof).ok_or_else(|| refused(resource, "invalid_dpop_proof"))?;
    let url = format!("{}{}", state.issuer, request.endpoint.path());
    let iat = claims["iat"].as_i64().unwrap_or(0);
    let jti = claims["jti"].as_str().unwrap_or_default().to_owned();
    let good = claims["htm"] == request.method.as_str()
        && claims["htu"] == url.as_str()
        && (iat - state.now().as_second()).abs() <= TOLERANCE
        && token.is_none_or(|token| claims["ath"] == sha256(token).as_str())
        && !jti.is_empty()
        && state.proofs.insert(jti);
    if !good {
        return Err(refused(resource, "invalid_dpop_proof"));
    }
    let wanted = if resource {
        state.plan.has(Dpop::NonceResource).then(|| RESOURCE_NONCE.to_owned())
    } else {
        state.nonce()
    };
    let never = !resource && state.plan.has(Dpop::NonceForever);
    match wanted {
        Some(wanted) if never || claims["nonce"] != wanted.as_str() => {
            Err(refused(resource, "use_dpop_nonce").with("dpop-nonce", wanted))
        }
        Some(_) | None => Ok(Some(key)),
    }
}

impl State {
    /// The nonce that the token endpoint asks for now, if it asks for one.
    pub(super) fn nonce(&self) -> Option<String> {
        if self.plan.has(Dpop::NonceEach) {
            return Some(format!("nonce-{}", self.nonces));
        }
        (self.plan.has(Dpop::NonceFirst) || self.plan.has(Dpop::NonceForever)).then(|| "nonce".to_owned())
    }
}

fn refused(resource: bool, error: &str) -> Reply {
    if resource {
        let challenge = format!("DPoP error=\"{error}\", algs=\"ES256\"");
        return Reply::error(401, error, "the proof was not taken").with("www-authenticate", challenge);
    }
    Reply::error(400, error, "the proof was not taken")
}

/// The claims of a proof whose signature is right, and its key's thumbprint.
fn read(proof: &str) -> Option<(Value, String)> {
    let (message, signature) = proof.rsplit_once('.')?;
    let (header, claims) = message.split_once('.')?;
    let decoded = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
    let header: Value = serde_json::from_slice(&decoded(header)?).ok()?;
    let jwk = &header["jwk"];
    if header["typ"] != "dpop+jwt" || header["alg"] != "ES256" || !jwk["d"].is_null() {
        return None;
    }
    let (x, y) = (jwk["x"].as_str()?, jwk["y"].as_str()?);
    let point = [vec![4], decoded(x)?, decoded(y)?].concat();
    let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point);
    key.verify(message.as_bytes(), &decoded(signature)?).ok()?;
    let thumbprint = sha256(&format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#));
    Some((serde_json::from_slice(&decoded(claims)?).ok()?, thumbprint))
}
