//! What people were told.

use std::sync::{Arc, Mutex, PoisonError};

use latchkey_core::account::AccountName;
use latchkey_core::session::Notice;
use latchkey_engine::ports::Notifier;

/// What people were told.
#[derive(Clone, Default)]
pub struct Notices(Arc<Mutex<Vec<Notice>>>, Arc<Mutex<Vec<(String, String)>>>);

impl Notices {
    /// All of it, oldest first.
    pub fn all(&self) -> Vec<Notice> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Of which accounts the tokens were asked for by which programs.
    pub fn consents(&self) -> Vec<(String, String)> {
        self.1.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Notifier for Notices {
    fn notify(&self, _: &AccountName, notice: &Notice) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(notice.clone());
    }

    fn consent_asked(&self, account: &AccountName, program: &str) {
        let asked = (account.to_string(), program.to_owned());
        self.1.lock().unwrap_or_else(PoisonError::into_inner).push(asked);
    }
}
