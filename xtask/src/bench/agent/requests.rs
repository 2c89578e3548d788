//! How many tokens a second, and what a round trip over a Unix socket takes at the least.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::{ACCOUNT, Agent};
use crate::clock::Stopwatch;

/// How long requests are counted.
const COUNTED: Duration = Duration::from_secs(5);
/// How many of them are under way at once.
const AT_ONCE: usize = 4;

/// Microseconds.
pub(super) struct Micros(f64);

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} µs (median)", self.0)
    }
}

/// A byte there and back, over a connection that stands.
pub(super) fn round_trip(folder: &Path) -> Result<Micros> {
    let path = folder.join("echo.sock");
    let listener = UnixListener::bind(&path)?;
    thread::spawn(move || {
        let Ok((mut stream, _)) = listener.accept() else { return };
        let mut byte = [0];
        while stream.read_exact(&mut byte).is_ok() && stream.write_all(&byte).is_ok() {}
    });
    let mut stream = UnixStream::connect(&path)?;
    let mut times = Vec::new();
    for _ in 0..20_000 {
        let watch = Stopwatch::start();
        stream.write_all(&[1])?;
        stream.read_exact(&mut [0])?;
        times.push(watch.elapsed());
    }
    times.sort_unstable();
    Ok(Micros(times.get(times.len() / 2).map_or(f64::NAN, |time| time.as_secs_f64() * 1e6)))
}

/// Tokens a second with the agent on one core: over connections that stand, and with a new one for each.
pub(super) fn rates(agent: &Agent) -> Result<Vec<(&'static str, f64)>> {
    pin(agent.pid, "0")?;
    pin(std::process::id(), "1")?;
    let outcome = [("over connections that stand", true), ("with a connection for each", false)]
        .into_iter()
        .map(|(what, stands)| Ok((what, rate(agent, stands)?)))
        .collect();
    pin(agent.pid, "0-1")?;
    pin(std::process::id(), "0-1")?;
    outcome
}

/// Keeps a process on these cores.
fn pin(pid: u32, cores: &str) -> Result<()> {
    let pinned = Command::new("taskset").args(["-a", "-cp", cores, &pid.to_string()]).output();
    if !pinned.context("taskset cannot be started")?.status.success() {
        bail!("process {pid} cannot be kept on core {cores}");
    }
    Ok(())
}

fn rate(agent: &Agent, stands: bool) -> Result<f64> {
    let watch = Stopwatch::start();
    let asking = (0..AT_ONCE).map(|_| {
        let socket = agent.socket();
        thread::spawn(move || {
            let (mut count, mut stream) = (0_u32, UnixStream::connect(&socket)?);
            while !watch.passed(COUNTED) {
                if !stands {
                    stream = UnixStream::connect(&socket)?;
                }
                token(&mut stream)?;
                count += 1;
            }
            Ok::<_, anyhow::Error>(count)
        })
    });
    let mut all = 0;
    for thread in asking.collect::<Vec<_>>() {
        all += thread.join().ok().context("a thread that asked has died")??;
    }
    Ok(f64::from(all) / watch.elapsed().as_secs_f64())
}

/// Asks for a token, and reads the answer to its end.
fn token(stream: &mut UnixStream) -> Result<()> {
    let request =
        format!("POST /v1/sessions/{ACCOUNT}/token HTTP/1.1\r\nhost: latchkey\r\ncontent-length: 0\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let (mut read, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let length = stream.read(&mut part)?;
        if length == 0 {
            bail!("the agent broke off");
        }
        read.extend_from_slice(part.get(..length).unwrap_or_default());
        let text = String::from_utf8_lossy(&read);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        if !head.starts_with("HTTP/1.1 200") {
            bail!("the agent said {}", head.lines().next().unwrap_or_default());
        }
        let whole = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        if whole == Some(body.len()) {
            return Ok(());
        }
    }
}
