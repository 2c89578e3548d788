//! Sites with NextAuth v4 and Auth.js v5 in processes of their own, with sessions that last seconds.
//!
//! They run from `tests/servers/na4` and `tests/servers/na5`, where `cargo xtask test` installs them and builds the first
//! (which Next needs). Each test starts its own, on a free port. Who signs in is `alice`.
//!
//! Worth knowing of these servers:
//! - Each reading of a session seals it anew and sets the cookie again, with an end that is `max_age` away. v4 seals the
//!   first cookie for 30 days whatever `max_age` is; its `Expires` is right.
//! - Neither keeps anything: a copy of a cookie is good until its own end, whatever became of the original.
//! - v5 takes a cookie up to 15 s after its end.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use latchkey_core::account::AccountName;
use latchkey_core::policy::Policy;
use latchkey_engine::config::{AccountConfig, Hosts, NextauthConfig, ProviderConfig};
use latchkey_engine::http::{Http, Request};

use crate::address::Address;
use crate::process::Process;
use crate::wait::until_async;

/// Alice's password.
pub const PASSWORD: &str = "LKCANARY-correct-horse-battery-staple-1";

/// What the sites seal their cookies with.
pub const SITE_SECRET: &str = "loopback-secret-of-a-test-site";

/// How long a site may take to start: Next reads many files first.
const START: Duration = Duration::from_mins(2);

/// Which one a site runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// `next-auth` 4 on Next.
    V4,
    /// `@auth/core` 0.41 on Express.
    V5,
}

/// What a site is like.
#[derive(Clone, Copy, Debug)]
pub struct SiteSettings {
    /// How long a session lives; whole seconds.
    pub max_age: Duration,
    /// Whether its end is fixed at the sign-in.
    pub fixed_end: bool,
    /// How long access tokens of its backend live, whose refresh tokens rotate inside the cookie; none without one.
    pub backend_lifetime: Option<Duration>,
}

impl Default for SiteSettings {
    fn default() -> Self {
        Self { max_age: Duration::from_mins(30), fixed_end: false, backend_lifetime: None }
    }
}

/// A running site.
pub struct SiteServer {
    url: String,
    _process: Process,
    /// Next's; the other one says where it listens.
    _address: Address,
}

impl SiteServer {
    /// Starts one. Once this returns, it answers.
    ///
    /// # Panics
    /// When it does not start; the message says what to install.
    pub async fn start(version: Version, settings: SiteSettings) -> Self {
        let mut command = Command::new("node");
        command
            .env("SITE_SECRET", SITE_SECRET)
            .env("SITE_PASSWORD", PASSWORD)
            .env("SESSION_MAX_AGE", settings.max_age.as_secs().to_string())
            .env("SESSION_STATIC", if settings.fixed_end { "1" } else { "0" })
            .env("BACKEND_LIFETIME", settings.backend_lifetime.unwrap_or_default().as_secs().to_string())
            .env("NEXT_TELEMETRY_DISABLED", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let address = Address::of_its_own();
        let (url, process) = match version {
            Version::V4 => start_next(command, &address),
            Version::V5 => start_express(command),
        };
        let http = Http::new().unwrap();
        let path = if version == Version::V4 { "/api/auth/csrf" } else { "/auth/csrf" };
        let asked = format!("{url}{path}").parse().unwrap();
        until_async(&format!("{version:?} answers"), START, async || {
            http.send(Request::get(&asked)).await.ok().filter(|reply| reply.status == 200)
        })
        .await;
        Self { url, _process: process, _address: address }
    }

    /// Where it is, without a slash at the end.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// An account of it, as `accounts add` would write it down.
    pub fn account(&self) -> AccountConfig {
        AccountConfig {
            consent: latchkey_engine::config::Consent::Open,
            name: AccountName::new("shop").unwrap(),
            provider: ProviderConfig::Nextauth(Arc::new(NextauthConfig::of_site(self.url.parse().unwrap()))),
            policy: Policy::default(),
            devserver: false,
            debug: false,
            on_event: Vec::new(),
            hosts: Hosts::default(),
        }
    }
}

/// Next says nothing that a program could read, and its address stands in the cookies: it is chosen before.
fn start_next(mut command: Command, address: &Address) -> (String, Process) {
    let folder = installed("na4", "next-auth");
    let next = folder.join("node_modules/next/dist/bin/next");
    assert!(folder.join(".next/BUILD_ID").is_file(), "the site is not built: `cargo xtask test` does that");
    let url = format!("http://{}", address.at());
    command.current_dir(&folder).arg(next).args([
        "start",
        "-H",
        "127.0.0.1",
        "-p",
        &address.at().port().to_string(),
    ]);
    command.env("NEXTAUTH_URL", &url).stdout(Stdio::null());
    (url, Process::start(command, "nodejs"))
}

fn start_express(mut command: Command) -> (String, Process) {
    let folder = installed("na5", "@auth/express");
    command.arg(folder.join("server.mjs"));
    let mut process = Process::start(command, "nodejs");
    let mut line = String::new();
    BufReader::new(process.child().stdout.take().unwrap()).read_line(&mut line).unwrap();
    let url = line.trim().strip_prefix("ready ").unwrap_or_else(|| panic!("the site did not start: {line}"));
    (url.to_owned(), process)
}

fn installed(folder: &str, package: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("servers").join(folder);
    let there = folder.join("node_modules").join(package).is_dir();
    assert!(
        there,
        "{package} is not installed: run `npm ci` in {} (`cargo xtask test` does)",
        folder.display()
    );
    folder
}
