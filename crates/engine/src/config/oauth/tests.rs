//! Accounts of an authorization server: what is read, what a preset fills in, and what is said of mistakes.

use std::path::Path;

use super::super::{AccountToml, Config, ConfigError, ProviderConfig};
use super::preset::PRESETS;
use super::{OauthConfig, RedirectHost, When, preset_titles};

const GOOD: &str = r#"
[accounts.work]
provider = "oauth"
issuer = "https://login.example.com/tenant"
client_id = "desktop"
"#;

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Some(Path::new("config.toml")))
}

fn oauth(text: &str) -> OauthConfig {
    match &parse(text).unwrap().accounts[0].provider {
        ProviderConfig::Oauth(config) => (**config).clone(),
        ProviderConfig::Credentials(_) | ProviderConfig::Nextauth(_) => panic!("an authorization server"),
    }
}

/// The account as it would be written into a file.
fn written(text: &str) -> String {
    toml_edit::DocumentMut::from(AccountToml::from(&parse(text).unwrap().accounts[0]).table()).to_string()
}

#[test]
fn an_issuer_and_a_client_are_enough() {
    let config = oauth(GOOD);
    assert_eq!(config.issuer.as_ref().unwrap().as_str(), "https://login.example.com/tenant", "byte for byte");
    assert_eq!((config.scope.as_str(), config.client_id.as_str()), ("openid offline_access", "desktop"));
    assert_eq!(config.parameters.get("prompt").unwrap(), "consent", "OpenID Connect Core §11");
    assert_eq!((config.redirect.path.as_str(), config.redirect.port), ("/callback", None));
    assert_eq!((config.dpop, config.par, config.end_session), (When::Auto, When::Auto, false));
    assert!(written(GOOD).lines().count() == 3, "{}", written(GOOD));
}

#[test]
fn a_full_account_is_read_as_it_is_written() {
    let text = r#"
        [accounts.work]
        provider = "oauth"
        issuer = "https://login.example.com"
        client_id = "desktop"
        client_secret = "proves-nothing"
        scope = "openid  profile"
        audience = "https://api.example.com"
        resource = "https://api.example.com"
        redirect_host = "localhost"
        redirect_path = "/oauth/back"
        redirect_port = 47380
        dpop = "always"
        par = "never"
        pkce = "always"
        end_session = true
        verify_access_token = true
        renew_before = "12s"
        [accounts.work.endpoints]
        user_info = "https://login.example.com/me"
        [accounts.work.parameters]
        acr_values = "mfa"
        [accounts.work.claims]
        roles = "/realm_access/roles"
    "#;
    insta::assert_snapshot!(written(text), @r#"
    provider = "oauth"
    issuer = "https://login.example.com"
    client_id = "desktop"
    client_secret = "proves-nothing"
    scope = "openid profile"
    audience = "https://api.example.com"
    resource = "https://api.example.com"
    redirect_host = "localhost"
    redirect_path = "/oauth/back"
    redirect_port = 47380
    dpop = "always"
    par = "never"
    pkce = "always"
    end_session = true
    verify_access_token = true
    renew_before = "12s"

    [endpoints]
    user_info = "https://login.example.com/me"

    [parameters]
    acr_values = "mfa"

    [claims]
    roles = "/realm_access/roles"
    "#);
    assert!(!format!("{:?}", parse(text).unwrap()).contains("proves-nothing"), "a secret is not printed");
}

#[test]
fn without_an_issuer_the_endpoints_must_be_there_and_nothing_is_asked_for() {
    let text = r#"
        [accounts.work]
        provider = "oauth"
        client_id = "desktop"
        [accounts.work.endpoints]
        authorization = "https://login.example.com/authorize"
        token = "https://login.example.com/token"
    "#;
    let config = oauth(text);
    assert_eq!((config.issuer, config.scope.as_str()), (None, ""));
    assert!(config.parameters.is_empty());
    let said = parse(&text.replace("token =", "jwks =")).unwrap_err().to_string();
    assert!(said.contains("accounts.work.issuer: this key is missing"), "{said}");
}

#[test]
fn each_preset_means_what_its_server_documents() {
    let account = |keys: &str| {
        oauth(&format!("[accounts.work]\nprovider = \"oauth\"\nclient_id = \"desktop\"\n{keys}"))
    };
    let issuer = |config: &OauthConfig| config.issuer.as_ref().map(ToString::to_string).unwrap_or_default();
    let keycloak =
        account("preset = \"keycloak\"\nbase = \"https://sso.example.com/auth/\"\nrealm = \"work\"");
    assert_eq!(issuer(&keycloak), "https://sso.example.com/auth/realms/work");
    assert_eq!(keycloak.claims.roles, "/realm_access/roles");
    assert!(keycloak.scope.contains("offline_access") && keycloak.end_session);
    let zitadel = account("preset = \"zitadel\"\nbase = \"https://work.zitadel.cloud\"");
    assert_eq!(issuer(&zitadel), "https://work.zitadel.cloud");
    assert_eq!(zitadel.claims.roles, "/urn:zitadel:iam:org:project:roles");
    assert!(zitadel.other_audiences && !keycloak.other_audiences);
    let auth0 = account("preset = \"auth0\"\nbase = \"https://work.eu.auth0.com\"");
    assert_eq!(issuer(&auth0), "https://work.eu.auth0.com/", "with its slash");
    let okta = account("preset = \"okta\"\nbase = \"https://work.okta.com\"");
    assert_eq!(
        (issuer(&okta), okta.claims.roles.as_str()),
        ("https://work.okta.com/oauth2/default".into(), "/groups")
    );
    let entra = account("preset = \"entra\"\ntenant = \"6ba7b810-9dad-11d1-80b4-00c04fd430c8\"");
    assert!(issuer(&entra).ends_with("/6ba7b810-9dad-11d1-80b4-00c04fd430c8/v2.0"));
    assert_eq!((entra.redirect.host, entra.redirect.path.as_str()), (RedirectHost::Localhost, "/"));
    assert!(entra.scope.contains("offline_access") && entra.parameters.is_empty(), "no consent each time");
    let google = account("preset = \"google\"\nclient_secret = \"x\"");
    assert_eq!(google.parameters.get("access_type").unwrap(), "offline");
    assert_eq!(google.parameters.get("prompt").unwrap(), "consent");
    assert!(!google.scope.contains("offline_access") && google.client_secret.is_some());
    let gitlab = account("preset = \"gitlab\"");
    assert_eq!(
        (issuer(&gitlab), gitlab.scope.as_str()),
        ("https://gitlab.com".into(), "openid profile email")
    );
    let github = account("preset = \"github\"");
    assert!(github.issuer.is_none() && github.endpoints.jwks.is_none() && github.endpoints.token.is_some());
    assert_eq!((github.claims.subject.as_str(), github.scope.contains("openid")), ("/id", false));
}

#[test]
fn a_preset_is_written_back_as_a_preset_and_what_differs_beside_it() {
    let text = r#"
        [accounts.work]
        provider = "oauth"
        preset = "okta"
        base = "https://work.okta.com"
        realm = "api"
        client_id = "desktop"
        scope = "openid"
        [accounts.work.parameters]
        login_hint = "me@example.com"
    "#;
    let told = written(text);
    insta::assert_snapshot!(told, @r#"
    provider = "oauth"
    preset = "okta"
    base = "https://work.okta.com"
    realm = "api"
    client_id = "desktop"
    scope = "openid"

    [parameters]
    login_hint = "me@example.com"
    "#);
    let again = oauth(&told.replace("[parameters]", "[accounts.work.parameters]").replacen(
        "provider",
        "[accounts.work]\nprovider",
        1,
    ));
    assert_eq!(again, oauth(text));
}

#[test]
fn there_is_a_title_for_every_preset() {
    assert_eq!(preset_titles().count(), PRESETS.len(), "each of the files is read");
    assert!(preset_titles().all(|(_, title)| !title.is_empty()));
}

#[test]
fn every_mistake_is_told_with_its_place_and_a_remedy_and_without_the_value() {
    let mut shown = String::new();
    for (title, text) in mistakes() {
        let error = parse(&text).map(|_| ()).unwrap_err();
        let said = error.to_string();
        assert!(!said.contains("hunter2"), "{said}");
        assert!(said.lines().all(|line| line.starts_with("config.toml:") && line.contains("; ")), "{said}");
        shown.extend(["# ", title, "\n", &said, "\n\n"]);
    }
    insta::assert_snapshot!(shown);
}

fn mistakes() -> Vec<(&'static str, String)> {
    let good = GOOD.trim_start();
    let with = |line: &str| format!("{good}{line}\n");
    let without =
        |key: &str| good.lines().filter(|line| !line.starts_with(key)).collect::<Vec<_>>().join("\n");
    let issuer = |text: &str| good.replace("https://login.example.com/tenant", text);
    let preset = |lines: &str| format!("{}\n{lines}\n", without("issuer"));
    vec![
        ("no provider", without("provider")),
        ("no client", without("client_id")),
        ("no issuer", without("issuer")),
        ("keys of a REST login", with("login_url = \"https://hunter2.example.com\"\nclient_idd = \"x\"")),
        ("issuer over http", issuer("http://hunter2.example.com")),
        ("issuer with a query", issuer("https://example.com?tenant=hunter2")),
        ("issuer's metadata", issuer("https://example.com/.well-known/openid-configuration?hunter2")),
        (
            "issuer's metadata without a query",
            issuer("https://hunter2.example.com/.well-known/openid-configuration"),
        ),
        ("client with line breaks", good.replace("\"desktop\"", "\"hunter2\\nhunter2\"")),
        ("empty secret", with("client_secret = \"\"")),
        ("scope with quotes", with("scope = \"openid \\\"hunter2\\\"\"")),
        ("resource", with("resource = \"hunter2\"\naudience = \"\"")),
        ("resource with a fragment", with("resource = \"https://hunter2.example.com/#a\"")),
        (
            "redirect",
            with(
                "redirect_host = \"hunter2.example.com\"\nredirect_path = \"/../hunter2\"\nredirect_port = 80",
            ),
        ),
        ("choices", with("dpop = \"hunter2\"\npar = true\npkce = \"never\"")),
        ("yes or no", with("end_session = \"hunter2\"")),
        ("endpoint", with("[accounts.work.endpoints]\ntoken = \"file:///hunter2\"\ntokn = \"x\"")),
        (
            "token endpoint alone",
            with("[accounts.work.endpoints]\ntoken = \"https://hunter2.example.com/token\""),
        ),
        (
            "parameters that are not the account's",
            with("[accounts.work.parameters]\nstate = \"hunter2\"\nscope = \"hunter2\"\nmax_age = 60"),
        ),
        ("claim", with("[accounts.work.claims]\nroles = \"hunter2\"")),
        ("preset that is none", preset("preset = \"hunter2\"")),
        ("preset and issuer", with("preset = \"google\"")),
        ("preset without its variables", preset("preset = \"keycloak\"")),
        ("variables of another preset", preset("preset = \"google\"\nrealm = \"hunter2\"")),
        ("variables without a preset", with("realm = \"hunter2\"")),
        (
            "realm that leads elsewhere",
            preset("preset = \"okta\"\nbase = \"https://example.com\"\nrealm = \"../hunter2\""),
        ),
        ("base over http", preset("preset = \"zitadel\"\nbase = \"http://hunter2.example.com\"")),
        ("dev server elsewhere", with("devserver = true")),
    ]
}
