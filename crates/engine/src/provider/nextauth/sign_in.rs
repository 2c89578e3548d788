//! Signing in to a site, as its own pages do it. Whether it worked is told by the cookie and the address that come
//! back, never by the status: v4 answers a wrong password with 401, v5 with 200.

use latchkey_core::disposition::Failure;
use latchkey_core::reason::Reason;
use latchkey_core::secret::{AccessToken, Secret};
use latchkey_core::text;
use reqwest::Url;

use super::jar::{Change, Jar};
use super::session_data::{self, SessionData, Word};
use super::site::{Site, Told, at, csrf_token, no_site};
use super::{Nextauth, is_session_cookie, token_set, words};
use crate::http::{Reply, Request};
use crate::ports::Clock;
use crate::provider::{Issued, SignInFailure, reply};
use crate::sign_in::Login;

impl Nextauth {
    /// Signs in with a user name and a password.
    pub(in crate::provider) async fn sign_in(
        &self,
        login: Login,
        clock: &dyn Clock,
    ) -> Result<Issued, SignInFailure> {
        let base = self.find().await.map_err(SignInFailure::Failed)?;
        let mut site = Site { config: &self.config, http: &self.http, clock, jar: Jar::new(base) };
        let csrf = site.csrf_token().await.map_err(SignInFailure::Failed)?;
        let callback = self.config.site.origin().ascii_serialization();
        let fields = [
            ("csrfToken", csrf.expose()),
            (self.config.username_field.as_str(), login.username.as_str()),
            (self.config.password_field.as_str(), login.password.expose()),
            ("callbackUrl", callback.as_str()),
            ("json", "true"),
        ];
        let path = format!("callback/{}", self.config.credentials_provider);
        let told = site.post_form(&path, &fields).await.map_err(SignInFailure::Failed)?;
        if told.change != Change::Renewed {
            return Err(not_signed_in(&told));
        }
        self.first_look(site, told).await
    }

    /// Takes over a session that a person copied from their browser, for sites that sign in at another provider. It
    /// is a copy: signing out there leaves it alone, and the other way round.
    pub(in crate::provider) async fn take_cookie(
        &self,
        session: &AccessToken,
        clock: &dyn Clock,
    ) -> Result<Issued, SignInFailure> {
        if !is_session_cookie(session) {
            let why = "this is no value of a session cookie".to_owned();
            return Err(SignInFailure::Refused(Reason::NotBelieved { why }));
        }
        let base = self.find().await.map_err(SignInFailure::Failed)?;
        let name = self.likely_cookie_name(&base, clock).await.map_err(SignInFailure::Failed)?;
        let jar = Jar::with_session(base, &name, &Secret::new(session.expose().to_owned()));
        let mut site = Site { config: &self.config, http: &self.http, clock, jar };
        let told = site.get("session").await.map_err(SignInFailure::Failed)?;
        match session_data::read(&told.reply, told.whole) {
            Word::Session(session) => {
                lives(&session)?;
                let issued = token_set(&site, &told, Some(session));
                issued.ok_or(SignInFailure::Failed(Failure::NoReply))
            }
            Word::SignedOut => Err(SignInFailure::WrongCredentials {
                said: Some("the site does not know this session cookie, or it has ended".to_owned()),
            }),
            Word::Unreadable => Err(SignInFailure::Failed(no_site(&told.reply, told.whole))),
        }
    }

    /// Asks a session that was just made who it is and how long it lasts. The cookie is good whatever comes of that.
    async fn first_look(&self, mut site: Site<'_>, signed_in: Told) -> Result<Issued, SignInFailure> {
        let mut looked = site.get("session").await;
        // What rotates behind the cookie may have rotated with an answer that was lost: once more, while the server
        // still remembers it.
        if looked.as_ref().map_or_else(|failure| *failure == Failure::NoReply, lost) {
            looked = site.get("session").await;
        }
        let session = match &looked {
            Ok(told) => match session_data::read(&told.reply, told.whole) {
                Word::Session(session) => Some(session),
                Word::SignedOut => {
                    let why =
                        "the site signed in and then knew nothing of the session it had made".to_owned();
                    return Err(SignInFailure::Refused(Reason::NotBelieved { why }));
                }
                Word::Unreadable => None,
            },
            Err(_) => None,
        };
        session.as_deref().map_or(Ok(()), lives)?;
        let told = looked.unwrap_or(signed_in);
        token_set(&site, &told, session).ok_or(SignInFailure::Failed(Failure::NoReply))
    }

    /// Finds the auth endpoints: the first address that gives a form token.
    async fn find(&self) -> Result<Url, Failure> {
        let mut last = None;
        for base in self.config.auth_addresses() {
            let reply = self.http.send(Request::get(&at(&base, "csrf"))).await?;
            if csrf_token(&reply).is_some() {
                self.found(&base);
                return Ok(base);
            }
            last = Some(reply);
        }
        let looked: Vec<_> = self.config.auth_addresses().iter().map(|url| url.path().to_owned()).collect();
        match last {
            Some(reply) if reply.status == 404 || reply.status == 200 => {
                Err(Failure::Misfit { why: format!("no NextAuth answers at {}", looked.join(" or ")) })
            }
            Some(reply) => Err(moved(&reply, &self.config.site).unwrap_or_else(|| no_site(&reply, true))),
            None => Err(Failure::Misfit { why: "the account names no address".to_owned() }),
        }
    }

    /// What the site will call its session cookie, told from the cookies it sets with a form token.
    async fn likely_cookie_name(&self, base: &Url, clock: &dyn Clock) -> Result<String, Failure> {
        if let Some(own) = &self.config.session_cookie {
            return Ok(own.clone());
        }
        let mut site = Site { config: &self.config, http: &self.http, clock, jar: Jar::new(base.clone()) };
        let told = site.get("csrf").await?;
        let set = told.reply.headers.get_all("set-cookie").iter().filter_map(|header| header.to_str().ok());
        let names: Vec<_> = set.filter_map(|header| Some(header.split_once('=')?.0.trim())).collect();
        let v5 = names.iter().any(|name| name.contains("authjs."));
        let secure = names.iter().any(|name| name.starts_with("__Host-") || name.starts_with("__Secure-"));
        let plain = if v5 { "authjs.session-token" } else { "next-auth.session-token" };
        Ok(if secure { format!("__Secure-{plain}") } else { plain.to_owned() })
    }
}

/// Whether what stands behind a session can still be renewed.
fn lives(session: &SessionData) -> Result<(), SignInFailure> {
    match &session.error {
        Some(error) if words::ends_session(error) => {
            Err(SignInFailure::Refused(Reason::SessionError { error: error.clone() }))
        }
        Some(_) | None => Ok(()),
    }
}

/// Whether an answer broke off before anything of it could be used.
fn lost(told: &Told) -> bool {
    told.change != Change::Renewed && no_site(&told.reply, told.whole) == Failure::NoReply
}

/// A site that sends elsewhere, most often from `example.com` to `www.example.com`.
fn moved(reply: &Reply, site: &Url) -> Option<Failure> {
    let to = reply.headers.get("location").filter(|_| (300..400).contains(&reply.status))?;
    let to = site.join(to.to_str().ok()?).ok()?;
    let elsewhere = to.origin() != site.origin();
    elsewhere.then(|| Failure::Misfit {
        why: format!(
            "it sends to {}; if that is the site, use its address",
            text::foreign(&to.origin().ascii_serialization())
        ),
    })
}

/// Why an answer to a sign-in brought no session.
fn not_signed_in(told: &Told) -> SignInFailure {
    let reply = &told.reply;
    let Some(url) = answered_url(reply) else { return SignInFailure::Failed(no_site(reply, told.whole)) };
    let query = |wanted: &str| {
        url.query_pairs().find(|(name, _)| name == wanted).map(|(_, value)| text::foreign(&value))
    };
    let error = query("error").or_else(|| query("csrf").map(|_| "MissingCSRF".to_owned()));
    match error.filter(|error| !error.is_empty()) {
        Some(error) if error == "CredentialsSignin" => {
            // v5 sites may give a code of their own with it.
            let said = query("code").filter(|code| !code.is_empty() && code != "credentials");
            SignInFailure::WrongCredentials { said }
        }
        Some(error) => {
            let said = words::meaning(&error).map(str::to_owned);
            SignInFailure::Refused(Reason::SignInRefused { error, said })
        }
        None => {
            let why = "the site answered as if it had signed in and set no session cookie; if it calls that by a name of its own, set `session_cookie`";
            SignInFailure::Refused(Reason::NotBelieved { why: why.to_owned() })
        }
    }
}

/// The address that an answer leads to: in its body, or in its `Location`.
fn answered_url(reply: &Reply) -> Option<Url> {
    let in_body = reply::object(reply).and_then(|json| json.get("url")?.as_str().map(str::to_owned));
    let in_head = reply.headers.get("location").and_then(|to| to.to_str().ok()).map(str::to_owned);
    // v5 may give a path; what stands before it does not matter here.
    let somewhere = Url::parse("https://site.invalid/").ok()?;
    somewhere.join(&in_body.or(in_head)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::{SignedDuration, Timestamp};
    use reqwest::header::HeaderMap;
    use zeroize::Zeroizing;

    fn told(status: u16, body: &str) -> Told {
        let reply =
            Reply { status, headers: HeaderMap::new(), body: Zeroizing::new(body.as_bytes().to_vec()) };
        Told {
            reply,
            whole: true,
            change: Change::None,
            received: Timestamp::UNIX_EPOCH,
            skew: SignedDuration::ZERO,
        }
    }

    fn outcome(status: u16, body: &str) -> String {
        match not_signed_in(&told(status, body)) {
            SignInFailure::WrongCredentials { said } => format!("wrong {}", said.unwrap_or_default()),
            SignInFailure::Refused(reason) => reason.message(),
            SignInFailure::Failed(failure) => format!("{failure:?}"),
            SignInFailure::NotThisWay | SignInFailure::GivenUp => panic!("not from an answer"),
        }
    }

    /// The answers of real servers, with the status each of them gives.
    #[test]
    fn a_refusal_is_told_by_its_address_whatever_the_status_is() {
        let v4 = r#"{"url":"http://s.example/api/auth/error?error=CredentialsSignin&provider=credentials"}"#;
        let v5 = r#"{"url":"http://s.example/auth/signin?error=CredentialsSignin&code=credentials"}"#;
        assert_eq!(outcome(401, v4), "wrong ");
        assert_eq!(outcome(200, v5), "wrong ");
        assert_eq!(outcome(200, &v5.replace("=credentials", "=locked")), "wrong locked");
        for (status, query, says) in [
            (401, "error=Backend%20unavailable", "`Backend unavailable`"),
            (200, "error=Configuration", "set up wrongly"),
            (200, "csrf=true", "form token"),
            (200, "error=MissingCSRF", "form token"),
            (403, "error=AccessDenied", "does not let"),
            (200, "", "session_cookie"),
        ] {
            let body = format!(r#"{{"url":"http://s.example/auth/signin?{query}"}}"#);
            assert!(outcome(status, &body).contains(says), "{query}: {}", outcome(status, &body));
        }
        assert!(outcome(502, "<html>").contains("502"));
    }
}
