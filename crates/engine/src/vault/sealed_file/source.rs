//! Where passphrase and key come from: a file only this user can read, or somebody at a terminal.
//!
//! Never a variable that holds the passphrase itself: every program this user runs can read the environment of every
//! other, and children inherit it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::key::Material;

/// Names the file with the passphrase.
pub const PASSPHRASE_FILE: &str = "LATCHKEY_PASSPHRASE_FILE";
/// Names the file that is the key.
pub const KEY_FILE: &str = "LATCHKEY_KEY_FILE";

/// The fewest bytes of a key file: those of a 256-bit key.
const SHORTEST_KEY: usize = 32;
/// The most that is read of either: whatever is larger is a file that was meant for something else.
const LONGEST: usize = 4096;

/// Why there is nothing to open the sealed file with.
#[derive(Debug, thiserror::Error)]
pub enum KeyProblem {
    /// Neither file is named, and nobody can be asked.
    #[error(
        "the sealed file needs a passphrase or a key file: set {PASSPHRASE_FILE} or {KEY_FILE} to the path of a \
         file that only you can read"
    )]
    NotGiven,
    /// Both are named.
    #[error("both {PASSPHRASE_FILE} and {KEY_FILE} are set: unset the one the sealed file was not made with")]
    Both,
    /// A path that would mean another file in every working directory.
    #[error("{variable} is not an absolute path: start it at the root")]
    Relative {
        /// The variable.
        variable: &'static str,
    },
    /// The file cannot be read.
    #[error("{}, which {variable} names, cannot be read: {source}", path.display())]
    Unreadable {
        /// The variable.
        variable: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is not one to take a key from.
    #[error("{}, which {variable} names, {what}", path.display())]
    Unfit {
        /// The variable.
        variable: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it and what to do.
        what: &'static str,
    },
}

/// What the variables name: a file that was read, or nothing.
pub(super) fn given(lookup: impl Fn(&str) -> Option<OsString>) -> Result<Option<Material>, KeyProblem> {
    let named = |variable| lookup(variable).filter(|value| !value.is_empty()).map(PathBuf::from);
    match (named(PASSPHRASE_FILE), named(KEY_FILE)) {
        (None, None) => Ok(None),
        (Some(_), Some(_)) => Err(KeyProblem::Both),
        (Some(path), None) => passphrase(&path).map(Some),
        (None, Some(path)) => key(&path).map(Some),
    }
}

/// The passphrase, without the line end that an editor or `echo` adds.
fn passphrase(path: &Path) -> Result<Material, KeyProblem> {
    let bytes = read(path, PASSPHRASE_FILE)?;
    let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() {
        return Err(unfit(path, PASSPHRASE_FILE, "holds no passphrase: write one into it"));
    }
    Ok(Material::Passphrase(Zeroizing::new(line.to_vec())))
}

/// The key: all the bytes of the file, as they are.
fn key(path: &Path) -> Result<Material, KeyProblem> {
    let bytes = read(path, KEY_FILE)?;
    if bytes.len() < SHORTEST_KEY {
        let what = "holds fewer than 32 bytes: make a key with `head -c 32 /dev/urandom`";
        return Err(unfit(path, KEY_FILE, what));
    }
    // What some file systems leave of a new file after a power cut.
    if bytes.iter().all(|byte| *byte == 0) {
        return Err(unfit(path, KEY_FILE, "holds nothing but zeros: put the key back from a copy"));
    }
    Ok(Material::KeyFile(bytes))
}

fn read(path: &Path, variable: &'static str) -> Result<Zeroizing<Vec<u8>>, KeyProblem> {
    if !path.is_absolute() {
        return Err(KeyProblem::Relative { variable });
    }
    let unreadable = |source| KeyProblem::Unreadable { variable, path: path.to_path_buf(), source };
    // Looked at before it is opened, which would wait at a pipe; and what was opened is looked at once more.
    let found = fs::metadata(path).map_err(unreadable)?;
    if !found.is_file() {
        return Err(unfit(path, variable, "is no regular file: name a file"));
    }
    let file = File::open(path).map_err(unreadable)?;
    if exposed(&file.metadata().map_err(unreadable)?) {
        return Err(unfit(path, variable, "can be read by others: run `chmod 600` on it"));
    }
    // Room for all of it, since a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST + 1));
    file.take(LONGEST as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() > LONGEST {
        return Err(unfit(path, variable, "is larger than 4096 bytes: name another file"));
    }
    Ok(bytes)
}

fn unfit(path: &Path, variable: &'static str, what: &'static str) -> KeyProblem {
    KeyProblem::Unfit { variable, path: path.to_path_buf(), what }
}

/// Whether anybody but its owner may do anything with it.
#[cfg(unix)]
fn exposed(found: &fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o077 != 0
}

/// Elsewhere the profile folder's access list keeps others out.
#[cfg(not(unix))]
fn exposed(_: &fs::Metadata) -> bool {
    false
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn told(set: &[(&str, &Path)]) -> String {
        let lookup = |name: &str| {
            set.iter().find(|(variable, _)| *variable == name).map(|(_, path)| path.as_os_str().to_owned())
        };
        match given(lookup) {
            Ok(None) => "nothing".to_owned(),
            Ok(Some(Material::Passphrase(bytes))) => {
                format!("passphrase {}", String::from_utf8_lossy(&bytes))
            }
            Ok(Some(Material::KeyFile(bytes))) => format!("key of {} bytes", bytes.len()),
            Err(problem) => problem.to_string(),
        }
    }

    fn file(dir: &Path, name: &str, bytes: &[u8], mode: u32) -> PathBuf {
        let path = dir.join(name);
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn a_private_file_is_taken_and_its_line_end_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let make = |name, bytes: &[u8]| file(dir.path(), name, bytes, 0o600);
        assert_eq!(told(&[]), "nothing");
        assert_eq!(told(&[(PASSPHRASE_FILE, Path::new(""))]), "nothing");
        assert_eq!(told(&[(PASSPHRASE_FILE, &make("a", b" open sesame\r\n"))]), "passphrase  open sesame");
        assert_eq!(told(&[(KEY_FILE, &make("b", &[10; 32]))]), "key of 32 bytes");
        assert_eq!(told(&[(KEY_FILE, &file(dir.path(), "c", &[10; 4096], 0o400))]), "key of 4096 bytes");
    }

    #[test]
    fn a_file_that_others_can_read_or_that_is_none_is_refused_with_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        for (path, words) in [
            (file(root, "group", b"open sesame", 0o640), "can be read by others: run `chmod 600`"),
            (file(root, "all", b"open sesame", 0o604), "can be read by others: run `chmod 600`"),
            (file(root, "empty", b"\n", 0o600), "holds no passphrase"),
            (file(root, "large", &[b'x'; 4097], 0o600), "larger than 4096 bytes"),
            (root.to_path_buf(), "is no regular file"),
            (root.join("missing"), "cannot be read"),
            (PathBuf::from("here"), "not an absolute path"),
        ] {
            let told = told(&[(PASSPHRASE_FILE, &path)]);
            assert!(told.contains(words) && told.contains(PASSPHRASE_FILE), "{told}");
            assert!(!told.contains("sesame"), "{told}");
        }
        let short = file(root, "short", &[1; 31], 0o600);
        assert!(told(&[(KEY_FILE, &short)]).contains("fewer than 32 bytes"));
        assert!(told(&[(KEY_FILE, &file(root, "zeros", &[0; 64], 0o600))]).contains("zeros"));
        assert!(told(&[(KEY_FILE, &short), (PASSPHRASE_FILE, &short)]).contains("unset"));
    }

    #[test]
    fn a_link_counts_by_what_it_leads_to() {
        let dir = tempfile::tempdir().unwrap();
        let open = file(dir.path(), "open", b"open sesame", 0o644);
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&open, &link).unwrap();
        assert!(told(&[(PASSPHRASE_FILE, &link)]).contains("can be read by others"));
        fs::set_permissions(&open, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(told(&[(PASSPHRASE_FILE, &link)]), "passphrase open sesame");
    }
}
