//! The window's page without the app: its preview with pretended sessions and a clock that stands still, in the same
//! web engine. What it shows is the same at every run, so it can be compared.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;

use thirtyfour::Capabilities;
use thirtyfour::prelude::WebDriver;

use crate::desktop::Desktop;
use crate::wait::{PATIENCE, until_async};
use crate::web_driver::Driver;

/// The time at which the clock of every preview stands: Friday, 20 November 2026, 14:34:06 UTC.
pub const NOW: u64 = 1_795_185_246_000;

/// In a script of a page: what changes its look by and by has changed it. That ends with time, and with pictures that are drawn,
/// which a machine with much else to do may do late.
pub const SETTLE: &str = "void getComputedStyle(document.body).color; \
    for (const one of document.getAnimations()) if (one instanceof CSSTransition) one.finish();";

/// A browser with the preview in it.
pub struct Preview {
    page: Option<WebDriver>,
    address: String,
    /// Dies with the preview.
    _driver: Driver,
}

impl Preview {
    /// Opens the browser on this desktop, which has a screen.
    ///
    /// # Panics
    /// When the preview is not built or the browser does not open.
    pub async fn open(desktop: &Desktop) -> Self {
        let address = serve(&folder());
        let driver = Driver::start(desktop, "preview", |command| {
            command.env("TZ", "UTC").env("LANG", "C.UTF-8").env("LANGUAGE", "en_GB");
        });
        let page = driver.open(Capabilities::new()).await;
        Self { page: Some(page), address, _driver: driver }
    }

    /// The page.
    ///
    /// # Panics
    /// Never: it is there as long as the preview.
    pub fn page(&self) -> &WebDriver {
        self.page.as_ref().unwrap()
    }

    /// Goes to the preview with these settings (`scenario=waiting&theme=dark`), and waits until it stands.
    ///
    /// # Panics
    /// When it does not come.
    pub async fn show(&self, settings: &str) {
        let url = format!("{}/?now={NOW}&{settings}", self.address);
        self.page().goto(&url).await.unwrap();
        // It says so when the hand of the preview has done what the settings ask for.
        until_async(&format!("the preview of {settings}"), PATIENCE, async || {
            let script = "return document.documentElement.dataset.acted === 'yes'";
            self.page().execute(script, Vec::new()).await.ok()?.json().as_bool()?.then_some(())
        })
        .await;
    }

    /// Makes the page this large, whatever the browser has around it.
    ///
    /// # Panics
    /// When it stays otherwise.
    pub async fn resize(&self, width: u32, height: u32) {
        let size = async || {
            let script = "return [innerWidth, innerHeight, outerWidth, outerHeight]";
            let told = self.page().execute(script, Vec::new()).await.ok()?;
            let told: Vec<u32> = told
                .json()
                .as_array()?
                .iter()
                .filter_map(|number| number.as_u64()?.try_into().ok())
                .collect();
            <[u32; 4]>::try_from(told).ok()
        };
        let what = format!("the page to be {width} by {height}");
        let asked = std::cell::Cell::new(None);
        until_async(&what, PATIENCE, async || {
            let [inner_width, inner_height, outer_width, outer_height] = size().await?;
            if (inner_width, inner_height) == (width, height) {
                return Some(());
            }
            let outer = (
                (outer_width + width).saturating_sub(inner_width),
                (outer_height + height).saturating_sub(inner_height),
            );
            // Asked once for each size: it takes a moment to come.
            if asked.replace(Some(outer)) != Some(outer) {
                self.page().set_window_rect(0, 0, outer.0, outer.1).await.ok()?;
            }
            None
        })
        .await;
    }

    /// A picture of the page (PNG).
    ///
    /// # Panics
    /// When there is none.
    pub async fn picture(&self) -> Vec<u8> {
        // A picture shows what was drawn last, and nothing that is still on its way.
        let drawn = format!(
            "const done = arguments[0]; const frame = requestAnimationFrame; \
            document.activeElement?.blur?.(); \
            const settle = () => {{ {SETTLE} frame(() => frame(() => done())) }}; \
            document.fonts.ready.then(() => frame(() => frame(() => setTimeout(settle, 300))))"
        );
        self.page().execute_async(drawn, Vec::new()).await.unwrap();
        tokio::time::timeout(PATIENCE, self.page().screenshot_as_png())
            .await
            .expect("a picture in time")
            .unwrap()
    }
}

impl Drop for Preview {
    fn drop(&mut self) {
        if let Some(page) = self.page.take() {
            let _ = page.leak();
        }
    }
}

/// Where the preview is built.
///
/// # Panics
/// When it is not.
fn folder() -> PathBuf {
    let folder = crate::repository().join("ui/dist-fake");
    assert!(
        folder.join("index.html").is_file(),
        "the preview is not built: (cd ui && npm ci && npm run build:fake)"
    );
    folder
}

/// Serves the files of a folder on a loopback port for as long as the process lives.
fn serve(folder: &Path) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let folder = folder.to_owned();
    thread::spawn(move || {
        for connection in listener.incoming().flatten() {
            let folder = folder.clone();
            // Each by itself: a browser opens connections ahead of what it will ask for, if anything. One that goes away in
            // the middle needs no answer.
            thread::spawn(move || answer(&connection, &folder));
        }
    });
    address
}

fn answer(connection: &TcpStream, folder: &Path) -> std::io::Result<()> {
    let mut lines = BufReader::new(connection).lines();
    let first = lines.next().transpose()?.unwrap_or_default();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let path = first.split(' ').nth(1).unwrap_or("/").split('?').next().unwrap_or("/");
    let name = if path == "/" { "index.html" } else { path.trim_start_matches('/') };
    let body = if name.contains("..") { None } else { std::fs::read(folder.join(name)).ok() };
    let kind = match Path::new(name).extension().and_then(|ending| ending.to_str()) {
        Some("html") => "text/html",
        Some("js") => "text/javascript",
        Some("css") => "text/css",
        _ => "application/octet-stream",
    };
    let status = if body.is_some() { "200 OK" } else { "404 Not Found" };
    let body = body.unwrap_or_default();
    let mut connection = connection;
    write!(
        connection,
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )?;
    connection.write_all(&body)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_connection_on_which_nothing_is_asked_keeps_no_other_waiting() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("index.html"), "a page").unwrap();
        let address = serve(folder.path());
        let connect = || TcpStream::connect(address.strip_prefix("http://").unwrap()).unwrap();
        // A browser opens one ahead of what it will ask for.
        let _ahead = connect();
        let mut asks = connect();
        asks.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        asks.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        let mut answer = String::new();
        asks.read_to_string(&mut answer).unwrap();
        assert!(answer.ends_with("a page"), "{answer}");
    }
}
