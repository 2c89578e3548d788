//! Values that must not be seen.
//!
//! A secret has no `Debug`, no `Display` and no `Serialize`: what cannot be printed is not printed by
//! accident. Its memory is wiped when it is dropped. Only the vault's envelope and the request that spends
//! it call [`Secret::expose`].

use zeroize::Zeroizing;

/// A text that must not be seen.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes the text; the caller should hold no other copy.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself. Every caller is a place where the secret may leak, so there are few.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it has no characters. An empty token counts as none (RFC 6749 §3.1: a parameter without a
    /// value is as if omitted).
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

macro_rules! secrets {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone)]
        pub struct $name(Secret);

        impl $name {
            /// Takes the text; the caller should hold no other copy.
            pub fn new(text: impl Into<String>) -> Self {
                Self(Secret::new(text.into()))
            }
            /// The text itself; see [`Secret::expose`].
            pub fn expose(&self) -> &str {
                self.0.expose()
            }
            /// Whether it has no characters.
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }
    )*};
}

secrets! {
    /// What a program shows to a resource server (RFC 6749 §1.4). May be handed to local programs.
    AccessToken;
    /// What buys the next token set (RFC 6749 §1.5). Never leaves the engine.
    RefreshToken;
    /// What the provider says of the person (OpenID Connect Core §2).
    IdToken;
    /// A password on its way to the login endpoint. Used once, never stored.
    Password;
    /// The private key that an account's proofs of possession are signed with (RFC 9449): PKCS#8 in base64url. Its
    /// loss ends the session, since refresh tokens of public clients are bound to it (RFC 9449 §5).
    DpopKey;
}

#[cfg(test)]
mod tests {
    use super::*;
    use static_assertions::assert_not_impl_any;

    assert_not_impl_any!(Secret: std::fmt::Debug, std::fmt::Display, serde::Serialize);
    assert_not_impl_any!(AccessToken: std::fmt::Debug, std::fmt::Display, serde::Serialize);
    assert_not_impl_any!(RefreshToken: std::fmt::Debug, std::fmt::Display, serde::Serialize);
    assert_not_impl_any!(IdToken: std::fmt::Debug, std::fmt::Display, serde::Serialize);
    assert_not_impl_any!(Password: std::fmt::Debug, std::fmt::Display, serde::Serialize);
    assert_not_impl_any!(DpopKey: std::fmt::Debug, std::fmt::Display, serde::Serialize);

    #[test]
    fn an_empty_token_is_told_apart_from_one_that_is_there() {
        assert!(AccessToken::new("").is_empty());
        assert!(!AccessToken::new("x").is_empty());
    }
}
