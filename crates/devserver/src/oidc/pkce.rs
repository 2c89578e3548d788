//! Proof Key for Code Exchange, S256 only (RFC 7636).

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

/// SHA-256 in base64url, without padding.
pub(super) fn sha256_text(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

/// Whether this can be the SHA-256 of something: 43 characters of base64url.
pub(super) fn is_sha256_text(text: &str) -> bool {
    URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 32)
}

/// Whether `verifier` is well formed (§4.1) and the challenge was made from it (§4.6).
pub(super) fn verify(challenge: &str, verifier: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (43..=128).contains(&verifier.len())
        && verifier.bytes().all(allowed)
        && verify_slices_are_equal(sha256_text(verifier).as_bytes(), challenge.as_bytes()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard_holds() {
        // RFC 7636, appendix B.
        let (verifier, challenge) =
            ("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
        assert!(is_sha256_text(challenge));
        assert!(verify(challenge, verifier));
        assert!(!verify(challenge, challenge));
    }

    #[test]
    fn a_verifier_that_is_too_short_too_long_or_of_other_characters_is_none() {
        for verifier in ["a".repeat(42), "a".repeat(129), format!("{} ", "a".repeat(43))] {
            assert!(!verify(&sha256_text(&verifier), &verifier), "{verifier}");
        }
    }
}
