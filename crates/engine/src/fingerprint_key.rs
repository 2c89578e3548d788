//! The key under which this machine fingerprints tokens: 32 random bytes in the state folder.
//!
//! It is no secret that signs anyone in; it only has to stay the same, so that a token looks the same in
//! yesterday's log and in another process's window. A lock makes processes that start at once agree.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use latchkey_core::fingerprint::FingerprintKey;
use zeroize::Zeroizing;

use crate::paths::{Paths, create_private_dir, private_file};

const LENGTH: usize = 32;

/// The key, and what a person should know about it.
pub struct Loaded {
    /// The key.
    pub key: FingerprintKey,
    /// What was wrong with the file and was put right, in a sentence for the log.
    pub warning: Option<&'static str>,
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file can neither be read nor made anew.
    #[error(
        "the fingerprint key {} cannot be used: {source}; make the file and its folder readable and writable for you", path.display()
    )]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The operating system gives no random bytes.
    #[error("the operating system gives no random bytes: {0}")]
    NoRandomness(getrandom::Error),
}

/// Reads the key, or makes one where there is none or the file is damaged.
pub fn load_or_create(paths: &Paths) -> Result<Loaded, KeyError> {
    let path = paths.fingerprint_key_file();
    let unusable = |source| KeyError::Unusable { path: path.clone(), source };
    if let Found::Key(key) = read(&path).map_err(unusable)? {
        let warning = close(&path).map_err(unusable)?;
        return Ok(Loaded { key, warning });
    }
    create_private_dir(&paths.locks_dir()).map_err(unusable)?;
    // No account's name begins like that, and each account has a lock of its name here.
    let lock =
        private_file().append(true).open(paths.locks_dir().join(".fingerprint.lock")).map_err(unusable)?;
    lock.lock().map_err(unusable)?;
    // Somebody else may have made it while this process waited for the lock.
    let warning = match read(&path).map_err(unusable)? {
        Found::Key(key) => return Ok(Loaded { key, warning: None }),
        Found::Nothing => None,
        Found::Damage => Some(
            "the fingerprint key was damaged and has been made anew; fingerprints in older log lines no longer match",
        ),
    };
    let mut bytes = Zeroizing::new([0_u8; LENGTH]);
    getrandom::fill(&mut *bytes).map_err(KeyError::NoRandomness)?;
    write(&path, &*bytes).map_err(unusable)?;
    Ok(Loaded { key: FingerprintKey::new(*bytes), warning })
}

enum Found {
    Key(FingerprintKey),
    Damage,
    Nothing,
}

fn read(path: &Path) -> io::Result<Found> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(error),
    };
    let mut bytes = Zeroizing::new(Vec::with_capacity(LENGTH + 1));
    file.take(LENGTH as u64 + 1).read_to_end(&mut bytes)?;
    let Ok(whole) = <[u8; LENGTH]>::try_from(bytes.as_slice()) else { return Ok(Found::Damage) };
    // A file of zeros is what some file systems leave after a power cut.
    Ok(if whole == [0; LENGTH] { Found::Damage } else { Found::Key(FingerprintKey::new(whole)) })
}

/// Whole and durable, or not there at all. A temporary file is made for this user alone.
fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Takes away what others were allowed to do with the file.
#[cfg(unix)]
fn close(path: &Path) -> io::Result<Option<&'static str>> {
    use std::os::unix::fs::PermissionsExt;
    let others = fs::metadata(path)?.permissions().mode() & 0o077;
    if others == 0 {
        return Ok(None);
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok(Some("the fingerprint key could be read by others; only you can now"))
}

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
fn close(_: &Path) -> io::Result<Option<&'static str>> {
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_stays_the_same_from_start_to_start() {
        let (_root, paths) = folders();
        let first = load_or_create(&paths).unwrap();
        let second = load_or_create(&paths).unwrap();
        assert_eq!(first.key.of("token"), second.key.of("token"));
        assert_eq!((first.warning, second.warning), (None, None));
    }

    #[test]
    fn machines_have_keys_of_their_own() {
        let ((_one, here), (_two, there)) = (folders(), folders());
        assert_ne!(load_or_create(&here).unwrap().key.of("t"), load_or_create(&there).unwrap().key.of("t"));
    }

    #[test]
    fn those_who_start_at_once_agree() {
        let (_root, paths) = folders();
        let seen: Vec<_> = std::thread::scope(|scope| {
            let all: Vec<_> =
                (0..16).map(|_| scope.spawn(|| load_or_create(&paths).unwrap().key.of("token"))).collect();
            all.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert!(seen.iter().all(|one| Some(one) == seen.first()), "{seen:?}");
    }

    #[test]
    fn a_damaged_file_is_made_anew_and_said() {
        for damage in [&b""[..], b"short", &[7; 33], &[0; 32]] {
            let (_root, paths) = folders();
            fs::write(paths.fingerprint_key_file(), damage).unwrap();
            let anew = load_or_create(&paths).unwrap();
            assert!(anew.warning.is_some_and(|text| text.contains("made anew")), "{damage:?}");
            let again = load_or_create(&paths).unwrap();
            assert_eq!((again.key.of("t"), again.warning), (anew.key.of("t"), None));
        }
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let (_root, paths) = folders();
        let mode = || fs::metadata(paths.fingerprint_key_file()).unwrap().permissions().mode() & 0o777;
        load_or_create(&paths).unwrap();
        assert_eq!(mode(), 0o600);
        fs::set_permissions(paths.fingerprint_key_file(), fs::Permissions::from_mode(0o644)).unwrap();
        assert!(load_or_create(&paths).unwrap().warning.is_some());
        assert_eq!(mode(), 0o600);
    }

    #[test]
    fn without_a_usable_folder_the_file_is_named() {
        let (_root, paths) = folders();
        fs::create_dir(paths.fingerprint_key_file()).unwrap();
        let error = load_or_create(&paths).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("fingerprint.key") && error.contains("readable and writable"), "{error}");
    }

    fn folders() -> (tempfile::TempDir, Paths) {
        let root = tempfile::tempdir().unwrap();
        let dir = |name| root.path().join(name);
        let paths = Paths { config_dir: dir("config"), state_dir: dir("state"), runtime_dir: dir("run") };
        paths.ensure().unwrap();
        (root, paths)
    }
}
