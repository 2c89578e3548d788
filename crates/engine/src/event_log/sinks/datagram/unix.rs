//! A datagram socket in the file system.

use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a daemon that reads nothing is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// Opened for the first datagram, and anew after a failure: the daemon may have been restarted.
pub(super) struct Socket {
    path: PathBuf,
    open: Option<UnixDatagram>,
}

impl Socket {
    pub(super) fn at(path: &Path) -> Self {
        Self { path: path.to_path_buf(), open: None }
    }

    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(open) = &self.open
            && open.send(bytes).is_ok()
        {
            return Ok(());
        }
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(PATIENCE))?;
        socket.connect(&self.path)?;
        self.open = None;
        socket.send(bytes)?;
        self.open = Some(socket);
        Ok(())
    }
}
