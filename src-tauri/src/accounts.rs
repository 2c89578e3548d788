//! Before an account is added from the window: what its server can do, and what it proposes to ask for.

use latchkey_core::account::AccountName;
use latchkey_engine::EngineError;
use latchkey_engine::config::{self, AccountToml, Changes, OauthToml, ProviderConfig, Url, is_loopback};
use latchkey_engine::provider::oauth::{ServerDescription, describe};
use latchkey_engine::provider::trial::{Trial, try_login};
use latchkey_engine::sign_in::Login;
use serde::Serialize;

use crate::command_error::CommandError;
use crate::input;
use crate::shell::Shell;

/// What is proposed to be asked for, where the server does not say that it knows less.
const SCOPES: [&str; 4] = ["openid", "profile", "email", "offline_access"];

/// Parts of host names that say what a server is, not whose.
const FUNCTIONS: [&str; 8] = ["login", "auth", "id", "accounts", "sso", "idp", "identity", "www"];

/// What the window shows of an authorization server before an account is added, and what it proposes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(test, derive(specta::Type))]
pub(crate) struct ServerFacts {
    /// Who it is, as it was asked.
    pub(crate) issuer: String,
    /// A name for the account.
    pub(crate) name: String,
    /// What to ask for.
    pub(crate) scope: String,
    /// What must be registered there for this program.
    pub(crate) redirect_uri: String,
    /// Can people sign in in a browser?
    pub(crate) browser: bool,
    /// Can people sign in with a code?
    pub(crate) device: bool,
    /// Does it revoke tokens?
    pub(crate) revocation: bool,
    /// Does it end the person's session there?
    pub(crate) end_session: bool,
    /// Does it bind tokens to a key?
    pub(crate) dpop: bool,
}

impl Shell {
    /// Asks the server of this issuer what it can do.
    pub(crate) async fn discover(&self, issuer: String) -> Result<ServerFacts, CommandError> {
        input::line("address", &issuer)?;
        let issuer = with_scheme(issuer.trim());
        // The question needs no client; it is asked before anybody knows which.
        let asking = oauth(&issuer, "latchkey", None).check(&input::account("new")?)?;
        let ProviderConfig::Oauth(config) = &asking.provider else {
            return Err(self.told(EngineError::NotThisWay));
        };
        let server = describe(config, &self.http).await.map_err(|failure| self.told(failure))?;
        Ok(facts(issuer, server))
    }
}

impl Shell {
    /// Signs in at a REST backend that is being filled in, to see where its answer holds what; and out again.
    pub(crate) async fn try_login(&self, changes: &Changes, login: Login) -> Result<Trial, CommandError> {
        input::changes(changes)?;
        let tried = config::from_keys(&input::account("new")?, changes)?;
        let ProviderConfig::Credentials(config) = &tried.provider else {
            return Err(self.told(EngineError::NotThisWay));
        };
        self.dev_server.start_for(std::slice::from_ref(&tried)).await;
        try_login(config, &self.http, login, &*self.clock).await.map_err(|error| self.told(error))
    }
}

/// An address as people say it, with the scheme that it has: `http` only on this machine.
fn with_scheme(address: &str) -> String {
    if address.is_empty() || address.contains("://") {
        return address.to_owned();
    }
    let plain = format!("http://{address}");
    let local = Url::parse(&plain).is_ok_and(|url| is_loopback(&url));
    if local { plain } else { format!("https://{address}") }
}

fn oauth(issuer: &str, client_id: &str, scope: Option<String>) -> AccountToml {
    AccountToml {
        provider: Some("oauth".to_owned()),
        oauth: OauthToml {
            issuer: Some(issuer.to_owned()),
            client_id: Some(client_id.to_owned()),
            scope,
            ..OauthToml::default()
        },
        ..AccountToml::default()
    }
}

fn facts(issuer: String, server: ServerDescription) -> ServerFacts {
    let known = |scope: &&str| server.scopes.is_empty() || server.scopes.iter().any(|one| one == scope);
    let scope: Vec<_> = SCOPES.into_iter().filter(|scope| *scope == "openid" || known(scope)).collect();
    ServerFacts {
        name: proposed_name(&issuer),
        issuer,
        scope: scope.join(" "),
        redirect_uri: server.redirect_uri,
        browser: server.browser,
        device: server.device,
        revocation: server.revocation,
        end_session: server.end_session,
        dpop: server.dpop,
    }
}

/// Whose server it is, in a word: the realm in its path, or the telling part of its host.
fn proposed_name(issuer: &str) -> String {
    let url = Url::parse(issuer).ok();
    let realm = url.as_ref().and_then(|url| url.path_segments()?.skip_while(|part| *part != "realms").nth(1));
    let host = url.as_ref().and_then(Url::domain).unwrap_or_default();
    let telling = host.split('.').find(|part| !FUNCTIONS.contains(part));
    let candidates = [realm, telling.filter(|part| *part != "localhost"), Some("local")];
    let name = |text: &str| AccountName::new(text).ok().map(|name| name.to_string());
    candidates.into_iter().flatten().find_map(name).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_taken_from_what_tells_whose_server_it_is() {
        for (issuer, name) in [
            ("https://login.example.com", "example"),
            ("https://example.okta.com/oauth2/default", "example"),
            ("https://sso.example.com/realms/staff", "staff"),
            ("https://sso.example.com/auth/realms/staff/", "staff"),
            ("http://127.0.0.1:4180", "local"),
            ("http://localhost:4180/", "local"),
            ("https://id.example.com/realms/%20", "example"),
            ("no address", "local"),
        ] {
            assert_eq!(proposed_name(issuer), name, "{issuer}");
        }
    }

    #[test]
    fn an_address_is_taken_as_people_say_it() {
        for (said, meant) in [
            ("login.example.com", "https://login.example.com"),
            ("sso.example.com/realms/staff", "https://sso.example.com/realms/staff"),
            ("localhost:4180", "http://localhost:4180"),
            ("127.0.0.1:4180", "http://127.0.0.1:4180"),
            ("http://login.example.com", "http://login.example.com"),
            ("", ""),
        ] {
            assert_eq!(with_scheme(said), meant, "{said}");
        }
    }

    #[test]
    fn only_what_a_server_knows_is_proposed_to_be_asked_for() {
        let server = |scopes: &[&str]| ServerDescription {
            issuer: None,
            browser: true,
            device: false,
            pkce: true,
            pushed_requests: false,
            dpop: false,
            revocation: true,
            end_session: false,
            user_info: false,
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            algorithms: Vec::new(),
            redirect_uri: String::new(),
        };
        let scope = |scopes| facts("https://a.example".to_owned(), server(scopes)).scope;
        assert_eq!(scope(&[]), "openid profile email offline_access");
        assert_eq!(scope(&["email", "api"]), "openid email");
    }
}
