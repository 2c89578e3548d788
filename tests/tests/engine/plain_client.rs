//! An OAuth client that does what a test tells it, over plain HTTP: to prove the servers that tests use.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use reqwest::header::HeaderMap;
use reqwest::{Client, RequestBuilder, Url};
use serde_json::{Value, json};

/// The redirect URI of every request: nobody listens there, the redirect is looked at and not followed.
pub(crate) const REDIRECT_URI: &str = "http://127.0.0.1:9/callback";

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Reply {
    /// The body as JSON, or null.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// A member of the body that is text, or nothing.
    pub(crate) fn text_of(&self, member: &str) -> String {
        self.json()[member].as_str().unwrap_or_default().to_owned()
    }

    pub(crate) fn header(&self, name: &str) -> String {
        self.headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
    }
}

/// A public client that knows what the server publishes.
pub(crate) struct PlainClient {
    pub(crate) http: Client,
    pub(crate) metadata: Value,
}

impl PlainClient {
    pub(crate) async fn discover(issuer: &str) -> Self {
        let http = Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            // Each request on a connection of its own: what a fault does to one must not befall the next.
            .pool_max_idle_per_host(0)
            .build()
            .unwrap();
        let url = format!("{issuer}/.well-known/openid-configuration");
        let metadata = sent(http.get(url)).await.unwrap().json();
        Self { http, metadata }
    }

    pub(crate) fn endpoint(&self, name: &str) -> String {
        self.metadata[name].as_str().unwrap_or_else(|| panic!("no {name}: {:#}", self.metadata)).to_owned()
    }

    /// The parameters of an authorization request, its verifier last.
    pub(crate) fn request(scope: &str) -> (Vec<(&'static str, String)>, String) {
        let verifier = random();
        let challenge = sha256(&verifier);
        let parameters = vec![
            ("client_id", "latchkey".to_owned()),
            ("response_type", "code".to_owned()),
            ("redirect_uri", REDIRECT_URI.to_owned()),
            ("scope", scope.to_owned()),
            ("prompt", "consent".to_owned()),
            ("state", "the-state".to_owned()),
            ("nonce", "the-nonce".to_owned()),
            ("code_challenge", challenge),
            ("code_challenge_method", "S256".to_owned()),
        ];
        (parameters, verifier)
    }

    /// An authorization URL for these parameters.
    pub(crate) fn authorization_url<V: AsRef<str>>(&self, parameters: &[(&str, V)]) -> String {
        Url::parse_with_params(&self.endpoint("authorization_endpoint"), parameters).unwrap().into()
    }

    /// Exchanges a code.
    pub(crate) async fn redeem(&self, code: &str, verifier: &str) -> Reply {
        self.redeem_with(code, verifier, None).await
    }

    /// Exchanges a code, with a proof.
    pub(crate) async fn redeem_with(&self, code: &str, verifier: &str, proof: Option<String>) -> Reply {
        let parameters = [
            ("grant_type", "authorization_code"),
            ("client_id", "latchkey"),
            ("redirect_uri", REDIRECT_URI),
            ("code", code),
            ("code_verifier", verifier),
        ];
        self.post("token_endpoint", &parameters, proof).await.unwrap()
    }

    /// Refreshes.
    pub(crate) async fn refresh(&self, token: &str) -> Reply {
        self.try_refresh(token).await.unwrap()
    }

    /// Refreshes, where there may be no reply.
    pub(crate) async fn try_refresh(&self, token: &str) -> Option<Reply> {
        self.refresh_with(token, None).await
    }

    pub(crate) async fn refresh_with(&self, token: &str, proof: Option<String>) -> Option<Reply> {
        let parameters =
            [("grant_type", "refresh_token"), ("client_id", "latchkey"), ("refresh_token", token)];
        self.post("token_endpoint", &parameters, proof).await
    }

    /// Polls with a device code.
    pub(crate) async fn poll(&self, device_code: &str) -> Reply {
        let parameters = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("client_id", "latchkey"),
            ("device_code", device_code),
        ];
        self.post("token_endpoint", &parameters, None).await.unwrap()
    }

    /// Posts a form to an endpoint of the metadata; nothing where the connection broke.
    pub(crate) async fn post<V: AsRef<str>>(
        &self,
        endpoint: &str,
        parameters: &[(&str, V)],
        proof: Option<String>,
    ) -> Option<Reply> {
        let form: Vec<_> = parameters.iter().map(|(name, value)| (*name, value.as_ref())).collect();
        let mut request = self.http.post(self.endpoint(endpoint)).form(&form);
        if let Some(proof) = proof {
            request = request.header("dpop", proof);
        }
        sent(request).await
    }

    /// Gets a URL.
    pub(crate) async fn get(&self, url: &str) -> Option<Reply> {
        sent(self.http.get(url)).await
    }

    /// Asks who the token belongs to.
    pub(crate) async fn user_info(&self, authorization: &str) -> Reply {
        let request = self.http.get(self.endpoint("userinfo_endpoint"));
        sent(request.header("authorization", authorization)).await.unwrap()
    }
}

/// Sends it; nothing where there was no whole reply.
pub(crate) async fn sent(request: RequestBuilder) -> Option<Reply> {
    let response = request.send().await.ok()?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Some(Reply { status, headers, text: response.text().await.ok()? })
}

/// The value of a query parameter.
pub(crate) fn query(url: &Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// The claims of a JWT, unverified.
pub(crate) fn claims(jwt: &str) -> Value {
    part(jwt, 1)
}

/// A part of a JWT that holds JSON.
pub(crate) fn part(jwt: &str, place: usize) -> Value {
    let part = jwt.split('.').nth(place).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn random() -> String {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).unwrap();
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A key for proofs of possession (RFC 9449).
pub(crate) struct ProofKey(EcdsaKeyPair);

impl ProofKey {
    pub(crate) fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    /// A proof for one request.
    pub(crate) fn proof(&self, method: &str, url: &str, more: &Value) -> String {
        let public = self.0.public_key().as_ref();
        let coordinate = |from: usize| URL_SAFE_NO_PAD.encode(&public[from..from + 32]);
        let jwk = json!({ "kty": "EC", "crv": "P-256", "x": coordinate(1), "y": coordinate(33) });
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": jwk });
        let mut claims = json!({ "jti": random(), "htm": method, "htu": url, "iat": now() });
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let encoded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", encoded(&header), encoded(&claims));
        let signature = self.0.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// SHA-256 in base64url: a code challenge, and `ath` in a proof for a resource.
pub(crate) fn sha256(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
}

#[allow(clippy::disallowed_methods, reason = "real servers live in real time")]
fn now() -> i64 {
    Timestamp::now().as_second()
}
