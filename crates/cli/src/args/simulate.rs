//! `lab simulate`: what a policy comes to, over a month.

use std::path::PathBuf;

use clap::Args;
use latchkey_core::account::AccountName;

/// `lab simulate`.
#[derive(Args)]
#[command(after_help = "\
Examples:
  latchkey lab simulate work
  latchkey lab simulate work --life train --set max_age=8h --set rolling=true
  latchkey lab simulate work --against home
  latchkey lab simulate work --against work --set-against max_age=30d

What can be set: max_age, rolling, update_age, idle_timeout, sensitivity, renew_before, and how long the provider's \
tokens live: access (1h unless set), refresh (30d), session (no end). Nothing is sent and nothing is changed.

A life of one's own is a file: `uses_every = 5` (minutes), and for each day a table such as
  [monday]
  open = [\"08:30-12:10\", \"12:55-17:30\"]
  offline = [\"17:00-17:30\"]")]
pub(crate) struct Simulate {
    /// Whose policy
    #[arg(value_name = "ACCOUNT")]
    pub(crate) account: AccountName,
    /// Another account's policy beside it
    #[arg(long, value_name = "ACCOUNT")]
    pub(crate) against: Option<AccountName>,
    /// The pattern of life: office, train, part-time, weekend or always
    #[arg(long, value_name = "NAME", default_value = "office", conflicts_with = "life_file")]
    pub(crate) life: String,
    /// A pattern of one's own
    #[arg(long, value_name = "FILE")]
    pub(crate) life_file: Option<PathBuf>,
    /// Another value for a key of the policy; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = super::add_account::key_and_value)]
    pub(crate) set: Vec<(String, String)>,
    /// The same for the policy beside it
    #[arg(long, value_name = "KEY=VALUE", value_parser = super::add_account::key_and_value, requires = "against")]
    pub(crate) set_against: Vec<(String, String)>,
    /// As a JSON object
    #[arg(long)]
    pub(crate) json: bool,
}
