//! Signed tokens: examples of the standards, public attack vectors, and our own attacks with keys made on the spot.

mod attacks;
mod attacks_on_claims;
mod issuer_keys;
mod minting;
mod refreshed;
mod standards;
mod wycheproof;
mod wycheproof_jwe;
