//! What of a message's head is passed on (RFC 9110 §7.6), and what authorizes it.

use hyper::HeaderMap;
use hyper::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, COOKIE, Entry, HOST, HeaderName, HeaderValue, LOCATION,
    ORIGIN, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, REFERER, SET_COOKIE, TE, TRAILER, TRANSFER_ENCODING,
    UPGRADE, VIA,
};
use latchkey_engine::config::Url;

use super::gate::{Gate, SECRET_HEADER};

/// Those of one connection only (RFC 9110 §7.6.1), besides what `Connection` names.
const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];
/// What authorizes, and is Latchkey's to say.
const OURS: [HeaderName; 2] = [AUTHORIZATION, HeaderName::from_static("dpop")];
/// Of the upstream's own connection, or for Latchkey alone.
const NOT_FOR_THE_CALLER: [&str; 3] = ["alt-svc", "dpop-nonce", "x-revalidate-session"];
/// How this proxy is called in messages that went through it (RFC 9110 §7.6.3).
const BY: HeaderValue = HeaderValue::from_static("1.1 latchkey");

/// Whether the connection is to become a WebSocket (RFC 6455 §4.2.1).
pub(super) fn wants_websocket(headers: &HeaderMap) -> bool {
    let asks = headers.get(UPGRADE).is_some_and(|what| what.as_bytes().eq_ignore_ascii_case(b"websocket"));
    asks && connection_options(headers).any(|option| option.eq_ignore_ascii_case("upgrade"))
}

/// A request's headers as the upstream gets them, before anything authorizes them.
pub(super) fn onward(headers: &HeaderMap, gate: &Gate, upstream: &Url) -> HeaderMap {
    let websocket = wants_websocket(headers);
    let mut onward = end_to_end(headers);
    for name in OURS.iter().chain([&SECRET_HEADER, &HOST, &CONTENT_LENGTH]) {
        onward.remove(name);
    }
    // The page asks its own server, as far as that can tell; and whoever reads a referrer must not find the secret.
    if onward.contains_key(ORIGIN)
        && let Ok(origin) = HeaderValue::try_from(upstream.origin().ascii_serialization())
    {
        onward.insert(ORIGIN, origin);
    }
    if onward.get(REFERER).is_some_and(|from| from.to_str().map_or(true, |from| gate.is_own_address(from))) {
        onward.remove(REFERER);
    }
    if websocket {
        onward.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        onward.insert(UPGRADE, HeaderValue::from_static("websocket"));
    }
    onward.append(VIA, BY);
    onward
}

/// Puts what authorizes into a request. A cookie of ours takes the place of the caller's of the same name.
pub(super) fn authorize(request: &mut HeaderMap, with: &HeaderMap) {
    for (name, value) in with {
        if name != COOKIE {
            request.insert(name, value.clone());
            continue;
        }
        let ours = cookie_names(with);
        let pairs = request.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let pairs = pairs.flat_map(|line| line.split(';')).map(str::trim);
        let kept = pairs
            .filter(|pair| !pair.is_empty() && !belongs(pair.split('=').next().unwrap_or_default(), &ours));
        let all: Vec<_> = kept.chain(value.to_str().ok()).collect();
        if let Ok(mut joined) = HeaderValue::try_from(all.join("; ")) {
            joined.set_sensitive(true);
            request.insert(COOKIE, joined);
        }
    }
}

/// An answer's headers as the caller gets them: without what is the session's own.
pub(super) fn back(headers: &HeaderMap, authorized_with: &HeaderMap, websocket: bool) -> HeaderMap {
    let mut back = end_to_end(headers);
    for name in NOT_FOR_THE_CALLER {
        back.remove(name);
    }
    let ours = cookie_names(authorized_with);
    if !ours.is_empty()
        && let Entry::Occupied(set) = back.entry(SET_COOKIE)
    {
        let (name, values) = set.remove_entry_mult();
        let theirs: Vec<_> = values.filter(|value| !sets_one_of(value, &ours)).collect();
        for value in theirs {
            back.append(&name, value);
        }
    }
    if websocket {
        back.insert(CONNECTION, HeaderValue::from_static("upgrade"));
        back.insert(UPGRADE, HeaderValue::from_static("websocket"));
    }
    back
}

/// Where an answer leads, as the caller can follow it: places of the upstream lead through this proxy, all others stay
/// as they are. The token goes to none of those, since the caller does not have it.
pub(super) fn relocate(answer: &mut HeaderMap, asked: &Url, upstream: &Url, here: &str) {
    let Some(target) =
        answer.get(LOCATION).and_then(|to| to.to_str().ok()).and_then(|to| asked.join(to).ok())
    else {
        return;
    };
    if target.origin() != upstream.origin() {
        return;
    }
    // What lies beside the places that the proxy leads to can only be named outright.
    let mut moved = target.to_string();
    if let Some(rest) = target.path().strip_prefix(upstream.path()) {
        moved = format!("{here}{rest}");
        for (mark, part) in [('?', target.query()), ('#', target.fragment())] {
            if let Some(part) = part {
                moved.push(mark);
                moved.push_str(part);
            }
        }
    }
    if let Ok(moved) = HeaderValue::try_from(moved) {
        answer.insert(LOCATION, moved);
    }
}

/// Without what belongs to one connection only.
fn end_to_end(headers: &HeaderMap) -> HeaderMap {
    let mut kept = headers.clone();
    for option in connection_options(headers) {
        kept.remove(option);
    }
    for name in &HOP_BY_HOP {
        kept.remove(name);
    }
    kept
}

fn connection_options(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(CONNECTION).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim).filter(|option| !option.is_empty())
}

/// The names of the cookies that authorize.
fn cookie_names(with: &HeaderMap) -> Vec<&str> {
    let line = with.get(COOKIE).and_then(|line| line.to_str().ok()).unwrap_or_default();
    line.split(';').filter_map(|pair| Some(pair.trim().split_once('=')?.0)).collect()
}

/// Whether a cookie is one of those, or another part of one that was cut into parts (`name.0`, `name.1`).
fn belongs(name: &str, ours: &[&str]) -> bool {
    let whole = |name: &str| -> String {
        let cut = name.rsplit_once('.').filter(|(_, part)| part.bytes().all(|byte| byte.is_ascii_digit()));
        cut.map_or(name, |(whole, _)| whole).to_owned()
    };
    ours.iter().any(|own| whole(own) == whole(name))
}

fn sets_one_of(set_cookie: &HeaderValue, ours: &[&str]) -> bool {
    let text = set_cookie.as_bytes();
    let name = text.split(|byte| matches!(byte, b'=' | b';')).next().unwrap_or_default();
    std::str::from_utf8(name).is_ok_and(|name| belongs(name.trim(), ours))
}

#[cfg(test)]
mod tests;
