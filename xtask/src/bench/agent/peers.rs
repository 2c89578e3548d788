//! The other programs, where they are installed: started, signed in to the issuer, and asked for a token once.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};

use super::issuer::Issuer;
use crate::bench::desktop::family;
use crate::clock;
use crate::process::{self, Group};

/// A program that keeps tokens, running and signed in.
pub(super) struct Peer {
    pub(super) name: &'static str,
    /// What gets a token from it.
    pub(super) program: String,
    pub(super) arguments: Vec<String>,
    pub(super) environment: Vec<(String, String)>,
    /// What stays in memory.
    pub(super) pids: Vec<u32>,
    /// Stopped when this is dropped.
    _group: Option<Group>,
}

impl Peer {
    /// What gets a token from it, as a command.
    pub(super) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).envs(self.environment.iter().cloned());
        command
    }
}

/// oidc-agent, in the foreground, with an account whose file is made on the way.
pub(super) fn oidc_agent(issuer: &Issuer, folder: &Path) -> Result<Option<Peer>> {
    if process::answer(Command::new("oidc-agent").arg("--version")).is_none() {
        return Ok(None);
    }
    let passphrase = folder.join("passphrase");
    std::fs::write(&passphrase, "none\n")?;
    let config = ("OIDC_CONFIG_DIR".to_owned(), folder.display().to_string());
    let socket = folder.join("agent.sock");
    let mut command = Command::new("oidc-agent");
    command.arg("-d").arg("-a").arg(&socket).env(&config.0, &config.1);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut group = Group::spawn("oidc-agent", &mut command)?;
    for _ in 0..100 {
        if socket.exists() {
            break;
        }
        clock::pause(std::time::Duration::from_millis(100));
    }
    let environment = vec![config, ("OIDC_SOCK".to_owned(), socket.display().to_string())];
    let made = Command::new("oidc-gen")
        .args(["bench", "--client-id=latchkey", "--client-secret=none", "--rt=refresh", "--confirm-default"])
        .args([
            "--redirect-uri=http://localhost:47380/callback",
            "--scope=openid offline_access",
            "--no-url-call",
        ])
        .arg(format!("--issuer={}/", issuer.url))
        .arg(format!("--pw-file={}", passphrase.display()))
        .envs(environment.iter().cloned())
        .stdin(Stdio::null())
        .output()?;
    if !made.status.success() {
        bail!("oidc-gen: {}", String::from_utf8_lossy(&made.stderr).trim());
    }
    let pids = family(group.child().id());
    let program = "oidc-token".to_owned();
    let arguments = vec!["bench".to_owned()];
    Ok(Some(Peer { name: "oidc-token", program, arguments, environment, pids, _group: Some(group) }))
}

/// pizauth, in the foreground. Its sign-in page leads straight back.
pub(super) fn pizauth(issuer: &Issuer, folder: &Path) -> Result<Option<Peer>> {
    if process::answer(Command::new("pizauth").arg("--help")).is_none() && !process::on_path("pizauth") {
        return Ok(None);
    }
    let config = folder.join("pizauth.conf");
    let url = &issuer.url;
    let text = format!(
        "account \"bench\" {{\n  auth_uri = \"{url}/authorize\";\n  token_uri = \"{url}/token\";\n  \
         client_id = \"latchkey\";\n  scopes = [\"offline_access\"];\n}}\n"
    );
    std::fs::write(&config, text)?;
    let environment: Vec<_> = ["XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "HOME"]
        .map(|name| (name.to_owned(), folder.display().to_string()))
        .into();
    let mut command = Command::new("pizauth");
    command.args(["server", "-d", "-c"]).arg(&config).envs(environment.iter().cloned());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut group = Group::spawn("pizauth", &mut command)?;
    let pid = group.child().id();
    let show = || Command::new("pizauth").args(["show", "bench"]).envs(environment.iter().cloned()).output();
    for _ in 0..50 {
        let shown = show()?;
        if shown.status.success() {
            let arguments = vec!["show".to_owned(), "bench".to_owned()];
            let program = "pizauth".to_owned();
            let name = "pizauth show";
            return Ok(Some(Peer {
                name,
                program,
                arguments,
                environment,
                pids: vec![pid],
                _group: Some(group),
            }));
        }
        let said = String::from_utf8_lossy(&shown.stderr).into_owned();
        if let Some(page) = said.split_whitespace().find(|word| word.contains("/authorize?")) {
            let _ = come_back(page);
        }
        clock::pause(std::time::Duration::from_millis(200));
    }
    bail!("pizauth got no token in ten seconds")
}

/// Does what a sign-in page does in the end: sends the browser back with a code.
fn come_back(page: &str) -> Option<()> {
    let query = page.split_once('?')?.1;
    let value = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
    let redirect = value("redirect_uri")?.replace("%3A", ":").replace("%2F", "/");
    let address = redirect.split_once("//")?.1;
    let (host, path) = address.split_once('/').unwrap_or((address, ""));
    let mut stream = TcpStream::connect(host).ok()?;
    let request = format!("GET /{path}?code=code&state={} HTTP/1.1\r\nhost: {host}\r\n\r\n", value("state")?);
    stream.write_all(request.as_bytes()).ok()?;
    stream.read(&mut [0; 256]).ok().map(|_| ())
}
