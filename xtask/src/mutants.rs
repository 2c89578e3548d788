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
