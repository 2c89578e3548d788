//! The programs that an account runs when its session changes: `[[accounts.NAME.on_event]]`.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use toml_edit::{Array, ArrayOfTables, Item, Table, value};

use super::problem::{Flaw, Problems};
use super::section::Section;
use super::values;
use crate::command_line::CommandLine;

/// The key of an account.
pub(super) const KEY: &str = "on_event";

const KEYS: [&str; 3] = ["run", "events", "time_limit"];

/// The longest that a program may take.
const LONGEST: SignedDuration = SignedDuration::from_mins(10);

/// How long a program may take unless its account says otherwise.
const USUAL: SignedDuration = SignedDuration::from_secs(10);

/// A program that is run when a session changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// The program.
    pub run: CommandLine,
    /// What it is run for.
    pub events: BTreeSet<HookEvent>,
    /// After this it is ended.
    pub time_limit: SignedDuration,
}

/// A change of a session that programs are run for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HookEvent {
    /// Somebody signed in.
    SignedIn,
    /// New tokens are stored, or a session was extended.
    Renewed,
    /// What the session holds is different.
    Updated,
    /// Only a new sign-in helps.
    NeedsSignIn,
    /// Somebody signed out, or the session came to its end.
    SignedOut,
}

impl HookEvent {
    /// All there are.
    pub const ALL: [Self; 5] =
        [Self::SignedIn, Self::Renewed, Self::Updated, Self::NeedsSignIn, Self::SignedOut];

    /// Its name in the file and in the document that a program gets.
    pub fn name(self) -> &'static str {
        match self {
            Self::SignedIn => "signed_in",
            Self::Renewed => "renewed",
            Self::Updated => "updated",
            Self::NeedsSignIn => "needs_sign_in",
            Self::SignedOut => "signed_out",
        }
    }
}

/// Reads the programs of an account.
pub(super) fn read(section: &Section<'_, '_>, problems: &mut Problems<'_>) -> Vec<Hook> {
    let sections = section.sections(KEY, &KEYS, problems);
    sections.iter().filter_map(|section| hook(section, problems)).collect()
}

fn hook(section: &Section<'_, '_>, problems: &mut Problems<'_>) -> Option<Hook> {
    let run = command_line(section, "run", problems);
    let all = || HookEvent::ALL.into_iter().collect();
    let events =
        section.list("events", "[\"signed_out\"]", problems, event).map_or_else(all, BTreeSet::from_iter);
    let named = section.value("events").and_then(|value| value.get_ref().as_array());
    if named.is_some_and(|named| named.is_empty()) {
        let flaw =
            Flaw::new("this program is run for nothing", "name an event, or remove `events` for all of them");
        section.complain("events", flaw, problems);
    }
    let time_limit = section.text("time_limit", problems, |text| {
        let limit = values::duration(text)?;
        if limit > LONGEST {
            return Err(Flaw::new("this is more than ten minutes", "write a shorter time, such as `30s`"));
        }
        Ok(limit)
    });
    Some(Hook { run: run?, events, time_limit: time_limit.unwrap_or(USUAL) })
}

/// A program with its arguments.
pub(super) fn command_line(
    section: &Section<'_, '_>,
    key: &str,
    problems: &mut Problems<'_>,
) -> Option<CommandLine> {
    let remedy = format!("write `{key} = [\"/path/to/program\", \"argument\"]`");
    if section.value(key).is_none() {
        section.complain(key, Flaw::new("this key is missing", remedy), problems);
        return None;
    }
    let words =
        section.list(key, "[\"/path/to/program\", \"argument\"]", problems, |word| Ok(word.to_owned()))?;
    let made = CommandLine::new(&words).map_err(|error| Flaw::new(error.to_string(), remedy));
    made.map_err(|flaw| section.complain(key, flaw, problems)).ok()
}

fn event(text: &str) -> Result<HookEvent, Flaw> {
    let found = HookEvent::ALL.into_iter().find(|event| event.name() == text);
    found.ok_or_else(|| {
        let names: Vec<_> = HookEvent::ALL.iter().map(|event| format!("`{}`", event.name())).collect();
        Flaw::new("there is no such event", format!("write {}", names.join(" or ")))
    })
}

/// The programs as they stand in the file.
pub(super) fn write(hooks: &[Hook], table: &mut Table) {
    let mut list = ArrayOfTables::new();
    for hook in hooks {
        let mut one = Table::new();
        one.insert("run", value(hook.run.words().collect::<Array>()));
        if hook.events.len() < HookEvent::ALL.len() {
            one.insert("events", value(hook.events.iter().map(|event| event.name()).collect::<Array>()));
        }
        if hook.time_limit != USUAL {
            one.insert("time_limit", value(values::duration_text(hook.time_limit)));
        }
        list.push(one);
    }
    if !list.is_empty() {
        table.insert(KEY, Item::ArrayOfTables(list));
    }
}

#[cfg(test)]
mod tests {
    use super::super::{AccountToml, Config};
    use super::*;

    fn account(hooks: &str) -> String {
        format!("[accounts.work]\nprovider = \"nextauth\"\nsite = \"https://shop.example.com\"\n{hooks}")
    }

    #[test]
    fn programs_are_read_and_written_the_same() {
        let text = account(
            "[[accounts.work.on_event]]\nrun = [\"/opt/told\", \"--loud\"]\n\
             [[accounts.work.on_event]]\nrun = [\"notify\"]\nevents = [\"signed_out\", \"needs_sign_in\"]\ntime_limit = \"1m\"\n",
        );
        let config = Config::parse(&text, None).unwrap();
        let [work] = &config.accounts[..] else { panic!("one account") };
        let [told, notify] = &work.on_event[..] else { panic!("two programs: {:?}", work.on_event) };
        assert_eq!((told.events.len(), told.time_limit), (5, USUAL));
        assert_eq!(told.run.words().collect::<Vec<_>>(), ["/opt/told", "--loud"]);
        assert_eq!(notify.events, BTreeSet::from([HookEvent::NeedsSignIn, HookEvent::SignedOut]));
        assert_eq!(notify.time_limit, SignedDuration::from_mins(1));
        assert_eq!(AccountToml::from(work).check(&work.name).unwrap(), *work);
    }

    #[test]
    fn what_is_wrong_with_a_program_is_told_with_its_key() {
        let text = account(
            "[[accounts.work.on_event]]\nrun = [\"./told\"]\nevents = [\"renewing\"]\ntime_limit = \"1h\"\n\
             [[accounts.work.on_event]]\nevents = []\nrunn = \"x\"\n",
        );
        let error = Config::parse(&text, None).unwrap_err().to_string();
        insta::assert_snapshot!(error, @r#"
        accounts.work.on_event.run: the program's path is neither absolute nor a bare name; write `run = ["/path/to/program", "argument"]`
        accounts.work.on_event.events: there is no such event; write `signed_in` or `renewed` or `updated` or `needs_sign_in` or `signed_out`
        accounts.work.on_event.time_limit: this is more than ten minutes; write a shorter time, such as `30s`
        accounts.work.on_event.run: this key is missing; write `run = ["/path/to/program", "argument"]`
        accounts.work.on_event.events: this program is run for nothing; name an event, or remove `events` for all of them
        accounts.work.on_event.runn: this key is unknown; did you mean `run`?
        "#);
        let error = Config::parse(&account("on_event = [\"told\"]"), None).unwrap_err().to_string();
        insta::assert_snapshot!(error, @"accounts.work.on_event: this is a text; write a table");
    }
}
