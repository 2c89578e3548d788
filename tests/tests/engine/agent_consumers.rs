//! Which program took which token, and whether the person lets it.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use jiff::SignedDuration;
use latchkey_agent::socket;
use latchkey_devserver::{Fault, FaultMode};
use latchkey_engine::config::{AccountConfig, Consent};
use latchkey_engine::consumers::Decision;
use latchkey_engine::screen::ManualScreen;
use latchkey_engine::snapshot::{ConsentName, ConsumerStatus, MarkKind};
use latchkey_tests::engine_world::{REFRESH, guarded};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use crate::agent::{Agent, asking};

const TOKEN: &str = "POST /v1/sessions/demo/token HTTP/1.0\r\ncontent-length: 0\r\n\r\n";

impl Agent {
    fn socket(&self) -> PathBuf {
        self.folder.path().join(socket::FILE)
    }

    /// A program of its own, as somebody could have installed it.
    fn program(&self, name: &str) -> PathBuf {
        let program = self.folder.path().join(name);
        let path = std::env::var_os("PATH").unwrap();
        let mut perl = std::env::split_paths(&path).map(|folder| folder.join("perl"));
        std::fs::copy(perl.find(|perl| perl.exists()).unwrap(), &program).unwrap();
        program
    }

    /// The program takes a token: status and body of what it is told.
    async fn taken_by(&self, program: &Path) -> (u16, Value) {
        told(asking(program, &self.socket(), TOKEN).output().await.unwrap().stdout)
    }

    /// The same without waiting for anything.
    async fn at_once(&self, program: &Path) -> (u16, Value) {
        let body = r#"{"wait":0}"#;
        let request = TOKEN.replace("length: 0", &format!("length: {}", body.len())) + body;
        told(asking(program, &self.socket(), &request).output().await.unwrap().stdout)
    }

    async fn consumers(&self) -> Vec<ConsumerStatus> {
        self.engine.now().await.consumers
    }

    /// From now on the person is asked.
    async fn asks_for_consent(&self) {
        let port = self.world.server().address().port();
        let account = AccountConfig { consent: Consent::Ask, ..AccountConfig::demo(port) };
        let changes = self.engine.accounts_are(&[account]).await;
        assert_eq!(changes.changed.len(), 1);
        assert_eq!(self.engine.until_state("signed_in").await.generation, 1, "nobody was signed out by that");
    }

    async fn decides(&self, program: &Path, decision: Decision) {
        let account = &self.world.account;
        self.engine.decide(account, program.to_str().unwrap(), decision).await.unwrap();
    }
}

fn told(bytes: Vec<u8>) -> (u16, Value) {
    let text = String::from_utf8(bytes).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{text}"));
    (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap())
}

fn code(answer: &(u16, Value)) -> &str {
    answer.1["error"]["code"].as_str().unwrap_or("none")
}

#[tokio::test]
async fn it_is_known_which_program_took_which_token_until_when() {
    let agent = Agent::signed_in().await;
    let curl = agent.program("curl");
    let (status, token) = agent.taken_by(&curl).await;
    assert_eq!(status, 200);
    assert_eq!(agent.taken_by(&curl).await.0, 200);
    let consumers = agent.consumers().await;
    let [one] = &consumers[..] else { panic!("{consumers:#?}") };
    assert_eq!(one.program.as_deref(), curl.to_str());
    assert_eq!(one.name.as_deref(), Some("curl"));
    assert_eq!(one.fingerprint.as_deref(), token["fingerprint"].as_str());
    assert_eq!(one.expires_at.as_deref(), token["expires_at"].as_str());
    assert_eq!((one.times, one.current, one.consent), (2, true, ConsentName::Open));
    assert!(one.pid.is_some());
    let marks: Vec<_> = agent.engine.now().await.history.iter().map(|mark| mark.kind).collect();
    assert_eq!(marks, [MarkKind::SignedIn, MarkKind::Taken], "taking it twice leaves one mark");
    let records = agent.world.records();
    let logged: Vec<_> = records.iter().filter(|record| record.kind == "token_taken").collect();
    assert_eq!(logged.len(), 1);
    assert_eq!(logged[0].facts["program"].as_str(), curl.to_str());
    agent.engine.renews().await.unwrap();
    assert!(!agent.consumers().await[0].current, "it holds the one from before");
    agent.taken_by(&curl).await;
    assert_eq!(agent.consumers().await[0].generation, Some(2));
}

#[tokio::test]
async fn a_program_is_told_when_its_token_was_replaced_and_others_are_not() {
    let agent = Agent::signed_in().await;
    let (taker, reader) = (agent.program("taker"), agent.program("reader"));
    agent.taken_by(&taker).await;
    let listen = |program: &Path| {
        let mut listening = asking(program, &agent.socket(), "GET /v1/events HTTP/1.0\r\n\r\n");
        let mut child = listening.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        (child, lines)
    };
    let (_taker, mut to_taker) = listen(&taker);
    let (_reader, mut to_reader) = listen(&reader);
    let until = async |lines: &mut tokio::io::Lines<_>, wanted: &str| {
        let mut seen = Vec::new();
        loop {
            let line =
                guarded(wanted, lines.next_line()).await.unwrap().unwrap_or_else(|| panic!("{seen:?}"));
            seen.push(line.clone());
            if line.contains(wanted) {
                return (line, seen);
            }
        }
    };
    until(&mut to_taker, "event: session").await;
    until(&mut to_reader, "event: session").await;
    agent.engine.renews().await.unwrap();
    until(&mut to_taker, "event: token_replaced").await;
    let (data, _) = until(&mut to_taker, "data:").await;
    let replaced: Value = serde_json::from_str(data.trim_start_matches("data:")).unwrap();
    assert_eq!((&replaced["account"], &replaced["generation"]), (&"demo".into(), &1.into()));
    let now = agent.engine.now().await.access.unwrap().fingerprint;
    assert_eq!(replaced["by"], now);
    agent.engine.signs_out().await.unwrap();
    let (_, seen) = until(&mut to_reader, "signed_out").await;
    assert!(!seen.iter().any(|line| line.contains("token_replaced")), "{seen:#?}");
}

#[tokio::test]
async fn an_account_that_asks_gives_a_program_nothing_until_the_person_lets_it() {
    let agent = Agent::signed_in().await;
    agent.asks_for_consent().await;
    let curl = agent.program("curl");
    let asked = tokio::spawn({
        let mut asking = asking(&curl, &agent.socket(), TOKEN);
        async move { told(asking.output().await.unwrap().stdout) }
    });
    let waits = |status: &latchkey_engine::snapshot::SessionStatus| {
        status.consumers.iter().any(|one| one.consent == ConsentName::Asked)
    };
    let status = agent.engine.until("a question", waits).await;
    assert_eq!(status.consumers[0].program.as_deref(), curl.to_str());
    assert_eq!(status.consumers[0].fingerprint, None, "it has no token yet");
    agent.decides(&curl, Decision::AllowForNow).await;
    assert_eq!(asked.await.unwrap().0, 200, "who waited gets it");
    assert_eq!(agent.taken_by(&curl).await.0, 200);
    let allowed = agent.consumers().await;
    assert_eq!(allowed[0].consent, ConsentName::Allowed);
    assert!(allowed[0].allowed_until.is_some());
    // Eleven minutes without asking.
    agent.world.clock.advance(SignedDuration::from_mins(11));
    let refused = agent.at_once(&curl).await;
    assert_eq!(code(&refused), "consent_needed");
    agent.decides(&curl, Decision::Deny).await;
    assert_eq!(code(&agent.taken_by(&curl).await), "consumer_denied");
    agent.decides(&curl, Decision::Pause).await;
    assert_eq!(code(&agent.taken_by(&curl).await), "consumer_paused");
}

#[tokio::test]
async fn a_program_that_was_replaced_is_asked_about_again() {
    let agent = Agent::signed_in().await;
    agent.asks_for_consent().await;
    let curl = agent.program("curl");
    assert_eq!(code(&agent.at_once(&curl).await), "consent_needed");
    agent.decides(&curl, Decision::AllowForGood).await;
    assert_eq!(agent.taken_by(&curl).await.0, 200);
    let mut bytes = std::fs::read(&curl).unwrap();
    bytes.extend_from_slice(b"and more");
    std::fs::remove_file(&curl).unwrap();
    std::fs::write(&curl, bytes).unwrap();
    std::fs::set_permissions(&curl, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    assert_eq!(code(&agent.at_once(&curl).await), "consent_needed");
    // The same bytes in another file are the same program.
    std::fs::remove_file(&curl).unwrap();
    agent.program("curl");
    assert_eq!(agent.taken_by(&curl).await.0, 200);
}

#[tokio::test]
async fn a_program_whose_file_is_gone_gets_nothing_where_the_person_is_asked() {
    let agent = Agent::signed_in().await;
    agent.asks_for_consent().await;
    let gone = agent.program("gone");
    let mut asking = asking(&gone, &agent.socket(), TOKEN);
    // Before it asks, it takes its own executable away.
    asking.env("PERL5OPT", "-MLatchkeyGone").env("PERL5LIB", agent.folder.path());
    let module = format!("package LatchkeyGone; unlink '{}'; 1;", gone.display());
    std::fs::write(agent.folder.path().join("LatchkeyGone.pm"), module).unwrap();
    let answer = told(asking.output().await.unwrap().stdout);
    assert_eq!(code(&answer), "consumer_unknown");
}

#[tokio::test]
async fn a_hundred_processes_of_one_program_lead_to_one_question() {
    let agent = Agent::signed_in().await;
    agent.asks_for_consent().await;
    let curl = agent.program("curl");
    for _ in 0..100 {
        assert_eq!(code(&agent.at_once(&curl).await), "consent_needed");
    }
    assert_eq!(agent.world.notices.consents(), [("demo".to_owned(), "curl".to_owned())]);
    assert_eq!(agent.consumers().await.len(), 1);
}

#[tokio::test]
async fn what_was_allowed_for_now_ends_when_the_screen_locks_and_what_was_allowed_for_good_stays() {
    let screen = ManualScreen::default();
    let agent = Agent::in_front_of(&screen).await;
    agent.asks_for_consent().await;
    let (passing, lasting) = (agent.program("passing"), agent.program("lasting"));
    for (program, decision) in [(&passing, Decision::AllowForNow), (&lasting, Decision::AllowForGood)] {
        assert_eq!(code(&agent.at_once(program).await), "consent_needed");
        agent.decides(program, decision).await;
        assert_eq!(agent.at_once(program).await.0, 200);
    }
    screen.lock(true);
    assert_eq!(code(&agent.at_once(&passing).await), "consent_needed", "it asks behind the locked screen");
    assert_eq!(agent.at_once(&lasting).await.0, 200);
    screen.lock(false);
    assert_eq!(code(&agent.at_once(&passing).await), "consent_needed", "it was not only held back");

    agent.decides(&passing, Decision::AllowForNow).await;
    assert_eq!(agent.at_once(&passing).await.0, 200);
    screen.lock(true);
    let lapsed = |status: &latchkey_engine::snapshot::SessionStatus| {
        status.consumers.iter().any(|one| one.consent == ConsentName::Lapsed)
    };
    agent.engine.settles().await;
    agent.world.clock.advance(SignedDuration::from_secs(15));
    agent.engine.until("the lock to be noticed though nobody asks", lapsed).await;
    screen.lock(false);
    assert_eq!(code(&agent.at_once(&passing).await), "consent_needed");
}

#[tokio::test]
async fn a_program_cuts_no_wait_short_that_the_provider_asked_for_and_the_person_does() {
    let agent = Agent::signed_in().await;
    let script = agent.program("script");
    let busy = Fault::new(REFRESH, FaultMode::Status).status(429).header("Retry-After", "600");
    agent.world.goes_wrong(busy);
    agent.engine.renews().await.unwrap_err();
    assert_eq!(agent.world.refreshes(), 1);
    let renew = TOKEN.replace("token", "renew");
    for _ in 0..3 {
        let (status, body) = told(asking(&script, &agent.socket(), &renew).output().await.unwrap().stdout);
        assert_eq!((status, &body["error"]["code"]), (503, &"not_now".into()), "{body}");
    }
    assert_eq!(agent.world.refreshes(), 1);
    let renewed: Value = agent.asks(|client| client.post("/v1/sessions/demo/renew")).await.unwrap();
    assert_eq!(renewed["generation"], 2, "whoever types `latchkey renew` is a person");
    let (status, body) = told(asking(&script, &agent.socket(), &renew).output().await.unwrap().stdout);
    assert_eq!((status, &body["generation"]), (200, &3.into()), "nothing is waited for any more");
}
