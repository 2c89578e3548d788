//! The embedded development backend: it signs made-up users in, rotates refresh tokens, detects their reuse,
//! goes wrong when told to, and says what it saw.
//!
//! Two kinds of people run it: developers who exercise refresh (`latchkey devserver`), and everyone who tries the
//! desktop app with its demo account. Tests embed it as well.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use latchkey_devserver::{DevServer, Fault, FaultMode, Options};
//!
//! let server = DevServer::start(Options { listen: "127.0.0.1:0".parse()?, ..Options::default() }).await?;
//! // The next rotation is done, but its reply never arrives.
//! server.faults().add(Fault::new("/auth/refreshToken", FaultMode::DropAfter))?;
//! // … sign in at server.url() as "demo" with the password "demo" …
//! for request in server.requests() {
//!     assert!(request.number > 0);
//! }
//! server.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! Where to look: `family` has the rules of rotation, `login` the endpoints, `request` the way of one request
//! (and where a fault steps in), `server` the connections.
//!
//! Invariants:
//! 1. It shares no code with the client it is there to test.
//! 2. It listens on loopback only, and answers only to a loopback host name.
//! 3. A refresh token is kept as its SHA-256 only. The one exception is the answer that a grace window repeats:
//!    it is held in memory, for that window.
//! 4. No token and no password reaches the request log, an error or a notice.
//! 5. What was decided is in the state file (where there is one) before the answer leaves.

mod backend;
mod clock;
mod control;
mod endpoint;
mod error;
mod family;
mod fault;
mod fault_reply;
mod keys;
mod login;
mod oidc;
mod options;
mod reply;
mod request;
mod request_log;
mod rotation;
mod server;
mod state_file;
#[cfg(test)]
mod tests;
mod token;

pub use error::StartError;
pub use fault::{Fault, FaultError, FaultMode, Faults};
pub use options::{Options, User};
pub use request_log::RequestRecord;
pub use server::DevServer;
