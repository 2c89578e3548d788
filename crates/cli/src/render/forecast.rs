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
