//! The one place that prints.
//!
//! Values go to standard output: what was asked for, and nothing else. Messages go to standard error. Nothing
//! in here is coloured, so nothing has to be read in colours.

use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;

use crate::failure::Failure;

/// Prints a value: a line, or several.
pub(crate) fn value(text: &str) -> Result<(), Failure> {
    write_out(text, "\n")
}

/// Prints a value as one JSON document.
pub(crate) fn json(document: &impl Serialize) -> Result<(), Failure> {
    value(&serde_json::to_string_pretty(document).map_err(|_| unwritable())?)
}

/// Prints a JSON document that is one of many: each on a line of its own.
pub(crate) fn json_line(document: &impl Serialize) -> Result<(), Failure> {
    value(&serde_json::to_string(document).map_err(|_| unwritable())?)
}

/// What is printed has texts for keys and no floats, so this does not happen; if it did, saying nothing more
/// than this keeps values out of errors.
fn unwritable() -> Failure {
    Failure::failed("this cannot be written as JSON")
}

/// Draws on a terminal: no line is ended that does not end itself.
pub(crate) fn draw(text: &str) -> Result<(), Failure> {
    write_out(text, "")
}

/// Tells the person something.
pub(crate) fn say(text: &str) {
    // A closed standard error is no reason to stop, so this does not use `eprintln!`, which panics.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Tells the person something they should not overlook.
pub(crate) fn warn(text: &str) {
    say(&format!("warning: {text}"));
}

/// Asks a question on the terminal; the answer is typed on the same line.
pub(crate) fn ask(question: &str) {
    let mut stderr = io::stderr().lock();
    let _ = write!(stderr, "{question}");
    let _ = stderr.flush();
}

/// Lines that are too long for the terminal end at its edge (DECAWM, xterm's control sequences).
pub(crate) const CUT_AT_THE_EDGE: &str = "\x1b[?7l";
/// They go on in the next, as they do unless told otherwise.
pub(crate) const BROKEN_AT_THE_EDGE: &str = "\x1b[?7h";

/// A line on standard error that is drawn over and over, and gone when it is dropped.
#[derive(Default)]
pub(crate) struct LiveLine {
    drawn: bool,
}

impl LiveLine {
    /// Draws it in the place of what it said before. The terminal cuts it at its edge: a line that goes on in
    /// the next row would leave its beginning behind.
    pub(crate) fn draw(&mut self, text: &str) {
        self.drawn = true;
        ask(&format!("\r{CUT_AT_THE_EDGE}{text}\x1b[K{BROKEN_AT_THE_EDGE}"));
    }
}

impl Drop for LiveLine {
    fn drop(&mut self) {
        if self.drawn {
            ask("\r\x1b[K");
        }
    }
}

/// Tells why a command did not do what was asked.
pub(crate) fn failure(failure: &Failure) {
    if let Some(message) = &failure.message {
        // A configuration may be wrong in several places; each is a line that an editor can jump to.
        message.lines().for_each(|line| say(&format!("error: {line}")));
    }
    if let Some(hint) = &failure.hint {
        say(&format!("hint: {hint}"));
    }
}

/// Whether a person looks at standard output.
pub(crate) fn stdout_is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Whether a person looks at standard error.
pub(crate) fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}

fn write_out(text: &str, end: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.write_all(end.as_bytes()))
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::output(&error))
}
