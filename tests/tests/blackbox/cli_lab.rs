//! The lab in the terminal: scenarios, reports, forecasts and advice, as a person at a shell has them.

use std::time::Duration;

use latchkey_tests::desktop::{Desktop, Keychain};
use latchkey_tests::programs::DevServerProcess;
use serde_json::Value;

/// All scenarios together take ten seconds of a processor, and this machine may have others to serve.
const ALL_SCENARIOS: Duration = Duration::from_mins(10);

/// A machine with an account of a backend that runs with these options.
pub(crate) fn set_up(backend: &[&str]) -> (Desktop, DevServerProcess) {
    let desktop = Desktop::start(Keychain::Unlocked).with("LATCHKEY_VAULT", "keychain");
    let backend = DevServerProcess::start(&desktop, backend);
    desktop.add_demo(backend.port);
    (desktop, backend)
}

#[test]
fn all_scenarios_end_well_with_a_right_client_and_every_form_of_report_can_be_read() {
    let (desktop, _backend) = set_up(&[]);
    let files = ["lab.html", "lab.json", "lab.xml"].map(|name| desktop.out(name).display().to_string());
    let [html, json, junit] = &files;
    let reports = ["--report", html, "--report", json, "--report", junit];
    let run = [&["lab", "run", "--all", "--account", "demo"][..], &reports].concat();
    let done = desktop.start_latchkey(&run, "").done_within(ALL_SCENARIOS).ends(0);
    let listed = desktop.latchkey(&["lab", "list", "--json"]).json();
    let names: Vec<_> = listed.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert!(names.len() >= 20 && done.stderr.contains(&format!("{} passed", names.len())), "{}", done.stderr);

    let page = std::fs::read_to_string(html).unwrap();
    for name in &names {
        let section = page.split(&format!("<section id=\"{name}\">")).nth(1).unwrap();
        let section = section.split("</section>").next().unwrap();
        assert!(section.contains("<svg class=\"lifeline\""), "{name} has no picture");
        assert!(section.contains("What each side did") && section.contains("The client"), "{name}");
    }
    assert!(page.contains("prefers-color-scheme: dark") && !page.contains("<script"));

    let read: Value = serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap();
    let outcomes = read["outcomes"].as_array().unwrap();
    assert!(outcomes.iter().map(|one| one["name"].as_str().unwrap()).eq(names.iter().copied()));
    for outcome in outcomes {
        let sides = [&outcome["client"], &outcome["backend"]];
        assert!(sides.iter().all(|side| **side != "failed"), "{outcome}");
        assert!(!outcome["standard"].as_array().unwrap().is_empty());
    }

    let text = std::fs::read_to_string(junit).unwrap();
    let document = roxmltree::Document::parse(&text).unwrap();
    let suites = document.root_element();
    assert_eq!((suites.attribute("failures"), suites.attribute("skipped")), (Some("0"), Some("0")));
    let cases = document.descendants().filter(|node| node.has_tag_name("testcase")).count();
    assert_eq!(suites.attribute("tests"), Some(cases.to_string().as_str()));
    assert!(cases >= names.len());
}

#[test]
fn a_backend_that_was_told_to_misbehave_is_named_in_the_terminal_and_in_each_report() {
    let (desktop, _backend) = set_up(&["--rule", "reuse-accepted"]);
    let junit = desktop.out("lab.xml");
    let by_the_server = ["lab", "run", "double-spend", "--account", "demo", "--report"];
    let done = desktop.latchkey(&[&by_the_server[..], &[junit.to_str().unwrap()]].concat()).ends(1);
    let done = done.says("the backend did wrong (RFC 9700 §4.14.2)");
    assert!(done.stderr.ends_with("1 of 1 failed: the backend did wrong\n"), "{}", done.stderr);
    let text = std::fs::read_to_string(junit).unwrap();
    let document = roxmltree::Document::parse(&text).unwrap();
    let failures: Vec<_> = document.descendants().filter(|node| node.has_tag_name("failure")).collect();
    assert!(!failures.is_empty(), "{text}");
    assert!(failures.iter().all(|failure| failure.attribute("type") == Some("Backend")), "{text}");

    let by_the_option = ["lab", "run", "renews-ahead", "--rule", "no-rotation", "--report", "json"];
    let json = desktop.latchkey(&by_the_option).ends(1).json();
    assert_eq!(
        (&json["outcomes"][0]["backend"], &json["outcomes"][0]["client"]),
        (&"failed".into(), &"passed".into())
    );
}

#[test]
fn what_is_no_scenario_and_no_rule_is_wrong_use() {
    let desktop = Desktop::start(Keychain::Absent);
    let _ = desktop.latchkey(&["lab", "run", "double-spent"]).ends(2).says("did you mean `double-spend`?");
    let _ = desktop.latchkey(&["lab", "run"]).ends(2).says("--all");
    let _ = desktop.latchkey(&["lab", "run", "--all", "--rule", "lax"]).ends(2).says("no-rotation");
    let _ = desktop.latchkey(&["lab", "run", "--all", "--contract", "x", "--account", "demo"]).ends(2);
    let formless = desktop.latchkey(&["lab", "run", "late-401", "--report", "lab.txt"]).ends(2);
    assert!(!formless.says("what form").stderr.contains("ok  "), "it was played first");
    let text = desktop.latchkey(&["lab", "show", "late-401"]).ends(0).stdout;
    let file = desktop.out("mine.toml");
    std::fs::write(&file, text.replace("sign_in = true", "sign_inn = true")).unwrap();
    let _ = desktop.latchkey(&["lab", "run", "--file", file.to_str().unwrap()]).ends(2).says("sign_inn");
}

#[test]
fn a_forecast_compares_two_policies_side_by_side() {
    let (desktop, _backend) = set_up(&[]);
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

    let json = desktop.latchkey(&[&both[..], &["--json"]].concat()).ends(0).json();
    let outs = |side: usize| json[side]["forecast"]["sign_outs"].as_array().unwrap();
    assert!(outs(0).len() > outs(1).len(), "a longer session ends less often");
    for out in outs(0) {
        assert_eq!(out["code"], "max_age_reached");
        assert!(out["message"].as_str().is_some_and(|why| why.contains("7 d")), "{out}");
    }
    let wrong = ["lab", "simulate", "demo", "--against", "demo", "--set-against", "max_age=0s"];
    let _ = desktop.latchkey(&wrong).ends(2).says("--set-against max_age: it cannot be zero");
    let _ = desktop.latchkey(&["lab", "simulate", "demo", "--life", "moon"]).ends(2).says("train");
}

#[test]
fn a_policy_that_contradicts_itself_is_told() {
    let (desktop, _backend) = set_up(&[]);
    let config = desktop.config_file();
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{text}\nupdate_age = \"1h\"\n")).unwrap();
    let told = desktop.latchkey(&["accounts", "check", "demo"]);
    let both = format!("{}{}", told.stdout, told.stderr);
    assert!(both.contains("update_age"), "{both}");
}
