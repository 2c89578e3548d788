//! Since when a session lives and when it was used, as it is stored.

use jiff::{SignedDuration, Timestamp};
use latchkey_core::limits::Usage;
use latchkey_core::time::Stamp;
use serde::{Deserialize, Serialize};

use super::envelope::Envelope;

/// Moments of a session, each as far from the receipt of its tokens as it was: when that receipt was is told by the
/// boot-time clock where it can be, so these hold through clocks that are set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Used {
    /// When did somebody sign in?
    pub signed_in_at: Timestamp,
    /// Which activity moved a rolling end last?
    pub rolled_at: Timestamp,
    /// Which activity was marked last?
    pub active_at: Timestamp,
}

impl Envelope {
    /// Whether its session began after a moment, by the boot-time clock. Where that cannot tell, it did not.
    pub(crate) fn began_after(&self, moment: Stamp, now: Stamp, boot_id: Option<&str>) -> bool {
        let Some(received) = self.received_in_this_boot(boot_id) else { return false };
        let signed_in = self.used.signed_in_at.duration_since(self.received_at);
        let began = SignedDuration::from_millis(received.millis).saturating_add(signed_in);
        moment.boot < began && began <= now.boot
    }
}

impl Used {
    /// A session that begins.
    pub fn beginning(at: Timestamp) -> Self {
        Self { signed_in_at: at, rolled_at: at, active_at: at }
    }

    /// These moments beside tokens that were received at `received`, which is written down as `received_at`.
    pub(crate) fn of(usage: Usage, received: Stamp, received_at: Timestamp) -> Self {
        let at = |stamp: Stamp| {
            received_at.saturating_add(stamp.boot.saturating_sub(received.boot)).unwrap_or(received_at)
        };
        Self { signed_in_at: at(usage.signed_in), rolled_at: at(usage.rolled), active_at: at(usage.active) }
    }

    /// `received_at` and `received` are the same moment, as it was written and as it is understood now. Nothing was
    /// used in the future.
    pub(super) fn understood(self, received_at: Timestamp, received: Stamp, now: Stamp) -> Usage {
        let at = |moment: Timestamp| {
            let stamp = received.plus(moment.duration_since(received_at));
            if stamp.boot > now.boot { now } else { stamp }
        };
        Usage { signed_in: at(self.signed_in_at), rolled: at(self.rolled_at), active: at(self.active_at) }
    }
}
