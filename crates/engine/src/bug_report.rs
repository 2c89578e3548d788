//! A text for somebody who helps: what happened, on what, and what is wrong here.
//!
//! **Invariant:** it holds no secret and says nothing of who somebody is. Records hold none (`event_log`), findings
//! hold none (`health`); the configuration is written anew from what may be told of it, and over all of it goes a
//! net for tokens, addresses of people and the name of the home folder.

mod configuration;

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use latchkey_core::text::mask;

use crate::event_log::{LogRecord, human};
use crate::health::{Finding, Grade, Report};
use crate::paths::{Paths, private_file};

/// The most records in it: some three megabytes.
pub const MOST_RECORDS: usize = 20_000;

/// How many reports of one second are told apart.
const MOST_A_SECOND: u32 = 100;

/// What it is made of.
pub struct Subject<'a> {
    /// When it is made.
    pub now: Timestamp,
    /// Which program makes it, with its version.
    pub program: &'a str,
    /// Where tokens are kept.
    pub vault: &'a str,
    /// Where files are.
    pub paths: &'a Paths,
    /// What was found.
    pub report: &'a Report,
    /// What happened, oldest first.
    pub records: &'a [LogRecord],
}

/// The text.
pub fn text(subject: &Subject<'_>) -> String {
    let Subject { now, program, vault, paths, report, records } = subject;
    let mut text = String::new();
    // Writing to a text cannot fail.
    let _ = writeln!(text, "A report of Latchkey. It holds no token, no password and no name of a person.\n");
    let _ = writeln!(text, "made     {now:.0}");
    let _ = writeln!(text, "program  {program}");
    let _ = writeln!(text, "system   {} {}", std::env::consts::OS, std::env::consts::ARCH);
    let _ = writeln!(text, "desktop  {}", desktop());
    let _ = writeln!(text, "vault    {vault}");
    let _ = writeln!(text, "\n# What was found\n");
    for finding in &report.findings {
        text.push_str(&line(finding));
    }
    let _ = writeln!(text, "\n# The configuration, without secrets, values of parameters and comments\n");
    text.push_str(&configuration::told(paths));
    let last = records.get(records.len().saturating_sub(MOST_RECORDS)..).unwrap_or(records);
    let _ = writeln!(text, "\n# The last {} of {} records\n", last.len(), records.len());
    for record in last {
        text.push_str(&human(record));
        text.push('\n');
    }
    nobody(&text)
}

/// Writes it into a folder under a name that is not taken, for this user alone.
pub fn save(folder: &Path, now: Timestamp, text: &str) -> io::Result<PathBuf> {
    let stem = format!("latchkey-report-{}", now.strftime("%Y-%m-%dT%H-%M-%SZ"));
    for number in 0..MOST_A_SECOND {
        let more = if number == 0 { String::new() } else { format!("-{number}") };
        let path = folder.join(format!("{stem}{more}.txt"));
        match save_as(&path, text) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::from(io::ErrorKind::AlreadyExists))
}

/// Writes it into a file that is not there yet, for this user alone.
pub fn save_as(path: &Path, text: &str) -> io::Result<()> {
    let mut file = private_file().write(true).create(false).create_new(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// Where people look for what was saved: their downloads, or their home folder.
pub fn folder() -> Option<PathBuf> {
    let dirs = directories::UserDirs::new()?;
    let downloads = dirs.download_dir().filter(|folder| folder.is_dir());
    Some(downloads.unwrap_or(dirs.home_dir()).to_path_buf())
}

fn desktop() -> String {
    let names = ["XDG_CURRENT_DESKTOP", "XDG_SESSION_TYPE"];
    let said: Vec<_> = names.iter().filter_map(|name| std::env::var(name).ok()).collect();
    if said.is_empty() { "not told".to_owned() } else { mask(&said.join(", ")) }
}

fn line(finding: &Finding) -> String {
    let grade = match finding.grade {
        Grade::Ok => "ok",
        Grade::Warning => "warning",
        Grade::Problem => "problem",
    };
    let of = finding.account.as_ref().map_or_else(String::new, |account| format!("{account}: "));
    let hint = finding.hint.as_ref().map_or_else(String::new, |hint| format!(" → {hint}"));
    format!("{grade:<8} {} {of}{}{hint}\n", finding.code, finding.message)
}

/// Takes out who somebody is: addresses of people, and the home folder, which bears a name.
fn nobody(text: &str) -> String {
    let home = directories::BaseDirs::new().map(|dirs| dirs.home_dir().display().to_string());
    let text = match home.filter(|home| home.len() > 1) {
        Some(home) => text.replace(&home, "~"),
        None => text.to_owned(),
    };
    let lines: Vec<_> = text.split('\n').map(without_addresses).collect();
    lines.join("\n")
}

/// Whatever has an `@` between letters is somebody's address, or could be.
fn without_addresses(line: &str) -> String {
    if !line.contains('@') {
        return line.to_owned();
    }
    let part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '%' | '@');
    let mut out = String::with_capacity(line.len());
    let mut run = String::new();
    for c in line.chars().chain(['\n']) {
        if part(c) {
            run.push(c);
            continue;
        }
        out.push_str(if run.trim_matches('@').contains('@') { "[an address]" } else { &run });
        run.clear();
        if c != '\n' {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::event_log::Level;
    use crate::health::{Sentence, Topic};

    #[test]
    fn a_report_says_what_happened_on_what_and_of_nobody() {
        let root = tempfile::tempdir().unwrap();
        let below = |name| root.path().join(name);
        let paths =
            Paths { config_dir: below("config"), state_dir: below("state"), runtime_dir: below("run") };
        paths.ensure().unwrap();
        std::fs::write(
            paths.config_file(),
            "# of ada@example.com\n[accounts.work]\nprovider = \"oauth\"\nissuer = \"https://login.example.com\"\n\
             client_id = \"desk\"\nclient_secret = \"hunter2-hunter2\"\n[accounts.work.parameters]\n\
             login_hint = \"ada@example.com\"\n",
        )
        .unwrap();
        let finding = Finding {
            topic: Topic::Vault,
            account: None,
            code: "keychain_locked",
            grade: Grade::Problem,
            message: "The keychain is locked".to_owned(),
            hint: Some("Unlock it".to_owned()),
            sentence: Sentence::AsSaid,
            values: BTreeMap::new(),
        };
        let record = LogRecord {
            seq: 1,
            at: "2026-11-20T12:00:00Z".parse().unwrap(),
            level: Level::Info,
            account: Some("work".to_owned()),
            kind: "signed_in".to_owned(),
            message: "Signed in ada@example.com".to_owned(),
            facts: BTreeMap::from([("generation".to_owned(), json!(1))]),
        };
        let subject = Subject {
            now: "2026-11-20T12:00:01Z".parse().unwrap(),
            program: "latchkey-desktop 0.1.0",
            vault: "memory",
            paths: &paths,
            report: &Report { healthy: false, findings: vec![finding] },
            records: &[record],
        };
        let text = text(&subject);
        for told in [
            "problem  keychain_locked The keychain is locked → Unlock it",
            "issuer = \"https://login.example.com/\"",
            "client_secret = \"(removed)\"",
            "login_hint = \"(removed)\"",
            "info  work signed_in: Signed in [an address] generation=1",
            "The last 1 of 1 records",
        ] {
            assert!(text.contains(told), "{told} is missing in\n{text}");
        }
        assert!(!text.contains("hunter2") && !text.contains("ada"), "{text}");
    }

    #[test]
    fn a_report_takes_no_other_files_place_and_is_nobody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let now = "2026-11-20T12:00:01Z".parse().unwrap();
        let first = save(folder.path(), now, "one").unwrap();
        let second = save(folder.path(), now, "two").unwrap();
        assert_eq!(first.file_name().unwrap(), "latchkey-report-2026-11-20T12-00-01Z.txt");
        assert_eq!(std::fs::read_to_string(first).unwrap(), "one");
        assert_eq!(std::fs::read_to_string(&second).unwrap(), "two");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(second).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn addresses_of_people_are_taken_out_and_nothing_else() {
        assert_eq!(without_addresses("of <ada.l+x@example.com>, at 12:00"), "of <[an address]>, at 12:00");
        assert_eq!(without_addresses("a @ b, @c and no one"), "a @ b, @c and no one");
    }
}
