//! What a developer sees in a site's session cookie with the site's own secret, and a cookie with other claims for a site
//! that is being tested.

use aws_lc_rs::hkdf::{HKDF_SHA256, KeyType, Salt};
use latchkey_core::secret::{AccessToken, Secret};
use serde_json::{Map, Value, json};
use zeroize::Zeroizing;

use crate::jose::jwe::{Encryption, NotOpened, Sealed, seal};

/// Which NextAuth sealed a cookie, told by how it is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// NextAuth v4: A256GCM.
    V4,
    /// Auth.js v5: A256CBC-HS512.
    V5,
}

impl Version {
    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::V4 => "NextAuth v4",
            Self::V5 => "Auth.js v5",
        }
    }

    fn of(encryption: Encryption) -> Self {
        match encryption {
            Encryption::A256Gcm => Self::V4,
            Encryption::A256CbcHs512 => Self::V5,
        }
    }

    fn encryption(self) -> Encryption {
        match self {
            Self::V4 => Encryption::A256Gcm,
            Self::V5 => Encryption::A256CbcHs512,
        }
    }

    /// The key, from the site's secret and what v5 calls the salt: the cookie's name (RFC 5869).
    fn key(self, secret: &Secret, cookie: &str) -> Option<Zeroizing<Vec<u8>>> {
        let (salt, info) = match self {
            Self::V4 => ("", "NextAuth.js Generated Encryption Key".to_owned()),
            Self::V5 => (cookie, format!("Auth.js Generated Encryption Key ({cookie})")),
        };
        let mut key = Zeroizing::new(vec![0; self.encryption().key_length()]);
        let extracted = Salt::new(HKDF_SHA256, salt.as_bytes()).extract(secret.expose().as_bytes());
        let info = [info.as_bytes()];
        extracted.expand(&info, Length(key.len())).ok()?.fill(&mut key).ok()?;
        Some(key)
    }
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// An opened cookie. No `Debug`: claims may hold the tokens of the site's own backend.
pub struct OpenedCookie {
    /// Which NextAuth sealed it.
    pub version: Version,
    /// What the cookie is called.
    pub cookie: String,
    /// Its header (RFC 7516 §4).
    pub header: Map<String, Value>,
    /// What it says.
    pub claims: Map<String, Value>,
}

/// Opens a session cookie with the site's secret.
///
/// # Errors
/// Why it could not be opened.
pub fn open(token: &AccessToken, secret: &Secret, cookie: &str) -> Result<OpenedCookie, NotOpened> {
    let sealed = Sealed::of(token.expose())?;
    let version = Version::of(sealed.encryption);
    let header = sealed.header.clone();
    let key = version.key(secret, cookie).ok_or(NotOpened::WrongKey)?;
    let content = sealed.open(&key)?;
    let claims = serde_json::from_slice(&content).map_err(|_| NotOpened::WrongKey)?;
    Ok(OpenedCookie { version, cookie: cookie.to_owned(), header, claims })
}

/// A cookie with these claims, as the site itself would seal it. Times are as they are in the claims.
pub fn reseal(opened: &OpenedCookie, secret: &Secret) -> Option<AccessToken> {
    let OpenedCookie { version, cookie, header, claims } = opened;
    let key = version.key(secret, cookie)?;
    let mut header = header.clone();
    header.insert("alg".to_owned(), json!("dir"));
    header.insert("enc".to_owned(), json!(version.encryption().name()));
    let content = Zeroizing::new(Value::Object(claims.clone()).to_string().into_bytes());
    seal(version.encryption(), &key, &header, &content).map(AccessToken::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made by next-auth 4.24.15 and @auth/core 0.41.3, for somebody called Ada.
    const V4: (&str, &str, &str) = (
        "loopback-secret-four",
        "next-auth.session-token",
        "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0..XN6U5yCgg-Ohg7L3.Oh5lwEoluhrDQ43PSmkF66oDJZQMnyxIhndkH1doDASl3-3PtckVjL5WpT2e5FVIXa82QX068phkxpy2qs4rGdUAM9xOz9jkXNg1vUyJM4DmhgXYAJoDNscc_caRuT6Xnr3gDQWtfL7GbWen7RZi9yy4KwkqFtRDdR2jXeWexEihAnQQzzYImFEjGXiw4Ms1orM_.x9PqxbhEWpq8BUi97CctBQ",
    );
    const V5: (&str, &str, &str) = (
        "loopback-secret-five",
        "authjs.session-token",
        "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIiwia2lkIjoiZHJJYldfVkJ6WGxMaUdmNjRtUkJjU1F5dm1oTzhrOHloaWwyQ1dyY0JMckhKdDljSG9GRUduNzdjOXBpRVFUSFdyN25yX1J2TEtDcWp5ZFlkNTItYlEifQ..lwlqclGFICBmh4w_yNA7YQ.Ij77NmkzX0i1nAofjkrya6Glebuq0jN5uDgY2Par_-kcDPxvJz0eIeeTah4b9Ph-wqc6myH9cG6Et9TjoGssV9clyZigIqmjOX7BxU-lznT3DGKICWwP7cTINUUDBVEkU1onudYhCy56_s8reatPdbWtJEXmi4Ok5C9DbXj-cDSdiQmF9qnq_PsQsDX5SYLFbSx2I5faxFc4y9cLj-PJAg.EP6LxY8SkrkH9I_zu5DwbwEUFYzqbl3Qs8Iah0WbZmc",
    );
    const V5_SECURE: (&str, &str, &str) = (
        "loopback-secret-five",
        "__Secure-authjs.session-token",
        "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2Q0JDLUhTNTEyIiwia2lkIjoiVlg2VzRLMjdHTC1hOGhyMXY0TUZLSzhQSlVybmZkeFBTdXZlTWVxeHNmZjFOaGpTUFota3ZZVjdLbTF2b2JzVE16OWc5OXVsWmxOYnk3MFlTam5vV1EifQ..E5anSHd6E1csk92K8fo6zw.bNhuhDjIi2tWwGwRgHmghcSY65RIEpJHg7DEIRCloSPJoR2E19If0kWEg5G4ApJumQRnrBAvzbLTdAbHdzxLxgnASYB-_-d6sFiIKJkg62n9rjI05LLDp_VmqFshmnxQkknA_4HflgKHRsyRWCj0owJPFruUJbedH6Y0_7qZNdDAx83xwRZ4XCdsHldWtkv45qbMYayPZFn-FhFUD2VG8A.jjenPDkwBAWlBaxqfAePR02igktwjyefR7g_4uPYDjY",
    );

    fn opened((secret, cookie, token): (&str, &str, &str)) -> Result<OpenedCookie, NotOpened> {
        open(&AccessToken::new(token), &Secret::new(secret.to_owned()), cookie)
    }

    #[test]
    fn cookies_of_the_real_packages_are_opened_with_their_secret_and_no_other() {
        for (made, version) in [(V4, Version::V4), (V5, Version::V5), (V5_SECURE, Version::V5)] {
            let cookie = opened(made).ok().unwrap();
            assert_eq!(cookie.version, version);
            let says = |name: &str| cookie.claims[name].as_str().unwrap_or_default().to_owned();
            assert_eq!(
                (says("name"), says("sub"), says("role")),
                ("Ada".into(), "u1".into(), "editor".into())
            );
            let (iat, exp) = (cookie.claims["iat"].as_i64().unwrap(), cookie.claims["exp"].as_i64().unwrap());
            assert_eq!(exp - iat, 3600);
            assert_eq!(opened(("another", made.1, made.2)).err(), Some(NotOpened::WrongKey));
        }
        // v5 derives the key from the cookie's name as well.
        assert_eq!(opened((V5.0, V5_SECURE.1, V5.2)).err(), Some(NotOpened::WrongKey));
        assert_eq!(opened((V5.0, V5.1, "opaque")).err(), Some(NotOpened::NotCompact));
    }

    #[test]
    fn a_cookie_with_other_claims_is_opened_again() {
        for made in [V4, V5] {
            let mut cookie = opened(made).ok().unwrap();
            cookie.claims.insert("role".to_owned(), json!("admin"));
            let again = reseal(&cookie, &Secret::new(made.0.to_owned())).unwrap();
            let again = open(&again, &Secret::new(made.0.to_owned()), made.1).ok().unwrap();
            assert_eq!(again.claims, cookie.claims);
            assert_eq!(again.header, cookie.header);
        }
    }
}
