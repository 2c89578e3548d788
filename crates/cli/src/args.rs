//! The command line: every command, its options, and an example of its use.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::{Args, Parser, Subcommand, ValueEnum};
use latchkey_core::account::AccountName;

use crate::duration;

mod add_account;
mod consumers;
#[cfg(feature = "devserver")]
mod lab;
mod log;
mod programs;
mod session;
mod shell;
mod simulate;

pub(crate) use add_account::{AddAccount, NextauthOptions, OauthOptions, Provider};
pub(crate) use consumers::{Consumers, Which};
#[cfg(feature = "devserver")]
pub(crate) use lab::{At, Exercise, LabProxy, PlanFault, Profile, Run, Who};
pub(crate) use log::Log;
pub(crate) use programs::{
    Credential, DockerAction, EXPIRES_AT, Exec, GitAction, GitHelper, Hosts, Proxy, Token, TokenForm,
};
pub(crate) use session::{Inspect, SessionCommand};
pub(crate) use shell::Completions;
#[cfg(feature = "manual")]
pub(crate) use shell::Manual;
pub(crate) use simulate::Simulate;

/// Keeps you signed in: signs in once, keeps the tokens in the keychain, and hands out fresh ones.
#[derive(Parser)]
#[command(name = "latchkey", bin_name = "latchkey", version, max_term_width = 100, after_help = FIRST_SESSION)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The names under which this program acts as another's helper, and what each stands for.
const HELPERS: [(&str, [&str; 2]); 2] = [
    ("git-credential-latchkey", ["credential", "git"]),
    ("docker-credential-latchkey", ["credential", "docker"]),
];

/// The command line, with the command that the program's name stands for.
pub(crate) fn by_name(line: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut line: Vec<_> = line.into_iter().collect();
    let name = line.first().and_then(|path| Path::new(path).file_stem()).map(ToOwned::to_owned);
    if let Some((_, stands_for)) =
        HELPERS.into_iter().find(|(helper, _)| name.as_deref() == Some(OsStr::new(helper)))
    {
        line.splice(..1, ["latchkey"].into_iter().chain(stands_for).map(OsString::from));
    }
    line
}

const FIRST_SESSION: &str = "\
A first session:
  latchkey devserver                     a backend, in another terminal
  latchkey accounts add demo --devserver
  latchkey sign-in demo --username demo  its password is: demo
  latchkey status --watch
  latchkey token demo

Exit codes: 0 done, 1 failed, 2 wrong use, 3 sign-in needed, 4 backend out of reach. \
Values go to standard output, messages to standard error.

The guide: /usr/share/doc/latchkey-desktop/guide/index.html, in the window under Settings; in the sources \
docs/SUMMARY.md, which `cargo xtask guide` makes pages of.

Environment:
  LATCHKEY_VAULT
      where tokens are kept: keychain (unless set), sealed-file or memory
  LATCHKEY_PASSPHRASE_FILE, LATCHKEY_KEY_FILE
      what opens the sealed file; without either its passphrase is asked for
  LATCHKEY_LOG
      what the log takes down: error, warn, info, debug or trace
  LATCHKEY_CONFIG_DIR, LATCHKEY_STATE_DIR, LATCHKEY_RUNTIME_DIR
      where its files are";

/// What can be asked.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Say how to sign in: add, list, show, check and remove accounts
    #[command(subcommand, after_help = "Example:\n  latchkey accounts add demo --devserver")]
    Accounts(Accounts),
    /// Sign in to an account
    SignIn(SignIn),
    /// Sign out: erase the tokens here and tell the provider
    SignOut(SignOut),
    /// Show who is signed in, for how long, and what comes next; never renews
    Status(Status),
    /// Print a valid access token, renewed first where needed
    Token(Token),
    /// Answer git or Docker, which ask for the token of a host
    #[command(subcommand)]
    Credential(Credential),
    /// Run a program with a valid access token in its environment
    Exec(Exec),
    /// Lead requests to an upstream and add what authorizes them: the program that sends them holds no token
    Proxy(Proxy),
    /// Renew an account's tokens now
    Renew(Renew),
    /// Look into a JWT: its header, its claims, and whether its issuer signed them; or into a site's session cookie
    Inspect(Inspect),
    /// Read again or change what a session holds
    #[command(subcommand, after_help = "Example:\n  latchkey session revalidate shop")]
    Session(SessionCommand),
    /// Show what happened: the event log, without any token
    Log(Log),
    /// Show which programs took tokens, and say which may
    #[command(subcommand, after_help = "Example:\n  latchkey consumers list")]
    Consumers(Consumers),
    /// Keep every account signed in and serve other programs, without a window
    Agent(Agent),
    /// Look whether all is well here: vault, configuration, folders, clock, providers
    Doctor(Doctor),
    /// Exercise refresh: break it on purpose, see who is at fault, and foresee a policy
    #[command(subcommand, after_help = "Example:\n  latchkey lab simulate work --life train")]
    Lab(Lab),
    /// Print the script by which a shell completes commands and accounts
    Completions(Completions),
    /// Write the manual pages into a folder
    #[cfg(feature = "manual")]
    Manual(Manual),
    /// Run the development backend: a REST login and an OpenID provider with short-lived, rotating tokens
    #[cfg(feature = "devserver")]
    Devserver(Devserver),
}

/// What can be tried out.
#[derive(Subcommand)]
pub(crate) enum Lab {
    /// Foresee a month under an account's policy: when somebody would be signed out, and why
    Simulate(Box<Simulate>),
    #[cfg(feature = "devserver")]
    #[command(flatten)]
    Exercise(Exercise),
}

/// What can be done about accounts.
#[derive(Subcommand)]
pub(crate) enum Accounts {
    /// Add an account to the configuration
    Add(Box<AddAccount>),
    /// List the accounts
    #[command(after_help = "Example:\n  latchkey accounts list --json")]
    List {
        /// As a JSON list
        #[arg(long)]
        json: bool,
    },
    /// Show how an account is configured
    #[command(after_help = "Example:\n  latchkey accounts show work")]
    Show {
        /// Which one
        #[arg(value_name = "NAME")]
        account: AccountName,
        /// As a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Ask an account's authorization server what it can do, and whether it fits the account
    #[command(after_help = "Example:\n  latchkey accounts check work")]
    Check {
        /// Which one
        #[arg(value_name = "NAME")]
        account: AccountName,
        /// As a JSON object
        #[arg(long)]
        json: bool,
    },
    /// Say which hosts an account's tokens are for, as git and Docker ask for them
    Hosts(Hosts),
    /// Sign out of an account, erase its tokens and forget how it signs in
    #[command(after_help = "Example:\n  latchkey accounts remove work --yes")]
    Remove {
        /// Which one
        #[arg(value_name = "NAME")]
        account: AccountName,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

/// `sign-in`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  latchkey sign-in work                 in the browser, or with a password
  latchkey sign-in work --device        with a code, on any device
  latchkey sign-in work --no-browser    prints the address of the page
  printf %s \"$PASSWORD\" | latchkey sign-in work --username me --password-stdin

Where no browser is opened, the address stands alone on a line of standard output (of standard error with --json), and \
is to be opened on this machine; everything else is said on standard error. Ctrl-C gives up.")]
pub(crate) struct SignIn {
    /// Which account
    pub(crate) account: AccountName,
    /// Who signs in, with user name and password; asked for on a terminal
    #[arg(long, value_name = "NAME")]
    pub(crate) username: Option<String>,
    /// Read the password from standard input instead of asking for it on the terminal
    #[arg(long, requires = "username")]
    pub(crate) password_stdin: bool,
    /// Take over the session cookie that a browser has, from standard input or asked for: for sites that sign in
    /// elsewhere
    #[arg(long, conflicts_with_all = ["username", "device", "no_browser"])]
    pub(crate) cookie: bool,
    /// Sign in with a code that is entered on any device
    #[arg(long, conflicts_with = "username")]
    pub(crate) device: bool,
    /// Print the address of the sign-in page instead of opening it
    #[arg(long, conflicts_with_all = ["username", "device"])]
    pub(crate) no_browser: bool,
    /// Show the address of a code's page as a QR code as well: on a terminal unless told
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = Qr::Auto)]
    pub(crate) qr: Qr,
    /// Print the session as a JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// When a QR code is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Qr {
    /// Where standard error is a terminal
    Auto,
    /// In any case
    Always,
    /// In no case
    Never,
}

/// `sign-out`.
#[derive(Args)]
#[command(after_help = "Examples:\n  latchkey sign-out work\n  latchkey sign-out --all")]
pub(crate) struct SignOut {
    /// Which account
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub(crate) account: Option<AccountName>,
    /// All of them
    #[arg(long)]
    pub(crate) all: bool,
}

/// `status`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  latchkey status
  latchkey status work --watch
  latchkey status --json | jq '.[] | {account, state}'

With --watch, a terminal shows a countdown until Ctrl-C; elsewhere each change is a line.")]
pub(crate) struct Status {
    /// Which account; all of them unless named
    pub(crate) account: Option<AccountName>,
    /// As a JSON list; with --watch one list on a line for each change
    #[arg(long)]
    pub(crate) json: bool,
    /// Keep watching
    #[arg(long)]
    pub(crate) watch: bool,
}

/// `renew`.
#[derive(Args)]
#[command(after_help = "Example:\n  latchkey renew work")]
pub(crate) struct Renew {
    /// Which account
    pub(crate) account: AccountName,
    /// Print the session as a JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// `doctor`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  latchkey doctor
  latchkey doctor --json | jq '.findings[] | select(.grade != \"ok\")'

It ends with 1 if anything is a problem, and with 0 if there are at most warnings.")]
pub(crate) struct Doctor {
    /// As a JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// `agent`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  latchkey agent
  latchkey agent --wait     # serves once the window is closed
  curl --unix-socket \"$XDG_RUNTIME_DIR/latchkey/agent.sock\" \\
      http://latchkey/v1/sessions

It prints its socket on its first line and ends with Ctrl-C. The window serves the same socket: one of them is enough.")]
pub(crate) struct Agent {
    /// Wait for the window or another agent to end instead of giving up, and serve from then on.
    #[arg(long)]
    pub(crate) wait: bool,
}

/// `devserver`.
#[cfg(feature = "devserver")]
#[derive(Args)]
#[command(after_help = "\
Examples:
  latchkey devserver
  latchkey devserver --access-lifetime 10s --grace 5s
  latchkey devserver --listen 127.0.0.1:0 --json

The user is `demo` with the password `demo`, the OAuth client is `latchkey`. Ctrl-C ends it.")]
pub(crate) struct Devserver {
    /// Where to listen; on this machine only, port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4180")]
    pub(crate) listen: std::net::SocketAddr,
    /// How long an access token lives
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration::parse_unsigned)]
    pub(crate) access_lifetime: std::time::Duration,
    /// How long a refresh token lives when nobody uses it
    #[arg(long, value_name = "DURATION", default_value = "30m", value_parser = duration::parse_unsigned)]
    pub(crate) refresh_lifetime: std::time::Duration,
    /// When a session ends, counted from the login
    #[arg(long, value_name = "DURATION", default_value = "8h", value_parser = duration::parse_unsigned)]
    pub(crate) session_lifetime: std::time::Duration,
    /// How long a replaced refresh token gets the same answer once more
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration::parse_unsigned)]
    pub(crate) grace: std::time::Duration,
    /// How long an app waits between two polls of a device code
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = duration::parse_unsigned)]
    pub(crate) device_interval: std::time::Duration,
    /// Break a rule that RFC 9700 asks a backend to keep (an unknown one lists them)
    #[arg(long, value_name = "RULE")]
    pub(crate) rule: Vec<latchkey_devserver::Rule>,
    /// Demand a nonce of this server in DPoP proofs
    #[arg(long)]
    pub(crate) require_dpop_nonce: bool,
    /// The file that keeps its sessions between runs (tokens as hashes only)
    #[arg(long, value_name = "FILE")]
    pub(crate) state: Option<std::path::PathBuf>,
    /// Print an object with url, issuer and users in place of the address, and the request log as JSON lines
    #[arg(long)]
    pub(crate) json: bool,
}

#[cfg(test)]
mod examples;
#[cfg(test)]
mod tests;
