//! The discovery document: OpenID Connect Discovery §3 and RFC 8414 §2 in one.

use std::sync::Arc;

use axum::extract::State;
use serde_json::json;

use super::{dpop, scope};
use crate::{backend::Backend, endpoint, reply::Answer};

pub(super) const DEVICE_CODE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// `GET /.well-known/openid-configuration` and `GET /.well-known/oauth-authorization-server`
pub(super) async fn document(State(backend): State<Arc<Backend>>) -> Answer {
    let at = |path: &str| format!("{}{path}", backend.issuer);
    let document = json!({
        "issuer": backend.issuer,
        "authorization_endpoint": at(endpoint::AUTHORIZE),
        "token_endpoint": at(endpoint::TOKEN),
        "userinfo_endpoint": at(endpoint::USERINFO),
        "jwks_uri": at(endpoint::JWKS),
        "device_authorization_endpoint": at(endpoint::DEVICE_AUTHORIZATION),
        "pushed_authorization_request_endpoint": at(endpoint::PAR),
        "require_pushed_authorization_requests": false,
        "revocation_endpoint": at(endpoint::REVOKE),
        "end_session_endpoint": at(endpoint::END_SESSION),
        "scopes_supported": scope::SUPPORTED,
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token", DEVICE_CODE_GRANT],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "authorization_response_iss_parameter_supported": true,
        "dpop_signing_alg_values_supported": dpop::ALGORITHM_NAMES,
        "id_token_signing_alg_values_supported": ["RS256"],
        "subject_types_supported": ["public"],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claims_supported": [
            "iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "sid", "name", "preferred_username",
            "email", "email_verified", "roles", "realm_access",
        ],
        "claims_parameter_supported": false,
        "request_parameter_supported": false,
        "request_uri_parameter_supported": false,
    });
    Answer::ok(&document, "published the discovery document")
}
