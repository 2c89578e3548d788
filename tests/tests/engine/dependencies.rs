//! The list of dependencies in `docs/` names what the manifests name, and nothing else.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

fn needed() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let out = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let metadata: Value = serde_json::from_slice(&out.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let all = packages.flat_map(|package| package["dependencies"].as_array().unwrap());
    let names = all.map(|needed| needed["name"].as_str().unwrap().to_owned());
    names.filter(|name| !name.starts_with("latchkey")).collect()
}

fn told() -> BTreeSet<String> {
    let page = include_str!("../../../docs/dependencies.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    rows.filter_map(|row| row.split('`').next()).map(str::to_owned).collect()
}

#[test]
fn every_direct_dependency_is_said_to_be_for_something() {
    let (needed, told) = (needed(), told());
    let untold: Vec<_> = needed.difference(&told).collect();
    assert!(untold.is_empty(), "say in docs/dependencies.md what these are for: {untold:?}");
    let gone: Vec<_> = told.difference(&needed).collect();
    assert!(gone.is_empty(), "nothing needs these any more; take them off docs/dependencies.md: {gone:?}");
}
