//! `latchkey credential`: git and Docker ask for the token of a host.

mod docker;
mod git;

use std::io::Read;

use latchkey_engine::config::{AccountConfig, Owner};
use zeroize::Zeroizing;

use crate::args::Credential;
use crate::failure::Failure;
use crate::session::Desk;

/// The longest question that is read. Longer than any token that is sent back with it.
const MAX_QUESTION: u64 = 64 * 1024;

pub(crate) async fn run(what: Credential) -> Result<(), Failure> {
    match what {
        Credential::Git(args) => git::run(&args).await,
        Credential::Docker { action } => docker::run(action).await,
    }
}

/// What the other program says, to its end.
fn question() -> Result<Zeroizing<String>, Failure> {
    read(std::io::stdin())
}

/// A path need not be UTF-8, and no account's hosts have letters that are not.
fn read(from: impl Read) -> Result<Zeroizing<String>, Failure> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(8 * 1024));
    let read = from.take(MAX_QUESTION + 1).read_to_end(&mut bytes);
    let length =
        read.map_err(|error| Failure::failed(format!("the question cannot be read: {}", error.kind())))?;
    if length as u64 > MAX_QUESTION {
        return Err(Failure::wrong_use("the question is longer than 64 KiB"));
    }
    Ok(Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned()))
}

/// The account that an address belongs to; none where it is no account's.
fn owner<'a>(desk: &'a Desk, address: &str, plain: bool) -> Result<Option<&'a AccountConfig>, Failure> {
    // Browsers read it as a slash, others as a part of the host.
    if address.contains('\\') {
        return Ok(None);
    }
    match desk.config.owner_of(address, plain) {
        Owner::Account(account) => Ok(Some(account)),
        Owner::Nobody => Ok(None),
        Owner::Several(accounts) => {
            let names: Vec<_> = accounts.iter().map(|account| format!("`{}`", account.name)).collect();
            let what = format!("this host is claimed by {}", names.join(" and "));
            Err(Failure::wrong_use(what)
                .hint("let one of them claim it: `latchkey accounts hosts NAME HOST…`"))
        }
    }
}

/// A token is not sent where others can read it.
fn not_in_the_clear() -> Failure {
    Failure::wrong_use("a token does not travel over plain HTTP, except within this machine")
        .hint("use the https address")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_is_no_utf_8_hides_nothing_else_of_the_question() {
        let text = read(&b"host=git.test\npath=caf\xe9.git\nusername=me\n"[..]).ok().unwrap();
        assert_eq!(text.as_str(), "host=git.test\npath=caf\u{fffd}.git\nusername=me\n");
    }

    #[test]
    fn a_question_without_an_end_is_not_read_to_it() {
        let failure = read(std::io::repeat(b'x')).err().unwrap();
        assert!(failure.message.is_some_and(|message| message.contains("64 KiB")));
    }
}
