//! The embedded development backend: it signs made-up users in, over a REST login, as an OpenID provider and as a site
//! with cookie sessions like those of Auth.js, rotates refresh tokens, detects their reuse, goes wrong when told to, and says what it saw.
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
//! Where to look: `family` has the rules of rotation and `rotation` the exchange by them, `login` the REST login,
//! `oidc` the OpenID provider, `nextauth` the site with cookie sessions, `endpoint` the paths, `request` the way of one request (and where a fault steps in),
//! `server` the connections.
//!
//! # The OpenID provider
//!
//! Its issuer is [`DevServer::issuer`]; everything else is in its discovery document. There is one client, `latchkey`:
//! public, so without a secret, and at home at any `http` address of this machine, with any port and path. PKCE with
//! S256 is required, `offline_access` gets a refresh token, a DPoP proof binds the tokens to its key.
//!
//! A program can take the place of the person. The pages keep to this:
//!
//! - A page is HTML with status 200 and one `<form>`, sent as `application/x-www-form-urlencoded` to the path in its
//!   `action`. Send back each `<input type="hidden">` (values are escaped as in any HTML), and add `username`,
//!   `password` and the button that is pressed: `action=allow` or `action=deny`. Denying needs no name.
//! - Sign-in: open `GET /oauth/authorize` with the request; the hidden field is `interaction`. Allowing answers 302 to
//!   the `redirect_uri` with `code`, `state` and `iss`, denying the same with `error=access_denied`. A wrong password
//!   answers 403 with the form once more, and the same `interaction` goes on.
//! - Device: `POST /device` with `user_code`, `username`, `password` and `action` is enough, without opening a page
//!   before. It answers 200, 403 for a wrong password, 400 for a code that does not wait.
//! - Sign-out: open `GET /oauth/end_session`, send its form with `action=allow`. It answers 302 to the
//!   `post_logout_redirect_uri` with `state`, or 200 where there is none.
//! - A sign-in sets a cookie. Who sends it back is signed in: `GET /oauth/authorize` then answers 302 at once (unless
//!   `prompt` or `max_age` ask for more), and forms need no name and password. An `Origin` header, where there is
//!   one, must be that of this server.
//! - What cannot go on answers 400 with a page; nobody is sent to an address that was not checked.
//!
//! Invariants:
//! 1. It shares no code with the client it is there to test.
//! 2. It listens on loopback only, and answers only to a loopback host name.
//! 3. A refresh token, a code or a cookie is kept as its SHA-256 only. The one exception is the answer that a grace
//!    window repeats: it is held in memory, for that window.
//! 4. No token and no password reaches the request log, an error or a notice.
//! 5. What was decided about a family or a key is in the state file (where there is one) before the answer leaves.
//!    What a sign-in has under way (codes, pages, cookies) lives minutes or as long as the process.
//! 6. No page has a script, and no form of another origin decides anything.

mod backend;
mod clock;
mod connections;
mod control;
mod endpoint;
mod error;
mod family;
mod fault;
mod keys;
mod login;
mod nextauth;
mod oidc;
mod options;
mod proxy;
mod reply;
mod request;
mod request_log;
mod rotation;
mod rules;
mod server;
mod socket;
mod state_file;
#[cfg(test)]
mod tests;
mod token;

pub use clock::Clock;
pub use error::StartError;
pub use fault::{Fault, FaultError, FaultMode, Faults};
pub use nextauth::SITE_SECRET;
pub use options::{Options, User};
pub use proxy::{LabProxy, ProxyOptions};
pub use request_log::RequestRecord;
pub use rules::{Reuse, Rule, Rules, UnknownRule};
pub use server::DevServer;
