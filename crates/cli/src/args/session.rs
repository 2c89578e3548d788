//! `inspect` and `session`: what a session holds, seen and changed.

use clap::{Args, Subcommand};
use latchkey_core::account::AccountName;
use serde_json::Value;

/// `inspect`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  latchkey inspect work
  pbpaste | latchkey inspect -
  printf %s \"$AUTH_SECRET\" | latchkey inspect shop --site-secret-stdin
  latchkey inspect shop --site-secret --set role='\"admin\"'

An account's access token is checked against its issuer's keys. A token from standard input is only looked at: it is sent \
nowhere, and nothing of it is kept.

The session cookie of a NextAuth site is opened with the site's own secret, if you have that. With --set it is sealed again \
with other claims, to try what your site makes of them: for a site on this machine, or the one that --host names.")]
pub(crate) struct Inspect {
    /// Which account's access token; `-` reads a token from standard input, or asks for one
    #[arg(value_name = "ACCOUNT|-", default_value = "-")]
    pub(crate) what: String,
    /// Open a site's session cookie with its secret, asked for on the terminal; the one that was kept is used without
    #[arg(long)]
    pub(crate) site_secret: bool,
    /// The same with the secret from standard input
    #[arg(long, conflicts_with = "site_secret")]
    pub(crate) site_secret_stdin: bool,
    /// Keep the site's secret in the vault until you sign in or out again
    #[arg(long)]
    pub(crate) keep_secret: bool,
    /// Print the session cookie with this claim instead; may be repeated
    #[arg(long, value_name = "CLAIM=JSON", value_parser = claim)]
    pub(crate) set: Vec<(String, Value)>,
    /// The host of the test site that the changed cookie is for, where it is not this machine
    #[arg(long, value_name = "HOST", requires = "set")]
    pub(crate) host: Option<String>,
    /// As a JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

impl Inspect {
    /// Whether it is about a site's cookie.
    pub(crate) fn opens_cookie(&self) -> bool {
        self.site_secret || self.site_secret_stdin || self.keep_secret || !self.set.is_empty()
    }
}

/// `session`.
#[derive(Subcommand)]
pub(crate) enum SessionCommand {
    /// Send new data for the session to its site, as NextAuth's `update()` does, and show what it says then
    #[command(after_help = "Example:\n  latchkey session update shop --data '{\"theme\":\"dark\"}'")]
    Update(ChangeSession),
    /// Read the session again now, because something in it may have changed
    #[command(after_help = "Example:\n  latchkey session revalidate shop")]
    Revalidate(ReadSession),
}

/// `session update`.
#[derive(Args)]
pub(crate) struct ChangeSession {
    /// Which account
    pub(crate) account: AccountName,
    /// The data, as JSON
    #[arg(long, value_name = "JSON", value_parser = json)]
    pub(crate) data: Value,
    /// Print the session as a JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// `session revalidate`.
#[derive(Args)]
pub(crate) struct ReadSession {
    /// Which account
    pub(crate) account: AccountName,
    /// Print the session as a JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// serde's own words quote what they could not read, which may be anything.
fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text)
        .map_err(|error| format!("this is no JSON (line {}, column {})", error.line(), error.column()))
}

fn claim(text: &str) -> Result<(String, Value), String> {
    let (name, value) =
        text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or("write CLAIM=JSON")?;
    Ok((name.to_owned(), json(value)?))
}
