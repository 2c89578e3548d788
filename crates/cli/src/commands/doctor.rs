//! `latchkey doctor`: what is wrong here, and what to do about it.

use std::sync::Arc;

use latchkey_agent::client::{Client, ClientError};
use latchkey_agent::protocol::About;
use latchkey_engine::clock::SystemClock;
use latchkey_engine::health::{Finding, Grade, NotOpened, PATIENCE, Report, Subject, Topic, examine};
use latchkey_engine::paths::Paths;
use latchkey_engine::vault::VaultKind;

use crate::agent::elsewhere;
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
    let name = vault.as_ref().ok().map(|vault| vault.name());
    let asked = paths.clone();
    let agent = move || Client::new(&asked.runtime_dir).within(PATIENCE).get::<About>("/v1/about");
    let subject = Subject { paths, vault, forgetful, clock: Arc::new(SystemClock), patience: PATIENCE };
    let mut interrupt = Interrupt::listen();
    tokio::select! {
        (report, agent) = async { tokio::join!(examine(subject), tokio::task::spawn_blocking(agent)) } => {
            let agent = agent.ok().and_then(|answer| renewing(answer, name, &report));
            Ok((report.and(agent), name.unwrap_or("not opened")))
        }
        () = interrupt.wished() => Err(Failure::interrupted()),
    }
}

/// Who renews ahead of time and answers programs, and whether it is of one mind with whoever looks. Whoever is signed in
/// nowhere needs nobody.
fn renewing(answer: Result<About, ClientError>, vault: Option<&str>, report: &Report) -> Option<Finding> {
    let finding = |code, grade, message: String| Finding::new(Topic::Agent, code, grade, message);
    let about = match answer {
        Ok(about) => about,
        Err(error) if error.nobody() => {
            let signed_in = report.findings.iter().any(|finding| finding.code == "tokens_stored");
            let message = "Nothing is renewed ahead of time: no window is open and no agent runs".to_owned();
            let hint = "open the window, or start an agent: `latchkey agent`, or with systemd \
                        `systemctl --user enable --now latchkey.service`";
            return signed_in.then(|| finding("agent_absent", Grade::Warning, message).hint(hint));
        }
        Err(error) => {
            let message = format!("Programs get no answer: {error}");
            return Some(finding("agent_silent", Grade::Problem, message));
        }
    };
    let who = format!("The {} (process {})", about.host, about.pid);
    let ours = env!("CARGO_PKG_VERSION");
    Some(if about.version != ours {
        let message = format!("{who} is of version {}, and this is {ours}", about.version);
        finding("agent_other_version", Grade::Warning, message).hint("end it, and start it again")
    } else if let Some((message, hint)) = vault.and_then(|vault| elsewhere(&about, vault)) {
        finding("agent_other_vault", Grade::Warning, message).hint(hint)
    } else {
        finding("agent_serves", Grade::Ok, format!("{who} renews ahead of time and answers programs"))
    })
}
