//! The report as one page that needs nothing else: no script, no font, no picture from elsewhere.

use std::fmt::Write as _;

use super::{Report, escaped, in_words, lifeline};
use crate::runner::{Entry, Judgement, Outcome, Side, SideOutcome};

const STYLE: &str = include_str!("page.css");

/// The report as HTML.
pub fn html(report: &Report) -> String {
    let (passed, failed, skipped) = report.counts();
    let verdict = if failed == 0 {
        format!("All {passed} scenarios passed")
    } else {
        format!("{failed} of {} scenarios failed", passed + failed)
    };
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\
         <title>Latchkey lab: {}</title><style>{STYLE}</style></head><body><main>\n\
         <header><p class=\"kind\">Latchkey lab</p><h1 class=\"{}\">{}</h1><p class=\"dim\">{} · {} · {}{}</p></header>\n",
        escaped(&verdict),
        if failed == 0 { "good" } else { "bad" },
        escaped(&verdict),
        escaped(&report.against),
        escaped(&report.made_at),
        escaped(&report.made_by),
        if skipped == 0 { String::new() } else { format!(" · {skipped} not played") },
    );
    overview(&mut page, report);
    for outcome in &report.outcomes {
        section(&mut page, outcome);
    }
    page.push_str("</main></body></html>\n");
    page
}

fn overview(page: &mut String, report: &Report) {
    page.push_str(
        "<table class=\"overview\"><thead><tr><th>Scenario</th><th>Client</th><th>Backend</th>\
         <th>Took</th></tr></thead><tbody>",
    );
    for outcome in &report.outcomes {
        let took = if outcome.skipped.is_some() { "–".to_owned() } else { in_words(outcome.run.took_ms) };
        let _ = write!(
            page,
            "<tr><td><a href=\"#{0}\">{1}</a><br><code>{0}</code></td><td>{2}</td><td>{3}</td><td>{took}</td></tr>",
            escaped(&outcome.name),
            escaped(&outcome.title),
            badge(outcome, outcome.client),
            badge(outcome, outcome.backend),
        );
    }
    page.push_str("</tbody></table>\n");
}

/// A verdict with a shape of its own, so that it can be told without its colour.
fn badge(outcome: &Outcome, side: SideOutcome) -> &'static str {
    if outcome.skipped.is_some() {
        return "<span class=\"badge none\">○ not played</span>";
    }
    match side {
        SideOutcome::Passed => "<span class=\"badge good\">✓ passed</span>",
        SideOutcome::Failed => "<span class=\"badge bad\">✗ failed</span>",
        SideOutcome::NotJudged => "<span class=\"badge none\">○ not judged</span>",
    }
}

fn section(page: &mut String, outcome: &Outcome) {
    let _ = write!(
        page,
        "<section id=\"{}\"><h2>{}</h2><p class=\"badges\"><span>Client {}</span><span>Backend {}</span></p>\
         <p>{}</p><p class=\"dim\">{}</p>",
        escaped(&outcome.name),
        escaped(&outcome.title),
        badge(outcome, outcome.client),
        badge(outcome, outcome.backend),
        escaped(&outcome.about),
        outcome.standard.iter().map(|place| standard(place)).collect::<Vec<_>>().join(" · "),
    );
    if let Some(why) = &outcome.skipped {
        let _ = writeln!(page, "<p class=\"note\">Not played: {}.</p></section>", escaped(why));
        return;
    }
    if let Some(what) = &outcome.broken {
        let _ = write!(page, "<p class=\"note bad\">The run broke off: {}.</p>", escaped(what));
    }
    let _ = write!(page, "<figure>{}</figure>", lifeline(&outcome.run));
    judgements(page, &outcome.judgements);
    let open = if outcome.passed() { "" } else { " open" };
    let _ = write!(page, "<details{open}><summary>What each side did</summary>");
    entries(page, &outcome.run.entries);
    page.push_str("</details></section>\n");
}

/// A section of an RFC, where it can be read.
fn standard(place: &str) -> String {
    let rfc = place.strip_prefix("RFC ").and_then(|rest| rest.split_once(" §"));
    match rfc {
        Some((number, section)) if number.bytes().all(|b| b.is_ascii_digit()) => format!(
            "<a href=\"https://www.rfc-editor.org/rfc/rfc{number}#section-{}\" rel=\"noreferrer\">{}</a>",
            escaped(section),
            escaped(place)
        ),
        _ => escaped(place),
    }
}

fn judgements(page: &mut String, judgements: &[Judgement]) {
    page.push_str("<ul class=\"judged\">");
    for judgement in judgements {
        let (mark, class) = match (judgement.passed(), judgement.follows) {
            (true, _) => ("✓", "good"),
            (false, false) => ("✗", "bad"),
            (false, true) => ("○", "dim"),
        };
        let side = if judgement.side == Side::Client { "The client" } else { "The backend" };
        let _ = write!(
            page,
            "<li><span class=\"{class}\">{mark}</span> {side} {}{}{}</li>",
            escaped(&judgement.expected),
            judgement.found.as_ref().map_or_else(String::new, |found| format!(
                ": <strong class=\"{}\">{}</strong>{}",
                if judgement.follows { "dim" } else { "bad" },
                escaped(found),
                if judgement.follows { ", which follows from what the other side did" } else { "" }
            )),
            judgement
                .because
                .as_ref()
                .map_or_else(String::new, |why| format!("<br><span class=\"dim\">{}</span>", escaped(why))),
        );
    }
    page.push_str("</ul>");
}

fn entries(page: &mut String, entries: &[Entry]) {
    page.push_str(
        "<table class=\"entries\"><thead><tr><th>After</th><th>Who</th><th>What</th></tr></thead><tbody>",
    );
    for entry in entries {
        let side = match entry.side {
            Side::Lab => "lab",
            Side::Client => "client",
            Side::Backend => "backend",
        };
        let wrong = if entry.wrong { " class=\"wrong\"" } else { "" };
        let _ = write!(
            page,
            "<tr{wrong}><td>{:.1} s</td><td><span class=\"who {side}\">{side}</span></td><td>{}</td></tr>",
            f64::from(entry.after_ms) / 1000.0,
            escaped(&entry.what)
        );
    }
    page.push_str("</tbody></table>");
}
