//! Latchkey for the terminal: each command opens the vault itself, under the same locks as the window. Installed as
//! `latchkey-cli`, beside `latchkey`, which answers what an agent can and leaves the rest to this (`front`).
//!
//! Where to look: `args` has the command line, `commands` one file for each command, `session` opens and closes
//! the engine around them, `output` is the one place that prints, `exit_code` says what the shell is told.

mod agent;
mod args;
mod commands;
mod completion;
mod duration;
mod exit_code;
mod failure;
mod hand_out;
mod interrupt;
mod names;
mod output;
mod prompt;
mod render;
mod session;

use std::alloc::System;
use std::process::ExitCode;

use clap::Parser as _;
use zeroizing_alloc::ZeroAlloc;

use crate::exit_code::Exit;
use crate::failure::Failure;

/// Wipes whatever is given back: tokens and passwords pass through buffers that are not ours (docs/decisions/0042).
#[global_allocator]
static MEMORY: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    latchkey_engine::memory_image::keep_out_of_core_files();
    latchkey_engine::crash_message::end_without_secrets();
    completion::answer_shell();
    let command = args::Cli::parse_from(args::by_name(std::env::args_os())).command;
    #[cfg(feature = "failpoints")]
    let _places = latchkey_engine::failpoint::from_environment();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => {
            let outcome = runtime.block_on(commands::run(command));
            // A prompt that was given up still waits for a key; the process does not wait with it.
            runtime.shutdown_background();
            outcome
        }
        Err(error) => Err(Failure::failed(format!("the program cannot start: {error}"))),
    };
    match outcome {
        Ok(()) => Exit::Done.into(),
        Err(failure) => {
            output::failure(&failure);
            failure.exit.into()
        }
    }
}
