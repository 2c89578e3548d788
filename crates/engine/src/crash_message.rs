//! What a program of ours says when it panics: where, and what of the message cannot be a token. Then it ends.
//!
//! A panic is a mistake of ours, and its message is made of whatever was at hand. It goes to a terminal, a journal or a
//! report like any other text, so it passes the same net (`core::text`).

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::Write as _;
use std::panic::PanicHookInfo;

use latchkey_core::text;

/// From now on a panic says no more than that and ends the process, whichever task or thread it is in. For the start of
/// a program.
///
/// A release ends with a panic in any case (`panic = "abort"`); here a debug build does the same. Going on with half a
/// renewal would leave those who wait for its outcome waiting, and a start after a crash is planned for.
pub fn end_without_secrets() {
    std::panic::set_hook(Box::new(|panic| {
        // Nobody is left to be told that it cannot be said.
        let _ = std::io::stderr().write_all(message(panic).as_bytes());
        std::process::abort();
    }));
}

fn message(panic: &PanicHookInfo<'_>) -> String {
    let payload = panic.payload();
    let said = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref().map(String::as_str));
    let place =
        panic.location().map_or_else(String::new, |place| format!(" at {}:{}", place.file(), place.line()));
    let told = told(&place, said.unwrap_or_default());
    // Names and places of code, and only where somebody asked for them.
    match Backtrace::capture() {
        trace if trace.status() == BacktraceStatus::Captured => format!("{told}{trace}\n"),
        _ => told,
    }
}

fn told(place: &str, said: &str) -> String {
    format!(
        "error: Latchkey met a mistake of its own{place}: {}\nhint: what is signed in stays so; please report this line\n",
        text::foreign(said)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_says_where_and_no_token() {
        let said = "called `unwrap()` on eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl\u{1b}[2J";
        let told = told(" at a.rs:1", said);
        assert!(told.contains("a.rs:1") && told.contains("`unwrap()`"), "{told}");
        assert!(!told.contains("eyJ") && !told.contains('\u{1b}'), "{told}");
    }
}
