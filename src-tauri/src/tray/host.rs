//! Whether there is a tray to be seen in.
//!
//! On Linux a tray is a program of its own, and many desktops have none. It can be known where it speaks the
//! StatusNotifierItem protocol on the session bus (KDE, Xfce, GNOME with the extension, most bars). An old XEmbed tray
//! shows the icon as well but cannot be known from here, so there closing the window ends the app.

#[cfg(target_os = "linux")]
pub(crate) use linux::{has_library, is_there};

/// Elsewhere the desktop always has one.
#[cfg(not(target_os = "linux"))]
#[expect(clippy::unused_async, reason = "as on Linux, where it is asked for")]
pub(crate) async fn is_there() -> bool {
    true
}

/// Elsewhere it is part of the system.
#[cfg(not(target_os = "linux"))]
pub(crate) fn has_library() -> bool {
    true
}

#[cfg(target_os = "linux")]
mod linux {
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    /// What speaks the protocol for the app. Where it is missing, making the icon would end the process.
    const LIBRARIES: [&str; 2] = ["libayatana-appindicator3.so.1", "libappindicator3.so.1"];

    /// Where systems keep libraries, besides the folder named after the architecture.
    const FOLDERS: [&str; 6] =
        ["/usr/lib64", "/usr/lib", "/lib64", "/lib", "/usr/local/lib", "/run/current-system/sw/lib"];

    const WATCHER: &str = "org.kde.StatusNotifierWatcher";

    /// A bus that does not answer by then has no tray worth waiting for.
    const PATIENCE: Duration = Duration::from_millis(500);

    pub(crate) fn has_library() -> bool {
        let chosen = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
        let triplet = format!("{}-linux-gnu", std::env::consts::ARCH);
        let named = FOLDERS.iter().map(|folder| Path::new(folder).join(&triplet));
        let folders = std::env::split_paths(&chosen).chain(named).chain(FOLDERS.iter().map(PathBuf::from));
        holds_library(folders)
    }

    fn holds_library(folders: impl Iterator<Item = PathBuf>) -> bool {
        folders.into_iter().any(|folder| LIBRARIES.iter().any(|library| folder.join(library).exists()))
    }

    pub(crate) async fn is_there() -> bool {
        tokio::time::timeout(PATIENCE, ask()).await.is_ok_and(|answer| answer.unwrap_or(false))
    }

    async fn ask() -> zbus::Result<bool> {
        let bus = zbus::Connection::session().await?;
        // Asking the watcher itself would start one where it can be started.
        if !zbus::fdo::DBusProxy::new(&bus).await?.name_has_owner(WATCHER.try_into()?).await? {
            return Ok(false);
        }
        let watcher = zbus::Proxy::new(&bus, WATCHER, "/StatusNotifierWatcher", WATCHER).await?;
        watcher.get_property("IsStatusNotifierHostRegistered").await
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_library_is_found_by_its_name_in_a_folder() {
            let folder = tempfile::tempdir().unwrap();
            let look =
                || holds_library([folder.path().join("none"), folder.path().to_path_buf()].into_iter());
            assert!(!look());
            std::fs::write(folder.path().join("libappindicator3.so.1"), "").unwrap();
            assert!(look());
        }
    }
}
