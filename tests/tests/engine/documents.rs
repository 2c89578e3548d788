//! Documents hold what the code says: the tests that they name are there, and so are the answers of the agent.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use latchkey_devserver::{DevServer, Options};
use serde_json::Value;

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

/// The members of an object, and of those in it.
fn members(value: &Value) -> BTreeSet<String> {
    let of = |(name, inner): (&String, &Value)| {
        let below = members(inner).into_iter().map(|below| format!("{name}.{below}")).collect::<Vec<_>>();
        [vec![name.clone()], below].concat()
    };
    value.as_object().into_iter().flatten().flat_map(of).collect()
}

/// The development backend is one that needs no further settings, and accounts of it sign in and renew in the other tests.
#[tokio::test]
async fn a_rest_login_as_the_guide_has_it_is_what_an_account_expects_without_further_settings() {
    let listen = "127.0.0.1:0".parse().unwrap();
    let backend = DevServer::start(Options { listen, ..Options::default() }).await.unwrap();
    let page = std::fs::read_to_string(root().join("docs/guide/developer.md")).unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut refresh_token = Value::Null;
    let transcripts: Vec<_> =
        page.split("```rest\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(transcripts.len(), 2);
    for transcript in transcripts {
        let [ask, sent, status, answered] = transcript.lines().collect::<Vec<_>>()[..] else {
            panic!("{transcript}")
        };
        let mut sent: Value = serde_json::from_str(sent).unwrap();
        if let Some(token) = sent.get_mut("token") {
            *token = refresh_token.clone();
        }
        let url = format!("{}{}", backend.url(), ask.strip_prefix("POST ").unwrap());
        let answer = client.post(url).json(&sent).send().await.unwrap();
        assert_eq!(answer.status().as_str(), status);
        let answer: Value = answer.json().await.unwrap();
        let expected = members(&serde_json::from_str(answered).unwrap());
        assert!(expected.is_subset(&members(&answer)), "{expected:?}: {:?}", members(&answer));
        refresh_token = answer["refreshToken"].clone();
    }
}

/// What the engine says no with and nobody hears over the socket: it takes a person to sign in, and no account is added there.
const NOT_OVER_THE_SOCKET: [&str; 4] =
    ["account_exists", "wrong_credentials", "cookie_not_opened", "cancelled"];

/// The texts in quotes between two marks of a source.
fn quoted_between(source: &str, from: &str, to: &str) -> Vec<String> {
    let (_, rest) = source.split_once(from).unwrap();
    let part = rest.split(to).next().unwrap();
    part.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn every_code_with_which_the_agent_says_no_stands_in_its_protocol() {
    let read = |path: &str| std::fs::read_to_string(root().join("crates").join(path)).unwrap();
    let mut codes = quoted_between(&read("engine/src/error.rs"), "fn code(&self)", "\n    }\n");
    codes.extend(quoted_between(&read("engine/src/consumers/consent.rs"), "fn code(self)", "\n    }\n"));
    for file in ["agent/src/server/answers.rs", "agent/src/server/routes.rs"] {
        // `StatusCode::NOT_FOUND, "not_found"`, on one line or on two.
        let text = read(file);
        let own = text.split("StatusCode::").skip(1).filter_map(|rest| rest.split_once(','));
        let own = own.filter(|(status, _)| status.chars().all(|c| c.is_ascii_uppercase() || c == '_'));
        codes.extend(own.filter_map(|(_, rest)| {
            Some(rest.trim_start().strip_prefix('"')?.split('"').next()?.to_owned())
        }));
    }
    assert!(codes.len() >= 20, "{codes:?}");
    let page = std::fs::read_to_string(root().join("docs/agent-protocol.md")).unwrap();
    let told =
        |code: &String| page.contains(&format!("`{code}`")) || NOT_OVER_THE_SOCKET.contains(&code.as_str());
    let untold: Vec<_> = codes.iter().filter(|code| !told(code)).collect();
    assert!(untold.is_empty(), "{untold:?}");
}
