//! What is set for the app as a whole: the table `[app]`.
//!
//! Everything in it has a usual value, so that a file without the table is a whole one.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use toml::Spanned;
use toml::de::DeValue;

use super::problem::{Flaw, Problems};
use super::section::Section;
use crate::event_log::Level;

/// The keys of the table `app`.
pub(super) const KEYS: [&str; 4] = ["language", "dates", "log_level", "notifications"];

/// The keys of the table `app.notifications`.
const NOTIFICATION_KEYS: [&str; 6] =
    ["sign_in_needed", "window_forward", "sign_in_soon", "not_saved", "quiet_from", "quiet_to"];

/// What is set for the app as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct AppConfig {
    /// In which language does the window speak?
    pub language: Language,
    /// How are dates and times written?
    pub dates: Dates,
    /// From which level on are records kept, where the environment does not say otherwise?
    pub log_level: Level,
    /// What is a person told while the window is closed?
    pub notifications: NotificationConfig,
}

impl Default for AppConfig {
    fn default() -> Self {
        Self {
            language: Language::System,
            dates: Dates::Language,
            log_level: Level::Info,
            notifications: NotificationConfig::default(),
        }
    }
}

/// A language of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum Language {
    /// That of the desktop; English where there is no such.
    #[default]
    System,
    /// English.
    En,
    /// German.
    De,
}

impl Language {
    /// As it stands in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::En => "en",
            Self::De => "de",
        }
    }
}

/// A way to write dates and times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub enum Dates {
    /// That of the window's language.
    #[default]
    Language,
    /// That of the desktop, whatever language the window speaks.
    System,
    /// Year, month, day, and 24 hours (ISO 8601, RFC 3339 §5.6).
    Iso,
}

impl Dates {
    /// As it stands in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Language => "language",
            Self::Iso => "iso",
        }
    }
}

/// What a person is told while the window is closed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
pub struct NotificationConfig {
    /// That only a new sign-in helps?
    pub sign_in_needed: bool,
    /// Does the window come forward then as well?
    pub window_forward: bool,
    /// That a sign-in will be needed soon?
    pub sign_in_soon: bool,
    /// That new tokens cannot be stored?
    pub not_saved: bool,
    /// From when on nothing is told, on the clock of the wall. Only together with `quiet_to`.
    pub quiet_from: Option<TimeOfDay>,
    /// Until when.
    pub quiet_to: Option<TimeOfDay>,
}

impl Default for NotificationConfig {
    fn default() -> Self {
        Self {
            sign_in_needed: true,
            window_forward: false,
            sign_in_soon: true,
            not_saved: true,
            quiet_from: None,
            quiet_to: None,
        }
    }
}

/// A time of day to the minute (`22:00`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "bindings", derive(specta::Type), specta(transparent))]
pub struct TimeOfDay(#[cfg_attr(feature = "bindings", specta(type = String))] u16);

impl TimeOfDay {
    /// So many minutes after midnight, below 1440.
    pub fn minutes(self) -> u16 {
        self.0
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

/// A text that is no time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is no time of day")]
pub struct NoTimeOfDay;

impl FromStr for TimeOfDay {
    type Err = NoTimeOfDay;

    fn from_str(text: &str) -> Result<Self, NoTimeOfDay> {
        let (hour, minute) = text.split_once(':').ok_or(NoTimeOfDay)?;
        let number = |digits: &str, below: u16| {
            let plain = (1..=2).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
            digits.parse().ok().filter(|number: &u16| plain && *number < below).ok_or(NoTimeOfDay)
        };
        if minute.len() != 2 {
            return Err(NoTimeOfDay);
        }
        Ok(Self(number(hour, 24)? * 60 + number(minute, 60)?))
    }
}

impl Serialize for TimeOfDay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimeOfDay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Reads the table. Whatever is wrong in it keeps its usual value and is complained about.
pub(super) fn app(value: &Spanned<DeValue<'_>>, problems: &mut Problems<'_>) -> AppConfig {
    let usual = AppConfig::default();
    let Some(section) = Section::open(value, "app".to_owned(), &KEYS, &[], problems) else { return usual };
    let language = section.text("language", problems, |text| {
        chosen(text, [Language::System, Language::En, Language::De], Language::name)
    });
    let dates = section.text("dates", problems, |text| {
        chosen(text, [Dates::Language, Dates::System, Dates::Iso], Dates::name)
    });
    let log_level = section.text("log_level", problems, |text| {
        let remedy = "write `error`, `warn`, `info`, `debug` or `trace`";
        text.parse().map_err(|_| Flaw::new("there is no such log level", remedy))
    });
    AppConfig {
        language: language.unwrap_or_default(),
        dates: dates.unwrap_or_default(),
        log_level: log_level.unwrap_or(usual.log_level),
        notifications: section
            .section("notifications", &NOTIFICATION_KEYS, problems)
            .map_or(usual.notifications, |section| notifications(&section, problems)),
    }
}

fn notifications(section: &Section<'_, '_>, problems: &mut Problems<'_>) -> NotificationConfig {
    let mut told = |key| section.value(key).is_none() || section.flag(key, problems);
    let (sign_in_needed, sign_in_soon, not_saved) =
        (told("sign_in_needed"), told("sign_in_soon"), told("not_saved"));
    let window_forward = section.flag("window_forward", problems);
    let mut time = |key| {
        section.text(key, problems, |text| {
            text.parse::<TimeOfDay>()
                .map_err(|error| Flaw::new(error.to_string(), "write a time such as `22:00`"))
        })
    };
    let (quiet_from, quiet_to) = (time("quiet_from"), time("quiet_to"));
    for (key, other) in [("quiet_from", "quiet_to"), ("quiet_to", "quiet_from")] {
        if section.value(key).is_some() && section.value(other).is_none() {
            let remedy = format!("add `{other} = \"07:00\"`, or remove `{key}`");
            section.complain(key, Flaw::new("quiet hours have a beginning and an end", remedy), problems);
        }
    }
    NotificationConfig { sign_in_needed, window_forward, sign_in_soon, not_saved, quiet_from, quiet_to }
}

fn chosen<T: Copy, const N: usize>(
    text: &str,
    choices: [T; N],
    name: fn(T) -> &'static str,
) -> Result<T, Flaw> {
    choices.into_iter().find(|choice| name(*choice) == text).ok_or_else(|| {
        let names: Vec<_> = choices.iter().map(|choice| format!("`{}`", name(*choice))).collect();
        Flaw::new("this is none of the choices", format!("write {}", names.join(" or ")))
    })
}

#[cfg(test)]
mod tests {
    use super::super::Config;
    use super::*;

    #[test]
    fn what_is_not_set_is_as_usual() {
        assert_eq!(Config::parse("", None).unwrap().app, AppConfig::default());
        assert_eq!(Config::parse("[app]\n[app.notifications]\n", None).unwrap().app, AppConfig::default());
    }

    #[test]
    fn each_key_is_read() {
        let text = r#"
            [app]
            language = "de"
            dates = "iso"
            log_level = "debug"
            [app.notifications]
            sign_in_soon = false
            window_forward = true
            quiet_from = "22:00"
            quiet_to = "7:30"
        "#;
        let app = Config::parse(text, None).unwrap().app;
        assert_eq!((app.language, app.dates, app.log_level), (Language::De, Dates::Iso, Level::Debug));
        let told = app.notifications;
        assert!(told.sign_in_needed && !told.sign_in_soon && told.not_saved && told.window_forward);
        let quiet = told.quiet_from.zip(told.quiet_to).map(|(from, to)| format!("{from}-{to}"));
        assert_eq!(quiet.as_deref(), Some("22:00-07:30"));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_key() {
        let text = "[app]\nlanguage = \"fr\"\ndates = 3\nlog_level = \"loud\"\ncolour = \"red\"\n\
            [app.notifications]\nsign_in_needed = \"yes\"\nquiet_from = \"25:00\"\n";
        let error = Config::parse(text, None).unwrap_err().to_string();
        insta::assert_snapshot!(error, @r#"
        app.language: this is none of the choices; write `system` or `en` or `de`
        app.dates: this is a whole number; write `language` or `system` or `iso`, in quotes
        app.log_level: there is no such log level; write `error`, `warn`, `info`, `debug` or `trace`
        app.colour: this key is unknown; remove it, or see `latchkey accounts add --template` for the keys there are
        app.notifications.sign_in_needed: this is a text; write `true` or `false`
        app.notifications.quiet_from: this is no time of day; write a time such as `22:00`
        app.notifications.quiet_from: quiet hours have a beginning and an end; add `quiet_to = "07:00"`, or remove `quiet_from`
        "#);
    }

    #[test]
    fn a_time_of_day_is_read_as_it_is_written() {
        for (text, minutes) in [("00:00", 0), ("7:05", 425), ("23:59", 1439)] {
            assert_eq!(text.parse::<TimeOfDay>().map(TimeOfDay::minutes), Ok(minutes), "{text}");
        }
        for bad in ["", "24:00", "12:60", "12", "12:5", "1:2:3", "-1:00", "+1:00", "a:00", "007:00"] {
            assert_eq!(bad.parse::<TimeOfDay>(), Err(NoTimeOfDay), "{bad}");
        }
    }
}
