//! The system packages of Debian and Ubuntu, each with the reason it is here. Checked on Debian 12; the names are the
//! same on Debian 13 and on Ubuntu since 22.04.
//!
//! Not here, though often listed for Tauri: libssl (TLS is rustls), libxdo (only for a feature we leave out), librsvg
//! (only for AppImage), cmake (aws-lc builds without it).

/// A package and why it is needed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Package {
    pub(crate) name: &'static str,
    pub(crate) why: &'static str,
}

const fn package(name: &'static str, why: &'static str) -> Package {
    Package { name, why }
}

/// To build and open the window.
pub(crate) const WINDOW: &[Package] = &[
    package("build-essential", "C compiler and linker, also for the cryptography of rustls"),
    package("pkg-config", "finds the libraries below"),
    package("libwebkit2gtk-4.1-dev", "the web view in the window, with GTK 3"),
    package("libdbus-1-dev", "the toolkit's connection to the desktop"),
    package("libayatana-appindicator3-1", "the tray icon, loaded when the app starts"),
];

/// To show the window where there is no display, and to keep a keychain there.
pub(crate) const HEADLESS: &[Package] = &[
    package("xvfb", "the virtual display"),
    package("openbox", "window manager of the virtual display"),
    package("dbus", "the private session bus"),
    package("gnome-keyring", "the keychain (Secret Service)"),
    package("imagemagick", "takes the screenshot and counts its colours"),
    package("fonts-dejavu-core", "letters for the window"),
];

/// To look at the app from outside in the black-box tests.
pub(crate) const BLACK_BOX: &[Package] = &[
    package("webkit2gtk-driver", "WebDriver for the window"),
    package("libsecret-tools", "secret-tool reads the keychain back"),
    package("git", "asks its credential helper, and serves what is cloned"),
    package("openssl", "makes the certificate of the server that kubectl is tried with"),
    package("wmctrl", "closes windows as their frames do"),
    package("xclip", "looks at the clipboard as a clipboard manager does"),
];

/// To make packages, and to look at them.
pub(crate) const PACKAGING: &[Package] = &[
    package("dpkg-dev", "finds the packages of the libraries that a program is linked with"),
    package("fakeroot", "installs packages into a folder without being root"),
    package("rpm", "makes and reads RPM packages"),
    package("desktop-file-utils", "looks at the desktop entry"),
];

/// To look whether the code for Windows compiles.
pub(crate) const PORTS: &[Package] = &[
    package("gcc-mingw-w64-x86-64", "C compiler for Windows, for the cryptography of rustls"),
    package("nasm", "assembler for the same"),
];

/// For the Kubernetes client that the tests start, where no kubectl is there at all: people have it from many places.
pub(crate) const KUBECTL: &[Package] = &[package("kubernetes-client", "kubectl, which asks for its token")];

/// For the window's page and for the provider that the tests start, where no Node is there at all.
pub(crate) const NODE: &[Package] = &[
    package("nodejs", "builds the window's page and runs the OpenID provider of the tests"),
    package("npm", "gets the packages of both"),
];

/// Those that `listing` (`dpkg-query -W -f '${Package}\t${db:Status-Status}\n'`) does not show as installed.
pub(crate) fn missing(wanted: &[&'static Package], listing: &str) -> Vec<&'static Package> {
    let installed: std::collections::BTreeSet<&str> = listing
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .filter(|(_, status)| status.trim() == "installed")
        .map(|(name, _)| name)
        .collect();
    wanted.iter().copied().filter(|package| !installed.contains(package.name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_dpkg_does_not_show_as_installed_is_missing() {
        let wanted: Vec<&Package> = WINDOW.iter().collect();
        let listing = "build-essential\tinstalled\npkg-config\tconfig-files\nlibdbus-1-dev\tinstalled\n\
                       libayatana-appindicator3-1\tunpacked\n";
        let names: Vec<_> = missing(&wanted, listing).iter().map(|package| package.name).collect();
        assert_eq!(names, ["pkg-config", "libwebkit2gtk-4.1-dev", "libayatana-appindicator3-1"]);
    }

    #[test]
    fn an_empty_listing_misses_everything() {
        let wanted: Vec<&Package> = HEADLESS.iter().chain(BLACK_BOX).chain(PACKAGING).collect();
        assert_eq!(missing(&wanted, "").len(), wanted.len());
    }

    #[test]
    fn no_package_is_listed_twice_or_without_a_reason() {
        let all: Vec<&Package> = WINDOW
            .iter()
            .chain(HEADLESS)
            .chain(BLACK_BOX)
            .chain(PACKAGING)
            .chain(KUBECTL)
            .chain(NODE)
            .collect();
        let names: std::collections::BTreeSet<_> = all.iter().map(|package| package.name).collect();
        assert_eq!(names.len(), all.len());
        assert!(all.iter().all(|package| !package.why.is_empty()));
    }
}
