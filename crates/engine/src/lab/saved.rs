//! The profile of an account's backend, kept beside its log. It holds no secret.

use std::io;
use std::path::PathBuf;

use latchkey_core::account::AccountName;

use super::measure::Profile;
use crate::paths::{Paths, create_private_dir};

/// Keeps a profile in the place of the one before it.
///
/// # Errors
/// What the file system said.
pub fn save_profile(paths: &Paths, account: &AccountName, profile: &Profile) -> io::Result<()> {
    let path = file(paths, account);
    if let Some(folder) = path.parent() {
        create_private_dir(folder)?;
    }
    let json = serde_json::to_vec_pretty(profile)?;
    let folder = path.parent().unwrap_or(std::path::Path::new("."));
    let mut written = tempfile::NamedTempFile::new_in(folder)?;
    io::Write::write_all(&mut written, &json)?;
    written.persist(&path)?;
    Ok(())
}

/// The profile that was kept, if there is one that can be read.
pub fn load_profile(paths: &Paths, account: &AccountName) -> Option<Profile> {
    serde_json::from_slice(&std::fs::read(file(paths, account)).ok()?).ok()
}

fn file(paths: &Paths, account: &AccountName) -> PathBuf {
    paths.state_dir.join("profiles").join(format!("{account}.json"))
}
