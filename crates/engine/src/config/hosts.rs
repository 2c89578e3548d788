//! For which hosts an account's tokens are meant: what git's and Docker's credential helpers look up.

use super::account::AccountConfig;
use super::problem::{Flaw, Problems};
use super::section::Section;
use super::{Config, Url, is_loopback};

/// The user name that goes with a token where a host asks for one. Hosts that look at it say what they want: GitLab
/// `oauth2`, GitHub `x-access-token`, Google's registries `oauth2accesstoken`; most look at the token alone.
pub const USUAL_USER: &str = "oauth2";

/// The hosts that an account's tokens are for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts {
    /// Which.
    pub places: Vec<HostPlace>,
    /// The user name they want beside the token; [`USUAL_USER`] unless set.
    pub user: Option<String>,
}

/// A host, or a part of what is on it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostPlace {
    /// In lower case; brackets stay around an IPv6 address.
    host: String,
    /// Any port that is usual for the scheme, unless set.
    port: Option<u16>,
    /// Without a slash at either end; empty for all of the host.
    path: String,
}

impl Hosts {
    /// The user name that goes with the token.
    pub fn user(&self) -> &str {
        self.user.as_deref().unwrap_or(USUAL_USER)
    }
}

impl HostPlace {
    /// Reads `host`, `host:port` and either with a path; `https://` may stand before it.
    ///
    /// # Errors
    /// What is wrong with it, and what to write.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::read(text).map_err(|flaw| format!("{}; {}", flaw.what, flaw.remedy))
    }

    pub(super) fn read(text: &str) -> Result<Self, Flaw> {
        let flaw = |what: &str| {
            Flaw::new(what, "write a host such as `git.example.com`, with a port or a path behind it")
        };
        let bare = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://")).unwrap_or(text);
        // An address of HTTPS is what knows best how hosts are written.
        let url = Url::parse(&format!("https://{bare}")).map_err(|_| flaw("this is no host"))?;
        let odd = !url.username().is_empty() || url.password().is_some();
        if odd || url.query().is_some() || url.fragment().is_some() || text.contains('*') {
            return Err(flaw("this is more than a host and a path"));
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| flaw("this is no host"))?;
        // The parser leaves the usual port out, which was asked for all the same.
        let port =
            url.port().or_else(|| bare.split('/').next().filter(|host| host.ends_with(":443")).map(|_| 443));
        Ok(Self { host: host.to_owned(), port, path: url.path().trim_matches('/').to_owned() })
    }

    /// How closely it fits a request there; nothing where it does not. A longer path fits closer.
    fn fits(&self, asked: &Self, plain: bool) -> Option<usize> {
        let usual = if plain { 80 } else { 443 };
        let port = |place: &Self| place.port.unwrap_or(usual);
        let below = asked.path == self.path
            || self.path.is_empty()
            || asked.path.strip_prefix(self.path.as_str()).is_some_and(|rest| rest.starts_with('/'));
        (self.host == asked.host && port(self) == port(asked) && below).then_some(self.path.len())
    }
}

impl std::fmt::Display for HostPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        if self.path.is_empty() { Ok(()) } else { write!(f, "/{}", self.path) }
    }
}

/// Which account an address belongs to.
#[derive(Debug, PartialEq, Eq)]
pub enum Owner<'a> {
    /// This one's.
    Account(&'a AccountConfig),
    /// More than one claims it: none is guessed.
    Several(Vec<&'a AccountConfig>),
    /// None's.
    Nobody,
}

impl Config {
    /// The account that a host (`git.example.com:8443/team/app`) belongs to; `plain` for `http`, whose usual port is
    /// another.
    pub fn owner_of(&self, address: &str, plain: bool) -> Owner<'_> {
        let Ok(asked) = HostPlace::read(address) else { return Owner::Nobody };
        let fit = |account: &AccountConfig| {
            account.hosts.places.iter().filter_map(|place| place.fits(&asked, plain)).max()
        };
        let fitting: Vec<_> =
            self.accounts.iter().filter_map(|account| Some((fit(account)?, account))).collect();
        let closest = fitting.iter().map(|(fit, _)| *fit).max();
        let mut owners =
            fitting.into_iter().filter(|(fit, _)| Some(*fit) == closest).map(|(_, account)| account);
        match (owners.next(), owners.next()) {
            (None, _) => Owner::Nobody,
            (Some(one), None) => Owner::Account(one),
            (Some(one), Some(other)) => Owner::Several([one, other].into_iter().chain(owners).collect()),
        }
    }
}

/// Whether a token may travel to a host: over TLS, or within this machine.
pub fn may_carry_tokens(scheme: &str, host: &str) -> bool {
    let local = || Url::parse(&format!("http://{host}/")).is_ok_and(|url| is_loopback(&url));
    scheme == "https" || scheme == "http" && local()
}

/// Reads the two keys of an account.
pub(super) fn read(section: &Section<'_, '_>, problems: &mut Problems<'_>) -> Hosts {
    Hosts {
        places: section.list("hosts", "[\"git.example.com\"]", problems, HostPlace::read).unwrap_or_default(),
        user: section.text("host_user", problems, user).filter(|user| user != USUAL_USER),
    }
}

/// A user name as it may stand in HTTP's basic authentication (RFC 7617 §2).
pub(super) fn user(text: &str) -> Result<String, Flaw> {
    if text.is_empty() || text.contains(':') || text.chars().any(char::is_control) {
        let remedy = "write what the host wants as a user name, such as `oauth2`; it has no colon";
        return Err(Flaw::new("this is no user name", remedy));
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(accounts: &[(&str, &str)]) -> Config {
        let tables = accounts.iter().map(|(name, hosts)| {
            format!("[accounts.{name}]\nprovider = \"oauth\"\nissuer = \"https://id.example.com\"\nclient_id = \"x\"\nhosts = {hosts}\n")
        });
        Config::parse(&tables.collect::<String>(), None).unwrap()
    }

    fn owner(config: &Config, address: &str, plain: bool) -> String {
        match config.owner_of(address, plain) {
            Owner::Account(account) => account.name.to_string(),
            Owner::Several(accounts) => format!("{} claim it", accounts.len()),
            Owner::Nobody => "nobody".to_owned(),
        }
    }

    #[test]
    fn the_closest_place_owns_an_address() {
        let config = config(&[
            ("work", r#"["git.example.com", "localhost:8080", "[::1]:5000"]"#),
            ("team", r#"["https://GIT.example.com/team/", "git.example.com:8443"]"#),
        ]);
        for (address, plain, owned_by) in [
            ("git.example.com", false, "work"),
            ("git.example.com:443", false, "work"),
            ("git.example.com/team", false, "team"),
            ("git.example.com/team/app.git", false, "team"),
            ("git.example.com/teamwork/app.git", false, "work"),
            ("git.example.com:8443/x", false, "team"),
            ("git.example.com:8444", false, "nobody"),
            ("git.example.com", true, "work"),
            ("git.example.com:443", true, "nobody"),
            ("evil-git.example.com", false, "nobody"),
            ("git.example.com.evil.test", false, "nobody"),
            ("git.example.com@evil.test", false, "nobody"),
            ("git.example.com/../team/x", false, "team"),
            ("localhost:8080/a", true, "work"),
            ("localhost", true, "nobody"),
            ("[::1]:5000", true, "work"),
            ("", false, "nobody"),
            ("\u{0}", false, "nobody"),
        ] {
            assert_eq!(owner(&config, address, plain), owned_by, "{address}");
        }
    }

    #[test]
    fn what_two_accounts_claim_is_neither_ones() {
        let config = config(&[("a", r#"["x.test"]"#), ("b", r#"["x.test/p", "x.test"]"#)]);
        assert_eq!(owner(&config, "x.test", false), "2 claim it");
        assert_eq!(owner(&config, "x.test/p/q", false), "b");
    }

    #[test]
    fn a_token_travels_over_tls_or_stays_here() {
        for (scheme, host, fine) in [
            ("https", "git.example.com", true),
            ("http", "git.example.com", false),
            ("http", "127.0.0.1:8080", true),
            ("http", "[::1]", true),
            ("http", "localhost.evil.test", false),
            ("ftp", "localhost", false),
        ] {
            assert_eq!(may_carry_tokens(scheme, host), fine, "{scheme} {host}");
        }
    }

    #[test]
    fn what_is_no_host_is_refused_with_what_to_write() {
        for text in ["", "https://", "a b", "user@x.test", "x.test?q", "*.x.test", "x.test:99999"] {
            let why = HostPlace::parse(text).unwrap_err();
            assert!(why.contains("write a host such as"), "{text}: {why}");
        }
        assert_eq!(HostPlace::parse("X.test:5000/A/").unwrap().to_string(), "x.test:5000/A");
        assert_eq!(HostPlace::parse("x.test:443").unwrap().to_string(), "x.test:443");
    }
}
