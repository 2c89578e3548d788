//! The cookies of one session, all of which are stored together as one generation.
//!
//! A site replaces its session cookie with answers that may also never arrive, be torn, or come from something else on
//! the way. So a set of chunks is taken as a whole or not at all, what it replaces goes in the same step, and nothing
//! but a readable word of the site takes the session away.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use latchkey_core::secret::{AccessToken, RefreshToken, Secret};
use reqwest::Url;
use reqwest::header::{HeaderMap, SET_COOKIE};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::cookie::{Cookie, Scope, SetCookie};
use super::session_cookie::{Part, complete, part};
use crate::vault::Envelope;

/// How many cookies are kept: browsers keep 50 for a site (RFC 6265 §6.1), and a session may have many chunks.
const MOST: usize = 80;

/// The cookies of a session, and where its auth endpoints are. No `Debug`, no `Serialize`: it is a secret.
#[derive(Clone)]
pub(crate) struct Jar {
    /// Where the site's auth endpoints are.
    base: Url,
    cookies: Vec<Cookie>,
}

/// What an answer did to the session in a jar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// Nothing.
    None,
    /// There is a new session, whole.
    Renewed,
    /// The answer takes the session away. It is still in the jar: whoever reads the rest of the answer decides.
    Clears,
}

impl Jar {
    /// A jar without cookies.
    pub(super) fn new(base: Url) -> Self {
        Self { base, cookies: Vec::new() }
    }

    /// Where the site's auth endpoints are.
    pub(super) fn base(&self) -> &Url {
        &self.base
    }

    /// Takes the cookies of an answer to a request for `url`. `own` is the name the site chose for its session cookie.
    pub(super) fn take(
        &mut self,
        headers: &HeaderMap,
        url: &Url,
        own: Option<&str>,
        received: Timestamp,
        skew: SignedDuration,
    ) -> Change {
        let texts = headers.get_all(SET_COOKIE).iter().filter_map(|header| header.to_str().ok());
        let set = texts.filter_map(|header| SetCookie::read(header, url, received, skew));
        let (sessions, others): (Vec<_>, Vec<_>) = set.partition(|set| part(&set.cookie.name, own).is_some());
        for set in others {
            self.put(set);
        }
        self.take_session(sessions, own)
    }

    fn put(&mut self, set: SetCookie) {
        let same = |cookie: &Cookie| {
            let (one, other) = (&cookie.scope, &set.cookie.scope);
            cookie.name == set.cookie.name && one.domain == other.domain && one.path == other.path
        };
        self.cookies.retain(|cookie| !same(cookie));
        if !set.removes && self.cookies.len() < MOST {
            self.cookies.push(set.cookie);
        }
    }

    fn take_session(&mut self, sets: Vec<SetCookie>, own: Option<&str>) -> Change {
        let removes = |set: &SetCookie| set.removes || set.cookie.value.is_empty();
        let reaches = |set: &SetCookie| set.cookie.scope.covers(&self.base);
        // The last word on a name counts.
        let by_name: BTreeMap<_, _> =
            sets.into_iter().filter(reaches).map(|set| (set.cookie.name.clone(), set)).collect();
        let (gone, new): (Vec<_>, Vec<_>) = by_name.into_values().partition(removes);
        let parts: Vec<Part> = new.iter().filter_map(|set| part(&set.cookie.name, own)).collect();
        if complete(&parts) {
            self.cookies.retain(|cookie| part(&cookie.name, own).is_none());
            self.cookies.extend(new.into_iter().map(|set| set.cookie));
            return Change::Renewed;
        }
        // What is not held is left over from a session that was larger.
        let held = |set: &SetCookie| self.cookies.iter().any(|cookie| cookie.name == set.cookie.name);
        if new.is_empty() && gone.iter().any(held) { Change::Clears } else { Change::None }
    }

    /// The session, put together from its chunks; none if there is none, or it has gaps.
    pub(super) fn session(&self, own: Option<&str>) -> Option<AccessToken> {
        let mut parts: Vec<_> =
            self.cookies.iter().filter_map(|cookie| Some((part(&cookie.name, own)?, cookie))).collect();
        parts.sort_unstable_by_key(|(part, _)| *part);
        if !complete(&parts.iter().map(|(part, _)| *part).collect::<Vec<_>>()) {
            return None;
        }
        let length = parts.iter().map(|(_, cookie)| cookie.value.expose().len()).sum();
        let mut joined = String::with_capacity(length);
        for (_, cookie) in &parts {
            joined.push_str(cookie.value.expose());
        }
        Some(AccessToken::new(joined))
    }

    /// When a browser would drop the session cookie, where the site said.
    pub(super) fn session_expires(&self, own: Option<&str>) -> Option<Timestamp> {
        let parts = self.cookies.iter().filter(|cookie| part(&cookie.name, own).is_some());
        parts.filter_map(|cookie| cookie.scope.expires).min()
    }

    /// What the site calls its session cookie, without the number of a chunk.
    pub(super) fn session_name(&self, own: Option<&str>) -> Option<&str> {
        let cookie = self.cookies.iter().find(|cookie| part(&cookie.name, own).is_some())?;
        Some(super::session_cookie::bare_name(&cookie.name))
    }

    /// A session that was copied from a browser, in the chunks it may need.
    pub(super) fn with_session(base: Url, name: &str, value: &Secret) -> Self {
        let scope = Scope {
            domain: base.host_str().unwrap_or_default().to_ascii_lowercase(),
            host_only: true,
            path: "/".to_owned(),
            secure: base.scheme() == "https",
            http_only: true,
            same_site: None,
            expires: None,
        };
        let text = value.expose();
        let piece = |name: String, value: &str| Cookie {
            name,
            value: Secret::new(value.to_owned()),
            scope: scope.clone(),
        };
        // Counted in octets; a session has no others than ASCII (checked by whoever read it).
        let cookies = if text.len() <= CHUNK {
            vec![piece(name.to_owned(), text)]
        } else {
            let chunks = (0..text.len()).step_by(CHUNK).map(|from| &text[from..text.len().min(from + CHUNK)]);
            chunks.enumerate().map(|(at, chunk)| piece(format!("{name}.{at}"), chunk)).collect()
        };
        Self { base, cookies }
    }

    /// The `Cookie` header of a request for `url` (RFC 6265 §5.4), if any cookie goes there. The session is sent
    /// whatever its end: the site's clock decides, not ours.
    pub(crate) fn header(&self, url: &Url, own: Option<&str>, now: Timestamp) -> Option<Zeroizing<String>> {
        if !self.is_own(url) {
            return None;
        }
        let lives = |cookie: &&Cookie| {
            part(&cookie.name, own).is_some() || cookie.scope.expires.is_none_or(|ends| ends > now)
        };
        let mut going: Vec<_> =
            self.cookies.iter().filter(|cookie| cookie.scope.covers(url)).filter(lives).collect();
        // Longer paths first; what was set earlier first (RFC 6265 §5.4, step 2).
        going.sort_by_key(|cookie| std::cmp::Reverse(cookie.scope.path.len()));
        let length = going.iter().map(|cookie| cookie.name.len() + cookie.value.expose().len() + 3).sum();
        let mut header = Zeroizing::new(String::with_capacity(length));
        for cookie in going {
            if !header.is_empty() {
                header.push_str("; ");
            }
            header.push_str(&cookie.name);
            header.push('=');
            header.push_str(cookie.value.expose());
        }
        (!header.is_empty()).then_some(header)
    }

    /// Whether an address is the site's own: its scheme, host and port (RFC 6454 §4).
    pub(crate) fn is_own(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }

    /// As it is stored. Measured first: a text that grows leaves copies behind which nobody wipes.
    pub(super) fn stored(&self) -> Option<RefreshToken> {
        let cookies = self.cookies.iter().map(|cookie| Written {
            name: Cow::Borrowed(&cookie.name),
            value: Cow::Borrowed(cookie.value.expose()),
            scope: Cow::Borrowed(&cookie.scope),
        });
        let written = Document { base: Cow::Borrowed(self.base.as_str()), cookies: cookies.collect() };
        let longest = |cookie: &Cookie| {
            let scope = &cookie.scope;
            2 * (cookie.name.len() + cookie.value.expose().len() + scope.domain.len() + scope.path.len())
                + 256
        };
        let room = self.base.as_str().len() + 64 + self.cookies.iter().map(longest).sum::<usize>();
        let mut bytes = Vec::with_capacity(room);
        serde_json::to_writer(&mut bytes, &written).ok()?;
        String::from_utf8(bytes).ok().map(RefreshToken::new)
    }

    /// The jar in an envelope; none where the session is no site's.
    pub(crate) fn of_envelope(envelope: &Envelope) -> Option<Self> {
        // No other provider's refresh token is a JSON object.
        Self::read(envelope.tokens.refresh.as_ref().filter(|token| token.expose().starts_with('{'))?)
    }

    /// What [`Jar::stored`] wrote.
    pub(super) fn read(stored: &RefreshToken) -> Option<Self> {
        let read: Document<'_> = serde_json::from_str(stored.expose()).ok()?;
        let cookies = read.cookies.into_iter().map(|cookie| Cookie {
            name: cookie.name.into_owned(),
            value: Secret::new(cookie.value.into_owned()),
            scope: cookie.scope.into_owned(),
        });
        Some(Self { base: Url::parse(&read.base).ok()?, cookies: cookies.collect() })
    }
}

/// In pieces of how many octets a session that was copied is sent: what Auth.js v5 cuts at, which v4 reads as well.
const CHUNK: usize = 3936;

#[derive(Serialize, Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    base: Cow<'a, str>,
    #[serde(borrow)]
    cookies: Vec<Written<'a>>,
}

#[derive(Serialize, Deserialize)]
struct Written<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    value: Cow<'a, str>,
    scope: Cow<'a, Scope>,
}

#[cfg(test)]
#[path = "jar_tests.rs"]
mod tests;
