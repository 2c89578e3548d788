use super::*;

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
    }
    headers
}

fn lines(headers: &HeaderMap) -> Vec<String> {
    let mut lines: Vec<_> =
        headers.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
    lines.sort();
    lines
}

fn gate() -> Gate {
    Gate::new("127.0.0.1:4190".parse().unwrap(), Some("s".repeat(22)))
}

fn upstream() -> Url {
    Url::parse("https://api.test/v1/").unwrap()
}

#[test]
fn what_belongs_to_one_connection_or_to_latchkey_stays_behind() {
    let request = headers(&[
        ("host", "127.0.0.1:4190"),
        ("connection", "close, X-Private"),
        ("x-private", "1"),
        ("keep-alive", "timeout=5"),
        ("te", "trailers"),
        ("transfer-encoding", "chunked"),
        ("content-length", "3"),
        ("upgrade", "h2c"),
        ("proxy-authorization", "Basic eDp5"),
        ("authorization", "Bearer the-callers-own"),
        ("dpop", "x"),
        ("x-latchkey-proxy", "secret"),
        ("referer", "http://127.0.0.1:4190/ssssssssssssssssssssss/page"),
        ("origin", "http://127.0.0.1:4190"),
        ("accept", "text/html"),
        ("x-own", "stays"),
    ]);
    assert_eq!(
        lines(&onward(&request, &gate(), &upstream())),
        ["accept: text/html", "origin: https://api.test", "via: 1.1 latchkey", "x-own: stays"]
    );
}

#[test]
fn a_websocket_is_asked_for_and_agreed_to_in_both_headers() {
    let asks = headers(&[
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "WebSocket"),
        ("sec-websocket-key", "k"),
    ]);
    assert!(wants_websocket(&asks));
    let passed = lines(&onward(&asks, &gate(), &upstream()));
    assert_eq!(
        passed,
        ["connection: upgrade", "sec-websocket-key: k", "upgrade: websocket", "via: 1.1 latchkey"]
    );
    for no in [
        &[("upgrade", "websocket")][..],
        &[("connection", "upgrade")],
        &[("connection", "upgrade"), ("upgrade", "h2c")],
    ] {
        assert!(!wants_websocket(&headers(no)));
    }
}

#[test]
fn our_cookies_take_the_place_of_those_of_their_names_and_the_callers_others_stay() {
    let with = headers(&[("cookie", "__Secure-s.0=aa; __Secure-s.1=bb")]);
    let mut request =
        headers(&[("cookie", "theme=dark; __Secure-s.2=stale"), ("cookie", "__Secure-s=old; lang=de")]);
    authorize(&mut request, &with);
    assert_eq!(lines(&request), ["cookie: theme=dark; lang=de; __Secure-s.0=aa; __Secure-s.1=bb"]);
    assert!(request["cookie"].is_sensitive());

    let answer = headers(&[
        ("set-cookie", "__Secure-s.0=new; Path=/; HttpOnly"),
        ("set-cookie", "theme=light"),
        ("set-cookie", "__Secure-s=; Max-Age=0"),
        ("dpop-nonce", "n"),
        ("x-revalidate-session", "true"),
        ("connection", "keep-alive"),
    ]);
    assert_eq!(lines(&back(&answer, &with, false)), ["set-cookie: theme=light"]);
    let bearer = headers(&[("authorization", "Bearer t")]);
    assert_eq!(lines(&back(&answer, &bearer, false)).len(), 3, "cookies are the caller's where none is ours");
    authorize(&mut request, &bearer);
    assert_eq!(request["authorization"], "Bearer t");
}

#[test]
fn a_redirect_within_the_upstream_leads_through_the_proxy() {
    let here = "http://127.0.0.1:4190/secret/";
    let asked = Url::parse("https://api.test/v1/a/b?x=1").unwrap();
    for (says, leads) in [
        ("https://api.test/v1/c?d#e", "http://127.0.0.1:4190/secret/c?d#e"),
        ("/v1/c", "http://127.0.0.1:4190/secret/c"),
        ("c", "http://127.0.0.1:4190/secret/a/c"),
        ("//api.test/v1/c", "http://127.0.0.1:4190/secret/c"),
        // Elsewhere, or beside what the proxy leads to: as it is.
        ("https://login.test/", "https://login.test/"),
        ("http://api.test/v1/c", "http://api.test/v1/c"),
        ("https://api.test:444/v1/c", "https://api.test:444/v1/c"),
        ("/v2/c", "https://api.test/v2/c"),
        ("https://api.test.evil.test/v1/", "https://api.test.evil.test/v1/"),
    ] {
        let mut answer = headers(&[("location", says)]);
        relocate(&mut answer, &asked, &upstream(), here);
        assert_eq!(answer["location"], leads, "{says}");
    }
}
