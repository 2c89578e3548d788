//! The person's own browser.

use reqwest::Url;
use tracing::debug;

use crate::config::endpoint;
use crate::ports::{Browser, BrowserError};

/// Opens pages in the browser that the system opens pages with.
///
/// Only what a request might go to is opened (`https`, or `http` on this machine): an address from a server that
/// the system would run or hand to another program never reaches it. No shell takes part.
pub struct SystemBrowser;

impl Browser for SystemBrowser {
    fn open(&self, page: &Url) -> Result<(), BrowserError> {
        let page = endpoint(page.as_str()).ok_or(BrowserError)?;
        let quiet = webbrowser::BrowserOptions::new().with_suppress_output(true).clone();
        webbrowser::open_browser_with_options(webbrowser::Browser::Default, page.as_str(), &quiet).map_err(
            |error| {
                debug!(kind = "browser_not_opened", reason = ?error.kind(), "No browser could be opened");
                BrowserError
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_page_is_not_opened() {
        for bad in [
            "file:///etc/passwd",
            "javascript:alert(1)",
            "smb://example.com/share",
            "search-ms:query=x",
            "http://example.com/",
            "data:text/html,x",
            "mailto:a@example.com",
            "https://user:password@example.com/",
        ] {
            assert_eq!(SystemBrowser.open(&Url::parse(bad).unwrap()), Err(BrowserError), "{bad}");
        }
    }
}
