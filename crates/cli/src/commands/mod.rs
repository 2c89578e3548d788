//! One file for each command.

mod accounts;
mod agent;
mod completions;
mod consumers;
mod credential;
#[cfg(feature = "devserver")]
mod devserver;
mod doctor;
mod exec;
mod inspect;
#[cfg(feature = "devserver")]
mod lab;
mod log;
#[cfg(feature = "manual")]
mod manual;
mod proxy;
mod renew;
mod session;
mod sign_in;
mod sign_out;
pub(crate) mod simulate;
mod status;
mod token;

use crate::args::{Command, Lab};
use crate::failure::Failure;

/// Does what was asked.
pub(crate) async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Accounts(what) => accounts::run(what).await,
        Command::SignIn(args) => sign_in::run(args).await,
        Command::SignOut(args) => sign_out::run(args).await,
        Command::Status(args) => status::run(args).await,
        Command::Token(args) => token::run(args).await,
        Command::Credential(what) => credential::run(what).await,
        Command::Exec(args) => exec::run(args).await,
        Command::Proxy(args) => proxy::run(args).await,
        Command::Renew(args) => renew::run(args).await,
        Command::Inspect(args) => inspect::run(args).await,
        Command::Session(what) => session::run(what).await,
        Command::Log(args) => log::run(args).await,
        Command::Consumers(what) => consumers::run(what),
        Command::Agent(args) => agent::run(args).await,
        Command::Doctor(args) => doctor::run(args).await,
        Command::Lab(Lab::Simulate(args)) => simulate::run(&args),
        #[cfg(feature = "devserver")]
        Command::Lab(Lab::Exercise(what)) => lab::run(what).await,
        Command::Completions(args) => completions::run(&args),
        #[cfg(feature = "manual")]
        Command::Manual(args) => manual::run(&args),
        #[cfg(feature = "devserver")]
        Command::Devserver(args) => devserver::run(args).await,
    }
}
