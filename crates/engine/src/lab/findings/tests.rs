use std::collections::BTreeSet;

use super::*;
use crate::lab::facts::{BackendFacts, Skew};

/// Backends of all kinds, each fact in each of its ways.
fn backends() -> Vec<BackendFacts> {
    let ways = |count: usize| 0..count;
    let pick = |of: usize, index: usize| index % of;
    ways(5)
        .map(|way| BackendFacts {
            rotates: Some(pick(2, way) == 0),
            reuse: [ReuseHandling::FamilyRevoked, ReuseHandling::Refused, ReuseHandling::Accepted]
                .get(pick(3, way))
                .copied(),
            grace: [
                Grace::None,
                Grace::Between(Between { taken: 10, refused: 11 }),
                Grace::AtLeast { secs: 60 },
            ]
            .get(pick(3, way))
            .copied(),
            two_at_once: [
                TwoAtOnce::SameAnswer,
                TwoAtOnce::BothServed,
                TwoAtOnce::OneServed,
                TwoAtOnce::WinnerRevoked,
                TwoAtOnce::NeitherServed,
            ]
            .get(way)
            .copied(),
            old_access_dies: Some(pick(2, way) == 0),
            refresh_lifetime: [Lifetime::Sliding, Lifetime::Fixed, Lifetime::NotTold]
                .get(pick(3, way))
                .copied(),
            refresh_secs: Some(28_800),
            access_secs: [10, 900, 90_000].get(pick(3, way)).copied(),
            exp_differs_secs: [0, 60, -60].get(pick(3, way)).copied(),
            skew: [0, 600_000].get(pick(2, way)).map(|&ahead_ms| Skew { ahead_ms, error_ms: 600 }),
            no_store: Some(pick(2, way) == 0),
            refusal: [
                ErrorShape { status: 400, error: Some("invalid_grant".to_owned()), is_json: true },
                ErrorShape { status: 401, error: None, is_json: true },
                ErrorShape { status: 500, error: None, is_json: false },
            ]
            .get(pick(3, way))
            .cloned(),
            revocation_works: Some(pick(2, way) == 0),
        })
        .chain([BackendFacts::default()])
        .collect()
}

fn rows() -> Vec<ProfileFinding> {
    let profile = |facts| Profile {
        version: 1,
        measured_at: jiff::Timestamp::UNIX_EPOCH,
        facts,
        unmeasured: Vec::new(),
    };
    backends().into_iter().flat_map(|facts| findings(&profile(facts))).collect()
}

#[test]
fn each_sentence_of_a_finding_has_a_code_of_its_own() {
    let mut said = BTreeSet::new();
    for row in rows() {
        said.insert((row.code.clone(), shape(&row.value, &row.values)));
        said.extend(row.advice_code.clone().zip(row.advice.clone()));
        assert_eq!(row.advice.is_some(), row.advice_code.is_some(), "{row:?}");
    }
    let codes: BTreeSet<&str> = said.iter().map(|(code, _)| code.as_str()).collect();
    assert_eq!(codes.len(), said.len(), "one code for two sentences: {said:#?}");
    // What could not be told has its codes from where it is measured.
    let known: BTreeSet<&str> = FINDING_CODES.into_iter().collect();
    let measured = include_str!("../measure.rs");
    let others: BTreeSet<&str> = known.difference(&codes).copied().collect();
    assert!(others.iter().all(|code| measured.contains(&format!("\"{code}\""))), "{others:?}");
    assert_eq!(codes.difference(&known).count(), 0, "{codes:?} against {known:?}");
}

/// A sentence without its values.
fn shape(words: &str, values: &Values) -> String {
    if values.contains_key("lasts_ms") && !words.contains('(') {
        return String::new();
    }
    let words = words.split(" (").next().unwrap_or_default();
    values.values().fold(words.to_owned(), |words, value| words.replace(value.as_str(), "_"))
}
