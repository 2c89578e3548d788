//! The architecture's invariants that neither the compiler nor a lint keeps: who depends on whom, who mentions what,
//! how long a file may be.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

const MAX_LINES: usize = 400;

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

pub(crate) fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// What cargo says of each of our packages.
pub(crate) fn packages() -> Vec<Value> {
    let out = cargo()
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    let metadata: Value = serde_json::from_slice(&out.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

/// What each of them depends on for life (not for its tests), by name.
fn direct_dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let mut found = BTreeMap::new();
    for package in packages() {
        let needed =
            package["dependencies"].as_array().unwrap().iter().filter(|needed| needed["kind"] != "dev");
        let names = needed.map(|needed| needed["name"].as_str().unwrap().to_owned()).collect();
        found.insert(package["name"].as_str().unwrap().to_owned(), names);
    }
    found
}

/// Everything that a package pulls in on this platform, however far away.
fn whole_tree(package: &str) -> BTreeSet<String> {
    let text = tree(package, "{p}");
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

/// What `cargo tree` says of a package, a line for each that it pulls in.
fn tree(package: &str, format: &str) -> String {
    let out = cargo()
        .args([
            "tree",
            "--offline",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            format,
            "--package",
            package,
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    String::from_utf8(out.stdout).unwrap()
}

/// Our source files with one of these endings below a folder; what tools made or fetched is none of ours.
fn sources(below: &str, endings: &[&str]) -> Vec<PathBuf> {
    const NOT_OURS: [&str; 5] = ["target", "node_modules", "dist", "gen", "bindings.ts"];
    let (mut found, mut folders) = (Vec::new(), vec![root().join(below)]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if NOT_OURS.contains(&name.as_str()) || name.starts_with('.') {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| endings.iter().any(|known| ending == *known)) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

/// The files below a folder that mention one of these in code that is no test (comments may speak of anything).
fn mentioning(below: &str, words: &[&str]) -> BTreeSet<String> {
    let mentions = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        let mut code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        code.any(|line| words.iter().any(|word| line.contains(word)))
    };
    let product = |path: &String| !path.contains("/tests/") && !path.ends_with("/tests.rs");
    sources(below, &["rs"]).into_iter().filter(mentions).map(|path| shown(&path)).filter(product).collect()
}

#[test]
fn the_core_reaches_no_network_no_disk_no_clock_and_no_randomness() {
    let tree = whole_tree("latchkey-core");
    for forbidden in [
        "tokio",
        "reqwest",
        "hyper",
        "axum",
        "keyring-core",
        "zbus",
        "getrandom",
        "rand",
        "tempfile",
        "tauri",
    ] {
        assert!(!tree.contains(forbidden), "latchkey-core depends on {forbidden}");
    }
    let reading = [
        "SystemTime",
        "Instant::now",
        "Timestamp::now",
        "Zoned::now",
        "std::fs",
        "std::net",
        "std::env",
        "std::process",
        "std::io",
        "std::thread",
        "getrandom",
        "rand::",
        "println!",
        "eprintln!",
    ];
    assert_eq!(mentioning("crates/core/src", &reading), BTreeSet::new());
}

#[test]
fn dependencies_point_one_way() {
    let packages = direct_dependencies();
    let ours: BTreeSet<&String> = packages.keys().collect();
    let allowed: BTreeMap<&str, &[&str]> = BTreeMap::from([
        ("latchkey-core", &[][..]),
        ("latchkey-devserver", &[][..]),
        ("latchkey-engine", &["latchkey-core"][..]),
        ("latchkey-agent", &["latchkey-core", "latchkey-engine", "latchkey-windows"][..]),
        ("latchkey-windows", &[][..]),
        ("latchkey-lab", &["latchkey-core", "latchkey-engine", "latchkey-devserver"][..]),
        (
            "latchkey",
            &["latchkey-core", "latchkey-engine", "latchkey-agent", "latchkey-devserver", "latchkey-lab"][..],
        ),
        (
            "latchkey-desktop",
            &["latchkey-core", "latchkey-engine", "latchkey-agent", "latchkey-devserver", "latchkey-lab"][..],
        ),
    ]);
    for (package, allowed) in allowed {
        let needed = packages.get(package).unwrap_or_else(|| panic!("there is no package {package}"));
        let wrong: Vec<_> =
            needed.iter().filter(|name| ours.contains(name) && !allowed.contains(&name.as_str())).collect();
        assert!(wrong.is_empty(), "{package} depends on {wrong:?}");
    }
}

#[test]
fn one_package_sends_http_one_touches_the_keychain_and_one_knows_tauri() {
    let packages = direct_dependencies();
    let who = |needs: &dyn Fn(&str) -> bool| -> Vec<&str> {
        let product =
            packages.iter().filter(|(name, _)| !matches!(name.as_str(), "latchkey-tests" | "xtask"));
        product
            .filter(|(_, needed)| needed.iter().any(|name| needs(name)))
            .map(|(name, _)| name.as_str())
            .collect()
    };
    assert_eq!(who(&|name| name == "reqwest"), ["latchkey-engine"]);
    assert_eq!(who(&|name| name.contains("keyring")), ["latchkey-engine"]);
    let tauri = who(&|name| name == "tauri" || name.starts_with("tauri-"));
    assert!(
        tauri.iter().all(|name| name.starts_with("latchkey-desktop") || *name == "empty-window"),
        "{tauri:?}"
    );
}

#[test]
fn one_package_has_unsafe_code() {
    let mut allowing = mentioning("crates", &["unsafe_code", "unsafe {", "unsafe fn", "unsafe impl"]);
    for below in ["src-tauri/src", "xtask/src"] {
        allowing.extend(mentioning(below, &["unsafe_code", "unsafe {", "unsafe fn", "unsafe impl"]));
    }
    let outside: Vec<_> = allowing.iter().filter(|path| !path.starts_with("crates/windows/src/")).collect();
    assert!(outside.is_empty(), "{outside:?}");
    assert!(!allowing.is_empty(), "nothing was looked at");
}

#[test]
fn one_room_makes_http_clients_and_one_folder_touches_the_keychain() {
    let mut clients = BTreeSet::new();
    let mut keychain = BTreeSet::new();
    for below in ["crates", "src-tauri/src"] {
        clients.extend(mentioning(below, &["reqwest::Client", "ClientBuilder"]));
        keychain.extend(mentioning(below, &["keyring_core", "keyring_store", "secret_service"]));
    }
    let http = ["crates/engine/src/http.rs", "crates/engine/src/http/forward.rs"];
    assert_eq!(clients, BTreeSet::from(http.map(str::to_owned)));
    let outside: Vec<_> =
        keychain.iter().filter(|path| !path.starts_with("crates/engine/src/vault/keychain/")).collect();
    assert!(outside.is_empty(), "{outside:?}");
}

#[test]
fn the_refresh_token_is_taken_out_of_its_type_in_few_places() {
    let exposing = mentioning("crates", &[".expose()"]);
    let inside: Vec<_> = exposing
        .iter()
        .filter(|path| !path.starts_with("crates/engine/") && !path.starts_with("crates/core/"))
        .collect();
    // The terminal and the agent hand out an access token where a person or a program asked for one.
    let answers = "crates/agent/src/server/answers.rs";
    let few = inside.iter().all(|path| path.starts_with("crates/cli/src/") || *path == answers);
    assert!(few && inside.len() <= 4, "{inside:?}");
    for below in ["crates/cli/src", "crates/agent/src", "src-tauri/src"] {
        assert!(mentioning(below, &["RefreshToken"]).is_empty(), "{below}");
    }
}

#[test]
fn the_program_that_is_started_for_every_token_uses_nothing_but_the_agents_client() {
    let ours =
        ["latchkey_core", "latchkey_engine", "latchkey_agent::server", "latchkey_agent::proxy", "crate::"];
    let big = ["tokio", "clap", "jiff", "tracing"];
    let wrong = mentioning("crates/cli/src/front", &[&ours[..], &big[..]].concat());
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[test]
fn only_what_clocks_are_made_of_sleeps_and_no_test_does() {
    let sleeps = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        ["thread", "time"].iter().any(|of| text.contains(&format!("{of}::sleep(")))
    };
    let below = ["crates", "src-tauri", "tests", "xtask"].map(|below| sources(below, &["rs"]));
    let found: Vec<_> = below.iter().flatten().filter(|path| sleeps(path)).map(|path| shown(path)).collect();
    let clocks = [
        // Another process is waited for, which nobody tells of.
        "crates/agent/src/socket/unix.rs",
        "crates/devserver/src/clock.rs",
        "crates/engine/src/clock/mod.rs",
        "tests/src/simulation/kill.rs",
        "tests/src/wait.rs",
        "xtask/src/clock.rs",
    ];
    assert_eq!(found, clocks, "wait for a state (tests/src/wait.rs) or move the manual clock");
}

#[test]
fn no_file_is_longer_than_a_reader_can_hold() {
    let endings = ["rs", "ts", "svelte", "css", "js", "mjs"];
    let mut long = Vec::new();
    for below in ["crates", "src-tauri/src", "xtask", "tests", "ui/src"] {
        for path in sources(below, &endings) {
            let lines = std::fs::read_to_string(&path).unwrap().lines().count();
            if lines > MAX_LINES {
                long.push(format!("{}: {lines}", shown(&path)));
            }
        }
    }
    assert!(long.is_empty(), "files over {MAX_LINES} lines: {long:#?}");
}

#[test]
fn a_release_of_the_app_has_no_inspector_in_it() {
    let tree = tree("latchkey-desktop", "{p} [{f}]");
    for name in ["tauri", "tauri-runtime-wry", "wry"] {
        let line = tree.lines().find(|line| line.starts_with(&format!("{name} v")));
        let line = line.unwrap_or_else(|| panic!("{name} is not in the tree"));
        // Debug builds have it without any feature.
        assert!(!line.contains("devtools"), "{line}");
    }
}
