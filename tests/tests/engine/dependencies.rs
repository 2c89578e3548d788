//! The list of dependencies in `docs/` names what the manifests name, and nothing else; and one that is not allowed fails
//! the run.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::layering::{cargo, packages, root};

fn needed() -> BTreeSet<String> {
    let packages = packages();
    let all = packages.iter().flat_map(|package| package["dependencies"].as_array().unwrap());
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

/// A package in a folder of its own, with these dependencies beside it.
fn plant(folder: &Path, name: &str, license: &str, needs: &[&str]) {
    let needs: Vec<_> = needs.iter().map(|need| format!("{need} = {{ path = \"{need}\" }}\n")).collect();
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nlicense = \"{license}\"\npublish = false\n\n[dependencies]\n{}",
        needs.concat()
    );
    std::fs::create_dir_all(folder.join("src")).unwrap();
    std::fs::write(folder.join("src/lib.rs"), "").unwrap();
    std::fs::write(folder.join("Cargo.toml"), manifest).unwrap();
}

/// What cargo-deny finds in packages that need this one, by `deny.toml` of this tree: the codes of its errors.
fn found(planted: &str, license: &str) -> Option<BTreeSet<String>> {
    let folder = tempfile::tempdir().unwrap();
    plant(folder.path(), "planted", "MIT", &[planted]);
    plant(&folder.path().join(planted), planted, license, &[]);
    let mut deny = cargo();
    deny.args(["deny", "--offline", "--format", "json", "--config"]).arg(root().join("deny.toml"));
    let out =
        deny.args(["check", "bans", "licenses", "sources"]).current_dir(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr);
    if said.contains("no such command") {
        return None;
    }
    let lines = said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let errors = lines.filter(|line| line["fields"]["severity"] == "error");
    let codes: BTreeSet<_> =
        errors.map(|error| error["fields"]["code"].as_str().unwrap().to_owned()).collect();
    assert_eq!(out.status.success(), codes.is_empty(), "{said}");
    Some(codes)
}

/// Where cargo-deny is missing there is nothing to be seen; a whole run has brought it before this.
#[test]
fn a_dependency_of_a_licence_or_a_name_that_is_not_allowed_fails_the_run() {
    for (planted, license, codes) in [
        ("harmless", "MIT", &[][..]),
        ("copied", "GPL-3.0-only", &["rejected"]),
        ("unlicensed", "LicenseRef-Nobody", &["rejected"]),
        ("openssl-sys", "MIT", &["banned"]),
    ] {
        let Some(found) = found(planted, license) else { return };
        assert_eq!(Vec::from_iter(found), codes, "{planted} under {license}");
    }
}
