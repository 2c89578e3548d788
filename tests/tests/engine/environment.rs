//! What the environment may tell a program of ours: where things are, and never where tokens go.

use std::collections::BTreeSet;
use std::path::Path;

/// Every variable of ours that is read or set, and what it is for.
const KNOWN: [(&str, &str); 14] = [
    ("LATCHKEY_ACCESS_TOKEN", "given to what `exec` starts"),
    ("LATCHKEY_ACCOUNT", "given to the programs of `on_event`"),
    (
        "LATCHKEY_BENCH_FIRST_PAINT",
        "says on standard error when the window was drawn, for `cargo xtask bench`",
    ),
    ("LATCHKEY_COMPLETE", "set by the completions of a shell"),
    ("LATCHKEY_CONFIG_DIR", "the folder of the configuration"),
    ("LATCHKEY_EVENT", "given to the programs of `on_event`; who has it runs none"),
    ("LATCHKEY_EXPIRES_AT", "given to what `exec` starts"),
    ("LATCHKEY_KEY_FILE", "the file that opens sealed files"),
    ("LATCHKEY_LOG", "how much is logged"),
    ("LATCHKEY_PASSPHRASE_FILE", "the file with the passphrase that opens sealed files"),
    ("LATCHKEY_RUNTIME_DIR", "the folder of the socket"),
    ("LATCHKEY_STATE_DIR", "the folder of the log, the journal and the locks"),
    ("LATCHKEY_TEST_LOCK_DIR", "in a test only"),
    ("LATCHKEY_VAULT", "which vault is used"),
];

fn variables_in(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            variables_in(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let quoted = text.split('"').filter(|quoted| quoted.len() > 9 && quoted.starts_with("LATCHKEY_"));
            let whole = quoted.filter(|name| name.bytes().all(|c| c.is_ascii_uppercase() || c == b'_'));
            found.extend(whole.map(str::to_owned));
        }
    }
}

#[test]
fn every_variable_is_known_and_none_says_where_a_token_goes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut found = BTreeSet::new();
    for folder in ["crates/agent", "crates/cli", "crates/core", "crates/engine", "crates/lab", "src-tauri"] {
        variables_in(&root.join(folder).join("src"), &mut found);
    }
    let known: BTreeSet<String> = KNOWN.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(found, known);
    for (name, _) in KNOWN {
        for address in ["URL", "URI", "HOST", "ISSUER", "ENDPOINT", "SERVER", "PROXY", "TOKEN_", "SECRET"] {
            assert!(!name.contains(address), "{name} sounds like an address or a secret");
        }
    }
}
