//! `latchkey log`: what happened, from the files that every Latchkey process writes.

use std::path::Path;

use jiff::SignedDuration;
use latchkey_engine::bug_report::{self, MOST_RECORDS, Subject};
use latchkey_engine::event_log::{LogRecord, account_label, read_tail};

use crate::args::Log;
use crate::commands::doctor;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output;
use crate::render::log::line;
use crate::session::Desk;

/// How often it is looked for new records.
const LOOK: SignedDuration = SignedDuration::from_millis(250);

pub(crate) async fn run(args: Log) -> Result<(), Failure> {
    if let Some(file) = &args.export {
        return export(file).await;
    }
    let mut interrupt = Interrupt::listen();
    let desk = Desk::without_accounts()?;
    let dir = desk.paths.log_dir();
    let unreadable =
        |error: std::io::Error| Failure::failed(format!("the log {} cannot be read: {error}", dir.display()));
    // All of it is read, since most lines may be about others than those asked for.
    let mut tail = read_tail(&dir, usize::MAX).map_err(unreadable)?;
    let mut records: Vec<_> = tail.records.into_iter().filter(|record| asked_for(record, &args)).collect();
    records.drain(..records.len().saturating_sub(args.lines));
    if args.json && !args.follow {
        return output::json(&records);
    }
    print(&records, &args, &desk)?;
    if !args.follow {
        if records.is_empty() && args.lines > 0 {
            output::say("Nothing of that kind is in the log");
        }
        return Ok(());
    }
    loop {
        tokio::select! {
            () = desk.pause(LOOK) => {}
            () = interrupt.wished() => return Ok(()),
        }
        let mut added = tail.follower.poll().map_err(unreadable)?;
        added.retain(|record| asked_for(record, &args));
        print(&added, &args, &desk)?;
    }
}

/// Writes a report without secrets for whoever helps.
async fn export(file: &Path) -> Result<(), Failure> {
    let desk = Desk::without_accounts()?;
    let (report, vault) = doctor::look(desk.paths.clone()).await?;
    let not_written = |error: std::io::Error| {
        Failure::failed(format!("the report {} cannot be written: {error}", file.display()))
            .hint("name a file that is not there yet, in a folder that is")
    };
    let records = read_tail(&desk.paths.log_dir(), MOST_RECORDS).map_err(not_written)?.records;
    let text = bug_report::text(&Subject {
        now: desk.now(),
        program: concat!("latchkey ", env!("CARGO_PKG_VERSION")),
        vault,
        paths: &desk.paths,
        report: &report,
        records: &records,
    });
    bug_report::save_as(file, &text).map_err(not_written)?;
    output::say(&format!(
        "Wrote {}: it holds no token and no password; read it before you pass it on",
        file.display()
    ));
    Ok(())
}

fn asked_for(record: &LogRecord, args: &Log) -> bool {
    // The log may have masked a name that looks like a token.
    let account =
        args.account.as_ref().is_none_or(|name| record.account.as_deref() == Some(&account_label(name)));
    account && args.level.is_none_or(|level| record.level <= level.into())
}

fn print(records: &[LogRecord], args: &Log, desk: &Desk) -> Result<(), Failure> {
    let when = desk.when();
    records.iter().try_for_each(|record| {
        if args.json { output::json_line(record) } else { output::value(&line(record, &when)) }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use clap::Parser as _;
    use latchkey_core::account::AccountName;
    use latchkey_engine::event_log::Level;

    use super::*;
    use crate::args::{Cli, Command};

    #[test]
    fn the_records_of_an_account_are_found_however_the_log_writes_its_name() {
        for name in ["work", "eyJhbGciOiJSUzI1NiJ9.staging-2026"] {
            let args = Cli::try_parse_from(["latchkey", "log", "--account", name]).unwrap();
            let Command::Log(args) = args.command else { panic!("another command") };
            let record = LogRecord {
                seq: 1,
                at: "2026-11-20T12:00:00Z".parse().unwrap(),
                level: Level::Info,
                account: Some(account_label(&AccountName::new(name).unwrap())),
                kind: "renewed".to_owned(),
                message: String::new(),
                facts: BTreeMap::new(),
            };
            assert!(asked_for(&record, &args), "{name}");
        }
    }
}
