//! What a developer runs: run, test, soak, bench, doctor of the machine.

mod audit;
mod bench;
mod clock;
mod demo;
mod desktop;
mod doctests;
mod doctor;
mod events;
mod first_minute;
mod fuzz;
mod guide;
mod man;
mod mutants;
mod npm;
mod packages;
mod painted;
mod ports;
mod process;
mod programs;
mod proofs;
mod provision;
#[cfg(unix)]
mod release;
mod run;
mod say;
mod session;
mod sites;
mod soak;
mod stamp;
mod summary;
mod test;
mod ui;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::process::interrupt;
use crate::workspace::Workspace;

/// Builds, shows, tests and measures Latchkey.
#[derive(Parser)]
#[command(bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Install what is missing, build, and open the app, signed in to the embedded development server
    Run {
        /// Use a virtual display and a private keychain, watch three renewals, and write target/latchkey-demo.png
        #[arg(long)]
        headless: bool,
        /// Install what is missing without asking
        #[arg(long)]
        yes: bool,
    },
    /// Install what is missing and run every test
    Test {
        /// Run only these parts
        #[arg(long, value_name = "PART", value_delimiter = ',')]
        only: Vec<test::Part>,
        /// Install what is missing without asking
        #[arg(long)]
        yes: bool,
    },
    /// Compare the window with the pictures in docs/pictures, or accept what it looks like now
    Screenshots {
        /// Replace the pictures that differ
        #[arg(long)]
        accept: bool,
        /// Install what is missing without asking
        #[arg(long)]
        yes: bool,
    },
    /// Show which tools are here, which are missing, and how to get them
    Doctor,
    /// Run for a long time what the tests run for a short one: figures, restarts, kills, processes that renew at
    /// once, simulated years
    Soak {
        #[command(flatten)]
        amount: soak::Amount,
        /// Install what is missing without asking
        #[arg(long)]
        yes: bool,
    },
    /// Make up bytes as they may come from outside, and look whether what must hold still does
    Fuzz {
        /// Only these targets, by their names in fuzz/targets
        #[arg(value_name = "TARGET")]
        targets: Vec<String>,
        /// How long for each target
        #[arg(long, default_value_t = 60)]
        seconds: u32,
        /// Install what is missing without asking
        #[arg(long)]
        yes: bool,
    },
    /// Change what decides, one small thing at a time, and look whether a test notices; takes hours
    #[command(after_help = mutants::EXAMPLE)]
    Mutants {
        /// Only these parts
        #[arg(value_name = "PART")]
        parts: Vec<mutants::Part>,
        /// Only these files of the parts, as they are found from the root
        #[arg(long = "file", value_name = "FILE")]
        files: Vec<String>,
        /// Only what differs from this revision
        #[arg(long, value_name = "REVISION")]
        since: Option<String>,
        /// Install what is missing without asking
        #[arg(long)]
        yes: bool,
    },
    /// Look whether the code for Windows and macOS compiles, without either system
    CheckPorts {
        /// Install what is missing without asking
        #[arg(long)]
        yes: bool,
    },
    /// Write the manual pages of `latchkey` to target/man, as packages carry them
    Man,
    /// Make the moving picture in the README, docs/first-minute.gif, of the app as it is
    FirstMinute {
        /// Install what is missing without asking
        #[arg(long)]
        yes: bool,
    },
    /// Make the guide: pages of docs/SUMMARY.md, in target/guide/html
    Guide {
        /// Install what is missing without asking
        #[arg(long)]
        yes: bool,
    },
    /// Make packages for Linux with their checksums and what they are made of, in target/packages
    #[cfg(unix)]
    Release {
        /// Pack the programs as the tests build them: quick, and not for people
        #[arg(long)]
        debug: bool,
        /// Install what is missing without asking
        #[arg(long)]
        yes: bool,
    },
    /// Write tests/catalogue.md and docs/conformance.md: which test shows what
    Catalogue,
    /// Measure the release app, and how well it renews
    Bench {
        #[command(subcommand)]
        what: bench::Measure,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match act(arguments.command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // What a shell reports for a program ended by Ctrl-C.
        Err(_) if interrupt::requested() => {
            say::problem("interrupted; everything that was started is stopped");
            ExitCode::from(130)
        }
        Err(error) => {
            say::problem(format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Does what was asked; `true` if all is well.
fn act(action: Action) -> Result<bool> {
    interrupt::install()?;
    let workspace = Workspace::find()?;
    match action {
        Action::Run { headless, yes } => run::run(&workspace, headless, yes).map(|()| true),
        Action::Test { only, yes } => test::test(&workspace, &only, yes),
        Action::Screenshots { accept, yes } => test::screenshots(&workspace, accept, yes),
        Action::Doctor => Ok(doctor::doctor(&workspace)),
        Action::Soak { amount, yes } => soak::soak(&workspace, amount, yes),
        Action::FirstMinute { yes } => first_minute::first_minute(&workspace, yes).map(|()| true),
        Action::Fuzz { targets, seconds, yes } => fuzz::fuzz(&workspace, &targets, seconds, yes),
        Action::Mutants { parts, files, since, yes } => {
            mutants::mutants(&workspace, &parts, &files, since.as_deref(), yes)
        }
        Action::CheckPorts { yes } => ports::check(&workspace, yes),
        Action::Guide { yes } => guide::guide(&workspace, yes).map(|_| true),
        Action::Man => man::man(&workspace).map(|()| true),
        #[cfg(unix)]
        Action::Release { debug, yes } => {
            let build = if debug { release::Build::Debug } else { release::Build::Release };
            release::release(&workspace, build, yes).map(|()| true)
        }
        Action::Catalogue => proofs::write(&workspace).map(|()| true),
        Action::Bench { what } => bench::bench(&workspace, what).map(|()| true),
    }
}
