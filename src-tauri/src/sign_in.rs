//! What a person may do about a sign-in that waits for them: open its page, take its address or code elsewhere.
//!
//! Nothing of this comes from the page: it names an account, and what that account waits for is asked of the engine.

use latchkey_core::account::AccountName;
use latchkey_engine::config::Url;
use latchkey_engine::snapshot::SignInPrompt;

use crate::clipboard;
use crate::command_error::CommandError;
use crate::qr_picture::QrPicture;
use crate::shell::Shell;

impl Shell {
    /// Opens the page of the sign-in under way.
    pub(crate) fn open_sign_in_page(&self, account: &AccountName) -> Result<(), CommandError> {
        let page = page(&self.prompt(account)?)?;
        self.browser.open(&page).map_err(|error| {
            let hint = "copy the address and open it where you like, or sign in with a code";
            CommandError::new("no_browser", error.to_string(), Some(hint))
        })
    }

    /// Copies the address of that page.
    pub(crate) fn copy_sign_in_address(&self, account: &AccountName) -> Result<(), CommandError> {
        clipboard::put(page(&self.prompt(account)?)?.as_str())
    }

    /// Copies the code that is to be entered there.
    pub(crate) fn copy_user_code(&self, account: &AccountName) -> Result<(), CommandError> {
        match self.prompt(account)? {
            SignInPrompt::Device { user_code, .. } => clipboard::put(&user_code),
            SignInPrompt::Browser { .. } => Err(nothing_waits()),
        }
    }

    /// That page as a picture to scan.
    pub(crate) fn sign_in_picture(&self, account: &AccountName) -> Option<QrPicture> {
        let prompt = self.prompt(account).ok()?;
        let SignInPrompt::Device { .. } = prompt else { return None };
        QrPicture::of(page(&prompt).ok()?.as_str())
    }

    /// What the person has to do now, as the engine shows it.
    fn prompt(&self, account: &AccountName) -> Result<SignInPrompt, CommandError> {
        let sessions = self.engine.watch();
        let prompt = sessions.borrow().get(account).and_then(|session| session.sign_in.clone());
        prompt.ok_or_else(nothing_waits)
    }
}

fn nothing_waits() -> CommandError {
    CommandError::new("no_sign_in", "no sign-in is under way", Some("begin again"))
}

/// Where the person goes: with the code in the address where the server offers that (RFC 8628 §3.3.1). A server
/// may name anything here, and only pages of the web are opened.
fn page(prompt: &SignInPrompt) -> Result<Url, CommandError> {
    let complete = match prompt {
        SignInPrompt::Device { verification_uri_complete, .. } => {
            verification_uri_complete.as_deref().and_then(web)
        }
        SignInPrompt::Browser { .. } => None,
    };
    let (SignInPrompt::Browser { url: plain, .. } | SignInPrompt::Device { verification_uri: plain, .. }) =
        prompt;
    complete.or_else(|| web(plain)).ok_or_else(|| {
        CommandError::new("no_web_page", "the server names something that is no web page", None)
    })
}

fn web(address: &str) -> Option<Url> {
    Url::parse(address).ok().filter(|url| matches!(url.scheme(), "https" | "http") && url.has_host())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_with_the_code_in_it_goes_first_and_no_other_scheme_is_opened() {
        let prompt = |plain: &str, complete: Option<&str>| SignInPrompt::Device {
            user_code: "WDJB-MJHT".to_owned(),
            verification_uri: plain.to_owned(),
            verification_uri_complete: complete.map(str::to_owned),
            expires_at: "2026-11-20T12:00:00Z".to_owned(),
        };
        let opened = |plain, complete| page(&prompt(plain, complete)).map(|url| url.to_string()).ok();
        let plain = "https://id.example.com/device";
        assert_eq!(opened(plain, Some("https://id.example.com/device?c=1")).unwrap(), format!("{plain}?c=1"));
        for bad in ["javascript:alert(1)", "file:///etc/passwd", "data:text/html,x", "vscode://x", "", "x y"]
        {
            assert_eq!(opened(plain, Some(bad)).as_deref(), Some(plain), "{bad}");
            assert_eq!(opened(bad, Some(bad)), None, "{bad}");
        }
    }
}
