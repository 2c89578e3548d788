//! Whether the folders can be worked in, and whether locks in them keep two processes apart.

use std::fs;
use std::path::Path;

use super::{Finding, Grade, Topic};
use crate::paths::{CONFIG_DIR, Paths, RUNTIME_DIR, STATE_DIR, shared};
use crate::renewal_lock;

/// With less than this the next token set may not fit.
const NO_ROOM: u64 = 1024 * 1024;
/// With less than this it is time to tell somebody.
const LITTLE_ROOM: u64 = 50 * 1024 * 1024;

/// One of the folders.
struct Folder<'a> {
    name: &'static str,
    path: &'a Path,
    variable: &'static str,
    /// Whether what is in it is nobody else's business.
    private: bool,
}

pub(super) fn examine(paths: &Paths) -> Vec<Finding> {
    let (log, locks) = (paths.log_dir(), paths.locks_dir());
    let folder = |name, path, variable, private| examine_one(&Folder { name, path, variable, private });
    vec![
        folder("configuration folder", &paths.config_dir, CONFIG_DIR, false),
        folder("state folder", &paths.state_dir, STATE_DIR, true),
        folder("log folder", &log, STATE_DIR, true),
        folder("runtime folder", &paths.runtime_dir, RUNTIME_DIR, true),
        examine_locks(&locks),
    ]
}

fn examine_one(folder: &Folder<'_>) -> Finding {
    let Folder { name, path, variable, private } = *folder;
    let shown = path.display();
    let finding = |code, grade, message: String| Finding::new(Topic::Folders, code, grade, message);
    let elsewhere = |remedy: &str| format!("{remedy}, or choose another with {variable}");
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let message = format!("The {name} {shown} is not there yet and will be made");
            return finding("folder_absent", Grade::Ok, message);
        }
        Err(error) => {
            let message = format!("The {name} {shown} cannot be looked at: {error}");
            return finding("folder_unusable", Grade::Problem, message)
                .hint(elsewhere("make it readable for you"));
        }
    };
    if !found.is_dir() {
        return finding("folder_unusable", Grade::Problem, format!("{shown} is no folder"))
            .hint(elsewhere("move it out of the way"));
    }
    if shared(&found) {
        return finding("folder_shared", Grade::Problem, format!("Others may write to the {name} {shown}"))
            .hint(elsewhere("run `chmod go-w` on it"));
    }
    if let Err(error) = tempfile::Builder::new().prefix(".latchkey-probe-").tempfile_in(path) {
        let message = format!("The {name} {shown} cannot be written to: {}", error.kind());
        return finding("folder_unusable", Grade::Problem, message)
            .hint(elsewhere("make it writable for you"));
    }
    match free(path) {
        Some(free) if free < NO_ROOM => {
            let message = format!("The disk of the {name} {shown} is full: {} left", size(free));
            return finding("disk_full", Grade::Problem, message).hint(elsewhere("make room"));
        }
        Some(free) if free < LITTLE_ROOM => {
            let message = format!("The disk of the {name} {shown} is nearly full: {} left", size(free));
            return finding("disk_nearly_full", Grade::Warning, message).hint(elsewhere("make room"));
        }
        Some(_) | None => {}
    }
    if private && readable_by_others(&found) {
        return finding("folder_open", Grade::Warning, format!("Others can look into the {name} {shown}"))
            .hint("run `chmod 700` on it");
    }
    let room = free(path).map_or_else(String::new, |free| format!(", {} free", size(free)));
    finding("folder_usable", Grade::Ok, format!("The {name} {shown} is yours and writable{room}"))
}

/// Whether one process that holds a lock keeps another out.
fn examine_locks(dir: &Path) -> Finding {
    let finding = |code, grade, message: &str| Finding::new(Topic::Folders, code, grade, message);
    if !dir.exists() {
        return finding("locks_absent", Grade::Ok, "Nothing was renewed yet, so there are no renewal locks");
    }
    match renewal_lock::probe(dir) {
        Ok(true) => finding("locks_work", Grade::Ok, "Renewal locks keep two processes apart"),
        Ok(false) => {
            let message =
                format!("Locks in {} keep nobody out: two processes may spend one token", dir.display());
            finding("locks_fail", Grade::Problem, &message)
                .hint(format!("put the state folder on a disk of this machine, with {STATE_DIR}"))
        }
        Err(error) => {
            let message = format!("Files in {} cannot be locked: {}", dir.display(), error.kind());
            finding("locks_fail", Grade::Problem, &message)
                .hint(format!("put the state folder on a disk of this machine, with {STATE_DIR}"))
        }
    }
}

/// How many bytes this user may still write there, where the system tells.
#[cfg(unix)]
fn free(path: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(path).ok()?;
    Some(found.f_bavail.saturating_mul(found.f_frsize))
}

#[cfg(not(unix))]
fn free(_: &Path) -> Option<u64> {
    None
}

#[cfg(unix)]
fn readable_by_others(found: &fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o055 != 0
}

#[cfg(not(unix))]
fn readable_by_others(_: &fs::Metadata) -> bool {
    false
}

/// A size as people write it, with one figure behind the point.
fn size(bytes: u64) -> String {
    let tenths = |unit: u64| format!("{}.{}", bytes / unit, bytes % unit * 10 / unit);
    match bytes {
        0..1_000_000 => format!("{} kB", bytes / 1_000),
        1_000_000..1_000_000_000 => format!("{} MB", tenths(1_000_000)),
        _ => format!("{} GB", tenths(1_000_000_000)),
    }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_told_in_the_unit_that_fits() {
        assert_eq!([999, 1_250_000, 12_345_678_901].map(size), ["0 kB", "1.2 MB", "12.3 GB"]);
    }
}
