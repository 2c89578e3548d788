//! Every pair of state and input, held by a snapshot, and the README's diagram, held by the same pairs.
//!
//! A *late* answer has an id that nobody waits for; a *misplaced* one has the right id and the wrong kind.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use jiff::SignedDuration;

use crate::policy::in_words;
use crate::reason::{Reason, VaultProblem};
use crate::session::{Authenticated, Effect, EffectId, Failed, Input, Loaded, Notice, Renewal, Revocation};
use crate::session::{Expired, Sealed, Session, State, Wiped};
use crate::session::{samples, step};
use crate::token_set::TokenFacts;

#[test]
fn every_pair_of_state_and_input_does_what_the_table_says() {
    let mut text = String::new();
    for sample in samples() {
        let _ = writeln!(text, "{} ({})", name(sample.session.state()), sample.told);
        let mut rows: Vec<(String, Vec<String>)> = Vec::new();
        for said in inputs(&sample) {
            let outcome = outcome(&sample.session, &said);
            match rows.iter_mut().find(|(known, _)| *known == outcome) {
                Some((_, inputs)) => inputs.push(said.told),
                None => rows.push((outcome, vec![said.told])),
            }
        }
        for (outcome, inputs) in rows {
            let _ = writeln!(text, "    {}\n        → {outcome}", inputs.join(" | "));
        }
        text.push('\n');
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("transitions", text));
}

#[test]
fn the_diagram_shows_every_change_of_state_and_no_other() {
    let drawn = drawn();
    let mut found = BTreeMap::<(String, String), BTreeSet<String>>::new();
    found.entry(("[*]".into(), name(samples::opening().state()))).or_default().insert("open".into());
    for sample in samples() {
        for said in inputs(&sample) {
            let (from, to) = (name(sample.session.state()), name(said.step(&sample.session).session.state()));
            if from != to && !said.label.is_empty() {
                found.entry((from, to)).or_default().insert(said.label);
            }
        }
    }
    for (edge, inputs) in &found {
        let drawn = drawn.get(edge).cloned().unwrap_or_default();
        let missing: Vec<_> = inputs.difference(&drawn).collect();
        assert!(missing.is_empty(), "README.md does not show {} --> {}: {missing:?}", edge.0, edge.1);
    }
    for (edge, inputs) in &drawn {
        let found = found.get(edge).cloned().unwrap_or_default();
        let invented: Vec<_> = inputs.difference(&found).collect();
        assert!(invented.is_empty(), "the machine never does {} --> {}: {invented:?}", edge.0, edge.1);
    }
}

#[test]
fn a_late_answer_changes_nothing_and_is_recorded() {
    for sample in samples() {
        for said in inputs(&sample).iter().filter(|said| said.told.starts_with("late ")) {
            let step = said.step(&sample.session);
            assert_eq!(step.session, sample.session, "{}: {}", sample.told, said.told);
            assert!(matches!(&step.effects[..], [Effect::Record(record)] if record.kind == "late_answer"));
        }
    }
}

/// The arrows of the README's mermaid block and the inputs they are labelled with.
fn drawn() -> BTreeMap<(String, String), BTreeSet<String>> {
    let readme = include_str!("../README.md");
    let (_, block) = readme.split_once("```mermaid\n").expect("README.md has a mermaid block");
    let (block, _) = block.split_once("```").expect("the mermaid block ends");
    let mut edges = BTreeMap::new();
    for line in block.lines().filter(|line| line.contains("-->")) {
        let (arrow, inputs) = line.split_once(':').expect("each arrow has a label");
        let (from, to) = arrow.split_once("-->").expect("an arrow has two ends");
        let inputs = inputs.split(',').map(|input| input.trim().to_owned()).collect();
        let twice = edges.insert((from.trim().to_owned(), to.trim().to_owned()), inputs);
        assert!(twice.is_none(), "two arrows between the same states: {line}");
    }
    edges
}

/// A state in one of its telling variants.
struct Sample {
    told: &'static str,
    session: Session,
    secs: i64,
    awaits: Awaits,
}

const ANSWERS: [Awaits; 9] = [
    Awaits::Loaded,
    Awaits::Authenticated,
    Awaits::Renewed,
    Awaits::Saved,
    Awaits::Probed,
    Awaits::Sealed,
    Awaits::Wiped,
    Awaits::Expired,
    Awaits::Revoked,
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Awaits {
    Nothing,
    Loaded,
    Authenticated,
    Renewed,
    Saved,
    Probed,
    Sealed,
    Wiped,
    Expired,
    Revoked,
}

fn samples() -> Vec<Sample> {
    let sample = |told, session, secs, awaits| Sample { told, session, secs, awaits };
    let sign_in = |from| samples::after(from, Input::SignInRequested, 50);
    let reload = |from, secs| samples::after(from, Input::ReloadRequested, secs);
    vec![
        sample("never signed in", samples::signed_out(), 0, Awaits::Nothing),
        sample("never signed in, reading the vault", reload(samples::signed_out(), 0), 0, Awaits::Loaded),
        sample("erasing", samples::erasing(), 10, Awaits::Wiped),
        sample("erasing failed", samples::erase_owed(), 10, Awaits::Nothing),
        sample("telling the provider", samples::revoking(), 10, Awaits::Revoked),
        sample("the provider could not be told", samples::revocation_owed(), 10, Awaits::Nothing),
        sample("from SignedOut", samples::signing_in(), 0, Awaits::Authenticated),
        sample("from SignedIn", sign_in(samples::signed_in()), 50, Awaits::Authenticated),
        sample("from Waiting", sign_in(samples::backing_off()), 50, Awaits::Authenticated),
        sample("from NeedsSignIn", sign_in(samples::needs_sign_in()), 50, Awaits::Authenticated),
        sample("renewable", samples::signed_in(), 10, Awaits::Nothing),
        sample("a renewal was never answered", samples::unanswered(), 0, Awaits::Nothing),
        sample("renewable, reading the vault", reload(samples::signed_in(), 10), 10, Awaits::Loaded),
        sample("not renewable", samples::signed_in_not_renewable(), 10, Awaits::Nothing),
        sample("after worthless renewals", samples::stormy(), samples::STORM_AT - 60, Awaits::Nothing),
        sample("as planned", samples::renewing(), 48, Awaits::Renewed),
        sample("after unclear answers", samples::renewing_after_unclear_answers(), 145, Awaits::Renewed),
        sample("before the next try", samples::saving(), 48, Awaits::Nothing),
        sample("trying again", samples::saving_again(), 49, Awaits::Saved),
        sample("opening", samples::opening(), 0, Awaits::Loaded),
        sample("opening, the vault is locked", samples::opening_without_vault(), 0, Awaits::Nothing),
        sample("backing off", samples::backing_off(), 48, Awaits::Nothing),
        sample("for the network", samples::awaiting_network(), 48, Awaits::Nothing),
        sample("for the network, asking the host", samples::probing(), 49, Awaits::Probed),
        sample("backing off, reading the vault", reload(samples::backing_off(), 48), 48, Awaits::Loaded),
        sample("storm breaker", samples::storm(), samples::STORM_AT, Awaits::Nothing),
        sample("with limits", samples::limited(), 10, Awaits::Nothing),
        sample("at the account's end", samples::ending(), 40, Awaits::Expired),
        sample("ended, erasing failed", samples::end_owed(), 40, Awaits::Nothing),
        sample("ended, erasing again", samples::end_erasing(), 41, Awaits::Expired),
        sample("refused, sealing", samples::sealing(), 48, Awaits::Sealed),
        sample("refused, sealing failed", samples::seal_owed(), 48, Awaits::Nothing),
        sample("refused", samples::needs_sign_in(), 48, Awaits::Nothing),
        sample("refused, reading the vault", reload(samples::needs_sign_in(), 48), 48, Awaits::Loaded),
    ]
}

/// Something a sample is told.
struct Said {
    /// As the table names it.
    told: String,
    /// As the diagram names it: with its outcome if it is an answer, without details otherwise. Empty for what
    /// only a faulty engine says.
    label: String,
    input: Input,
    secs: i64,
}

impl Said {
    fn step(&self, session: &Session) -> crate::session::Step {
        step(session.clone(), self.input.clone(), samples::now(self.secs))
    }
}

fn inputs(sample: &Sample) -> Vec<Said> {
    let Sample { session, secs, awaits, .. } = sample;
    let said =
        |told: &str, label: &str, input, secs| Said { told: told.into(), label: label.into(), input, secs };
    let plain = |label, input| said(label, label, input, *secs);
    let current = session.held().map_or(0, |held| held.facts.generation);
    let mut all = vec![
        plain("SignInRequested", Input::SignInRequested),
        plain("SignInCancelled", Input::SignInCancelled),
        plain("SignOutRequested", Input::SignOutRequested),
        plain("ReloadRequested", Input::ReloadRequested),
        plain("NetworkChanged", Input::NetworkChanged),
        plain("Used", Input::Used),
    ];
    for asker in samples::ASKERS {
        let told = format!("RenewRequested {asker:?}");
        all.push(said(&told, "RenewRequested", Input::RenewRequested(asker), *secs));
    }
    for (told, generation) in [("TokenRejected current", current), ("TokenRejected old", 99)] {
        let input = Input::TokenRejected(samples::access_fingerprint(generation));
        all.push(said(told, "TokenRejected", input, *secs));
    }
    if session.deadline().is_none_or(|deadline| !deadline.passed(samples::at(*secs))) {
        all.push(said("TimePassed early", "TimePassed", Input::TimePassed, *secs));
    }
    if let Some(deadline) = session.deadline() {
        let due = samples::since_start(deadline).max(*secs);
        all.push(said("TimePassed at the deadline", "TimePassed", Input::TimePassed, due));
    }
    let late = EffectId(0);
    for kind in ANSWERS {
        for (details, label, answer) in answers(kind, current, *secs) {
            let told = format!("{label}{details}");
            if *awaits == kind {
                all.push(said(&told, label, answer(samples::awaited(session)), *secs));
            }
        }
        for (_, label, answer) in answers(kind, current, *secs).into_iter().take(1) {
            let told = label.split(' ').next().unwrap();
            all.push(said(&format!("late {told}"), label, answer(late), *secs));
            if *awaits != kind && *awaits != Awaits::Nothing {
                all.push(said(&format!("misplaced {told}"), "", answer(samples::awaited(session)), *secs));
            }
        }
    }
    all
}

type Answer = Box<dyn Fn(EffectId) -> Input>;

/// Each outcome of an answer: details for the table, label for the diagram, and the input itself.
fn answers(kind: Awaits, current: u64, secs: i64) -> Vec<(&'static str, &'static str, Answer)> {
    let newer = samples::facts_at(secs, current + 1, samples::LIFETIME);
    let same = samples::facts_at(0, current, samples::LIFETIME);
    let sealed = |facts: &TokenFacts| TokenFacts {
        quarantined: Some(Reason::Refused { said: None }),
        ..facts.clone()
    };
    let locked = VaultProblem::Locked;
    let loaded = |details, label, loaded: Loaded| -> (_, _, Answer) {
        (details, label, Box::new(move |id| Input::Loaded(id, loaded.clone())))
    };
    let authenticated = |label, outcome: Authenticated| -> (_, _, Answer) {
        ("", label, Box::new(move |id| Input::Authenticated(id, outcome.clone())))
    };
    let renewed = |details, label, outcome: Renewal| -> (_, _, Answer) {
        (details, label, Box::new(move |id| Input::Renewed(id, outcome.clone())))
    };
    let refused = |after_lost_reply, skew| {
        let skew = (skew != 0).then(|| SignedDuration::from_secs(skew));
        Renewal::Failed(Failed { failure: samples::refused(), after_lost_reply, skew })
    };
    let unusable = Renewal::LockUnusable { what: "read-only".to_owned() };
    let sealing = |details, label, outcome: Sealed| -> (_, _, Answer) {
        (details, label, Box::new(move |id| Input::Sealed(id, outcome.clone())))
    };
    let expired = |details, label, outcome: Expired| -> (_, _, Answer) {
        (details, label, Box::new(move |id| Input::Expired(id, outcome.clone())))
    };
    let revoked = |details, label, outcome: Revocation| -> (_, _, Answer) {
        (details, label, Box::new(move |id| Input::Revoked(id, outcome.clone())))
    };
    match kind {
        Awaits::Nothing => Vec::new(),
        Awaits::Loaded => vec![
            loaded(", newer", "Loaded Found", Loaded::Found(newer.clone())),
            loaded(", newer and quarantined", "Loaded Found", Loaded::Found(sealed(&newer))),
            loaded(", the same", "Loaded Found", Loaded::Found(same.clone())),
            loaded(", the same but quarantined", "Loaded Found", Loaded::Found(sealed(&same))),
            loaded(", newer", "Loaded Unanswered", Loaded::Unanswered(newer)),
            loaded(", the same", "Loaded Unanswered", Loaded::Unanswered(same)),
            loaded("", "Loaded Unrevoked", Loaded::Unrevoked { since: samples::at(secs) }),
            loaded("", "Loaded Absent", Loaded::Absent),
            loaded("", "Loaded Erased", Loaded::Erased),
            loaded("", "Loaded Unknown", Loaded::Unknown(locked)),
        ],
        Awaits::Authenticated => vec![
            authenticated("Authenticated Done", Authenticated::Done(newer.clone())),
            authenticated("Authenticated Unsaved", Authenticated::Unsaved(newer, locked)),
            authenticated("Authenticated Failed", Authenticated::Failed(Reason::ReplyLost)),
        ],
        Awaits::Renewed => vec![
            renewed("", "Renewed Done", Renewal::Done { facts: newer.clone(), took_ms: 80 }),
            renewed("", "Renewed Adopted", Renewal::Adopted(newer.clone())),
            renewed(", quarantined", "Renewed Adopted", Renewal::Adopted(sealed(&newer))),
            renewed("", "Renewed Distrusted", samples::distrusted(&newer)),
            renewed("", "Renewed Unsaved", Renewal::Unsaved { facts: newer, problem: locked }),
            renewed(", offline", "Renewed Failed", samples::failed(samples::offline())),
            renewed(", 429", "Renewed Failed", samples::failed(samples::bare(429, Some(30)))),
            renewed(", bare 401", "Renewed Failed", samples::failed(samples::bare(401, None))),
            renewed(", misconfigured", "Renewed Failed", samples::failed(samples::misconfigured())),
            renewed(", refused", "Renewed Failed", samples::failed(samples::refused())),
            renewed(", refused after a lost reply", "Renewed Failed", refused(true, 0)),
            renewed(", refused and the clock is off", "Renewed Failed", refused(false, 3600)),
            renewed("", "Renewed NoVault", Renewal::NoVault(locked)),
            renewed("", "Renewed LockBusy", Renewal::LockBusy),
            renewed("", "Renewed LockUnusable", unusable),
            renewed("", "Renewed Absent", Renewal::Absent),
        ],
        Awaits::Saved => [("Saved Ok", Ok(())), ("Saved Err", Err(locked))]
            .map(|(label, outcome)| -> (_, _, Answer) {
                ("", label, Box::new(move |id| Input::Saved(id, outcome)))
            })
            .into(),
        Awaits::Probed => [("Probed answers", true), ("Probed silent", false)]
            .map(|(label, answers)| -> (_, _, Answer) {
                ("", label, Box::new(move |id| Input::Probed(id, answers)))
            })
            .into(),
        Awaits::Sealed => vec![
            sealing("", "Sealed Done", Sealed::Done),
            sealing("", "Sealed Adopted", Sealed::Adopted(newer.clone())),
            sealing(", quarantined", "Sealed Adopted", Sealed::Adopted(sealed(&newer))),
            sealing("", "Sealed Absent", Sealed::Absent),
            sealing("", "Sealed NotNow", Sealed::NotNow(locked)),
        ],
        Awaits::Wiped => [
            ("Wiped Ok", Ok(Wiped::Gone)),
            ("Wiped Unrevoked", Ok(Wiped::Unrevoked)),
            ("Wiped Later", Ok(Wiped::Later)),
            ("Wiped Err", Err(locked)),
        ]
        .map(|(label, outcome)| -> (_, _, Answer) {
            ("", label, Box::new(move |id| Input::Wiped(id, outcome)))
        })
        .into(),
        Awaits::Expired => vec![
            expired("", "Expired Over", Expired::Over(Wiped::Gone)),
            expired(", unrevoked", "Expired Over", Expired::Over(Wiped::Unrevoked)),
            expired("", "Expired Lives", Expired::Lives(newer)),
            expired("", "Expired NotNow", Expired::NotNow(locked)),
        ],
        Awaits::Revoked => vec![
            revoked("", "Revoked Done", Revocation::Done),
            revoked(", offline", "Revoked Failed", Revocation::Failed(samples::offline())),
            revoked(", refused", "Revoked Failed", Revocation::Failed(samples::refused())),
            revoked("", "Revoked NotErased", Revocation::NotErased(locked)),
        ],
    }
}

fn outcome(session: &Session, said: &Said) -> String {
    let after = said.step(session);
    let effects: Vec<_> = after.effects.iter().map(effect).collect();
    let effects = if effects.is_empty() { "nothing".to_owned() } else { effects.join(", ") };
    let wait = after.session.deadline().map(|deadline| deadline.left(samples::at(said.secs)));
    match wait {
        _ if after.session == *session => format!("stays: {effects}"),
        Some(wait) => format!("{}, deadline in {}: {effects}", state(after.session.state()), in_words(wait)),
        None => format!("{}: {effects}", state(after.session.state())),
    }
}

/// The state's variant, as the diagram names it.
fn name(state: &State) -> String {
    format!("{state:?}").split(' ').next().unwrap_or_default().to_owned()
}

fn state(state: &State) -> String {
    let details = match state {
        State::SignedOut { reason } | State::Waiting { reason, .. } | State::NeedsSignIn { reason } => {
            reason.code().to_owned()
        }
        State::SigningIn { back } => format!("back to {}", name(back)),
        State::SignedIn => return name(state),
        State::Renewing { generation, asker } => format!("generation {generation} for {asker:?}"),
        State::Saving { generation, problem, tries, .. } => {
            format!("generation {generation}, {}, tried {tries}×", problem.code())
        }
    };
    format!("{} ({details})", name(state))
}

fn effect(effect: &Effect) -> String {
    match effect {
        Effect::Load(_) => "Load".to_owned(),
        Effect::Authenticate(_) => "Authenticate".to_owned(),
        Effect::Renew { generation, .. } => format!("Renew {generation}"),
        Effect::Save(_) => "Save".to_owned(),
        Effect::Probe { look, .. } => format!("Probe {look:?}"),
        Effect::Seal { generation, reason, .. } => format!("Seal {generation} ({})", reason.code()),
        Effect::Wipe { .. } => "Wipe".to_owned(),
        Effect::Expire(_) => "Expire".to_owned(),
        Effect::Mark(_) => "Mark".to_owned(),
        Effect::Revoke { which, .. } => format!("Revoke {which:?}"),
        Effect::AbandonSignIn => "AbandonSignIn".to_owned(),
        Effect::Publish { generation } => format!("Publish {generation}"),
        Effect::Forget => "Forget".to_owned(),
        Effect::Notify(Notice::SignInNeeded(reason)) => format!("Notify sign-in needed ({})", reason.code()),
        Effect::Notify(Notice::CannotSave(problem)) => format!("Notify cannot save ({})", problem.code()),
        Effect::Notify(Notice::EndsSoon(_)) => "Notify ends soon".to_owned(),
        Effect::Record(record) => format!("Record {}", record.kind),
    }
}
