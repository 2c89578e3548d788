//! The command line of the app: few words, and none that another program could misuse.

use std::ffi::OsString;
use std::time::Duration;

use jiff::SignedDuration;

/// What to do about a wrong command line.
pub(crate) const HINT: &str = "`latchkey-desktop --help` shows what can be given";

const HELP: &str = "\
Keeps you signed in, in a window and a tray icon.

Usage: latchkey-desktop [OPTIONS]

Options:
  --demo                          Add the account `demo` on the embedded development backend, and sign in
  --demo-access-lifetime <TIME>   How long its access tokens live, 1s to 1h (60s unless given)
  --hidden                        Start without showing the window
  --help                          Print this help
  --version                       Print the version
";

/// What the program says to itself when it starts once more, since the instance it met had ended. Nobody types it.
pub(crate) const LAST_TRY: &str = "--last-try";

/// The longest lifetime that still shows a renewal to somebody who watches.
const LONGEST: Duration = Duration::from_hours(1);

/// More words than there are options to give.
const MOST_WORDS: usize = 16;

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// Open the app.
    Open(Arguments),
    /// Print this and end.
    Print(String),
}

/// How the app is to be opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// Whether to add the account `demo` and sign in to it.
    pub(crate) demo: bool,
    /// How long the access tokens of the embedded backend live, if not as long as usual.
    pub(crate) access_lifetime: Option<Duration>,
    /// Whether to start without showing the window.
    pub(crate) hidden: bool,
    /// Whether it was started once more already.
    pub(crate) last_try: bool,
}

/// What is wrong with a command line.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WrongUse {
    /// A word that is no option. Only its beginning is repeated: it may be anything.
    #[error("unknown option: {0}")]
    Unknown(String),
    /// No readable or sensible time.
    #[error("--demo-access-lifetime takes a time from 1s to 1h, such as 15s")]
    Lifetime,
    /// Too much of it.
    #[error("more than {MOST_WORDS} words on the command line")]
    TooMany,
}

impl Arguments {
    /// Reads the words after the program's name.
    pub(crate) fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Asked, WrongUse> {
        let mut words = words.into_iter().map(|word| word.to_string_lossy().into_owned());
        let mut arguments = Self::default();
        for _ in 0..MOST_WORDS {
            let Some(word) = words.next() else { return Ok(Asked::Open(arguments)) };
            let (option, value) = match word.split_once('=') {
                Some((option, value)) => (option, Some(value.to_owned())),
                None => (word.as_str(), None),
            };
            match (option, value) {
                ("--demo", None) => arguments.demo = true,
                ("--hidden", None) => arguments.hidden = true,
                (LAST_TRY, None) => arguments.last_try = true,
                ("--demo-access-lifetime", value) => {
                    let value = value.or_else(|| words.next()).ok_or(WrongUse::Lifetime)?;
                    arguments.access_lifetime = Some(lifetime(&value).ok_or(WrongUse::Lifetime)?);
                }
                ("--help" | "-h", None) => return Ok(Asked::Print(HELP.to_owned())),
                ("--version" | "-V", None) => {
                    return Ok(Asked::Print(
                        concat!("latchkey-desktop ", env!("CARGO_PKG_VERSION"), "\n").to_owned(),
                    ));
                }
                _ => {
                    return Err(WrongUse::Unknown(
                        option.chars().take(40).flat_map(char::escape_debug).collect(),
                    ));
                }
            }
        }
        if words.next().is_some() { Err(WrongUse::TooMany) } else { Ok(Asked::Open(arguments)) }
    }
}

fn lifetime(text: &str) -> Option<Duration> {
    let text: String = text.chars().take(40).collect();
    let given = Duration::try_from(text.parse::<SignedDuration>().ok()?).ok()?;
    (Duration::from_secs(1)..=LONGEST).contains(&given).then_some(given)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &[&str]) -> Result<Asked, WrongUse> {
        Arguments::parse(words.iter().map(OsString::from))
    }

    #[test]
    fn options_are_read_in_any_order_and_in_both_spellings() {
        let all = Arguments {
            demo: true,
            access_lifetime: Some(Duration::from_secs(15)),
            hidden: true,
            last_try: false,
        };
        assert_eq!(
            parse(&["--demo", "--demo-access-lifetime", "15s", "--hidden"]),
            Ok(Asked::Open(all.clone()))
        );
        assert_eq!(parse(&["--hidden", "--demo-access-lifetime=15s", "--demo"]), Ok(Asked::Open(all)));
        assert_eq!(parse(&[]), Ok(Asked::Open(Arguments::default())));
    }

    #[test]
    fn a_lifetime_that_could_only_be_a_mistake_is_refused() {
        for bad in ["", "0s", "500ms", "2h", "-15s", "soon", "15", &"9".repeat(100)] {
            assert_eq!(parse(&["--demo-access-lifetime", bad]), Err(WrongUse::Lifetime), "{bad}");
        }
        assert_eq!(parse(&["--demo-access-lifetime"]), Err(WrongUse::Lifetime));
    }

    #[test]
    fn what_is_no_option_is_said_without_drawing_on_the_terminal() {
        let error = parse(&[&format!("--\u{1b}[2J{}", "x".repeat(100))]).unwrap_err().to_string();
        assert!(error.starts_with("unknown option: --\\u{1b}[2Jxxx") && error.len() < 100, "{error}");
        assert!(matches!(parse(&["--demo=yes"]), Err(WrongUse::Unknown(_))));
        assert_eq!(parse(&["--demo"; 17]), Err(WrongUse::TooMany));
    }

    #[test]
    fn help_and_version_are_printed() {
        assert!(matches!(parse(&["--help"]), Ok(Asked::Print(text)) if text.contains("--demo")));
        assert!(
            matches!(parse(&["--version"]), Ok(Asked::Print(text)) if text.starts_with("latchkey-desktop 0."))
        );
    }
}
