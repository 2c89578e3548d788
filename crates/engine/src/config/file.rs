//! The file itself: who may write it, how large it may be, and how it is replaced whole.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::problem::{ConfigError, Flaw, Problems};
use crate::paths::shared;

/// The largest configuration that is read.
const MAX_BYTES: u64 = 1_000_000;

/// The text, without a byte order mark; nothing where there is no file.
///
/// **Whoever can write the file can have passwords sent to another address**, so nobody but its owner may.
pub(super) fn read(path: &Path) -> Result<Option<String>, ConfigError> {
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if fs::symlink_metadata(path).is_ok() {
                let what = "this is a link to a file that is not there";
                return Err(unfit(path, what, "put the file back, or remove the link"));
            }
            return Ok(None);
        }
        Err(source) => return Err(failed(path, "read", source)),
    };
    if !found.is_file() {
        return Err(unfit(path, "this is no regular file", "put a file of accounts in its place"));
    }
    check_access(path, &found)?;
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|source| failed(path, "read", source))?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|source| failed(path, "read", source))?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(unfit(path, "this is larger than 1 MB", "put a file of accounts in its place"));
    }
    String::from_utf8(bytes).map(|text| Some(without_mark(text))).map_err(|error| {
        let upto = error.utf8_error().valid_up_to();
        let good = String::from_utf8_lossy(error.as_bytes().get(..upto).unwrap_or_default()).into_owned();
        let text = without_mark(good);
        let mut problems = Problems::new(&text, Some(path));
        let flaw = Flaw::new("this is no UTF-8 text", "save the file in the encoding UTF-8");
        problems.push(&(text.len()..text.len()), String::new(), flaw);
        match problems.into_result(()) {
            Err(error) => error,
            Ok(()) => unfit(path, "this is no UTF-8 text", "save the file in the encoding UTF-8"),
        }
    })
}

/// What the file is to say, whole and durable beside it.
pub(super) struct Prepared {
    path: PathBuf,
    target: PathBuf,
    file: tempfile::NamedTempFile,
}

/// Writes what the file is to say, so that nothing but a name is left to change.
pub(super) fn prepare(path: &Path, text: &str) -> Result<Prepared, ConfigError> {
    let target = real(path);
    let write = || {
        // A temporary file is made for this user alone.
        let mut file = tempfile::NamedTempFile::new_in(folder_of(&target))?;
        file.write_all(text.as_bytes())?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    match write() {
        Ok(file) => Ok(Prepared { path: path.to_path_buf(), target, file }),
        Err(source) => Err(failed(path, "written", source)),
    }
}

impl Prepared {
    /// Puts it in the place of the file. A link stays a link: what it leads to is replaced.
    pub(super) fn put(self) -> Result<(), ConfigError> {
        let Self { path, target, file } = self;
        file.persist(&target).map_err(|refused| failed(&path, "written", refused.error))?;
        // The name is durable with its folder; some file systems cannot sync one.
        let _ = File::open(folder_of(&target)).and_then(|folder| folder.sync_all());
        Ok(())
    }
}

/// Replaces the file whole.
pub(super) fn write(path: &Path, text: &str) -> Result<(), ConfigError> {
    prepare(path, text)?.put()
}

fn folder_of(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new("."))
}

pub(super) fn failed(path: &Path, doing: &'static str, source: io::Error) -> ConfigError {
    ConfigError::Io { path: path.to_path_buf(), doing, source }
}

fn unfit(path: &Path, what: &'static str, remedy: &'static str) -> ConfigError {
    ConfigError::Unfit { path: path.to_path_buf(), what, remedy }
}

fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())
}

fn without_mark(text: String) -> String {
    text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)
}

/// Who may write to the file or put another in its place: its folder, and the one a link to it stands in.
fn check_access(path: &Path, found: &fs::Metadata) -> Result<(), ConfigError> {
    if shared(found) {
        return Err(unfit(path, "others may write to this file", "run `chmod go-w` on it"));
    }
    if !owned(found) {
        return Err(unfit(path, "this file belongs to somebody else", "put a file of your own in its place"));
    }
    for folder in [Some(path), Some(real(path).as_path())].into_iter().flatten().filter_map(Path::parent) {
        if fs::metadata(folder).is_ok_and(|found| shared(&found)) {
            return Err(unfit(folder, "others may write to this folder", "run `chmod go-w` on it"));
        }
    }
    Ok(())
}

/// Whether it belongs to this user, or to the administrator.
#[cfg(target_os = "linux")]
fn owned(found: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    found.uid() == 0 || found.uid() == rustix::process::geteuid().as_raw()
}

/// Not told apart elsewhere: the file lies in the user's own profile.
#[cfg(not(target_os = "linux"))]
fn owned(_: &fs::Metadata) -> bool {
    true
}
