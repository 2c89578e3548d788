//! The one place that writes to the terminal, so that what a command prints can be found and changed at once.
//!
//! Write errors are dropped: a reader that went away (`| head`) is no reason to stop a test run.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

/// One line of news.
pub(crate) fn line(text: impl AsRef<str>) {
    let _ = writeln!(io::stdout().lock(), "{}", text.as_ref());
}

/// The start of a part, set off from the output of the part before.
pub(crate) fn heading(text: impl AsRef<str>) {
    let text = text.as_ref();
    if colour() {
        line(format!("\n\u{1b}[1m== {text}\u{1b}[0m"));
    } else {
        line(format!("\n== {text}"));
    }
}

/// Something a person has to know about; goes to stderr.
pub(crate) fn problem(text: impl AsRef<str>) {
    let _ = writeln!(io::stderr().lock(), "{}", text.as_ref());
}

/// Passes on what a child wrote to its stdout.
pub(crate) fn pass_out(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(bytes).and_then(|()| out.flush());
}

/// Passes on what a child wrote to its stderr.
pub(crate) fn pass_err(bytes: &[u8]) {
    let _ = io::stderr().lock().write_all(bytes);
}

/// Asks a question that a bare Enter answers with yes.
pub(crate) fn ask(question: &str) -> bool {
    let mut out = io::stdout().lock();
    let _ = write!(out, "{question} [Y/n] ").and_then(|()| out.flush());
    let mut answer = String::new();
    match io::stdin().lock().read_line(&mut answer) {
        Ok(0) | Err(_) => false,
        Ok(_) => matches!(answer.trim().to_lowercase().as_str(), "" | "y" | "yes"),
    }
}

/// Whether colour is wanted: only on a terminal, and not where `NO_COLOR` asks for none.
pub(crate) fn colour() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
