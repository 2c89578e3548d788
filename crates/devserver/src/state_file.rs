//! What outlives the process: families, with hashes in place of tokens, and the signing keys.
//!
//! The file is private to its owner, because the key could sign a token for any user of this server.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{
    StartError,
    family::Families,
    keys::{KeyRing, OldKey, SigningKey},
};

const VERSION: u32 = 1;

#[derive(Serialize)]
struct Written<'a> {
    version: u32,
    signing_key: &'a str,
    old_keys: Vec<OldKey>,
    families: &'a Families,
}

#[derive(Deserialize)]
struct Read {
    version: u32,
    signing_key: String,
    /// Absent in a file that was written before keys could be replaced.
    #[serde(default)]
    old_keys: Vec<OldKey>,
    families: Families,
}

/// What a start found.
pub(crate) enum Found {
    /// No file yet.
    Nothing,
    State(Box<(KeyRing, Families)>),
    /// A file that cannot be understood. It was put aside; the sentence is for the person.
    Damaged(String),
}

/// Reads the file. A damaged one is renamed to `….damaged`, so that the next write does not destroy it.
pub(crate) fn read(path: &Path) -> Result<Found, StartError> {
    let failed = |source| StartError::State { path: path.to_owned(), source };
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(failed(error)),
    };
    match parse(&bytes) {
        Ok(state) => Ok(Found::State(Box::new(state))),
        Err(what) => {
            let aside = aside(path);
            fs::rename(path, &aside).map_err(failed)?;
            Ok(Found::Damaged(format!(
                "the state file {} {what}: it was put aside as {}, and every session starts anew",
                path.display(),
                aside.display()
            )))
        }
    }
}

/// Replaces the file in one step. The temporary file is made with mode 0600 on Unix, and renaming keeps that.
pub(crate) fn write(path: &Path, keys: &KeyRing, families: &Families, now: Timestamp) -> io::Result<()> {
    let (signing_key, old_keys) = (keys.current().to_pem(), keys.old(now));
    let json = serde_json::to_vec(&Written { version: VERSION, signing_key, old_keys, families })?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(&json)?;
    // Renaming an unsynced file can leave an empty one behind after a power failure.
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// In words only: an error of the parser could quote the key.
fn parse(bytes: &[u8]) -> Result<(KeyRing, Families), &'static str> {
    let read: Read = serde_json::from_slice(bytes).map_err(|_| "cannot be read")?;
    if read.version != VERSION {
        return Err("was written by another version");
    }
    let key = SigningKey::from_pem(&read.signing_key).map_err(|_| "holds no usable signing key")?;
    Ok((KeyRing::new(key, read.old_keys), read.families))
}

fn aside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".damaged");
    PathBuf::from(name)
}
