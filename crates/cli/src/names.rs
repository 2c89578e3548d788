//! Finding the account somebody meant.

use latchkey_core::account::AccountName;
use latchkey_engine::config::{AccountConfig, Config};

use crate::failure::Failure;
use crate::output;

/// What to say where nothing is configured.
const NO_ACCOUNT: &str = "No account is configured yet. Add one with `latchkey accounts add`, or try it \
     out with `latchkey accounts add demo --devserver`";

/// How alike a name must be to be proposed, from 0 to 1.
const ALIKE: f64 = 0.7;

/// How many names a hint lists.
const LISTED: usize = 8;

/// Whether there is no account, which is said then; it is no failure.
pub(crate) fn no_account<T>(accounts: &[T]) -> bool {
    if accounts.is_empty() {
        output::say(NO_ACCOUNT);
    }
    accounts.is_empty()
}

/// The account of this name, or which were nearly meant.
pub(crate) fn find<'a>(config: &'a Config, name: &AccountName) -> Result<&'a AccountConfig, Failure> {
    config.account(name).ok_or_else(|| {
        let known: Vec<_> = config.accounts.iter().map(|account| account.name.as_str()).collect();
        Failure::wrong_use(format!("there is no account `{name}`")).hint(hint(name.as_str(), &known))
    })
}

/// The name that was nearly meant, if there is one.
#[cfg(feature = "devserver")]
pub(crate) fn nearest<'a>(asked: &str, known: &[&'a str]) -> Option<&'a str> {
    let like = known.iter().map(|name| (strsim::jaro_winkler(asked, name), *name));
    let best = like.filter(|(like, _)| *like >= ALIKE).max_by(|(a, _), (b, _)| a.total_cmp(b));
    best.map(|(_, name)| name)
}

fn hint(asked: &str, known: &[&str]) -> String {
    if known.is_empty() {
        return "none is configured yet: add one with `latchkey accounts add`, or try it out with \
                `latchkey accounts add demo --devserver`"
            .to_owned();
    }
    let asked = asked.to_lowercase();
    let likeness = |name: &str| {
        let name = name.to_lowercase();
        let starts = name.starts_with(&asked) || asked.starts_with(&name);
        if starts { 1.0 } else { strsim::jaro_winkler(&asked, &name) }
    };
    let mut near: Vec<_> =
        known.iter().map(|name| (likeness(name), *name)).filter(|(like, _)| *like >= ALIKE).collect();
    near.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let quoted = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let near: Vec<_> = near.into_iter().map(|(_, name)| name).take(3).collect();
    if !near.is_empty() {
        return format!("did you mean {}?", quoted(&near).replace("`, `", "` or `"));
    }
    let more = known.len().saturating_sub(LISTED);
    let listed = quoted(known.get(..LISTED).unwrap_or(known));
    if more > 0 { format!("there are {listed} and {more} more") } else { format!("there are: {listed}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_met_with_the_name_that_was_meant() {
        let known = ["demo", "work", "work-staging"];
        insta::assert_snapshot!(hint("dmeo", &known), @"did you mean `demo`?");
        insta::assert_snapshot!(hint("Work", &known), @"did you mean `work` or `work-staging`?");
    }

    #[test]
    fn without_anything_alike_the_names_are_listed() {
        insta::assert_snapshot!(hint("zzz", &["demo", "work"]), @"there are: `demo`, `work`");
        let many: Vec<_> = (0..12).map(|number| format!("a{number}")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        insta::assert_snapshot!(hint("zzz", &many), @"there are `a0`, `a1`, `a2`, `a3`, `a4`, `a5`, `a6`, `a7` and 4 more");
        assert!(hint("demo", &[]).contains("latchkey accounts add"));
    }
}
