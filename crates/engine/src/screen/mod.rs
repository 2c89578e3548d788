//! Whether anybody can see the screen: nothing is shown to a locked one, or to a machine that was just woken.
//!
//! Asked when there is something to show and not before, so that nothing runs meanwhile. What differs by platform is
//! who knows; elsewhere than on Linux nobody is asked and the screen counts as open.

#[cfg(target_os = "linux")]
mod linux;
mod manual;

use async_trait::async_trait;

use crate::ports::Screen;

pub use manual::ManualScreen;

/// The screen of this login session.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemScreen;

#[async_trait]
impl Screen for SystemScreen {
    #[cfg(target_os = "linux")]
    async fn locked(&self) -> bool {
        linux::locked().await
    }

    #[cfg(not(target_os = "linux"))]
    async fn locked(&self) -> bool {
        false
    }
}
