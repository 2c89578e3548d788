//! `Set-Cookie` headers of any bytes: no answer takes a session away by itself, and no cookie leaves its site.

use jiff::{SignedDuration, Timestamp};
use latchkey_core::secret::{AccessToken, Secret};
use reqwest::Url;
use reqwest::header::{HeaderMap, HeaderValue, SET_COOKIE};

use super::jar::{Change, Jar};

const BASE: &str = "https://shop.example/api/auth";
/// What the jar holds before.
const HELD: &str = "held-session";

/// One `Set-Cookie` header a line, in the answer of a site to a browser that is signed in, and to one that is not.
pub fn set_cookie(input: &[u8]) {
    let mut headers = HeaderMap::new();
    for line in input.split(|byte| *byte == b'\n').take(100) {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            headers.append(SET_COOKIE, value);
        }
    }
    let base = Url::parse(BASE).unwrap();
    let name = "__Secure-next-auth.session-token";
    let held = Jar::with_session(base.clone(), name, &Secret::new(HELD.to_owned()));
    for own in [None, Some("shop.session")] {
        takes(held.clone(), &headers, own);
        takes(Jar::new(base.clone()), &headers, own);
    }
}

fn takes(mut jar: Jar, headers: &HeaderMap, own: Option<&str>) {
    let received = Timestamp::from_second(1_790_000_000).unwrap();
    let asked = Url::parse(BASE).unwrap().join("auth/session").unwrap();
    let session = |jar: &Jar| jar.session(own).as_ref().map(AccessToken::expose).map(str::to_owned);
    let before = session(&jar);
    let change = jar.take(headers, &asked, own, received, SignedDuration::ZERO);
    match change {
        Change::Renewed => {
            assert!(session(&jar).is_some_and(|session| !session.is_empty()), "a session with gaps");
        }
        Change::None | Change::Clears => assert!(session(&jar) == before, "an answer took the session away"),
    }
    assert!(change != Change::Clears || before.is_some(), "there was nothing to clear");
    let header = jar.header(&asked, own, received);
    if let Some(header) = &header {
        assert!(HeaderValue::from_str(header).is_ok(), "no request can carry the cookies");
    }
    for elsewhere in
        ["http://shop.example/api/auth", "https://shop.example.evil.test/", "https://shop.example:8443/"]
    {
        assert!(
            jar.header(&Url::parse(elsewhere).unwrap(), own, received).is_none(),
            "cookies go to {elsewhere}"
        );
    }
    let read = Jar::read(&jar.stored().unwrap()).unwrap();
    assert!(
        read.header(&asked, own, received) == header && session(&read) == session(&jar),
        "a jar is not what was stored"
    );
    assert_eq!(read.session_expires(own), jar.session_expires(own));
    assert_eq!(read.session_name(own), jar.session_name(own));
}
