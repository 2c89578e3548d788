//! `latchkey doctor`: what is wrong here, and what to do about it.

use std::sync::Arc;

use latchkey_engine::clock::SystemClock;
use latchkey_engine::health::{NotOpened, PATIENCE, Report, Subject, examine};
use latchkey_engine::paths::Paths;
use latchkey_engine::vault::VaultKind;

use crate::args::Doctor;
use crate::exit_code::Exit;
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::output;
use crate::render::doctor::page;
use crate::session::open_vault;

pub(crate) async fn run(args: Doctor) -> Result<(), Failure> {
    let (report, _) = look(Paths::from_env()?).await?;
    if args.json {
        output::json(&report)?;
    } else {
        output::value(&page(&report))?;
    }
    // What is wrong has been said.
    if report.healthy { Ok(()) } else { Err(Failure { exit: Exit::Failed, message: None, hint: None }) }
}

/// Looks at everything, and says where tokens are kept, in words.
pub(super) async fn look(paths: Paths) -> Result<(Report, &'static str), Failure> {
    // What another command stops at is here one finding of many.
    let (vault, forgetful) = match open_vault(&paths).await {
        Ok((kind, vault)) => (Ok(vault), kind == VaultKind::Memory),
        Err(Failure { exit: Exit::WrongUse, message: Some(message), hint }) => {
            (Err(NotOpened { message, hint }), false)
        }
        Err(failure) => return Err(failure),
    };
    let name = vault.as_ref().map_or("not opened", |vault| vault.name());
    let subject = Subject { paths, vault, forgetful, clock: Arc::new(SystemClock), patience: PATIENCE };
    let mut interrupt = Interrupt::listen();
    tokio::select! {
        report = examine(subject) => Ok((report, name)),
        () = interrupt.wished() => Err(Failure::interrupted()),
    }
}
