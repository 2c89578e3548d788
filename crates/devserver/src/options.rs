//! What a person can set, and what is refused at the start rather than met later.

use std::{
    collections::BTreeSet,
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

use aws_lc_rs::constant_time::verify_slices_are_equal;

use crate::{Rules, StartError};

const SECOND: Duration = Duration::from_secs(1);
const YEAR: Duration = Duration::from_hours(365 * 24);
const LONGEST_GRACE: Duration = Duration::from_hours(1);
const LONGEST_INTERVAL: Duration = Duration::from_mins(1);

/// How the dev server is to behave.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where to listen. Loopback only; port 0 takes a free port. 127.0.0.1:4180 unless set.
    pub listen: SocketAddr,
    /// How long an access token lives. 1 s to 1 year; 60 s unless set.
    pub access_lifetime: Duration,
    /// How long a refresh token lives when nobody uses it. 1 s to 1 year; 30 min unless set.
    pub refresh_lifetime: Duration,
    /// The ceiling of a session, counted from the login and moved by nothing. 1 s to 1 year; 8 h unless set.
    pub session_lifetime: Duration,
    /// How long a consumed refresh token still gets the answer it got before. 0 to 1 h; 0 (none) unless set.
    ///
    /// RFC 9700 §4.14.2 leaves such a window to the server; a client that lost a reply needs it.
    pub grace: Duration,
    /// The file in which families (hashed tokens only) and the signing key outlive the process. None unless set.
    pub state: Option<PathBuf>,
    /// How long a client waits between two polls of a device code (RFC 8628 §3.2). Whole seconds, 1 s to 1 min; 5 s
    /// unless set.
    pub device_interval: Duration,
    /// Whether DPoP proofs must hold a nonce of this server (RFC 9449 §8). Not unless set.
    pub require_dpop_nonce: bool,
    /// How refresh tokens are treated: as RFC 9700 asks, unless set.
    pub rules: Rules,
    /// Who can sign in: at least one, with distinct names. The user `demo` unless set.
    pub users: Vec<User>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 4180)),
            access_lifetime: Duration::from_mins(1),
            refresh_lifetime: Duration::from_mins(30),
            session_lifetime: Duration::from_hours(8),
            grace: Duration::ZERO,
            state: None,
            device_interval: Duration::from_secs(5),
            require_dpop_nonce: false,
            rules: Rules::default(),
            users: vec![User::demo()],
        }
    }
}

impl Options {
    /// Refuses what could only be a mistake, before anything is opened.
    pub(crate) fn check(&self) -> Result<(), StartError> {
        for (name, value) in [
            ("access lifetime", self.access_lifetime),
            ("refresh lifetime", self.refresh_lifetime),
            ("session lifetime", self.session_lifetime),
        ] {
            if value < SECOND || value > YEAR {
                return Err(StartError::Option(format!("{name} of {value:?} is not between 1 s and 1 year")));
            }
        }
        if self.grace > LONGEST_GRACE {
            return Err(StartError::Option(format!("grace of {:?} is longer than 1 h", self.grace)));
        }
        let interval = self.device_interval;
        if interval < SECOND || interval > LONGEST_INTERVAL || interval.subsec_nanos() != 0 {
            let range = "a whole number of seconds from 1 s to 1 min";
            return Err(StartError::Option(format!("device interval of {interval:?} is not {range}")));
        }
        self.check_users()
    }

    fn check_users(&self) -> Result<(), StartError> {
        if self.users.is_empty() {
            return Err(StartError::Option("without a user nobody could sign in".into()));
        }
        let mut names = BTreeSet::new();
        for user in &self.users {
            for name in BTreeSet::from([user.username.to_lowercase(), user.email.to_lowercase()]) {
                if name.is_empty() {
                    return Err(StartError::Option("a user without a name or an email".into()));
                }
                if !names.insert(name.clone()) {
                    return Err(StartError::Option(format!("two users are called {name}")));
                }
            }
        }
        Ok(())
    }

    /// The user with this user name or email, whatever the case.
    pub(crate) fn user(&self, name: &str) -> Option<&User> {
        let name = name.to_lowercase();
        self.users
            .iter()
            .find(|user| user.username.to_lowercase() == name || user.email.to_lowercase() == name)
    }

    /// The user with this user name or email, if that is the password.
    pub(crate) fn user_with_password(&self, name: &str, password: &str) -> Option<&User> {
        self.user(name)
            .filter(|user| verify_slices_are_equal(user.password.as_bytes(), password.as_bytes()).is_ok())
    }
}

/// Someone who can sign in. A made-up person: the password stands in clear.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// The user name; also the `sub` of the tokens.
    pub username: String,
    /// The email address, accepted in place of the user name.
    pub email: String,
    /// The name to show.
    pub name: String,
    /// The password, in clear.
    pub password: String,
}

impl User {
    /// `demo` with the password `demo`.
    #[must_use]
    pub fn demo() -> Self {
        Self {
            username: "demo".into(),
            email: "demo@example.com".into(),
            name: "Demo User".into(),
            password: "demo".into(),
        }
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Made up or not, a password in a log teaches the wrong habit.
        f.debug_struct("User")
            .field("username", &self.username)
            .field("email", &self.email)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(change: impl FnOnce(&mut Options)) -> String {
        let mut options = Options::default();
        change(&mut options);
        options.check().unwrap_err().to_string()
    }

    #[test]
    fn the_defaults_are_accepted() {
        Options::default().check().unwrap();
    }

    #[test]
    fn lifetimes_that_can_only_be_mistakes_are_refused_by_name() {
        assert!(refused(|options| options.access_lifetime = Duration::ZERO).contains("access lifetime"));
        assert!(refused(|options| options.session_lifetime = YEAR + SECOND).contains("session lifetime"));
        assert!(refused(|options| options.grace = LONGEST_GRACE + SECOND).contains("grace"));
        for interval in [Duration::ZERO, Duration::from_millis(1500), Duration::from_secs(61)] {
            assert!(refused(|options| options.device_interval = interval).contains("device interval"));
        }
    }

    #[test]
    fn two_users_cannot_share_a_name() {
        let message = refused(|options| options.users.push(User { email: "DEMO".into(), ..User::demo() }));
        assert!(message.contains("demo"), "{message}");
        assert!(refused(|options| options.users.clear()).contains("nobody"));
    }

    #[test]
    fn a_user_in_a_log_shows_no_password() {
        let user = User { password: "correct horse".into(), ..User::demo() };
        assert!(!format!("{user:?}").contains("correct horse"));
    }
}
