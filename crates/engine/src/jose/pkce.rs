//! The secrets of one sign-in: PKCE (RFC 7636), `state` (RFC 6749 §10.12) and `nonce` (OpenID Connect Core
//! §15.5.2). Each is 256 random bits, made anew for each sign-in and kept in memory only.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use latchkey_core::secret::Secret;

use super::random::{self, NoRandomness};

/// How the challenge is made from the verifier: the only way that is offered (RFC 7636 §7.2).
pub const CHALLENGE_METHOD: &str = "S256";

const OCTETS: usize = 32;

/// The code verifier: 43 characters from 32 random octets (RFC 7636 §4.1).
pub struct Verifier(Secret);

impl Verifier {
    /// A new one.
    pub fn generate() -> Result<Self, NoRandomness> {
        random::text::<OCTETS>().map(Self)
    }

    /// What is sent ahead: its SHA-256 in base64url (RFC 7636 §4.2). No secret.
    pub fn challenge(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, self.0.expose().as_bytes()))
    }

    /// The verifier itself, for the token request.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

macro_rules! echoed {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        pub struct $name(Secret);

        impl $name {
            /// A new one.
            pub fn generate() -> Result<Self, NoRandomness> {
                random::text::<OCTETS>().map(Self)
            }
            /// The text itself, for the authorization request.
            pub fn expose(&self) -> &str {
                self.0.expose()
            }
            /// Whether what came back is it, in a time that does not tell how much of it is.
            pub fn matches(&self, came_back: &str) -> bool {
                verify_slices_are_equal(self.0.expose().as_bytes(), came_back.as_bytes()).is_ok()
            }
        }
    )*};
}

echoed! {
    /// What the redirect must bring back, or it answers nothing that was asked.
    State;
    /// What the ID token must repeat, or it is of another sign-in.
    Nonce;
}

#[cfg(test)]
mod tests {
    use super::*;
    use static_assertions::assert_not_impl_any;

    assert_not_impl_any!(Verifier: std::fmt::Debug, std::fmt::Display, serde::Serialize, Clone);
    assert_not_impl_any!(State: std::fmt::Debug, std::fmt::Display, serde::Serialize);
    assert_not_impl_any!(Nonce: std::fmt::Debug, std::fmt::Display, serde::Serialize);

    /// RFC 7636 appendix B.
    #[test]
    fn the_challenge_is_the_one_of_the_standards_example() {
        let verifier = Verifier(Secret::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned()));
        assert_eq!(verifier.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn a_verifier_has_43_unreserved_characters_and_is_never_the_same() {
        let (one, other) = (Verifier::generate().unwrap(), Verifier::generate().unwrap());
        let unreserved = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
        assert!(one.expose().len() == 43 && one.expose().chars().all(unreserved));
        assert_ne!(one.expose(), other.expose());
        assert_ne!(one.challenge(), one.expose());
    }

    #[test]
    fn only_the_same_state_matches() {
        let state = State::generate().unwrap();
        let sent = state.expose().to_owned();
        assert!(state.matches(&sent));
        for other in ["", &sent[1..], &format!("{sent}a"), State::generate().unwrap().expose()] {
            assert!(!state.matches(other));
        }
    }
}
