//! JUnit's form of a test run, which every CI reads: a test case for each side of each scenario.

use std::fmt::Write as _;

use super::{Report, escaped};
use crate::runner::{Outcome, Side, SideOutcome};

/// The report as JUnit XML.
pub fn junit(report: &Report) -> String {
    let cases: Vec<String> = report.outcomes.iter().flat_map(cases).collect();
    let failures = cases.iter().filter(|case| case.contains("<failure")).count();
    let skipped = cases.iter().filter(|case| case.contains("<skipped")).count();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing into a text does not fail.
    let _ = writeln!(
        xml,
        "<testsuites name=\"latchkey lab\" tests=\"{0}\" failures=\"{failures}\" skipped=\"{skipped}\" errors=\"0\">\n\
         <testsuite name=\"{1}\" tests=\"{0}\" failures=\"{failures}\" skipped=\"{skipped}\" errors=\"0\" timestamp=\"{2}\">",
        cases.len(),
        escaped(&report.against),
        escaped(report.made_at.trim_end_matches('Z')),
    );
    for case in cases {
        xml.push_str(&case);
    }
    xml.push_str("</testsuite>\n</testsuites>\n");
    xml
}

fn cases(outcome: &Outcome) -> Vec<String> {
    if let Some(why) = &outcome.skipped {
        return vec![case(outcome, "both sides", &format!("<skipped message=\"{}\"/>", escaped(why)))];
    }
    if let Some(what) = &outcome.broken {
        let broken = format!("<failure type=\"broken\" message=\"{}\"/>", escaped(what));
        return vec![case(outcome, "the run", &broken)];
    }
    let sides = [(Side::Client, "client", outcome.client), (Side::Backend, "backend", outcome.backend)];
    let judged = sides.into_iter().filter(|(_, _, did)| *did != SideOutcome::NotJudged);
    judged.map(|(side, name, _)| case(outcome, name, &failures(outcome, side))).collect()
}

fn failures(outcome: &Outcome, side: Side) -> String {
    let mut failures = String::new();
    let of_side = outcome.judgements.iter().filter(|judgement| judgement.side == side && !judgement.follows);
    for judgement in of_side {
        if let Some(found) = &judgement.found {
            let because =
                judgement.because.as_ref().map_or_else(String::new, |why| format!("\nbecause {why}"));
            let standard = outcome.standard.join(", ");
            let _ = write!(
                failures,
                "<failure type=\"{side:?}\" message=\"step {}: expected that it {}; {}\">{}</failure>",
                judgement.step,
                escaped(&judgement.expected),
                escaped(found),
                escaped(&format!("see {standard}{because}")),
            );
        }
    }
    failures
}

fn case(outcome: &Outcome, side: &str, inside: &str) -> String {
    format!(
        "<testcase classname=\"{}\" name=\"{} ({side})\" time=\"{}.{:03}\">{inside}</testcase>\n",
        escaped(&outcome.name),
        escaped(&outcome.title),
        outcome.run.took_ms / 1000,
        outcome.run.took_ms % 1000,
    )
}
