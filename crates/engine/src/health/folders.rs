//! Whether the folders can be worked in, and whether locks in them keep two processes apart.

use std::fs;
use std::path::Path;

use super::{Finding, Grade, Sentence, Topic};
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
    let finding = |code, grade, sentence, message: String| {
        let values = [("folder", name), ("path", &*shown.to_string()), ("variable", variable)]
            .map(|(name, value)| (name, value.to_owned()));
        Finding::new(Topic::Folders, code, grade, message).says(sentence, values)
    };
    let elsewhere = |remedy: &str| format!("{remedy}, or choose another with {variable}");
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let message = format!("The {name} {shown} is not there yet and will be made");
            return finding("folder_absent", Grade::Ok, Sentence::FolderAbsent, message);
        }
        Err(error) => {
            let message = format!("The {name} {shown} cannot be looked at: {error}");
            return finding("folder_unusable", Grade::Problem, Sentence::FolderHidden, message)
                .hint(elsewhere("make it readable for you"))
                .also("error", error.to_string());
        }
    };
    if !found.is_dir() {
        let message = format!("{shown} is no folder");
        return finding("folder_unusable", Grade::Problem, Sentence::FolderIsNone, message)
            .hint(elsewhere("move it out of the way"));
    }
    if shared(&found) {
        let message = format!("Others may write to the {name} {shown}");
        return finding("folder_shared", Grade::Problem, Sentence::FolderShared, message)
            .hint(elsewhere("run `chmod go-w` on it"));
    }
    if let Err(error) = tempfile::Builder::new().prefix(".latchkey-probe-").tempfile_in(path) {
        let message = format!("The {name} {shown} cannot be written to: {}", error.kind());
        return finding("folder_unusable", Grade::Problem, Sentence::FolderReadOnly, message)
            .hint(elsewhere("make it writable for you"))
            .also("error", error.kind().to_string());
    }
    let free = free(path);
    match free {
        Some(free) if free < NO_ROOM => {
            let message = format!("The disk of the {name} {shown} is full: {} left", size(free));
            return finding("disk_full", Grade::Problem, Sentence::DiskFull, message)
                .hint(elsewhere("make room"))
                .also("free_bytes", free.to_string());
        }
        Some(free) if free < LITTLE_ROOM => {
            let message = format!("The disk of the {name} {shown} is nearly full: {} left", size(free));
            return finding("disk_nearly_full", Grade::Warning, Sentence::DiskNearlyFull, message)
                .hint(elsewhere("make room"))
                .also("free_bytes", free.to_string());
        }
        Some(_) | None => {}
    }
    if private && readable_by_others(&found) {
        let message = format!("Others can look into the {name} {shown}");
        return finding("folder_open", Grade::Warning, Sentence::FolderOpen, message)
            .hint("run `chmod 700` on it");
    }
    let message = format!("The {name} {shown} is yours and writable");
    match free {
        None => finding("folder_usable", Grade::Ok, Sentence::FolderUsable, message),
        Some(free) => {
            let message = format!("{message}, {} free", size(free));
            finding("folder_usable", Grade::Ok, Sentence::FolderUsableWithRoom, message)
                .also("free_bytes", free.to_string())
        }
    }
}

/// Whether one process that holds a lock keeps another out.
fn examine_locks(dir: &Path) -> Finding {
    let finding = |code, grade, sentence, message: &str| {
        Finding::new(Topic::Folders, code, grade, message).says(sentence, [])
    };
    if !dir.exists() {
        let message = "Nothing was renewed yet, so there are no renewal locks";
        return finding("locks_absent", Grade::Ok, Sentence::LocksAbsent, message);
    }
    let fail = |sentence, message: &str| {
        finding("locks_fail", Grade::Problem, sentence, message)
            .hint(format!("put the state folder on a disk of this machine, with {STATE_DIR}"))
            .also("path", dir.display().to_string())
            .also("variable", STATE_DIR.to_owned())
    };
    match renewal_lock::probe(dir) {
        Ok(true) => {
            finding("locks_work", Grade::Ok, Sentence::LocksWork, "Renewal locks keep two processes apart")
        }
        Ok(false) => {
            let message =
                format!("Locks in {} keep nobody out: two processes may spend one token", dir.display());
            fail(Sentence::LocksFail, &message)
        }
        Err(error) => {
            let message = format!("Files in {} cannot be locked: {}", dir.display(), error.kind());
            fail(Sentence::LocksImpossible, &message).also("error", error.kind().to_string())
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
