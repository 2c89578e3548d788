//! The transcripts of docs/agent-protocol.md, replayed before a real agent by another program.

use std::path::Path;

use latchkey_agent::socket;
use latchkey_core::account::AccountName;
use latchkey_engine::config::AccountConfig;
use serde_json::Value;

use crate::agent::{Agent, asking};

const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/agent-protocol.md");

/// What stands for whatever is there.
const ANY: &str = "…";

struct Transcript {
    request: String,
    body: String,
    status: u16,
    answer: Value,
}

fn transcripts() -> Vec<Transcript> {
    let text = std::fs::read_to_string(DOCUMENT).unwrap();
    let blocks = text.split("```transcript\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks
        .map(|block| {
            let (asked, answered) = block.split_once("\n< ").unwrap();
            let (request, body) =
                asked.strip_prefix("> ").unwrap().split_once('\n').unwrap_or((&asked[2..], ""));
            let (status, answer) = answered.split_once('\n').unwrap();
            let answer = serde_json::from_str(answer).unwrap_or_else(|error| panic!("{block}: {error}"));
            let (request, body) = (request.to_owned(), body.to_owned());
            Transcript { request, body, status: status.parse().unwrap(), answer }
        })
        .collect()
}

/// Whether an answer is like the one in the document: the same members, and the same values where it has any.
fn like(answer: &Value, document: &Value) -> bool {
    match (answer, document) {
        (_, Value::String(any)) if any == ANY => true,
        (Value::Object(answer), Value::Object(document)) => {
            let open = document.contains_key(ANY);
            let named = document.iter().filter(|(name, _)| *name != ANY);
            named.clone().all(|(name, value)| answer.get(name).is_some_and(|found| like(found, value)))
                && (open || answer.len() == named.count())
        }
        (Value::Array(answer), Value::Array(document)) => {
            answer.len() == document.len() && answer.iter().zip(document).all(|(one, other)| like(one, other))
        }
        (answer, document) => answer == document,
    }
}

#[tokio::test]
async fn the_documents_transcripts_are_what_is_said() {
    let agent = Agent::signed_in().await;
    let port = agent.world.server().address().port();
    let nobody = AccountConfig { name: AccountName::new("nobody").unwrap(), ..AccountConfig::demo(port) };
    agent.engine.add_account(&nobody, Vec::new()).unwrap();
    let path = agent.folder.path().join(socket::FILE);
    let all = transcripts();
    assert!(all.len() >= 8, "{} transcripts", all.len());
    for Transcript { request, body, status, answer } in all {
        let bytes = format!("{request} HTTP/1.0\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        let out = asking(Path::new("perl"), &path, &bytes).output().await.unwrap();
        let said = String::from_utf8(out.stdout).unwrap();
        let (head, said) = said.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{request}: {said}"));
        assert!(head.starts_with(&format!("HTTP/1.0 {status} ")), "{request}: {head}");
        let said: Value = serde_json::from_str(said).unwrap();
        assert!(like(&said, &answer), "{request}: {said:#} is not like {answer:#}");
    }
}
