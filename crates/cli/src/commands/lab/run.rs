//! `latchkey lab run`: scenarios, one after the other, and a report.

use std::path::Path;
use std::sync::Arc;

use latchkey_engine::config::AccountConfig;
use latchkey_engine::lab::{Bounds, Contract};
use latchkey_lab::ending::Ending;
use latchkey_lab::report::{self, Report};
use latchkey_lab::runner::{Against, Outcome, run as play};
use latchkey_lab::scenario::Scenario;
use latchkey_lab::shipped;
use latchkey_lab::stage::refresh_url;

use super::{faults, person, profile, unknown};
use crate::args::Run;
use crate::failure::Failure;
use crate::output::{self, LiveLine};
use crate::session::Desk;

/// How wide the progress bar is, in characters.
const BAR: usize = 24;

pub(super) async fn run(args: Run, ending: Arc<Ending>) -> Result<(), Failure> {
    let desk = Desk::open()?;
    let account = args.account.as_ref().map(|name| desk.account(name)).transpose()?;
    if let Some(file) = &args.contract {
        let account =
            account.ok_or_else(|| Failure::wrong_use("a contract is kept by an account's backend"))?;
        return contract(&desk, account, &args, file, &ending).await;
    }
    let scenarios = chosen(&args)?;
    // A name that says no form is refused before minutes are spent on what it was to hold.
    let forms = args.report.iter().map(|place| Form::of(place)).collect::<Result<Vec<_>, _>>()?;
    let (against, named) = against(&desk, account, &args, ending).await?;
    let keys = desk.paths.state_dir.join("lab");
    std::fs::create_dir_all(&keys)
        .map_err(|error| Failure::failed(format!("{} cannot be made: {error}", keys.display())))?;
    let outcomes = played(&scenarios, &against, &keys).await?;
    let report = Report::new(desk.now(), named, outcomes);
    for (form, place) in forms.into_iter().zip(&args.report) {
        write(&report, form, place)?;
    }
    tell(&report)
}

fn chosen(args: &Run) -> Result<Vec<Scenario>, Failure> {
    let failed = |error: latchkey_lab::scenario::ScenarioError| Failure::wrong_use(error.to_string());
    let mut scenarios = Vec::new();
    if args.all || (args.names.is_empty() && args.file.is_empty()) {
        if !args.all {
            return Err(Failure::wrong_use("no scenario was named")
                .hint("name some, or take --all; `latchkey lab list` shows them"));
        }
        scenarios = shipped::all().map_err(failed)?;
    }
    for name in &args.names {
        let text = shipped::text(name).ok_or_else(|| unknown(name))?;
        scenarios.push(Scenario::parse(text, name).map_err(failed)?);
    }
    for file in &args.file {
        let text = std::fs::read_to_string(file)
            .map_err(|error| Failure::wrong_use(format!("{} cannot be read: {error}", file.display())))?;
        scenarios.push(Scenario::parse(&text, &file.display().to_string()).map_err(failed)?);
    }
    Ok(scenarios)
}

async fn against(
    desk: &Desk,
    account: Option<&AccountConfig>,
    args: &Run,
    ending: Arc<Ending>,
) -> Result<(Against, String), Failure> {
    match account {
        Some(account) if !account.devserver => {
            if !args.rule.is_empty() {
                return Err(Failure::wrong_use(
                    "rules are those of the lab's own backend, and not of this account's",
                ));
            }
            let person = person(desk, account, &args.who).await?;
            let named = format!("the backend of account {}, behind a proxy, in real time", account.name);
            Ok((Against::Account(Box::new(account.clone()), person, ending), named))
        }
        Some(_) | None => {
            let mut rules = args.rule.clone();
            if let Some(url) = account.and_then(|account| refresh_url(&account.provider)) {
                rules.extend(faults::broken_rules(&url).await);
            }
            let about: Vec<_> = rules.iter().map(|rule| rule.about()).collect();
            let told =
                if about.is_empty() { String::new() } else { format!(", told that {}", about.join(", ")) };
            Ok((Against::Own { rules }, format!("the development backend, in virtual time{told}")))
        }
    }
}

async fn played(scenarios: &[Scenario], against: &Against, keys: &Path) -> Result<Vec<Outcome>, Failure> {
    let on_terminal = output::stderr_is_terminal();
    let mut bar = LiveLine::default();
    let mut outcomes = Vec::new();
    for (done, scenario) in scenarios.iter().enumerate() {
        if on_terminal {
            bar.draw(&progress(done, scenarios.len(), &scenario.name));
        }
        let outcome =
            play(scenario, against, keys).await.map_err(|error| Failure::failed(error.to_string()))?;
        if on_terminal {
            // The line of the bar is written over.
            drop(std::mem::take(&mut bar));
        }
        output::say(&line(&outcome));
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

fn progress(done: usize, all: usize, name: &str) -> String {
    let full = BAR * done / all.max(1);
    format!("[{}{}] {done}/{all} {name}", "#".repeat(full), "·".repeat(BAR.saturating_sub(full)))
}

fn line(outcome: &Outcome) -> String {
    if let Some(why) = &outcome.skipped {
        return format!("skip  {:<30} {why}", outcome.name);
    }
    let Some(at_fault) = outcome.at_fault() else { return format!("ok    {}", outcome.name) };
    let counted = outcome.judgements.iter().filter(|judgement| judgement.counts_as_failed());
    let failed = counted.filter_map(|judgement| {
        let found = judgement.found.as_ref()?;
        Some(format!("\n      step {}: expected that it {}; {found}", judgement.step, judgement.expected))
    });
    let broken = outcome.broken.iter().map(|what| format!("\n      it broke off at {what}"));
    let details: String = failed.chain(broken).collect();
    let standard = outcome.standard.join(", ");
    format!("FAIL  {:<30} {at_fault} did wrong ({standard}){details}", outcome.name)
}

/// What a report looks like, and whether it goes into a file.
#[derive(Clone, Copy)]
enum Form {
    Printed(Text),
    File(Text),
}

#[derive(Clone, Copy)]
enum Text {
    Html,
    Json,
    Junit,
}

impl Form {
    fn of(place: &Path) -> Result<Self, Failure> {
        match place.to_str() {
            Some("json") => return Ok(Self::Printed(Text::Json)),
            Some("junit") => return Ok(Self::Printed(Text::Junit)),
            _ => {}
        }
        match place.extension().and_then(|ending| ending.to_str()) {
            Some("html" | "htm") => Ok(Self::File(Text::Html)),
            Some("json") => Ok(Self::File(Text::Json)),
            Some("xml" | "junit") => Ok(Self::File(Text::Junit)),
            _ => Err(Failure::wrong_use(format!("what form is {} to have?", place.display()))
                .hint("end its name with .html, .json or .xml, or say `json` or `junit` to print it")),
        }
    }
}

fn write(report: &Report, form: Form, place: &Path) -> Result<(), Failure> {
    let (Form::Printed(text) | Form::File(text)) = form;
    let text = match text {
        Text::Html => report::html(report),
        Text::Json => serde_json::to_string_pretty(report)
            .map_err(|_| Failure::failed("the report cannot be written as JSON"))?,
        Text::Junit => report::junit(report),
    };
    if let Form::Printed(_) = form {
        return output::value(text.trim_end());
    }
    if let Some(folder) = place.parent() {
        // Where this does not work the file cannot be written either, and that is said.
        let _ = std::fs::create_dir_all(folder);
    }
    std::fs::write(place, text)
        .map_err(|error| Failure::failed(format!("{} cannot be written: {error}", place.display())))?;
    output::say(&format!("Report: {}", place.display()));
    Ok(())
}

fn tell(report: &Report) -> Result<(), Failure> {
    let (passed, failed, skipped) = report.counts();
    let not_played = if skipped == 0 { String::new() } else { format!(", {skipped} not played") };
    if failed == 0 {
        output::say(&format!("{passed} passed{not_played}"));
        return Ok(());
    }
    let at_fault =
        report.outcomes.iter().filter_map(Outcome::at_fault).collect::<std::collections::BTreeSet<_>>();
    let who = at_fault.into_iter().collect::<Vec<_>>().join(", ");
    Err(Failure::failed(format!("{failed} of {} failed{not_played}: {who} did wrong", passed + failed)))
}

/// Measures an account's backend and holds it to what a file says.
async fn contract(
    desk: &Desk,
    account: &AccountConfig,
    args: &Run,
    file: &Path,
    ending: &Ending,
) -> Result<(), Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|error| Failure::wrong_use(format!("{} cannot be read: {error}", file.display())))?;
    let contract = Contract::parse(&text).map_err(|error| Failure::wrong_use(error.to_string()))?;
    let person = person(desk, account, &args.who).await?;
    let measured = profile::measured(account, &person, Bounds::default(), ending).await?;
    let differences = contract.differences(&measured);
    if differences.is_empty() {
        output::say(&format!("{}: the backend keeps to it", file.display()));
        return Ok(());
    }
    for difference in &differences {
        let (fact, expected, measured) = (&difference.fact, &difference.expected, &difference.measured);
        output::say(&format!("{fact}: expected {expected}, measured {measured}"));
    }
    Err(Failure::failed(format!("the backend does not keep to {}", file.display())))
}
