//! The forms of a report: what reads them must be able to.

use super::*;
use crate::runner::{Judgement, Run, Side};
use crate::scenario::Scenario;
use crate::shipped;

fn report() -> Report {
    let scenario = |name: &str| Scenario::parse(shipped::text(name).unwrap(), name).unwrap();
    let judged = |side, found: Option<&str>| Judgement {
        step: 2,
        side,
        expected: "keeps <everything> & \"more\"".to_owned(),
        found: found.map(str::to_owned),
        because: Some("of a reason".to_owned()),
        follows: false,
    };
    let good = Outcome::of(&scenario("double-spend"), vec![judged(Side::Client, None)], Run::default());
    let bad = vec![judged(Side::Client, None), judged(Side::Backend, Some("took \u{1b}[31m it"))];
    let bad = Outcome::of(&scenario("late-401"), bad, Run::default());
    let skipped = Outcome::skipped(&scenario("ceiling-reached"), "it needs another backend".to_owned());
    Report::new(jiff::Timestamp::UNIX_EPOCH, "account <demo>".to_owned(), vec![good, bad, skipped])
}

#[test]
fn junit_is_xml_that_counts_what_it_holds() {
    let text = junit(&report());
    let document = roxmltree::Document::parse(&text).unwrap();
    let suites = document.root_element();
    let named = |name: &str| document.descendants().filter(|node| node.has_tag_name(name)).count();
    assert_eq!(suites.tag_name().name(), "testsuites");
    for (attribute, element) in [("tests", "testcase"), ("failures", "failure"), ("skipped", "skipped")] {
        assert_eq!(suites.attribute(attribute).unwrap(), named(element).to_string(), "{attribute}");
    }
    assert_eq!((named("testcase"), named("failure"), named("skipped")), (4, 1, 1));
    let failure = document.descendants().find(|node| node.has_tag_name("failure")).unwrap();
    assert_eq!(failure.attribute("type"), Some("Backend"));
    assert!(failure.attribute("message").unwrap().contains("keeps <everything> & \"more\""));
}

#[test]
fn the_page_needs_nothing_else_and_escapes_what_it_is_given() {
    let page = html(&report());
    for foreign in ["<script", "src=", "@import", "url("] {
        assert!(!page.contains(foreign), "{foreign}");
    }
    assert!(page.contains("keeps &lt;everything&gt; &amp;") && !page.contains("<everything>"));
    assert!(page.contains("1 of 2 scenarios failed") && page.contains("Not played"));
    assert!(!page.contains('\u{1b}'));
    assert!(page.contains("https://www.rfc-editor.org/rfc/rfc9700#section-4.14.2"));
    // A figure is XML, and a page that breaks there shows nothing at all.
    let from = page.find("<svg").unwrap();
    let to = page.find("</svg>").unwrap();
    roxmltree::Document::parse(&page[from..to + 6]).unwrap();
}

#[test]
fn json_names_the_side_that_failed() {
    let json: serde_json::Value = serde_json::to_value(report()).unwrap();
    assert_eq!(json["version"], 1);
    assert_eq!(json["outcomes"][1]["backend"], "failed");
    assert_eq!(json["outcomes"][1]["client"], "passed");
    assert_eq!(json["outcomes"][2]["skipped"], "it needs another backend");
}
