//! What the person sees in the browser when they come back: one sentence, no script, nothing fetched.

use std::fmt::Write as _;
use std::sync::LazyLock;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hyper::StatusCode;

const STYLE: &str = "\
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}\
body{max-width:36rem;margin:18vh auto 0;padding:0 1.5rem}\
h1{font-size:1.4rem;margin:0 0 .5rem}\
p{margin:0}";

/// Nothing may be fetched, framed or sent, and of styles only the one above counts.
pub(super) static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = BASE64_STANDARD.encode(digest::digest(&digest::SHA256, STYLE.as_bytes()));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
});

/// A page: what it says, and with which status it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) status: StatusCode,
    pub(super) title: String,
    pub(super) text: String,
}

impl Page {
    fn new(status: StatusCode, title: &str, text: &str) -> Self {
        Self { status, title: title.to_owned(), text: text.to_owned() }
    }

    /// The sign-in worked.
    pub(super) fn signed_in() -> Self {
        let text = "You can close this page and go back to Latchkey.";
        Self::new(StatusCode::OK, "You are signed in", text)
    }

    /// The sign-in ended otherwise.
    pub(super) fn failed(why: &str) -> Self {
        Self::new(StatusCode::OK, "You are not signed in", &format!("{why}. You can close this page."))
    }

    /// The answer has arrived, and it takes long until it is known what comes of it.
    pub(super) fn still_waiting() -> Self {
        let text = "Latchkey is still waiting for the provider. It shows there how this ends; you can close this page.";
        Self::new(StatusCode::OK, "Almost there", text)
    }

    /// Something that is no answer to this sign-in.
    pub(super) fn not_ours() -> Self {
        let text =
            "This is not the answer that Latchkey waits for. Go back to it and begin anew if you have to.";
        Self::new(StatusCode::BAD_REQUEST, "Nothing happened", text)
    }

    /// A request that has no business here.
    pub(super) fn refused(status: StatusCode) -> Self {
        Self::new(status, "Nothing is here", "This address serves one sign-in of Latchkey and nothing else.")
    }

    /// As HTML.
    pub(super) fn html(&self) -> String {
        let (title, text) = (escaped(&self.title), escaped(&self.text));
        let mut html = String::from("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">");
        html.push_str("<meta name=\"viewport\" content=\"width=device-width\">");
        // Writing to a text cannot fail.
        let _ = write!(html, "<title>{title} · Latchkey</title><style>{STYLE}</style></head>");
        let _ = write!(html, "<body><main><h1>{title}</h1><p>{text}</p></main></body></html>");
        html
    }
}

/// A text that is only text in HTML, also between quotes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            plain => out.push(plain),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_is_text_and_nothing_else() {
        let html = Page::failed("<script>alert('1')</script>\"&").html();
        assert!(html.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;&amp;"), "{html}");
        assert_eq!(html.matches("<script").count(), 0);
    }

    #[test]
    fn the_policy_lets_nothing_through_but_the_pages_own_style() {
        assert!(POLICY.starts_with("default-src 'none'; style-src 'sha256-"));
        assert!(!POLICY.contains("unsafe"));
        assert!(!Page::signed_in().html().contains("http"), "nothing is fetched");
    }
}
