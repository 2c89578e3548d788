//! What an account of an authorization server is, once it has been checked.

mod preset;
mod read;
mod toml;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use reqwest::Url;
use zeroize::Zeroizing;

pub use preset::{PresetFacts, PresetUse, preset_titles, presets};
pub(super) use read::{KEYS, oauth};
pub use toml::OauthToml;

/// An authorization server (RFC 6749), which is an OpenID provider where it has an issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OauthConfig {
    /// Who issues the tokens. Its metadata is fetched unless the token endpoint is set.
    pub issuer: Option<IssuerUrl>,
    /// Endpoints that are set; they win over what the issuer's metadata say.
    pub endpoints: Endpoints,
    /// What the server calls this program.
    pub client_id: String,
    /// A secret that the server wants from this program, which proves nothing (RFC 8252 §8.5).
    pub client_secret: Option<ClientSecret>,
    /// What is asked for (RFC 6749 §3.3), names with spaces between them; nothing where it is empty.
    pub scope: String,
    /// Whom the access token is for, as Auth0 and others take it.
    pub audience: Option<String>,
    /// Whom the access token is for (RFC 8707), exactly as written.
    pub resource: Option<String>,
    /// Which preset it was made from.
    pub preset: Option<PresetUse>,
    /// Where the browser comes back to.
    pub redirect: Redirect,
    /// Further parameters of the authorization request. One without a value is not sent.
    pub parameters: BTreeMap<String, String>,
    /// When are tokens bound to a key of this program (RFC 9449)?
    pub dpop: When,
    /// When is the authorization request sent ahead (RFC 9126)?
    pub par: When,
    /// Must the server announce that it takes PKCE with S256 (RFC 7636)? It is sent in any case.
    pub pkce_announced: bool,
    /// May an ID token be for others as well, as long as it was issued to this client (OpenID Connect Core §3.1.3.7)?
    pub other_audiences: bool,
    /// Does signing out end the session at the provider as well (OpenID Connect RP-Initiated Logout)?
    pub end_session: bool,
    /// Where the claims say what.
    pub claims: ClaimPlaces,
    /// Is the access token verified as a JWT (RFC 9068)? Only for servers that say that it is one.
    pub verify_access_token: bool,
}

impl OauthConfig {
    /// Where its tokens come from, or who says where that is.
    pub fn exchange_url(&self) -> Option<Url> {
        let issuer = || Url::parse(self.issuer.as_ref()?.as_str()).ok();
        self.endpoints.token.clone().or_else(issuer)
    }
}

/// When something is done that not every server can.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum When {
    /// Where the server announces it.
    #[default]
    Auto,
    /// In any case; a server that cannot is refused.
    Always,
    /// In no case.
    Never,
}

impl When {
    /// As it stands in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Always => "always",
            Self::Never => "never",
        }
    }
}

/// An issuer identifier (RFC 8414 §2). It is compared byte for byte, so its text is kept as it was written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct IssuerUrl(String);

impl IssuerUrl {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A proxy on this machine in the issuer's place, for the lab.
    pub(crate) fn detoured(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for IssuerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A client secret. What a program on a person's machine knows is no secret, but it is nobody's business either.
#[derive(Clone, PartialEq, Eq)]
pub struct ClientSecret(Zeroizing<String>);

impl ClientSecret {
    /// Takes the text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself, for the request that needs it and for the file it stands in.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret")
    }
}

/// Where a server is asked what. Each may be unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// Where the person signs in (RFC 6749 §3.1).
    pub authorization: Option<Url>,
    /// Where tokens are issued (RFC 6749 §3.2).
    pub token: Option<Url>,
    /// Where a device gets its code (RFC 8628 §3.1).
    pub device_authorization: Option<Url>,
    /// Where tokens are revoked (RFC 7009 §2).
    pub revocation: Option<Url>,
    /// Where the person's session ends (OpenID Connect RP-Initiated Logout §2.1).
    pub end_session: Option<Url>,
    /// Who is signed in (OpenID Connect Core §5.3).
    pub user_info: Option<Url>,
    /// The keys with which tokens are signed (RFC 7517 §5).
    pub jwks: Option<Url>,
    /// Where authorization requests are sent ahead (RFC 9126 §2).
    pub pushed_authorization_request: Option<Url>,
}

impl Endpoints {
    /// The keys of the table `endpoints`.
    pub const KEYS: [&'static str; 8] = [
        "authorization",
        "token",
        "device_authorization",
        "revocation",
        "end_session",
        "user_info",
        "jwks",
        "pushed_authorization_request",
    ];

    /// The endpoints by their keys, to read.
    pub fn by_key(&self) -> [(&'static str, &Option<Url>); 8] {
        let [authorization, token, device, revocation, end_session, user_info, jwks, par] = Self::KEYS;
        [
            (authorization, &self.authorization),
            (token, &self.token),
            (device, &self.device_authorization),
            (revocation, &self.revocation),
            (end_session, &self.end_session),
            (user_info, &self.user_info),
            (jwks, &self.jwks),
            (par, &self.pushed_authorization_request),
        ]
    }

    /// The endpoints by their keys, to fill.
    pub(crate) fn by_key_mut(&mut self) -> [(&'static str, &mut Option<Url>); 8] {
        let [authorization, token, device, revocation, end_session, user_info, jwks, par] = Self::KEYS;
        [
            (authorization, &mut self.authorization),
            (token, &mut self.token),
            (device, &mut self.device_authorization),
            (revocation, &mut self.revocation),
            (end_session, &mut self.end_session),
            (user_info, &mut self.user_info),
            (jwks, &mut self.jwks),
            (par, &mut self.pushed_authorization_request),
        ]
    }
}

/// Where the browser comes back to on this machine (RFC 8252 §7.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// By which name the server knows this machine.
    pub host: RedirectHost,
    /// The path, which most servers compare.
    pub path: String,
    /// A fixed port for servers that compare it; any free one otherwise.
    pub port: Option<u16>,
}

impl Redirect {
    /// The redirect URI that the server must know. Without a port it takes any (RFC 8252 §7.3).
    pub fn registered(&self) -> String {
        let port = self.port.map_or_else(String::new, |port| format!(":{port}"));
        format!("http://{}{port}{}", self.host.name(), self.path)
    }
}

impl Default for Redirect {
    fn default() -> Self {
        Self { host: RedirectHost::default(), path: "/callback".to_owned(), port: None }
    }
}

/// A name of this machine for itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RedirectHost {
    /// `127.0.0.1`, or `[::1]` where there is no IPv4.
    #[default]
    Address,
    /// `localhost`, for servers that take no address (RFC 8252 §8.3 advises against it).
    Localhost,
}

impl RedirectHost {
    /// As it stands in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::Address => "127.0.0.1",
            Self::Localhost => "localhost",
        }
    }
}

/// Where claims of an ID token, or members of a user-info answer, say who somebody is: JSON pointers (RFC 6901).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimPlaces {
    /// The person's name.
    pub name: String,
    /// The person's address.
    pub email: String,
    /// The person's roles or groups: a list, an object with roles as its members, or names with spaces between.
    pub roles: String,
    /// Where there is a picture of the person.
    pub picture: String,
    /// The person's identifier.
    pub subject: String,
}

impl Default for ClaimPlaces {
    /// The standard claims (OpenID Connect Core §5.1) and RFC 9068 §2.2.3.1.
    fn default() -> Self {
        let at = str::to_owned;
        Self {
            name: at("/name"),
            email: at("/email"),
            roles: at("/roles"),
            picture: at("/picture"),
            subject: at("/sub"),
        }
    }
}

impl ClaimPlaces {
    /// The keys of the table `claims`.
    pub const KEYS: [&'static str; 5] = ["name", "email", "roles", "picture", "subject"];

    /// The pointers by their keys, to read.
    pub fn by_key(&self) -> [(&'static str, &String); 5] {
        let [name, email, roles, picture, subject] = Self::KEYS;
        [
            (name, &self.name),
            (email, &self.email),
            (roles, &self.roles),
            (picture, &self.picture),
            (subject, &self.subject),
        ]
    }

    fn by_key_mut(&mut self) -> [(&'static str, &mut String); 5] {
        let [name, email, roles, picture, subject] = Self::KEYS;
        [
            (name, &mut self.name),
            (email, &mut self.email),
            (roles, &mut self.roles),
            (picture, &mut self.picture),
            (subject, &mut self.subject),
        ]
    }
}
