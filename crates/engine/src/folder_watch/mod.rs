//! Waiting for files that other processes change.
//!
//! What differs by platform is who tells of a change; elsewhere than on Linux the files are looked at now and then.

#[cfg(target_os = "linux")]
mod linux;

use std::path::PathBuf;

use jiff::SignedDuration;

use crate::ports::Clock;

/// How often files are looked at where nobody tells of changes.
pub(crate) const LOOK: SignedDuration = SignedDuration::from_secs(30);

/// Folders that are watched as long as this lives. It begins before whoever waits looks at the files, so that no change
/// falls between the two.
pub(crate) struct FolderWatch {
    #[cfg(target_os = "linux")]
    told: std::io::Result<linux::Watch>,
}

impl FolderWatch {
    /// Begins to watch.
    #[cfg_attr(not(target_os = "linux"), allow(unused_variables, reason = "nobody watches folders there"))]
    pub(crate) fn on(folders: &[PathBuf]) -> Self {
        Self {
            #[cfg(target_os = "linux")]
            told: linux::Watch::on(folders),
        }
    }

    /// Waits until a file in one of them was written, put there or taken away; where nobody tells, for [`LOOK`]. Whoever
    /// waited looks for themselves.
    pub(crate) async fn happens(&self, clock: &dyn Clock) {
        #[cfg(target_os = "linux")]
        if let Ok(watch) = &self.told
            && watch.happens().await.is_ok()
        {
            return;
        }
        clock.sleep_until(clock.now().boot.saturating_add(LOOK)).await;
    }
}
