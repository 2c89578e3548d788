//! Why the server did not start, and what to do about it.

use std::{io, net::SocketAddr, path::PathBuf};

/// Why the dev server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// It hands tokens to everyone who can reach it, so others must not reach it.
    #[error("will not listen on {address}: only loopback addresses are allowed, such as 127.0.0.1:4180")]
    NotLoopback {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// Another program, often another dev server, has the port.
    #[error(
        "port {} is in use on {}: stop the program that holds it, or listen on another port (port 0 takes a free one)",
        .address.port(), .address.ip()
    )]
    PortInUse {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// The address could not be listened on for another reason.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// The state file is there but can neither be read nor put aside, or its folder cannot be written.
    #[error("cannot use the state file {}", .path.display())]
    State {
        /// The file that was asked for.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: io::Error,
    },
    /// An option outside its range.
    #[error("{0}")]
    Option(String),
    /// No signing key could be made.
    #[error("cannot make a signing key: {0}")]
    Key(String),
}
