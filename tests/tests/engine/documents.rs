//! Documents that name tests: what they name is there.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The names of all tests in these sources, each with the file or module it stands in.
fn tests_below(folder: &Path, found: &mut BTreeSet<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !matches!(name.as_str(), "node_modules" | "target" | ".next" | "snapshots") {
            tests_below(&path, found);
        } else if let Some(stem) = name.strip_suffix(".rs") {
            // `jar_tests.rs` and `jar/tests.rs` hold the tests of `jar`.
            let module = match stem {
                "tests" => folder.file_name().unwrap().to_string_lossy().into_owned(),
                _ => stem.strip_suffix("_tests").unwrap_or(stem).to_owned(),
            };
            let text = std::fs::read_to_string(&path).unwrap();
            let names = text.lines().filter_map(|line| {
                let line = line.trim_start();
                line.strip_prefix("async fn ")
                    .or_else(|| line.strip_prefix("fn "))?
                    .split_once('(')
                    .map(|(name, _)| name)
            });
            found.extend(names.map(|name| (module.clone(), name.to_owned())));
        }
    }
}

#[test]
fn every_test_that_the_guide_for_nextauth_names_is_there() {
    let mut found = BTreeSet::new();
    for folder in ["crates", "tests/tests"] {
        tests_below(&root().join(folder), &mut found);
    }
    let guide = std::fs::read_to_string(root().join("docs/from-nextauth.md")).unwrap();
    let quoted = guide.split('`').skip(1).step_by(2);
    let named: Vec<_> = quoted
        .filter_map(|text| text.split_once("::"))
        .filter(|(module, test)| !module.contains(' ') && test.contains('_'))
        .collect();
    assert!(named.len() >= 25, "{} names", named.len());
    for (module, test) in named {
        assert!(found.contains(&(module.to_owned(), test.to_owned())), "{module}::{test}");
    }
}
