//! What an executable is, byte by byte: read once for each file, and again when the file changed.

use std::fmt::Write as _;
use std::fs::{File, Metadata};
use std::io::Read as _;

use aws_lc_rs::digest::{Context, SHA256};

use super::{FileMark, Program};

/// The SHA-256 of an executable, in hexadecimal digits.
pub(super) type Digest = String;

/// Reads the program's file. `None` where it is not the file any more that was seen.
pub(super) fn of(program: &Program) -> Option<Digest> {
    let mut file = File::open(&program.path).ok()?;
    if FileMark::of(&file.metadata().ok()?) != program.file {
        return None;
    }
    let (mut context, mut part) = (Context::new(&SHA256), vec![0; 64 * 1024]);
    loop {
        let length = file.read(&mut part).ok()?;
        if length == 0 {
            break;
        }
        context.update(part.get(..length)?);
    }
    // What was written to meanwhile is neither the one nor the other.
    if FileMark::of(&file.metadata().ok()?) != program.file {
        return None;
    }
    let mut digits = String::new();
    for byte in context.finish().as_ref() {
        // Writing to a text cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    Some(digits)
}

impl FileMark {
    /// What tells this file from others.
    #[cfg(unix)]
    pub fn of(found: &Metadata) -> Self {
        use std::os::unix::fs::MetadataExt as _;
        let changed = i128::from(found.ctime()) * 1_000_000_000 + i128::from(found.ctime_nsec());
        Self { device: found.dev(), inode: found.ino(), size: found.size(), changed }
    }

    /// What tells this file from others, as far as the standard library says. Untried.
    #[cfg(not(unix))]
    pub fn of(found: &Metadata) -> Self {
        let since = found.modified().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
        let changed = since.and_then(|since| i128::try_from(since.as_nanos()).ok()).unwrap_or_default();
        Self { device: 0, inode: 0, size: found.len(), changed }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_the_one_seen_has_no_digest() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("program");
        std::fs::write(&path, "abc").unwrap();
        let file = FileMark::of(&std::fs::metadata(&path).unwrap());
        let program = Program { path: path.clone(), file };
        assert_eq!(
            of(&program).as_deref(),
            Some("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        );
        std::fs::write(folder.path().join("other"), "abc").unwrap();
        std::fs::rename(folder.path().join("other"), &path).unwrap();
        assert_eq!(of(&program), None);
    }

    #[test]
    fn a_long_program_is_read_to_its_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("program");
        std::fs::write(&path, "a".repeat(1_000_000)).unwrap();
        let file = FileMark::of(&std::fs::metadata(&path).unwrap());
        assert_eq!(
            of(&Program { path, file }).as_deref(),
            // FIPS 180-2, B.3.
            Some("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
        );
    }

    #[test]
    fn a_file_is_told_by_its_place_its_length_and_the_nanosecond_of_its_last_change() {
        use std::os::unix::fs::MetadataExt as _;
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, "abc").unwrap();
        let found = file.as_file().metadata().unwrap();
        let mark = FileMark::of(&found);
        assert_eq!((mark.device, mark.inode, mark.size), (found.dev(), found.ino(), 3));
        let (seconds, nanoseconds) = (mark.changed / 1_000_000_000, mark.changed % 1_000_000_000);
        assert_eq!((seconds, nanoseconds), (found.ctime().into(), found.ctime_nsec().into()));
    }
}
