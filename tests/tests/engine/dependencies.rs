//! The list of dependencies in `docs/` names what the manifests name, and nothing else; and one that is not allowed fails
//! the run.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

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
    let codes = codes(&said);
    assert_eq!(out.status.success(), codes.is_empty(), "{said}");
    Some(codes)
}

/// The codes of the errors in what cargo-deny says.
fn codes(said: &str) -> BTreeSet<String> {
    let lines = said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let errors = lines.filter(|line| line["fields"]["severity"] == "error");
    errors.map(|error| error["fields"]["code"].as_str().unwrap().to_owned()).collect()
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

/// An address that nothing is asked at, and what cargo-deny calls the folder of what it would have fetched there.
const ADVISORIES: &str = "https://advisories.invalid/planted";
const FETCHED: &str = "planted-debdab517d30029a";

/// What cargo-deny says of this tree by its `deny.toml`, when a dependency is known to have this fault and nothing else
/// is known of any.
fn advised(id: &str, package: &str, patched: &str) -> std::process::Output {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join(FETCHED);
    let about = database.join("crates").join(package);
    std::fs::create_dir_all(&about).unwrap();
    let advisory = format!(
        "```toml\n[advisory]\nid = \"{id}\"\npackage = \"{package}\"\ndate = \"2026-01-01\"\n\n\
         [versions]\npatched = [\"{patched}\"]\n```\n\n# Planted\n\nNothing is wrong with it.\n"
    );
    std::fs::write(about.join(format!("{id}.md")), advisory).unwrap();
    let who = ["-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"];
    for words in [&["init", "--quiet"][..], &["add", "--all"], &["commit", "--quiet", "--message", "Plant"]] {
        let done = Command::new("git").args(who).args(words).current_dir(&database).status().unwrap();
        assert!(done.success(), "git {words:?}");
    }
    let ours = std::fs::read_to_string(root().join("deny.toml")).unwrap();
    let place = folder.path().display();
    let planted = format!("[advisories]\ndb-path = \"{place}\"\ndb-urls = [\"{ADVISORIES}\"]\n");
    // Whether a version was withdrawn is asked of the registry.
    let config =
        ours.replacen("[advisories]\n", &planted, 1).replacen("yanked = \"deny\"", "yanked = \"allow\"", 1);
    let path = folder.path().join("deny.toml");
    std::fs::write(&path, config).unwrap();
    let mut deny = cargo();
    deny.args(["deny", "--offline", "--format", "json", "--config"]).arg(&path).args(["check", "advisories"]);
    deny.current_dir(root()).output().unwrap()
}

#[test]
fn a_dependency_with_a_known_fault_fails_the_run_until_it_is_mended_or_excused() {
    for (id, patched, codes_of_errors) in [
        ("RUSTSEC-2026-9001", ">= 9999.0.0", &["vulnerability"][..]),
        ("RUSTSEC-2026-9001", ">= 0.0.1", &[]),
        // Among the excused ones in deny.toml.
        ("RUSTSEC-2024-0436", ">= 9999.0.0", &[]),
    ] {
        let out = advised(id, "serde", patched);
        let said = String::from_utf8_lossy(&out.stderr);
        if said.contains("no such command") {
            return;
        }
        assert_eq!(Vec::from_iter(codes(&said)), codes_of_errors, "{id} {patched}: {said}");
        assert_eq!(out.status.success(), codes_of_errors.is_empty(), "{said}");
    }
}
