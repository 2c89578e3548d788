use latchkey_engine::snapshot::{
    AccessStatus, ActionName, Clocks, HeadlineKind, ReasonStatus, Renewals, StateName, Values,
};
use latchkey_engine::vault::Identity;

use super::super::when::tests::{at, noon};
use super::*;

#[test]
fn a_signed_in_session_shows_its_clocks_and_its_plan() {
    insta::assert_snapshot!(block(&signed_in(), &noon()));
}

#[test]
fn a_plan_whose_time_has_come_says_who_carries_it_out() {
    let later = When::new(at("2026-11-20T12:03:00Z"), jiff::tz::TimeZone::UTC);
    insta::assert_snapshot!(block(&signed_in(), &later));
}

#[test]
fn a_session_that_ends_without_a_sign_in_says_by_when() {
    let mut session = signed_in();
    session.state = StateName::NeedsSignIn;
    session.headline =
        Headline { kind: HeadlineKind::SignInAgainBy, at: Some("2026-11-20T12:01:00Z".into()) };
    let why = "The provider refused to renew (“revoked”). Sign in again".to_owned();
    session.reason = Some(reason("refused", &why));
    session.next = Some(next(ActionName::SignIn, session.headline.at.clone(), &why));
    insta::assert_snapshot!(block(&session, &noon()));
}

#[test]
fn a_waiting_session_says_for_what() {
    let mut session = signed_in();
    let why = "The provider cannot be reached: nothing listens at its address".to_owned();
    session.state = StateName::Waiting;
    session.reason = Some(reason("unreachable", &why));
    session.next = Some(next(ActionName::RetryRenewal, Some("2026-11-20T12:00:04Z".into()), &why));
    session.clocks.access = Some(clock("2026-11-20T11:59:48Z", "assumed"));
    insta::assert_snapshot!(block(&session, &noon()));
}

#[test]
fn who_never_signed_in_has_nothing_to_show() {
    insta::assert_snapshot!(block(&signed_out(), &noon()));
}

#[test]
fn whether_somebody_is_signed_in_is_not_known_while_the_vault_cannot_be_read() {
    let why = "The keychain is locked. Unlock it; renewing goes on by itself".to_owned();
    let session = SessionStatus {
        state: StateName::Waiting,
        reason: Some(reason("keychain_locked", &why)),
        next: Some(next(ActionName::ReadVault, Some("2026-11-20T12:00:01Z".into()), &why)),
        ..signed_out()
    };
    insta::assert_snapshot!(block(&session, &noon()));
}

#[test]
fn the_session_of_a_site_is_its_cookie() {
    let mut session = signed_in();
    session.provider = "nextauth".to_owned();
    session.clocks.refresh = None;
    let told = block(&session, &noon());
    assert!(told.contains("\n  cookie   generation 3, fingerprint "), "{told}");
    assert!(!told.contains("access") && !told.contains("token "), "{told}");
    assert!(line(&session, &noon()).contains(", session cookie until "), "{}", line(&session, &noon()));
}

#[test]
fn a_change_is_one_line() {
    insta::assert_snapshot!(line(&signed_in(), &noon()), @"demo signed in, generation 3, access token until 14:01:00");
    insta::assert_snapshot!(line(&signed_out(), &noon()), @"demo signed out: Nobody is signed in");
}

fn clock(at: &str, source: &str) -> ClockStatus {
    ClockStatus { expires_at: at.into(), source: source.into() }
}

fn signed_out() -> SessionStatus {
    let reason = reason("never_signed_in", "Nobody is signed in");
    SessionStatus {
        state: StateName::SignedOut,
        reason: Some(reason),
        headline: Headline { kind: HeadlineKind::SignedOut, at: None },
        generation: 0,
        identity: None,
        clocks: Clocks::default(),
        next: None,
        access: None,
        ..signed_in()
    }
}

fn signed_in() -> SessionStatus {
    SessionStatus {
        account: "demo".into(),
        provider: "credentials".into(),
        state: StateName::SignedIn,
        reason: None,
        headline: Headline { kind: HeadlineKind::SignedInUntil, at: Some("2026-11-20T19:59:00Z".into()) },
        generation: 3,
        identity: Some(Identity {
            name: Some("Demo User".into()),
            email: Some("demo@example.com".into()),
            subject: Some("demo".into()),
            ..Identity::default()
        }),
        clocks: Clocks {
            access: Some(clock("2026-11-20T12:01:00Z", "access_token_expiry")),
            refresh: Some(clock("2026-11-20T12:29:58Z", "refresh_expires_in")),
            session: Some(clock("2026-11-20T19:59:00Z", "session_expiry")),
        },
        sign_in: None,
        next: Some(next(
            ActionName::Renew,
            Some("2026-11-20T12:00:46Z".into()),
            "a fifth of the lifetime before expiry, 2 s of jitter",
        )),
        renewals: Renewals { count: 2, failed: 0, last_ms: Some(41) },
        access: Some(AccessStatus {
            received_at: "2026-11-20T12:00:00Z".into(),
            expires_at: "2026-11-20T12:01:00Z".into(),
            margin_from: "2026-11-20T12:00:48Z".into(),
            fingerprint: "a1b2·c3d4·e5f6".into(),
            claims: Vec::new(),
        }),
        refresh: None,
        clock_skew_ms: None,
        updated: None,
        history: std::sync::Arc::default(),
        consumers: Vec::new(),
    }
}

fn reason(code: &str, message: &str) -> ReasonStatus {
    ReasonStatus { code: code.to_owned(), message: message.to_owned(), values: Values::default() }
}

fn next(action: ActionName, at: Option<String>, why: &str) -> NextStatus {
    NextStatus { action, at, why: why.to_owned(), code: String::new(), values: Values::default() }
}

#[test]
fn programs_that_took_a_token_stand_below_it() {
    let program = |name: &str, current, consent| ConsumerStatus {
        id: name.to_owned(),
        program: Some(format!("/usr/bin/{name}")),
        name: Some(name.to_owned()),
        pid: Some(4711),
        fingerprint: Some("a1b2·c3d4".to_owned()),
        generation: Some(3),
        taken_at: Some("2026-11-20T11:59:50Z".to_owned()),
        expires_at: Some("2026-11-20T12:01:00Z".to_owned()),
        current,
        times: 1,
        consent,
        asked_at: None,
        allowed_until: None,
    };
    let asking = ConsumerStatus { taken_at: None, ..program("node", false, ConsentName::Asked) };
    let consumers =
        vec![program("curl", true, ConsentName::Open), program("git", false, ConsentName::Denied), asking];
    let page = block(&SessionStatus { consumers, ..signed_in() }, &noon());
    let lines: Vec<_> = page.lines().filter(|line| line.contains("process")).collect();
    insta::assert_snapshot!(lines.join("\n"), @r"
      programs curl, process 4711, took this token 10 s ago
               git, process 4711, took a token from before 10 s ago: refused
               node, process 4711: asks for leave
    ");
}
