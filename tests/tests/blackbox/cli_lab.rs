//! The lab in the terminal: scenarios, faults, forecasts and advice, as a person at a shell has them.

use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::programs::DevServerProcess;
use serde_json::Value;

fn set_up() -> (Desktop, DevServerProcess) {
    let desktop =
        Desktop::start(Keychain::Unlocked).with("LATCHKEY_VAULT", "keychain").with("LATCHKEY_LOG", "debug");
    let backend = DevServerProcess::start(&desktop, &[]);
    desktop.add_demo(backend.port);
    (desktop, backend)
}

#[test]
fn a_scenario_ends_well_with_a_right_client_and_names_the_side_that_does_wrong() {
    let (desktop, _backend) = set_up();
    let report = desktop.out("lab.html");
    let report = report.to_str().unwrap();
    let _ = desktop
        .latchkey(&[
            "lab",
            "run",
            "double-spend",
            "lost-reply-grace",
            "--account",
            "demo",
            "--report",
            report,
        ])
        .ends(0);
    let page = std::fs::read_to_string(report).unwrap();
    assert!(page.contains("RFC 9700") && page.contains("<svg") && !page.contains("<script"));

    let broken = desktop.latchkey(&["lab", "run", "double-spend", "--rule", "reuse-accepted"]).ends(1);
    let told = format!("{}{}", broken.stdout, broken.stderr);
    assert!(told.contains("the backend did wrong (RFC 9700"), "{told}");
}

#[test]
fn a_report_for_machines_says_the_same_as_the_one_for_people() {
    let (desktop, _backend) = set_up();
    let run = ["lab", "run", "double-spend", "--rule", "reuse-accepted", "--report"];
    let json = desktop.latchkey(&[&run[..], &["json"]].concat()).ends(1).json();
    let outcome = &json["outcomes"][0];
    assert_eq!(outcome["name"], "double-spend", "{json:#}");
    assert_eq!(outcome["standard"][0], "RFC 9700 §4.14.2", "{json:#}");
    assert_eq!((&outcome["client"], &outcome["backend"]), (&"passed".into(), &"failed".into()), "{json:#}");

    let junit = desktop.latchkey(&[&run[..], &["junit"]].concat()).ends(1).stdout;
    assert!(junit.starts_with("<?xml") && junit.contains("failures=\"1\""), "{junit}");
    assert!(
        junit.contains("<failure type=\"Backend\"") && !junit.contains("<failure type=\"Client\""),
        "{junit}"
    );
}

#[test]
fn a_fault_that_is_planned_strikes_and_is_in_the_log_of_the_backend() {
    let (desktop, backend) = set_up();
    let _ = desktop.sign_in("demo", "demo").ends(0);
    let url = format!("http://127.0.0.1:{}", backend.port);
    let at = |what: &[&str]| {
        let all: Vec<&str> = what.iter().copied().chain(["--url", url.as_str()]).collect();
        desktop.latchkey(&all)
    };
    let _ = at(&["lab", "fault", "refresh", "drop_after"]).ends(0);
    assert!(at(&["lab", "faults"]).ends(0).stdout.contains("drop_after"));
    let _ = desktop.latchkey(&["renew", "demo"]);
    assert!(!at(&["lab", "faults"]).ends(0).stdout.contains("drop_after"), "it struck once and is gone");
    let log = std::fs::read_to_string(desktop.events_file()).unwrap();
    assert!(log.contains("reply_lost"), "the lost reply is not in the log:\n{log}");
}

#[test]
fn a_forecast_compares_two_policies_side_by_side() {
    let (desktop, _backend) = set_up();
    let both = [
        "lab",
        "simulate",
        "demo",
        "--set",
        "max_age=7d",
        "--against",
        "demo",
        "--set-against",
        "max_age=30d",
    ];
    let page = desktop.latchkey(&both).ends(0).stdout;
    assert!(page.contains("demo max_age=7d") && page.contains("demo max_age=30d"), "{page}");
    assert!(page.contains("The second policy: ") && page.contains("sign-outs fewer"), "{page}");
    assert!(page.lines().filter(|line| line.contains('█')).all(|line| line.chars().count() <= 80), "{page}");

    let json = desktop.latchkey(&[&both[..], &["--json"]].concat()).ends(0).stdout;
    let json: Value = serde_json::from_str(&json).unwrap();
    let outs = |side: usize| json[side]["forecast"]["sign_outs"].as_array().unwrap().len();
    assert!(outs(0) > outs(1), "a longer session ends less often: {} and {}", outs(0), outs(1));
    assert_eq!(json[0]["forecast"]["sign_outs"][0]["code"], "max_age_reached");
    let _ = desktop.latchkey(&["lab", "simulate", "demo", "--life", "moon"]).ends(2).says("train");
}

#[test]
fn a_policy_that_contradicts_itself_is_told() {
    let (desktop, _backend) = set_up();
    let config = desktop.config_file();
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{text}\nupdate_age = \"1h\"\n")).unwrap();
    let told = desktop.latchkey(&["accounts", "check", "demo"]);
    assert!(
        format!("{}{}", told.stdout, told.stderr).contains("update_age"),
        "{}{}",
        told.stdout,
        told.stderr
    );
}
