//! What the provider says about itself (RFC 8414 §2, OpenID Connect Discovery §3).

use serde_json::{Value, json};

use super::OTHER_ISSUER;
use super::device::GRANT_TYPE;
use super::exchange::{Endpoint, Reply};
use super::fault::Discovery;
use super::state::State;

/// The metadata endpoint.
pub(super) fn metadata(state: &mut State) -> Reply {
    let mut metadata = json!({
        "issuer": state.issuer,
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token", GRANT_TYPE],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
        "dpop_signing_alg_values_supported": ["ES256"],
        "require_pushed_authorization_requests": state.settings.par_required,
    });
    for (name, endpoint) in [
        ("authorization_endpoint", Endpoint::Authorize),
        ("token_endpoint", Endpoint::Token),
        ("jwks_uri", Endpoint::Jwks),
        ("pushed_authorization_request_endpoint", Endpoint::PushedRequest),
        ("device_authorization_endpoint", Endpoint::DeviceAuthorization),
        ("userinfo_endpoint", Endpoint::UserInfo),
        ("revocation_endpoint", Endpoint::Revocation),
        ("end_session_endpoint", Endpoint::EndSession),
    ] {
        metadata[name] = json!(format!("{}{}", state.issuer, endpoint.path()));
    }
    // Those of PKCE are asked again at the authorization, so they are not used up here.
    if state.plan.has(Discovery::PkceMissing) {
        remove(&mut metadata, "code_challenge_methods_supported");
    }
    if state.plan.has(Discovery::PkcePlain) {
        metadata["code_challenge_methods_supported"] = json!(["plain"]);
    }
    for (fault, member, value) in [
        (Discovery::IssuerMismatch, "issuer", Some(json!(OTHER_ISSUER))),
        (Discovery::HttpJwks, "jwks_uri", Some(json!("http://keys.example.test/jwks"))),
        (Discovery::EvilScheme, "authorization_endpoint", Some(json!("file:///etc/passwd"))),
        (Discovery::TokenEndpointMissing, "token_endpoint", None),
        (Discovery::HostChange, "token_endpoint", Some(json!("https://login.example.test/token"))),
    ] {
        if state.plan.strikes(fault) {
            match value {
                Some(value) => metadata[member] = value,
                None => remove(&mut metadata, member),
            }
        }
    }
    if state.plan.strikes(Discovery::Html) {
        return Reply::portal();
    }
    Reply::json(200, &metadata)
}

fn remove(metadata: &mut Value, member: &str) {
    metadata.as_object_mut().unwrap().remove(member);
}
