//! The page as it is served: with the words of its language, and with the sessions where they are known by then. What it
//! has to ask for comes later: the words need its script first, and the sessions a frame of their own (Tauri's isolation)
//! and its timers, which is longer than all the rest of the page's opening.

use std::borrow::Cow;

use latchkey_engine::snapshot::StateName;
use serde::Serialize;
use tauri::http::{Request, Response};
use tauri::{AppHandle, Manager as _, Runtime};

use crate::shell::Shell;
use crate::words::Tongue;

/// What is served first; scripts and styles are separate.
const PATH: &str = "/index.html";

/// After this, in the page: before its own script, which is run after what stands before it.
const HEAD: &str = "<head>";

/// Puts the words and the sessions into the page.
pub(crate) fn fill_in<R: Runtime>(
    app: &AppHandle<R>,
    spoken: Tongue,
    request: &Request<Vec<u8>>,
    response: &mut Response<Cow<'static, [u8]>>,
) {
    if request.uri().path() != PATH {
        return;
    }
    let parts: String = [words(app, spoken), sessions(app)].into_iter().flatten().collect();
    if let Some(page) = filled(response.body(), &parts) {
        *response.body_mut() = Cow::Owned(page);
    }
}

/// The script with the words of a language, which the page would fetch by itself once it runs.
fn words<R: Runtime>(app: &AppHandle<R>, spoken: Tongue) -> Option<String> {
    let begin = format!("/assets/{}-", spoken.code());
    let assets = app.asset_resolver();
    let script = assets.iter().map(|(name, _)| name).find(|name| name.starts_with(&begin))?;
    Some(format!(r#"<script type="module" src=".{script}"></script>"#))
}

/// The sessions as data. While one is still being read the page asks, as it does for all that changes.
fn sessions<R: Runtime>(app: &AppHandle<R>) -> Option<String> {
    let sessions = app.try_state::<Shell>()?.sessions();
    let read = sessions.iter().all(|session| session.state != StateName::Waiting);
    read.then(|| data("sessions", &sessions)).flatten()
}

/// A block of data in a page that is no script.
fn data(id: &str, value: &impl Serialize) -> Option<String> {
    // Names and messages that came from servers are in it: none of them can end the block.
    let data = serde_json::to_string(value).ok()?.replace('<', "\\u003c");
    Some(format!(r#"<script id="{id}" type="application/json">{data}</script>"#))
}

/// The page with these parts at the start of its head; none where it has no place for them.
fn filled(page: &[u8], parts: &str) -> Option<Vec<u8>> {
    let (before, after) = std::str::from_utf8(page).ok()?.split_once(HEAD)?;
    Some([before, HEAD, parts, after].concat().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_world::session;

    #[test]
    fn no_name_in_the_sessions_of_a_page_is_markup() {
        let mut hostile = session("work", StateName::SignedOut);
        hostile.account = "</script><script>alert(1)</script><!--".to_owned();
        let block = data("sessions", &[&hostile]).unwrap();
        let data = block.strip_prefix(r#"<script id="sessions" type="application/json">"#).unwrap();
        let data = data.strip_suffix("</script>").unwrap();
        assert!(!data.contains('<'), "{data}");
        let read: serde_json::Value = serde_json::from_str(data).unwrap();
        assert_eq!(read, serde_json::to_value([hostile]).unwrap());
    }

    #[test]
    fn parts_are_put_at_the_start_of_the_head_and_a_page_without_one_stays_as_it_is() {
        let page = filled(b"<html><head><title>t</title></head><body></body></html>", "<b>part</b>").unwrap();
        assert_eq!(page, b"<html><head><b>part</b><title>t</title></head><body></body></html>");
        assert_eq!(filled(b"<p>nothing</p>", "<b>part</b>"), None);
        assert_eq!(filled(&[0xff, 0xfe], "<b>part</b>"), None);
    }
}
