//! `latchkey accounts hosts`: for which hosts git and Docker get an account's tokens.

use latchkey_engine::config::{self, HostPlace};

use crate::args;
use crate::failure::Failure;
use crate::output;
use crate::session::Desk;

pub(super) fn run(args: &args::Hosts) -> Result<(), Failure> {
    let desk = Desk::open()?;
    let account = desk.account(&args.account)?;
    let mut hosts = account.hosts.clone();
    if args.named.is_empty() && args.user.is_none() && !args.none {
        if hosts.places.is_empty() {
            output::say(&format!("The tokens of `{}` are for no host yet", account.name));
        }
        return hosts.places.iter().try_for_each(|place| output::value(&place.to_string()));
    }
    if args.none {
        hosts = config::Hosts::default();
    }
    if !args.named.is_empty() {
        let read = |text: &String| {
            HostPlace::parse(text).map_err(|why| Failure::wrong_use(format!("`{text}`: {why}")))
        };
        hosts.places = args.named.iter().map(read).collect::<Result<_, _>>()?;
    }
    if let Some(user) = &args.user {
        hosts.user = Some(user.clone()).filter(|user| user != config::USUAL_USER);
    }
    config::set_hosts(&desk.paths, &account.name, &hosts)?;
    let places: Vec<_> = hosts.places.iter().map(|place| format!("`{place}`")).collect();
    output::say(&match places.as_slice() {
        [] if args.none => format!("The tokens of `{}` are for no host any more", account.name),
        [] => format!("The tokens of `{}` are for no host yet", account.name),
        places => {
            format!("The tokens of `{}` are for {}, as `{}`", account.name, places.join(", "), hosts.user())
        }
    });
    Ok(())
}
