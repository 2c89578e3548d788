//! The signature algorithms that are accepted (RFC 7518 §3.1, RFC 8037 §3.1), and which of them an issuer uses.

use aws_lc_rs::digest;

/// An asymmetric signature algorithm.
///
/// There is no `none` and no `HS…` here, so no configuration can allow them: a public client shares no key with
/// its issuer, and whoever knows a public key could "sign" with its bytes (RFC 8725 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is named as in the standard")]
pub enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    EdDsa,
}

impl Algorithm {
    /// All that are accepted.
    pub const ALL: [Self; 9] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::EdDsa,
    ];

    /// Its name in `alg`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The one of that name. Names are told apart by case (RFC 7515 §4.1.1).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    pub(super) fn of_library(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::Rs256 => jsonwebtoken::Algorithm::RS256,
            Self::Rs384 => jsonwebtoken::Algorithm::RS384,
            Self::Rs512 => jsonwebtoken::Algorithm::RS512,
            Self::Ps256 => jsonwebtoken::Algorithm::PS256,
            Self::Ps384 => jsonwebtoken::Algorithm::PS384,
            Self::Ps512 => jsonwebtoken::Algorithm::PS512,
            Self::Es256 => jsonwebtoken::Algorithm::ES256,
            Self::Es384 => jsonwebtoken::Algorithm::ES384,
            Self::EdDsa => jsonwebtoken::Algorithm::EdDSA,
        }
    }

    /// The hash that `at_hash` and `c_hash` are made with (OpenID Connect Core §3.1.3.6). Ed25519 hashes with
    /// SHA-512 inside (RFC 8032 §5.1), and so do the issuers that use it.
    pub(super) fn digest(self) -> &'static digest::Algorithm {
        match self {
            Self::Rs256 | Self::Ps256 | Self::Es256 => &digest::SHA256,
            Self::Rs384 | Self::Ps384 | Self::Es384 => &digest::SHA384,
            Self::Rs512 | Self::Ps512 | Self::EdDsa => &digest::SHA512,
        }
    }
}

/// The algorithms that are accepted from one issuer. Fixed before any of its tokens is looked at (RFC 8725 §3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Algorithms(Vec<Algorithm>);

impl Algorithms {
    /// Every accepted algorithm: for an issuer whose metadata announces none.
    pub fn all() -> Self {
        Self(Algorithm::ALL.to_vec())
    }

    /// Those of the announced ones (`id_token_signing_alg_values_supported`) that are accepted. May be none, and
    /// then no token of this issuer can be verified.
    pub fn announced<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(names.into_iter().filter_map(Algorithm::from_name).collect())
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn contain(&self, algorithm: Algorithm) -> bool {
        self.0.contains(&algorithm)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_believed_in_what_it_announces_and_never_in_a_symmetric_algorithm_or_none() {
        let announced = Algorithms::announced(["none", "HS256", "RS256", "rs384", "ES512", "EdDSA"]);
        assert_eq!(announced, Algorithms(vec![Algorithm::Rs256, Algorithm::EdDsa]));
        assert!(Algorithms::announced(["none", "HS512"]).is_empty());
        assert!(!announced.is_empty());
    }

    #[test]
    fn each_algorithm_is_found_by_its_name_and_only_by_it() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::from_name(algorithm.name()), Some(algorithm));
            assert_eq!(format!("{:?}", algorithm.of_library()), algorithm.name());
        }
        for name in ["none", "nOnE", "", "rs256", "RS256 ", "HS256", "HS384", "HS512", "ES512", "RS1"] {
            assert_eq!(Algorithm::from_name(name), None, "{name}");
        }
    }
}
