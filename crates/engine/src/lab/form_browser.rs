//! A browser without a window, for sign-ins that nobody watches: it follows redirects, keeps cookies, and fills a user
//! name and a password into the forms it is shown. It runs no script, so it signs in where a plain page does.

use std::collections::BTreeMap;
use std::sync::Arc;

use latchkey_core::secret::Password;
use reqwest::Url;

use crate::http::{Http, Reply, Request};
use crate::ports::{Browser, BrowserError};

/// A sign-in takes fewer steps; more is a loop.
const MOST_STEPS: usize = 20;

/// What pages call the user name.
const NAMES: [&str; 5] = ["username", "login", "email", "user", "identifier"];

/// The browser, and what is typed into it. Each page that is opened is a new browser without cookies.
#[derive(Clone)]
pub struct FormBrowser {
    inner: Arc<Inner>,
}

struct Inner {
    username: String,
    password: Password,
    http: Http,
}

impl FormBrowser {
    /// One that signs in with these.
    pub fn who_types(username: &str, password: Password, http: Http) -> Self {
        Self { inner: Arc::new(Inner { username: username.to_owned(), password, http }) }
    }
}

impl Browser for FormBrowser {
    fn open(&self, page: &Url) -> Result<(), BrowserError> {
        let (inner, page) = (self.inner.clone(), page.clone());
        let runtime = tokio::runtime::Handle::try_current().map_err(|_| BrowserError)?;
        // Where it ends the sign-in itself tells: nobody comes back, and it times out.
        runtime.spawn(async move { inner.walk(page).await });
        Ok(())
    }
}

impl Inner {
    /// From page to page until there is nothing more to fill in.
    async fn walk(&self, start: Url) -> Option<()> {
        let mut cookies = BTreeMap::new();
        let mut at = start;
        let mut request = with_cookies(Request::get(&at), &cookies);
        let mut last = None;
        for _ in 0..MOST_STEPS {
            let reply = self.http.send(request).await.ok()?;
            keep_cookies(&reply, &mut cookies);
            if let Some(next) = redirect(&reply, &at) {
                at = next;
                request = with_cookies(Request::get(&at), &cookies);
                continue;
            }
            let page = String::from_utf8_lossy(&reply.body).into_owned();
            let form = Form::first(&page)?;
            let fields = form.filled(&self.username, &self.password);
            // The same page once more: what was typed was not taken.
            if last.replace(page.len()) == Some(page.len()) && form.asks_for_password {
                return None;
            }
            at = at.join(form.action.as_deref().unwrap_or(at.as_str())).ok()?;
            let pairs: Vec<(&str, &str)> =
                fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            request = with_cookies(Request::post_form(&at, pairs), &cookies);
        }
        None
    }
}

fn with_cookies(request: Request, cookies: &BTreeMap<String, String>) -> Request {
    if cookies.is_empty() {
        return request;
    }
    let pairs: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
    request.secret_header("cookie", &pairs.join("; "))
}

fn keep_cookies(reply: &Reply, cookies: &mut BTreeMap<String, String>) {
    for cookie in reply.headers.get_all("set-cookie") {
        let pair = cookie.to_str().ok().and_then(|text| text.split(';').next()?.split_once('='));
        if let Some((name, value)) = pair {
            if value.is_empty() {
                cookies.remove(name.trim());
            } else {
                cookies.insert(name.trim().to_owned(), value.to_owned());
            }
        }
    }
}

fn redirect(reply: &Reply, from: &Url) -> Option<Url> {
    let to = reply.headers.get("location").filter(|_| (300..400).contains(&reply.status))?;
    from.join(to.to_str().ok()?).ok()
}

/// A form of a page.
#[derive(Debug, Default)]
struct Form {
    action: Option<String>,
    /// Names and values as the page has them.
    fields: Vec<(String, String)>,
    username: Option<String>,
    password: Option<String>,
    asks_for_password: bool,
    /// The button that says yes.
    button: Option<(String, String)>,
}

impl Form {
    /// The first form of a page.
    fn first(page: &str) -> Option<Self> {
        let begin = page.to_ascii_lowercase().find("<form")?;
        let text = page.get(begin..)?;
        let end = text.to_ascii_lowercase().find("</form").unwrap_or(text.len());
        let mut form = Self::default();
        for tag in text.get(..end)?.split('<').skip(1) {
            let tag = tag.split('>').next().unwrap_or_default();
            let kind = tag.split(char::is_whitespace).next().unwrap_or_default().to_ascii_lowercase();
            let attributes = attributes(tag);
            let value = |name: &str| attributes.get(name).cloned();
            match kind.as_str() {
                "form" => form.action = value("action").filter(|action| !action.is_empty()),
                "input" | "button" => form.take(&kind, &attributes),
                _ => {}
            }
        }
        Some(form)
    }

    fn take(&mut self, tag: &str, attributes: &BTreeMap<String, String>) {
        let Some(name) = attributes.get("name").cloned() else { return };
        let value = attributes.get("value").cloned().unwrap_or_default();
        let default = if tag == "button" { "submit" } else { "text" };
        match attributes.get("type").map_or(default, String::as_str) {
            "submit" => {
                if self.button.is_none() {
                    self.button = Some((name, value));
                }
            }
            "password" => {
                self.asks_for_password = true;
                self.password = Some(name);
            }
            "text" | "email" => {
                let wanted = NAMES.iter().any(|known| name.eq_ignore_ascii_case(known));
                if self.username.is_none() || wanted {
                    self.username = Some(name);
                }
            }
            _ => self.fields.push((name, value)),
        }
    }

    fn filled(&self, username: &str, password: &Password) -> Vec<(String, String)> {
        let mut fields = self.fields.clone();
        if self.asks_for_password {
            fields.extend(self.username.clone().map(|name| (name, username.to_owned())));
            fields.extend(self.password.clone().map(|name| (name, password.expose().to_owned())));
        }
        fields.extend(self.button.clone());
        fields
    }
}

/// The attributes of a tag; without quotes a value ends at the next space.
fn attributes(tag: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut rest = tag.split_once(char::is_whitespace).map_or("", |(_, rest)| rest);
    while !rest.trim_start().is_empty() {
        rest = rest.trim_start();
        let end = rest.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        let mut value = String::new();
        rest = after;
        if let Some(quoted) = after.strip_prefix('=') {
            let quote = quoted.chars().next().filter(|c| matches!(c, '"' | '\''));
            let (text, left) = match quote {
                Some(quote) => quoted.get(1..).unwrap_or_default().split_once(quote).unwrap_or((quoted, "")),
                None => quoted.split_once(char::is_whitespace).unwrap_or((quoted, "")),
            };
            value = unescaped(text);
            rest = left;
        } else if name.is_empty() {
            break;
        }
        found.insert(name.to_ascii_lowercase(), value);
    }
    found
}

fn unescaped(text: &str) -> String {
    text.replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&#x27;", "'")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_filled_with_what_it_asks_for_and_keeps_what_it_hides() {
        let page = "<h1>Hi</h1><form method=post action='/interaction/1?a=b&amp;c=d'><input type=\"hidden\" name=\"csrf\" \
            value=\"x&amp;y\"><input name=login placeholder=\"Enter any login\"><input type=password name=password>\
            <button type=\"submit\" name=\"action\" value=\"allow\">Allow</button>\
            <button name=\"action\" value=\"deny\">No</button></form>";
        let form = Form::first(page).unwrap();
        assert_eq!(form.action.as_deref(), Some("/interaction/1?a=b&c=d"));
        let fields = form.filled("ada", &Password::new("secret"));
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            fields,
            [pair("csrf", "x&y"), pair("login", "ada"), pair("password", "secret"), pair("action", "allow")]
        );
        assert!(Form::first("<p>Done. You may close this page.</p>").is_none());
    }
}
