//! How an account is configured, for people and for programs.

use std::fmt::Write as _;

use jiff::SignedDuration;
use latchkey_core::limits::{Limits, Sensitivity};
use latchkey_core::policy::in_words;
use latchkey_engine::config::{
    AccountConfig, Carrier, CredentialsConfig, IssuerUrl, Mapping, NextauthConfig, OauthConfig,
    ProviderConfig, Url,
};
use serde_json::{Map, Value, json};

/// A line of `accounts list`.
pub(crate) fn row(account: &AccountConfig, widest: usize) -> String {
    let note = if account.devserver { "  (development backend)" } else { "" };
    let host = account.provider.address().map(|url| url.origin().ascii_serialization()).unwrap_or_default();
    format!("{:<widest$}  {:<11}  {host}{note}", account.name.as_str(), account.provider.name())
}

/// What `accounts show` prints.
pub(crate) fn sheet(account: &AccountConfig) -> String {
    let mut sheet = provider_sheet(account);
    for (count, place) in account.hosts.places.iter().enumerate() {
        let label = if count == 0 { "tokens for" } else { "" };
        let _ = writeln!(sheet, "  {label:<18}{place}, as `{}`", account.hosts.user());
    }
    sheet
}

fn provider_sheet(account: &AccountConfig) -> String {
    let credentials = match &account.provider {
        ProviderConfig::Credentials(credentials) => credentials,
        ProviderConfig::Oauth(oauth) => return oauth_sheet(account, oauth),
        ProviderConfig::Nextauth(nextauth) => return nextauth_sheet(account, nextauth),
    };
    let mut sheet = format!("{}: credentials", account.name);
    sheet.push_str(if account.devserver { ", served by the development backend\n" } else { "\n" });
    let mut line = |label: &str, text: &str| {
        // Writing to a text cannot fail.
        let _ = writeln!(sheet, "  {label:<18}{text}");
    };
    let none = || "none".to_owned();
    let url = |url: &Option<Url>| url.as_ref().map_or_else(none, Url::to_string);
    line("login", credentials.login_url.as_str());
    line("refresh", credentials.refresh_url.as_str());
    line("logout", &url(&credentials.logout_url));
    line("user info", &url(&credentials.user_info_url));
    line("user name is", &format!("`{}` in the login request", credentials.username_field));
    line("refresh token in", &carrier(&credentials.refresh_token));
    let statuses: Vec<_> = credentials.refused_status.iter().map(u16::to_string).collect();
    line("refused by", &statuses.join(", "));
    line("renews", &renews(account));
    line("session lasts", &lasts(&account.policy.limits));
    for (count, (key, place)) in places(&credentials.map).iter().enumerate() {
        line(if count == 0 { "replies have" } else { "" }, &format!("{key:<20} at {place}"));
    }
    sheet
}

/// What `--json` prints of it.
pub(crate) fn document(account: &AccountConfig) -> Value {
    let mut document = provider_document(account);
    if let Value::Object(members) = &mut document {
        let places = account.hosts.places.iter().map(ToString::to_string).collect::<Vec<_>>();
        members.insert("hosts".to_owned(), places.into());
        members.insert("host_user".to_owned(), account.hosts.user().into());
    }
    document
}

fn provider_document(account: &AccountConfig) -> Value {
    let credentials = match &account.provider {
        ProviderConfig::Credentials(credentials) => credentials,
        ProviderConfig::Oauth(oauth) => return oauth_document(account, oauth),
        ProviderConfig::Nextauth(nextauth) => return nextauth_document(account, nextauth),
    };
    let CredentialsConfig { login_url, refresh_url, logout_url, user_info_url, .. } = &**credentials;
    let map: Map<_, _> =
        places(&credentials.map).into_iter().map(|(key, place)| (key.to_owned(), place.into())).collect();
    let (way, name) = carried(&credentials.refresh_token);
    json!({
        "account": account.name,
        "provider": "credentials",
        "devserver": account.devserver,
        "login_url": login_url.as_str(),
        "refresh_url": refresh_url.as_str(),
        "logout_url": logout_url.as_ref().map(Url::as_str),
        "user_info_url": user_info_url.as_ref().map(Url::as_str),
        "username_field": credentials.username_field,
        "refresh_token": { "in": way, "name": name },
        "refused_status": credentials.refused_status,
        "renew_before_seconds": account.policy.renew_before.map(|before| before.as_secs()),
        "limits": limits(&account.policy.limits),
        "map": map,
    })
}

fn nextauth_sheet(account: &AccountConfig, nextauth: &NextauthConfig) -> String {
    let mut sheet = format!("{}: nextauth", account.name);
    sheet.push_str(if account.devserver { ", served by the development backend\n" } else { "\n" });
    let mut line = |label: &str, text: &str| {
        let _ = writeln!(sheet, "  {label:<18}{text}");
    };
    line("site", nextauth.site.as_str());
    let looked: Vec<_> = nextauth.auth_addresses().iter().map(|url| url.path().to_owned()).collect();
    line("auth endpoints at", &looked.join(" or "));
    let NextauthConfig { credentials_provider, username_field, password_field, .. } = nextauth;
    line("signs in with", &format!("`{username_field}` and `{password_field}` at `{credentials_provider}`"));
    line("session cookie", nextauth.session_cookie.as_deref().unwrap_or("as NextAuth and Auth.js call it"));
    line("renews", &renews(account));
    line("session lasts", &lasts(&account.policy.limits));
    sheet
}

fn nextauth_document(account: &AccountConfig, nextauth: &NextauthConfig) -> Value {
    json!({
        "account": account.name,
        "provider": "nextauth",
        "devserver": account.devserver,
        "site": nextauth.site.as_str(),
        "credentials_provider": nextauth.credentials_provider,
        "username_field": nextauth.username_field,
        "password_field": nextauth.password_field,
        "session_cookie": nextauth.session_cookie,
        "renew_before_seconds": account.policy.renew_before.map(|before| before.as_secs()),
        "limits": limits(&account.policy.limits),
    })
}

fn oauth_sheet(account: &AccountConfig, oauth: &OauthConfig) -> String {
    let mut sheet = format!("{}: oauth", account.name);
    sheet.push_str(if account.devserver { ", served by the development backend\n" } else { "\n" });
    let mut line = |label: &str, text: &str| {
        let _ = writeln!(sheet, "  {label:<18}{text}");
    };
    line("issuer", oauth.issuer.as_ref().map_or("none", IssuerUrl::as_str));
    if let Some(preset) = &oauth.preset {
        line("preset", preset.name);
    }
    line("client ID", &oauth.client_id);
    if oauth.client_secret.is_some() {
        line("client secret", "set");
    }
    line("scope", if oauth.scope.is_empty() { "none" } else { &oauth.scope });
    for (label, text) in [("audience", &oauth.audience), ("resource", &oauth.resource)] {
        if let Some(text) = text {
            line(label, text);
        }
    }
    line("redirect URI", &oauth.redirect.registered());
    line("DPoP", oauth.dpop.name());
    line("PAR", oauth.par.name());
    line(
        "signing out",
        if oauth.end_session { "ends the session at the provider as well" } else { "revokes tokens" },
    );
    line("renews", &renews(account));
    line("session lasts", &lasts(&account.policy.limits));
    let mut label = "endpoints";
    for (key, url) in oauth.endpoints.by_key() {
        if let Some(url) = url {
            line(label, &format!("{key:<28}{url}"));
            label = "";
        }
    }
    let mut label = "parameters";
    for (key, value) in &oauth.parameters {
        line(label, &format!("{key}={value}"));
        label = "";
    }
    for (count, (key, place)) in oauth.claims.by_key().iter().enumerate() {
        line(if count == 0 { "claims have" } else { "" }, &format!("{key:<20} at {place}"));
    }
    sheet
}

fn oauth_document(account: &AccountConfig, oauth: &OauthConfig) -> Value {
    let endpoints: Map<_, _> = oauth
        .endpoints
        .by_key()
        .into_iter()
        .filter_map(|(key, url)| Some((key.to_owned(), url.as_ref()?.as_str().into())))
        .collect();
    let claims: Map<_, _> = oauth
        .claims
        .by_key()
        .into_iter()
        .map(|(key, place)| (key.to_owned(), place.as_str().into()))
        .collect();
    json!({
        "account": account.name,
        "provider": "oauth",
        "devserver": account.devserver,
        "issuer": oauth.issuer.as_ref().map(IssuerUrl::as_str),
        "preset": oauth.preset.as_ref().map(|preset| preset.name),
        "client_id": oauth.client_id,
        "client_secret_set": oauth.client_secret.is_some(),
        "scope": oauth.scope,
        "audience": oauth.audience,
        "resource": oauth.resource,
        "redirect_uri": oauth.redirect.registered(),
        "dpop": oauth.dpop.name(),
        "par": oauth.par.name(),
        "end_session": oauth.end_session,
        "endpoints": endpoints,
        "parameters": oauth.parameters,
        "claims": claims,
        "renew_before_seconds": account.policy.renew_before.map(|before| before.as_secs()),
        "limits": limits(&account.policy.limits),
    })
}

/// How long a session lasts here, in words.
fn lasts(limits: &Limits) -> String {
    let Limits { max_age, idle_timeout, sensitivity, .. } = *limits;
    let age = max_age.map(|age| match limits.rolls_each() {
        Some(each) => format!("{} from its last use, noted every {} at most", in_words(age), in_words(each)),
        None => format!("{} from the sign-in", in_words(age)),
    });
    let idle = idle_timeout.map(|idle| format!("{} without use", in_words(idle)));
    let told: Vec<_> = age.into_iter().chain(idle).collect();
    let told =
        if told.is_empty() { "as long as the provider lets it".to_owned() } else { told.join(", and ") };
    sensitivity.map_or(told.clone(), |sensitivity| format!("{told} ({})", sensitivity.name()))
}

fn limits(limits: &Limits) -> Value {
    let secs = |duration: Option<SignedDuration>| duration.map(|duration| duration.as_secs());
    json!({
        "max_age_seconds": secs(limits.max_age),
        "rolling": limits.rolling,
        "update_age_seconds": secs(limits.rolls_each()),
        "idle_timeout_seconds": secs(limits.idle_timeout),
        "sensitivity": limits.sensitivity.map(Sensitivity::name),
    })
}

/// When it renews, in words.
fn renews(account: &AccountConfig) -> String {
    account.policy.renew_before.map_or_else(
        || "a fifth of the lifetime before expiry, at most an hour".to_owned(),
        |before| format!("{} before expiry", in_words(before)),
    )
}

fn carrier(carrier: &Carrier) -> String {
    let (way, name) = carried(carrier);
    format!("the {way}, as `{name}`")
}

fn carried(carrier: &Carrier) -> (&'static str, &str) {
    match carrier {
        Carrier::Body(name) => ("body", name),
        Carrier::Header(name) => ("header", name),
        Carrier::Cookie(name) => ("cookie", name),
    }
}

/// The places of a reply, by the keys they have in the configuration.
fn places(map: &Mapping) -> [(&'static str, String); 9] {
    let [access, access_expiry, refresh, refresh_expiry, session, id, name, email, subject] = Mapping::KEYS;
    [
        (access, &map.access_token),
        (access_expiry, &map.access_token_expiry),
        (refresh, &map.refresh_token),
        (refresh_expiry, &map.refresh_token_expiry),
        (session, &map.session_expiry),
        (id, &map.id_token),
        (name, &map.name),
        (email, &map.email),
        (subject, &map.subject),
    ]
    .map(|(key, place)| (key, place.to_string()))
}

#[cfg(test)]
mod tests {
    use latchkey_engine::config::Config;

    use super::*;

    #[test]
    fn an_account_is_shown_in_words() {
        insta::assert_snapshot!(sheet(&AccountConfig::demo(4180)));
        insta::assert_snapshot!(row(&AccountConfig::demo(4180), 6), @"demo    credentials  http://127.0.0.1:4180  (development backend)");
    }

    /// With everything that a sheet shows.
    fn oauth() -> AccountConfig {
        let text = "[accounts.work]\nprovider = \"oauth\"\npreset = \"keycloak\"\nbase = \"https://sso.example.com\"\n\
                    realm = \"staff\"\nclient_id = \"latchkey\"\nclient_secret = \"LKCANARY-client-secret\"\n\
                    audience = \"api\"\nredirect_port = 47380\n[accounts.work.endpoints]\n\
                    user_info = \"https://sso.example.com/me\"\n[accounts.work.parameters]\nacr_values = \"2\"\n";
        Config::parse(text, None).unwrap().accounts.remove(0)
    }

    #[test]
    fn an_account_of_an_authorization_server_is_shown_without_its_secret() {
        let (sheet, document) = (sheet(&oauth()), document(&oauth()));
        assert!(!sheet.contains("LKCANARY") && !document.to_string().contains("LKCANARY"));
        insta::assert_snapshot!(sheet);
        insta::assert_json_snapshot!(document);
        insta::assert_snapshot!(row(&oauth(), 6), @"work    oauth        https://sso.example.com");
    }

    #[test]
    fn a_program_gets_every_setting_under_its_key() {
        insta::assert_json_snapshot!(document(&AccountConfig::demo(4180)));
    }
}
