//! A server on a free port with a clock of its own, and the smallest client that can talk to it.

use std::{sync::Arc, time::Duration};

use reqwest::{Method, StatusCode, header::HeaderMap};
use serde_json::{Value, json};

use crate::{DevServer, Options, StartError, clock::manual::ManualClock};

pub(super) const REFRESH: &str = "/auth/refreshToken";

pub(super) struct World {
    pub(super) server: DevServer,
    pub(super) clock: Arc<ManualClock>,
    pub(super) client: Client,
}

#[derive(Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    url: String,
}

pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl World {
    pub(super) async fn new() -> Self {
        Self::with(|_| {}).await
    }

    pub(super) async fn with(change: impl FnOnce(&mut Options)) -> Self {
        Self::at(ManualClock::new(), change).await.unwrap()
    }

    pub(super) async fn at(
        clock: Arc<ManualClock>,
        change: impl FnOnce(&mut Options),
    ) -> Result<Self, StartError> {
        let mut options = Options { listen: "127.0.0.1:0".parse().unwrap(), ..Options::default() };
        change(&mut options);
        let server = DevServer::start_with_clock(options, clock.clone()).await?;
        let client = Client::new(server.url());
        Ok(Self { server, clock, client })
    }

    /// A world whose client speaks to this address instead, and trusts this authority if one is named. Its own server
    /// is not asked.
    pub(super) async fn through(&self, url: &str, authority: Option<&str>) -> Self {
        let mut world = Self::at(self.clock.clone(), |_| {}).await.unwrap();
        world.client = Client::trusting(url, authority);
        world
    }

    /// The outcome of the latest request, as the server tells it.
    pub(super) fn outcome(&self) -> String {
        self.server.requests().last().unwrap().outcome.clone()
    }

    pub(super) fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

impl Client {
    fn new(url: &str) -> Self {
        Self::trusting(url, None)
    }

    fn trusting(url: &str, authority: Option<&str>) -> Self {
        let roots = authority.map(|pem| reqwest::Certificate::from_pem(pem.as_bytes()).unwrap());
        let http = reqwest::Client::builder()
            .tls_certs_merge(roots)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            // Each request its own connection: a closed one must not make the client send twice.
            .pool_max_idle_per_host(0)
            .build()
            .unwrap();
        Self { http, url: url.into() }
    }

    pub(super) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    pub(super) async fn get(&self, path: &str) -> Reply {
        Reply::of(self.request(Method::GET, path)).await
    }

    pub(super) async fn post(&self, path: &str, body: Value) -> Reply {
        Reply::of(self.request(Method::POST, path).json(&body)).await
    }

    /// For a reply that is not expected to arrive.
    pub(super) async fn try_refresh(&self, token: &str) -> reqwest::Result<String> {
        self.request(Method::POST, REFRESH).json(&json!({ "token": token })).send().await?.text().await
    }

    pub(super) async fn login(&self) -> Value {
        let reply = self.post("/auth/login", json!({ "username": "demo", "password": "demo" })).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        reply.json()
    }

    pub(super) async fn refresh(&self, token: &Value) -> Reply {
        self.post(REFRESH, json!({ "token": token })).await
    }

    pub(super) async fn me(&self, access_token: &Value) -> Reply {
        Reply::of(self.request(Method::GET, "/auth/me").bearer_auth(access_token.as_str().unwrap())).await
    }
}

impl Reply {
    pub(super) async fn of(request: reqwest::RequestBuilder) -> Self {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap() }
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The refusal in words, after checking its status and code.
    pub(super) fn refusal(&self, status: u16, error: &str) -> String {
        assert_eq!(self.status, status, "{}", self.text);
        let json = self.json();
        assert_eq!(json["error"], error, "{json}");
        json["error_description"].as_str().unwrap().to_owned()
    }
}
