//! What is shown by which test: the catalogue of scenarios (`tests/catalogue/*.toml`) and the table of conformance
//! modules (`tests/conformance.toml`), each made into a page that names tests which are there and run.

mod catalogue;
mod conformance;
mod named;
mod outcomes;

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::say;
use crate::workspace::Workspace;

use named::Named;
pub(crate) use outcomes::Outcomes;

/// A page that is generated.
struct Page {
    /// Where it stands, from the root.
    path: &'static str,
    text: String,
}

/// Writes the pages anew, and says what they come to.
pub(crate) fn write(workspace: &Workspace) -> Result<()> {
    for page in pages(&workspace.root)? {
        let path = workspace.root.join(page.path);
        fs::write(&path, &page.text).with_context(|| format!("cannot write {}", path.display()))?;
        say::line(format!("  {}", page.path));
    }
    Ok(())
}

/// Writes down how the conformance modules came out in this run, and says it in a line.
pub(crate) fn conformance_of(workspace: &Workspace, outcomes: &Outcomes) -> Result<()> {
    let run = conformance::run(&workspace.root, outcomes)?;
    let path = workspace.target.join("conformance.md");
    fs::write(&path, run.page).with_context(|| format!("cannot write {}", path.display()))?;
    say::line(format!("Conformance modules: {} ({})", run.summary, workspace.shown(&path)));
    Ok(())
}

fn pages(root: &Path) -> Result<[Page; 2]> {
    let named = Named::below(root)?;
    Ok([
        Page { path: "tests/catalogue.md", text: catalogue::page(root, &named)? },
        Page { path: "docs/conformance.md", text: conformance::page(root, &named)? },
    ])
}

/// A table of a TOML file.
fn table(path: &Path) -> Result<toml::Table> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    text.parse().with_context(|| format!("{} is no TOML", path.display()))
}

/// A text of an entry; `None` where it has none of that name.
fn text<'a>(entry: &'a toml::Table, key: &str) -> Option<&'a str> {
    entry.get(key).and_then(toml::Value::as_str)
}

/// The tests that an entry names.
fn tests(entry: &toml::Table) -> Vec<&str> {
    let list = entry.get("tests").and_then(toml::Value::as_array);
    list.into_iter().flatten().filter_map(toml::Value::as_str).collect()
}

#[cfg(test)]
mod pages_tests {
    use super::*;

    #[test]
    fn every_scenario_and_every_module_names_tests_that_are_there_and_the_pages_say_so() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for page in pages(root).unwrap() {
            let there = fs::read_to_string(root.join(page.path)).unwrap_or_default();
            let differs = there.lines().zip(page.text.lines()).find(|(there, new)| there != new);
            assert!(there == page.text, "{} is stale: `cargo xtask catalogue`; {differs:#?}", page.path);
        }
    }
}
