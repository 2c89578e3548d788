//! The other two parties: a browser with a person before it, and the app.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Method;
use serde_json::Value;
use url::{Url, form_urlencoded};

use super::super::client::{Client, Reply, World};

pub(in crate::tests) const CALLBACK: &str = "http://127.0.0.1:51234/callback";
pub(in crate::tests) const OFFLINE: &str = "openid profile email offline_access";
// RFC 7636, appendix B.
pub(in crate::tests) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(in crate::tests) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Parameters that are added or replaced; an empty value takes one away.
pub(in crate::tests) type Change<'a> = &'a [(&'a str, &'a str)];

/// A browser that keeps one cookie and follows no redirect.
pub(in crate::tests) struct Browser {
    client: Client,
    pub(in crate::tests) cookie: Option<String>,
}

impl Browser {
    pub(in crate::tests) fn new(world: &World) -> Self {
        Self { client: world.client.clone(), cookie: None }
    }

    pub(in crate::tests) async fn get(&mut self, path: &str) -> Reply {
        self.send(self.client.request(Method::GET, path)).await
    }

    pub(in crate::tests) async fn post(&mut self, path: &str, form: Change<'_>) -> Reply {
        self.send(self.client.request(Method::POST, path).form(form)).await
    }

    pub(in crate::tests) async fn send(&mut self, mut request: reqwest::RequestBuilder) -> Reply {
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", format!("other=1; {cookie}"));
        }
        let reply = Reply::of(request).await;
        if let Some((pair, rest)) = reply.header("set-cookie").split_once(';') {
            assert!(rest.contains("HttpOnly") && rest.contains("SameSite=Lax"), "{rest}");
            self.cookie = (!rest.contains("Max-Age=0")).then(|| pair.to_owned());
        }
        reply
    }

    /// What the browser is shown, or where it is sent, when the app opens it.
    pub(in crate::tests) async fn authorize(&mut self, change: Change<'_>) -> Reply {
        self.get(&format!("/oauth/authorize?{}", query(&request(change)))).await
    }

    /// Fills in the form of the page and presses one of its buttons.
    pub(in crate::tests) async fn fill_in(&mut self, page: &Reply, fields: Change<'_>) -> Reply {
        let mut form = hidden_fields(&page.text);
        form.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let action = between(&page.text, "action=\"", "\"").to_owned();
        self.send(self.client.request(Method::POST, &action).form(&form)).await
    }

    /// Signs in as `demo` where it is asked to; the parameters that reach the app.
    pub(in crate::tests) async fn sign_in(&mut self, change: Change<'_>) -> BTreeMap<String, String> {
        let mut reply = self.authorize(change).await;
        if reply.status == 200 {
            reply = self.fill_in(&reply, ALLOW).await;
        }
        sent_back(&reply)
    }
}

pub(in crate::tests) const ALLOW: Change<'_> =
    &[("username", "demo"), ("password", "demo"), ("action", "allow")];

/// A whole sign-in with these changes to the request; what the token endpoint answers.
pub(in crate::tests) async fn signed_in(world: &World, change: Change<'_>) -> Value {
    let answer = Browser::new(world).sign_in(change).await;
    let reply = redeem(world, &answer["code"], &[]).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()
}

pub(in crate::tests) async fn redeem(world: &World, code: &str, change: Change<'_>) -> Reply {
    Reply::of(token_request(world, &code_grant(code, change))).await
}

pub(in crate::tests) fn code_grant(code: &str, change: Change<'_>) -> BTreeMap<String, String> {
    let usual = [
        ("grant_type", "authorization_code"),
        ("client_id", "latchkey"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    changed(&usual, change)
}

pub(in crate::tests) async fn refresh(world: &World, token: &Value, change: Change<'_>) -> Reply {
    Reply::of(token_request(world, &refresh_grant(token, change))).await
}

pub(in crate::tests) fn refresh_grant(token: &Value, change: Change<'_>) -> BTreeMap<String, String> {
    let token = token.as_str().unwrap();
    changed(&[("grant_type", "refresh_token"), ("client_id", "latchkey"), ("refresh_token", token)], change)
}

pub(in crate::tests) fn token_request(
    world: &World,
    form: &BTreeMap<String, String>,
) -> reqwest::RequestBuilder {
    world.client.request(Method::POST, "/oauth/token").form(form)
}

pub(in crate::tests) async fn revoke(world: &World, token: &Value) -> Reply {
    let form = [("token", token.as_str().unwrap()), ("client_id", "latchkey")];
    Reply::of(world.client.request(Method::POST, "/oauth/revoke").form(&form)).await
}

pub(in crate::tests) async fn user_info(world: &World, access_token: &Value) -> Reply {
    let token = access_token.as_str().unwrap();
    Reply::of(world.client.request(Method::GET, "/oauth/userinfo").bearer_auth(token)).await
}

/// The authorization request of an app that does everything right.
pub(in crate::tests) fn request(change: Change<'_>) -> BTreeMap<String, String> {
    let usual = [
        ("response_type", "code"),
        ("client_id", "latchkey"),
        ("redirect_uri", CALLBACK),
        ("scope", OFFLINE),
        ("state", "the state"),
        ("nonce", "the nonce"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    changed(&usual, change)
}

pub(in crate::tests) fn query(params: &BTreeMap<String, String>) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(params).finish()
}

/// The parameters that a redirect to the app holds.
pub(in crate::tests) fn sent_back(reply: &Reply) -> BTreeMap<String, String> {
    assert_eq!(reply.status, 302, "{}", reply.text);
    let to = Url::parse(reply.header("location")).unwrap();
    assert_eq!((to.host_str(), to.scheme()), (Some("127.0.0.1"), "http"));
    to.query_pairs().into_owned().collect()
}

/// What a token says, without any check.
pub(in crate::tests) fn claims(token: &Value) -> Value {
    part(token, 1)
}

pub(in crate::tests) fn header(token: &Value) -> Value {
    part(token, 0)
}

fn part(token: &Value, place: usize) -> Value {
    let part = token.as_str().unwrap().split('.').nth(place).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn changed(usual: &[(&str, &str)], change: Change<'_>) -> BTreeMap<String, String> {
    let mut params: BTreeMap<String, String> =
        usual.iter().chain(change).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    params.retain(|_, value| !value.is_empty());
    params
}

fn hidden_fields(page: &str) -> BTreeMap<String, String> {
    let fields = page.split("<input type=\"hidden\" ").skip(1);
    let read = |field: &str| {
        (between(field, "name=\"", "\"").to_owned(), unescaped(between(field, "value=\"", "\"")))
    };
    fields.map(read).collect()
}

fn unescaped(text: &str) -> String {
    let text = text.replace("&quot;", "\"").replace("&#39;", "'").replace("&lt;", "<").replace("&gt;", ">");
    text.replace("&amp;", "&")
}

pub(in crate::tests) fn between<'a>(text: &'a str, before: &str, after: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap_or_else(|| panic!("no {before} in {text}"));
    rest.split_once(after).unwrap().0
}
