//! The memory of this process stays in this process.
//!
//! Tokens are in it, so it must end up in no core file and in no other program. This is best effort and stops nobody
//! who may become root; where the system refuses, the program runs on without it (docs/threat-model.md).

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
use linux as system;
#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(not(target_os = "linux"))]
use other as system;

/// Writes no core file when the process crashes. Programs that it starts may ask for one of their own: only the soft
/// limit is lowered, and they inherit it.
pub fn keep_out_of_core_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let Rlimit { maximum, .. } = getrlimit(Resource::Core);
        // What is refused here leaves things as they were.
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum });
    }
}

/// Lets no other program of this user read or trace the process either, where the system has that. For a process that
/// holds tokens for long and has no window: desktop portals and the ledger of an agent read what this hides.
pub fn keep_from_other_programs() {
    keep_out_of_core_files();
    system::keep_from_other_programs();
}
