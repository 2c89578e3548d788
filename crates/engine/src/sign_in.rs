//! One attempt to sign in: how the person wants to do it, what they are shown meanwhile, and how it is given up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use latchkey_core::secret::{AccessToken, Password};
use reqwest::Url;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::ports::Browser;
use crate::prompts::Prompts;
use crate::snapshot::SignInPrompt;

/// How to sign in.
pub enum SignIn {
    /// With a user name and a password, at a REST login.
    Password(Login),
    /// In the system's browser (RFC 8252).
    Browser,
    /// With a code that is entered on any device (RFC 8628).
    Device,
    /// With the session cookie that a browser has, at a NextAuth site.
    Cookie(AccessToken),
}

/// What a person types to sign in. Used once.
pub struct Login {
    /// The user name or e-mail address.
    pub username: String,
    /// The password.
    pub password: Password,
}

/// An attempt under way. It ends in one of two ways, whichever comes first: it is given up, or its tokens are
/// about to be stored. Cheap to clone.
#[derive(Clone)]
pub struct Attempt {
    phase: Arc<AtomicU8>,
    given_up: CancellationToken,
    prompts: mpsc::UnboundedSender<SignInPrompt>,
    browser: Arc<dyn Browser>,
    pages: Arc<Prompts>,
    farewells: TaskTracker,
}

const OPEN: u8 = 0;
const COMMITTED: u8 = 1;
const GIVEN_UP: u8 = 2;

impl Attempt {
    /// A new attempt; what the person is to be shown goes to `prompts`.
    /// Whoever ends the engine waits for `farewells`.
    pub(crate) fn new(
        browser: Arc<dyn Browser>,
        pages: Arc<Prompts>,
        prompts: mpsc::UnboundedSender<SignInPrompt>,
        farewells: TaskTracker,
    ) -> Self {
        let (phase, given_up) = (Arc::new(AtomicU8::new(OPEN)), CancellationToken::new());
        Self { phase, given_up, prompts, browser, pages, farewells }
    }

    /// Does what is left to do for the person once it is over, such as showing them the last page. The process
    /// does not end before that has.
    pub fn farewell(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.farewells.spawn(work);
    }

    /// Shows the person what to do.
    pub fn prompt(&self, prompt: SignInPrompt) {
        // Nobody listens any more once the engine ends.
        let _ = self.prompts.send(prompt);
    }

    /// Opens a page in the system's browser, unless the screen is locked; tells whether that worked. The address is
    /// shown either way.
    pub async fn open_page(&self, page: &Url) -> bool {
        self.pages.may_open().await && self.browser.open(page).is_ok()
    }

    /// Waits until the attempt is given up.
    pub async fn given_up(&self) {
        self.given_up.cancelled().await;
    }

    /// Gives it up, unless its tokens are being stored. Tells whether it is given up now.
    pub(crate) fn give_up(&self) -> bool {
        let _ = self.phase.compare_exchange(OPEN, GIVEN_UP, Ordering::SeqCst, Ordering::SeqCst);
        let given_up = self.phase.load(Ordering::SeqCst) == GIVEN_UP;
        if given_up {
            self.given_up.cancel();
        }
        given_up
    }

    /// From here on it cannot be given up. Tells whether its tokens are still wanted.
    pub(crate) fn commit(&self) -> bool {
        self.phase.compare_exchange(OPEN, COMMITTED, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::ports::NoBrowser;

    #[test]
    fn an_attempt_is_either_given_up_or_stored_never_both() {
        let attempt = || {
            let prompts = mpsc::unbounded_channel().0;
            let pages = Prompts::of_nobody(Arc::new(SystemClock));
            Attempt::new(Arc::new(NoBrowser), pages, prompts, TaskTracker::new())
        };
        let given_up = attempt();
        assert!(given_up.give_up() && given_up.give_up());
        assert!(!given_up.commit(), "its tokens are not wanted any more");
        let stored = attempt();
        assert!(stored.commit());
        assert!(!stored.give_up(), "it is too late for that");
    }
}
