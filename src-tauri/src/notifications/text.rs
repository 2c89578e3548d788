//! What a notification says.
//!
//! It can be read by anybody who sees the screen, and desktops keep a history of them: it names the account, never the
//! person, and repeats nothing a server said.

use jiff::{SignedDuration, Unit, Zoned};
use latchkey_core::account::AccountName;
use latchkey_core::limits::Limit;
use latchkey_core::policy::in_words;
use latchkey_core::reason::Reason;
use latchkey_core::session::Notice;

use crate::words::Tongue;

/// What there is to tell.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum News {
    /// What the session machine wants told.
    Notice(Notice),
    /// That a program of this name wants a token.
    Consent(String),
    /// That the session ends then, and only a sign-in helps.
    Ends(Zoned),
}

impl News {
    /// Stable name: the same of an account is not told again soon.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Notice(Notice::SignInNeeded(reason)) => reason.code(),
            Self::Notice(Notice::CannotSave(problem)) => problem.code(),
            Self::Consent(_) => "consent_asked",
            // The machine and the window may both see it coming: it is told once.
            Self::Notice(Notice::EndsSoon(_)) | Self::Ends(_) => "sign_in_soon",
        }
    }
}

/// What a notification says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Text {
    pub(super) summary: String,
    pub(super) body: String,
    /// What its button says.
    pub(super) button: &'static str,
}

/// `now` is on the boot-time clock.
pub(super) fn text(account: &AccountName, news: &News, now: SignedDuration, tongue: Tongue) -> Text {
    let pick = |english: &'static str, german: &'static str| tongue.pick(english, german);
    let sign_in = pick("Sign in", "Anmelden");
    match news {
        News::Notice(Notice::SignInNeeded(reason)) => Text {
            summary: format!("{}: {account}", pick("Sign in again", "Neu anmelden")),
            body: why(reason, tongue).to_owned(),
            button: sign_in,
        },
        News::Notice(Notice::CannotSave(problem)) => Text {
            summary: format!(
                "{}: {account}",
                pick("Cannot save the new tokens", "Neue Token lassen sich nicht speichern")
            ),
            body: format!(
                "{}. {}",
                tongue.say(problem.message()),
                pick(
                    "Leave Latchkey running until it has saved them.",
                    "Lassen Sie Latchkey laufen, bis sie gespeichert sind."
                )
            ),
            button: pick("Open Latchkey", "Latchkey öffnen"),
        },
        News::Notice(Notice::EndsSoon(end)) => {
            let left = in_words(whole_minutes(end.at.boot.saturating_sub(now)));
            let (summary, body) = ends_soon(end.limit, &left, tongue);
            Text {
                summary: format!("{summary}: {account}"),
                body,
                button: pick("Open Latchkey", "Latchkey öffnen"),
            }
        }
        News::Consent(program) => {
            let program = without_markup(program);
            Text {
                summary: format!(
                    "{}: {account}",
                    pick("A program wants a token", "Ein Programm möchte ein Token")
                ),
                body: tongue.pick(
                    format!("{program} waits for your answer. It gets nothing without it."),
                    format!("{program} wartet auf Ihre Antwort. Ohne sie bekommt es nichts."),
                ),
                button: pick("Look at it", "Ansehen"),
            }
        }
        News::Ends(at) => {
            let time = at.strftime("%H:%M");
            Text {
                summary: format!("{}: {account}", pick("Sign in soon", "Bald neu anmelden")),
                body: tongue.pick(
                    format!("This session ends at {time}. Only a new sign-in keeps you signed in."),
                    format!("Diese Sitzung endet um {time}. Nur eine neue Anmeldung hält Sie angemeldet."),
                ),
                button: sign_in,
            }
        }
    }
}

/// So many minutes as there are nearly: it is told a moment after it was due.
fn whole_minutes(left: SignedDuration) -> SignedDuration {
    if left < SignedDuration::from_mins(1) { left } else { left.round(Unit::Minute).unwrap_or(left) }
}

/// A name that means nothing but itself: the body of a notification may hold markup, and which desktop reads it is not
/// known (Desktop Notifications Specification, “Markup”).
fn without_markup(name: &str) -> String {
    name.chars()
        .map(|c| match c {
            '<' => '‹',
            '>' => '›',
            '&' => '＆',
            other => other,
        })
        .collect()
}

/// What to do about an end that the account sets, and how long there is for that.
fn ends_soon(limit: Limit, left: &str, tongue: Tongue) -> (&'static str, String) {
    let summary = tongue.pick("The session ends soon", "Die Sitzung endet bald");
    let body = match limit {
        Limit::MaxAge => tongue.pick(
            format!("Sign in again within {left}: it has lasted as long as the account allows then."),
            format!(
                "Melden Sie sich binnen {left} neu an: Dann hat sie so lange gedauert, wie das Konto erlaubt."
            ),
        ),
        Limit::Rolling | Limit::Idle => tongue.pick(
            format!("Use it within {left}, or it ends: nobody has used it for a while."),
            format!("Benutzen Sie sie binnen {left}, sonst endet sie: Eine Weile hat niemand sie benutzt."),
        ),
    };
    (summary, body)
}

/// Why, without the provider's own words.
fn why(reason: &Reason, tongue: Tongue) -> &'static str {
    let (english, german) = match reason {
        Reason::Refused { .. } => {
            ("The provider has ended this session.", "Der Anbieter hat diese Sitzung beendet.")
        }
        Reason::Idle => (
            "It was not renewed in time: its refresh token had run out.",
            "Sie wurde nicht rechtzeitig erneuert: Ihr Refresh-Token war abgelaufen.",
        ),
        Reason::RefusedAfterLostReply { .. } => (
            "A reply was lost on the way, and the provider has ended this session.",
            "Eine Antwort ging unterwegs verloren, und der Anbieter hat diese Sitzung beendet.",
        ),
        Reason::Unclear { .. } => (
            "The provider keeps refusing to renew this session, and not in words that can be understood here.",
            "Der Anbieter lehnt es ab, diese Sitzung zu erneuern, und nicht in Worten, die hier zu verstehen sind.",
        ),
        Reason::NotRenewable => (
            "Its access token has expired and cannot be renewed.",
            "Ihr Access-Token ist abgelaufen und lässt sich nicht erneuern.",
        ),
        Reason::CeilingReached => (
            "The session has reached the end its provider had set.",
            "Die Sitzung hat das Ende erreicht, das der Anbieter gesetzt hatte.",
        ),
        Reason::VaultEmpty => ("Its stored tokens are gone.", "Ihre gespeicherten Token sind nicht mehr da."),
        Reason::Distrusted { .. } => (
            "A renewal brought tokens that are not believed.",
            "Eine Erneuerung brachte Token, denen nicht zu trauen ist.",
        ),
        Reason::KeyLost => (
            "The key that its tokens are bound to is gone.",
            "Der Schlüssel, an den ihre Token gebunden sind, ist nicht mehr da.",
        ),
        Reason::MaxAgeReached { .. } => {
            ("It lasted as long as the account allows.", "Sie dauerte so lange, wie das Konto erlaubt.")
        }
        Reason::UnusedTooLong { .. } => (
            "Nobody used it for as long as the account allows.",
            "Niemand benutzte sie, so lange, wie das Konto erlaubt.",
        ),
        Reason::SessionError { .. } => (
            "The site cannot renew what stands behind the session.",
            "Die Website kann nicht erneuern, was hinter der Sitzung steht.",
        ),
        Reason::NeverSignedIn
        | Reason::SignedOut
        | Reason::WrongCredentials { .. }
        | Reason::Vault { .. }
        | Reason::Unreachable { .. }
        | Reason::ReplyLost
        | Reason::ProviderBusy { .. }
        | Reason::NotTheProvider { .. }
        | Reason::Misconfigured { .. }
        | Reason::SignInDenied { .. }
        | Reason::SignInRefused { .. }
        | Reason::SignInTimedOut
        | Reason::NotBelieved { .. }
        | Reason::PortTaken { .. }
        | Reason::Misfit { .. }
        | Reason::LockBusy
        | Reason::LockUnusable { .. }
        | Reason::Network
        | Reason::ClockOff { .. }
        | Reason::RenewalUnderWay
        | Reason::Storm
        | Reason::Opening => {
            ("This session can no longer be renewed.", "Diese Sitzung lässt sich nicht mehr erneuern.")
        }
    };
    tongue.pick(english, german)
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use latchkey_core::limits::End;
    use latchkey_core::reason::VaultProblem;
    use latchkey_core::time::Stamp;

    use super::*;
    use crate::test_world::name;

    const NOW: SignedDuration = SignedDuration::ZERO;

    #[test]
    fn it_says_which_account_and_why_in_our_own_words() {
        let said = Some("token eyJhbGciOiJSUzI1NiJ9.e30.c2ln of ada@example.com was revoked".to_owned());
        let refused = News::Notice(Notice::SignInNeeded(Reason::Refused { said }));
        let told = text(&name("work"), &refused, NOW, Tongue::En);
        let expected = ("Sign in again: work", "The provider has ended this session.", "Sign in");
        assert_eq!((told.summary.as_str(), told.body.as_str(), told.button), expected);
        assert_eq!(text(&name("work"), &refused, NOW, Tongue::De).summary, "Neu anmelden: work");
        let unsaved = News::Notice(Notice::CannotSave(VaultProblem::Locked));
        let told = text(&name("work"), &unsaved, NOW, Tongue::En);
        assert_eq!(told.summary, "Cannot save the new tokens: work");
        assert!(told.body.starts_with("The keychain is locked. Unlock it"), "{}", told.body);
        let told = text(&name("work"), &unsaved, NOW, Tongue::De);
        assert!(told.body.starts_with("Der Schlüsselbund ist gesperrt. Entsperren Sie ihn"), "{}", told.body);
    }

    #[test]
    fn no_name_of_a_program_is_markup() {
        let asks = News::Consent("<b>R&D</b><img src=x>".to_owned());
        let told = text(&name("work"), &asks, NOW, Tongue::En);
        assert!(told.body.starts_with("‹b›R＆D‹/b›‹img src=x› waits"), "{}", told.body);
    }

    #[test]
    fn what_is_left_of_a_session_is_told_in_whole_minutes_until_the_last() {
        let told = |left| {
            let at = Stamp { wall: Timestamp::UNIX_EPOCH, boot: SignedDuration::from_millis(left) };
            let end = End { at, limit: Limit::Idle, allowed: SignedDuration::from_hours(1) };
            text(&name("work"), &News::Notice(Notice::EndsSoon(end)), NOW, Tongue::En).body
        };
        for (left, words) in [(299_970, "5 min"), (86_399_000, "1 d"), (61_000, "1 min"), (42_000, "42 s")] {
            assert!(told(left).starts_with(&format!("Use it within {words}, ")), "{}", told(left));
        }
    }

    #[test]
    fn it_says_when_a_session_ends_on_the_clock_of_the_wall() {
        let at = "2026-11-20T18:00:00+01:00[Europe/Berlin]".parse().unwrap();
        let told = text(&name("work"), &News::Ends(at), NOW, Tongue::En);
        assert!(told.body.contains("ends at 18:00"), "{}", told.body);
    }
}
