//! The command line of the lab.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::SignedDuration;
use latchkey_core::account::AccountName;
use latchkey_devserver::{FaultMode, Rule};

use crate::duration;

/// What can be done in the lab.
#[derive(Subcommand)]
pub(crate) enum Exercise {
    /// List the scenarios that come with the program
    #[command(after_help = "Example:\n  latchkey lab list")]
    List {
        /// As a JSON list
        #[arg(long)]
        json: bool,
    },
    /// Print a scenario: a file to begin another one with
    #[command(after_help = "Example:\n  latchkey lab show double-spend > mine.toml")]
    Show {
        /// Which one
        #[arg(value_name = "SCENARIO")]
        name: String,
    },
    /// Play scenarios and say who did wrong: the client or the backend
    Run(Run),
    /// Measure what an account's backend does with refresh tokens, on a throw-away sign-in
    Profile(Profile),
    /// Plan a fault at a development backend or a lab proxy that runs
    Fault(PlanFault),
    /// List the faults that are planned
    #[command(after_help = "Example:\n  latchkey lab faults --url http://127.0.0.1:4190")]
    Faults {
        #[command(flatten)]
        at: At,
        /// As a JSON list
        #[arg(long)]
        json: bool,
    },
    /// Take back all faults that are planned
    #[command(after_help = "Example:\n  latchkey lab clear")]
    Clear {
        #[command(flatten)]
        at: At,
    },
    /// Put a proxy with faults before your own backend
    Proxy(LabProxy),
}

/// Which server with a test control.
#[derive(Args)]
pub(crate) struct At {
    /// The address of the development backend or the lab proxy
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:4180")]
    pub(crate) url: String,
}

/// Who signs in at a backend, where no one is asked.
#[derive(Args)]
pub(crate) struct Who {
    /// Who signs in; asked for on a terminal where that is needed
    #[arg(long, value_name = "NAME")]
    pub(crate) username: Option<String>,
    /// Read the password from standard input
    #[arg(long, requires = "username")]
    pub(crate) password_stdin: bool,
}

/// `lab run`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  latchkey lab run --all --account demo --report lab.html
  latchkey lab run double-spend lost-reply-grace
  latchkey lab run double-spend --rule reuse-accepted
  printf %s \"$PASSWORD\" | latchkey lab run --all --account work \\
      --username me --password-stdin --report junit.xml
  latchkey lab run --account work --contract backend.toml

Without an account, or with one of the development backend, client and backend run in virtual time and nothing is \
waited for; what that backend was told to do wrong (`latchkey devserver --rule`) is done here, too. The backend of any \
other account is put behind a proxy and played with in real time; scenarios that need a backend of the lab's own are \
then not played. Sign-ins are thrown away: the account's own session is not touched.

It ends with 0 if everybody did right, and with 1 if anybody did not.")]
pub(crate) struct Run {
    /// Which scenarios, by name
    #[arg(value_name = "SCENARIO", conflicts_with = "all")]
    pub(crate) names: Vec<String>,
    /// All that come with the program
    #[arg(long)]
    pub(crate) all: bool,
    /// A scenario of your own
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Vec<PathBuf>,
    /// Against whose backend; the lab's own unless named
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: Option<AccountName>,
    #[command(flatten)]
    pub(crate) who: Who,
    /// Write a report: a .html page, .json, or .xml for CI (JUnit); `json` or `junit` alone prints it
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Vec<PathBuf>,
    /// Let the lab's own backend break a rule, beside those of the account's development backend that runs
    #[arg(long, value_name = "RULE", value_parser = rule)]
    pub(crate) rule: Vec<Rule>,
    /// Measure the backend, and fail where it does not do what this file says
    #[arg(long, value_name = "FILE", requires = "account")]
    #[arg(conflicts_with_all = ["names", "all", "file", "report", "rule"])]
    pub(crate) contract: Option<PathBuf>,
}

/// `lab profile`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  latchkey lab profile work
  printf %s \"$PASSWORD\" | latchkey lab profile work \\
      --username me --password-stdin --json
  latchkey lab profile work --export backend.toml

It signs in several times, since some experiments end a session; the account's own session is not touched. The grace \
window it finds is kept with the account and used when a reply is lost.")]
pub(crate) struct Profile {
    /// Whose backend
    pub(crate) account: AccountName,
    #[command(flatten)]
    pub(crate) who: Who,
    /// As a JSON object
    #[arg(long)]
    pub(crate) json: bool,
    /// Write what was found as a contract for `lab run --contract`
    #[arg(long, value_name = "FILE")]
    pub(crate) export: Option<PathBuf>,
    /// How old a replaced token may get before it is not tried any more
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = duration::parse_unsigned)]
    pub(crate) grace_bound: std::time::Duration,
}

/// `lab fault`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  latchkey lab fault refresh status --status 503 --count 3
  latchkey lab fault refresh drop_after
  latchkey lab fault token clock_skew --ahead=-2h --count -1
  latchkey lab fault '*' html --probability 0.2 --count -1 --seed 7

ENDPOINT is a path, `*`, or a name: login, refresh, logout, me, discovery, jwks, authorize, par, device, token, revoke, \
userinfo, end_session.")]
pub(crate) struct PlanFault {
    /// Where it strikes
    #[arg(value_name = "ENDPOINT")]
    pub(crate) path: String,
    /// What goes wrong
    #[arg(value_name = "MODE", value_parser = mode)]
    pub(crate) mode: FaultMode,
    #[command(flatten)]
    pub(crate) at: At,
    /// The status of the reply
    #[arg(long)]
    pub(crate) status: Option<u16>,
    /// How long to wait first; between two bytes for `drip`
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) wait: Option<SignedDuration>,
    /// How many requests it strikes; -1 until it is cleared
    #[arg(long, default_value_t = 1, allow_hyphen_values = true)]
    pub(crate) count: i64,
    /// Which of the requests to come is the first
    #[arg(long, default_value_t = 1)]
    pub(crate) nth: u64,
    /// How likely it strikes each of them
    #[arg(long, default_value_t = 1.0)]
    pub(crate) probability: f64,
    /// What the probability is drawn from; drawn itself and printed unless given
    #[arg(long)]
    pub(crate) seed: Option<u32>,
    /// How far the server's clock is ahead, for `clock_skew`; negative for behind
    #[arg(long, value_name = "DURATION", value_parser = signed, allow_hyphen_values = true)]
    pub(crate) ahead: Option<SignedDuration>,
    /// A header of the reply
    #[arg(long, value_name = "NAME: VALUE")]
    pub(crate) header: Vec<String>,
    /// The body of the reply
    #[arg(long)]
    pub(crate) body: Option<String>,
}

/// `lab proxy`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  latchkey lab proxy --upstream https://login.example.com
  latchkey lab proxy --upstream https://login.example.com --tls --ca-file ca.pem
  latchkey lab fault refresh drop_after --url http://127.0.0.1:4190

Point a client at the printed address in the place of the backend: an issuer stays one, under the proxy's name. With \
--tls it listens with a certificate of an authority that is made now, for this machine's own names only, and trusted by \
nobody who is not given its file. Ctrl-C ends it.")]
pub(crate) struct LabProxy {
    /// The backend: scheme, host and port
    #[arg(long, value_name = "URL")]
    pub(crate) upstream: String,
    /// Where to listen; on this machine only, port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:4190")]
    pub(crate) listen: SocketAddr,
    /// Listen with TLS
    #[arg(long)]
    pub(crate) tls: bool,
    /// Where to write the certificate of its authority
    #[arg(long, value_name = "FILE", requires = "tls")]
    pub(crate) ca_file: Option<PathBuf>,
    /// Which path is called what in faults, where no discovery document says it: `refresh=/auth/refresh`
    #[arg(long, value_name = "NAME=PATH")]
    pub(crate) endpoint: Vec<String>,
    /// Print an object with url and authority, and what passes as JSON lines
    #[arg(long)]
    pub(crate) json: bool,
}

fn rule(name: &str) -> Result<Rule, String> {
    name.parse().map_err(|_| {
        let rules = Rule::ALL.map(|rule| format!("{rule} ({})", rule.about()));
        format!("there is no such rule; there are {}", rules.join(", "))
    })
}

fn mode(name: &str) -> Result<FaultMode, String> {
    FaultMode::ALL.iter().copied().find(|mode| mode.name() == name).ok_or_else(|| {
        let modes: Vec<_> = FaultMode::ALL.iter().map(|mode| mode.name()).collect();
        format!("there is no such mode; there are {}", modes.join(", "))
    })
}

fn signed(text: &str) -> Result<SignedDuration, String> {
    match text.strip_prefix('-') {
        Some(rest) => duration::parse(rest).map(|ahead| -ahead),
        None => duration::parse(text),
    }
}
