//! Whether there are examples in documentation comments that cargo would compile and run.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

/// Whether any documentation comment holds an example to compile. Asked because cargo spends seconds on each crate to
/// find out that there is none.
pub(crate) fn any(folder: &Path) -> Result<bool> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let path = entry?.path();
        let found = if path.is_dir() {
            any(&path)?
        } else {
            path.extension().is_some_and(|ending| ending == "rs")
                && holds_doctest(&fs::read_to_string(&path)?)
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

fn holds_doctest(source: &str) -> bool {
    const OF_RUST: [&str; 5] = ["", "rust", "no_run", "should_panic", "compile_fail"];
    let mut open = false;
    for line in source.lines() {
        let line = line.trim_start();
        let Some(text) = line.strip_prefix("///").or_else(|| line.strip_prefix("//!")) else {
            open = false;
            continue;
        };
        let Some(language) = text.trim().strip_prefix("```") else { continue };
        if open {
            open = false;
            continue;
        }
        open = true;
        if language.split(',').all(|word| OF_RUST.contains(&word.trim())) {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_in_rust_are_doctests_and_drawings_are_not() {
        assert!(holds_doctest("/// Adds.\n///\n/// ```\n/// add(1);\n/// ```\nfn add() {}"));
        assert!(holds_doctest("//! ```rust,no_run\n//! x();\n//! ```"));
        assert!(!holds_doctest("/// ```text\n/// a -> b\n/// ```\nfn f() {}"));
        assert!(!holds_doctest("//! ```mermaid\n//! a\n//! ```\n//! then ends"));
        assert!(!holds_doctest("/// ```ignore\n/// x\n/// ```"));
        assert!(!holds_doctest("// ```\nlet text = \"```\";"));
    }
}
