//! Adding an account from the window: what its server can do, and what is written down.

use latchkey_core::account::AccountName;
use latchkey_engine::EngineError;
use latchkey_engine::config::{self, AccountToml, OauthToml, ProviderConfig, Url};
use latchkey_engine::provider::oauth::{ServerDescription, describe};
use serde::{Deserialize, Serialize};

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

/// An account as it was filled in.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, derive(specta::Type))]
pub(crate) struct NewAccount {
    /// What to call it.
    name: String,
    /// Who issues the tokens.
    issuer: String,
    /// What the server calls this program.
    client_id: String,
    /// What to ask for.
    scope: String,
}

impl Shell {
    /// Asks the server of this issuer what it can do.
    pub(crate) async fn discover(&self, issuer: String) -> Result<ServerFacts, CommandError> {
        input::line("address", &issuer)?;
        // The question needs no client; it is asked before anybody knows which.
        let asking = oauth(&issuer, "latchkey", None).check(&input::account("new")?)?;
        let ProviderConfig::Oauth(config) = &asking.provider else {
            return Err(EngineError::NotThisWay.into());
        };
        let server = describe(config, &self.http).await.map_err(EngineError::from)?;
        Ok(facts(issuer, server))
    }

    /// Writes an account down, opens its session and waits until that is shown.
    pub(crate) async fn add_account(&self, account: NewAccount) -> Result<(), CommandError> {
        let NewAccount { name, issuer, client_id, scope } = account;
        for (what, text) in [("address", &issuer), ("client ID", &client_id), ("scope", &scope)] {
            input::line(what, text)?;
        }
        let name = input::account(&name)?;
        let described = oauth(&issuer, &client_id, Some(scope).filter(|scope| !scope.is_empty()));
        let added = config::add_account(&self.paths, &name, &described)?;
        self.engine.add_account(&added, Vec::new())?;
        self.engine.status(&name).await?;
        Ok(())
    }
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

    #[test]
    fn what_is_no_field_of_an_account_is_refused() {
        let read = |text: &str| serde_json::from_str::<NewAccount>(text).is_ok();
        assert!(read(r#"{"name":"a","issuer":"b","client_id":"c","scope":""}"#));
        assert!(!read(r#"{"name":"a","issuer":"b","client_id":"c","scope":"","client_secret":"x"}"#));
        assert!(!read(r#"{"name":"a","issuer":"b","client_id":["c"],"scope":""}"#));
    }
}
