//! `cargo xtask bench policy`: ways to renew, side by side in the same simulated years.

use anyhow::Result;

use crate::soak::simulate;
use crate::workspace::Workspace;

pub(super) fn policy(workspace: &Workspace, seed: u32, years: u32) -> Result<()> {
    simulate(workspace, &["policy".to_owned(), seed.to_string(), years.to_string()]).map(|_| ())
}
