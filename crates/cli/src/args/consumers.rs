//! `consumers`: the programs that take tokens.

use clap::{Args, Subcommand};
use latchkey_core::account::AccountName;

/// What can be done about programs.
#[derive(Subcommand)]
pub(crate) enum Consumers {
    /// List the programs that took tokens or ask for one
    #[command(after_help = "Examples:\n  latchkey consumers list\n  latchkey consumers list work --json")]
    List {
        /// Of which account; of all of them unless named
        account: Option<AccountName>,
        /// As a JSON list
        #[arg(long)]
        json: bool,
    },
    /// Let a program have an account's tokens
    #[command(after_help = "\
Examples:
  latchkey consumers allow work /usr/bin/curl
  latchkey consumers allow work curl --for-good

Unless for good, it may as long as it keeps asking: until it has not for ten minutes, and twelve hours at most. A program \
that is replaced is asked about again.")]
    Allow {
        #[command(flatten)]
        which: Which,
        /// Until its executable changes
        #[arg(long)]
        for_good: bool,
    },
    /// Refuse a program an account's tokens, whatever its executable becomes
    #[command(after_help = "Example:\n  latchkey consumers deny work curl")]
    Deny(Which),
    /// Hold a program back until it is allowed again
    #[command(after_help = "Example:\n  latchkey consumers pause work curl")]
    Pause(Which),
}

/// One program and one account.
#[derive(Args)]
pub(crate) struct Which {
    /// Which account
    pub(crate) account: AccountName,
    /// Which program: its path, or its name where only one has it
    #[arg(value_name = "PROGRAM")]
    pub(crate) program: String,
}
