//! What months come to.

use latchkey_core::limits::{Limits, Sensitivity};
use latchkey_core::policy::Policy;

use super::*;
use crate::forecast::{Lifetimes, NAMES};

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

fn month(limits: Limits, provider: Lifetimes, life: &str) -> Forecast {
    let policy = Policy { limits, ..Policy::default() };
    let name = AccountName::new("work").unwrap();
    foresee(&name, &Question { policy, provider }, &Life::named(life).unwrap())
}

#[test]
fn without_limits_nobody_who_comes_to_work_is_signed_out() {
    for life in NAMES {
        let told = month(Limits::default(), Lifetimes::default(), life);
        assert_eq!((told.sign_ins, told.sign_outs.len()), (1, 0), "{life}");
        assert!(told.renewals > 20, "{life}: {}", told.renewals);
    }
}

#[test]
fn a_static_session_of_eight_hours_ends_in_each_working_day_and_a_rolling_one_at_night() {
    let limits = Limits { max_age: Some(hours(8)), ..Limits::default() };
    let fixed = month(limits, Lifetimes::default(), "office");
    assert!(fixed.sign_outs.iter().all(|out| out.code == "max_age_reached"), "{:?}", fixed.sign_outs);
    let first = &fixed.sign_outs[0];
    assert_eq!(
        (first.day, first.minute, first.away),
        (1, 16 * 60 + 30, false),
        "eight hours after half past eight"
    );
    let rolling = month(Limits { rolling: true, ..limits }, Lifetimes::default(), "office");
    assert!(
        rolling.sign_outs.iter().all(|out| out.code == "unused_too_long" && out.away),
        "{:?}",
        rolling.sign_outs
    );
    // 23 working days in a month that begins with a Monday.
    assert_eq!(rolling.sign_outs.len(), 22, "the last night is not over yet");
    assert!(fixed.sign_ins > rolling.sign_ins, "{} {}", fixed.sign_ins, rolling.sign_ins);
}

#[test]
fn the_reason_is_the_providers_where_it_ends_the_session() {
    let short = Lifetimes { refresh: SignedDuration::from_hours(12), ..Lifetimes::default() };
    let told = month(Limits::default(), short, "office");
    assert!(
        !told.sign_outs.is_empty() && told.sign_outs.iter().all(|out| out.code == "idle"),
        "{:?}",
        told.sign_outs
    );
    let ceiling = Lifetimes { session: Some(hours(8)), ..Lifetimes::default() };
    let told = month(Limits::default(), ceiling, "office");
    assert!(told.sign_outs.iter().all(|out| out.code == "ceiling_reached"), "{:?}", told.sign_outs);
}

#[test]
fn the_presets_are_what_they_are_meant_to_be() {
    let general = month(Sensitivity::General.limits(), Lifetimes::default(), "part-time");
    assert_eq!(general.sign_outs, []);
    let admin = month(Sensitivity::Admin.limits(), Lifetimes::default(), "office");
    assert!(
        admin.sign_outs.iter().all(|out| out.code == "unused_too_long"),
        "over lunch and night: {:?}",
        admin.sign_outs
    );
}

#[test]
fn a_train_without_network_costs_no_session_and_no_request() {
    let office = month(Limits::default(), Lifetimes::default(), "office");
    let train = month(Limits::default(), Lifetimes::default(), "train");
    assert_eq!(train.sign_outs, []);
    assert!(train.requests <= office.requests + 50, "{} {}", train.requests, office.requests);
    assert!(train.days[0].cells.contains(&Cell::Offline));
}

#[test]
fn the_same_question_has_the_same_answer() {
    let limits = Limits { max_age: Some(hours(8)), ..Limits::default() };
    let ask = || month(limits, Lifetimes::default(), "train");
    assert_eq!(ask(), ask());
}
