use latchkey_core::limits::{End, Limit};
use latchkey_core::reason::{Reason, VaultProblem};
use latchkey_engine::clock::ManualClock;
use latchkey_engine::snapshot::{ClockStatus, Clocks, ConsumerStatus, Headline, HeadlineKind, StateName};

use super::*;
use crate::test_world::{name, program_that_asks, session, signed_in_at};

#[test]
fn the_same_is_said_once_an_hour_and_something_else_at_once() {
    let mut said = Said::default();
    let begin = Stamp { wall: Timestamp::UNIX_EPOCH, boot: SignedDuration::ZERO };
    let at = |mins| begin.plus(SignedDuration::from_mins(mins));
    let refused = News::Notice(Notice::SignInNeeded(Reason::Idle));
    let unsaved = News::Notice(Notice::CannotSave(VaultProblem::Locked));
    let mut is_news = |account, news: &News, at| said.is_news(Saying::of(&name(account), news), news, at);
    assert!(is_news("work", &refused, at(0)));
    assert!(!is_news("work", &refused, at(59)));
    assert!(is_news("work", &unsaved, at(59)));
    assert!(is_news("home", &refused, at(59)));
    assert!(is_news("work", &refused, at(61)));
}

#[test]
fn a_session_that_ends_again_after_a_new_sign_in_is_told_of_again_however_soon() {
    let world = World::at("2026-11-20T12:00:00Z");
    let mut soon = Soon::default();
    let ended = || world.notifications.notify(&name("work"), &Notice::SignInNeeded(Reason::Idle));
    ended();
    world.clock.advance(SignedDuration::from_mins(5));
    let mut work = session("work", StateName::SignedIn);
    work.history = Arc::new(vec![signed_in_at(world.clock.now().wall)]);
    world.notifications.look(&mut soon, &[work]);
    world.clock.advance(SignedDuration::from_mins(15));
    ended();
    ended();
    assert_eq!(world.shown(), ["Sign in again: work"; 2], "once each time that it ended");
}

#[test]
fn what_was_said_is_withdrawn_once_somebody_has_signed_in_or_the_account_is_gone_and_not_before() {
    let world = World::at("2026-11-20T12:00:00Z");
    let ended = Notice::SignInNeeded(Reason::Idle);
    for (account, notice) in [
        ("work", &ended),
        ("home", &ended),
        ("gone", &ended),
        ("shop", &Notice::CannotSave(VaultProblem::Locked)),
        ("safe", &Notice::CannotSave(VaultProblem::Locked)),
    ] {
        world.notifications.notify(&name(account), notice);
    }
    // Long after the hour in which it would not have been said again.
    world.clock.advance(SignedDuration::from_hours(9));
    let signed_in = |account| {
        let history = Arc::new(vec![signed_in_at(world.clock.now().wall)]);
        SessionStatus { history, ..session(account, StateName::SignedIn) }
    };
    let sessions = [
        signed_in("work"),
        session("home", StateName::NeedsSignIn),
        session("shop", StateName::SignedIn),
        signed_in("safe"),
    ];
    let mut soon = Soon::default();
    for _ in 0..2 {
        world.notifications.look(&mut soon, &sessions);
    }
    assert_eq!(world.withdrawn(), ["gone", "safe", "work"]);
}

#[test]
fn a_program_s_question_is_withdrawn_once_it_is_answered_and_a_new_one_is_told_of_at_once() {
    let world = World::at("2026-11-20T12:00:00Z");
    let mut soon = Soon::default();
    let asking = |programs: &[&str]| {
        let asks = |name: &&str| ConsumerStatus { name: Some((*name).to_owned()), ..program_that_asks() };
        let consumers = programs.iter().map(asks).collect();
        SessionStatus { consumers, ..session("work", StateName::SignedIn) }
    };
    let ask = |program| world.notifications.consent_asked(&name("work"), program);
    let mut look = |programs: &[&str]| {
        world.notifications.look(&mut soon, &[asking(programs)]);
    };
    ask("git");
    // The session may be looked at before it shows the question, and show one before it is told.
    look(&[]);
    look(&["git", "docker"]);
    ask("docker");
    assert_eq!(world.withdrawn(), [""; 0]);
    look(&["docker"]);
    assert_eq!(world.withdrawn(), ["work"]);
    ask("git");
    ask("docker");
    assert_eq!(world.shown(), ["A program wants a token: work"], "of the other one it was told");
    look(&[]);
    assert_eq!(world.withdrawn(), ["work"]);
}

#[test]
fn each_short_session_that_only_a_sign_in_keeps_is_announced_and_none_of_them_twice() {
    let world = World::at("2026-11-20T12:00:00Z");
    let mut soon = Soon::default();
    for _ in 0..2 {
        let began = world.clock.now();
        let mut work = session("work", StateName::SignedIn);
        let end = began.plus(SignedDuration::from_mins(30)).wall.to_string();
        work.headline = Headline { kind: HeadlineKind::SignedInUntil, at: Some(end) };
        work.history = Arc::new(vec![signed_in_at(began.wall)]);
        for _ in 0..25 {
            world.notifications.look(&mut soon, std::slice::from_ref(&work));
            world.clock.advance(SignedDuration::from_mins(1));
        }
    }
    assert_eq!(world.shown(), ["Sign in soon: work"; 2]);
}

#[test]
fn each_program_that_asks_is_told_of_and_none_of_them_twice_in_an_hour() {
    let world = World::at("2026-11-20T12:00:00Z");
    for program in ["git", "git", "docker", "git"] {
        world.notifications.consent_asked(&name("work"), program);
    }
    assert_eq!(world.shown().len(), 2);
}

#[test]
fn what_is_switched_off_is_not_told() {
    let world = World::at("2026-11-20T12:00:00Z");
    world.set(|told| told.sign_in_needed = false);
    world.notifications.notify(&name("work"), &Notice::SignInNeeded(Reason::Idle));
    assert_eq!(world.shown(), [""; 0]);
    world.notifications.notify(&name("work"), &Notice::CannotSave(VaultProblem::Locked));
    assert_eq!(world.shown(), ["Cannot save the new tokens: work"]);
}

#[test]
fn the_window_comes_forward_for_a_session_that_ended_where_that_is_set_and_for_nothing_else() {
    let world = World::at("2026-11-20T12:00:00Z");
    let brought = |world: &World| -> Vec<(bool, bool)> {
        world.asked().into_iter().filter_map(shown).map(|one| (one.notify, one.forward)).collect()
    };
    world.notifications.notify(&name("work"), &Notice::SignInNeeded(Reason::Idle));
    assert_eq!(brought(&world), [(true, false)], "unless it is set");
    world.set(|told| (told.window_forward, told.sign_in_needed) = (true, false));
    world.notifications.notify(&name("home"), &Notice::SignInNeeded(Reason::Idle));
    world.notifications.notify(&name("home"), &Notice::CannotSave(VaultProblem::Locked));
    assert_eq!(brought(&world), [(false, true), (true, false)]);
    world.quiet();
    world.notifications.notify(&name("shop"), &Notice::SignInNeeded(Reason::Idle));
    assert_eq!(brought(&world), [], "quiet hours hold for the window too");
}

#[test]
fn quiet_hours_hold_back_what_can_wait_and_tell_it_when_they_are_over() {
    let world = World::at("2026-11-20T23:00:00Z");
    world.quiet();
    let mut soon = Soon::default();
    let ended = || vec![session("work", StateName::NeedsSignIn), session("home", StateName::SignedIn)];
    for account in ["work", "home"] {
        world.notifications.notify(&name(account), &Notice::SignInNeeded(Reason::Idle));
    }
    world.notifications.notify(&name("work"), &Notice::CannotSave(VaultProblem::Locked));
    assert!(world.notifications.look(&mut soon, &ended()).is_some());
    assert_eq!(world.shown(), ["Cannot save the new tokens: work"], "tokens would be lost");
    world.clock.advance(SignedDuration::from_hours(25));
    world.loud();
    world.notifications.look(&mut soon, &ended());
    assert_eq!(world.shown(), ["Sign in again: work"], "somebody has signed in to `home` meanwhile");
}

#[test]
fn a_session_that_ends_is_announced_once_and_in_quiet_hours_only_where_it_ends_in_them() {
    let world = World::at("2026-11-20T12:00:00Z");
    let mut soon = Soon::default();
    let mut work = session("work", StateName::SignedIn);
    let end = "2026-11-20T14:00:00Z".to_owned();
    work.headline = Headline { kind: HeadlineKind::SignedInUntil, at: Some(end) };
    let next = world.notifications.look(&mut soon, std::slice::from_ref(&work));
    assert_eq!(next, Some("2026-11-20T13:45:00Z".parse().unwrap()));
    assert_eq!(world.shown(), [""; 0]);
    world.clock.advance(SignedDuration::from_mins(106));
    for _ in 0..3 {
        world.notifications.look(&mut soon, std::slice::from_ref(&work));
    }
    assert_eq!(world.shown(), ["Sign in soon: work"]);
}

#[test]
fn a_session_that_ended_twice_in_quiet_hours_is_told_of_once() {
    let world = World::at("2026-11-20T23:00:00Z");
    world.quiet();
    for reason in [Reason::Idle, Reason::VaultEmpty] {
        world.notifications.notify(&name("work"), &Notice::SignInNeeded(reason));
    }
    world.loud();
    world.notifications.look(&mut Soon::default(), &[session("work", StateName::NeedsSignIn)]);
    assert_eq!(world.told(), [("Sign in again: work".to_owned(), "Its stored tokens are gone.".to_owned())]);
}

#[test]
fn an_end_that_using_the_session_moves_is_never_said_to_need_a_sign_in() {
    let world = World::at("2026-11-20T12:00:00Z");
    let mut soon = Soon::default();
    for _ in 0..24 {
        let work = world.unused("work", SignedDuration::from_mins(15));
        world.notifications.look(&mut soon, &[work]);
        world.clock.advance(SignedDuration::from_mins(10));
    }
    assert_eq!(world.told(), []);
}

#[test]
fn an_end_that_was_held_back_is_told_of_with_the_time_there_is_and_not_where_it_has_moved() {
    let world = World::at("2026-11-20T12:00:00Z");
    let left = SignedDuration::from_mins(15);
    // Quiet hours are over before the session is, so that it can wait.
    let after = left + SignedDuration::from_hours(24);
    let held = |account, left| {
        let end = End { at: world.clock.now().plus(left), limit: Limit::Idle, allowed: left };
        world.notifications.notify(&name(account), &Notice::EndsSoon(end));
        world.unused(account, left)
    };
    world.quiet();
    let (work, home) = (held("work", after), held("home", after));
    world.clock.advance(SignedDuration::from_hours(24));
    world.loud();
    let used = world.unused("home", after);
    assert_ne!(used, home);
    world.notifications.look(&mut Soon::default(), &[work, used]);
    let [(summary, body)] = &world.told()[..] else { panic!("one is told") };
    assert_eq!(summary, "The session ends soon: work");
    assert!(body.starts_with("Use it within 15 min,"), "{body}");
}

struct World {
    clock: ManualClock,
    app: watch::Sender<AppConfig>,
    notifications: Notifications,
    texts: Mutex<mpsc::Receiver<Task>>,
}

fn shown(task: Task) -> Option<Showing> {
    if let Task::Show(one) = task { Some(one) } else { None }
}

impl World {
    fn at(now: &str) -> Self {
        let clock = ManualClock::new(now.parse().unwrap());
        let english = AppConfig { language: latchkey_engine::config::Language::En, ..AppConfig::default() };
        let (app, receiver) = watch::channel(english);
        let (showing, texts) = mpsc::channel();
        let inner = Inner { clock: Arc::new(clock.clone()), app: receiver, told: Mutex::default(), showing };
        Self { clock, app, notifications: Notifications(Arc::new(inner)), texts: Mutex::new(texts) }
    }

    fn set(&self, change: impl FnOnce(&mut NotificationConfig)) {
        self.app.send_modify(|app| change(&mut app.notifications));
    }

    /// All of today but its last minute, in whatever zone this runs.
    fn quiet(&self) {
        self.set(|told| {
            (told.quiet_from, told.quiet_to) =
                (Some("00:00".parse().unwrap()), Some("23:59".parse().unwrap()));
        });
    }

    fn loud(&self) {
        self.set(|told| (told.quiet_from, told.quiet_to) = (None, None));
    }

    /// A session that ends so much later unless somebody uses it.
    fn unused(&self, account: &str, left: SignedDuration) -> SessionStatus {
        let end = self.clock.now().plus(left).wall.to_string();
        let mut unused = session(account, StateName::SignedIn);
        unused.headline = Headline { kind: HeadlineKind::SignedInUntil, at: Some(end.clone()) };
        let own = ClockStatus { expires_at: end, source: "policy".to_owned() };
        unused.clocks = Clocks { session: Some(own), ..Clocks::default() };
        unused
    }

    fn shown(&self) -> Vec<String> {
        self.told().into_iter().map(|(summary, _)| summary).collect()
    }

    fn told(&self) -> Vec<(String, String)> {
        let shown = self.asked().into_iter().filter_map(shown);
        shown.map(|one| (one.text.summary, one.text.body)).collect()
    }

    /// Of which accounts something was taken back.
    fn withdrawn(&self) -> Vec<String> {
        let taken_back = |task| if let Task::Withdraw(saying) = task { Some(saying) } else { None };
        self.asked().into_iter().filter_map(taken_back).map(|saying| saying.account.to_string()).collect()
    }

    fn asked(&self) -> Vec<Task> {
        self.texts.lock().unwrap().try_iter().collect()
    }
}
