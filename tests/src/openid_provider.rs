//! node-oidc-provider in a process of its own: a certified OpenID provider that nobody here wrote.
//!
//! It runs from `tests/servers/op`, where `cargo xtask test` installs it. Each test starts its own, on a free port, with
//! the [`Settings`] it needs, and may plan [`OpFault`]s. The server keeps its state in memory and tells each
//! [`OpEvent`], so that a test can count refreshes and see the inner reason of a refusal, which the client never sees.
//!
//! Worth knowing of this server:
//! - It compares redirect URIs as RFC 8252 §7.3 asks: any port, but no other path; another path is refused with a page
//!   (400), not with a redirect. A client whose path depends on the issuer is registered once the issuer is known, with
//!   [`OpenIdProvider::register_redirect_path`].
//! - A refresh token comes only with `scope=offline_access` and `prompt=consent` ([`Settings::always_refresh`] is more
//!   generous).
//! - A JWT access token is bound to a resource, and the user info endpoint refuses it.
//! - A device code that is polled once more after its success takes the whole family with it.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::json;
use tempfile::TempDir;

use crate::process::Process;

/// The client that is registered: public, native, without a secret.
pub const CLIENT_ID: &str = "latchkey";

/// The longest that a request to the fault control may take.
const CONTROL_PATIENCE: Duration = Duration::from_secs(10);

/// What the server is like.
#[derive(Clone, Debug, Serialize)]
pub struct Settings {
    /// How long access and ID tokens live; whole seconds.
    #[serde(serialize_with = "seconds")]
    pub access_lifetime: Duration,
    /// How long a refresh token and the person's session in the browser live; whole seconds.
    #[serde(serialize_with = "seconds")]
    pub refresh_lifetime: Duration,
    /// How long a device code lives; whole seconds.
    #[serde(serialize_with = "seconds")]
    pub device_lifetime: Duration,
    /// Whether each refresh replaces the refresh token. Reuse detection comes with it.
    pub rotate: bool,
    /// Whether a refresh token is issued also without `offline_access`.
    pub always_refresh: bool,
    /// What access tokens look like.
    pub access_tokens: AccessTokens,
    /// Proof of possession (RFC 9449).
    pub dpop: Support,
    /// Pushed authorization requests (RFC 9126).
    pub par: Support,
    /// Whether there is a device flow (RFC 8628).
    pub device: bool,
    /// What ID tokens are signed with: `RS256`, `PS256`, `ES256` or `EdDSA`.
    pub id_token_algorithm: &'static str,
    /// The registered redirect paths, on 127.0.0.1, \[::1\] and localhost, for any port.
    pub redirect_paths: Vec<String>,
    /// The registered paths to come back to after a sign-out, likewise.
    pub post_logout_paths: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            access_lifetime: Duration::from_mins(1),
            refresh_lifetime: Duration::from_hours(24),
            device_lifetime: Duration::from_mins(10),
            rotate: true,
            always_refresh: false,
            access_tokens: AccessTokens::Opaque,
            dpop: Support::Off,
            par: Support::Off,
            device: true,
            id_token_algorithm: "RS256",
            redirect_paths: vec!["/callback".to_owned()],
            post_logout_paths: vec!["/signed-out".to_owned()],
        }
    }
}

/// What access tokens look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessTokens {
    /// Random characters.
    Opaque,
    /// JWTs (RFC 9068) for the resource `urn:latchkey:api`.
    Jwt,
}

/// How much the server makes of an extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Support {
    /// It does not know it, and its metadata do not name it.
    Off,
    /// The client may use it.
    Allowed,
    /// The client has to use it.
    Required,
}

fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(time.as_secs())
}

/// Something that goes wrong at one path, by default at the next request only.
#[derive(Clone, Debug, Serialize)]
pub struct OpFault {
    path: String,
    #[serde(flatten)]
    mode: FaultMode,
    count: i32,
}

/// What goes wrong. See `tests/servers/op/faults.mjs`.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
enum FaultMode {
    Status { status: u16, headers: serde_json::Map<String, serde_json::Value>, body: Option<String> },
    Delay { ms: u64 },
    Drop,
    Cut,
    Html,
}

impl OpFault {
    fn new(path: &str, mode: FaultMode) -> Self {
        Self { path: path.to_owned(), mode, count: 1 }
    }

    /// This status with an OAuth error, and nothing is processed.
    pub fn status(path: &str, status: u16) -> Self {
        Self::new(path, FaultMode::Status { status, headers: serde_json::Map::new(), body: None })
    }

    /// The same with `Retry-After` in seconds.
    pub fn retry_after(path: &str, status: u16, seconds: u64) -> Self {
        let headers = [("retry-after".to_owned(), json!(seconds.to_string()))].into_iter().collect();
        Self::new(path, FaultMode::Status { status, headers, body: None })
    }

    /// This status with this body, and nothing is processed.
    pub fn body(path: &str, status: u16, body: &str) -> Self {
        let body = Some(body.to_owned());
        Self::new(path, FaultMode::Status { status, headers: serde_json::Map::new(), body })
    }

    /// The true reply, this much later.
    pub fn delay(path: &str, time: Duration) -> Self {
        let ms = time.as_millis().try_into().unwrap_or(u64::MAX);
        Self::new(path, FaultMode::Delay { ms })
    }

    /// The request is processed, a token is rotated, and the reply never leaves.
    pub fn drop_reply(path: &str) -> Self {
        Self::new(path, FaultMode::Drop)
    }

    /// The connection ends before anything is processed.
    pub fn cut(path: &str) -> Self {
        Self::new(path, FaultMode::Cut)
    }

    /// 200 with a page, as a captive portal sends it; nothing is processed.
    pub fn html(path: &str) -> Self {
        Self::new(path, FaultMode::Html)
    }

    /// At so many requests.
    #[must_use]
    pub fn times(self, count: u16) -> Self {
        Self { count: count.into(), ..self }
    }

    /// Until [`OpenIdProvider::clear_faults`].
    #[must_use]
    pub fn always(self) -> Self {
        Self { count: -1, ..self }
    }
}

/// Something the server noticed: a request, or what came of it. Absent fields have no meaning for the event.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct OpEvent {
    /// Epoch milliseconds by its clock.
    pub at: i64,
    /// `request`, `grant.success`, `grant.error`, `grant.revoked`, `authorization.error`, `refresh_token.saved`,
    /// `refresh_token.consumed`, `end_session.success` or `server_error`.
    pub event: String,
    /// The request's method.
    pub method: Option<String>,
    /// The request's path, without the query.
    pub path: Option<String>,
    /// The fault that struck it.
    pub fault: Option<String>,
    /// `authorization_code`, `refresh_token` or the URN of the device flow.
    pub grant_type: Option<String>,
    /// The error the client was told.
    pub error: Option<String>,
    /// The reason the client was not told, such as `refresh token already used`.
    pub detail: Option<String>,
    /// The first characters of the token's or grant's inner id.
    pub id: Option<String>,
    /// How often the refresh token was rotated before.
    pub rotations: Option<u32>,
}

/// A running server. Dropping it ends its process.
#[derive(Debug)]
pub struct OpenIdProvider {
    issuer: String,
    folder: TempDir,
    _process: Process,
}

#[derive(Deserialize)]
struct Ready {
    issuer: String,
}

impl OpenIdProvider {
    /// Starts one. Once this returns, requests are answered.
    ///
    /// # Panics
    /// When it does not start; the message says what it printed, or what to install.
    pub fn start(settings: &Settings) -> Self {
        let server = Path::new(env!("CARGO_MANIFEST_DIR")).join("servers/op");
        assert!(
            server.join("node_modules/oidc-provider").is_dir(),
            "node-oidc-provider is not installed: run `npm ci` in {} (`cargo xtask test` does)",
            server.display()
        );
        let folder = tempfile::tempdir().unwrap();
        let complaints = folder.path().join("stderr");
        let mut command = Command::new("node");
        command
            .arg(server.join("server.mjs"))
            .arg(serde_json::to_string(settings).unwrap())
            .arg(events_in(folder.path()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&complaints).unwrap());
        let mut process = Process::start(command, "nodejs");
        let mut line = String::new();
        BufReader::new(process.child().stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Ready = serde_json::from_str(&line).unwrap_or_else(|_| {
            panic!("the server did not start: {}", std::fs::read_to_string(&complaints).unwrap_or_default())
        });
        Self { issuer: ready.issuer, folder, _process: process }
    }

    /// Its issuer: the URL it listens at, without a slash at the end.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The URL of one of its paths: `/auth`, `/token`, `/me`, `/jwks`, `/request`, `/device`, `/device/auth`,
    /// `/token/revocation`, `/session/end`.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer)
    }

    /// What it noticed so far, oldest first. Whatever was answered is in it.
    ///
    /// # Panics
    /// When the record cannot be read.
    pub fn events(&self) -> Vec<OpEvent> {
        let text = std::fs::read_to_string(events_in(self.folder.path())).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
    }

    /// How many refreshes succeeded.
    pub fn refreshes(&self) -> usize {
        let refresh = |event: &OpEvent| {
            event.event == "grant.success" && event.grant_type.as_deref() == Some("refresh_token")
        };
        self.events().into_iter().filter(refresh).count()
    }

    /// How often this path was asked for.
    pub fn requests(&self, path: &str) -> usize {
        let to_path = |event: &OpEvent| event.event == "request" && event.path.as_deref() == Some(path);
        self.events().into_iter().filter(to_path).count()
    }

    /// The inner reasons of the refused token requests, oldest first.
    pub fn refusals(&self) -> Vec<String> {
        let refused = self.events().into_iter().filter(|event| event.event == "grant.error");
        refused.filter_map(|event| event.detail).collect()
    }

    /// Plans a fault. Several at one path strike one after the other.
    pub fn fault(&self, fault: &OpFault) {
        self.control("POST", "/__fault", &serde_json::to_string(fault).unwrap());
    }

    /// Takes back all faults.
    pub fn clear_faults(&self) {
        self.control("DELETE", "/__fault", "");
    }

    /// Registers one more redirect path, for the same hosts and any port.
    pub fn register_redirect_path(&self, path: &str) {
        self.control("POST", "/__redirect", &json!({ "path": path }).to_string());
    }

    /// Blocking and by hand: it takes a moment, and tests without a runtime need it too.
    fn control(&self, method: &str, path: &str, body: &str) {
        let address = self.issuer.trim_start_matches("http://");
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(CONTROL_PATIENCE)).unwrap();
        let length = body.len();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        assert!(reply.starts_with("HTTP/1.1 204 "), "the fault control answered: {reply}");
    }
}

fn events_in(folder: &Path) -> PathBuf {
    folder.join("events.jsonl")
}
