//! Whether the app of a release stays closed to a variable that would let others into its page, tried on the program
//! that was built: `src-tauri/src/environment.rs` decides it when the program is compiled, so no test of another build
//! shows it.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::desktop::Desktop;
use crate::painted::painted;
use crate::say;
use crate::workspace::{Workspace, fresh_private_folder};

use super::Build;

/// Opens the app with `WebKit`'s remote inspection asked for, and looks whether anybody listens where it would be. A debug
/// build has to be open: otherwise the look would find nothing anywhere.
pub(super) fn check(workspace: &Workspace, app: &Path, build: Build) -> Result<()> {
    let desktop = Desktop::start(&workspace.target.join("release-check"))?;
    let folders = desktop.runtime().join("app");
    fresh_private_folder(&folders)?;
    let address = free_address()?;
    let asked_for = address.to_string();
    let variables =
        [("WEBKIT_INSPECTOR_HTTP_SERVER", asked_for.as_str()), ("TAURI_WEBVIEW_AUTOMATION", "true")];
    let (mut app, _) = painted(&desktop, &folders, app, &variables)?;
    let open = TcpStream::connect_timeout(&address, Duration::from_secs(2)).is_ok();
    app.stop();
    match (build, open) {
        (Build::Release, true) => {
            bail!("the release lets others inspect its page: WEBKIT_INSPECTOR_HTTP_SERVER")
        }
        (Build::Debug, false) => {
            bail!("nobody listens for inspection in a debug build, so the check finds nothing")
        }
        (Build::Release, false) => {
            say::line("  the app ignores variables that would open its page to others");
        }
        (Build::Debug, true) => say::line("  the app honours the variables that tests open its page with"),
    }
    Ok(())
}

/// Where nobody listens at the moment.
fn free_address() -> Result<SocketAddr> {
    TcpListener::bind(("127.0.0.1", 0)).and_then(|free| free.local_addr()).context("no free port")
}
