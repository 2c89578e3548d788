//! The pages a person sees: plain HTML with one form each, no script, nothing from elsewhere.

use std::sync::LazyLock;

use aws_lc_rs::digest;
use axum::http::{HeaderValue, StatusCode, header};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use url::{Host, Url};

use super::browser::BrowserSession;
use crate::{User, backend::Backend, family::Scope, reply::Answer};

const STYLE: &str = include_str!("page.css");

/// A form, and what goes along with it unseen.
pub(super) struct FormPage<'a> {
    pub(super) title: &'a str,
    /// What happens if the person agrees. Text, not HTML.
    pub(super) question: String,
    /// What the person is to compare with another screen.
    pub(super) code: Option<&'a str>,
    /// What is asked for; empty where nothing is.
    pub(super) scope: Option<&'a Scope>,
    /// What went wrong the time before.
    pub(super) problem: Option<&'a str>,
    pub(super) action: &'static str,
    pub(super) hidden: Vec<(&'static str, &'a str)>,
    pub(super) sign_in: SignInFields<'a>,
    pub(super) allow: &'a str,
    pub(super) deny: &'a str,
    /// Where the browser is sent once the form was sent, if away from here.
    pub(super) leads_to: Option<&'a Url>,
}

/// How the form asks who is there.
pub(super) enum SignInFields<'a> {
    /// By user name and password, with a name written in already.
    Password { username: &'a str, users: &'a [User] },
    /// Not at all: this person is signed in.
    SignedInAs(&'a str),
    /// Not at all: it does not matter.
    Nobody,
}

impl<'a> SignInFields<'a> {
    /// Asks for the password unless the session will do.
    pub(super) fn of(
        backend: &'a Backend,
        session: Option<&'a BrowserSession>,
        username: Option<&'a str>,
    ) -> Self {
        match session {
            Some(session) => Self::SignedInAs(&session.username),
            None => Self::Password { username: username.unwrap_or_default(), users: &backend.options.users },
        }
    }

    fn html(&self) -> String {
        match self {
            Self::Nobody => String::new(),
            Self::SignedInAs(username) => {
                format!("<p class=\"who\">Signed in as <strong>{}</strong></p>", escaped(username))
            }
            Self::Password { username, users } => {
                let (name_focus, password_focus) =
                    if username.is_empty() { (" autofocus", "") } else { ("", " autofocus") };
                format!(
                    "<label for=\"username\">User name or email</label>\
                     <input id=\"username\" name=\"username\" value=\"{}\" autocomplete=\"username\" \
                     autocapitalize=\"none\" spellcheck=\"false\" required{name_focus}>\
                     <label for=\"password\">Password</label>\
                     <input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\" \
                     required{password_focus}><p class=\"hint\">{}</p>",
                    escaped(username),
                    escaped(&made_up(users)),
                )
            }
        }
    }
}

impl FormPage<'_> {
    pub(super) fn answer(&self, status: StatusCode, outcome: &str) -> Answer {
        let problem = self.problem.map_or_else(String::new, |problem| {
            format!("<p class=\"problem\" role=\"alert\">{}</p>", escaped(problem))
        });
        let scope = self.scope.map_or_else(String::new, |scope| format!("<ul>{}</ul>", meaning(scope)));
        let code = self
            .code
            .map_or_else(String::new, |code| format!("<p class=\"code shown\">{}</p>", escaped(code)));
        let hidden = self
            .hidden
            .iter()
            .map(|(name, value)| {
                format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">", escaped(value))
            })
            .collect::<Vec<_>>();
        let main = format!(
            "<h1>{}</h1>{code}<p>{}</p>{scope}{problem}<form method=\"post\" action=\"{}\">{}{}<div class=\"buttons\">\
             <button name=\"action\" value=\"allow\">{}</button>\
             <button name=\"action\" value=\"deny\" class=\"quiet\" formnovalidate>{}</button></div></form>",
            escaped(self.title),
            escaped(&self.question),
            self.action,
            hidden.concat(),
            self.sign_in.html(),
            escaped(self.allow),
            escaped(self.deny),
        );
        page(status, self.title, &main, self.leads_to, outcome)
    }
}

/// A page that only says something.
pub(super) fn message(status: StatusCode, title: &str, text: &str, outcome: &str) -> Answer {
    let main = format!("<h1>{}</h1><p>{}</p>", escaped(title), escaped(text));
    page(status, title, &main, None, outcome)
}

/// The page on which the code of a device is entered.
pub(super) fn user_code(status: StatusCode, problem: Option<&str>, outcome: &str) -> Answer {
    let problem = problem.map_or_else(String::new, |problem| {
        format!("<p class=\"problem\" role=\"alert\">{}</p>", escaped(problem))
    });
    let main = format!(
        "<h1>Connect a device</h1><p>Enter the code that your app or device shows.</p>{problem}\
         <form method=\"get\" action=\"{}\"><label for=\"user_code\">Code</label>\
         <input id=\"user_code\" name=\"user_code\" class=\"code\" autocomplete=\"off\" autocapitalize=\"characters\" \
         spellcheck=\"false\" required autofocus><div class=\"buttons\"><button>Continue</button></div></form>",
        crate::endpoint::DEVICE_PAGE
    );
    page(status, "Connect a device", &main, None, outcome)
}

fn page(status: StatusCode, title: &str, main: &str, leads_to: Option<&Url>, outcome: &str) -> Answer {
    let html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\">\
         <title>{} - Latchkey development backend</title><style>{STYLE}</style></head>\
         <body><main>{main}</main><footer>Latchkey development backend. Its users are made up.</footer></body></html>\n",
        escaped(title)
    );
    Answer::html(status, html, outcome)
        .no_store()
        .header(header::CONTENT_SECURITY_POLICY, policy(leads_to))
        .fixed_header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        // Not `no-referrer`, which would take the origin away from our own forms as well.
        .fixed_header(header::REFERRER_POLICY, "same-origin")
}

/// Nothing but our own style and our own form. Browsers hold the redirect after a form against `form-action` too.
fn policy(leads_to: Option<&Url>) -> HeaderValue {
    static STYLE_HASH: LazyLock<String> =
        LazyLock::new(|| STANDARD.encode(digest::digest(&digest::SHA256, STYLE.as_bytes())));
    let target = match leads_to.map(|url| (url, url.host())) {
        None => String::new(),
        // A source expression cannot name an IPv6 address (Content Security Policy §2.3.1).
        Some((_, Some(Host::Ipv6(_)))) => " http:".into(),
        Some((url, _)) => format!(" {}", url.origin().ascii_serialization()),
    };
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; form-action 'self'{target}; frame-ancestors 'none'; base-uri 'none'",
        *STYLE_HASH
    );
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}

/// What the scope values mean, as a list.
fn meaning(scope: &Scope) -> String {
    let meanings = [
        ("openid", "know who you are"),
        ("profile", "see your name"),
        ("email", "see your email address"),
        ("offline_access", "stay signed in when you are away"),
    ];
    meanings
        .iter()
        .filter(|(value, _)| scope.has(value))
        .map(|(_, meaning)| format!("<li>{meaning}</li>"))
        .collect::<Vec<_>>()
        .concat()
}

/// Who there is to sign in as. The password of `demo` is known to everyone; others keep theirs.
fn made_up(users: &[User]) -> String {
    let demo = User::demo();
    let names = users.iter().map(|user| {
        let password =
            if *user == demo { format!(" with the password {}", demo.password) } else { String::new() };
        format!("{}{password}", user.username)
    });
    format!("You can be {}.", names.collect::<Vec<_>>().join(", or "))
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_request_brings_along_stays_text() {
        assert_eq!(escaped("<a href=\"x\" id='y'>&"), "&lt;a href=&quot;x&quot; id=&#39;y&#39;&gt;&amp;");
    }

    #[test]
    fn a_form_leads_here_and_to_the_one_address_that_was_checked() {
        let to = |url: &str| policy(Some(&Url::parse(url).unwrap())).to_str().unwrap().to_owned();
        assert!(to("http://127.0.0.1:5000/cb?a=b").contains("form-action 'self' http://127.0.0.1:5000;"));
        assert!(to("http://[::1]:5000/cb").contains("form-action 'self' http:;"));
        assert!(policy(None).to_str().unwrap().contains("form-action 'self';"));
    }
}
