//! Signed tokens: which key signed them, what they claim, and whether that may be believed.
//!
//! | file | what is in it |
//! |---|---|
//! | `compact`, `json` | a token taken apart before anything in it is believed |
//! | `verify` | a JWS against an issuer's keys: the strict wrapper around the `jsonwebtoken` crate |
//! | `claims` | the claims every signed token has, read once and strictly, and their times |
//! | `id_token`, `access_token` | what each of the two must claim |
//! | `jwk`, `jwks`, `key_set` | a key, an issuer's set of them, and keeping that set up to date |
//! | `dpop`, `pkce` | proofs of possession and the secrets of one sign-in |
//! | `jwe` | encrypted tokens, for a developer who has the key |
//! | `look` | looking into a JWT without believing it |
//!
//! **Invariants:** tokens are judged at a "now" that comes in, the time as the issuer sees it; the age of keys is
//! told by the clock port. A [`Refusal`] holds nothing of the token it is about. No header of a token makes this
//! program fetch anything or use a key that is not in the issuer's own set (RFC 8725 §3.10).
//!
//! The crate's own `Validation` is not used: it reads the system clock, takes an `iss` that is an array, and
//! lets claims of the wrong type pass. The crate does the cryptography; every rule stands here.

pub mod access_token;
pub mod algorithm;
pub mod claims;
mod compact;
pub mod dpop;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
pub mod id_token;
mod json;
pub mod jwe;
pub mod jwk;
pub mod jwks;
pub mod key_set;
pub(crate) mod look;
pub mod pkce;
pub mod random;
mod refusal;
pub mod verify;

pub use algorithm::{Algorithm, Algorithms};
pub use jwks::KeySet;
pub use key_set::IssuerKeys;
pub use refusal::Refusal;
pub use verify::{Issuer, Verified};
