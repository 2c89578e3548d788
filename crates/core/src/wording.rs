//! What a sentence says besides its English words: a stable code and the values in it, for whoever words it in another
//! language. The sentences themselves stand where they are decided ([`Reason::message`], [`Plan::why`]).

use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::limits::{End, Limit};
use crate::policy::{Basis, Plan};
use crate::reason::Reason;
use crate::session::Asker;
use crate::token_set::{Source, TokenFacts};

/// The values in a sentence, by the names of its slots. A name that ends in `_ms` is a duration in milliseconds.
pub type Values = BTreeMap<&'static str, String>;

/// What a sentence says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wording {
    /// Which sentence it is: a stable name.
    pub code: &'static str,
    /// What is put into it.
    pub values: Values,
}

impl Wording {
    /// A sentence without values.
    pub fn plain(code: &'static str) -> Self {
        Self { code, values: Values::new() }
    }
}

impl From<&Reason> for Wording {
    fn from(reason: &Reason) -> Self {
        Self { code: reason.code(), values: reason.values() }
    }
}

impl From<Asker> for Wording {
    /// Why a renewal is under way; [`Asker::why`] in other words.
    fn from(asker: Asker) -> Self {
        Self::plain(match asker {
            Asker::Plan => "as_planned",
            Asker::Retry => "trying_again",
            Asker::Recovery => "asking_once_more",
            Asker::ResourceServer => "access_token_refused",
            Asker::Person => "asked_by_person",
            Asker::Program => "asked_by_program",
            Asker::Revalidation => "asked_by_revalidation",
        })
    }
}

impl From<&End> for Wording {
    /// Why the session ends then; [`End::why`] in other words.
    fn from(end: &End) -> Self {
        let code = match end.limit {
            Limit::MaxAge => "ends_at_max_age",
            Limit::Rolling | Limit::Idle => "ends_unless_used",
        };
        Self { code, values: Values::from([("allowed_ms", millis(end.allowed))]) }
    }
}

impl Plan {
    /// What [`Plan::why`] says: `margin_ms`, `jitter_ms` where it is worth a word, `assumed` where the lifetime is.
    pub fn wording(&self, facts: &TokenFacts) -> Wording {
        let (code, has_margin) = match self.basis {
            Basis::FifthOfLifetime => ("fifth_of_lifetime", true),
            Basis::AnHour => ("an_hour", true),
            Basis::RenewBefore => ("renew_before", true),
            Basis::HalfOfLifetime => ("half_of_lifetime", true),
            Basis::ExpiredOnArrival => ("expired_on_arrival", false),
            Basis::Ceiling => ("ceiling", false),
            Basis::Unanswered => ("unanswered", false),
        };
        let mut values = Values::new();
        if has_margin {
            values.insert("margin_ms", millis(self.margin));
            if self.jitter >= SignedDuration::from_secs(1) {
                values.insert("jitter_ms", millis(self.jitter));
            }
            if facts.access.source == Source::Assumed {
                values.insert("assumed", "yes".to_owned());
            }
        }
        Wording { code, values }
    }
}

pub(crate) fn millis(duration: SignedDuration) -> String {
    duration.as_millis().to_string()
}

impl Reason {
    /// What [`Reason::message`] puts into its sentence.
    pub fn values(&self) -> Values {
        let text = |name, value: &str| Values::from([(name, value.to_owned())]);
        let said = |said: &Option<String>| said.as_deref().map(|said| text("said", said)).unwrap_or_default();
        match self {
            Self::Refused { said: words }
            | Self::RefusedAfterLostReply { said: words }
            | Self::WrongCredentials { said: words }
            | Self::SignInDenied { said: words } => said(words),
            Self::Misconfigured { status, said: words } | Self::Unclear { status, said: words } => {
                let mut values = said(words);
                values.insert("status", status.to_string());
                values
            }
            Self::SignInRefused { error, said: words } => {
                let mut values = said(words);
                values.insert("error", error.clone());
                values
            }
            Self::SessionError { error } => text("error", error),
            Self::ProviderBusy { status } | Self::NotTheProvider { status } => {
                text("status", &status.to_string())
            }
            Self::Unreachable { what } | Self::LockUnusable { what } => text("what", what),
            Self::NotBelieved { why } | Self::Misfit { why } | Self::Distrusted { why } => text("why", why),
            Self::PortTaken { port } => text("port", &port.to_string()),
            Self::MaxAgeReached { allowed_secs } | Self::UnusedTooLong { allowed_secs } => {
                text("allowed_ms", &millis(SignedDuration::from_secs(*allowed_secs)))
            }
            Self::ClockOff { ahead_secs } => {
                let by = millis(SignedDuration::from_secs(ahead_secs.saturating_abs()));
                Values::from([
                    ("by_ms", by),
                    ("how", if *ahead_secs < 0 { "behind" } else { "ahead" }.to_owned()),
                ])
            }
            Self::NeverSignedIn
            | Self::SignedOut
            | Self::VaultEmpty
            | Self::Idle
            | Self::NotRenewable
            | Self::Vault { .. }
            | Self::CeilingReached
            | Self::ReplyLost
            | Self::SignInTimedOut
            | Self::KeyLost
            | Self::LockBusy
            | Self::Network
            | Self::RenewalUnderWay
            | Self::Storm
            | Self::Opening => Values::new(),
        }
    }
}

/// Every code that a reason or a next action is told by. The window holds a sentence for each in every language.
pub const CODES: [&str; 65] = [
    // Why a session is not simply signed in.
    "never_signed_in",
    "signed_out",
    "vault_empty",
    "refused",
    "idle",
    "refused_after_lost_reply",
    "unclear_refusal",
    "not_renewable",
    "keychain_locked",
    "keychain_unavailable",
    "keychain_refused",
    "keychain_slow",
    "keychain_item_too_large",
    "keychain_item_damaged",
    "keychain_item_newer",
    "keychain_wrong_passphrase",
    "keychain_file_unusable",
    "keychain_not_kept",
    "ceiling_reached",
    "max_age_reached",
    "unused_too_long",
    "wrong_credentials",
    "unreachable",
    "reply_lost",
    "provider_busy",
    "not_the_provider",
    "misconfigured",
    "sign_in_denied",
    "sign_in_refused",
    "sign_in_timed_out",
    "not_believed",
    "port_taken",
    "misfit",
    "distrusted",
    "key_lost",
    "session_error",
    "lock_busy",
    "lock_unusable",
    "network",
    "clock_off",
    "renewal_under_way",
    "storm_breaker",
    "opening",
    // When to renew, and why then.
    "fifth_of_lifetime",
    "an_hour",
    "renew_before",
    "half_of_lifetime",
    "expired_on_arrival",
    "ceiling",
    "unanswered",
    // Why a renewal is under way.
    "as_planned",
    "trying_again",
    "asking_once_more",
    "access_token_refused",
    "asked_by_person",
    "asked_by_program",
    "asked_by_revalidation",
    // Why something else comes next.
    "not_erased",
    "provider_not_told",
    "ends_at_max_age",
    "ends_unless_used",
    "sign_in_under_way",
    "no_refresh_token",
    "access_token_lives",
    "access_token_expired",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;
    use crate::reason::VaultProblem;
    use crate::session::samples;

    /// One of each kind of reason. Whoever adds a kind is sent here by `Reason::values`.
    fn every_reason() -> Vec<Reason> {
        use Reason as R;
        let said = || Some("the token was already used".to_owned());
        let few = || "a few words".to_owned();
        let mut all = vec![
            R::NeverSignedIn,
            R::SignedOut,
            R::VaultEmpty,
            R::Refused { said: said() },
            R::Refused { said: None },
            R::Idle,
            R::RefusedAfterLostReply { said: said() },
            R::Unclear { status: 418, said: said() },
            R::NotRenewable,
            R::CeilingReached,
            R::MaxAgeReached { allowed_secs: 28_800 },
            R::UnusedTooLong { allowed_secs: 900 },
            R::WrongCredentials { said: said() },
            R::Unreachable { what: few() },
            R::ReplyLost,
            R::ProviderBusy { status: 503 },
            R::NotTheProvider { status: 200 },
            R::Misconfigured { status: 404, said: said() },
            R::SignInDenied { said: said() },
            R::SignInRefused { error: "invalid_scope".to_owned(), said: said() },
            R::SignInTimedOut,
            R::NotBelieved { why: few() },
            R::PortTaken { port: 4180 },
            R::Misfit { why: few() },
            R::Distrusted { why: few() },
            R::KeyLost,
            R::LockBusy,
            R::LockUnusable { what: few() },
            R::Network,
            R::ClockOff { ahead_secs: -600 },
            R::RenewalUnderWay,
            R::Storm,
            R::Opening,
        ];
        all.extend(VaultProblem::ALL.map(|problem| R::Vault { problem }));
        all
    }

    #[test]
    fn what_a_reason_says_is_in_its_values_and_its_code_is_listed() {
        for reason in every_reason() {
            let Wording { code, values } = Wording::from(&reason);
            assert!(CODES.contains(&code), "{code}");
            for (name, value) in &values {
                let said = reason.message().contains(value.as_str());
                assert!(
                    said || name.ends_with("_ms") || *name == "how",
                    "{code}: {name} is not in its sentence"
                );
            }
        }
    }

    #[test]
    fn the_list_has_every_code_once() {
        let mut codes: Vec<_> = every_reason().iter().map(Reason::code).collect();
        for asker in
            [Asker::Plan, Asker::Retry, Asker::Recovery, Asker::ResourceServer, Asker::Person, Asker::Program]
        {
            codes.push(Wording::from(asker).code);
        }
        assert!(codes.iter().all(|code| CODES.contains(code)), "{codes:?}");
        let mut sorted = CODES.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), CODES.len());
    }

    #[test]
    fn a_plan_says_what_it_follows_from_and_by_how_much() {
        let facts = samples::facts(1, 60);
        let plan = Policy::default().plan(&facts, None, samples::now(0));
        let Wording { code, values } = plan.wording(&facts);
        assert_eq!((code, values.get("margin_ms").map(String::as_str)), ("fifth_of_lifetime", Some("12000")));
        assert_eq!(values.contains_key("jitter_ms"), plan.why(&facts).contains("jitter"));
    }
}
