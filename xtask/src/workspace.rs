//! Where things are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::process;

/// The checkout this command works on.
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    /// Where cargo builds to; asked of cargo, since a developer may have moved it.
    pub(crate) target: PathBuf,
}

impl Workspace {
    pub(crate) fn find() -> Result<Self> {
        // Set by `cargo run`; without it the program was started by hand, in the checkout.
        let root = match std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from) {
            Some(xtask) => xtask.parent().context("xtask stands outside of a checkout")?.to_owned(),
            None => std::env::current_dir().context("cannot tell the current folder")?,
        };
        let metadata =
            process::answer(cargo_in(&root).args(["metadata", "--no-deps", "--format-version", "1"]))
                .context("`cargo metadata` failed: run this in a checkout of Latchkey")?;
        let metadata: serde_json::Value =
            serde_json::from_str(&metadata).context("`cargo metadata` answered no JSON")?;
        let path = |key: &str| {
            let value = metadata.get(key).and_then(serde_json::Value::as_str);
            value.map(PathBuf::from).with_context(|| format!("`cargo metadata` names no {key}"))
        };
        Ok(Self { root: path("workspace_root")?, target: path("target_directory")? })
    }

    /// cargo, in the root.
    pub(crate) fn cargo(&self) -> Command {
        cargo_in(&self.root)
    }

    pub(crate) fn ui(&self) -> PathBuf {
        self.root.join("ui")
    }

    /// node-oidc-provider, which the tests start.
    pub(crate) fn test_provider(&self) -> PathBuf {
        self.root.join("tests/servers/op")
    }

    /// The site with NextAuth v4 that the tests start, and the one with Auth.js v5.
    pub(crate) fn test_sites(&self) -> [PathBuf; 2] {
        ["na4", "na5"].map(|name| self.root.join("tests/servers").join(name))
    }

    /// A built program, with the ending this platform gives it.
    pub(crate) fn program(&self, profile: &str, name: &str) -> PathBuf {
        self.target.join(profile).join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }

    /// A path as a person in the root would write it.
    pub(crate) fn shown(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }
}

fn cargo_in(root: &Path) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root);
    // What `cargo run` told this program about xtask is not meant for what cargo builds next.
    for (name, _) in std::env::vars_os() {
        let shown = name.to_string_lossy();
        if shown.starts_with("CARGO_PKG_") || shown.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    if crate::say::colour() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    command
}

/// Makes a folder and its parents; the folder itself can be entered by its owner only.
pub(crate) fn private_folder(path: &Path) -> Result<()> {
    let make = || -> std::io::Result<()> {
        fs::create_dir_all(path)?;
        #[cfg(unix)]
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        Ok(())
    };
    make().with_context(|| format!("cannot make the folder {}", path.display()))
}

/// Has one of our programs keep its things in this folder.
pub(crate) fn with_folders<'a>(command: &'a mut Command, folder: &Path) -> &'a mut Command {
    command
        .env("LATCHKEY_CONFIG_DIR", folder.join("config"))
        .env("LATCHKEY_STATE_DIR", folder.join("state"))
        .env("LATCHKEY_RUNTIME_DIR", folder.join("run"))
}

/// Empties and makes a private folder.
pub(crate) fn fresh_private_folder(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot empty {}", path.display()))
        }
        Ok(()) | Err(_) => private_folder(path),
    }
}
