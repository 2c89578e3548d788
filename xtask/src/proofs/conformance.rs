//! `docs/conformance.md`: the modules of the OpenID Foundation's conformance suite for clients, each with the test that
//! does the same to us.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::named::Named;
use super::outcomes::{Outcomes, Together};
use super::{table, tests, text};

pub(super) fn page(root: &Path, named: &Named) -> Result<String> {
    let (mut tables, mut summary) = (String::new(), String::new());
    for plan in plans(root)? {
        let Plan { title, name, modules } = &plan;
        let _ = write!(
            tables,
            "\n## {title}\n\n`{name}`\n\n| module | what the server does | our outcome | shown by |\n|---|---|---|---|\n"
        );
        let mut shown = 0;
        for module in modules {
            let (row, has_test) = row(module, named)?;
            shown += usize::from(has_test);
            let _ = writeln!(tables, "{row}");
        }
        let _ = writeln!(summary, "| {title} | {} | {shown} |", modules.len());
    }
    Ok(format!(
        "# Conformance\n\n\
        The OpenID Foundation tests clients with a server that does one thing wrong at a time. Its suite needs a machine of \
        its own; the same\nis done here by `tests/src/bad_provider`, which has a switch for each module, and by the tests \
        below. This is no certification. How each came out in a run of `cargo xtask test` stands in `target/conformance.md` \
        afterwards. Made by\n`cargo xtask catalogue` from `tests/conformance.toml`; a test fails when \
        this page is stale or names a test that is not there.\n\n\
        | plan | modules | shown |\n|---|---|---|\n{summary}{tables}"
    ))
}

/// Modules that belong together.
struct Plan {
    title: String,
    name: String,
    modules: Vec<toml::Table>,
}

fn plans(root: &Path) -> Result<Vec<Plan>> {
    let source = table(&root.join("tests/conformance.toml"))?;
    let plans =
        source.get("plan").and_then(toml::Value::as_array).context("conformance.toml has no plans")?;
    let read = |plan: &toml::Value| -> Option<Plan> {
        let plan = plan.as_table()?;
        let modules = plan.get("module")?.as_array()?;
        Some(Plan {
            title: text(plan, "title")?.to_owned(),
            name: text(plan, "name")?.to_owned(),
            modules: modules.iter().map(|module| module.as_table().cloned()).collect::<Option<_>>()?,
        })
    };
    plans.iter().map(|plan| read(plan).context("a plan has a title, a name and modules")).collect()
}

/// How the modules came out in a run.
pub(super) struct Run {
    pub(super) page: String,
    pub(super) summary: String,
}

pub(super) fn run(root: &Path, outcomes: &Outcomes) -> Result<Run> {
    let mut page = String::from("# Conformance in this run\n\n| module | outcome |\n|---|---|\n");
    let (mut passed, mut failed, mut others) = (0_usize, 0_usize, 0_usize);
    for module in plans(root)?.iter().flat_map(|plan| &plan.modules) {
        let name = text(module, "name").context("a module has a name")?;
        let tests = tests(module);
        let told = match outcomes.of(&tests) {
            _ if tests.is_empty() => "does not apply",
            Together::Passed => {
                passed += 1;
                "passed"
            }
            Together::Failed => {
                failed += 1;
                "**failed**"
            }
            Together::NotAllRun => {
                others += 1;
                "not all of its tests were run"
            }
        };
        let _ = writeln!(page, "| `{name}` | {told} |");
    }
    let not_run = if others == 0 { String::new() } else { format!(", {others} not run whole") };
    Ok(Run { page, summary: format!("{passed} passed, {failed} failed{not_run}") })
}

/// A row, and whether a test stands behind it.
fn row(module: &toml::Table, named: &Named) -> Result<(String, bool)> {
    let name = text(module, "name").context("a module has a name")?;
    let said = |key| text(module, key).with_context(|| format!("{name} has no `{key}`"));
    let tests = tests(module);
    let shown = match text(module, "not_applicable") {
        Some(reason) if tests.is_empty() => format!("*Does not apply:* {reason}"),
        None if !tests.is_empty() => named.cell(name, &tests)?,
        Some(_) | None => bail!("{name} names either tests or the reason why it does not apply"),
    };
    Ok((format!("| `{name}` | {} | {} | {shown} |", said("does")?, said("ends")?), !tests.is_empty()))
}
