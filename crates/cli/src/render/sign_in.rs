//! What a person has to do for a sign-in on the provider's page.

use jiff::Timestamp;
use latchkey_core::account::AccountName;
use latchkey_core::text::foreign;
use latchkey_engine::config::Url;
use latchkey_engine::snapshot::SignInPrompt;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;

use super::when::When;

/// What is said, and the address that stands on a line of its own after it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) words: String,
    pub(crate) address: String,
    /// Does somebody else have to open it?
    pub(crate) is_value: bool,
}

/// What is said of a prompt. `unopened`: nobody wanted it to be opened.
pub(crate) fn told(prompt: &SignInPrompt, account: &AccountName, unopened: bool) -> Told {
    match prompt {
        SignInPrompt::Browser { url, opened: true, .. } => Told {
            words: "Sign in on the page that has opened in your browser. If none has, open".to_owned(),
            address: address(url),
            is_value: false,
        },
        SignInPrompt::Browser { url, opened: false, .. } => {
            let here = "Open this page in a browser on this machine and sign in there";
            let words = if unopened {
                format!("{here}:")
            } else {
                format!("No browser could be opened. {here} (or use `latchkey sign-in {account} --device`):")
            };
            Told { words, address: address(url), is_value: true }
        }
        SignInPrompt::Device { user_code, verification_uri, verification_uri_complete, .. } => {
            let (code, page) = (foreign(user_code), address(verification_uri));
            match verification_uri_complete.as_deref() {
                Some(complete) => Told {
                    words: format!(
                        "On any device, open {page} and enter the code\n\n    {code}\n\nor open the page with the code in it:"
                    ),
                    address: address(complete),
                    is_value: true,
                },
                None => Told {
                    words: format!("Enter the code\n\n    {code}\n\non any device, on this page:"),
                    address: page,
                    is_value: true,
                },
            }
        }
    }
}

/// Until when it waits.
pub(crate) fn ends(prompt: &SignInPrompt) -> Option<Timestamp> {
    let (SignInPrompt::Browser { expires_at, .. } | SignInPrompt::Device { expires_at, .. }) = prompt;
    expires_at.parse().ok()
}

/// The line that is shown while it waits.
pub(crate) fn waiting(ends: Option<Timestamp>, when: &When) -> String {
    match ends {
        Some(ends) if !when.passed(ends) => {
            format!("Waiting until {} (Ctrl-C gives up)", when.both(ends))
        }
        Some(_) | None => "Waiting (Ctrl-C gives up)".to_owned(),
    }
}

/// The page of a code to scan (ISO/IEC 18004), two modules in the height of a letter. On a terminal it is black on
/// white whatever its colours are: scanners want dark on light.
pub(crate) fn picture(prompt: &SignInPrompt, on_terminal: bool) -> Option<String> {
    let SignInPrompt::Device { verification_uri, verification_uri_complete, .. } = prompt else {
        return None;
    };
    let page = verification_uri_complete.as_deref().unwrap_or(verification_uri);
    let picture = QrCode::new(address(page)).ok()?.render::<Dense1x2>().build();
    if !on_terminal {
        return Some(picture);
    }
    let lines: Vec<_> = picture.lines().map(|line| format!("\x1b[38;5;16;48;5;231m{line}\x1b[0m")).collect();
    Some(lines.join("\n"))
}

/// An address as it is to be opened. What is none is shown as the text it is.
fn address(text: &str) -> String {
    Url::parse(text).map_or_else(|_| foreign(text), String::from)
}

#[cfg(test)]
mod tests {
    use super::super::when::tests::{at, noon};
    use super::*;

    const ENDS: &str = "2026-11-20T12:09:41Z";

    fn device(complete: Option<&str>) -> SignInPrompt {
        SignInPrompt::Device {
            user_code: "WDJB-MJHT".to_owned(),
            verification_uri: "https://login.example.com/device".to_owned(),
            verification_uri_complete: complete.map(str::to_owned),
            expires_at: ENDS.to_owned(),
        }
    }

    fn browser(opened: bool) -> SignInPrompt {
        let url = "https://login.example.com/authorize?state=x".to_owned();
        SignInPrompt::Browser { url, opened, expires_at: ENDS.to_owned() }
    }

    fn shown(prompt: &SignInPrompt, unopened: bool) -> String {
        let Told { words, address, is_value } = told(prompt, &AccountName::new("work").unwrap(), unopened);
        format!("{words}\n{}{address}", if is_value { "stdout: " } else { "" })
    }

    #[test]
    fn an_address_that_nobody_opens_is_a_value() {
        insta::assert_snapshot!(shown(&browser(true), false), @"
        Sign in on the page that has opened in your browser. If none has, open
        https://login.example.com/authorize?state=x
        ");
        insta::assert_snapshot!(shown(&browser(false), true), @"
        Open this page in a browser on this machine and sign in there:
        stdout: https://login.example.com/authorize?state=x
        ");
        insta::assert_snapshot!(shown(&browser(false), false), @"
        No browser could be opened. Open this page in a browser on this machine and sign in there (or use `latchkey sign-in work --device`):
        stdout: https://login.example.com/authorize?state=x
        ");
    }

    #[test]
    fn a_code_stands_alone_with_its_page() {
        insta::assert_snapshot!(shown(&device(Some("https://login.example.com/device?c=WDJB-MJHT")), false), @"
        On any device, open https://login.example.com/device and enter the code

            WDJB-MJHT

        or open the page with the code in it:
        stdout: https://login.example.com/device?c=WDJB-MJHT
        ");
        insta::assert_snapshot!(shown(&device(None), false), @"
        Enter the code

            WDJB-MJHT

        on any device, on this page:
        stdout: https://login.example.com/device
        ");
    }

    #[test]
    fn the_time_left_is_told_until_it_is_over() {
        insta::assert_snapshot!(waiting(Some(at(ENDS)), &noon()), @"Waiting until 14:09:41, in 9 min 41 s (Ctrl-C gives up)");
        assert_eq!(waiting(Some(at("2026-11-20T11:00:00Z")), &noon()), "Waiting (Ctrl-C gives up)");
        assert_eq!(ends(&device(None)), Some(at(ENDS)));
    }

    #[test]
    fn a_code_has_a_picture_with_room_around_it_and_a_browser_has_none() {
        let plain = picture(&device(None), false).unwrap();
        let lines: Vec<_> = plain.lines().collect();
        assert!(lines.iter().all(|line| line.chars().count() == lines[0].chars().count()));
        assert!(lines[0].trim().is_empty() && lines[1].trim().is_empty(), "the quiet zone");
        assert!(picture(&device(None), true).unwrap().lines().all(|line| line.ends_with("\x1b[0m")));
        assert_eq!(picture(&browser(true), true), None);
    }

    #[test]
    fn what_a_server_says_draws_nothing_on_the_terminal() {
        let prompt = SignInPrompt::Device {
            user_code: "A\x1b[31mB".to_owned(),
            verification_uri: "\x1b]0;owned\x07".to_owned(),
            verification_uri_complete: None,
            expires_at: String::new(),
        };
        assert!(!shown(&prompt, false).contains(['\x1b', '\x07']));
        assert_eq!(ends(&prompt), None);
    }
}
