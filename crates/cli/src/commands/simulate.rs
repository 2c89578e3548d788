//! `latchkey lab simulate`: when a policy would sign somebody out, and why. Nothing is sent.

use latchkey_core::account::AccountName;
use latchkey_core::limits::{Limits, Sensitivity};
use latchkey_engine::forecast::{Forecast, Life, Lifetimes, NAMES, Question, foresee};
use serde::Serialize;

use crate::args::Simulate;
use crate::failure::Failure;
use crate::render::forecast::{beside, lines};
use crate::session::Desk;
use crate::{duration, output};

/// One policy, and what it comes to.
#[derive(Serialize)]
pub(crate) struct Foreseen {
    /// Whose it is, and what is set otherwise.
    pub(crate) policy: String,
    /// What it comes to.
    pub(crate) forecast: Forecast,
}

pub(crate) fn run(args: &Simulate) -> Result<(), Failure> {
    let desk = Desk::open()?;
    let life = life(args)?;
    let foreseen =
        |account: &AccountName, option: &str, set: &[(String, String)]| -> Result<Foreseen, Failure> {
            let policy = desk.account(account)?.policy.clone();
            let mut question = Question { policy, provider: Lifetimes::default() };
            set.iter().try_for_each(|(key, value)| change(&mut question, option, key, value))?;
            let set: Vec<_> = set.iter().map(|(key, value)| format!("{key}={value}")).collect();
            let policy = [account.to_string()].into_iter().chain(set).collect::<Vec<_>>().join(" ");
            Ok(Foreseen { policy, forecast: foresee(account, &question, &life) })
        };
    let mut all = vec![foreseen(&args.account, "--set", &args.set)?];
    if let Some(against) = &args.against {
        all.push(foreseen(against, "--set-against", &args.set_against)?);
    }
    if args.json {
        return output::json(&all);
    }
    match all.as_slice() {
        [one, other] => output::value(beside(one, other).trim_end()),
        all => all.iter().try_for_each(|one| output::value(lines(one).trim_end())),
    }
}

fn life(args: &Simulate) -> Result<Life, Failure> {
    if let Some(file) = &args.life_file {
        let text = std::fs::read_to_string(file)
            .map_err(|error| Failure::wrong_use(format!("{} cannot be read: {error}", file.display())))?;
        return Life::parse(&file.display().to_string(), &text)
            .map_err(|problem| Failure::wrong_use(problem.to_string()));
    }
    Life::named(&args.life).ok_or_else(|| {
        Failure::wrong_use(format!("there is no life called `{}`", args.life)).hint(format!(
            "there are {}; or describe one in a file and give it with --life-file",
            NAMES.join(", ")
        ))
    })
}

/// Sets one key of the policy, or of the provider's tokens, as this option says.
fn change(question: &mut Question, option: &str, key: &str, value: &str) -> Result<(), Failure> {
    let wrong = |what: String| Failure::wrong_use(format!("{option} {key}: {what}"));
    let long = || -> Result<_, Failure> {
        let long = duration::parse(value).map_err(wrong)?;
        if long.is_zero() { Err(wrong("it cannot be zero".to_owned())) } else { Ok(long) }
    };
    let limits = &mut question.policy.limits;
    match key {
        "max_age" => limits.max_age = Some(long()?),
        "update_age" => limits.update_age = Some(long()?),
        "idle_timeout" => limits.idle_timeout = Some(long()?),
        "rolling" => limits.rolling = value.parse().map_err(|_| wrong("write true or false".to_owned()))?,
        "sensitivity" => {
            let usual = match value {
                "general" => Sensitivity::General.limits(),
                "admin" => Sensitivity::Admin.limits(),
                "none" => Limits::default(),
                _ => return Err(wrong("write general, admin or none".to_owned())),
            };
            *limits = usual;
        }
        "renew_before" => question.policy.renew_before = Some(long()?),
        "access" => question.provider.access = long()?,
        "refresh" => question.provider.refresh = long()?,
        "session" => question.provider.session = Some(long()?),
        _ => {
            return Err(wrong("there is no such key".to_owned()).hint(
                "there are max_age, rolling, update_age, idle_timeout, sensitivity, renew_before, access, refresh, session",
            ));
        }
    }
    Ok(())
}
