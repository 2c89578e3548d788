//! Why a session is not simply signed in, in a code for programs and a sentence for people.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};

use crate::policy::in_words;

/// Why a session ended, or waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Reason {
    /// Nobody has signed in to this account on this machine.
    NeverSignedIn,
    /// The person signed out here.
    SignedOut,
    /// The stored tokens are gone: signed out by another process, or the keychain was reset.
    VaultEmpty,
    /// The provider refused the refresh token (RFC 6749 §5.2 `invalid_grant`, or a declared status).
    Refused {
        /// The provider's words, made harmless by [`crate::text::foreign`].
        said: Option<String>,
    },
    /// The refresh token had run out before it was used: nothing renewed the session in time (RFC 9700 §4.14.2).
    Idle,
    /// The provider refused the refresh token right after a reply was lost: it may have been spent by that.
    RefusedAfterLostReply {
        /// The provider's words, made harmless by [`crate::text::foreign`].
        said: Option<String>,
    },
    /// The provider kept refusing without a verdict that can be read.
    Unclear {
        /// The last status.
        status: u16,
        /// The provider's words, made harmless by [`crate::text::foreign`].
        said: Option<String>,
    },
    /// The access token has expired, and the provider issued no refresh token.
    NotRenewable,
    /// The keychain does not answer as it should.
    Vault {
        /// What is wrong with it.
        problem: VaultProblem,
    },
    /// The session reached the end its provider had set for it.
    CeilingReached,
    /// The session lasted as long as the account's `max_age` allows.
    MaxAgeReached {
        /// How long that is.
        allowed_secs: i64,
    },
    /// Nobody used the session for as long as the account's `idle_timeout`, or a rolling `max_age`, allows.
    UnusedTooLong {
        /// How long that is.
        allowed_secs: i64,
    },
    /// The provider did not accept user name and password.
    WrongCredentials {
        /// The provider's words, made harmless by [`crate::text::foreign`].
        said: Option<String>,
    },
    /// The provider could not be reached; the refresh token is surely unspent.
    Unreachable {
        /// What went wrong, in a few words.
        what: String,
    },
    /// The reply was lost after the request had left.
    ReplyLost,
    /// The provider answered that it cannot do it now.
    ProviderBusy {
        /// The status.
        status: u16,
    },
    /// What answered is no token reply: a captive portal or a proxy, most likely.
    NotTheProvider {
        /// The status.
        status: u16,
    },
    /// The account is set up wrongly; the provider says so.
    Misconfigured {
        /// The status.
        status: u16,
        /// The provider's words, made harmless by [`crate::text::foreign`].
        said: Option<String>,
    },
    /// The sign-in was declined: in the browser or on the other device (RFC 6749 §4.1.2.1 `access_denied`), or by a
    /// backend that has locked the account.
    SignInDenied {
        /// The provider's words, made harmless by [`crate::text::foreign`].
        said: Option<String>,
    },
    /// The provider ended the sign-in with an error (RFC 6749 §4.1.2.1, RFC 8628 §3.5).
    SignInRefused {
        /// Its error code, made harmless by [`crate::text::foreign`].
        error: String,
        /// The provider's words, made harmless by [`crate::text::foreign`].
        said: Option<String>,
    },
    /// Nobody finished the sign-in in the time there was for it.
    SignInTimedOut,
    /// What a sign-in brought is not believed, and none of it is kept.
    NotBelieved {
        /// What is wrong with it, in a few words.
        why: String,
    },
    /// The browser could not have come back: another program listens where the account wants it.
    PortTaken {
        /// The port.
        port: u16,
    },
    /// What the provider says of itself does not fit the account, so nothing is sent to it.
    Misfit {
        /// What does not fit, in a few words.
        why: String,
    },
    /// A renewal brought tokens that are not this person's, or not the provider's.
    Distrusted {
        /// What is wrong with them, in a few words.
        why: String,
    },
    /// The tokens are bound to a key (RFC 9449) that is not there any more.
    KeyLost,
    /// The site's session says that what stands behind it cannot be renewed any more.
    SessionError {
        /// The site's code, made harmless by [`crate::text::foreign`].
        error: String,
    },
    /// Another process holds the renewal lock of this account.
    LockBusy,
    /// There is no lock to keep two processes from spending the same token, so nothing is sent.
    LockUnusable {
        /// What the system said, in a few words.
        what: String,
    },
    /// The machine woke or the network changed, and the provider's host does not answer yet.
    Network,
    /// The provider refused, and the clock here differs much from its own.
    ClockOff {
        /// How much ours is ahead, in seconds; negative when it is behind.
        ahead_secs: i64,
    },
    /// A renewal is under way and has not ended yet.
    RenewalUnderWay,
    /// Renewals buy less than half of what they promise; the storm breaker has stopped them for a while.
    Storm,
    /// The session is being opened: the vault is read.
    Opening,
}

/// What is wrong with the vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VaultProblem {
    /// It is locked, and nobody unlocked it.
    Locked,
    /// It is not there: no keychain service, no session bus.
    Unavailable,
    /// It refused the operation.
    Refused,
    /// It did not answer in time.
    Slow,
    /// The item is too large for it.
    TooLarge,
    /// The item cannot be read as one of ours.
    Damaged,
    /// The item was written by a newer version of Latchkey.
    Newer,
    /// The item was sealed with another passphrase or key file.
    WrongPassphrase,
    /// The sealed file cannot be read or written: a full disk, a folder that is not writable, a link in its place.
    FileUnusable,
    /// What was read back is not what had been written.
    NotKept,
}

impl VaultProblem {
    /// Each of them.
    pub const ALL: [Self; 10] = [
        Self::Locked,
        Self::Unavailable,
        Self::Refused,
        Self::Slow,
        Self::TooLarge,
        Self::Damaged,
        Self::Newer,
        Self::WrongPassphrase,
        Self::FileUnusable,
        Self::NotKept,
    ];

    /// Stable name for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::Locked => "keychain_locked",
            Self::Unavailable => "keychain_unavailable",
            Self::Refused => "keychain_refused",
            Self::Slow => "keychain_slow",
            Self::TooLarge => "keychain_item_too_large",
            Self::Damaged => "keychain_item_damaged",
            Self::Newer => "keychain_item_newer",
            Self::WrongPassphrase => "keychain_wrong_passphrase",
            Self::FileUnusable => "keychain_file_unusable",
            Self::NotKept => "keychain_not_kept",
        }
    }

    /// What is wrong and what to do, in a sentence.
    pub fn message(self) -> &'static str {
        match self {
            Self::Locked => {
                "The keychain is locked. Unlock it, and all goes on by itself; or choose another vault with LATCHKEY_VAULT"
            }
            Self::Unavailable => {
                "No keychain can be used. Start a keychain service that has a default keyring (GNOME Keyring, KWallet, KeePassXC) or choose another vault with LATCHKEY_VAULT"
            }
            Self::Refused => {
                "The keychain refused. Allow Latchkey to use it, or choose another vault with LATCHKEY_VAULT"
            }
            Self::Slow => "The keychain does not answer in time. Look for a question it may have opened",
            Self::TooLarge => {
                "The tokens are too large for this keychain. Choose another vault with LATCHKEY_VAULT"
            }
            Self::Damaged => "The stored item cannot be read. Sign in again to replace it",
            Self::Newer => "The stored item was written by a newer version of Latchkey. Update this one",
            Self::WrongPassphrase => {
                "This passphrase or key file does not open the sealed file, which was left as it is. Give the one it was sealed with; if that is lost, `latchkey sign-out` erases it, and you sign in again"
            }
            Self::FileUnusable => {
                "The sealed file cannot be read or written. See that the disk has room and that the state folder is yours; the log says which file"
            }
            Self::NotKept => {
                "What was read back is not what had been written. Choose another vault with LATCHKEY_VAULT if this stays"
            }
        }
    }
}

impl Reason {
    /// The same reason, given after a reply was lost on the way: a refusal may then be due to that.
    #[must_use]
    pub fn after_lost_reply(self) -> Self {
        if let Self::Refused { said } = self { Self::RefusedAfterLostReply { said } } else { self }
    }

    /// Stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NeverSignedIn => "never_signed_in",
            Self::SignedOut => "signed_out",
            Self::VaultEmpty => "vault_empty",
            Self::Refused { .. } => "refused",
            Self::Idle => "idle",
            Self::RefusedAfterLostReply { .. } => "refused_after_lost_reply",
            Self::Unclear { .. } => "unclear_refusal",
            Self::NotRenewable => "not_renewable",
            Self::Vault { problem } => problem.code(),
            Self::CeilingReached => "ceiling_reached",
            Self::MaxAgeReached { .. } => "max_age_reached",
            Self::UnusedTooLong { .. } => "unused_too_long",
            Self::WrongCredentials { .. } => "wrong_credentials",
            Self::Unreachable { .. } => "unreachable",
            Self::ReplyLost => "reply_lost",
            Self::ProviderBusy { .. } => "provider_busy",
            Self::NotTheProvider { .. } => "not_the_provider",
            Self::Misconfigured { .. } => "misconfigured",
            Self::SignInDenied { .. } => "sign_in_denied",
            Self::SignInRefused { .. } => "sign_in_refused",
            Self::SignInTimedOut => "sign_in_timed_out",
            Self::NotBelieved { .. } => "not_believed",
            Self::PortTaken { .. } => "port_taken",
            Self::Misfit { .. } => "misfit",
            Self::Distrusted { .. } => "distrusted",
            Self::KeyLost => "key_lost",
            Self::SessionError { .. } => "session_error",
            Self::LockBusy => "lock_busy",
            Self::LockUnusable { .. } => "lock_unusable",
            Self::Network => "network",
            Self::ClockOff { .. } => "clock_off",
            Self::RenewalUnderWay => "renewal_under_way",
            Self::Storm => "storm_breaker",
            Self::Opening => "opening",
        }
    }

    /// What happened and what to do, in a sentence.
    pub fn message(&self) -> String {
        let quoted = |said: &Option<String>| said.as_ref().map_or(String::new(), |s| format!(" (“{s}”)"));
        match self {
            Self::NeverSignedIn => "Nobody is signed in".to_owned(),
            Self::SignedOut => "You signed out".to_owned(),
            Self::VaultEmpty => {
                "The stored tokens are gone: signed out elsewhere, or the keychain was reset. Sign in again".to_owned()
            }
            Self::Refused { said } => format!("The provider refused to renew{}. Sign in again", quoted(said)),
            Self::Idle => {
                "The session was not renewed in time: its refresh token had run out, as it does when a machine is off or offline for too long. Sign in again".to_owned()
            }
            Self::RefusedAfterLostReply { said } => format!(
                "A reply was lost on the way, and the provider now refuses to renew{}. Sign in again",
                quoted(said)
            ),
            Self::Unclear { status, said } => {
                let why = if said.is_some() { quoted(said) } else { " without saying why".to_owned() };
                format!("The provider answers {status}{why}. If it stays, ask who runs it")
            }
            Self::NotRenewable => {
                "The access token has expired, and the provider gave no refresh token. Sign in again".to_owned()
            }
            Self::Vault { problem } => problem.message().to_owned(),
            Self::CeilingReached => "The session reached the end its provider had set. Sign in again".to_owned(),
            Self::MaxAgeReached { allowed_secs } => format!(
                "The session lasted {}, as long as this account allows. Sign in again",
                in_words(SignedDuration::from_secs(*allowed_secs))
            ),
            Self::UnusedTooLong { allowed_secs } => format!(
                "Nobody used the session for {}, as long as this account allows. Sign in again",
                in_words(SignedDuration::from_secs(*allowed_secs))
            ),
            Self::WrongCredentials { said } => {
                format!("The provider did not accept user name and password{}", quoted(said))
            }
            Self::Unreachable { what } => format!("The provider cannot be reached: {what}"),
            Self::ReplyLost => "The provider's reply did not arrive".to_owned(),
            Self::ProviderBusy { status } => format!("The provider answered {status}: it cannot do it now"),
            Self::NotTheProvider { status } => format!(
                "Something other than the provider answered ({status}): a Wi-Fi sign-in page or a proxy, most likely"
            ),
            Self::Misconfigured { status, said } => format!(
                "The provider answered {status}{}: the account's address or client settings do not fit. Your session is kept; correct the account",
                quoted(said)
            ),
            Self::SignInDenied { said } => format!("The sign-in was declined{}. Sign in again", quoted(said)),
            Self::SignInRefused { error, said } => {
                format!("The provider ended the sign-in with `{error}`{}", quoted(said))
            }
            Self::SignInTimedOut => {
                "Nobody finished the sign-in in the time there was for it. Sign in again".to_owned()
            }
            Self::NotBelieved { why } => format!(
                "What the provider sent is not believed: {why}. Nothing was stored; if it stays, ask who runs it"
            ),
            Self::PortTaken { port } => format!(
                "Another program listens on port {port}, so the browser could not come back. End it, or set another `redirect_port`"
            ),
            Self::Misfit { why } => {
                format!("The provider does not fit the account: {why}. Nothing was sent to it; correct the account, or ask who runs it")
            }
            Self::Distrusted { why } => format!(
                "A renewal brought tokens that are not believed: {why}. They are not handed out. Sign in again"
            ),
            Self::KeyLost => {
                "The key that the tokens are bound to is gone, so they are of no use. Sign in again".to_owned()
            }
            Self::SessionError { error } => {
                format!("The site cannot renew what stands behind the session (`{error}`). Sign in again")
            }
            Self::LockBusy => "Another Latchkey process is renewing this account".to_owned(),
            Self::LockUnusable { what } => format!(
                "No lock file can be used ({what}), and without one a token could be spent twice. Make room on the disk, make the state folder writable, or choose another with LATCHKEY_STATE_DIR"
            ),
            Self::Network => {
                "Waiting for the network: the provider's host does not answer yet".to_owned()
            }
            Self::ClockOff { ahead_secs } => {
                let by = in_words(SignedDuration::from_secs(ahead_secs.saturating_abs()));
                let how = if *ahead_secs < 0 { "behind" } else { "ahead of" };
                format!("The provider refused to renew, perhaps because the clock here is {by} {how} its own. Set the clock")
            }
            Self::RenewalUnderWay => "A renewal is under way and has not ended yet".to_owned(),
            Self::Storm => {
                "Renewals buy less than half of the time they promise, so they pause: the clock here or at the provider may be wrong. Renew by hand to go on".to_owned()
            }
            Self::Opening => "The keychain is being read".to_owned(),
        }
    }
}
