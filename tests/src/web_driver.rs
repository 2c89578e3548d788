//! WebKitWebDriver, which opens one browser or one app and drives its page.

use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use thirtyfour::Capabilities;
use thirtyfour::prelude::WebDriver;

use crate::address::Address;
use crate::desktop::Desktop;
use crate::process::{Process, print_into};
use crate::wait::{PATIENCE, until};

/// A session that cannot be created hangs, so it is given up.
const CREATION: Duration = Duration::from_secs(40);

/// A driver in a process of its own, which ends with it and takes along what it has opened.
pub(crate) struct Driver {
    process: Process,
    address: Address,
    printed: PathBuf,
}

impl Driver {
    /// Starts one on this desktop, which has a screen. What it and what it opens print goes into the desktop's file of
    /// this name.
    pub(crate) fn start(desktop: &Desktop, name: &str, prepare: impl FnOnce(&mut Command)) -> Self {
        let address = Address::of_its_own();
        let mut command = desktop.command("WebKitWebDriver");
        command.arg("--host=127.0.0.1").arg(format!("--port={}", address.at().port()));
        prepare(&mut command);
        print_into(&mut command, &desktop.out(name));
        let process = Process::start(command, "webkit2gtk-driver");
        until("WebKitWebDriver to listen", PATIENCE, || TcpStream::connect(address.at()).ok());
        Self { process, address, printed: desktop.out(name) }
    }

    /// Opens what is wanted.
    pub(crate) async fn open(&self, wanted: Capabilities) -> WebDriver {
        let url = format!("http://{}", self.address.at());
        let creation = WebDriver::builder(url, wanted).request_timeout(CREATION).connect();
        let printed = || std::fs::read_to_string(&self.printed).unwrap_or_default();
        tokio::time::timeout(CREATION, creation)
            .await
            .unwrap_or_else(|_| panic!("no page within {CREATION:?}\n{}", printed()))
            .unwrap_or_else(|error| panic!("no page: {error}\n{}", printed()))
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }
}
