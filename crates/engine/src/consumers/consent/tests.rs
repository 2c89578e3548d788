use std::os::unix::fs::MetadataExt as _;
use std::sync::Mutex;

use jiff::Timestamp;
use latchkey_core::fingerprint::FingerprintKey;

use super::*;
use crate::clock::ManualClock;
use crate::consumers::Taken;

const WALL: Timestamp = Timestamp::constant(1_790_000_000, 0);
const TEN_MINUTES: SignedDuration = SignedDuration::from_mins(10);
const A_SECOND: SignedDuration = SignedDuration::from_secs(1);

/// An account, programs in a folder, and what was decided about them.
struct Desk {
    folder: tempfile::TempDir,
    consumers: Arc<Consumers>,
    clock: ManualClock,
    account: AccountName,
}

impl Desk {
    fn new() -> Self {
        let (consumers, account) = (Consumers::new(None), AccountName::new("demo").unwrap());
        Self { folder: tempfile::tempdir().unwrap(), consumers, clock: ManualClock::new(WALL), account }
    }

    /// A program of its own; written again, it is another file.
    fn program(&self, name: &str, content: &str) -> Consumer {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let written = path.with_extension("new");
        std::fs::write(&written, content).unwrap();
        std::fs::rename(&written, &path).unwrap();
        let file = FileMark::of(&std::fs::metadata(&path).unwrap());
        Consumer { pid: Some(7), program: Some(Program { path, file }) }
    }

    /// It asks and does not wait: whether it may, and the names of those about whom the person is asked now.
    async fn asks(&self, consumer: &Consumer) -> (Option<Withheld>, Vec<String>) {
        self.asks_of(&self.account, consumer).await
    }

    async fn asks_of(&self, account: &AccountName, consumer: &Consumer) -> (Option<Withheld>, Vec<String>) {
        let (names, now) = (Mutex::new(Vec::new()), self.clock.now());
        let asked = |name| names.lock().unwrap().push(name);
        let settled = self.consumers.settle(account, Consent::Ask, consumer, now, &self.clock, asked).await;
        let why = if let Err(EngineError::NotAllowed { why }) = settled {
            Some(why)
        } else {
            settled.unwrap();
            None
        };
        (why, names.into_inner().unwrap())
    }

    async fn decides(&self, which: &str, decision: Decision) -> Result<(), EngineError> {
        self.consumers.decide(&self.account, which, decision, self.clock.now()).await
    }

    async fn lets(&self, consumer: &Consumer, decision: Decision) {
        self.asks(consumer).await;
        self.decides(path(consumer), decision).await.unwrap();
    }

    fn takes(&self, consumer: &Consumer) {
        let fingerprint = FingerprintKey::new([1; 32]).of("token");
        let taken = Taken { fingerprint, generation: 1, expires_at: WALL, at: WALL };
        self.consumers.note(&self.account, consumer, taken);
    }

    fn statuses(&self) -> Vec<ConsumerStatus> {
        self.consumers.status(&self.account, Consent::Ask, None, self.clock.now())
    }

    /// What is shown of each program, by its name.
    fn shown(&self) -> Vec<(String, ConsentName)> {
        self.statuses().into_iter().map(|one| (one.name.unwrap(), one.consent)).collect()
    }
}

fn path(consumer: &Consumer) -> &str {
    consumer.program.as_ref().unwrap().path.to_str().unwrap()
}

fn id(consumer: &Consumer) -> String {
    consumer.program.as_ref().unwrap().id()
}

fn unanswered() -> (Option<Withheld>, Vec<String>) {
    (Some(Withheld::Asked), Vec::new())
}

fn first_asked(name: &str) -> (Option<Withheld>, Vec<String>) {
    (Some(Withheld::Asked), vec![name.to_owned()])
}

const MAY: (Option<Withheld>, Vec<String>) = (None, Vec::new());

#[test]
fn each_reason_says_what_it_is_and_names_what_helps() {
    use Withheld::{Asked, Crowded, Denied, Paused, Unknown};
    for (why, code, says, helps) in [
        (Asked, "consent_needed", "nobody has answered", "consumers allow"),
        (Paused, "consumer_paused", "held back", "consumers allow"),
        (Denied, "consumer_denied", "may not have", "consumers allow"),
        (Unknown, "consumer_unknown", "cannot be told", "start it again"),
        (Crowded, "too_many_consumers", "too many", "consumers allow"),
    ] {
        assert_eq!(why.code(), code);
        assert!(why.message().contains(says), "{}", why.message());
        assert!(why.hint().contains(helps), "{}", why.hint());
    }
}

#[test]
fn a_verdict_is_called_in_the_log_what_it_is_called_in_the_file() {
    for verdict in [Verdict::Allowed, Verdict::Paused, Verdict::Denied] {
        assert_eq!(serde_json::to_value(verdict).unwrap(), verdict.name());
    }
}

#[tokio::test]
async fn a_question_stands_for_ten_minutes_after_it_was_asked_last() {
    let desk = Desk::new();
    let curl = desk.program("curl", "a");
    assert_eq!(desk.asks(&curl).await, first_asked("curl"));
    for _ in 0..3 {
        desk.clock.advance(TEN_MINUTES - A_SECOND);
        assert_eq!(desk.asks(&curl).await, unanswered(), "asking again keeps it");
    }
    desk.clock.advance(TEN_MINUTES);
    assert_eq!(desk.asks(&curl).await, first_asked("curl"), "nobody asked any more");
}

#[tokio::test]
async fn a_question_is_open_until_it_is_answered_and_only_for_its_account() {
    let desk = Desk::new();
    let (curl, other) = (desk.program("curl", "a"), AccountName::new("other").unwrap());
    assert!(!desk.consumers.asks(&desk.account));
    desk.asks(&curl).await;
    assert!(desk.consumers.asks(&desk.account));
    assert!(!desk.consumers.asks(&other));
    desk.decides("curl", Decision::AllowForGood).await.unwrap();
    assert!(!desk.consumers.asks(&desk.account));
}

#[tokio::test]
async fn leave_is_about_the_program_that_was_decided_about_and_the_file_it_was_when_it_asked() {
    let desk = Desk::new();
    let (curl, git) = (desk.program("curl", "a"), desk.program("git", "b"));
    desk.asks(&curl).await;
    desk.asks(&git).await;
    desk.decides(&id(&git), Decision::AllowForGood).await.unwrap();
    assert_eq!(desk.asks(&git).await, MAY);
    assert_eq!(desk.asks(&curl).await, unanswered());
    // It is replaced while the person thinks.
    let replaced = desk.program("curl", "c");
    desk.decides(path(&curl), Decision::AllowForGood).await.unwrap();
    assert_eq!(desk.asks(&replaced).await, first_asked("curl"));
}

#[tokio::test]
async fn a_program_whose_file_cannot_be_told_may_be_refused_and_not_let() {
    let desk = Desk::new();
    let gone = desk.program("gone", "a");
    desk.takes(&gone);
    std::fs::remove_file(path(&gone)).unwrap();
    for decision in [Decision::AllowForGood, Decision::AllowForNow] {
        let refused = desk.decides("gone", decision).await;
        assert!(matches!(refused, Err(EngineError::NotAllowed { why: Withheld::Unknown })), "{refused:?}");
    }
    assert_eq!(desk.shown(), [("gone".to_owned(), ConsentName::Lapsed)]);
    desk.decides("gone", Decision::Deny).await.unwrap();
    assert_eq!(desk.shown(), [("gone".to_owned(), ConsentName::Denied)]);
}

#[tokio::test]
async fn a_program_is_named_by_its_id_its_path_or_a_name_that_no_other_has() {
    let desk = Desk::new();
    let programs = [desk.program("a/tool", "a"), desk.program("b/tool", "b"), desk.program("c/other", "c")];
    for one in &programs {
        desk.asks(one).await;
    }
    let named = |which: &str| desk.consumers.named(&desk.account, which);
    for one in &programs {
        assert_eq!(named(path(one)), one.program, "by its path");
        assert_eq!(named(&id(one)), one.program, "by its id");
    }
    assert_eq!(named("other"), programs[2].program);
    assert_eq!(named("tool"), None, "two have this name");
    assert_eq!(named("nobody"), None);
    // The same path twice is one program: it took a token before it was replaced.
    desk.takes(&programs[2]);
    let newer = desk.program("c/other", "d");
    desk.takes(&newer);
    assert_eq!(named("other"), programs[2].program, "who asks comes first");
}

#[tokio::test]
async fn a_question_is_shown_with_its_process_and_since_when_it_waits() {
    let desk = Desk::new();
    let (curl, git) = (desk.program("curl", "a"), desk.program("git", "b"));
    desk.takes(&curl);
    desk.takes(&git);
    desk.asks(&curl).await;
    desk.clock.advance(A_SECOND);
    desk.asks(&Consumer { pid: Some(8), ..curl.clone() }).await;
    assert_eq!(
        desk.shown(),
        [("curl".to_owned(), ConsentName::Asked), ("git".to_owned(), ConsentName::Lapsed)],
        "each stands there once"
    );
    let asks = desk.statuses().remove(0);
    assert_eq!((asks.id, asks.pid), (id(&curl), Some(8)), "the process that asked last");
    assert_eq!(asks.asked_at, Some(WALL.to_string()));
}

#[tokio::test]
async fn what_was_decided_is_shown_of_programs_that_took_nothing_and_until_when_it_holds() {
    let desk = Desk::new();
    let [passing, lasting, taking] = ["passing", "lasting", "taking"].map(|name| desk.program(name, name));
    desk.lets(&passing, Decision::AllowForNow).await;
    desk.lets(&lasting, Decision::AllowForGood).await;
    desk.lets(&taking, Decision::Pause).await;
    desk.takes(&taking);
    let of = |consumer: &Consumer| {
        let all = desk.statuses();
        let ours: Vec<_> =
            all.into_iter().filter(|one| one.program.as_deref() == Some(path(consumer))).collect();
        assert_eq!(ours.len(), 1, "each stands there once");
        ours.into_iter().next().unwrap()
    };
    let shown = of(&passing);
    assert_eq!((shown.id.as_str(), shown.consent), (path(&passing), ConsentName::Allowed));
    assert_eq!(shown.allowed_until, Some((WALL + TEN_MINUTES).to_string()));
    assert_eq!((of(&lasting).consent, of(&lasting).allowed_until), (ConsentName::Allowed, None));
    assert_eq!((of(&taking).id, of(&taking).consent), (id(&taking), ConsentName::Paused));
    desk.clock.advance(TEN_MINUTES - A_SECOND);
    assert_eq!(of(&passing).consent, ConsentName::Allowed);
    desk.clock.advance(A_SECOND);
    assert_eq!(of(&passing).consent, ConsentName::Lapsed, "it is over though nobody asked");
    assert_eq!(of(&lasting).consent, ConsentName::Allowed);
}

#[tokio::test]
async fn leave_for_now_lasts_as_long_as_that_program_asks_for_that_account() {
    let desk = Desk::new();
    let other = AccountName::new("other").unwrap();
    let (busy, idle) = (desk.program("busy", "a"), desk.program("idle", "b"));
    desk.lets(&busy, Decision::AllowForNow).await;
    desk.lets(&idle, Decision::AllowForNow).await;
    desk.asks_of(&other, &idle).await;
    desk.consumers.decide(&other, "idle", Decision::AllowForNow, desk.clock.now()).await.unwrap();
    for _ in 0..4 {
        desk.clock.advance(TEN_MINUTES - A_SECOND);
        assert_eq!(desk.asks(&busy).await, MAY);
        assert_eq!(desk.asks_of(&other, &idle).await, MAY);
    }
    assert_eq!(desk.asks(&idle).await, first_asked("idle"), "others that ask do not keep it");
    desk.clock.advance(TEN_MINUTES);
    assert_eq!(desk.asks(&busy).await, first_asked("busy"));
}

#[tokio::test]
async fn leave_for_now_ends_after_twelve_hours_however_often_its_program_asks() {
    let desk = Desk::new();
    let busy = desk.program("busy", "a");
    desk.lets(&busy, Decision::AllowForNow).await;
    let five_minutes = SignedDuration::from_mins(5);
    for _ in 0..12 * 12 - 1 {
        desk.clock.advance(five_minutes);
        assert_eq!(desk.asks(&busy).await, MAY);
    }
    desk.clock.advance(five_minutes - A_SECOND);
    assert_eq!(desk.asks(&busy).await, MAY);
    desk.clock.advance(A_SECOND);
    assert_eq!(desk.asks(&busy).await, first_asked("busy"));
}

#[tokio::test]
async fn sixteen_programs_may_wait_for_an_answer_at_a_time() {
    let desk = Desk::new();
    let program = |number: usize| desk.program(&format!("program{number}"), "a");
    for number in 0..16 {
        assert_eq!(desk.asks(&program(number)).await, first_asked(&format!("program{number}")));
    }
    assert_eq!(desk.asks(&program(16)).await, (Some(Withheld::Crowded), Vec::new()));
    desk.decides("program3", Decision::Deny).await.unwrap();
    assert_eq!(desk.asks(&program(16)).await, first_asked("program16"), "one was answered");
}

#[tokio::test]
async fn what_256_files_are_is_kept_and_then_read_anew() {
    let desk = Desk::new();
    for number in 0..256 {
        desk.asks(&desk.program(&format!("program{number}"), "a")).await;
    }
    assert_eq!(desk.consumers.known().digests.len(), 256);
    desk.asks(&desk.program("one more", "a")).await;
    assert_eq!(desk.consumers.known().digests.len(), 1);
}

#[tokio::test]
async fn what_is_decided_for_good_outlives_the_process_for_its_account_and_leave_for_now_does_not() {
    let mut desk = Desk::new();
    let file = desk.folder.path().join("consents.json");
    desk.consumers = Consumers::new(Some(file.clone()));
    let [passing, lasting, denied] = ["passing", "lasting", "denied"].map(|name| desk.program(name, name));
    desk.lets(&passing, Decision::AllowForNow).await;
    desk.lets(&lasting, Decision::AllowForGood).await;
    desk.lets(&denied, Decision::Deny).await;
    assert_eq!(std::fs::metadata(&file).unwrap().mode() & 0o077, 0, "it is the user's alone");
    desk.consumers = Consumers::new(Some(file));
    assert_eq!(
        desk.shown(),
        [("lasting".to_owned(), ConsentName::Allowed), ("denied".to_owned(), ConsentName::Denied)]
    );
    assert_eq!(desk.asks(&passing).await, first_asked("passing"));
    assert_eq!(desk.asks(&lasting).await, MAY);
    assert_eq!(desk.asks(&denied).await, (Some(Withheld::Denied), Vec::new()));
    let other = AccountName::new("other").unwrap();
    assert_eq!(desk.asks_of(&other, &lasting).await, first_asked("lasting"));
}

#[tokio::test]
async fn what_one_process_decides_for_good_holds_in_the_other_and_is_undone_by_neither() {
    let mut desk = Desk::new();
    let file = desk.folder.path().join("consents.json");
    let process = || Consumers::new(Some(file.clone()));
    desk.consumers = process();
    let [curl, git] = ["curl", "git"].map(|name| desk.program(name, name));
    desk.lets(&curl, Decision::AllowForGood).await;
    let agent = process();
    desk.decides(path(&curl), Decision::Deny).await.unwrap();
    let window = std::mem::replace(&mut desk.consumers, agent);
    assert_eq!(desk.asks(&curl).await, (Some(Withheld::Denied), Vec::new()), "the person was told so");
    desk.lets(&git, Decision::AllowForGood).await;
    for other in [window, process()] {
        desk.consumers = other;
        assert_eq!(desk.asks(&curl).await, (Some(Withheld::Denied), Vec::new()));
        assert_eq!(desk.asks(&git).await, MAY);
    }
    std::fs::write(&file, "[{").unwrap();
    assert_eq!(desk.asks(&git).await, MAY, "what cannot be read decides nothing anew");
    desk.consumers.forget(&desk.account);
    assert_eq!(desk.asks(&git).await, first_asked("git"), "an account of that name is another one");
}

#[tokio::test]
async fn the_screen_is_looked_at_by_one_for_as_long_as_anything_is_allowed_for_now() {
    let desk = Desk::new();
    let (passing, lasting) = (desk.program("passing", "a"), desk.program("lasting", "b"));
    let now = || desk.clock.now();
    desk.lets(&lasting, Decision::AllowForGood).await;
    assert!(!desk.consumers.any_for_now(now()));
    assert!(!desk.consumers.begin_to_watch(), "nothing ends when the screen locks");
    assert!(!desk.consumers.goes_on_watching(now()));
    desk.lets(&passing, Decision::AllowForNow).await;
    assert!(desk.consumers.any_for_now(now()));
    assert!(desk.consumers.begin_to_watch());
    assert!(!desk.consumers.begin_to_watch(), "somebody looks already");
    assert!(desk.consumers.goes_on_watching(now()));
    assert!(!desk.consumers.begin_to_watch(), "and still does");
    desk.clock.advance(TEN_MINUTES);
    assert!(!desk.consumers.any_for_now(now()), "it has run out");
    assert!(!desk.consumers.goes_on_watching(now()));
    desk.lets(&passing, Decision::AllowForNow).await;
    assert!(desk.consumers.begin_to_watch(), "whoever looked has stopped");
}

#[tokio::test]
async fn a_locked_screen_ends_what_was_allowed_for_now_and_tells_of_which_accounts() {
    let desk = Desk::new();
    let (passing, lasting) = (desk.program("passing", "a"), desk.program("lasting", "b"));
    desk.lets(&lasting, Decision::AllowForGood).await;
    assert!(desk.consumers.end_for_now().is_empty());
    desk.lets(&passing, Decision::AllowForNow).await;
    assert_eq!(desk.consumers.end_for_now(), std::slice::from_ref(&desk.account));
    assert_eq!(desk.asks(&passing).await, first_asked("passing"));
    assert_eq!(desk.asks(&lasting).await, MAY);
}
