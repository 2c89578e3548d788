//! Talking to a site: one request after the other, each with the cookies of the one before.

use jiff::SignedDuration;
use jiff::Timestamp;
use latchkey_core::disposition::{Answer, Body, Failure};
use latchkey_core::secret::Secret;
use reqwest::Url;
use serde_json::Value;

use super::jar::{Change, Jar};
use crate::config::NextauthConfig;
use crate::http::{Http, Reply, Request, retry_after};
use crate::ports::Clock;
use crate::provider::reply;

/// A site, as one sign-in or one session talks to it. Requests take it by `&mut`: two answers never race over a cookie.
pub(super) struct Site<'a> {
    pub(super) config: &'a NextauthConfig,
    pub(super) http: &'a Http,
    pub(super) clock: &'a dyn Clock,
    pub(super) jar: Jar,
}

/// An answer, and what it did to the session.
pub(super) struct Told {
    pub(super) reply: Reply,
    /// Whether all of the body arrived.
    pub(super) whole: bool,
    pub(super) change: Change,
    pub(super) received: Timestamp,
    /// How much the site's clock is ahead of ours.
    pub(super) skew: SignedDuration,
}

impl Site<'_> {
    /// The site's own name for its session cookie, where it chose one.
    pub(super) fn own(&self) -> Option<&str> {
        self.config.session_cookie.as_deref()
    }

    pub(super) async fn get(&mut self, path: &str) -> Result<Told, Failure> {
        let url = at(self.jar.base(), path);
        self.send(Request::get(&url), &url).await
    }

    /// A form, as the site's own pages send it.
    pub(super) async fn post_form(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<Told, Failure> {
        let url = at(self.jar.base(), path);
        let request = Request::post_form(&url, fields.iter().copied());
        self.post(request, &url).await
    }

    pub(super) async fn post_json(&mut self, path: &str, body: &Value) -> Result<Told, Failure> {
        let url = at(self.jar.base(), path);
        let request = Request::post_value(&url, body);
        self.post(request, &url).await
    }

    async fn post(&mut self, request: Request, url: &Url) -> Result<Told, Failure> {
        // What the scripts of Auth.js v5 send to be answered with an address in place of a redirect, and what every
        // browser sends with a form.
        let request = request
            .secret_header("x-auth-return-redirect", "1")
            .secret_header("origin", &url.origin().ascii_serialization());
        self.send(request, url).await
    }

    async fn send(&mut self, request: Request, url: &Url) -> Result<Told, Failure> {
        let header = self.jar.header(url, self.own(), self.clock.now().wall);
        let request = match header {
            Some(header) => request.secret_header("cookie", &header),
            None => request,
        };
        // The cookies stand in the head of an answer: they count also where its body is lost.
        let (reply, whole) = self.http.send_for_head(request).await?;
        let received = self.clock.now().wall;
        let skew = reply.skew(received).unwrap_or(SignedDuration::ZERO);
        let own = self.config.session_cookie.as_deref();
        let change = self.jar.take(&reply.headers, url, own, received, skew);
        Ok(Told { reply, whole, change, received, skew })
    }

    /// Asks for the token that forms must carry (double submit: the other half is a cookie).
    pub(super) async fn csrf_token(&mut self) -> Result<Secret, Failure> {
        let told = self.get("csrf").await?;
        csrf_token(&told.reply).ok_or_else(|| no_site(&told.reply, told.whole))
    }
}

/// An endpoint below the base of all of them.
pub(super) fn at(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url.set_query(None);
    url
}

/// The token in a site's answer; none where something else answered.
pub(super) fn csrf_token(reply: &Reply) -> Option<Secret> {
    let json = reply::object(reply).filter(|_| reply.status == 200)?;
    let token = json.get("csrfToken")?.as_str().filter(|token| !token.is_empty())?;
    Some(Secret::new(token.to_owned()))
}

/// What an answer means that is no NextAuth's. The endpoints that are read here answer 200 whatever the session is like,
/// so any other status is one of something in between, and a success that breaks off was lost on the way.
pub(super) fn no_site(reply: &Reply, whole: bool) -> Failure {
    let start = reply.body.trim_ascii_start();
    let torn = start.first() == Some(&b'{') && serde_json::from_slice::<Value>(start).is_err();
    if reply.is_success() && (!whole || start.is_empty() || torn) {
        return Failure::NoReply;
    }
    let body = if (300..400).contains(&reply.status) { Body::Redirect } else { Body::NotJson };
    Failure::Answered(Answer { status: reply.status, body, retry_after: retry_after(&reply.headers) })
}
