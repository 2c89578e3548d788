//! Asking a person on the terminal, and reading a password from standard input.
//!
//! A password is never taken from an argument or the environment: both are seen by other processes.

use std::io::{self, IsTerminal as _, Read as _};

use latchkey_core::secret::{AccessToken, Password};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output;

/// The longest password that is read: whatever is longer is a file that was meant for somebody else.
const LONGEST_PASSWORD: u64 = 64 * 1024;

/// What Linux keeps of a line that is typed or pasted, without its end (termios(3), canonical mode). The rest is lost.
const LONGEST_LINE: usize = 4095;

/// The user name, asked for on the terminal.
pub(crate) async fn username() -> Result<String, Failure> {
    line("User name: ", "give the user name with --username and the password with --password-stdin").await
}

/// A line of text, asked for on the terminal.
pub(crate) async fn line(question: &str, without_terminal: &str) -> Result<String, Failure> {
    on_the_terminal(without_terminal)?;
    output::ask(question);
    let typed = waiting_for_a_person(|| {
        let mut line = String::new();
        io::stdin().read_line(&mut line).map(|_| line)
    })
    .await?;
    match typed.trim() {
        "" => Err(Failure::failed("nothing was typed")),
        text => Ok(text.to_owned()),
    }
}

/// The password, asked for on the terminal and not shown while it is typed.
pub(crate) async fn password(who: &str) -> Result<Password, Failure> {
    on_the_terminal("give the password with --password-stdin")?;
    hidden(format!("Password of {who}: "), "no password was typed").await
}

/// Something secret, asked for on the terminal and not shown while it is typed.
async fn hidden(question: String, without_it: &str) -> Result<Password, Failure> {
    let terminal = Terminal::quiet();
    let typed = waiting_for_a_person(move || rpassword::prompt_password(question)).await?;
    drop(terminal);
    if typed.is_empty() {
        return Err(Failure::failed(without_it));
    }
    whole(Password::new(typed))
}

/// What was typed, unless a terminal may have kept the rest of it.
fn whole(typed: Password) -> Result<Password, Failure> {
    if typed.expose().len() < LONGEST_LINE {
        return Ok(typed);
    }
    let what = format!(
        "a terminal passes on no more than {LONGEST_LINE} bytes of a line, and this may have been cut"
    );
    Err(Failure::failed(what).hint("give it on standard input, for example from a file"))
}

/// The passphrase of the sealed file; asked for twice where it is being chosen.
pub(crate) async fn passphrase(is_new: bool) -> Result<Password, Failure> {
    on_the_terminal(
        "the sealed file needs a passphrase or a key file: set LATCHKEY_PASSPHRASE_FILE or LATCHKEY_KEY_FILE to the \
         path of a file that only you can read",
    )?;
    let ask = async |question: &'static str| {
        let terminal = Terminal::quiet();
        let typed = waiting_for_a_person(move || rpassword::prompt_password(question)).await?;
        drop(terminal);
        if typed.is_empty() {
            return Err(Failure::failed("no passphrase was typed"));
        }
        Ok(Password::new(typed))
    };
    if !is_new {
        return ask("Passphrase of the sealed file: ").await;
    }
    let chosen = ask("New passphrase for the sealed file: ").await?;
    let again = ask("The same once more: ").await?;
    if chosen.expose() != again.expose() {
        return Err(Failure::failed("the two passphrases differ; nothing was sealed"));
    }
    Ok(chosen)
}

/// The password as it stands on standard input, without the line end that `echo` adds.
pub(crate) async fn password_from_stdin() -> Result<Password, Failure> {
    let bytes = waiting_for_a_person(|| {
        let mut bytes = Zeroizing::new(Vec::with_capacity(1024));
        io::stdin().lock().take(LONGEST_PASSWORD + 1).read_to_end(&mut bytes).map(|_| bytes)
    });
    password_of(&bytes.await?)
}

/// A token to look at, asked for on the terminal and not shown.
pub(crate) async fn token() -> Result<Zeroizing<String>, Failure> {
    let typed = hidden("Token, or the header with it: ".to_owned(), "no token was given").await?;
    Ok(Zeroizing::new(typed.expose().to_owned()))
}

/// The session cookie of a browser: from standard input, or asked for on the terminal and not shown. `own` is the name
/// that the site chose for it, if it did.
pub(crate) async fn session_cookie(own: Option<&str>) -> Result<AccessToken, Failure> {
    let text = if can_ask() {
        let question = "Value of the session cookie, as the developer tools of your browser have it: ";
        hidden(question.to_owned(), "no cookie was given").await?
    } else {
        password_from_stdin().await?
    };
    Ok(AccessToken::new(cookie_value(text.expose(), own)))
}

/// The session's value where people copy a pair, all chunks of it, or a whole header (RFC 6265 §4.2.1).
fn cookie_value(text: &str, own: Option<&str>) -> String {
    let is_session = |name: &str| match own {
        Some(own) => name.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')),
        None => name.contains("session-token"),
    };
    let pairs = text.split(';').filter_map(|pair| pair.trim().split_once('='));
    let mut parts: Vec<(usize, &str)> = pairs
        .filter_map(|(name, value)| {
            let name = name.rsplit(' ').next().unwrap_or(name);
            let chunk = name.rsplit_once('.').and_then(|(_, digits)| digits.parse().ok());
            is_session(name).then_some((chunk.unwrap_or(0), value))
        })
        .collect();
    if parts.is_empty() {
        return text.trim().to_owned();
    }
    parts.sort_by_key(|(chunk, _)| *chunk);
    parts.into_iter().map(|(_, value)| value).collect()
}

/// A site's secret, asked for on the terminal and not shown.
pub(crate) async fn site_secret() -> Result<Password, Failure> {
    on_the_terminal("give the secret with --site-secret-stdin")?;
    hidden("Secret of the site (AUTH_SECRET or NEXTAUTH_SECRET): ".to_owned(), "no secret was given").await
}

/// A yes or no, asked on the terminal. Only "y" and "yes" agree.
pub(crate) async fn confirm(question: &str, without_terminal: &str) -> Result<bool, Failure> {
    on_the_terminal(without_terminal)?;
    output::ask(&format!("{question} [y/N] "));
    let typed = waiting_for_a_person(|| {
        let mut line = String::new();
        io::stdin().read_line(&mut line).map(|_| line)
    })
    .await?;
    Ok(matches!(typed.trim().to_lowercase().as_str(), "y" | "yes"))
}

fn password_of(bytes: &[u8]) -> Result<Password, Failure> {
    if bytes.len() as u64 > LONGEST_PASSWORD {
        return Err(Failure::wrong_use("standard input holds more than any password"));
    }
    let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match std::str::from_utf8(line) {
        Ok("") => Err(Failure::wrong_use("standard input holds no password").hint(
            "for example: printf %s \"$PASSWORD\" | latchkey sign-in ACCOUNT --username ME --password-stdin",
        )),
        Ok(password) => Ok(Password::new(password)),
        Err(_) => Err(Failure::wrong_use("the password on standard input is no UTF-8 text")),
    }
}

/// Whether somebody is there to be asked.
pub(crate) fn can_ask() -> bool {
    io::stdin().is_terminal()
}

fn on_the_terminal(otherwise: &str) -> Result<(), Failure> {
    if can_ask() {
        return Ok(());
    }
    Err(Failure::wrong_use("there is no terminal to ask on").hint(otherwise))
}

/// Reads on a thread of its own, so that Ctrl-C is heard meanwhile.
async fn waiting_for_a_person<T: Send + 'static>(
    read: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, Failure> {
    let mut interrupt = Interrupt::listen();
    let typed = tokio::select! {
        typed = tokio::task::spawn_blocking(read) => typed,
        () = interrupt.wished() => {
            output::say("");
            return Err(Failure::interrupted());
        }
    };
    let typed = typed.unwrap_or_else(|_| Err(io::ErrorKind::Interrupted.into()));
    typed.map_err(|error| Failure::failed(format!("standard input cannot be read: {error}")))
}

/// How the terminal was before the password was asked for. A prompt that is given up leaves it without echo.
struct Terminal {
    #[cfg(unix)]
    settings: Option<rustix::termios::Termios>,
}

impl Terminal {
    /// Shows nothing of what is typed from now on: whoever answers at once answers before the question is listened to.
    fn quiet() -> Self {
        #[cfg(unix)]
        let settings = rustix::termios::tcgetattr(rustix::stdio::stdin()).ok();
        #[cfg(unix)]
        if let Some(mut quiet) = settings.clone() {
            use rustix::termios::{LocalModes, OptionalActions, tcsetattr};
            quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL);
            let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, &quiet);
        }
        Self {
            #[cfg(unix)]
            settings,
        }
    }
}

/// However the prompt ends: answered, interrupted, or dropped because the command was.
impl Drop for Terminal {
    fn drop(&mut self) {
        #[cfg(unix)]
        if let Some(settings) = &self.settings {
            let now = rustix::termios::OptionalActions::Now;
            let _ = rustix::termios::tcsetattr(rustix::stdio::stdin(), now, settings);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_end_is_taken_off_and_nothing_else() {
        for (bytes, password) in
            [("pass", "pass"), ("pass\n", "pass"), ("pass\r\n", "pass"), (" p \n\n", " p \n")]
        {
            let read =
                password_of(bytes.as_bytes()).map_err(|failure| failure.message).unwrap_or_else(|_| panic!());
            assert_eq!(read.expose(), password);
        }
    }

    #[test]
    fn what_a_terminal_may_have_cut_is_not_taken_for_the_whole() {
        assert!(whole(Password::new("x".repeat(4094))).is_ok());
        let failure = whole(Password::new("x".repeat(4095))).err().unwrap();
        assert!(failure.hint.is_some_and(|hint| hint.contains("standard input")));
    }

    #[test]
    fn a_session_cookie_is_found_in_whatever_was_copied() {
        for (copied, own, value) in [
            (" abc.def\n", None, "abc.def"),
            ("bm8gSldU==", None, "bm8gSldU=="),
            ("authjs.session-token=abc==", None, "abc=="),
            ("Cookie: theme=dark; __Secure-next-auth.session-token=abc; lang=en", None, "abc"),
            ("Set-Cookie: authjs.session-token=abc; Path=/; HttpOnly", None, "abc"),
            ("authjs.session-token.1=def; authjs.session-token.0=abc", None, "abcdef"),
            ("shop.session=abc; authjs.session-token=no", Some("shop.session"), "abc"),
            ("shop.session.0=abc; shop.session.1=def", Some("shop.session"), "abcdef"),
        ] {
            assert_eq!(cookie_value(copied, own), value, "{copied}");
        }
    }

    #[test]
    fn what_is_no_password_is_refused_without_repeating_it() {
        for bytes in [&b""[..], b"\n", b"\xff\xfe", "x".repeat(70_000).as_bytes()] {
            let failure = password_of(bytes).err().unwrap();
            assert_eq!(failure.exit, crate::exit_code::Exit::WrongUse);
            assert!(failure.message.is_some_and(|message| !message.contains("xx")));
        }
    }
}
