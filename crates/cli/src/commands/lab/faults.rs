//! Planning faults at a server that runs, over its test control.

use latchkey_devserver::{Fault, Rule};
use latchkey_engine::config::{Url, is_loopback};
use latchkey_engine::http::{Http, Request};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::args::{At, PlanFault};
use crate::failure::Failure;
use crate::output;

/// What the test control answers.
#[derive(Deserialize)]
struct Planned {
    planned: Vec<Fault>,
}

pub(super) async fn plan(args: PlanFault) -> Result<(), Failure> {
    let mut headers = std::collections::BTreeMap::new();
    for header in &args.header {
        let (name, value) = header
            .split_once(':')
            .ok_or_else(|| Failure::wrong_use(format!("`{header}` is no header; write `Name: value`")))?;
        headers.insert(name.trim().to_owned(), value.trim().to_owned());
    }
    let mut fault = Fault::new(args.path, args.mode);
    fault.status = args.status;
    fault.ms = args.wait.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
    fault.count = args.count;
    fault.nth = args.nth;
    fault.probability = args.probability;
    fault.seed = args.seed;
    fault.ahead_secs = args.ahead.map(|ahead| ahead.as_secs());
    fault.headers = headers;
    fault.body = args.body;
    let body =
        serde_json::to_value(&fault).map_err(|_| Failure::failed("this fault cannot be written as JSON"))?;
    let planned: Planned = ask(&args.at, "POST", Some(&body)).await?;
    if let Some(newest) = planned.planned.last() {
        output::say(&format!("Planned: {}", in_words(newest)));
    }
    Ok(())
}

pub(super) async fn list(at: &At, json: bool) -> Result<(), Failure> {
    let planned: Planned = ask(at, "GET", None).await?;
    if json {
        return output::json(&planned.planned);
    }
    if planned.planned.is_empty() {
        output::say("Nothing is planned");
        return Ok(());
    }
    output::value(&planned.planned.iter().map(in_words).collect::<Vec<_>>().join("\n"))
}

pub(super) async fn clear(at: &At) -> Result<(), Failure> {
    let cleared: Value = ask(at, "DELETE", None).await?;
    output::say(&format!("Cleared: {}", cleared.get("cleared").and_then(Value::as_u64).unwrap_or_default()));
    Ok(())
}

/// The rules that a development backend at this address was told to break; none where no such backend runs.
pub(super) async fn broken_rules(url: &Url) -> Vec<Rule> {
    #[derive(Deserialize)]
    struct Told {
        broken: Vec<String>,
    }
    let (Ok(http), Ok(url), true) = (Http::new(), url.join("/__rules"), is_loopback(url)) else {
        return Vec::new();
    };
    let Ok(reply) = http.send(Request::get(&url)).await else { return Vec::new() };
    let told = serde_json::from_slice::<Told>(&reply.body).map(|told| told.broken).unwrap_or_default();
    told.iter().filter_map(|name| name.parse().ok()).collect()
}

async fn ask<T: serde::de::DeserializeOwned>(
    at: &At,
    method: &str,
    body: Option<&Value>,
) -> Result<T, Failure> {
    let no_address = || Failure::wrong_use(format!("`{}` is no address of this machine", at.url));
    let url: Url = at.url.parse().map_err(|_| no_address())?;
    if !is_loopback(&url) {
        return Err(no_address()
            .hint("faults are planned at a development backend or a lab proxy, which listen on loopback"));
    }
    let url = url.join("/__fault").map_err(|_| no_address())?;
    let request = match (method, body) {
        ("POST", Some(body)) => Request::post_value(&url, body),
        ("DELETE", _) => Request::delete(&url),
        _ => Request::get(&url),
    };
    let reply = Http::new()?.send(request).await.map_err(|_| {
        let what = Failure::unreachable(format!("nothing answers at {}", at.url));
        if url.scheme() == "https" {
            return what.hint(
                "start `latchkey lab proxy --tls --ca-file lab-ca.pem`, and put SSL_CERT_FILE=lab-ca.pem before this command",
            );
        }
        what.hint("start `latchkey devserver` or `latchkey lab proxy`, or name its address with --url")
    })?;
    if reply.is_success()
        && let Ok(answer) = serde_json::from_slice(&reply.body)
    {
        return Ok(answer);
    }
    let said: Value = serde_json::from_slice(&reply.body).unwrap_or_else(|_| json!({}));
    match said.get("error_description").and_then(Value::as_str) {
        Some(why) => Err(Failure::wrong_use(why.to_owned())),
        None => {
            Err(Failure::failed(format!("{} has no test control (it answered {})", at.url, reply.status)))
        }
    }
}

fn in_words(fault: &Fault) -> String {
    let often = match fault.count {
        -1 => "until it is cleared".to_owned(),
        1 => "once".to_owned(),
        count => format!("{count} times"),
    };
    let from = if fault.nth > 1 { format!(", from request {} on", fault.nth) } else { String::new() };
    let seed = fault.seed.map(|seed| format!(", with probability {} from seed {seed}", fault.probability));
    format!("{} at {}, {often}{from}{}", fault.mode.name(), fault.path, seed.unwrap_or_default())
}
