//! Remembers what a step was last done for, so that it is done again only when its input changed.
//!
//! The input is told by content, not by time: a checkout of another branch and back changes times alone.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// A small file that holds the digest of the input a step was done for.
pub(crate) struct Stamp {
    path: PathBuf,
}

impl Stamp {
    pub(crate) fn new(target: &Path, step: &str) -> Self {
        Self { path: target.join("xtask").join(format!("{step}.stamp")) }
    }

    /// Whether the step was done for this input.
    pub(crate) fn matches(&self, digest: &str) -> bool {
        fs::read_to_string(&self.path).is_ok_and(|known| known == digest)
    }

    /// Remembers that the step was done for this input.
    pub(crate) fn set(&self, digest: &str) -> Result<()> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&self.path, digest).with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// Forgets, before the step begins: one that breaks off half-way is done again.
    pub(crate) fn clear(&self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// A digest over one file, or over all files below a folder, without the folders in `skip`. Not for secrets: it only
/// has to notice changes, and its worst mistake is a step left out.
pub(crate) fn digest(path: &Path, skip: &[&str]) -> Result<String> {
    let mut files = BTreeMap::new();
    gather(path, skip, &mut files)?;
    let mut hasher = DefaultHasher::new();
    for (name, content) in files {
        name.hash(&mut hasher);
        content.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn gather(path: &Path, skip: &[&str], files: &mut BTreeMap<PathBuf, Vec<u8>>) -> Result<()> {
    if !path.is_dir() {
        let content = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        files.insert(path.to_owned(), content);
        return Ok(());
    }
    for entry in fs::read_dir(path).with_context(|| format!("cannot read {}", path.display()))? {
        let entry = entry?;
        if !skip.iter().any(|name| entry.file_name() == *name) {
            gather(&entry.path(), skip, files)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_follows_content_and_names_and_leaves_out_what_is_skipped() {
        let folder = scratch("digest");
        fs::create_dir_all(folder.join("dist")).unwrap();
        fs::write(folder.join("a"), "1").unwrap();
        let first = digest(&folder, &["dist"]).unwrap();

        fs::write(folder.join("dist/out"), "x").unwrap();
        assert_eq!(digest(&folder, &["dist"]).unwrap(), first);
        fs::write(folder.join("a"), "1").unwrap();
        assert_eq!(digest(&folder, &["dist"]).unwrap(), first, "written again, not changed");
        fs::write(folder.join("a"), "2").unwrap();
        assert_ne!(digest(&folder, &["dist"]).unwrap(), first);
        fs::rename(folder.join("a"), folder.join("b")).unwrap();
        fs::write(folder.join("b"), "1").unwrap();
        assert_ne!(digest(&folder, &["dist"]).unwrap(), first);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_stamp_remembers_until_it_is_cleared() {
        let folder = scratch("stamp");
        let stamp = Stamp::new(&folder, "step");
        assert!(!stamp.matches("one"));
        stamp.set("one").unwrap();
        assert!(stamp.matches("one"));
        assert!(!stamp.matches("two"));
        stamp.clear();
        assert!(!stamp.matches("one"));
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error_that_names_it() {
        let error = digest(Path::new("no-such-file"), &[]).unwrap_err();
        assert!(format!("{error:#}").contains("no-such-file"));
    }

    fn scratch(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("latchkey-xtask-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        folder
    }
}
