//! The keys of an authorization server as they are to be written into the file.

use std::collections::BTreeMap;

use toml_edit::{Item, Table, value};

use super::preset::{self, Preset};
use super::read::{usual, usual_parameters};
use super::{ClientSecret, OauthConfig, RedirectHost, When};

/// The keys of an account of an authorization server, unchecked: what a command line or a form gives. Unset keys
/// are not written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OauthToml {
    /// Who issues the tokens.
    pub issuer: Option<String>,
    /// Which preset fills in the rest.
    pub preset: Option<String>,
    /// The preset's variables: `base`, `realm`, `tenant`.
    pub variables: BTreeMap<String, String>,
    /// What the server calls this program.
    pub client_id: Option<String>,
    /// A secret that the server wants from this program.
    pub client_secret: Option<ClientSecret>,
    /// What is asked for.
    pub scope: Option<String>,
    /// Whom the access token is for, as Auth0 takes it.
    pub audience: Option<String>,
    /// Whom the access token is for (RFC 8707).
    pub resource: Option<String>,
    /// `127.0.0.1` or `localhost`.
    pub redirect_host: Option<String>,
    /// Where the browser comes back to.
    pub redirect_path: Option<String>,
    /// A fixed port for that.
    pub redirect_port: Option<u16>,
    /// `auto`, `always` or `never`.
    pub dpop: Option<String>,
    /// `auto`, `always` or `never`.
    pub par: Option<String>,
    /// `auto` or `always`.
    pub pkce: Option<String>,
    /// Whether an ID token may be for others as well.
    pub other_audiences: Option<bool>,
    /// Whether signing out ends the session at the provider as well.
    pub end_session: Option<bool>,
    /// Whether the access token is verified as a JWT.
    pub verify_access_token: Option<bool>,
    /// Endpoints by the keys of [`super::Endpoints::KEYS`].
    pub endpoints: BTreeMap<String, String>,
    /// Further parameters of the authorization request.
    pub parameters: BTreeMap<String, String>,
    /// JSON pointers by the keys of [`super::ClaimPlaces::KEYS`].
    pub claims: BTreeMap<String, String>,
}

impl OauthToml {
    /// Writes the keys, in the order of the documentation.
    pub(in super::super) fn write(&self, table: &mut Table) {
        let texts = [("issuer", &self.issuer), ("preset", &self.preset)];
        insert_texts(table, &texts);
        for (key, text) in &self.variables {
            table.insert(key, value(text));
        }
        insert_texts(table, &[("client_id", &self.client_id)]);
        if let Some(secret) = &self.client_secret {
            table.insert("client_secret", value(secret.expose()));
        }
        let texts = [
            ("scope", &self.scope),
            ("audience", &self.audience),
            ("resource", &self.resource),
            ("redirect_host", &self.redirect_host),
            ("redirect_path", &self.redirect_path),
        ];
        insert_texts(table, &texts);
        if let Some(port) = self.redirect_port {
            table.insert("redirect_port", value(i64::from(port)));
        }
        insert_texts(table, &[("dpop", &self.dpop), ("par", &self.par), ("pkce", &self.pkce)]);
        for (key, flag) in [
            ("other_audiences", self.other_audiences),
            ("end_session", self.end_session),
            ("verify_access_token", self.verify_access_token),
        ] {
            if let Some(flag) = flag {
                table.insert(key, value(flag));
            }
        }
    }

    /// Writes the tables under the account's own, which stand after all of its keys.
    pub(in super::super) fn write_tables(&self, table: &mut Table) {
        let tables =
            [("endpoints", &self.endpoints), ("parameters", &self.parameters), ("claims", &self.claims)];
        for (key, members) in tables {
            if !members.is_empty() {
                let inner: Table = members.iter().map(|(key, text)| (key, value(text))).collect();
                table.insert(key, Item::Table(inner));
            }
        }
    }
}

fn insert_texts(table: &mut Table, texts: &[(&str, &Option<String>)]) {
    for (key, text) in texts {
        if let Some(text) = text {
            table.insert(key, value(text));
        }
    }
}

impl From<&OauthConfig> for OauthToml {
    /// Writes down what differs from what holds without it.
    fn from(config: &OauthConfig) -> Self {
        let preset = config.preset.as_ref().and_then(|used| preset::find(used.name).ok());
        let preset = preset.map_or_else(Preset::default, |(_, preset)| preset);
        // A preset that was read once can be read again.
        let usual = usual(&preset, config.preset.clone(), config.issuer.clone()).unwrap_or(config.clone());
        let parameters = usual_parameters(&preset, &config.scope);
        let when = |when: When| Some(when.name().to_owned()).filter(|_| when != When::Auto);
        let own = |text: &str, usual: &str| Some(text.to_owned()).filter(|text| text != usual);
        let host = |host: RedirectHost| host.name();
        Self {
            issuer: config.issuer.as_ref().filter(|_| preset.issuer.is_none()).map(ToString::to_string),
            preset: config.preset.as_ref().map(|used| used.name.to_owned()),
            variables: config.preset.as_ref().map(|used| used.variables.clone()).unwrap_or_default(),
            client_id: Some(config.client_id.clone()),
            client_secret: config.client_secret.clone(),
            scope: own(&config.scope, &usual.scope),
            audience: config.audience.clone(),
            resource: config.resource.clone(),
            redirect_host: own(host(config.redirect.host), host(usual.redirect.host)),
            redirect_path: own(&config.redirect.path, &usual.redirect.path),
            redirect_port: config.redirect.port,
            dpop: when(config.dpop),
            par: when(config.par),
            pkce: config.pkce_announced.then(|| "always".to_owned()),
            other_audiences: Some(config.other_audiences).filter(|flag| *flag != usual.other_audiences),
            end_session: Some(config.end_session).filter(|flag| *flag != usual.end_session),
            verify_access_token: Some(true).filter(|_| config.verify_access_token),
            endpoints: (config.endpoints.by_key().into_iter().zip(usual.endpoints.by_key()))
                .filter(|(here, usual)| here != usual)
                .filter_map(|((key, url), _)| Some((key.to_owned(), url.as_ref()?.to_string())))
                .collect(),
            parameters: (config.parameters.iter())
                .filter(|(name, text)| parameters.get(*name) != Some(text))
                .map(|(name, text)| (name.clone(), text.clone()))
                .collect(),
            claims: (config.claims.by_key().into_iter().zip(usual.claims.by_key()))
                .filter(|(here, usual)| here != usual)
                .map(|((key, place), _)| (key.to_owned(), place.clone()))
                .collect(),
        }
    }
}
