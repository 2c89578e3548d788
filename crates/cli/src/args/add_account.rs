//! `accounts add`: an account in options.

use clap::{ArgGroup, Args, ValueEnum};
use latchkey_core::account::AccountName;

/// The options of a REST login, which mean nothing to anything else.
const REST: [&str; 6] = ["login_url", "refresh_url", "logout_url", "map", "username_field", "refused_status"];

/// What tells how an account signs in; one of them is needed.
const WAYS: [&str; 7] = ["template", "devserver", "issuer", "preset", "login_url", "token_url", "site"];

/// `accounts add`.
#[derive(Args)]
#[command(group = ArgGroup::new("way").args(WAYS).required(true).multiple(true))]
#[command(after_help = "\
Examples:
  latchkey accounts add demo --devserver
  latchkey accounts add work --issuer https://id.example.com --client-id desktop
  latchkey accounts add work --provider credentials \\
      --login-url https://api.example.com/auth/login \\
      --refresh-url https://api.example.com/auth/refreshToken \\
      --map access_token=/data/accessToken \\
      --map refresh_token=/data/refreshToken
  latchkey accounts add shop --provider nextauth --site https://shop.example.com
  latchkey accounts add --template    prints an example to be put in by hand

With an issuer or a preset, the server is asked what it can do before the account is written down. \
A client secret is no option, as other processes see those: put it into the configuration by hand.")]
pub(crate) struct AddAccount {
    /// What to call it: a short name such as `work`
    #[arg(value_name = "NAME", required_unless_present = "template")]
    pub(crate) account: Option<AccountName>,
    /// Print an example with a comment for every key, and add nothing
    #[arg(long, exclusive = true)]
    pub(crate) template: bool,
    /// Use the development backend that `latchkey devserver` runs
    #[arg(long, conflicts_with_all = REST, conflicts_with_all = ["user_info_url", "site", "OauthOptions"])]
    pub(crate) devserver: bool,
    /// The port the development backend listens on
    #[arg(long, value_name = "PORT", default_value_t = 4180, value_parser = clap::value_parser!(u16).range(1..), requires = "devserver")]
    pub(crate) devserver_port: u16,
    /// How the account signs in: as the other options say
    #[arg(long, value_enum)]
    pub(crate) provider: Option<Provider>,
    /// Where it can be asked who is signed in
    #[arg(long, value_name = "URL")]
    pub(crate) user_info_url: Option<String>,
    /// How long before its expiry a token is renewed: a fifth of its lifetime unless set
    #[arg(long, value_name = "DURATION")]
    pub(crate) renew_before: Option<String>,
    /// The longest a session lasts here, whatever the server allows (`12h`)
    #[arg(long, value_name = "DURATION", help_heading = "How long a session lasts")]
    pub(crate) max_age: Option<String>,
    /// Let use of the session move that end
    #[arg(long, help_heading = "How long a session lasts")]
    pub(crate) rolling: bool,
    /// How often use moves it, at most: a thirtieth of --max-age unless set
    #[arg(long, value_name = "DURATION", help_heading = "How long a session lasts")]
    pub(crate) update_age: Option<String>,
    /// The longest a session lasts that nobody uses
    #[arg(long, value_name = "DURATION", help_heading = "How long a session lasts")]
    pub(crate) idle_timeout: Option<String>,
    /// What the account is used for: general (30 days, moved by use) or admin (12 hours, 15 minutes without use)
    #[arg(long, value_name = "WHAT", help_heading = "How long a session lasts")]
    pub(crate) sensitivity: Option<String>,
    /// Print the account, and what its server can do, as a JSON object
    #[arg(long)]
    pub(crate) json: bool,

    /// Where user name and password are sent (https, or http to this machine)
    #[arg(
        long,
        value_name = "URL",
        help_heading = "A REST login",
        requires = "refresh_url",
        conflicts_with = "OauthOptions"
    )]
    pub(crate) login_url: Option<String>,
    /// Where the refresh token is sent
    #[arg(
        long,
        value_name = "URL",
        help_heading = "A REST login",
        requires = "login_url",
        conflicts_with = "OauthOptions"
    )]
    pub(crate) refresh_url: Option<String>,
    /// Where to sign out
    #[arg(long, value_name = "URL", help_heading = "A REST login", conflicts_with = "OauthOptions")]
    pub(crate) logout_url: Option<String>,
    /// Where replies hold what: a JSON pointer or `header:Name`; may be repeated
    #[arg(long, value_name = "KEY=PLACE", help_heading = "A REST login", value_parser = key_and_place, conflicts_with = "OauthOptions")]
    pub(crate) map: Vec<(String, String)>,
    /// What the login request, or a site's sign-in form, calls the user name
    #[arg(long, value_name = "FIELD", help_heading = "A REST login", conflicts_with = "OauthOptions")]
    pub(crate) username_field: Option<String>,
    /// The statuses with which the backend refuses a refresh token
    #[arg(long, value_name = "STATUS", num_args = 1.., value_delimiter = ',', help_heading = "A REST login", conflicts_with = "OauthOptions")]
    pub(crate) refused_status: Vec<u16>,

    #[command(flatten)]
    pub(crate) nextauth: NextauthOptions,

    #[command(flatten)]
    pub(crate) oauth: OauthOptions,
}

/// The options of a site with NextAuth or Auth.js.
#[derive(Args, Default)]
#[command(next_help_heading = "A site with NextAuth or Auth.js")]
pub(crate) struct NextauthOptions {
    /// Where the site is; with a path, where its auth endpoints are (otherwise /api/auth and /auth are tried)
    #[arg(long, value_name = "URL", conflicts_with_all = ["OauthOptions", "login_url", "refresh_url", "logout_url", "map", "refused_status", "user_info_url"])]
    pub(crate) site: Option<String>,
    /// The id of the site's provider that takes a user name and a password: credentials unless set
    #[arg(long, value_name = "ID", requires = "site")]
    pub(crate) credentials_provider: Option<String>,
    /// What that provider calls the password: password unless set
    #[arg(long, value_name = "FIELD", requires = "site")]
    pub(crate) password_field: Option<String>,
    /// What the site calls its session cookie, where it chose a name of its own
    #[arg(long, value_name = "NAME", requires = "site")]
    pub(crate) session_cookie: Option<String>,
}

/// The options of an authorization server.
#[derive(Args, Default)]
#[command(next_help_heading = "An authorization server")]
pub(crate) struct OauthOptions {
    /// Who issues the tokens: its metadata say where everything is
    #[arg(long, value_name = "URL")]
    pub(crate) issuer: Option<String>,
    /// Fill in what is known of a widespread server: auth0, entra, github, gitlab, google, keycloak, okta, zitadel
    #[arg(long, value_name = "NAME")]
    pub(crate) preset: Option<String>,
    /// Where the preset's server runs
    #[arg(long, value_name = "URL", requires = "preset")]
    pub(crate) base: Option<String>,
    /// The preset's realm or authorization server
    #[arg(long, value_name = "NAME", requires = "preset")]
    pub(crate) realm: Option<String>,
    /// The preset's directory (tenant)
    #[arg(long, value_name = "ID", requires = "preset")]
    pub(crate) tenant: Option<String>,
    /// What the server calls this program
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: Option<String>,
    /// What to ask for, names with spaces between them
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: Option<String>,
    /// Whom the access token is for, as Auth0 and others take it
    #[arg(long, value_name = "NAME")]
    pub(crate) audience: Option<String>,
    /// Whom the access token is for (RFC 8707)
    #[arg(long, value_name = "URI")]
    pub(crate) resource: Option<String>,
    /// By which name the server knows this machine: 127.0.0.1 or localhost
    #[arg(long, value_name = "HOST")]
    pub(crate) redirect_host: Option<String>,
    /// A fixed port for the browser to come back to; any free one unless set
    #[arg(long, value_name = "PORT")]
    pub(crate) redirect_port: Option<u16>,
    /// The path for the browser to come back to: /callback unless set
    #[arg(long, value_name = "PATH")]
    pub(crate) redirect_path: Option<String>,
    /// A further parameter of the sign-in page; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_and_value)]
    pub(crate) parameter: Vec<(String, String)>,
    /// Where claims say who somebody is, as a JSON pointer: name, email, roles, picture, subject; may be repeated
    #[arg(long, value_name = "KEY=POINTER", value_parser = key_and_value)]
    pub(crate) claim: Vec<(String, String)>,
    /// Bind tokens to a key of this machine (RFC 9449): auto, always or never
    #[arg(long, value_name = "WHEN")]
    pub(crate) dpop: Option<String>,
    /// Send the authorization request ahead (RFC 9126): auto, always or never
    #[arg(long, value_name = "WHEN")]
    pub(crate) par: Option<String>,
    /// End the session at the provider as well when signing out
    #[arg(long)]
    pub(crate) end_session: bool,
    /// Where people sign in, if no issuer says it
    #[arg(long, value_name = "URL")]
    pub(crate) authorization_url: Option<String>,
    /// Where tokens are issued, if no issuer says it
    #[arg(long, value_name = "URL")]
    pub(crate) token_url: Option<String>,
    /// Where a device gets its code, if no issuer says it
    #[arg(long, value_name = "URL")]
    pub(crate) device_authorization_url: Option<String>,
    /// Where tokens are revoked, if no issuer says it
    #[arg(long, value_name = "URL")]
    pub(crate) revocation_url: Option<String>,
    /// Where a session ends, if no issuer says it
    #[arg(long, value_name = "URL")]
    pub(crate) end_session_url: Option<String>,
    /// The keys that tokens are signed with, if no issuer says it
    #[arg(long, value_name = "URL")]
    pub(crate) jwks_url: Option<String>,
}

/// The providers that can be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Provider {
    /// A REST login with user name and password
    Credentials,
    /// An authorization server: OAuth 2.0 or OpenID Connect
    Oauth,
    /// A site with NextAuth or Auth.js, whose session is a cookie
    Nextauth,
}

impl AddAccount {
    /// How the account signs in, where it is not said outright.
    pub(crate) fn provider(&self) -> Provider {
        let OauthOptions { issuer, preset, token_url, client_id, .. } = &self.oauth;
        let is_oauth = [issuer, preset, token_url, client_id].into_iter().any(Option::is_some);
        self.provider.unwrap_or(if is_oauth {
            Provider::Oauth
        } else if self.nextauth.site.is_some() {
            Provider::Nextauth
        } else {
            Provider::Credentials
        })
    }
}

pub(super) fn key_and_place(text: &str) -> Result<(String, String), String> {
    let form =
        || "write a key and a place: `access_token=/data/accessToken` or `refresh_token=header:X-Refresh`";
    let (key, place) = key_and_value(text).map_err(|_| form())?;
    if place.is_empty() {
        return Err(form().to_owned());
    }
    Ok((key, place))
}

/// The value may be empty and have an equals sign in it.
pub(super) fn key_and_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or("write KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}
