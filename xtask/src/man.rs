//! The manual pages of the terminal program, made of its command line's own definition.

use std::fs;

use anyhow::{Context as _, Result, bail};

use crate::process;
use crate::workspace::{Workspace, fresh_private_folder};

/// Writes them to `target/man`.
pub(crate) fn man(workspace: &Workspace) -> Result<()> {
    let folder = workspace.target.join("man");
    // A page of a command that is gone would go into the packages.
    fresh_private_folder(&folder)?;
    let mut command = workspace.cargo();
    command.args(["run", "--quiet", "-p", "latchkey", "--features", "manual", "--", "manual"]).arg(&folder);
    if !process::stream("manual", &mut command)?.success {
        bail!("the manual pages were not made")
    }
    for page in fs::read_dir(&folder).context("the manual pages are gone")? {
        let page = page?.path();
        let text = fs::read_to_string(&page).with_context(|| format!("cannot read {}", page.display()))?;
        fs::write(&page, to_be_copied(&text)).with_context(|| format!("cannot write {}", page.display()))?;
    }
    Ok(())
}

/// The page with what people copy left as it is: no word of it is hyphenated, and no line of it is filled or broken.
fn to_be_copied(page: &str) -> String {
    let (mut laid_out, mut set_off) = (String::new(), false);
    for line in page.lines() {
        let begins = line.starts_with("  ");
        if begins != set_off {
            laid_out.push_str(if begins { ".nf\n" } else { ".fi\n" });
            set_off = begins;
        }
        laid_out.push_str(if line == ".SH EXTRA" { ".SH USE" } else { line });
        laid_out.push('\n');
        if line.starts_with(".TH ") {
            // Neither hyphens nor wider gaps (groff_man(7)).
            laid_out.push_str(".nh\n.ad l\n");
        }
    }
    if set_off { laid_out + ".fi\n" } else { laid_out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_copy_from_a_page_is_neither_hyphenated_nor_broken() {
        let page = ".ie \\n(.g .ds Aq x\n.TH a 1\n.SH EXTRA\nExamples:\n  latchkey a \\\\\n      b\n\nMore of it.\n  c\n";
        assert_eq!(
            to_be_copied(page),
            ".ie \\n(.g .ds Aq x\n.TH a 1\n.nh\n.ad l\n.SH USE\nExamples:\n.nf\n  latchkey a \\\\\n      b\n.fi\n\nMore of it.\n.nf\n  c\n.fi\n"
        );
    }
}
