//! The command lines by which other programs get tokens.

use clap::{Args, Subcommand, ValueEnum};
use jiff::SignedDuration;
use latchkey_core::account::AccountName;

use crate::duration;

/// The variable in which `exec` says when the token expires.
pub(crate) const EXPIRES_AT: &str = "LATCHKEY_EXPIRES_AT";

/// `token`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  latchkey token work --output header | curl -H @- https://api.example.com/me
  latchkey token work --min-valid 5m --output json
  latchkey token cluster --output kubernetes    as `command` in a kubeconfig

git and Docker ask by themselves once an account has hosts: see `latchkey credential --help`. \
AWS does not take such a token: its `credential_process` wants keys, which only AWS hands out for one.")]
pub(crate) struct Token {
    /// Which account
    pub(crate) account: AccountName,
    /// How long it must stay valid, 30s unless given; counts for at most half of its lifetime
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) min_valid: Option<SignedDuration>,
    /// How long to wait for one
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration::parse)]
    pub(crate) wait: SignedDuration,
    /// In which form
    #[arg(long, value_enum, default_value_t = TokenForm::Raw)]
    pub(crate) output: TokenForm,
}

/// In which form a token is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TokenForm {
    /// The token and nothing else
    Raw,
    /// An `Authorization` header
    Header,
    /// An object with access_token, token_type, expires_at and account
    Json,
    /// An ExecCredential, as kubectl takes it from a credential plugin
    Kubernetes,
    /// Lines as git takes them from a credential helper
    Git,
    /// An object as Docker takes it from a credential helper
    Docker,
}

/// `accounts hosts`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  latchkey accounts hosts work git.example.com registry.example.com:5000
  latchkey accounts hosts work gitlab.com/acme --user oauth2
  latchkey accounts hosts work --none

What is named replaces what was there; without any it is shown. The closest path decides between accounts.")]
pub(crate) struct Hosts {
    /// Which account
    #[arg(value_name = "NAME")]
    pub(crate) account: AccountName,
    /// A host, with a port or a path where that matters
    #[arg(value_name = "HOST", id = "hosts")]
    pub(crate) named: Vec<String>,
    /// The user name that they want beside the token: oauth2 unless set
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// For no host any more
    #[arg(long, conflicts_with_all = ["hosts", "user"])]
    pub(crate) none: bool,
}

/// `credential`.
#[derive(Subcommand)]
#[command(after_help = "\
Example:
  ln -s \"$(command -v latchkey)\" ~/.local/bin/git-credential-latchkey
  git config --global credential.https://git.example.com.helper latchkey
  latchkey accounts hosts work git.example.com

These are asked by other programs, not by people. Under the name git-credential-latchkey or docker-credential-latchkey \
(a link to this program) it acts in the same way.")]
pub(crate) enum Credential {
    /// As git's credential helper (gitcredentials(7))
    Git(GitHelper),
    /// As Docker's credential helper
    #[command(after_help = "Example:\n  echo registry.example.com:5000 | latchkey credential docker get")]
    Docker {
        /// What is asked
        #[arg(value_enum)]
        action: DockerAction,
    },
}

/// `credential git`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  git config credential.https://git.example.com.helper \\
      '!latchkey credential git --account work'
  printf 'protocol=https\\nhost=example.com\\n\\n' | latchkey credential git get")]
pub(crate) struct GitHelper {
    /// Whose token, whatever the host; by the hosts of the accounts unless given
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) account: Option<AccountName>,
    /// What is asked: get, store or erase; others that git may come up with are answered with nothing
    #[arg(value_name = "ACTION")]
    pub(crate) action: GitAction,
}

/// What git asks of a helper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GitAction {
    /// A name and a secret.
    Get,
    /// Those worked; nothing has to be kept.
    Store,
    /// Those did not work.
    Erase,
    /// Something newer: a helper must not fail over it (gitcredentials(7)).
    Other,
}

impl std::str::FromStr for GitAction {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "get" => Self::Get,
            "store" => Self::Store,
            "erase" => Self::Erase,
            _ => Self::Other,
        })
    }
}

/// What Docker asks of a helper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DockerAction {
    /// The secret for a server
    Get,
    /// Keep a secret: refused, since tokens come from accounts
    Store,
    /// Forget a server's secret: nothing is, since none was kept
    Erase,
    /// Which servers there are secrets for
    List,
    /// Which version answers
    Version,
}

/// `exec`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  latchkey exec work -- terraform apply
  latchkey exec work --env GITLAB_TOKEN -- glab repo list

The token stands in LATCHKEY_ACCESS_TOKEN, and when it expires in LATCHKEY_EXPIRES_AT (RFC 3339); every other variable \
that begins with LATCHKEY_ is left out. It is not renewed while the program runs: for longer than its lifetime, use \
`latchkey proxy`, or let the program ask again. Exit codes and signals are the program's own; 126 and 127 mean that it \
could not be run or was not found.")]
pub(crate) struct Exec {
    /// Which account
    pub(crate) account: AccountName,
    /// The variable that holds the token
    #[arg(long, value_name = "NAME", default_value = "LATCHKEY_ACCESS_TOKEN", value_parser = variable)]
    pub(crate) env: String,
    /// How long the token must stay valid, 30s unless given; counts for at most half of its lifetime
    #[arg(long, value_name = "DURATION", value_parser = duration::parse)]
    pub(crate) min_valid: Option<SignedDuration>,
    /// How long to wait for one
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = duration::parse)]
    pub(crate) wait: SignedDuration,
    /// The program and its arguments
    #[arg(value_name = "COMMAND", required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub(crate) command: Vec<std::ffi::OsString>,
}

/// `proxy`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  latchkey proxy work --upstream https://api.example.com/v1
  curl http://127.0.0.1:35817/qX2mTn4vR8sKdLw0aBcYzQ/me   as printed, and a path

The first line of standard output is the address to use: it holds the secret of this run, so whoever has it can act as \
the account until Ctrl-C. A program that cannot have it in its paths sends it as the header X-Latchkey-Proxy. Requests are \
streamed, WebSockets and server-sent events too; one that is refused (401) is sent again after a renewal if it has no \
body or a small one. Bound tokens (DPoP) get a proof for each request. Redirects are not followed.")]
pub(crate) struct Proxy {
    /// Which account
    pub(crate) account: AccountName,
    /// Where requests go (https, or http to this machine); a path is put before theirs
    #[arg(long, value_name = "URL")]
    pub(crate) upstream: String,
    /// Where to listen; on this machine only, port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub(crate) listen: std::net::SocketAddr,
    /// Let every program of this machine use it, without a secret; web pages of other sites stay locked out
    #[arg(long)]
    pub(crate) open: bool,
}

/// A name as environments have them (POSIX.1 §8.1), of none that changes which code a program runs.
fn variable(text: &str) -> Result<String, String> {
    let head = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if !head || !text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err("a variable has letters, digits and `_`, and begins with no digit".to_owned());
    }
    if text == "PATH" || text.starts_with("LD_") || text.starts_with("DYLD_") {
        return Err("this variable decides which code runs".to_owned());
    }
    if text == EXPIRES_AT {
        return Err("this variable says when the token expires".to_owned());
    }
    Ok(text.to_owned())
}
