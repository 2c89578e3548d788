//! `cargo xtask mutants`: changes what decides, one small thing at a time, and looks whether a test notices. What no test
//! can notice is argued in docs/mutants.md; what is not tried at all stands in `.cargo/mutants.toml`.

use anyhow::Result;

use crate::process::{self, interrupt};
use crate::workspace::Workspace;
use crate::{provision, say};

/// What is changed, in the order of how much hangs on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Part {
    /// The session machine, what a failure means, how fresh a token is.
    Session,
    /// The wrapper around signed tokens.
    Jose,
    /// Which programs may have a token.
    Consumers,
    /// Who is let in at the agent's socket, and what is answered.
    Agent,
}

const ALL: [Part; 4] = [Part::Session, Part::Jose, Part::Consumers, Part::Agent];

impl Part {
    fn files(self) -> &'static [&'static str] {
        match self {
            Self::Session => &[
                "crates/core/src/session/**",
                "crates/core/src/disposition.rs",
                "crates/core/src/freshness.rs",
            ],
            Self::Jose => &["crates/engine/src/jose/**"],
            Self::Consumers => &["crates/engine/src/consumers/**"],
            Self::Agent => &["crates/agent/src/server/**", "crates/agent/src/socket*/**"],
        }
    }

    /// The tests that can notice a change, as `cargo test` is told: those in the crate, and for what acts those of the
    /// engine in process.
    fn tests(self) -> &'static [&'static str] {
        match self {
            Self::Session => &["--test-package=latchkey-core", "--", "--lib"],
            Self::Jose | Self::Consumers => {
                &["--test-package=latchkey-engine,latchkey-tests", "--", "--lib", "--test=engine"]
            }
            Self::Agent => &[
                "--features=latchkey-agent/server",
                "--test-package=latchkey-agent,latchkey-tests",
                "--",
                "--lib",
                "--test=engine",
            ],
        }
    }
}

/// Tries these parts, or all; `true` if each change was noticed.
pub(crate) fn mutants(workspace: &Workspace, only: &[Part], yes: bool) -> Result<bool> {
    provision::provide(workspace, &[], &[&provision::MUTANTS], yes)?;
    let mut fine = true;
    for part in ALL.into_iter().filter(|part| only.is_empty() || only.contains(part)) {
        interrupt::check()?;
        say::heading(format!("{part:?}"));
        let out = workspace.target.join("mutants").join(format!("{part:?}").to_lowercase());
        let mut command = workspace.cargo();
        command.args(["mutants", "--jobs=1", "--colors=never", "--output"]).arg(&out);
        for file in part.files() {
            command.args(["--file", file]);
        }
        fine &= process::stream("mutants", command.args(part.tests()))?.success;
        say::line(format!("what was tried and what became of it: {}", out.display()));
    }
    Ok(fine)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
    }

    /// The text of a cell that stands in backticks; `\|` is how a table writes a bar.
    fn code(cell: &str) -> String {
        cell.split('`').nth(1).unwrap_or_default().replace("\\|", "|")
    }

    #[test]
    fn what_is_changed_is_there() {
        for file in ALL.into_iter().flat_map(Part::files) {
            let fixed = file.split('*').next().unwrap_or_default();
            assert!(root().join(fixed).exists(), "{file}");
        }
    }

    #[test]
    fn every_change_that_is_argued_is_of_code_that_stands_there() {
        let page = fs::read_to_string(root().join("docs/mutants.md")).unwrap();
        let argued = page.split_once("## Argued").unwrap().1;
        let rows: Vec<_> = argued.lines().filter(|line| line.starts_with("| `")).collect();
        assert!(rows.len() > 4, "{rows:?}");
        for row in rows {
            let mut cells = row.trim_matches('|').split(" | ");
            let (file, stands) = (code(cells.next().unwrap()), code(cells.next().unwrap()));
            let source = fs::read_to_string(root().join(&file)).unwrap_or_else(|_| panic!("{file} is gone"));
            assert!(source.contains(&stands), "{file} has no `{stands}` any more");
        }
    }
}
