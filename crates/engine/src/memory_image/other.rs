//! macOS and Windows: nothing yet. macOS protects a signed program with the hardened runtime, and Windows has no such
//! switch for a process that programs of the same user start.

pub(super) fn keep_from_other_programs() {}
