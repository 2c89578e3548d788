//! `latchkey accounts add`: what the options say, checked, shown, written down.

use std::collections::BTreeMap;

use latchkey_engine::config::{
    self, AccountConfig, AccountToml, ConfigError, LimitsToml, NextauthToml, OauthToml,
};
use serde_json::json;

use super::check;
use crate::args::{AddAccount, NextauthOptions, OauthOptions, Provider};
use crate::exit_code::Exit;
use crate::failure::{Failure, devserver_command};
use crate::render::account::document;
use crate::session::Desk;
use crate::{output, prompt};

pub(super) async fn run(args: &AddAccount) -> Result<(), Failure> {
    if args.template {
        return output::value(config::template().trim_end());
    }
    let Some(name) = &args.account else { return Err(Failure::wrong_use("the account needs a name")) };
    let desk = Desk::open()?;
    if desk.config.account(name).is_some() {
        let file = desk.paths.config_file();
        return Err(ConfigError::AccountExists { file, account: name.clone() }.into());
    }
    let described = described(args).await?;
    // A server is asked before anything is written: an account that cannot work is not added.
    let server = check::described(&described.check(name)?).await.map_err(nothing_added)?;
    let added = config::add_account(&desk.paths, name, &described)?;
    if args.json {
        return output::json(&json!({ "account": document(&added), "server": server }));
    }
    if let Some(server) = &server {
        output::say(server.lines().trim_end());
    }
    output::say(&format!("Added `{name}` to {}", desk.paths.config_file().display()));
    if args.devserver {
        let backend = devserver_command(&added);
        output::say(&format!("Its backend is `{backend}`, to be run in another terminal"));
        output::say(&format!("Next: `latchkey sign-in {name} --username demo`; the password is demo"));
    } else {
        output::say(&format!("Next: `latchkey sign-in {name}`"));
    }
    Ok(())
}

/// The account as the arguments describe it, unchecked.
async fn described(args: &AddAccount) -> Result<AccountToml, Failure> {
    let mut account = if args.devserver {
        let demo = AccountConfig::demo(args.devserver_port);
        match args.provider {
            Some(Provider::Nextauth) => AccountToml::from(&demo.nextauth()),
            None | Some(Provider::Credentials) => AccountToml::from(&demo),
            Some(Provider::Oauth) => {
                return Err(Failure::wrong_use("the development backend is a provider like any other")
                    .hint("give its address as the --issuer, and --client-id latchkey"));
            }
        }
    } else {
        match args.provider() {
            Provider::Credentials => AccountToml {
                provider: Some("credentials".to_owned()),
                login_url: args.login_url.clone(),
                refresh_url: args.refresh_url.clone(),
                logout_url: args.logout_url.clone(),
                user_info_url: args.user_info_url.clone(),
                username_field: args.username_field.clone(),
                refused_status: (!args.refused_status.is_empty()).then(|| args.refused_status.clone()),
                map: once_each("map", &args.map)?,
                ..AccountToml::default()
            },
            Provider::Nextauth => AccountToml {
                provider: Some("nextauth".to_owned()),
                username_field: args.username_field.clone(),
                nextauth: nextauth(&args.nextauth),
                ..AccountToml::default()
            },
            Provider::Oauth => AccountToml {
                provider: Some("oauth".to_owned()),
                oauth: oauth(&args.oauth, args.user_info_url.as_ref()).await?,
                ..AccountToml::default()
            },
        }
    };
    account.renew_before.clone_from(&args.renew_before);
    account.limits = LimitsToml {
        max_age: args.max_age.clone(),
        rolling: args.rolling.then_some(true),
        update_age: args.update_age.clone(),
        idle_timeout: args.idle_timeout.clone(),
        sensitivity: args.sensitivity.clone(),
    };
    Ok(account)
}

fn nextauth(options: &NextauthOptions) -> NextauthToml {
    NextauthToml {
        site: options.site.clone(),
        credentials_provider: options.credentials_provider.clone(),
        password_field: options.password_field.clone(),
        session_cookie: options.session_cookie.clone(),
    }
}

async fn oauth(options: &OauthOptions, user_info_url: Option<&String>) -> Result<OauthToml, Failure> {
    let client_id = match &options.client_id {
        Some(client_id) => client_id.clone(),
        None if prompt::can_ask() => {
            prompt::line("Client ID (what the server calls Latchkey): ", "give it with --client-id").await?
        }
        None => {
            let needed = "a client ID is needed: it is what the server calls Latchkey";
            return Err(Failure::wrong_use(needed).hint("give it with --client-id"));
        }
    };
    let set = |pairs: &[(&str, Option<&String>)]| -> BTreeMap<String, String> {
        pairs.iter().filter_map(|(key, value)| Some(((*key).to_owned(), (*value)?.clone()))).collect()
    };
    Ok(OauthToml {
        issuer: options.issuer.clone(),
        preset: options.preset.clone(),
        variables: set(&[
            ("base", options.base.as_ref()),
            ("realm", options.realm.as_ref()),
            ("tenant", options.tenant.as_ref()),
        ]),
        client_id: Some(client_id),
        scope: options.scope.clone(),
        audience: options.audience.clone(),
        resource: options.resource.clone(),
        redirect_host: options.redirect_host.clone(),
        redirect_path: options.redirect_path.clone(),
        redirect_port: options.redirect_port,
        dpop: options.dpop.clone(),
        par: options.par.clone(),
        end_session: options.end_session.then_some(true),
        endpoints: set(&[
            ("authorization", options.authorization_url.as_ref()),
            ("token", options.token_url.as_ref()),
            ("device_authorization", options.device_authorization_url.as_ref()),
            ("revocation", options.revocation_url.as_ref()),
            ("end_session", options.end_session_url.as_ref()),
            ("user_info", user_info_url),
            ("jwks", options.jwks_url.as_ref()),
        ]),
        parameters: once_each("parameter", &options.parameter)?,
        claims: once_each("claim", &options.claim)?,
        ..OauthToml::default()
    })
}

/// There is no session yet that could be kept, and no account that could be corrected.
fn nothing_added(failure: Failure) -> Failure {
    let todo = match &failure.hint {
        Some(hint) if failure.exit == Exit::OutOfReach => hint.clone(),
        Some(_) | None => "check the address, then try again".to_owned(),
    };
    failure.hint(format!("nothing was added; {todo}"))
}

fn once_each(option: &str, pairs: &[(String, String)]) -> Result<BTreeMap<String, String>, Failure> {
    let mut map = BTreeMap::new();
    for (key, value) in pairs {
        if map.insert(key.clone(), value.clone()).is_some() {
            return Err(Failure::wrong_use(format!("--{option} names `{key}` twice")));
        }
    }
    Ok(map)
}
