//! Linux: `PR_SET_DUMPABLE` (prctl(2)), which also closes `/proc/PID/mem` and ptrace to programs of the same user.

use rustix::process::{DumpableBehavior, set_dumpable_behavior};

pub(super) fn keep_from_other_programs() {
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}
