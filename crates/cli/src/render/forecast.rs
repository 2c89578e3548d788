//! What a policy comes to, as a table with a strip for each day.

use std::fmt::Write as _;

use jiff::SignedDuration;
use latchkey_core::policy::in_words;
use latchkey_engine::forecast::{Cell, Forecast, SignedOut};

use crate::commands::simulate::Foreseen;

/// How many ends are told one by one; the others are counted.
const TOLD: usize = 8;

pub(crate) fn lines(foreseen: &Foreseen) -> String {
    let Foreseen { policy, forecast } = foreseen;
    let mut text = format!("{policy}, a month of `{}`\n", forecast.life);
    let mut line = |label: &str, told: &str| {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "  {label:<18}{told}");
    };
    let (ends, signs_in) = (forecast.sign_outs.len(), forecast.sign_ins);
    line("signed out", &format!("{ends} times; {signs_in} sign-ins, the first one included"));
    line("requests", &format!("{}, {} of them renewals", forecast.requests, forecast.renewals));
    let without = in_words(SignedDuration::from_secs(forecast.without_token_s.into()));
    let at_work = in_words(SignedDuration::from_secs(forecast.at_work_s.into()));
    line("without a token", &format!("{without} of {at_work} at work with a network"));
    for why in reasons(forecast) {
        line("", &why);
    }
    text.push('\n');
    let hours: Vec<_> = (0..24).step_by(3).map(|hour| format!("{hour:<6}")).collect();
    let _ = writeln!(text, "      {}", hours.concat().trim_end());
    for (count, day) in forecast.days.iter().enumerate() {
        let strip: String = day.cells.iter().map(|cell| cell.drawn()).collect();
        let name = day.name.get(..2).unwrap_or_default();
        let ends = forecast.sign_outs.iter().filter(|out| out.day as usize == count + 1);
        let told: Vec<_> = ends.map(|out| format!("{} {}", when(out), out.code)).collect();
        let row = format!("  {:>2} {name} {strip} {}", count + 1, told.join(", "));
        let _ = writeln!(text, "{}", row.trim_end());
    }
    let _ = writeln!(
        text,
        "  {} signed in   {} lid closed, signed in   {} no network   {} signed out\n",
        Cell::SignedIn.drawn(),
        Cell::Asleep.drawn(),
        Cell::Offline.drawn(),
        Cell::SignedOut.drawn()
    );
    text
}

/// How wide one of two policies is drawn: an hour a character, and when it ended.
const SIDE: usize = 34;

/// Two policies side by side, in eighty columns, and what the second changes.
pub(crate) fn beside(one: &Foreseen, other: &Foreseen) -> String {
    let both = [one, other];
    let mut text = format!("a month of `{}`\n", one.forecast.life);
    let mut row = |label: &str, [left, right]: [String; 2]| {
        let row = format!("  {label:<9}{left:<SIDE$} {right}");
        // Writing to a text cannot fail.
        let _ = writeln!(text, "{}", row.trim_end());
    };
    let names = both.map(|side| split(&side.policy));
    for line in 0..names.iter().map(Vec::len).max().unwrap_or_default() {
        row("", names.each_ref().map(|name| name.get(line).cloned().unwrap_or_default()));
    }
    let told = |tell: fn(&Forecast) -> String| both.map(|side| tell(&side.forecast));
    row("ended", told(|month| counted(month.sign_outs.len(), "time")));
    row("sign-ins", told(|month| month.sign_ins.to_string()));
    row("requests", told(|month| format!("{}, {} of them renewals", month.requests, month.renewals)));
    row(
        "no token",
        told(|month| match month.without_token_s {
            0 => "never".to_owned(),
            secs => format!("{} at work", in_words(SignedDuration::from_secs(secs.into()))),
        }),
    );
    let hours = ["0     6     12    18"; 2].map(str::to_owned);
    row("", hours);
    for (count, day) in one.forecast.days.iter().enumerate() {
        let name = format!("{:>2} {}", count + 1, day.name.get(..2).unwrap_or_default());
        row(&name, both.map(|side| hourly(&side.forecast, count)));
    }
    let drawn = [
        (Cell::SignedIn, "signed in"),
        (Cell::Asleep, "lid closed"),
        (Cell::Offline, "no network"),
        (Cell::SignedOut, "signed out"),
    ];
    let legend: Vec<_> = drawn.iter().map(|(cell, what)| format!("{} {what}", cell.drawn())).collect();
    let _ = writeln!(text, "  {}\n", legend.join("   "));
    for side in both {
        for why in reasons(&side.forecast) {
            let _ = writeln!(text, "{}: {why}", side.policy);
        }
    }
    let _ = writeln!(text, "{}", compared(&one.forecast, &other.forecast));
    text
}

/// What the second of two policies changes, in a sentence.
fn compared(one: &Forecast, other: &Forecast) -> String {
    let change = |before: usize, after: usize, what: &str| match before.abs_diff(after) {
        0 => format!("as many {what}s"),
        more if after > before => format!("{} more", counted(more, what)),
        fewer => format!("{} fewer", counted(fewer, what)),
    };
    let requests = |month: &Forecast| usize::try_from(month.requests).unwrap_or(usize::MAX);
    format!(
        "The second policy: {}, {}.",
        change(one.sign_outs.len(), other.sign_outs.len(), "sign-out"),
        change(requests(one), requests(other), "request")
    )
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// A day with an hour a character, and when a session ended on it.
fn hourly(month: &Forecast, day: usize) -> String {
    let cells = month.days.get(day).map(|day| day.cells.as_slice()).unwrap_or_default();
    let strip: String =
        cells.chunks(2).filter_map(|hour| hour.iter().max()).map(|cell| cell.drawn()).collect();
    let mut ends = month.sign_outs.iter().filter(|out| out.day as usize == day + 1);
    let first = ends.next().map(when).unwrap_or_default();
    let more = ends.count();
    let more = if more > 0 { format!(" +{more}") } else { String::new() };
    format!("{strip} {first}{more}")
}

/// The name of a policy in lines that fit.
fn split(policy: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in policy.split(' ') {
        match lines.last_mut().filter(|line| line.chars().count() + word.chars().count() + 1 < SIDE) {
            Some(line) => {
                line.push(' ');
                line.push_str(word);
            }
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Why it ended, each reason once with how often.
fn reasons(forecast: &Forecast) -> Vec<String> {
    let mut told: Vec<(&SignedOut, usize, usize)> = Vec::new();
    for out in &forecast.sign_outs {
        match told.iter_mut().find(|(known, _, _)| known.message == out.message) {
            Some((_, times, away)) => {
                *times += 1;
                *away += usize::from(out.away);
            }
            None => told.push((out, 1, usize::from(out.away))),
        }
    }
    let one = |(out, times, away): &(&SignedOut, usize, usize)| {
        format!("{times}×, {away} of them while away: {}", out.message)
    };
    told.iter().take(TOLD).map(one).collect()
}

fn when(out: &SignedOut) -> String {
    format!("{:02}:{:02}", out.minute / 60, out.minute % 60)
}
