//! What the sealed file asks of a file system: few operations, each of which may fail or be the last one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use crate::paths::{create_private_dir, shared};

/// A file system. The tests have one that loses power.
pub(super) trait Disk: Send {
    /// Makes the folder if it is missing, and sees that it is this user's alone.
    fn prepare(&self, folder: &Path) -> io::Result<()>;

    /// The file; nothing where there surely is none.
    fn read(&self, file: &Path) -> io::Result<Option<Vec<u8>>>;

    /// The names in the folder; none where there is no folder.
    fn names(&self, folder: &Path) -> io::Result<Vec<String>>;

    /// Makes a file that must not be there yet. What it holds is durable when this returns, its name is not.
    fn create(&self, file: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Puts one file in the place of another, at once.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file; one that is gone already is no error.
    fn remove(&self, file: &Path) -> io::Result<()>;

    /// Makes the names in the folder durable, if there is one.
    fn sync(&self, folder: &Path) -> io::Result<()>;
}

/// The most that is read of a file: more than any token set takes.
const LARGEST: u64 = 2 * 1024 * 1024;

/// The file system of this machine.
pub(super) struct SystemDisk;

impl Disk for SystemDisk {
    fn prepare(&self, folder: &Path) -> io::Result<()> {
        if !is_there(folder)? {
            create_private_dir(folder)?;
            self.sync(folder.parent().unwrap_or(folder))?;
        }
        Ok(())
    }

    fn read(&self, file: &Path) -> io::Result<Option<Vec<u8>>> {
        let absent = |error: &io::Error| error.kind() == io::ErrorKind::NotFound;
        if !is_there(file.parent().unwrap_or(file))? {
            return Ok(None);
        }
        let opened = match reading().open(file) {
            Ok(opened) => opened,
            Err(error) if absent(&error) => return Ok(None),
            Err(_) if fs::symlink_metadata(file).is_ok_and(|found| found.is_symlink()) => {
                return Err(io::Error::other("it is a link; put the file itself in its place"));
            }
            Err(error) => return Err(error),
        };
        if !opened.metadata()?.is_file() {
            return Err(io::Error::other("it is no regular file; move it out of the way"));
        }
        keep_private(file, &opened, 0o600)?;
        let mut bytes = Vec::new();
        opened.take(LARGEST).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    fn names(&self, folder: &Path) -> io::Result<Vec<String>> {
        if !is_there(folder)? {
            return Ok(Vec::new());
        }
        // What is no UTF-8 was not named by us.
        let name = |entry: io::Result<fs::DirEntry>| entry.map(|entry| entry.file_name().into_string().ok());
        fs::read_dir(folder)?.filter_map(|entry| name(entry).transpose()).collect()
    }

    fn create(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut made = options.open(file)?;
        made.write_all(bytes)?;
        made.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, file: &Path) -> io::Result<()> {
        match fs::remove_file(file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            result => result,
        }
    }

    #[cfg(unix)]
    fn sync(&self, folder: &Path) -> io::Result<()> {
        match File::open(folder).and_then(|folder| folder.sync_all()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            // Some network file systems cannot, and have no need to.
            Err(error)
                if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) =>
            {
                Ok(())
            }
            result => result,
        }
    }

    /// Elsewhere a folder cannot be synced; the file system's own journal keeps its names.
    #[cfg(not(unix))]
    fn sync(&self, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

/// Whether the folder is there. An error when something else is, or when others may put files into it.
fn is_there(folder: &Path) -> io::Result<bool> {
    let found = match fs::symlink_metadata(folder) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    if !found.is_dir() {
        return Err(io::Error::other("its folder is a link or no folder; put a folder in its place"));
    }
    if shared(&found) {
        return Err(io::Error::other("others may write to its folder; run `chmod 700` on it"));
    }
    #[cfg(unix)]
    keep_private(folder, &File::open(folder)?, 0o700)?;
    Ok(true)
}

/// Follows no link, and does not wait at a pipe.
fn reading() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags);
    }
    options
}

/// Takes away what others were allowed to do. What they may have read is sealed, so nothing is lost.
#[cfg(unix)]
fn keep_private(path: &Path, opened: &File, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let others = opened.metadata()?.permissions().mode() & 0o077;
    if others == 0 {
        return Ok(());
    }
    opened.set_permissions(fs::Permissions::from_mode(mode))?;
    tracing::warn!(
        kind = "sealed_file_open_to_others",
        "Others could read {}; only you can now",
        path.display()
    );
    Ok(())
}

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, reason = "elsewhere it can fail")]
fn keep_private(_: &Path, _: &File, _: u32) -> io::Result<()> {
    Ok(())
}
