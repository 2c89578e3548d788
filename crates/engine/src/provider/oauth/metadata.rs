//! What an authorization server says of itself (OpenID Connect Discovery §3, RFC 8414 §2), judged before it is used.

use serde_json::{Map, Value};

use crate::config::{Endpoints, IssuerUrl, OauthConfig, endpoint, is_loopback};
use crate::jose::Algorithms;
use crate::provider::pin;

/// How many names of a list are looked at.
const MAX_NAMES: usize = 200;

/// What is known of an authorization server.
#[derive(Clone, Debug)]
pub(super) struct Metadata {
    /// Who it is, where it is an issuer.
    pub(super) issuer: Option<IssuerUrl>,
    pub(super) endpoints: Endpoints,
    pub(super) pkce: Pkce,
    /// Whether every answer of the authorization endpoint names the issuer (RFC 9207 §3).
    pub(super) names_itself: bool,
    /// Whether it takes no authorization request that was not sent ahead (RFC 9126 §5).
    pub(super) par_required: bool,
    /// Whether it binds tokens to a key of the kind that is made here, ES256 (RFC 9449 §5.1).
    pub(super) dpop: bool,
    /// How ID tokens are signed; nothing where it is not said.
    pub(super) id_token_algorithms: Option<Vec<String>>,
    /// How clients may prove who they are; nothing where it is not said.
    pub(super) client_auth: Option<Vec<String>>,
    /// What may be asked for, as far as it is said.
    pub(super) scopes: Vec<String>,
}

/// Whether the server checks PKCE (RFC 7636), as far as it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pkce {
    /// With S256.
    S256,
    /// Only without a hash, which is refused (RFC 7636 §7.2).
    PlainOnly,
    /// It does not say.
    NotSaid,
}

impl Metadata {
    /// What an account says itself, for a server that is not asked.
    pub(super) fn of_account(config: &OauthConfig) -> Self {
        Self {
            issuer: config.issuer.clone(),
            endpoints: config.endpoints.clone(),
            pkce: Pkce::NotSaid,
            names_itself: false,
            par_required: false,
            dpop: false,
            id_token_algorithms: None,
            client_auth: None,
            scopes: Vec::new(),
        }
    }

    /// Reads and judges a metadata document.
    ///
    /// # Errors
    /// What does not fit, in a few words: then nothing of the document is used (RFC 8414 §3.3).
    pub(super) fn read(document: &Map<String, Value>, issuer: &IssuerUrl) -> Result<Self, String> {
        match document.get("issuer").and_then(Value::as_str) {
            Some(said) if said == issuer.as_str() => {}
            Some(said) => {
                return Err(match endpoint(said) {
                    Some(url) => format!("its metadata name another issuer (`{url}`)"),
                    None => "its metadata name another issuer".to_owned(),
                });
            }
            None => return Err("its metadata do not say whose they are (`issuer`)".to_owned()),
        }
        // What is on the network does not lead to what listens on this machine.
        let local = endpoint(issuer.as_str()).is_some_and(|url| is_loopback(&url));
        let mut endpoints = Endpoints::default();
        for (key, place) in endpoints.by_key_mut() {
            let name = member(key);
            match document.get(name) {
                None | Some(Value::Null) => {}
                Some(said) => {
                    let url = said.as_str().and_then(endpoint).filter(|url| local || !is_loopback(url));
                    let unfit = || format!("the `{name}` in its metadata is no `https` address");
                    *place = Some(url.ok_or_else(unfit)?);
                }
            }
        }
        let flag = |name: &str| document.get(name).and_then(Value::as_bool).unwrap_or_default();
        Ok(Self {
            issuer: Some(issuer.clone()),
            endpoints,
            pkce: match names(document, "code_challenge_methods_supported") {
                Some(methods) if has(&methods, "S256") => Pkce::S256,
                Some(methods) if has(&methods, "plain") => Pkce::PlainOnly,
                Some(_) | None => Pkce::NotSaid,
            },
            names_itself: flag("authorization_response_iss_parameter_supported"),
            par_required: flag("require_pushed_authorization_requests"),
            dpop: names(document, "dpop_signing_alg_values_supported").is_some_and(|all| has(&all, "ES256")),
            id_token_algorithms: names(document, "id_token_signing_alg_values_supported"),
            client_auth: names(document, "token_endpoint_auth_methods_supported"),
            scopes: names(document, "scopes_supported").unwrap_or_default(),
        })
    }

    /// With the endpoints that the account sets itself, and without what no account can do without.
    ///
    /// # Errors
    /// What is missing, in a few words.
    pub(super) fn with(mut self, config: &OauthConfig) -> Result<Self, String> {
        let own = config.endpoints.clone();
        for ((_, place), (_, own)) in self.endpoints.by_key_mut().into_iter().zip(own.by_key()) {
            if own.is_some() {
                place.clone_from(own);
            }
        }
        if self.endpoints.token.is_none() {
            return Err("its metadata name no token endpoint".to_owned());
        }
        if self.pkce == Pkce::PlainOnly {
            return Err("it takes PKCE without a hash only (`plain`), which protects nothing".to_owned());
        }
        if config.pkce_announced && self.pkce != Pkce::S256 {
            return Err("it does not announce that it checks PKCE with S256".to_owned());
        }
        Ok(self)
    }

    /// The algorithms that its ID tokens may be signed with (OpenID Connect Discovery §3).
    pub(super) fn algorithms(&self) -> Algorithms {
        let announced = self.id_token_algorithms.as_ref();
        announced
            .map_or_else(Algorithms::all, |names| Algorithms::announced(names.iter().map(String::as_str)))
    }

    /// The host that tokens come from, with its port: what a refresh token is bound to.
    pub(super) fn token_host(&self) -> Option<String> {
        self.endpoints.token.as_ref().map(pin::host)
    }
}

/// What metadata call an endpoint.
fn member(key: &str) -> &'static str {
    match key {
        "authorization" => "authorization_endpoint",
        "token" => "token_endpoint",
        "device_authorization" => "device_authorization_endpoint",
        "revocation" => "revocation_endpoint",
        "end_session" => "end_session_endpoint",
        "user_info" => "userinfo_endpoint",
        "jwks" => "jwks_uri",
        _ => "pushed_authorization_request_endpoint",
    }
}

/// A list of names; what is no text in it is passed over. Nothing where there is no list.
fn names(document: &Map<String, Value>, name: &str) -> Option<Vec<String>> {
    let list = document.get(name)?.as_array()?;
    Some(list.iter().take(MAX_NAMES).filter_map(|name| name.as_str().map(str::to_owned)).collect())
}

fn has(names: &[String], wanted: &str) -> bool {
    names.iter().any(|name| name == wanted)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::samples;
    use super::*;

    fn read(changes: &Value) -> Result<Metadata, String> {
        let config = samples::config();
        let mut document = samples::metadata();
        for (name, value) in changes.as_object().unwrap() {
            document.insert(name.clone(), value.clone());
        }
        Metadata::read(&document, config.issuer.as_ref().unwrap())?.with(&config)
    }

    #[test]
    fn an_ordinary_document_is_taken() {
        let metadata = read(&json!({})).unwrap();
        assert_eq!(metadata.token_host().unwrap(), "login.example.com:443");
        assert!(metadata.pkce == Pkce::S256 && !metadata.names_itself && !metadata.dpop);
        let able = json!({
            "authorization_response_iss_parameter_supported": true,
            "dpop_signing_alg_values_supported": ["RS256", "ES256"],
            "require_pushed_authorization_requests": true,
        });
        let able = read(&able).unwrap();
        assert!(able.names_itself && able.dpop && able.par_required);
    }

    /// RFC 8414 §3.3 and §4: the same octets, nothing normalised.
    #[test]
    fn another_issuer_is_refused_however_much_alike() {
        for other in [
            json!("https://login.example.com/"),
            json!("https://LOGIN.example.com"),
            json!("https://login.example.com:443"),
            json!("https://login.example.com/%61"),
            json!("http://login.example.com"),
            json!("https://evil.example"),
            json!(["https://login.example.com"]),
            json!(null),
        ] {
            assert!(read(&json!({ "issuer": other })).unwrap_err().contains("issuer"), "{other}");
        }
    }

    #[test]
    fn an_endpoint_that_no_secret_may_go_to_spoils_the_document() {
        for name in ["authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint"] {
            for bad in [
                "http://login.example.com/x",
                "http://127.0.0.1/x",
                "https://127.0.0.1/x",
                "https://localhost/x",
                "file:///etc/passwd",
                "javascript:alert(1)",
                "smb://login.example.com/x",
                "-flag",
                "%USERPROFILE%",
                "https://login.example.com/a b",
                "https://u:p@login.example.com/x",
                "https://login.example.com/#x",
                "/relative",
                "",
            ] {
                let said = read(&json!({ name: bad })).unwrap_err();
                assert_eq!(said, format!("the `{name}` in its metadata is no `https` address"), "{bad}");
            }
        }
    }

    #[test]
    fn what_cannot_be_done_safely_is_not_begun() {
        assert!(
            read(&json!({ "code_challenge_methods_supported": ["plain"] })).unwrap_err().contains("plain")
        );
        assert!(read(&json!({ "code_challenge_methods_supported": null })).is_ok(), "state and nonce remain");
        assert!(read(&json!({ "token_endpoint": null })).unwrap_err().contains("token endpoint"));
    }

    #[test]
    fn a_server_that_must_announce_pkce_is_refused_where_it_does_not() {
        let config = OauthConfig { pkce_announced: true, ..samples::config() };
        let mut document = samples::metadata();
        let read = |document: &Map<_, _>| {
            Metadata::read(document, config.issuer.as_ref().unwrap()).unwrap().with(&config)
        };
        assert!(read(&document).is_ok());
        document.remove("code_challenge_methods_supported");
        assert!(read(&document).unwrap_err().contains("S256"));
    }

    #[test]
    fn what_the_account_sets_wins() {
        let mut config = samples::config();
        config.endpoints.user_info = endpoint("https://api.example.com/me");
        let document = samples::metadata();
        let metadata =
            Metadata::read(&document, config.issuer.as_ref().unwrap()).unwrap().with(&config).unwrap();
        assert_eq!(metadata.endpoints.user_info, config.endpoints.user_info);
        assert!(metadata.endpoints.token.is_some());
    }
}
