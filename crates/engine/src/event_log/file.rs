//! The log's files: whole lines are appended, and three files of 5 MB are kept.
//!
//! Several processes append to the same file. Each opens it anew for a few lines, so that it follows when
//! another has turned the files over; who turns them over holds a lock.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::paths::{create_private_dir, create_private_dir_in, private_file};

/// Beyond this a new file is begun.
pub(super) const MAX_BYTES: u64 = 5_000_000;

/// How much is appended in one go.
const CHUNK: usize = 64 * 1024;

/// The files from the newest to the oldest.
pub(super) fn files(dir: &Path) -> [PathBuf; 3] {
    all_of(&dir.join("events.jsonl"))
}

/// The files that a file becomes when it is turned over.
fn all_of(current: &Path) -> [PathBuf; 3] {
    ["", ".1", ".2"].map(|ending| {
        let mut name = current.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    })
}

pub(super) fn lock_file(dir: &Path) -> PathBuf {
    dir.join("events.lock")
}

/// Appends lines to the log in a folder, which is made where it is not there; what it lies in is not. Says how many are in
/// the file, also where it ended early.
pub(super) fn append(dir: &Path, lines: &[Arc<str>]) -> (usize, io::Result<()>) {
    let [current, ..] = files(dir);
    match create_private_dir_in(dir) {
        Ok(()) => append_lines(&current, lines),
        Err(error) => (0, Err(error)),
    }
}

/// The same for a file of any name, whose folders are made where they are not there.
pub(super) fn append_to(current: &Path, lines: &[Arc<str>]) -> (usize, io::Result<()>) {
    match current.parent().map_or(Ok(()), create_private_dir) {
        Ok(()) => append_lines(current, lines),
        Err(error) => (0, Err(error)),
    }
}

fn append_lines(current: &Path, lines: &[Arc<str>]) -> (usize, io::Result<()>) {
    let mut written = 0;
    while written < lines.len() {
        let left = lines.get(written..).unwrap_or_default();
        let mut bytes = Vec::new();
        let mut ends = Vec::new();
        for line in left {
            if !bytes.is_empty() && bytes.len() + line.len() > CHUNK {
                break;
            }
            bytes.extend_from_slice(line.as_bytes());
            bytes.push(b'\n');
            ends.push(bytes.len());
        }
        let (landed, result) = append_bytes(current, &bytes);
        written += ends.iter().take_while(|end| **end <= landed).count();
        if result.is_err() {
            return (written, result);
        }
    }
    (written, Ok(()))
}

/// Says how many of the bytes are in the file.
fn append_bytes(current: &Path, bytes: &[u8]) -> (usize, io::Result<()>) {
    let mut file = match open(current, bytes.len() as u64) {
        Ok(file) => file,
        Err(error) => return (0, Err(error)),
    };
    let mut landed = 0;
    while let Some(left) = bytes.get(landed..).filter(|left| !left.is_empty()) {
        match file.write(left) {
            Ok(0) => return (landed, Err(io::ErrorKind::WriteZero.into())),
            Ok(count) => landed += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (landed, Err(error)),
        }
    }
    (landed, Ok(()))
}

/// The current file, with room for so many bytes and at the start of a line.
fn open(current: &Path, room: u64) -> io::Result<File> {
    let open = || private_file().read(true).append(true).open(current);
    let mut file = open()?;
    if over(file.metadata()?.len(), room) {
        turn_over(current, room)?;
        file = open()?;
    }
    if file.metadata()?.len() > 0 {
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            // A process died in the middle of a line, or the disk was full: what there is of it stays by itself.
            file.write_all(b"\n")?;
        }
    }
    Ok(file)
}

fn over(length: u64, room: u64) -> bool {
    length > 0 && length + room > MAX_BYTES
}

/// Makes the current file the second, and the second the third.
fn turn_over(current: &Path, room: u64) -> io::Result<()> {
    let lock = private_file().append(true).open(current.with_extension("lock"))?;
    match lock.try_lock() {
        // Where files cannot be locked, a bound on their size matters more than a line.
        Ok(()) | Err(TryLockError::Error(_)) => {}
        // Another process is at it, or reads: what is written meanwhile makes the file a little longer.
        Err(TryLockError::WouldBlock) => return Ok(()),
    }
    let [current, second, third] = all_of(current);
    if !fs::metadata(&current).is_ok_and(|found| over(found.len(), room)) {
        return Ok(());
    }
    for (from, to) in [(&second, &third), (&current, &second)] {
        match fs::rename(from, to) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
