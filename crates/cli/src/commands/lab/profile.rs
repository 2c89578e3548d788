//! `latchkey lab profile`: what a backend does, measured.

use std::sync::Arc;

use latchkey_engine::config::{AccountConfig, set_grace_window};
use latchkey_engine::lab::{Bounds, Contract, Profile, ProfileFinding, ProfileGrade, findings, save_profile};
use latchkey_lab::ending::Ending;
use latchkey_lab::measuring::measure;
use latchkey_lab::runner::Person;
use serde::Serialize;

use super::person;
use crate::args;
use crate::failure::Failure;
use crate::output::{self, LiveLine};
use crate::session::Desk;

/// What `--json` prints.
#[derive(Serialize)]
struct Printed<'a> {
    account: &'a str,
    #[serde(flatten)]
    profile: &'a Profile,
    findings: Vec<ProfileFinding>,
}

pub(super) async fn run(args: args::Profile, ending: Arc<Ending>) -> Result<(), Failure> {
    let desk = Desk::open()?;
    let account = desk.account(&args.account)?;
    let person = person(&desk, account, &args.who).await?;
    let measured = measured(account, &person, Bounds { grace: args.grace_bound }, &ending).await?;
    save_profile(&desk.paths, &account.name, &measured)
        .map_err(|error| Failure::failed(format!("the profile cannot be kept: {error}")))?;
    if let Some(grace) = measured.facts.grace {
        set_grace_window(&desk.paths, &account.name, grace.sure_secs())?;
    }
    if let Some(file) = &args.export {
        std::fs::write(file, Contract::of(&measured).to_toml())
            .map_err(|error| Failure::failed(format!("{} cannot be written: {error}", file.display())))?;
        output::say(&format!("Contract: {}", file.display()));
    }
    let findings = findings(&measured);
    if args.json {
        return output::json(&Printed { account: account.name.as_str(), profile: &measured, findings });
    }
    output::value(&table(&findings))
}

/// Measures the backend of an account.
pub(super) async fn measured(
    account: &AccountConfig,
    person: &Person,
    bounds: Bounds,
    ending: &Ending,
) -> Result<Profile, Failure> {
    let on_terminal = output::stderr_is_terminal();
    let mut line = LiveLine::default();
    let tell = |what: &str| {
        if on_terminal {
            line.draw(&format!("Measuring: {what}"));
        }
    };
    let measured = measure(account, person, bounds, ending, tell).await;
    drop(line);
    measured.map_err(|error| Failure::failed(error.to_string()))
}

fn table(findings: &[ProfileFinding]) -> String {
    let widest = findings.iter().map(|finding| finding.title.chars().count()).max().unwrap_or_default();
    let rows = findings.iter().map(|finding| {
        let mark = match finding.grade {
            ProfileGrade::Good => "ok  ",
            ProfileGrade::Note => "note",
            ProfileGrade::Warning => "warn",
            ProfileGrade::Unknown => "?   ",
        };
        let gap = " ".repeat(widest - finding.title.chars().count());
        let indent = " ".repeat(widest + 8);
        let standard = finding.standard.as_ref().map_or_else(String::new, |place| format!(" ({place})"));
        let advice = finding
            .advice
            .as_ref()
            .map_or_else(String::new, |advice| format!("\n{indent}{advice}{standard}"));
        format!("{mark}  {}{gap}  {}{advice}", finding.title, finding.value)
    });
    rows.collect::<Vec<_>>().join("\n")
}
