//! A site with NextAuth (v4) or Auth.js (v5), as an account describes it.

use reqwest::Url;
use toml_edit::{Table, value};

use super::problem::{Flaw, Problems};
use super::section::Section;
use super::values;

/// The keys that only accounts of such a site have.
pub(super) const KEYS: [&str; 5] =
    ["site", "credentials_provider", "username_field", "password_field", "session_cookie"];

/// What a site calls its credentials provider unless it says otherwise.
const USUAL_PROVIDER: &str = "credentials";

/// A site whose sessions are cookies of NextAuth v4 or Auth.js v5.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NextauthConfig {
    /// Where the site is. With a path, that is where its auth endpoints are; without one, they are looked for at
    /// `/api/auth` and `/auth`.
    pub site: Url,
    /// The id of the site's provider that takes a user name and a password.
    pub credentials_provider: String,
    /// What does that provider call the user name?
    pub username_field: String,
    /// What does it call the password?
    pub password_field: String,
    /// What does the site call its session cookie, where it chose a name of its own?
    pub session_cookie: Option<String>,
}

impl NextauthConfig {
    /// A site of which nothing but its address is known.
    pub fn of_site(site: Url) -> Self {
        Self {
            site,
            credentials_provider: USUAL_PROVIDER.to_owned(),
            username_field: "username".to_owned(),
            password_field: "password".to_owned(),
            session_cookie: None,
        }
    }

    /// Where the site's auth endpoints may be, in the order they are tried.
    pub fn auth_addresses(&self) -> Vec<Url> {
        let given = self.site.path().trim_matches('/');
        let at = |path: &str| {
            let mut url = self.site.clone();
            url.set_path(path);
            url
        };
        if given.is_empty() { vec![at("/api/auth"), at("/auth")] } else { vec![at(given)] }
    }
}

/// Reads an account of such a site.
pub(super) fn nextauth(
    section: &Section<'_, '_>,
    devserver: bool,
    problems: &mut Problems<'_>,
) -> Option<NextauthConfig> {
    let site = section.required("site", "\"https://…\"", problems, |text| site(text, devserver));
    let usual = NextauthConfig::of_site(site?);
    let member = |key, problems: &mut Problems<'_>| section.text(key, problems, values::member);
    let config = NextauthConfig {
        credentials_provider: section
            .text("credentials_provider", problems, provider_id)
            .unwrap_or(usual.credentials_provider),
        username_field: member("username_field", problems).unwrap_or(usual.username_field),
        password_field: member("password_field", problems).unwrap_or(usual.password_field),
        session_cookie: section.text("session_cookie", problems, values::cookie),
        site: usual.site,
    };
    if config.username_field == config.password_field {
        let what = "user name and password cannot travel in the same field";
        section.complain("username_field", Flaw::new(what, "name the field of each"), problems);
    }
    Some(config)
}

fn site(text: &str, devserver: bool) -> Result<Url, Flaw> {
    let mut url = values::address(text, devserver)?;
    if url.query().is_some() {
        return Err(Flaw::new("there is a query in this URL", "remove the `?` and what follows it"));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// It becomes a part of a path.
fn provider_id(text: &str) -> Result<String, Flaw> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if text.is_empty() || text.len() > 64 || text.starts_with('.') || !text.chars().all(fits) {
        let remedy = "write the `id` of the provider as the site's own configuration has it";
        return Err(Flaw::new("this is no id of a provider", remedy));
    }
    Ok(text.to_owned())
}

/// The keys of such an account, unchecked: what a command line or a form gives. Unset keys are not written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NextauthToml {
    /// Where the site is.
    pub site: Option<String>,
    /// The id of the provider that takes a user name and a password.
    pub credentials_provider: Option<String>,
    /// What it calls the password.
    pub password_field: Option<String>,
    /// What the site calls its session cookie.
    pub session_cookie: Option<String>,
}

impl NextauthToml {
    /// Writes the keys, in the order of the documentation.
    pub(super) fn write(&self, table: &mut Table) {
        for (key, text) in [
            ("site", &self.site),
            ("credentials_provider", &self.credentials_provider),
            ("password_field", &self.password_field),
            ("session_cookie", &self.session_cookie),
        ] {
            if let Some(text) = text {
                table.insert(key, value(text));
            }
        }
    }
}

impl From<&NextauthConfig> for NextauthToml {
    /// Writes down what differs from what holds without it.
    fn from(config: &NextauthConfig) -> Self {
        let usual = NextauthConfig::of_site(config.site.clone());
        let own = |text: &String, usual: &String| Some(text.clone()).filter(|text| text != usual);
        Self {
            site: Some(config.site.as_str().trim_end_matches('/').to_owned()),
            credentials_provider: own(&config.credentials_provider, &usual.credentials_provider),
            password_field: own(&config.password_field, &usual.password_field),
            session_cookie: config.session_cookie.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{AccountToml, Config, ProviderConfig};
    use super::*;

    fn read(more: &str) -> Result<NextauthConfig, String> {
        let text = format!("[accounts.shop]\nprovider = \"nextauth\"\n{more}\n");
        let config = Config::parse(&text, None).map_err(|error| error.to_string())?;
        match &config.accounts[0].provider {
            ProviderConfig::Nextauth(config) => Ok((**config).clone()),
            ProviderConfig::Credentials(_) | ProviderConfig::Oauth(_) => panic!("a site"),
        }
    }

    #[test]
    fn a_site_is_looked_at_in_both_places_unless_its_address_has_a_path() {
        let paths = |site: &str| -> Vec<String> {
            let config = read(&format!("site = \"{site}\"")).unwrap();
            config.auth_addresses().iter().map(|url| url.path().to_owned()).collect()
        };
        assert_eq!(paths("https://shop.example"), ["/api/auth", "/auth"]);
        assert_eq!(paths("https://shop.example/"), ["/api/auth", "/auth"]);
        assert_eq!(paths("https://shop.example/base/api/auth/"), ["/base/api/auth"]);
    }

    #[test]
    fn what_was_written_is_read_again_and_what_is_usual_is_not_written() {
        let text = "site = \"https://shop.example/auth\"\ncredentials_provider = \"password\"\n\
                    username_field = \"email\"\nsession_cookie = \"shop.session\"";
        let config = read(text).unwrap();
        let account = Config::parse(&format!("[accounts.shop]\nprovider = \"nextauth\"\n{text}"), None);
        let told = AccountToml::from(&account.unwrap().accounts[0]);
        assert_eq!(told.nextauth.password_field, None);
        let name = latchkey_core::account::AccountName::new("shop").unwrap();
        let again = told.check(&name).unwrap().provider;
        assert!(matches!(again, ProviderConfig::Nextauth(again) if *again == config));
    }

    #[test]
    fn what_cannot_be_is_told_with_its_remedy() {
        for (text, says) in [
            ("", "`site = \"https://…\"`"),
            ("site = \"http://shop.example\"", "clear text"),
            ("site = \"https://shop.example/auth?x=1\"", "query"),
            ("site = \"https://shop.example\"\ncredentials_provider = \"../x\"", "no id of a provider"),
            ("site = \"https://shop.example\"\nusername_field = \"password\"", "same field"),
            ("site = \"https://shop.example\"\nlogin_url = \"https://a.example\"", "no meaning"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
