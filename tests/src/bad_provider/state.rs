//! What the provider knows: what it issued, what it was asked, what it shall do wrong.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use jiff::{SignedDuration, Timestamp};

use super::exchange::{Endpoint, Reply, Request};
use super::fault::{Dpop, Plan};
use super::keys::{Keys, base64url};
use super::{Settings, authorize, device, discovery, resource, token};

/// What a person granted; every token of it is known by its number.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub(super) scope: String,
    /// The key that tokens are bound to, by its thumbprint.
    pub(super) key: Option<String>,
    pub(super) revoked: bool,
}

/// An authorization code.
#[derive(Clone, Debug)]
pub(super) struct Code {
    pub(super) redirect_uri: String,
    pub(super) challenge: Option<Challenge>,
    pub(super) nonce: Option<String>,
    pub(super) scope: String,
    /// `dpop_jkt`.
    pub(super) key: Option<String>,
    /// The grant it became.
    pub(super) spent: Option<usize>,
}

/// A code challenge (RFC 7636 §4.2).
#[derive(Clone, Debug)]
pub(super) enum Challenge {
    S256(String),
    /// Taken only where it is planned.
    Plain(String),
}

/// A refresh token.
#[derive(Clone, Debug)]
pub(super) struct Refresh {
    pub(super) grant: usize,
    /// When it was spent, and the reply it got.
    pub(super) spent: Option<(Timestamp, Reply)>,
}

/// An access token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Access {
    pub(super) grant: usize,
    pub(super) expires: Timestamp,
}

/// A device code.
#[derive(Clone, Debug)]
pub(super) struct DeviceCode {
    pub(super) scope: String,
    pub(super) polls: u32,
    pub(super) expires: Timestamp,
    pub(super) spent: bool,
}

/// Everything behind the one lock.
pub(super) struct State {
    pub(super) settings: Settings,
    pub(super) issuer: String,
    pub(super) keys: Keys,
    pub(super) plan: Plan,
    pub(super) canned: VecDeque<(Endpoint, Reply)>,
    pub(super) requests: Vec<Request>,
    /// Every secret that was issued, also in replies that never left.
    pub(super) secrets: Vec<String>,
    pub(super) grants: Vec<Grant>,
    pub(super) codes: BTreeMap<String, Code>,
    pub(super) refresh: BTreeMap<String, Refresh>,
    pub(super) access: BTreeMap<String, Access>,
    pub(super) devices: BTreeMap<String, DeviceCode>,
    /// Pushed requests, by their URI.
    pub(super) pushed: BTreeMap<String, Request>,
    /// The ids of all proofs.
    pub(super) proofs: BTreeSet<String>,
    pub(super) nonces: u32,
}

impl State {
    pub(super) fn new(settings: Settings, issuer: String) -> Self {
        Self {
            settings,
            issuer,
            keys: Keys::new(),
            plan: Plan::default(),
            canned: VecDeque::new(),
            requests: Vec::new(),
            secrets: Vec::new(),
            grants: Vec::new(),
            codes: BTreeMap::new(),
            refresh: BTreeMap::new(),
            access: BTreeMap::new(),
            devices: BTreeMap::new(),
            pushed: BTreeMap::new(),
            proofs: BTreeSet::new(),
            nonces: 0,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.settings.clock)()
    }

    /// So long from now.
    pub(super) fn later(&self, time: std::time::Duration) -> Timestamp {
        self.now() + SignedDuration::try_from(time).unwrap()
    }

    /// A new secret of a kind, such as `at`. All begin alike, so that a search for leaks finds any of them.
    pub(super) fn secret(&mut self, kind: &str) -> String {
        let mut bytes = [0; 18];
        getrandom::fill(&mut bytes).unwrap();
        let secret = format!("LKCANARY-{kind}-{}", base64url(bytes));
        self.secrets.push(secret.clone());
        secret
    }

    /// Answers one request, and remembers it.
    pub(super) fn answer(&mut self, request: Request) -> Reply {
        let waiting = self.canned.iter().position(|(endpoint, _)| *endpoint == request.endpoint);
        let reply = match waiting.and_then(|place| self.canned.remove(place)) {
            Some((_, reply)) => reply,
            None => self.route(&request),
        };
        self.requests.push(request);
        reply
    }

    fn route(&mut self, request: &Request) -> Reply {
        let reply = match (request.endpoint, request.method.as_str()) {
            (Endpoint::Discovery, "GET") => Ok(discovery::metadata(self)),
            (Endpoint::Jwks, "GET") => Ok(self.keys.key_set(&mut self.plan)),
            (Endpoint::Authorize, "GET") => authorize::authorize(self, request),
            (Endpoint::PushedRequest, "POST") => authorize::push(self, request),
            (Endpoint::Token, "POST") => {
                let reply = token::token(self, request).unwrap_or_else(|refusal| refusal);
                Ok(self.with_nonce(reply))
            }
            (Endpoint::DeviceAuthorization, "POST") => device::authorize(self, request),
            (Endpoint::Verification, "GET") => Ok(Reply::page(200, "The device is allowed by itself.")),
            (Endpoint::UserInfo, "GET" | "POST") => resource::user_info(self, request),
            (Endpoint::Revocation, "POST") => resource::revoke(self, request),
            (Endpoint::EndSession, "GET") => Ok(authorize::end_session(self, request)),
            (Endpoint::Elsewhere, _) => Err(Reply::error(404, "not_found", "there is no such path here")),
            (_, _) => Err(Reply::error(405, "invalid_request", "this path takes another method")),
        };
        reply.unwrap_or_else(|refusal| refusal)
    }

    /// RFC 9449 §8.2: a new nonce may come with any reply.
    fn with_nonce(&mut self, reply: Reply) -> Reply {
        if self.plan.has(Dpop::NonceEach) {
            self.nonces += 1;
        }
        match self.nonce() {
            Some(nonce) => reply.with("dpop-nonce", nonce),
            None => reply,
        }
    }
}
