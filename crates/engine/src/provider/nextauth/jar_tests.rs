//! What answers do to a jar.

use std::collections::BTreeSet;

use proptest::prelude::*;
use reqwest::header::HeaderValue;
use static_assertions::assert_not_impl_any;

use super::*;

assert_not_impl_any!(Jar: std::fmt::Debug, std::fmt::Display, Serialize);

const V4: &str = "next-auth.session-token";

fn base() -> Url {
    Url::parse("http://127.0.0.1:4200/api/auth").unwrap()
}

fn session_url() -> Url {
    Url::parse("http://127.0.0.1:4200/api/auth/session").unwrap()
}

fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

fn answer(cookies: &[String]) -> HeaderMap {
    cookies.iter().map(|cookie| (SET_COOKIE, HeaderValue::from_str(cookie).unwrap())).collect()
}

fn take(jar: &mut Jar, cookies: &[String]) -> Change {
    jar.take(&answer(cookies), &session_url(), None, now(), SignedDuration::ZERO)
}

fn set(name: &str, value: &str) -> String {
    format!("{name}={value}; Path=/; Expires=Fri, 20 Nov 2026 13:00:00 GMT; HttpOnly; SameSite=Lax")
}

fn gone(name: &str) -> String {
    format!("{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax")
}

fn session(jar: &Jar) -> Option<String> {
    jar.session(None).map(|token| token.expose().to_owned())
}

fn header(jar: &Jar, url: &Url) -> Option<String> {
    jar.header(url, None, now()).map(|header| header.to_string())
}

/// The session in so many chunks, each named by its number.
fn chunks(count: usize) -> Vec<String> {
    (0..count).map(|at| set(&format!("{V4}.{at}"), &format!("<{at}>"))).collect()
}

#[test]
fn chunks_are_joined_in_the_order_of_their_numbers() {
    let mut jar = Jar::new(base());
    let mut eleven = chunks(11);
    eleven.reverse();
    assert_eq!(take(&mut jar, &eleven), Change::Renewed);
    assert_eq!(session(&jar).unwrap(), "<0><1><2><3><4><5><6><7><8><9><10>");
}

/// P62 of tests/catalogue.md: the shrunken session is sent without what is left of the larger one.
#[test]
fn a_session_that_shrinks_leaves_no_chunk_behind() {
    let mut jar = Jar::new(base());
    take(&mut jar, &chunks(3));
    assert_eq!(take(&mut jar, &[set(V4, "small"), gone(&format!("{V4}.1"))]), Change::Renewed);
    assert_eq!(session(&jar).as_deref(), Some("small"));
    assert_eq!(header(&jar, &session_url()).unwrap(), format!("{V4}=small"));
    take(&mut jar, &chunks(2));
    assert_eq!(session(&jar).as_deref(), Some("<0><1>"), "and grows again without the small one");
    assert_eq!(take(&mut jar, &[gone(V4), gone(&format!("{V4}.7"))]), Change::None);
    assert_eq!(session(&jar).as_deref(), Some("<0><1>"), "what is left over may go");
}

#[test]
fn a_set_of_chunks_with_a_gap_replaces_nothing() {
    let mut jar = Jar::new(base());
    take(&mut jar, &[set(V4, "whole")]);
    let [first, _, third] = &chunks(3)[..] else { panic!("three") };
    assert_eq!(take(&mut jar, &[first.clone(), third.clone()]), Change::None);
    assert_eq!(session(&jar).as_deref(), Some("whole"));
}

#[test]
fn an_answer_that_takes_the_session_away_only_says_so() {
    let mut jar = Jar::new(base());
    take(&mut jar, &chunks(2));
    let all = [gone(&format!("{V4}.0")), gone(&format!("{V4}.1"))];
    assert_eq!(take(&mut jar, &all), Change::Clears);
    assert_eq!(session(&jar).as_deref(), Some("<0><1>"), "whoever reads the rest decides");
    assert_eq!(take(&mut jar, &[set(&format!("{V4}.0"), "")]), Change::Clears, "an empty one is none");
    assert_eq!(take(&mut jar, &[gone(&format!("{V4}.1"))]), Change::Clears, "and half a session is none");
}

#[test]
fn a_site_that_moves_to_the_next_version_keeps_one_session() {
    let mut jar = Jar::new(base());
    take(&mut jar, &[set(V4, "old")]);
    take(&mut jar, &[set("authjs.session-token", "new")]);
    assert_eq!(header(&jar, &session_url()).unwrap(), "authjs.session-token=new");
}

/// P65 of tests/catalogue.md.
#[test]
fn no_cookie_leaves_the_sites_own_origin() {
    let mut jar = Jar::new(Url::parse("https://shop.example/api/auth").unwrap());
    let from = Url::parse("https://shop.example/api/auth/session").unwrap();
    let cookies = [
        "__Secure-next-auth.session-token=s; Path=/; Secure; HttpOnly".to_owned(),
        "wide=w; Path=/; Domain=shop.example".to_owned(),
        "deep=d; Path=/api/auth; Secure".to_owned(),
    ];
    jar.take(&answer(&cookies), &from, None, now(), SignedDuration::ZERO);
    let to = |text: &str| header(&jar, &Url::parse(text).unwrap());
    assert_eq!(
        to("https://shop.example/api/auth/x").as_deref(),
        Some("deep=d; wide=w; __Secure-next-auth.session-token=s")
    );
    for elsewhere in [
        "http://shop.example/",
        "https://shop.example:8443/",
        "https://api.shop.example/",
        "https://shop.example.evil.test/",
    ] {
        assert_eq!(to(elsewhere), None, "{elsewhere}");
    }
}

#[test]
fn an_ended_cookie_is_not_sent_but_the_site_decides_about_the_session() {
    let mut jar = Jar::new(base());
    take(&mut jar, &[set(V4, "s"), set("side", "x")]);
    let later: Timestamp = "2026-11-20T13:00:01Z".parse().unwrap();
    assert_eq!(jar.header(&session_url(), None, later).unwrap().as_str(), format!("{V4}=s"));
}

#[test]
fn what_is_stored_is_read_again() {
    let mut jar = Jar::new(base());
    let mut cookies = chunks(2);
    cookies.push("next-auth.csrf-token=abc%7Cdef; Path=/; HttpOnly; SameSite=Strict".to_owned());
    cookies.push("quoted=\"a\\b\"; Path=/".to_owned());
    take(&mut jar, &cookies);
    let again = Jar::read(&jar.stored().unwrap()).unwrap();
    assert_eq!(header(&again, &session_url()), header(&jar, &session_url()));
    assert_eq!((again.session_expires(None), again.base()), (jar.session_expires(None), jar.base()));
    assert!(Jar::read(&RefreshToken::new("no jar")).is_none());
}

#[test]
fn a_session_copied_from_a_browser_is_cut_as_the_site_would() {
    let long = "x".repeat(2 * CHUNK + 1);
    let jar = Jar::with_session(base(), V4, &Secret::new(long.clone()));
    assert_eq!(session(&jar), Some(long));
    assert!(header(&jar, &session_url()).unwrap().contains(&format!("{V4}.2=x")));
}

proptest! {
    /// Whatever answers come, the jar holds one whole session from the first on, and it is one that was given whole.
    #[test]
    fn a_jar_never_holds_half_a_session(answers in prop::collection::vec(
        prop::collection::vec((0_usize..5, prop::bool::weighted(0.8), 0_u32..3), 0..6), 1..20,
    )) {
        let mut jar = Jar::new(base());
        take(&mut jar, &[set(V4, "first")]);
        for (turn, answer) in answers.iter().enumerate() {
            let cookies: Vec<_> = answer.iter().map(|(at, lives, kind)| {
                let name = if *kind == 0 { V4.to_owned() } else { format!("{V4}.{at}") };
                if *lives { set(&name, &format!("t{turn}.")) } else { gone(&name) }
            }).collect();
            let before = session(&jar);
            let change = take(&mut jar, &cookies);
            let after = session(&jar);
            prop_assert!(after.is_some());
            if change == Change::Renewed {
                let text = after.unwrap_or_default();
                let turns: BTreeSet<_> = text.split_terminator('.').map(str::to_owned).collect();
                prop_assert_eq!(turns.into_iter().collect::<Vec<_>>(), vec![format!("t{turn}")]);
            } else {
                prop_assert_eq!(before, after);
            }
        }
    }
}
