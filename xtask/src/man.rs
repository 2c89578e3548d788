//! The manual pages of the terminal program, made of its command line's own definition.

use anyhow::{Result, bail};

use crate::process;
use crate::workspace::{Workspace, fresh_private_folder};

/// Writes them to `target/man`.
pub(crate) fn man(workspace: &Workspace) -> Result<()> {
    let folder = workspace.target.join("man");
    // A page of a command that is gone would go into the packages.
    fresh_private_folder(&folder)?;
    let mut command = workspace.cargo();
    command.args(["run", "--quiet", "-p", "latchkey", "--features", "manual", "--", "manual"]).arg(&folder);
    if process::stream("manual", &mut command)?.success {
        return Ok(());
    }
    bail!("the manual pages were not made")
}
