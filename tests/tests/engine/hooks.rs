//! The programs that an account runs when its session changes.

use std::path::{Path, PathBuf};

use jiff::SignedDuration;
use latchkey_devserver::{Fault, FaultMode};
use latchkey_engine::config::HookEvent;
use latchkey_engine::event_log::LogRecord;
use latchkey_tests::canary::Canary;
use latchkey_tests::engine_world::{PASSWORD, REFRESH, World, guarded};
use serde_json::{Value, json};

use super::nextauth::graceful;
use super::nextauth_updates::site_says;

/// A world whose account appends what it is told to a file.
async fn heard() -> (World, PathBuf) {
    heard_in(World::new().await)
}

fn heard_in(mut world: World) -> (World, PathBuf) {
    let file = world.log_dir().parent().unwrap().join("heard");
    world.runs(&["sh", "-c", "cat >> \"$1\"", "sh", file.to_str().unwrap()], &[]);
    (world, file)
}

/// What the programs were told.
fn told(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn events(file: &Path) -> Vec<String> {
    told(file).iter().map(|one| one["event"].as_str().unwrap().to_owned()).collect()
}

/// Waits for a record of this kind.
async fn logged(world: &World, kind: &str) -> LogRecord {
    let mut numbers = world.log.subscribe();
    guarded(kind, async {
        loop {
            if let Some(found) = world.records().into_iter().find(|record| record.kind == kind) {
                return found;
            }
            numbers.changed().await.unwrap();
        }
    })
    .await
}

#[tokio::test]
async fn programs_hear_each_change_once_and_in_order_whatever_number_of_processes_sees_it() {
    let (world, file) = heard().await;
    let (first, second) = (world.engine(), world.engine());
    first.signs_in().await.unwrap();
    second.reload(&world.account).unwrap();
    second.until_generation(1).await;
    first.renews().await.unwrap();
    second.renews().await.unwrap();
    assert_eq!(second.now().await.generation, 2, "it took over what the first had stored");
    second.renews().await.unwrap();
    first.renews().await.unwrap();
    assert_eq!(first.now().await.generation, 3);
    // Both send a token that is refused, and each learns it for itself.
    world.goes_wrong(Fault::new(REFRESH, FaultMode::Status).status(401).times(2));
    let _ = tokio::join!(first.renews(), second.renews());
    first.until_state("needs_sign_in").await;
    second.until_state("needs_sign_in").await;
    world.all_is_well_again();
    second.signs_in().await.unwrap();
    first.reload(&world.account).unwrap();
    first.until_state("signed_in").await;
    first.signs_out().await.unwrap();
    second.reload(&world.account).unwrap();
    second.until_state("signed_out").await;
    second.signs_out().await.unwrap();
    first.close().await;
    second.close().await;
    // What one process tells comes in order; what two tell may come a little across.
    let mut seen = events(&file);
    seen.sort();
    assert_eq!(seen, ["needs_sign_in", "renewed", "renewed", "signed_in", "signed_in", "signed_out"]);
}

#[tokio::test]
async fn a_program_is_given_facts_and_no_token() {
    let (world, file) = heard().await;
    let engine = world.signed_in().await;
    let mut canary = Canary::default();
    for _ in 0..2 {
        canary.watch("an access token", engine.token().await.unwrap().access.expose());
        canary.watch("a refresh token", &world.stored_refresh_token().await);
        engine.renews().await.unwrap();
    }
    canary.watch("the password", PASSWORD);
    engine.signs_out().await.unwrap();
    engine.close().await;
    assert_eq!(events(&file), ["signed_in", "renewed", "renewed", "signed_out"]);
    let renewed = &told(&file)[1];
    assert_eq!((&renewed["account"], &renewed["provider"]), (&"demo".into(), &"credentials".into()));
    assert_eq!((&renewed["version"], &renewed["generation"]), (&1.into(), &2.into()));
    for time in ["at", "expires_at", "next_at"] {
        assert!(renewed[time].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{renewed}");
    }
    assert_eq!(canary.look("what programs were told", &std::fs::read(&file).unwrap()), [""; 0]);
}

#[tokio::test]
async fn a_session_that_is_read_again_tells_programs_what_is_different() {
    let (world, file) = heard_in(World::like(graceful()).await);
    let engine = world.signed_in().await;
    let other = world.engine();
    other.until_generation(1).await;
    site_says(&world, json!({ "role": "editor" })).await;
    guarded("reading again", engine.revalidate(&world.account)).await.unwrap();
    other.reload(&world.account).unwrap();
    other.until_generation(2).await;
    engine.close().await;
    other.close().await;
    let updated: Vec<_> = told(&file).into_iter().filter(|one| one["event"] == "updated").collect();
    let [updated] = &updated[..] else { panic!("told once: {updated:#?}") };
    assert_eq!(updated["changes"][0], json!({ "name": "user.role", "before": null, "after": "editor" }));
}

#[tokio::test]
async fn a_program_that_hangs_is_ended_at_its_limit_with_all_that_it_started_and_the_session_goes_on() {
    let mut world = World::new().await;
    let file = world.log_dir().parent().unwrap().join("pids");
    let hang = "sleep 1000 & echo \"$! $$\" > \"$1\"; wait";
    world.runs(&["sh", "-c", hang, "sh", file.to_str().unwrap()], &[HookEvent::SignedIn]);
    let engine = world.signed_in().await;
    for generation in 2..=4 {
        assert_eq!(engine.renews().await.unwrap().generation, generation, "nobody waits for the program");
    }
    let pids = loop {
        let pids = std::fs::read_to_string(&file).unwrap_or_default();
        if pids.ends_with('\n') {
            break pids;
        }
        tokio::task::yield_now().await;
    };
    world.clock.advance(SignedDuration::from_secs(10));
    let failed = logged(&world, "hook_failed").await;
    assert!(failed.message.contains("still running after 10 s"), "{}", failed.message);
    for pid in pids.split_whitespace() {
        let state = || std::fs::read_to_string(format!("/proc/{pid}/stat")).ok();
        let gone = || state().is_none_or(|stat| stat.contains(") Z "));
        guarded("its end", async {
            while !gone() {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
    engine.close().await;
}

#[tokio::test]
async fn events_wait_for_a_slow_program_up_to_a_number_and_what_is_left_out_is_told() {
    let mut world = World::new().await;
    world.runs(&["sh", "-c", "sleep 1000"], &[HookEvent::Renewed]);
    let engine = world.signed_in().await;
    for generation in 2..=22 {
        assert_eq!(engine.renews().await.unwrap().generation, generation);
    }
    let dropped = logged(&world, "hook_dropped").await;
    assert!(dropped.message.contains("16 events wait"), "{}", dropped.message);
    // Closing waits as long as one program may take, and then for none of the others.
    let closing = tokio::spawn(async move { engine.close().await });
    guarded("closing", async {
        while !closing.is_finished() {
            world.clock.advance(SignedDuration::from_secs(10));
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_program_that_fails_is_told_of_with_the_beginning_of_what_it_said_and_no_token_in_it() {
    let mut world = World::new().await;
    let say = "cat; echo eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl >&2; yes | head -c 100000; exit 3";
    world.runs(&["sh", "-c", say], &[HookEvent::SignedIn]);
    world.runs(&["no-program-of-this-name"], &[HookEvent::Renewed]);
    let engine = world.signed_in().await;
    let failed = logged(&world, "hook_failed").await;
    let output = failed.facts["output"].as_str().unwrap();
    assert!(failed.message.contains("exit status: 3"), "{}", failed.message);
    assert!(output.contains("signed_in") && !output.contains("eyJ") && output.len() < 2_000, "{output}");
    assert_eq!(engine.renews().await.unwrap().state, "signed_in");
    engine.close().await;
    let all = world.records();
    let unstarted = all.iter().rfind(|record| record.kind == "hook_failed").unwrap();
    assert!(unstarted.message.contains("could not be started"), "{}", unstarted.message);
}

#[tokio::test]
async fn a_program_sees_what_it_is_run_for_and_nothing_of_our_environment() {
    let mut world = World::new().await;
    let file = world.log_dir().parent().unwrap().join("env");
    world.runs(&["sh", "-c", "env > \"$1\"", "sh", file.to_str().unwrap()], &[HookEvent::SignedIn]);
    world.signed_in().await.close().await;
    let seen = std::fs::read_to_string(&file).unwrap();
    assert!(
        seen.contains("LATCHKEY_EVENT=signed_in\n") && seen.contains("LATCHKEY_ACCOUNT=demo\n"),
        "{seen}"
    );
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some() && !seen.contains("CARGO"), "{seen}");
}
