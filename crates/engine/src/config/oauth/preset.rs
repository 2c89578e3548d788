//! What is known of widespread servers, so that an account needs two or three keys.
//!
//! A preset is data: a file beside the provider, checked by the same code as an account. What an account says
//! itself wins.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::problem::Flaw;
use super::{Redirect, RedirectHost};

/// The presets there are, by their names, with what they say.
pub(super) const PRESETS: [(&str, &str); 8] = [
    ("auth0", include_str!("../../provider/oauth/presets/auth0.toml")),
    ("entra", include_str!("../../provider/oauth/presets/entra.toml")),
    ("github", include_str!("../../provider/oauth/presets/github.toml")),
    ("gitlab", include_str!("../../provider/oauth/presets/gitlab.toml")),
    ("google", include_str!("../../provider/oauth/presets/google.toml")),
    ("keycloak", include_str!("../../provider/oauth/presets/keycloak.toml")),
    ("okta", include_str!("../../provider/oauth/presets/okta.toml")),
    ("zitadel", include_str!("../../provider/oauth/presets/zitadel.toml")),
];

/// The keys of an account that fill in a preset.
pub(super) const VARIABLES: [&str; 3] = ["base", "realm", "tenant"];

/// Which preset an account uses, and with which values in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresetUse {
    /// The preset.
    pub name: &'static str,
    /// Its variables as the account sets them; those that keep their usual value are not here.
    pub variables: BTreeMap<String, String>,
}

/// A preset as its file says it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Preset {
    /// What people call the server.
    pub(super) title: String,
    /// Its variables and their usual values; one without a value must be set.
    #[serde(default)]
    pub(super) variables: BTreeMap<String, String>,
    pub(super) issuer: Option<String>,
    pub(super) scope: Option<String>,
    pub(super) redirect_host: Option<String>,
    pub(super) redirect_path: Option<String>,
    #[serde(default)]
    pub(super) end_session: bool,
    #[serde(default)]
    pub(super) other_audiences: bool,
    #[serde(default)]
    pub(super) endpoints: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) parameters: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) claims: BTreeMap<String, String>,
}

/// The presets and what people call their servers.
pub fn preset_titles() -> impl Iterator<Item = (&'static str, String)> {
    PRESETS.iter().filter_map(|(name, _)| Some((*name, find(name).ok()?.1.title)))
}

/// What a form asks of somebody who chose a preset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct PresetFacts {
    /// Its name in the file.
    pub name: String,
    /// What people call the server.
    pub title: String,
    /// Its variables with their usual values; an empty one must be filled in.
    pub variables: BTreeMap<String, String>,
    /// What must be registered at the server for this program.
    pub redirect_uri: String,
}

/// The presets, as a form shows them.
pub fn presets() -> Vec<PresetFacts> {
    let facts = |(name, _): &(&'static str, &str)| {
        let (name, preset) = find(name).ok()?;
        let host = match preset.redirect_host.as_deref() {
            Some("localhost") => RedirectHost::Localhost,
            Some(_) | None => RedirectHost::Address,
        };
        let usual = Redirect::default();
        let redirect = Redirect { host, path: preset.redirect_path.unwrap_or(usual.path), port: None };
        Some(PresetFacts {
            name: name.to_owned(),
            title: preset.title,
            variables: preset.variables,
            redirect_uri: redirect.registered(),
        })
    };
    PRESETS.iter().filter_map(facts).collect()
}

/// The preset of this name.
pub(super) fn find(name: &str) -> Result<(&'static str, Preset), Flaw> {
    let names: Vec<_> = PRESETS.iter().map(|(name, _)| format!("`{name}`")).collect();
    let unknown = || Flaw::new("there is no such preset", format!("there are: {}", names.join(", ")));
    let (name, text) = PRESETS.iter().find(|(known, _)| *known == name).ok_or_else(unknown)?;
    // A test reads each of them, so none is unreadable here.
    let preset = ::toml::from_str(text).map_err(|_| unknown())?;
    Ok((name, preset))
}

/// A text of a preset with its variables filled in.
pub(super) fn filled(text: &str, variables: &BTreeMap<String, String>) -> String {
    let mut filled = text.to_owned();
    for (name, value) in variables {
        filled = filled.replace(&format!("{{{name}}}"), value);
    }
    filled
}
