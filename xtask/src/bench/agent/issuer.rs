//! An issuer of one token for all: a REST login for Latchkey, a token endpoint for the others. It gives everybody the
//! same, so that the programs are compared and not their backends.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use anyhow::{Context as _, Result};

/// How long its access tokens live, in seconds: nobody renews while it is measured.
const LIFETIME: u32 = 6 * 3600;
/// How long an access token is: as long as a usual JWT.
const TOKEN: usize = 900;

/// A server that runs until the program ends.
pub(super) struct Issuer {
    pub(super) url: String,
}

impl Issuer {
    pub(super) fn start() -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("no port for the issuer")?;
        let url = format!("http://{}", listener.local_addr()?);
        let own = url.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let url = own.clone();
                thread::spawn(move || answer_all(stream, &url));
            }
        });
        Ok(Self { url })
    }
}

/// Answers the requests of a connection; what is broken off ends it.
fn answer_all(stream: TcpStream, url: &str) -> Option<()> {
    let mut writer = stream.try_clone().ok()?;
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
        let mut length = 0;
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).ok().filter(|length| *length > 0)?;
            if header.trim().is_empty() {
                break;
            }
            let value = header.to_ascii_lowercase().strip_prefix("content-length:").map(str::to_owned);
            if let Some(value) = value {
                length = value.trim().parse().ok()?;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let said = if line.starts_with("GET") { metadata(url) } else { tokens() };
        let length = said.len();
        let head =
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n");
        writer.write_all(head.as_bytes()).ok()?;
        writer.write_all(said.as_bytes()).ok()?;
    }
}

fn metadata(url: &str) -> String {
    serde_json::json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/authorize"),
        "token_endpoint": format!("{url}/token"),
        "jwks_uri": format!("{url}/keys"),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "scopes_supported": ["openid", "offline_access"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
    })
    .to_string()
}

/// Everybody finds what they look for.
fn tokens() -> String {
    let token = "x".repeat(TOKEN);
    serde_json::json!({
        "access_token": token,
        "accessToken": token,
        "token_type": "Bearer",
        "expires_in": LIFETIME,
        "refresh_token": "refresh",
        "refreshToken": "refresh",
    })
    .to_string()
}
