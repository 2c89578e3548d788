//! The page as it is served: with the sessions in it, where they are known by then. Asking for them takes a frame of
//! its own (Tauri's isolation) and its timers, which is longer than all the rest of the page's opening.

use std::borrow::Cow;

use latchkey_engine::snapshot::{SessionStatus, StateName};
use tauri::http::{Request, Response};
use tauri::{AppHandle, Manager as _, Runtime};

use crate::shell::Shell;

/// What is served first; scripts and styles are separate.
const PATH: &str = "/index.html";

/// Before this, in the page.
const END_OF_HEAD: &str = "</head>";

/// Puts the sessions into the page. While one is still being read the page asks, as it does for all that changes.
pub(crate) fn fill_in<R: Runtime>(
    app: &AppHandle<R>,
    request: &Request<Vec<u8>>,
    response: &mut Response<Cow<'static, [u8]>>,
) {
    if request.uri().path() != PATH {
        return;
    }
    let Some(shell) = app.try_state::<Shell>() else { return };
    let sessions = shell.sessions();
    if sessions.iter().any(|session| session.state == StateName::Waiting) {
        return;
    }
    if let Some(page) = with_sessions(response.body(), &sessions) {
        *response.body_mut() = Cow::Owned(page);
    }
}

/// The page with a block of data in it that is no script; none where there is no place for it.
fn with_sessions(page: &[u8], sessions: &[SessionStatus]) -> Option<Vec<u8>> {
    let (before, after) = std::str::from_utf8(page).ok()?.split_once(END_OF_HEAD)?;
    // Names and messages that came from servers are in it: none of them can end the block.
    let data = serde_json::to_string(sessions).ok()?.replace('<', "\\u003c");
    let block = format!(r#"<script id="sessions" type="application/json">{data}</script>"#);
    Some([before, &block, END_OF_HEAD, after].concat().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_world::session;

    #[test]
    fn the_page_comes_with_the_sessions_and_no_name_in_them_is_markup() {
        let mut hostile = session("work", StateName::SignedOut);
        hostile.account = "</script><script>alert(1)</script><!--".to_owned();
        let page =
            with_sessions(b"<html><head><title>t</title></head><body></body></html>", &[hostile.clone()]);
        let page = String::from_utf8(page.unwrap()).unwrap();
        let (_, rest) = page.split_once(r#"<script id="sessions" type="application/json">"#).unwrap();
        let (data, rest) = rest.split_once("</script>").unwrap();
        assert_eq!(rest, "</head><body></body></html>");
        assert!(!data.contains('<'), "{data}");
        let read: serde_json::Value = serde_json::from_str(data).unwrap();
        assert_eq!(read, serde_json::to_value([hostile]).unwrap());
    }

    #[test]
    fn a_page_without_a_head_stays_as_it_is() {
        assert_eq!(with_sessions(b"<p>nothing</p>", &[]), None);
        assert_eq!(with_sessions(&[0xff, 0xfe], &[]), None);
    }
}
