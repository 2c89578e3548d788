//! A profile as a contract: what a backend must go on doing, checked in somebody's CI.

use serde::{Deserialize, Serialize};

use super::facts::{BackendFacts, Grace};
use super::measure::Profile;

/// The version that this program writes and reads.
const VERSION: u32 = 1;

const HEAD: &str = "\
# A contract for a backend that issues refresh tokens: what it did when it was measured, and is to go on doing.
# It is checked with `latchkey lab run --contract FILE --account NAME`. A line that is taken out is not checked.
# How the clocks differ is not part of it.

";

/// What a backend is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// The version of this form.
    pub version: u32,
    /// What is to be measured.
    pub expect: BackendFacts,
}

/// Why a text is no contract.
#[derive(Debug, thiserror::Error)]
pub enum ContractError {
    /// It cannot be read.
    #[error("this is no contract: {0}")]
    Unreadable(#[from] toml::de::Error),
    /// Another version wrote it.
    #[error(
        "this contract has version {0}, and this program reads version {VERSION}: write it anew with `latchkey lab profile NAME --export FILE`"
    )]
    Version(u32),
}

/// One expectation that was not met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The fact's name.
    pub fact: String,
    /// What was to be measured.
    pub expected: String,
    /// What was.
    pub measured: String,
}

impl Contract {
    /// The contract that this backend keeps now. What differs from day to day is left out.
    pub fn of(profile: &Profile) -> Self {
        let facts = BackendFacts { skew: None, ..profile.facts.clone() };
        Self { version: VERSION, expect: facts }
    }

    /// Reads a contract.
    ///
    /// # Errors
    /// [`ContractError`].
    pub fn parse(text: &str) -> Result<Self, ContractError> {
        let contract: Self = toml::from_str(text)?;
        if contract.version == VERSION { Ok(contract) } else { Err(ContractError::Version(contract.version)) }
    }

    /// The contract as a file.
    pub fn to_toml(&self) -> String {
        // Facts are texts, numbers and tables of these: they can be written.
        format!("{HEAD}{}", toml::to_string(self).unwrap_or_default())
    }

    /// Where a profile differs from what is expected.
    pub fn differences(&self, profile: &Profile) -> Vec<Difference> {
        let (expected, measured) = (&self.expect, &profile.facts);
        let mut found = Vec::new();
        let mut compare = |fact: &str, expected: Option<String>, measured: Option<String>, same: bool| {
            if let Some(expected) = expected
                && !same
            {
                let measured = measured.unwrap_or_else(|| "could not be told".to_owned());
                found.push(Difference { fact: fact.to_owned(), expected, measured });
            }
        };
        macro_rules! each {
            ($($fact:ident: $same:expr;)*) => {$(
                let (wanted, got) = (&expected.$fact, &measured.$fact);
                let same = matches!((wanted, got), (Some(wanted), Some(got)) if $same(wanted, got));
                compare(stringify!($fact), wanted.as_ref().map(shown), got.as_ref().map(shown), same);
            )*};
        }
        each! {
            rotates: PartialEq::eq;
            reuse: PartialEq::eq;
            grace: |wanted: &Grace, got: &Grace| overlap(*wanted, *got);
            old_access_dies: PartialEq::eq;
            refresh_lifetime: PartialEq::eq;
            refresh_secs: |wanted: &i32, got: &i32| wanted.abs_diff(*got) <= 2;
            access_secs: |wanted: &i32, got: &i32| wanted.abs_diff(*got) <= 2;
            exp_differs_secs: |wanted: &i32, got: &i32| wanted.abs_diff(*got) <= 1;
            skew: PartialEq::eq;
            no_store: PartialEq::eq;
            refusal: PartialEq::eq;
            revocation_works: PartialEq::eq;
            two_at_once: PartialEq::eq;
        }
        found
    }
}

/// Whether both measurements may be of the same window, to a second.
fn overlap(one: Grace, other: Grace) -> bool {
    let range = |grace: Grace| match grace {
        Grace::None => (0, 0),
        Grace::Between(between) => (between.taken, between.refused),
        Grace::AtLeast { secs } => (secs, u32::MAX),
    };
    let ((from, to), (other_from, other_to)) = (range(one), range(other));
    if one == Grace::None || other == Grace::None {
        return one == other;
    }
    from <= other_to.saturating_add(1) && other_from <= to.saturating_add(1)
}

/// A fact in the words that stand in the file.
fn shown(fact: &impl Serialize) -> String {
    serde_json::to_string(fact).unwrap_or_default().replace('"', "")
}

#[cfg(test)]
mod tests {
    use super::super::facts::{Between, ErrorShape, ReuseHandling};
    use super::*;

    fn profile() -> Profile {
        let facts = BackendFacts {
            rotates: Some(true),
            reuse: Some(ReuseHandling::FamilyRevoked),
            grace: Some(Grace::Between(Between { taken: 29, refused: 30 })),
            refusal: Some(ErrorShape { status: 400, error: Some("invalid_grant".into()), is_json: true }),
            ..BackendFacts::default()
        };
        Profile { version: 1, measured_at: jiff::Timestamp::UNIX_EPOCH, facts, unmeasured: Vec::new() }
    }

    #[test]
    fn a_contract_reads_back_as_it_was_written_and_its_backend_keeps_it() {
        let contract = Contract::of(&profile());
        let read = Contract::parse(&contract.to_toml()).unwrap();
        assert_eq!(read, contract);
        assert_eq!(read.differences(&profile()), []);
    }

    #[test]
    fn what_changed_is_named_with_both_values() {
        let contract = Contract::of(&profile());
        let mut changed = profile();
        changed.facts.reuse = Some(ReuseHandling::Refused);
        changed.facts.grace = Some(Grace::None);
        changed.facts.rotates = None;
        let differences = contract.differences(&changed);
        let named: Vec<_> = differences.iter().map(|d| (d.fact.as_str(), d.measured.as_str())).collect();
        assert_eq!(named, [("rotates", "could not be told"), ("reuse", "refused"), ("grace", "{kind:none}")]);
    }

    #[test]
    fn a_window_is_the_same_if_both_measurements_can_be_of_it() {
        let between = |taken, refused| Grace::Between(Between { taken, refused });
        assert!(overlap(between(29, 30), between(28, 29)));
        assert!(!overlap(between(29, 30), between(9, 10)));
        assert!(!overlap(between(0, 1), Grace::None));
        assert!(overlap(Grace::AtLeast { secs: 20 }, between(29, 30)));
    }

    #[test]
    fn what_is_no_contract_is_said_with_its_place() {
        let error = Contract::parse("version = 1\n[expect]\nrotates = \"yes\"").unwrap_err().to_string();
        assert!(error.contains("line 3"), "{error}");
        let error = Contract::parse("version = 9\n[expect]").unwrap_err().to_string();
        assert!(error.contains("lab profile"), "{error}");
    }
}
