//! What a person does in a browser, without one: redirects, cookies, the forms of a sign-in, and the last redirect to
//! the listener on loopback.
//!
//! It knows no particular server. It fills in what looks like a name, a password or a device code, and presses the
//! button or follows the link that allows or denies. That serves node-oidc-provider's own pages and those of the
//! development backend (fields `username` and `password`, buttons `action` with `allow` and `deny`).

mod cookies;
mod form;

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{ACCEPT, COOKIE, LOCATION, ORIGIN, REFERER, SET_COOKIE, USER_AGENT};
use reqwest::{Client, Method, RequestBuilder, Response, Url};

use self::cookies::Cookies;
use self::form::{Button, Form, Offer};

/// A sign-in takes fewer steps than this; more is a loop.
const MOST_STEPS: usize = 25;

/// The longest that one page may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Names of fields for whoever signs in, on the servers that are tried.
const NAME_FIELDS: [&str; 4] = ["username", "login", "email", "user"];

/// What stands on a button or link that says no, in small letters.
const NO: [&str; 6] = ["deny", "cancel", "abort", "reject", "no", "no,"];

/// Who sits before the browser.
#[derive(Clone, Debug)]
pub struct Person {
    /// What is typed as the name.
    pub username: String,
    /// What is typed as the password.
    pub password: String,
    /// What is answered when asked.
    pub answer: Answer,
}

/// What a person answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Yes.
    Allow,
    /// No.
    Deny,
}

impl Person {
    /// Someone who allows what is asked.
    pub fn who_allows(username: &str, password: &str) -> Self {
        Self { username: username.to_owned(), password: password.to_owned(), answer: Answer::Allow }
    }

    /// Someone who signs in and then refuses.
    pub fn who_denies(username: &str, password: &str) -> Self {
        Self { answer: Answer::Deny, ..Self::who_allows(username, password) }
    }
}

/// What a browser shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Its address.
    pub url: Url,
    /// The status it came with.
    pub status: u16,
    /// Its source.
    pub text: String,
}

/// Where a walk through a site's pages ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// The site sends the browser to another origin, where it has not gone yet.
    Elsewhere(Url),
    /// A page with nothing more to fill in, or the same form once more.
    Page(Page),
}

impl Arrival {
    /// Where the site sends the browser.
    ///
    /// # Panics
    /// When it shows a page instead.
    #[track_caller]
    pub fn elsewhere(self) -> Url {
        match self {
            Self::Elsewhere(url) => url,
            Self::Page(page) => panic!("a page instead of a redirect: {page:#?}"),
        }
    }

    /// The page.
    ///
    /// # Panics
    /// When the site sends the browser elsewhere.
    #[track_caller]
    pub fn page(self) -> Page {
        match self {
            Self::Page(page) => page,
            Self::Elsewhere(url) => panic!("a redirect instead of a page: {url}"),
        }
    }
}

/// A browser with its cookies, and the person before it. A second sign-in with the same one finds the person signed in.
#[derive(Debug)]
pub struct ScriptedBrowser {
    /// Who sits before it; may change between two visits.
    pub person: Person,
    http: Client,
    cookies: Cookies,
}

impl ScriptedBrowser {
    /// A browser without cookies.
    ///
    /// # Panics
    /// When the HTTP client cannot be made.
    pub fn of(person: Person) -> Self {
        let http = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            // A browser does not reach loopback through a proxy.
            .no_proxy()
            .timeout(PATIENCE)
            .build()
            .unwrap();
        Self { person, http, cookies: Cookies::default() }
    }

    /// Signs in at an authorization URL and goes where the server sends it: the listener's last page.
    ///
    /// # Panics
    /// When the server does not redirect to the listener, or something does not answer.
    pub async fn sign_in(&mut self, authorization_url: &str) -> Page {
        let callback = self.callback(authorization_url).await;
        self.deliver(callback).await
    }

    /// Signs in at an authorization URL and stops short of the last redirect: the callback, to be looked at or
    /// tampered with.
    ///
    /// # Panics
    /// When the server does not redirect elsewhere, or does not answer.
    pub async fn callback(&mut self, authorization_url: &str) -> Url {
        self.browse(authorization_url, None).await.elsewhere()
    }

    /// Requests a callback at the listener, and follows it to the listener's last page.
    ///
    /// # Panics
    /// When nobody answers, or the listener sends the browser to another origin.
    pub async fn deliver(&mut self, callback: Url) -> Page {
        let mut url = callback;
        for _ in 0..MOST_STEPS {
            let response = self.get(&url).await;
            match redirect(&response, &url) {
                Some(next) => {
                    assert_eq!(next.origin(), url.origin(), "a listener redirects to nobody else");
                    url = next;
                }
                None => return page(response, url).await,
            }
        }
        panic!("the listener redirects for ever")
    }

    /// Opens a verification page (RFC 8628 §3.3), enters the code where it is asked for, signs in, and allows or denies.
    /// With a `verification_uri_complete` the code is in it already.
    ///
    /// # Panics
    /// When the server sends the browser elsewhere, or does not answer.
    pub async fn enter_device_code(&mut self, verification_uri: &str, user_code: &str) -> Page {
        self.browse(verification_uri, Some(user_code)).await.page()
    }

    /// Opens an `end_session` URL and confirms it, or stays signed in. A redirect back to the client is not followed.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn end_session(&mut self, url: &str) -> Arrival {
        self.browse(url, None).await
    }

    /// Opens a URL and goes through the pages of its site as this person does.
    ///
    /// # Panics
    /// When the site does not answer, or leads in circles.
    pub async fn browse(&mut self, url: &str, user_code: Option<&str>) -> Arrival {
        let mut url = Url::parse(url).unwrap();
        let home = url.origin();
        let mut filled = BTreeSet::new();
        let mut response = self.get(&url).await;
        for _ in 0..MOST_STEPS {
            if let Some(next) = redirect(&response, &url) {
                if next.origin() != home {
                    return Arrival::Elsewhere(next);
                }
                response = self.get(&next).await;
                url = next;
                continue;
            }
            let shown = page(response, url).await;
            let Some(step) = self.person.next_step(&shown, user_code) else { return Arrival::Page(shown) };
            // The same form once more: the server did not like what was filled in, and a person stops.
            if !filled.insert(step.form.clone()) {
                return Arrival::Page(shown);
            }
            response = self.take(&step, &shown.url).await;
            url = step.url;
        }
        panic!("the site leads in circles, at last to {url}")
    }

    async fn get(&mut self, url: &Url) -> Response {
        let request = self.http.get(url.clone()).header("sec-fetch-site", "none");
        self.send(request, url).await
    }

    async fn take(&mut self, step: &Step, referer: &Url) -> Response {
        let request = self
            .http
            .request(step.method.clone(), step.url.clone())
            .header(REFERER, referer.as_str())
            .header("sec-fetch-site", "same-origin");
        let request = match step.method {
            Method::POST => request.header(ORIGIN, referer.origin().ascii_serialization()).form(&step.values),
            _ => request.query(&step.values),
        };
        self.send(request, &step.url).await
    }

    #[expect(clippy::disallowed_methods, reason = "cookies of real servers end in real time")]
    async fn send(&mut self, request: RequestBuilder, url: &Url) -> Response {
        let mut request = request
            .header(USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
            .header(ACCEPT, "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
            .header("sec-fetch-dest", "document")
            .header("sec-fetch-mode", "navigate");
        if let Some(cookies) = self.cookies.header(url) {
            request = request.header(COOKIE, cookies);
        }
        let response = request.send().await.unwrap_or_else(|error| panic!("{url} did not answer: {error}"));
        for header in response.headers().get_all(SET_COOKIE) {
            self.cookies.take(url, &String::from_utf8_lossy(header.as_bytes()), Timestamp::now());
        }
        response
    }
}

/// What a person does on a page.
struct Step {
    method: Method,
    url: Url,
    values: Vec<(String, String)>,
    /// By what the form is known again: where it goes and what it asks.
    form: (String, Vec<String>),
}

impl Person {
    fn next_step(&self, page: &Page, user_code: Option<&str>) -> Option<Step> {
        let offer = Offer::of(&page.text);
        let form = offer.forms.first()?;
        let no = form.buttons.iter().find(|button| says_no(button));
        // Who is asked for a name signs in first, and refuses on a later page. A page that submits itself asks nobody.
        let asks_for_leave = !asks_something(form) && !page.text.contains(".submit()");
        if self.answer == Answer::Deny && no.is_none() && asks_for_leave {
            let link = offer.links.iter().find(|link| no_words(&link.text))?;
            let url = page.url.join(&link.href).unwrap();
            return Some(Step {
                method: Method::GET,
                form: (url.path().to_owned(), vec![]),
                url,
                values: vec![],
            });
        }
        let button = match self.answer {
            Answer::Deny if no.is_some() => no,
            Answer::Deny | Answer::Allow => form.buttons.iter().find(|button| !says_no(button)),
        };
        let mut values: Vec<_> =
            form.fields.iter().map(|field| (field.name.clone(), self.typed(field, user_code))).collect();
        values.extend(
            button
                .filter(|button| !button.name.is_empty())
                .map(|button| (button.name.clone(), button.value.clone())),
        );
        let method = if form.post { Method::POST } else { Method::GET };
        let names = form.fields.iter().map(|field| format!("{} {}", field.kind, field.name)).collect();
        let url = page.url.join(&form.action).unwrap();
        Some(Step { method, form: (url.path().to_owned(), names), url, values })
    }

    fn typed(&self, field: &form::Field, user_code: Option<&str>) -> String {
        match (field.kind.as_str(), field.name.as_str(), user_code) {
            ("hidden", ..) => field.value.clone(),
            ("password", ..) => self.password.clone(),
            (_, "user_code", Some(code)) => code.to_owned(),
            (_, name, _) if NAME_FIELDS.contains(&name) => self.username.clone(),
            (..) => field.value.clone(),
        }
    }
}

fn asks_something(form: &Form) -> bool {
    form.fields.iter().any(|field| field.kind != "hidden")
}

fn says_no(button: &Button) -> bool {
    NO.contains(&button.name.as_str()) || NO.contains(&button.value.as_str()) || no_words(&button.text)
}

fn no_words(text: &str) -> bool {
    text.to_lowercase().split_whitespace().any(|word| NO.contains(&word))
}

fn redirect(response: &Response, from: &Url) -> Option<Url> {
    let location = response.headers().get(LOCATION).filter(|_| response.status().is_redirection())?;
    Some(from.join(location.to_str().unwrap()).unwrap())
}

async fn page(response: Response, url: Url) -> Page {
    let status = response.status().as_u16();
    Page { url, status, text: response.text().await.unwrap_or_default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the development backend asks: everything on one page.
    const ONE_PAGE: &str = r#"<form method="post"><input type="hidden" name="request" value="r1">
        <input name="username" autocomplete="username"><input type="password" name="password">
        <button name="action" value="allow">Allow</button><button name="action" value="deny">Deny</button></form>"#;

    fn pressed(person: &Person, text: &str) -> Vec<(String, String)> {
        let url = Url::parse("http://127.0.0.1:4180/oauth/authorize?request=r1").unwrap();
        let step = person.next_step(&Page { url, status: 200, text: text.to_owned() }, None).unwrap();
        assert_eq!((step.method, step.url.path()), (Method::POST, "/oauth/authorize"));
        step.values
    }

    #[test]
    fn a_page_that_asks_everything_at_once_is_filled_in_and_allowed_or_denied() {
        let allowing = Person::who_allows("demo", "demo-password");
        let denying = Person::who_denies("demo", "demo-password");
        for (person, action) in [(allowing, "allow"), (denying, "deny")] {
            let expected =
                [("request", "r1"), ("username", "demo"), ("password", "demo-password"), ("action", action)];
            let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
            assert_eq!(pressed(&person, ONE_PAGE), expected);
        }
    }

    #[test]
    fn a_page_without_a_form_ends_the_walk() {
        let url = Url::parse("http://127.0.0.1:4180/").unwrap();
        let page = Page { url, status: 200, text: "<p>Done. <a href='/'>Cancel</a></p>".to_owned() };
        assert!(Person::who_allows("demo", "demo").next_step(&page, None).is_none());
    }
}
