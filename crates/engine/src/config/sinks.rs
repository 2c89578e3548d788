//! Where the log goes beside Latchkey's own file: the tables `[log.NAME]`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use reqwest::Url;
use toml::Spanned;
use toml::de::DeValue;

use super::problem::{Flaw, Problems, shown};
use super::section::{Section, wrong_type};
use super::{hooks, values};
use crate::command_line::CommandLine;
use crate::event_log::Level;

/// The keys that every sink has.
const SHARED_KEYS: [&str; 3] = ["to", "level", "accounts"];

/// Where a collector of this machine listens (OTLP specification, `OTEL_EXPORTER_OTLP_ENDPOINT`).
const USUAL_ENDPOINT: &str = "http://127.0.0.1:4318";

/// One place that the log goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSink {
    /// What the person calls it.
    pub name: String,
    /// Which place.
    pub to: SinkTo,
    /// From which level on records go there.
    pub level: Level,
    /// The same for single accounts, by name.
    pub accounts: BTreeMap<String, Level>,
}

/// A place for records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SinkTo {
    /// A file of JSON lines; turned over at 5 MB, three are kept.
    File(PathBuf),
    /// The terminal that the process was started in.
    Stderr,
    /// The journal of systemd.
    Journald(PathBuf),
    /// The system's log (RFC 3164, as local daemons read it).
    Syslog(PathBuf),
    /// An OpenTelemetry collector (OTLP over HTTP, in JSON), below this address.
    Otlp(Url, BTreeSet<Signal>),
    /// A program that reads JSON lines.
    Program(CommandLine),
}

/// What a collector gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Signal {
    /// A span for each renewal.
    Traces,
    /// How long renewals took, how much life was left at them, failures by kind.
    Metrics,
    /// The records.
    Logs,
}

impl Signal {
    const ALL: [Self; 3] = [Self::Traces, Self::Metrics, Self::Logs];

    /// Its name, also in the address that it is sent to.
    pub fn name(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Metrics => "metrics",
            Self::Logs => "logs",
        }
    }
}

/// Reads the table of all sinks.
pub(super) fn sinks(value: &Spanned<DeValue<'_>>, problems: &mut Problems<'_>) -> Vec<LogSink> {
    let Some(table) = value.get_ref().as_table() else {
        let flaw = wrong_type("a table for each place, such as `[log.archive]`", value);
        problems.push(&value.span(), "log".to_owned(), flaw);
        return Vec::new();
    };
    let mut in_order: Vec<_> = table.iter().collect();
    in_order.sort_by_key(|(key, _)| key.span().start);
    in_order.into_iter().filter_map(|(key, value)| sink(key.get_ref(), value, problems)).collect()
}

fn sink(name: &str, value: &Spanned<DeValue<'_>>, problems: &mut Problems<'_>) -> Option<LogSink> {
    let said =
        value.get_ref().as_table().and_then(|table| table.get("to")).and_then(|to| to.get_ref().as_str());
    let own: &[&str] = match said {
        Some("file") => &["path"],
        Some("journald" | "syslog") => &["socket"],
        Some("otlp") => &["endpoint", "signals"],
        Some("program") => &["run"],
        Some(_) | None => &[],
    };
    let known: Vec<_> = SHARED_KEYS.iter().chain(own).copied().collect();
    let path = format!("log.{}", shown(name));
    if !value.get_ref().is_table() {
        let wanted = "a table such as `[log.archive]`; the level of the log is `log_level` in `[app]`";
        problems.push(&value.span(), path, wrong_type(wanted, value));
        return None;
    }
    let section = Section::open(value, path, &known, &[], problems)?;
    let to = section.required("to", "\"file\"", problems, kind)?;
    let level = section.text("level", problems, level).unwrap_or(Level::Info);
    let mut accounts = BTreeMap::new();
    let texts = section.texts("accounts", problems, |_, text| self::level(text).map(drop));
    for (account, text) in texts {
        accounts.extend(self::level(&text).ok().map(|level| (account, level)));
    }
    let to = match to {
        Kind::File => {
            SinkTo::File(section.required("path", "\"/home/you/latchkey.jsonl\"", problems, absolute)?)
        }
        Kind::Stderr => SinkTo::Stderr,
        Kind::Journald => SinkTo::Journald(socket(&section, "/run/systemd/journal/socket", problems)?),
        Kind::Syslog => SinkTo::Syslog(socket(&section, usual_syslog(), problems)?),
        Kind::Otlp => {
            let usual = || values::url(USUAL_ENDPOINT).ok();
            let given = section.value("endpoint").is_some();
            let endpoint = if given { section.text("endpoint", problems, values::url) } else { usual() };
            let signals = section.list("signals", "[\"metrics\"]", problems, signal);
            let signals = signals.map_or_else(|| Signal::ALL.into_iter().collect(), BTreeSet::from_iter);
            SinkTo::Otlp(endpoint?, signals)
        }
        Kind::Program => SinkTo::Program(hooks::command_line(&section, "run", problems)?),
    };
    Some(LogSink { name: name.to_owned(), to, level, accounts })
}

#[derive(Clone, Copy)]
enum Kind {
    File,
    Stderr,
    Journald,
    Syslog,
    Otlp,
    Program,
}

fn kind(text: &str) -> Result<Kind, Flaw> {
    let unix = |kind| {
        let remedy = "write `to = \"file\"`, or another of the kinds there are";
        if cfg!(unix) { Ok(kind) } else { Err(Flaw::new("this system has none", remedy)) }
    };
    match text {
        "file" => Ok(Kind::File),
        "stderr" => Ok(Kind::Stderr),
        "journald" => unix(Kind::Journald),
        "syslog" => unix(Kind::Syslog),
        "otlp" => Ok(Kind::Otlp),
        "program" => Ok(Kind::Program),
        _ => Err(Flaw::new(
            "the log cannot go there",
            "write `file`, `stderr`, `journald`, `syslog`, `otlp` or `program`",
        )),
    }
}

fn usual_syslog() -> &'static str {
    if cfg!(target_os = "macos") { "/var/run/syslog" } else { "/dev/log" }
}

fn socket(section: &Section<'_, '_>, usual: &str, problems: &mut Problems<'_>) -> Option<PathBuf> {
    if section.value("socket").is_none() {
        return Some(PathBuf::from(usual));
    }
    section.text("socket", problems, absolute)
}

fn absolute(text: &str) -> Result<PathBuf, Flaw> {
    let path = Path::new(text);
    let fit = path.is_absolute() && path.file_name().is_some() && !text.contains('\0');
    let flaw =
        || Flaw::new("this is no absolute path of a file", "write one such as `/home/you/latchkey.jsonl`");
    fit.then(|| path.to_path_buf()).ok_or_else(flaw)
}

fn level(text: &str) -> Result<Level, Flaw> {
    let remedy = "write `error`, `warn`, `info`, `debug` or `trace`";
    text.parse().map_err(|_| Flaw::new("there is no such log level", remedy))
}

fn signal(text: &str) -> Result<Signal, Flaw> {
    let found = Signal::ALL.into_iter().find(|signal| signal.name() == text);
    found.ok_or_else(|| Flaw::new("there is no such signal", "write `traces`, `metrics` or `logs`"))
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    #[test]
    fn each_place_is_read_with_its_levels() {
        let text = r#"
            [log.archive]
            to = "file"
            path = "/var/tmp/latchkey.jsonl"
            level = "debug"
            accounts = { work = "trace" }
            [log.here]
            to = "stderr"
            [log.journal]
            to = "journald"
            [log.system]
            to = "syslog"
            socket = "/run/log"
            [log.collector]
            to = "otlp"
            signals = ["metrics"]
            [log.mine]
            to = "program"
            run = ["logger-of-mine", "-v"]
        "#;
        let sinks = Config::parse(text, None).unwrap().sinks;
        let names: Vec<_> = sinks.iter().map(|sink| sink.name.as_str()).collect();
        assert_eq!(names, ["archive", "here", "journal", "system", "collector", "mine"]);
        assert_eq!((sinks[0].level, sinks[0].accounts["work"]), (Level::Debug, Level::Trace));
        assert_eq!(sinks[1].level, Level::Info);
        assert_eq!(sinks[3].to, SinkTo::Syslog("/run/log".into()));
        let usual = USUAL_ENDPOINT.parse().unwrap();
        assert_eq!(sinks[4].to, SinkTo::Otlp(usual, BTreeSet::from([Signal::Metrics])));
    }

    #[test]
    fn what_is_wrong_with_a_place_is_told_with_its_key() {
        let text = "[log.a]\nto = \"kafka\"\n[log.b]\nto = \"file\"\npath = \"x\"\nlevel = \"loud\"\nendpoint = \"x\"\naccounts = { work = 3 }\n\
            [log.c]\nto = \"otlp\"\nendpoint = \"http://collector.example.com\"\nsignals = [\"spans\"]\n[log.d]\n";
        let error = Config::parse(text, None).unwrap_err().to_string();
        let told: Vec<_> = error.lines().filter_map(|line| line.split_once(": ")).collect();
        let keys: Vec<_> = told.iter().map(|(key, _)| *key).collect();
        let wrong =
            ["a.to", "b.level", "b.path", "b.endpoint", "c.endpoint", "c.signals", "d.to", "b.accounts.work"];
        for key in wrong {
            assert!(keys.contains(&format!("log.{key}").as_str()), "{key}: {error}");
        }
        assert_eq!(keys.len(), wrong.len(), "{error}");
    }
}
