//! A site with NextAuth (v4) or Auth.js (v5): its session is a cookie, and reading the session renews it.
//!
//! | file | what is in it |
//! |---|---|
//! | `sign_in` | finding the auth endpoints, signing in with user name and password or with a cookie from a browser |
//! | `site` | one request after the other, each with the cookies of the one before |
//! | `jar`, `cookie`, `session_cookie` | the cookies of a session; one of them; its names and chunks |
//! | `session_data` | what a site says of a session, as far as it may be seen |
//! | `site_secret` | looking into a session cookie with the site's secret |
//! | `words` | what a site's error codes mean |
//! | `description` | what a site says of itself, for people who set it up |
//!
//! What the machine calls a refresh token is here the jar, all cookies of the session as one; the access token is the
//! session cookie, put together from its chunks. **Invariants:** requests of one session are never under way together
//! (the workshop's turn and the renewal lock see to that). Only a word of the site ends a session: an empty answer of
//! its session endpoint in JSON with status 200. No cookie leaves the site's own origin.

mod cookie;
mod description;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod jar;
mod session_cookie;
mod session_data;
mod sign_in;
mod site;
pub mod site_secret;
mod words;

use std::sync::{Arc, Mutex};

use latchkey_core::disposition::{Answer, Body, ErrorCode, Failure};
use latchkey_core::secret::{AccessToken, RefreshToken};
use latchkey_core::token_set::Source;
use reqwest::Url;
use reqwest::header::HeaderMap;
use serde_json::Value;

use crate::authorization;
use crate::config::NextauthConfig;
use crate::engine::IssuedToken;
use crate::error::EngineError;
use crate::http::Http;
use crate::ports::Clock;
use crate::provider::{Issued, OauthFacts, SignedOut, expiry};
use crate::vault::Envelope;
use session_data::{SessionData, Word};
use site::{Site, Told, at, no_site};

pub use description::{SiteDescription, SiteProvider, describe};
pub(crate) use jar::Jar;

/// The provider of accounts with `provider = "nextauth"`. Cheap to clone.
#[derive(Clone)]
pub struct Nextauth {
    config: Arc<NextauthConfig>,
    http: Http,
    clock: Arc<dyn Clock>,
    /// Where the auth endpoints are, once that is known.
    base: Arc<Mutex<Option<Url>>>,
}

impl Nextauth {
    pub(super) fn new(config: Arc<NextauthConfig>, http: Http, clock: Arc<dyn Clock>) -> Self {
        Self { config, http, clock, base: Arc::default() }
    }

    /// Reads the session, which renews it; with an update, as NextAuth's own `update()` does.
    pub(super) async fn renew(
        &self,
        jar: &RefreshToken,
        update: Option<&Value>,
        clock: &dyn Clock,
    ) -> Result<Issued, Failure> {
        let mut site = self.site(jar, clock)?;
        let told = match update {
            None => site.get("session").await?,
            Some(data) => {
                let csrf = site.csrf_token().await?;
                let body = serde_json::json!({ "csrfToken": csrf.expose(), "data": data });
                site.post_json("session", &body).await?
            }
        };
        issued(&site, &told)
    }

    /// Where a session is read, as far as that is known.
    pub(super) fn exchange_url(&self) -> Url {
        let known = self.base.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
        known.map_or_else(|| self.config.site.clone(), |base| at(&base, "session"))
    }

    /// Signs out at the site. It keeps nothing of a session itself, so what was copied of it elsewhere lives on.
    pub(super) async fn sign_out(&self, held: &Envelope, clock: &dyn Clock) -> Result<SignedOut, Failure> {
        let Some(jar) = &held.tokens.refresh else { return Ok(SignedOut { revoked: false, page: None }) };
        let mut site = self.site(jar, clock)?;
        let csrf = site.csrf_token().await?;
        let callback = self.config.site.origin().ascii_serialization();
        let fields = [("csrfToken", csrf.expose()), ("callbackUrl", callback.as_str()), ("json", "true")];
        let told = site.post_form("signout", &fields).await?;
        let answered = told.reply.is_success() || (300..400).contains(&told.reply.status);
        if told.change == jar::Change::Clears && answered {
            return Ok(SignedOut { revoked: true, page: None });
        }
        Err(no_site(&told.reply, told.whole))
    }

    /// The cookies that go with a request to the site itself.
    ///
    /// # Errors
    /// [`EngineError::ElsewhereThanTheSite`] for any other address: cookies do not leave their site.
    pub(super) fn request_headers(&self, token: &IssuedToken, url: &Url) -> Result<HeaderMap, EngineError> {
        let own = self.config.session_cookie.as_deref();
        let jar = token.cookies.as_ref().filter(|jar| jar.is_own(url));
        let jar = jar.ok_or_else(|| EngineError::ElsewhereThanTheSite {
            site: self.config.site.origin().ascii_serialization(),
        })?;
        let header = jar.header(url, own, self.clock.now().wall);
        Ok(header.map_or_else(HeaderMap::new, |header| authorization::cookie(&header)))
    }

    /// What the site calls the session cookie in a jar, without the number of a chunk.
    pub(super) fn session_cookie_name(&self, cookies: &Jar) -> Option<String> {
        cookies.session_name(self.config.session_cookie.as_deref()).map(str::to_owned)
    }

    /// The site with the cookies of a session.
    ///
    /// # Errors
    /// [`Failure::Misfit`] where they are another site's: they are sent to no other.
    fn site<'a>(&'a self, jar: &RefreshToken, clock: &'a dyn Clock) -> Result<Site<'a>, Failure> {
        let misfit = |why: &str| Failure::Misfit { why: why.to_owned() };
        let jar = Jar::read(jar).ok_or_else(|| misfit("what is stored is no session of a NextAuth site"))?;
        if !jar.is_own(&self.config.site) {
            return Err(misfit("the session is another site's; sign in again"));
        }
        self.found(jar.base());
        Ok(Site { config: &self.config, http: &self.http, clock, jar })
    }

    fn found(&self, base: &Url) {
        *self.base.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(base.clone());
    }
}

/// What an answer of the session endpoint brought.
fn issued(site: &Site<'_>, told: &Told) -> Result<Issued, Failure> {
    let session = match session_data::read(&told.reply, told.whole) {
        Word::Session(session) => Some(session),
        Word::SignedOut => return Err(said(&told.reply, ErrorCode::InvalidGrant, None)),
        // A new cookie counts however the rest of the answer looks: it may be all there is.
        Word::Unreadable if told.change == jar::Change::Renewed => None,
        Word::Unreadable => return Err(no_site(&told.reply, told.whole)),
    };
    if let Some(error) = session.as_ref().and_then(|session| session.error.as_ref())
        && words::ends_session(error)
    {
        return Err(Failure::SessionError { error: error.clone() });
    }
    let issued = token_set(site, told, session).ok_or(Failure::NoReply)?;
    // Some sites still read a session for some seconds after its end: soon their word follows.
    if issued.session_expires.is_some_and(|(ends, _)| ends <= told.received) {
        return Err(said(&told.reply, ErrorCode::TemporarilyUnavailable, None));
    }
    Ok(issued)
}

/// The session in a site's jar as a token set; none if there is none.
fn token_set(site: &Site<'_>, told: &Told, session: Option<Box<SessionData>>) -> Option<Issued> {
    let by_cookie = site.jar.session_expires(site.own()).map(|ends| (ends, Source::CookieExpires));
    let by_body = session.as_ref().and_then(|session| {
        expiry::read(session.expires.as_ref()?, told.received, told.skew, Source::SessionExpiry)
    });
    // A browser drops the cookie at its end, and the site may end the session before that. Both name the same
    // moment where nothing was changed; the cookie's is in whole seconds.
    let ends = match (by_body, by_cookie) {
        (Some(body), Some(cookie)) if cookie.0 < body.0 - SAME_END => Some(cookie),
        (Some(body), _) => Some(body),
        (None, cookie) => cookie,
    };
    let (identity, session_data) = match session {
        Some(session) => (session.identity, Some(session.shown)),
        None => (crate::vault::Identity::default(), None),
    };
    Some(Issued {
        access: Some(site.jar.session(site.own())?),
        refresh: Some(site.jar.stored()?),
        id: None,
        received: told.received,
        access_expires: ends,
        refresh_expires: None,
        session_expires: ends,
        identity,
        session_data,
        oauth: OauthFacts {
            token_type: Some(SESSION_COOKIE.to_owned()),
            token_host: site.jar.base().host_str().map(str::to_owned),
            ..OauthFacts::default()
        },
    })
}

/// What the token of such a session is, in the place of a token type: the site's cookie, put together.
pub const SESSION_COOKIE: &str = "session_cookie";

/// Ends less than this apart are the same end.
const SAME_END: jiff::SignedDuration = jiff::SignedDuration::from_secs(2);

/// A word of the site, as the machine understands it.
fn said(reply: &crate::http::Reply, code: ErrorCode, said: Option<String>) -> Failure {
    Failure::Answered(Answer { status: reply.status, body: Body::Verdict { code, said }, retry_after: None })
}

/// Whether a text can travel as a session cookie.
pub(crate) fn is_session_cookie(text: &AccessToken) -> bool {
    let text = text.expose();
    let plain = |byte: u8| matches!(byte, 0x21..=0x7e) && !matches!(byte, b';' | b',' | b'"' | b'\\');
    !text.is_empty() && text.len() <= LONGEST_SESSION && text.bytes().all(plain)
}

/// The longest session that is taken from a person: no header is longer.
const LONGEST_SESSION: usize = 64 * 1024;
