//! An authorization request: code flow with PKCE and nothing else (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1).

use url::Url;

use super::{client, params::Params, pkce, scope};
use crate::{family::Scope, reply::Answer};

/// A request that was checked. Whoever holds one may show a sign-in page for it.
#[derive(Clone)]
pub(super) struct AuthorizationRequest {
    pub(super) client_id: String,
    pub(super) back: ReturnAddress,
    pub(super) scope: Scope,
    pub(super) nonce: Option<String>,
    pub(super) code_challenge: String,
    /// The thumbprint of the only key the code is good for (RFC 9449 §10).
    pub(super) dpop_key: Option<String>,
    pub(super) prompt: Prompt,
    pub(super) login_hint: Option<String>,
    /// How long ago the sign-in may be, in seconds.
    pub(super) max_age: Option<u64>,
}

/// Where the browser is sent when all is done, and what goes along.
#[derive(Clone)]
pub(super) struct ReturnAddress {
    /// As the client wrote it: at the token endpoint it must write the same.
    pub(super) redirect_uri: String,
    pub(super) uri: Url,
    state: Option<String>,
}

/// What the client wants the person to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prompt {
    /// What is needed and no more.
    AsNeeded,
    /// Nothing: an error where something is needed.
    Nothing,
    /// The sign-in, whoever is signed in (`login`, `select_account`).
    SignIn,
    /// The question whether to allow it (`consent`).
    Consent,
}

/// Why a request goes no further.
pub(super) struct Refusal {
    pub(super) error: &'static str,
    pub(super) description: String,
    /// Where to tell the client. None while client and address are not known to be good: such a browser is sent
    /// nowhere (RFC 6749 §4.1.2.1).
    pub(super) back: Option<Box<ReturnAddress>>,
}

impl AuthorizationRequest {
    /// `proof_key`: the key of the DPoP proof that came along with a pushed request.
    pub(super) fn parse(params: &Params, proof_key: Option<String>) -> Result<Self, Refusal> {
        let nowhere = |description: &str| Refusal {
            error: "invalid_request",
            description: description.into(),
            back: None,
        };
        let client_id =
            params.get("client_id").ok_or_else(|| nowhere("the parameter client_id is missing"))?;
        if !client::is_known(client_id) {
            return Err(nowhere("no client is called that; the one client is `latchkey`"));
        }
        let back = ReturnAddress::of(params).map_err(|why| nowhere(&format!("redirect_uri: {why}")))?;
        let request = Rest::parse(params, proof_key);
        let rest = request.map_err(|(error, description)| Refusal {
            error,
            description: description.into(),
            back: Some(Box::new(back.clone())),
        })?;
        Ok(Self {
            client_id: client_id.into(),
            back,
            scope: rest.scope,
            nonce: params.get("nonce").map(Into::into),
            code_challenge: rest.code_challenge,
            dpop_key: rest.dpop_key,
            prompt: rest.prompt,
            login_hint: params.get("login_hint").map(Into::into),
            max_age: rest.max_age,
        })
    }
}

/// What can be wrong once it is known where to tell it.
struct Rest {
    scope: Scope,
    code_challenge: String,
    dpop_key: Option<String>,
    prompt: Prompt,
    max_age: Option<u64>,
}

impl Rest {
    fn parse(params: &Params, proof_key: Option<String>) -> Result<Self, (&'static str, &'static str)> {
        let invalid = |description| Err(("invalid_request", description));
        if params.get("request").is_some() {
            return Err(("request_not_supported", "request objects are not taken"));
        }
        match params.get("response_type") {
            Some("code") => {}
            Some(_) => return Err(("unsupported_response_type", "the one response_type is code")),
            None => return invalid("the parameter response_type is missing"),
        }
        if params.get("response_mode").is_some_and(|mode| mode != "query") {
            return invalid("the one response_mode is query");
        }
        let Some(code_challenge) = params.get("code_challenge") else {
            return invalid("PKCE is required: the parameter code_challenge is missing");
        };
        // RFC 7636 §4.3: without the parameter it would be `plain`.
        if params.get("code_challenge_method") != Some("S256") {
            return invalid("the one code_challenge_method is S256");
        }
        if !pkce::is_sha256_text(code_challenge) {
            return invalid("code_challenge is no SHA-256 in base64url");
        }
        let named_key = params.get("dpop_jkt");
        if named_key.is_some_and(|key| !pkce::is_sha256_text(key)) {
            return invalid("dpop_jkt is no SHA-256 in base64url");
        }
        if named_key.is_some() && proof_key.is_some() && named_key != proof_key.as_deref() {
            return invalid("dpop_jkt and the DPoP proof name different keys");
        }
        let max_age = match params.get("max_age").map(str::parse) {
            None => None,
            Some(Ok(seconds)) => Some(seconds),
            Some(Err(_)) => return invalid("max_age is no number of seconds"),
        };
        let scope = scope::granted(params.get("scope"))
            .map_err(|_| ("invalid_scope", "none of the scope values is known here"))?;
        Ok(Self {
            scope,
            code_challenge: code_challenge.into(),
            dpop_key: proof_key.or(named_key.map(Into::into)),
            prompt: Prompt::parse(params.get("prompt"))?,
            max_age,
        })
    }
}

impl Prompt {
    fn parse(text: Option<&str>) -> Result<Self, (&'static str, &'static str)> {
        let values: Vec<_> = text.unwrap_or_default().split_ascii_whitespace().collect();
        if values.contains(&"none") {
            let alone = values.len() == 1;
            return if alone {
                Ok(Self::Nothing)
            } else {
                Err(("invalid_request", "prompt: none stands alone"))
            };
        }
        if values.contains(&"login") || values.contains(&"select_account") {
            Ok(Self::SignIn)
        } else if values.contains(&"consent") {
            Ok(Self::Consent)
        } else {
            Ok(Self::AsNeeded)
        }
    }
}

impl ReturnAddress {
    fn of(params: &Params) -> Result<Self, &'static str> {
        let redirect_uri = params.get("redirect_uri").ok_or("it is missing")?;
        let uri = client::loopback_uri(redirect_uri)?;
        Ok(Self { redirect_uri: redirect_uri.into(), uri, state: params.get("state").map(Into::into) })
    }

    /// The address with an answer: `state` as it came (RFC 6749 §4.1.2) and who answers (RFC 9207 §2).
    pub(super) fn with(&self, issuer: &str, answer: &[(&str, &str)]) -> String {
        let mut uri = self.uri.clone();
        uri.query_pairs_mut()
            .extend_pairs(answer)
            .extend_pairs(self.state.as_ref().map(|state| ("state", state)))
            .append_pair("iss", issuer);
        uri.into()
    }
}

impl Refusal {
    /// For a program that pushed the request (RFC 9126 §2.3).
    pub(super) fn into_json(self) -> Answer {
        Answer::refused(axum::http::StatusCode::BAD_REQUEST, self.error, self.description)
    }
}
