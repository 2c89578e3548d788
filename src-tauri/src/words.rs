//! In which language the app speaks where the page does not: in the tray and in notifications, of mistakes in the
//! configuration, of tokens that are not believed, in the reasons of sessions and errors, and of the lab's scenarios.

mod german;
mod reasons;
mod scenarios;
#[cfg(test)]
mod sources;
mod token;

use std::borrow::Cow;

use latchkey_engine::config::Language;
use latchkey_engine::inspection::{Inspection, SignatureStatus};
use latchkey_engine::snapshot::SessionStatus;

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tongue {
    /// English.
    En,
    /// German.
    De,
}

/// What says which language a desktop speaks, the first that is set (POSIX.1-2017 §8.2, and `LANGUAGE` of gettext).
const VARIABLES: [&str; 4] = ["LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"];

impl Tongue {
    /// The language that was chosen, or that of the desktop.
    pub(crate) fn of(chosen: Language) -> Self {
        Self::chosen(chosen, |name| std::env::var(name).ok())
    }

    fn chosen(chosen: Language, lookup: impl Fn(&str) -> Option<String>) -> Self {
        match chosen {
            Language::En => Self::En,
            Language::De => Self::De,
            Language::System => {
                let said = VARIABLES.into_iter().filter_map(lookup).find(|value| !value.is_empty());
                if said.is_some_and(|said| said.starts_with("de")) { Self::De } else { Self::En }
            }
        }
    }

    /// Its code in ISO 639, by which the page knows it too.
    pub(crate) fn code(self) -> &'static str {
        self.pick("en", "de")
    }

    /// What the configuration says of a mistake, or the engine of a token or a keychain, in this language.
    pub(crate) fn say(self, english: &str) -> String {
        self.pick(Cow::Borrowed(english), german::german(english)).into_owned()
    }

    /// The same where the file or the key stands before it, and what to do behind it.
    pub(crate) fn say_line(self, english: &str) -> String {
        let parts =
            english.rsplit_once("; ").and_then(|(line, remedy)| Some((line.rsplit_once(": ")?, remedy)));
        parts.map_or_else(
            || self.say(english),
            |((place, what), remedy)| format!("{place}: {}; {}", self.say(what), self.say(remedy)),
        )
    }

    /// What was found of a token, in this language.
    pub(crate) fn say_inspection(self, mut inspection: Inspection) -> Inspection {
        if let SignatureStatus::Refused { why } | SignatureStatus::NotChecked { why } =
            &mut inspection.signature
        {
            *why = self.say(why);
        }
        inspection
    }

    /// What the engine says inside the sentences of a session, in this language. Where it is English nothing is touched.
    pub(crate) fn say_session(self, session: &mut SessionStatus) {
        if self == Self::En {
            return;
        }
        let reason = session.reason.iter_mut().flat_map(|reason| reason.values.iter_mut());
        let next = session.next.iter_mut().flat_map(|next| next.values.iter_mut());
        reason.chain(next).for_each(|(name, value)| self.say_value(name, value));
    }

    /// What stands in a sentence under this name, in this language: short words of the engine's are worded anew, numbers
    /// and what a provider said are not.
    pub(crate) fn say_value(self, name: &str, value: &mut String) {
        let said = match (self, name) {
            (Self::De, "what" | "why") => Some(self.say(value)),
            (Self::De, "said") => reasons::said(value).map(str::to_owned),
            (Self::En | Self::De, _) => None,
        };
        if let Some(said) = said {
            *value = said;
        }
    }

    /// What a scenario of this name is called in this language, and what it is about; none where it is as it comes.
    pub(crate) fn scenario(self, name: &str) -> Option<(&'static str, &'static str)> {
        let (_, title, about) = scenarios::SCENARIOS.iter().find(|(known, ..)| *known == name)?;
        self.pick(None, Some((*title, *about)))
    }

    /// The one of two texts that is in this language.
    pub(crate) fn pick<T>(self, english: T, german: T) -> T {
        match self {
            Self::En => english,
            Self::De => german,
        }
    }
}

#[cfg(test)]
mod tests {
    use latchkey_engine::snapshot::{StateName, Values};

    use super::*;
    use crate::test_world::{because_of, session};

    #[test]
    fn a_line_keeps_its_place() {
        let line = "/home/ada/config.toml: others may write to this file; run `chmod go-w` on it";
        let german =
            "/home/ada/config.toml: andere dürfen in diese Datei schreiben; ändern Sie das mit `chmod go-w`";
        assert_eq!((Tongue::De.say_line(line).as_str(), Tongue::En.say_line(line).as_str()), (german, line));
        assert_eq!(Tongue::De.say_line("this is empty"), "das ist leer");
    }

    #[test]
    fn the_engines_words_in_a_session_are_german_and_a_providers_own_are_as_they_came() {
        let said_of = |name, value: &str| {
            let mut session = because_of(session("work", StateName::NeedsSignIn), "distrusted", name, value);
            Tongue::De.say_session(&mut session);
            let of = |values: &Values| values.iter().next().unwrap().1.to_owned();
            let (reason, next) = (session.reason.unwrap(), session.next.unwrap());
            assert_eq!(of(&reason.values), of(&next.values));
            of(&reason.values)
        };
        for (name, english, german) in [
            (
                "why",
                "its ID token is refused: its `sub` is not the one of the sign-in: it may be another person's",
                "sein ID-Token wird abgelehnt: sein `sub` ist nicht das der Anmeldung: Es könnte das einer anderen Person sein",
            ),
            (
                "why",
                "its token endpoint has moved from `a.example:443` to `b.example:443`; sign in again if that is right",
                "sein Token-Endpunkt ist umgezogen, von `a.example:443` zu `b.example:443`; melden Sie sich neu an, wenn das stimmt",
            ),
            (
                "why",
                "no NextAuth answers at /api/auth or /auth",
                "weder unter /api/auth noch unter /auth antwortet ein NextAuth",
            ),
            (
                "what",
                "failed to lookup address information: Name or service not known",
                "die Adresse zu seinem Namen fand sich nicht (niemand kennt diesen Namen)",
            ),
            ("what", "something new", "something new"),
            ("said", "the site gives no reason", "die Website nennt keinen Grund"),
            ("said", "it has no token endpoint", "it has no token endpoint"),
            ("error", "its reply did not arrive", "its reply did not arrive"),
        ] {
            assert_eq!(said_of(name, english), german);
        }
    }

    #[test]
    fn what_was_chosen_wins_and_else_the_desktop_does() {
        let german = |name: &str| (name == "LANG").then(|| "de_AT.UTF-8".to_owned());
        assert_eq!(Tongue::chosen(Language::System, german), Tongue::De);
        assert_eq!(Tongue::chosen(Language::En, german), Tongue::En);
        assert_eq!(Tongue::chosen(Language::System, |_| None), Tongue::En);
        let both = |name: &str| Some(if name == "LC_ALL" { "en_GB.UTF-8" } else { "" }.to_owned());
        assert_eq!(Tongue::chosen(Language::System, both), Tongue::En);
    }
}
