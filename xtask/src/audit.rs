//! Known weaknesses of npm packages, and whether what is tolerated was looked at in time.
//!
//! The packages of the page are what people get, and what builds it: a weakness there fails the run. Servers that only
//! tests start listen on this machine for minutes and hold nobody's secret: theirs are told.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::process::{self, Group};
use crate::workspace::Workspace;
use crate::{clock, npm, say};

/// A network that swallows everything must not hold up the run.
const PATIENCE: Duration = Duration::from_mins(1);

/// What came of a look.
pub(crate) struct Looked {
    /// What has to be mended, a sentence each.
    pub(crate) wrong: Vec<String>,
    /// What could not be looked at.
    pub(crate) note: Option<String>,
}

/// Looks at the page's packages, at those of the servers for tests, and at both lists of exceptions.
pub(crate) fn look(workspace: &Workspace) -> Result<Looked> {
    let exceptions = exceptions(&read(&workspace.root.join("npm-audit.toml"))?)?;
    let month = clock::month();
    let mut wrong = overdue("npm-audit.toml", &exceptions, &month);
    wrong.extend(overdue("deny.toml", &of_cargo_deny(&read(&workspace.root.join("deny.toml"))?)?, &month));

    let ui = workspace.ui();
    let mut note = None;
    match advisories(workspace, &ui)? {
        None => note = Some("npm packages not checked: their advisories are out of reach".to_owned()),
        Some(found) => {
            for (id, what) in &found {
                if !exceptions.iter().any(|exception| exception.id == *id) {
                    wrong.push(format!("{}: {id}: {what}", workspace.shown(&ui)));
                }
            }
            for exception in exceptions.iter().filter(|exception| !found.contains_key(&exception.id)) {
                say::line(format!("npm-audit.toml: {} is found no more; take it off", exception.id));
            }
            let [one, other] = workspace.test_sites();
            for folder in [workspace.test_provider(), one, other] {
                for (id, what) in advisories(workspace, &folder)?.unwrap_or_default() {
                    say::line(format!("{} (only in tests): {id}: {what}", workspace.shown(&folder)));
                }
            }
        }
    }
    Ok(Looked { wrong, note })
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// An advisory that is tolerated until somebody looks again.
#[derive(Debug, PartialEq, Eq)]
struct Exception {
    id: String,
    /// The last month in which it holds, as `2027-05`.
    review: String,
}

/// What `npm-audit.toml` tolerates.
fn exceptions(text: &str) -> Result<Vec<Exception>> {
    let table: toml::Table = text.parse().context("npm-audit.toml is no TOML")?;
    let list =
        table.get("ignore").and_then(toml::Value::as_array).context("npm-audit.toml has no `ignore`")?;
    let read = |entry: &toml::Value| {
        let word = |key: &str| {
            let value = entry.get(key).and_then(toml::Value::as_str).filter(|value| !value.is_empty());
            value.with_context(|| format!("npm-audit.toml: an exception has no `{key}`"))
        };
        word("reason")?;
        exception("npm-audit.toml", word("id")?, word("review")?)
    };
    list.iter().map(read).collect()
}

/// What `deny.toml` tolerates: its reasons end with the month, since cargo-deny has no key for that.
fn of_cargo_deny(text: &str) -> Result<Vec<Exception>> {
    let table: toml::Table = text.parse().context("deny.toml is no TOML")?;
    let list = table.get("advisories").and_then(|it| it.get("ignore")).and_then(toml::Value::as_array);
    let read = |entry: &toml::Value| {
        let word = |key: &str| entry.get(key).and_then(toml::Value::as_str).unwrap_or_default();
        let (_, review) = word("reason").rsplit_once("review ").unwrap_or_default();
        exception("deny.toml", word("id"), review)
    };
    list.into_iter().flatten().map(read).collect()
}

fn exception(file: &str, id: &str, review: &str) -> Result<Exception> {
    let month = review.split_once('-').is_some_and(|(year, month)| {
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        year.len() == 4 && digits(year) && digits(month) && ("01"..="12").contains(&month)
    });
    if !month {
        bail!("{file}: {id} has no month by which it is looked at again, such as 2027-05");
    }
    Ok(Exception { id: id.to_owned(), review: review.to_owned() })
}

fn overdue(file: &str, exceptions: &[Exception], month: &str) -> Vec<String> {
    let late = exceptions.iter().filter(|exception| exception.review.as_str() < month);
    let told = |Exception { id, review }: &Exception| {
        format!(
            "{file}: {id} was to be looked at again by {review}: see whether it is mended, or still tolerable and until when"
        )
    };
    late.map(told).collect()
}

/// What is known against the packages that a lock file names, by its identifier; nothing where nobody could be asked.
fn advisories(workspace: &Workspace, folder: &Path) -> Result<Option<BTreeMap<String, String>>> {
    if !process::on_path("npm") && !process::on_path("npm.cmd") {
        return Ok(None);
    }
    let answer = workspace.target.join("xtask/npm-audit.json");
    fs::create_dir_all(workspace.target.join("xtask"))?;
    let mut command = npm::command(folder);
    command
        .args(["audit", "--json", "--package-lock-only", "--fetch-retries=0", "--fetch-timeout=30000"])
        .env("npm_config_audit", "true")
        .stdin(Stdio::null())
        .stdout(fs::File::create(&answer)?)
        .stderr(Stdio::null());
    // It fails when it finds something; what it says tells the rest.
    let ended = Group::spawn("npm audit", &mut command)?.wait(Some(PATIENCE));
    process::interrupt::check()?;
    Ok(ended.ok().and_then(|_| told(&fs::read_to_string(&answer).unwrap_or_default())))
}

/// Reads what `npm audit --json` says; nothing where it says that nobody answered.
fn told(text: &str) -> Option<BTreeMap<String, String>> {
    let answer: Value = serde_json::from_str(text).ok()?;
    let packages = answer.get("auditReportVersion").and(answer.get("vulnerabilities"))?.as_object()?;
    let causes = packages.values().filter_map(|package| package.get("via")?.as_array()).flatten();
    let read = |cause: &Value| {
        let word = |key: &str| cause.get(key).and_then(Value::as_str);
        // What is no object only names the package that has the cause.
        let id = word("url")?.rsplit('/').next()?.to_owned();
        let (name, title) = (word("name").unwrap_or_default(), word("title").unwrap_or_default());
        Some((id, format!("{name}: {title} ({})", word("severity").unwrap_or("?"))))
    };
    Some(causes.filter_map(read).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_npm_finds_is_read_by_its_cause() {
        let text = r#"{"auditReportVersion":2,"vulnerabilities":{
            "vite":{"via":["esbuild"]},
            "esbuild":{"via":[{"name":"esbuild","title":"Reads too much","severity":"moderate",
                "url":"https://github.com/advisories/GHSA-67mh-4wv8-2f99"}]}}}"#;
        let found = told(text).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(found["GHSA-67mh-4wv8-2f99"], "esbuild: Reads too much (moderate)");
    }

    #[test]
    fn nothing_found_and_nobody_asked_are_two_things() {
        assert_eq!(told(r#"{"auditReportVersion":2,"vulnerabilities":{}}"#), Some(BTreeMap::new()));
        for text in [r#"{"message":"405 Method Not Allowed","error":{}}"#, r#"{"vulnerabilities":{}}"#, ""] {
            assert_eq!(told(text), None, "{text}");
        }
    }

    #[test]
    fn an_exception_holds_to_the_end_of_its_month_and_then_fails_with_what_to_do() {
        let list = exceptions("[[ignore]]\nid = \"GHSA-a\"\nreason = \"r\"\nreview = \"2027-05\"\n").unwrap();
        assert!(overdue("f", &list, "2027-05").is_empty());
        let late = overdue("f", &list, "2027-06");
        assert!(late[0].starts_with("f: GHSA-a was to be looked at again by 2027-05: "), "{late:?}");
    }

    #[test]
    fn an_exception_without_a_reason_or_a_month_is_refused() {
        for entry in [
            "reason = \"r\"\nreview = \"2027-05\"",
            "id = \"a\"\nreview = \"2027-05\"",
            "id = \"a\"\nreason = \"\"\nreview = \"2027-05\"",
            "id = \"a\"\nreason = \"r\"",
            "id = \"a\"\nreason = \"r\"\nreview = \"soon\"",
            "id = \"a\"\nreason = \"r\"\nreview = \"2027-13\"",
        ] {
            assert!(exceptions(&format!("[[ignore]]\n{entry}\n")).is_err(), "{entry}");
        }
        assert!(of_cargo_deny("[advisories]\nignore = [{ id = \"RUSTSEC-1\", reason = \"r\" }]").is_err());
    }

    #[test]
    fn the_lists_that_are_there_can_be_read() {
        assert!(exceptions(include_str!("../../npm-audit.toml")).is_ok());
        let tolerated = of_cargo_deny(include_str!("../../deny.toml")).unwrap();
        assert!(tolerated.len() >= 5, "{tolerated:?}");
    }
}
