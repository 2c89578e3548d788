//! The guide, opened in the browser. It lies on this machine, where a package or `cargo xtask guide` has put it, so it needs
//! no network.

use std::path::{Path, PathBuf};

use tracing::warn;

use crate::command_error::CommandError;

/// Where its first page is, seen from the folder of the program: as packages have it, and as the sources do.
const PLACES: [&str; 2] = ["../share/doc/latchkey-desktop/guide/index.html", "../guide/html/index.html"];

/// Opens it.
pub(crate) fn show() -> Result<(), CommandError> {
    let program = std::env::current_exe().ok();
    let page = program.as_deref().and_then(Path::parent).and_then(find);
    let opened = page.and_then(|page| {
        tauri_plugin_opener::open_path(page, None::<&str>)
            .inspect_err(|error| warn!(kind = "not_shown", "the guide could not be opened: {error}"))
            .ok()
    });
    opened.ok_or_else(|| {
        let hint = "it comes with the package of the window; in the sources `cargo xtask guide` makes it";
        CommandError::new("no_guide", "the guide could not be opened", Some(hint))
    })
}

fn find(folder: &Path) -> Option<PathBuf> {
    PLACES.iter().find_map(|place| folder.join(place).canonicalize().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guide_is_found_where_a_package_puts_it_and_nowhere_else() {
        let root = tempfile::tempdir().unwrap();
        let (programs, guide) =
            (root.path().join("usr/bin"), root.path().join("usr/share/doc/latchkey-desktop/guide"));
        std::fs::create_dir_all(&programs).unwrap();
        std::fs::create_dir_all(&guide).unwrap();
        assert_eq!(find(&programs), None);
        std::fs::write(guide.join("index.html"), "").unwrap();
        assert_eq!(find(&programs), Some(guide.join("index.html").canonicalize().unwrap()));
    }
}
