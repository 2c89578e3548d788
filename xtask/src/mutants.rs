//! `cargo xtask mutants`: changes what decides, one small thing at a time, and looks whether a test notices. What no test
//! can notice is argued in docs/mutants.md; what is not tried at all stands in `.cargo/mutants.toml`.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::process::{self, interrupt};
use crate::workspace::{Workspace, fresh_private_folder};
use crate::{provision, say};

/// How one file is gone through.
pub(crate) const EXAMPLE: &str = "Example: cargo xtask mutants --file crates/core/src/freshness.rs";

/// What is changed, in the order of how much hangs on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Part {
    /// The session machine, what a failure means, how fresh a token is.
    Session,
    /// The wrapper around signed tokens.
    Jose,
    /// Which programs may have a token.
    Consumers,
    /// Who is let in at the agent's socket, and what is answered.
    Agent,
}

const ALL: [Part; 4] = [Part::Session, Part::Jose, Part::Consumers, Part::Agent];

/// What nextest runs of these packages, until the first test that notices.
const CHOSEN: [&str; 4] = ["--", "--fail-fast", "-E", "kind(lib) | binary(/^engine$/)"];

impl Part {
    fn files(self) -> &'static [&'static str] {
        match self {
            Self::Session => &[
                "crates/core/src/session/**",
                "crates/core/src/disposition.rs",
                "crates/core/src/freshness.rs",
            ],
            Self::Jose => &["crates/engine/src/jose/**"],
            Self::Consumers => &["crates/engine/src/consumers/**"],
            Self::Agent => &["crates/agent/src/server/**", "crates/agent/src/socket*/**"],
        }
    }

    /// Whether a file is one of these.
    fn has(self, file: &str) -> bool {
        self.files().iter().any(|glob| file.starts_with(glob.split('*').next().unwrap_or_default()))
    }

    /// The tests that can notice a change: those in the crate, and for what acts those of the engine in process. They
    /// are chosen by a filter, since cargo-mutants tries the crate alone first, which has no target of that name.
    fn tests(self) -> &'static [&'static str] {
        match self {
            Self::Session => &["--test-package=latchkey-core"],
            Self::Jose | Self::Consumers => &["--test-package=latchkey-engine,latchkey-tests"],
            Self::Agent => {
                &["--features=latchkey-agent/server", "--test-package=latchkey-agent,latchkey-tests"]
            }
        }
    }
}

/// Tries these parts, or all, or only these files of them, or only what of those differs from a revision; `true` if each
/// change was noticed or is argued.
pub(crate) fn mutants(
    workspace: &Workspace,
    only: &[Part],
    files: &[String],
    since: Option<&str>,
    yes: bool,
) -> Result<bool> {
    let chosen = chosen(&workspace.root, only, files)?;
    provision::provide(workspace, &[], &[&provision::MUTANTS, &provision::NEXTEST], yes)?;
    let mut fine = true;
    for (part, files) in chosen {
        interrupt::check()?;
        say::heading(format!("{part:?}"));
        let out = workspace.target.join("mutants").join(format!("{part:?}").to_lowercase());
        // What an earlier run found must not be taken for this one's.
        fresh_private_folder(&out)?;
        let mut command = workspace.cargo();
        command.args(["mutants", "--jobs=1", "--colors=never", "--test-tool=nextest", "--output"]).arg(&out);
        for file in &files {
            command.args(["--file", file]);
        }
        if let Some(since) = since {
            let difference = difference(&workspace.root, since, &files)?;
            if difference.is_empty() {
                say::line(format!("nothing of it differs from {since}"));
                continue;
            }
            let path = out.join("since.diff");
            fs::write(&path, difference).with_context(|| format!("cannot write {}", path.display()))?;
            command.arg("--in-diff").arg(path);
        }
        let noticed = process::stream("mutants", command.args(part.tests()).args(CHOSEN))?.success;
        fine &= noticed || all_argued(workspace, &out.join("mutants.out"))?;
        say::line(format!("what was tried and what became of it: {}", workspace.shown(&out)));
    }
    Ok(fine)
}

/// The parts that are wanted, each with what is changed in it.
fn chosen<'a>(root: &Path, only: &[Part], files: &'a [String]) -> Result<Vec<(Part, Vec<&'a str>)>> {
    let parts = ALL.into_iter().filter(|part| only.is_empty() || only.contains(part));
    if files.is_empty() {
        return Ok(parts.map(|part| (part, part.files().to_vec())).collect());
    }
    let parts: Vec<_> = parts.collect();
    for file in files {
        if !parts.iter().any(|part| part.has(file)) || !root.join(file).is_file() {
            bail!("{file} is no file of {parts:?}; docs/mutants.md says what is changed");
        }
    }
    let of =
        |part: Part| files.iter().map(String::as_str).filter(move |file| part.has(file)).collect::<Vec<_>>();
    Ok(parts.into_iter().map(|part| (part, of(part))).filter(|(_, files)| !files.is_empty()).collect())
}

/// How these files differ from a revision, as git tells it.
fn difference(root: &Path, revision: &str, files: &[&str]) -> Result<Vec<u8>> {
    let mut git = Command::new("git");
    git.current_dir(root).args(["diff", "--no-color", "--no-ext-diff", revision, "--"]);
    let output = git.args(files.iter().map(|file| format!(":(glob){file}"))).output();
    let output = output.context("`git` cannot be started")?;
    if !output.status.success() {
        bail!("git knows no revision {revision}, or this is no checkout");
    }
    Ok(output.stdout)
}

/// Whether something was tried, and docs/mutants.md argues each change that no test noticed.
fn all_argued(workspace: &Workspace, out: &Path) -> Result<bool> {
    let read =
        |path: &Path| fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
    let page = read(&workspace.root.join("docs/mutants.md"))?;
    let (missed, slow) = (read(&out.join("missed.txt"))?, read(&out.join("timeout.txt"))?);
    // Neither: the tests did not even pass on what stands there.
    let mut fine = !(missed.is_empty() && slow.is_empty());
    for change in missed.lines() {
        let path = change.split(':').next().unwrap_or_default();
        let source = read(&workspace.root.join(path))?;
        let known = argued(&page).any(|row| row.file == path && row.is_about(change, &source));
        say::line(format!("{}: {change}", if known { "argued" } else { "NOT NOTICED" }));
        fine &= known;
    }
    Ok(fine)
}

/// Code of which docs/mutants.md argues that no test can notice how it is changed.
struct Argued {
    file: String,
    stands: String,
}

impl Argued {
    /// Whether this change, as cargo-mutants names it, is one of that code in its file:
    /// `crates/core/src/freshness.rs:31:9: replace > with >= in …`.
    fn is_about(&self, change: &str, source: &str) -> bool {
        let mut pieces = change.splitn(4, ':');
        let (Some(_), Some(line), Some(column), Some(what)) =
            (pieces.next(), pieces.next(), pieces.next(), pieces.next())
        else {
            return false;
        };
        if let Some(function) = self.stands.strip_prefix("fn ") {
            let name: String =
                function.chars().take_while(|sign| sign.is_alphanumeric() || *sign == '_').collect();
            let whole = what.split(" with ").next().unwrap_or_default();
            return whole.split([' ', ':']).any(|word| word == name);
        }
        let (Ok(line), Ok(column)) = (line.parse::<usize>(), column.parse::<usize>()) else { return false };
        let line = source.lines().nth(line.saturating_sub(1)).unwrap_or_default();
        line.find(&self.stands).is_some_and(|start| (start + 1..=start + self.stands.len()).contains(&column))
    }
}

/// The rows of that page.
fn argued(page: &str) -> impl Iterator<Item = Argued> {
    let rows = page.split_once("## Argued").unwrap_or_default().1.lines();
    rows.filter(|line| line.starts_with("| `")).map(|row| {
        let mut cells = row.trim_matches('|').split(" | ").map(code);
        Argued { file: cells.next().unwrap_or_default(), stands: cells.next().unwrap_or_default() }
    })
}

/// The text of a cell that stands in backticks; `\|` is how a table writes a bar.
fn code(cell: &str) -> String {
    cell.split('`').nth(1).unwrap_or_default().replace("\\|", "|")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
    }

    #[test]
    fn what_is_changed_is_there() {
        for file in ALL.into_iter().flat_map(Part::files) {
            let fixed = file.split('*').next().unwrap_or_default();
            assert!(root().join(fixed).exists(), "{file}");
        }
    }

    #[test]
    fn a_file_is_looked_for_in_the_parts_that_are_wanted() {
        let of = |parts: &[Part], files: &[&str]| {
            let files: Vec<_> = files.iter().map(|&file| file.to_owned()).collect();
            let chosen = chosen(root(), parts, &files).ok()?;
            Some(chosen.into_iter().map(|(part, files)| (part, files.join(" "))).collect::<Vec<_>>())
        };
        let (fresh, key) = ("crates/core/src/freshness.rs", "crates/engine/src/jose/key_set.rs");
        let both = vec![(Part::Session, fresh.to_owned()), (Part::Jose, key.to_owned())];
        assert_eq!(of(&[], &[key, fresh]).unwrap(), both);
        assert_eq!(of(&[Part::Jose], &[key]).unwrap(), both[1..]);
        assert_eq!(of(&[Part::Agent], &[key]), None, "another part's");
        assert_eq!(of(&[], &["crates/engine/src/jose/gone.rs"]), None);
        assert_eq!(of(&[], &["crates/core/src/policy.rs"]), None, "no part's");
        assert_eq!(of(&[], &[]).unwrap().len(), ALL.len());
    }

    #[test]
    fn only_a_change_of_what_is_argued_is_argued() {
        let page = "| `a.rs` | `b` | before |\n## Argued\n| in | stands |\n|---|---|\n| `a.rs` | `x != y` | `==` | why |\n\
                    | `a.rs` | `fn look(` | nothing | why |\n";
        let argued: Vec<_> = argued(page).collect();
        assert_eq!(argued.len(), 2);
        let source = "fn look(x: u8) -> bool {\n    a == b && x != y\n}\n";
        let known = |change: &str| argued.iter().any(|row| row.is_about(change, source));
        assert!(known("a.rs:2:17: replace != with == in look"));
        assert!(known("a.rs:2:5: replace <impl A for B>::look -> bool with true"));
        assert!(!known("a.rs:2:7: replace == with != in look"), "the other half of the line");
        assert!(!known("a.rs:2:12: replace && with || in look"));
        assert!(!known("a.rs:2:5: replace looked -> bool with true"));
    }

    #[test]
    fn every_change_that_is_argued_is_of_code_that_stands_there() {
        let page = fs::read_to_string(root().join("docs/mutants.md")).unwrap();
        let rows: Vec<_> = argued(&page).collect();
        assert!(rows.len() > 4, "{}", rows.len());
        for Argued { file, stands } in rows {
            let source = fs::read_to_string(root().join(&file)).unwrap_or_else(|_| panic!("{file} is gone"));
            assert!(!stands.is_empty() && source.contains(&stands), "{file} has no `{stands}` any more");
        }
    }
}
