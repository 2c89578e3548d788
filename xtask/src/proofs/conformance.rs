//! `docs/conformance.md`: the modules of the OpenID Foundation's conformance suite for clients, each with the test that
//! does the same to us.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::named::Named;
use super::{table, tests, text};

pub(super) fn page(root: &Path, named: &Named) -> Result<String> {
    let source = table(&root.join("tests/conformance.toml"))?;
    let plans =
        source.get("plan").and_then(toml::Value::as_array).context("conformance.toml has no plans")?;
    let (mut tables, mut summary) = (String::new(), String::new());
    for plan in plans {
        let plan = plan.as_table().context("a plan is a table")?;
        let title = text(plan, "title").context("a plan has a title")?;
        let name = text(plan, "name").context("a plan has a name")?;
        let modules = plan.get("module").and_then(toml::Value::as_array).context("a plan has modules")?;
        let _ = write!(
            tables,
            "\n## {title}\n\n`{name}`\n\n| module | what the server does | our outcome | shown by |\n|---|---|---|---|\n"
        );
        let mut shown = 0;
        for module in modules {
            let (row, has_test) = row(module.as_table().context("a module is a table")?, named)?;
            shown += usize::from(has_test);
            let _ = writeln!(tables, "{row}");
        }
        let _ = writeln!(summary, "| {title} | {} | {shown} |", modules.len());
    }
    Ok(format!(
        "# Conformance\n\n\
        The OpenID Foundation tests clients with a server that does one thing wrong at a time. Its suite needs a machine of \
        its own; the same\nis done here by `tests/src/bad_provider`, which has a switch for each module, and by the tests \
        below. This is no certification. Made by\n`cargo xtask catalogue` from `tests/conformance.toml`; a test fails when \
        this page is stale or names a test that is not there.\n\n\
        | plan | modules | shown |\n|---|---|---|\n{summary}{tables}"
    ))
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
