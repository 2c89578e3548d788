//! From an account's table to an authorization server, or to all that is wrong with it.

use std::collections::BTreeMap;

use reqwest::Url;

use super::super::problem::{Flaw, Problems};
use super::super::section::Section;
use super::super::values;
use super::preset::{self, Preset, VARIABLES};
use super::{
    ClaimPlaces, ClientSecret, Endpoints, IssuerUrl, OauthConfig, PresetUse, Redirect, RedirectHost, When,
};

/// The keys that only accounts of an authorization server have.
pub(in super::super) const KEYS: [&str; 22] = [
    "issuer",
    "preset",
    "base",
    "realm",
    "tenant",
    "client_id",
    "client_secret",
    "scope",
    "audience",
    "resource",
    "redirect_host",
    "redirect_path",
    "redirect_port",
    "dpop",
    "par",
    "pkce",
    "other_audiences",
    "end_session",
    "verify_access_token",
    "endpoints",
    "parameters",
    "claims",
];

/// Parameters of the authorization request that are not the account's to set.
const RESERVED: [&str; 14] = [
    "client_id",
    "client_secret",
    "redirect_uri",
    "response_type",
    "response_mode",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "request",
    "request_uri",
    "dpop_jkt",
    "code",
    "grant_type",
];

/// What a server is asked for that says who it is and nothing else.
const USUAL_SCOPE: &str = "openid offline_access";

/// Reads an account of an authorization server.
pub(in super::super) fn oauth(
    section: &Section<'_, '_>,
    devserver: bool,
    problems: &mut Problems<'_>,
) -> Option<OauthConfig> {
    let given = preset_use(section, problems);
    let client_id = section.required("client_id", "\"…\"", problems, client_id);
    let issuer = section.text("issuer", problems, |text| issuer(text, devserver));
    let (preset, used) = given?;
    if preset.issuer.is_some() && section.value("issuer").is_some() {
        let what = "the preset says who the issuer is";
        section.complain("issuer", Flaw::new(what, "remove this key, or remove `preset`"), problems);
    }
    let usual = usual(&preset, used, issuer);
    let usual = usual.map_err(|flaw| section.complain("preset", flaw, problems)).ok()?;
    let mut config = OauthConfig { client_id: client_id?, ..usual };
    let secret = section.text("client_secret", problems, |text| not_empty(text, "a client secret"));
    config.client_secret = secret.map(ClientSecret::new);
    if let Some(scope) = section.text("scope", problems, scope) {
        config.scope = scope;
    }
    config.parameters = usual_parameters(&preset, &config.scope);
    config.parameters.extend(section.texts("parameters", problems, parameter));
    config.audience = section.text("audience", problems, |text| not_empty(text, "an audience"));
    config.resource = section.text("resource", problems, resource);
    redirect(section, &mut config.redirect, problems);
    let when = |key, problems: &mut Problems<'_>| section.text(key, problems, when).unwrap_or_default();
    (config.dpop, config.par) = (when("dpop", problems), when("par", problems));
    config.pkce_announced = section.text("pkce", problems, pkce).unwrap_or_default();
    for (key, flag) in
        [("end_session", &mut config.end_session), ("other_audiences", &mut config.other_audiences)]
    {
        if section.value(key).is_some() {
            *flag = section.flag(key, problems);
        }
    }
    config.verify_access_token = section.flag("verify_access_token", problems);
    endpoints(section, devserver, &mut config.endpoints, problems);
    claims(section, &mut config.claims, problems);
    complete(section, &config, problems);
    Some(config)
}

/// What holds for an account that says no more than its preset, or its issuer.
pub(super) fn usual(
    preset: &Preset,
    used: Option<PresetUse>,
    issuer: Option<IssuerUrl>,
) -> Result<OauthConfig, Flaw> {
    let mut variables = preset.variables.clone();
    variables.extend(used.iter().flat_map(|used| used.variables.clone()));
    let issuer = match &preset.issuer {
        Some(text) => Some(self::issuer(&preset::filled(text, &variables), false)?),
        None => issuer,
    };
    let mut config = OauthConfig {
        scope: preset
            .scope
            .clone()
            .unwrap_or_else(|| if issuer.is_some() { USUAL_SCOPE.to_owned() } else { String::new() }),
        issuer,
        endpoints: Endpoints::default(),
        client_id: String::new(),
        client_secret: None,
        audience: None,
        resource: None,
        preset: used,
        redirect: Redirect::default(),
        parameters: BTreeMap::new(),
        dpop: When::default(),
        par: When::default(),
        pkce_announced: false,
        other_audiences: preset.other_audiences,
        end_session: preset.end_session,
        claims: ClaimPlaces::default(),
        verify_access_token: false,
    };
    config.parameters = usual_parameters(preset, &config.scope);
    if let Some(host) = &preset.redirect_host {
        config.redirect.host = redirect_host(host)?;
    }
    if let Some(path) = &preset.redirect_path {
        config.redirect.path = redirect_path(path)?;
    }
    for (key, endpoint) in config.endpoints.by_key_mut() {
        if let Some(text) = preset.endpoints.get(key) {
            *endpoint = Some(values::url(&preset::filled(text, &variables))?);
        }
    }
    for (key, place) in config.claims.by_key_mut() {
        if let Some(text) = preset.claims.get(key) {
            *place = values::pointer(text)?;
        }
    }
    Ok(config)
}

/// The parameters that hold without being set. Where `offline_access` is asked for, the standard wants the person's
/// consent to be asked for as well (OpenID Connect Core §11); a preset knows better.
pub(super) fn usual_parameters(preset: &Preset, scope: &str) -> BTreeMap<String, String> {
    let mut parameters = preset.parameters.clone();
    if preset.title.is_empty() && scope.split(' ').any(|name| name == "offline_access") {
        parameters.insert("prompt".to_owned(), "consent".to_owned());
    }
    parameters
}

/// The preset with its variables; an empty one where none is named, nothing where it is wrong.
fn preset_use(section: &Section<'_, '_>, problems: &mut Problems<'_>) -> Option<(Preset, Option<PresetUse>)> {
    if section.value("preset").is_none() {
        for key in VARIABLES.into_iter().filter(|key| section.value(key).is_some()) {
            let flaw = Flaw::new("this fills in a preset, and there is none", "remove it, or add `preset`");
            section.complain(key, flaw, problems);
        }
        return Some((Preset::default(), None));
    }
    let (name, preset) = section.text("preset", problems, preset::find)?;
    let mut variables = BTreeMap::new();
    let mut missing = false;
    for key in VARIABLES {
        match preset.variables.get(key) {
            None if section.value(key).is_some() => {
                section.complain(key, Flaw::new("this preset has no such variable", "remove it"), problems);
            }
            None => {}
            Some(usual) => {
                let read = if key == "base" { base } else { segment };
                let needed = if usual.is_empty() {
                    section.required(key, "\"…\"", problems, read)
                } else {
                    section.text(key, problems, read)
                };
                missing |= needed.is_none() && (usual.is_empty() || section.value(key).is_some());
                variables.extend(needed.filter(|value| value != usual).map(|value| (key.to_owned(), value)));
            }
        }
    }
    (!missing).then_some((preset, Some(PresetUse { name, variables })))
}

/// Without an issuer to ask, an account must say itself where everything is.
fn complete(section: &Section<'_, '_>, config: &OauthConfig, problems: &mut Problems<'_>) {
    let Endpoints { authorization, token, device_authorization, .. } = &config.endpoints;
    let can_begin = authorization.is_some() || device_authorization.is_some();
    if config.issuer.is_none() && section.value("issuer").is_none() && !(token.is_some() && can_begin) {
        let remedy =
            "add `issuer = \"https://…\"`, or name `authorization` and `token` in a table `endpoints`";
        section.complain("issuer", Flaw::new("this key is missing", remedy), problems);
    }
    if token.is_some() && !can_begin {
        let what = "with a token endpoint of its own the account gets no other endpoint from the issuer";
        let flaw = Flaw::new(what, "name `authorization` or `device_authorization` as well");
        section.complain("endpoints", flaw, problems);
    }
}

fn redirect(section: &Section<'_, '_>, redirect: &mut Redirect, problems: &mut Problems<'_>) {
    if let Some(host) = section.text("redirect_host", problems, redirect_host) {
        redirect.host = host;
    }
    if let Some(path) = section.text("redirect_path", problems, redirect_path) {
        redirect.path = path;
    }
    if let Some(port) = section.number("redirect_port", problems) {
        match u16::try_from(port) {
            Ok(port) if port >= 1024 => redirect.port = Some(port),
            Ok(_) | Err(_) => {
                let flaw = Flaw::new("this is no port for a program", "write a number from 1024 to 65535");
                section.complain("redirect_port", flaw, problems);
            }
        }
    }
}

fn endpoints(
    section: &Section<'_, '_>,
    devserver: bool,
    endpoints: &mut Endpoints,
    problems: &mut Problems<'_>,
) {
    let Some(section) = section.section("endpoints", &Endpoints::KEYS, problems) else { return };
    for (key, endpoint) in endpoints.by_key_mut() {
        if let Some(given) = section.text(key, problems, |text| values::address(text, devserver)) {
            *endpoint = Some(given);
        }
    }
}

fn claims(section: &Section<'_, '_>, claims: &mut ClaimPlaces, problems: &mut Problems<'_>) {
    let Some(section) = section.section("claims", &ClaimPlaces::KEYS, problems) else { return };
    for (key, place) in claims.by_key_mut() {
        if let Some(given) = section.text(key, problems, values::pointer) {
            *place = given;
        }
    }
}

/// An issuer identifier: an `https` URL without query and fragment (RFC 8414 §2), kept as it is written.
fn issuer(text: &str, devserver: bool) -> Result<IssuerUrl, Flaw> {
    let url = values::address(text, devserver)?;
    if url.query().is_some() || text.contains('?') {
        return Err(Flaw::new("there is a query in this issuer", "remove the `?` and what follows it"));
    }
    if text.contains("/.well-known/") {
        return Err(Flaw::new(
            "this is the address of an issuer's metadata",
            "write what stands before `/.well-known/`",
        ));
    }
    Ok(IssuerUrl(text.to_owned()))
}

/// Where a server runs; a slash at its end is not part of it.
fn base(text: &str) -> Result<String, Flaw> {
    let text = text.trim_end_matches('/');
    let url = values::url(text)?;
    if url.query().is_some() {
        return Err(Flaw::new("there is a query in this URL", "remove the `?` and what follows it"));
    }
    Ok(text.to_owned())
}

/// A part of a path.
fn segment(text: &str) -> Result<String, Flaw> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~');
    let dots = matches!(text, "." | "..");
    if text.is_empty() || text.len() > 128 || dots || !text.chars().all(plain) {
        let remedy = "write letters, digits, `-`, `_`, `.` and `~` only, as the server shows it in its URLs";
        return Err(Flaw::new("this is no part of a path", remedy));
    }
    Ok(text.to_owned())
}

/// RFC 6749 App. A.1: visible characters and spaces.
fn client_id(text: &str) -> Result<String, Flaw> {
    let visible = |c: char| matches!(c, ' '..='~');
    if text.trim().is_empty() || text.len() > 256 || !text.chars().all(visible) {
        return Err(Flaw::new("this is no client ID", "write the ID that the server shows for this client"));
    }
    Ok(text.to_owned())
}

/// RFC 6749 App. A.4: names of visible characters but `"` and `\`, with one space between them.
fn scope(text: &str) -> Result<String, Flaw> {
    let visible = |c: char| matches!(c, '!' | '#'..='[' | ']'..='~');
    let names: Vec<_> = text.split_ascii_whitespace().collect();
    if text.len() > 4096 || names.iter().any(|name| !name.chars().all(visible)) {
        let remedy = "write names with spaces between them, such as `openid profile offline_access`";
        return Err(Flaw::new("this is no scope", remedy));
    }
    Ok(names.join(" "))
}

/// RFC 8707 §2: an absolute URI without a fragment, sent as it is written.
fn resource(text: &str) -> Result<String, Flaw> {
    let remedy = "write an absolute URI such as `https://api.example.com`";
    match Url::parse(text) {
        Ok(uri) if uri.fragment().is_none() && !text.contains('#') => Ok(text.to_owned()),
        Ok(_) => Err(Flaw::new("there is a fragment in this resource", "remove the `#` and what follows it")),
        Err(_) => Err(Flaw::new("this is no absolute URI", remedy)),
    }
}

fn not_empty(text: &str, what: &str) -> Result<String, Flaw> {
    let bad = text.trim().is_empty() || text.len() > 4096 || text.chars().any(char::is_control);
    let flaw =
        || Flaw::new(format!("this is not {what}"), "write it as the server shows it, or remove the key");
    if bad { Err(flaw()) } else { Ok(text.to_owned()) }
}

fn parameter(name: &str, value: &str) -> Result<(), Flaw> {
    if RESERVED.contains(&name) {
        return Err(Flaw::new("this parameter is Latchkey's to set", "remove it"));
    }
    if matches!(name, "scope" | "audience" | "resource") {
        let remedy = format!("set `{name}` beside `client_id`, not in this table");
        return Err(Flaw::new("this parameter has a key of its own", remedy));
    }
    if name.is_empty() || name.len() > 128 || value.len() > 4096 || value.chars().any(char::is_control) {
        return Err(Flaw::new("this is no parameter", "write a name and a text without line breaks"));
    }
    Ok(())
}

fn redirect_host(text: &str) -> Result<RedirectHost, Flaw> {
    let all = [RedirectHost::Address, RedirectHost::Localhost];
    let found = all.into_iter().find(|host| host.name() == text);
    found.ok_or_else(|| {
        Flaw::new("the browser comes back to this machine only", "write `127.0.0.1` or `localhost`")
    })
}

/// A path that reads the same in every URL library.
fn redirect_path(text: &str) -> Result<String, Flaw> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~' | '/');
    let dots = text.split('/').any(|part| matches!(part, "." | ".."));
    if !text.starts_with('/') || text.contains("//") || text.len() > 256 || dots || !text.chars().all(plain) {
        return Err(Flaw::new("this is no path", "write a path such as `/callback`"));
    }
    Ok(text.to_owned())
}

fn when(text: &str) -> Result<When, Flaw> {
    let found = [When::Auto, When::Always, When::Never].into_iter().find(|when| when.name() == text);
    found.ok_or_else(|| Flaw::new("this is no such choice", "write `auto`, `always` or `never`"))
}

/// PKCE is never left out, so the choice is only whether it must be announced.
fn pkce(text: &str) -> Result<bool, Flaw> {
    match text {
        "auto" => Ok(false),
        "always" => Ok(true),
        _ => Err(Flaw::new("PKCE cannot be switched off", "write `auto` or `always`")),
    }
}
