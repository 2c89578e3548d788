//! The parameters of a request, from a query or a form (RFC 6749 §3.1, §3.2, appendix B).

use std::collections::BTreeMap;

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::Uri,
};
use url::form_urlencoded;

use crate::reply::{Answer, is_sent_as};

/// The one parameter that may be sent more than once (RFC 8707 §2). Nothing here depends on it.
const MAY_REPEAT: &str = "resource";

/// Parameters by name. One without a value counts as not sent; none is there twice. No `Debug`: a password may be
/// among them.
pub(super) struct Params(BTreeMap<String, String>);

impl Params {
    pub(super) fn of_query(uri: &Uri) -> Result<Self, Answer> {
        Self::parse(uri.query().unwrap_or_default().as_bytes())
    }

    pub(super) fn parse(text: &[u8]) -> Result<Self, Answer> {
        let mut params = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(text).filter(|(name, _)| name != MAY_REPEAT) {
            if params.insert(name.into_owned(), value.into_owned()).is_some() {
                return Err(Answer::invalid_request("a parameter was sent twice"));
            }
        }
        params.retain(|_, value: &mut String| !value.is_empty());
        Ok(Self(params))
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(super) fn need(&self, name: &str) -> Result<&str, Answer> {
        self.get(name).ok_or_else(|| Answer::invalid_request(&format!("the parameter {name} is missing")))
    }
}

/// A request body that is a form and says so. Errors never quote it.
pub(super) struct Form(pub(super) Params);

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Answer;

    async fn from_request(request: Request, state: &S) -> Result<Self, Answer> {
        if !is_sent_as(request.headers(), "application/x-www-form-urlencoded") {
            return Err(Answer::invalid_request(
                "the body must be sent as application/x-www-form-urlencoded",
            ));
        }
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|_| Answer::invalid_request("the body could not be read"))?;
        Params::parse(&bytes).map(Self)
    }
}
