//! `latchkey completions`: the script that teaches a shell to complete.

use crate::args::Completions;
use crate::completion::script;
use crate::failure::Failure;
use crate::output;

pub(crate) fn run(args: &Completions) -> Result<(), Failure> {
    let script = script(args.shell.name())?;
    output::value(String::from_utf8_lossy(&script).trim_end())
}
