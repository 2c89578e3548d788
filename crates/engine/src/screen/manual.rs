//! A screen that a test locks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;

use crate::ports::Screen;

/// A screen that a test locks and unlocks.
#[derive(Clone, Debug, Default)]
pub struct ManualScreen(Arc<AtomicBool>);

impl ManualScreen {
    /// Locks or unlocks it.
    pub fn lock(&self, locked: bool) {
        self.0.store(locked, Ordering::SeqCst);
    }
}

#[async_trait]
impl Screen for ManualScreen {
    async fn locked(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}
