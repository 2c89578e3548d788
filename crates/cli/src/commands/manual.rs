//! `latchkey manual`: a manual page for each command, for packages.

use std::path::Path;

use clap::CommandFactory as _;

use crate::args::{Cli, Manual};
use crate::failure::Failure;
use crate::output;

pub(crate) fn run(args: &Manual) -> Result<(), Failure> {
    // The page would tell of a command that people do not have.
    let command =
        Cli::command().mut_subcommand("manual", |manual| manual.hide(true)).disable_help_subcommand(true);
    let failed = |error: std::io::Error| {
        Failure::failed(format!("{} cannot be written: {error}", args.folder.display()))
    };
    std::fs::create_dir_all(&args.folder).map_err(failed)?;
    clap_mangen::generate_to(command, &args.folder).map_err(failed)?;
    output::value(&format!("{} pages in {}", pages(&args.folder).map_err(failed)?, args.folder.display()))
}

fn pages(folder: &Path) -> std::io::Result<usize> {
    let names = std::fs::read_dir(folder)?.filter_map(Result::ok).map(|entry| entry.file_name());
    Ok(names.filter(|name| name.to_string_lossy().ends_with(".1")).count())
}
