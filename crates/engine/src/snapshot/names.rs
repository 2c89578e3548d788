//! The closed sets of names in a status. The window's types are made from these, so a name that is new here is
//! an error there until it has its words.

use std::fmt;

use latchkey_core::session::{Action, State};
use serde::{Deserialize, Serialize};

macro_rules! names {
    ($($(#[$doc:meta])* $set:ident { $($(#[$about:meta])* $name:ident = $text:literal,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[cfg_attr(feature = "bindings", derive(specta::Type))]
        #[serde(rename_all = "snake_case")]
        pub enum $set { $($(#[$about])* $name,)* }

        impl $set {
            /// The name as it stands in JSON.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }

        impl fmt::Display for $set {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl PartialEq<str> for $set {
            fn eq(&self, name: &str) -> bool {
                self.as_str() == name
            }
        }

        impl PartialEq<&str> for $set {
            fn eq(&self, name: &&str) -> bool {
                self.as_str() == *name
            }
        }
    )*};
}

names! {
    /// What a session is doing.
    StateName {
        /// Nobody is signed in.
        SignedOut = "signed_out",
        /// Someone is signing in.
        SigningIn = "signing_in",
        /// Tokens are in hand and the next renewal is planned.
        SignedIn = "signed_in",
        /// One exchange is under way.
        Renewing = "renewing",
        /// New tokens are not yet durable.
        Saving = "saving",
        /// Waiting before the next try.
        Waiting = "waiting",
        /// Only a new sign-in helps.
        NeedsSignIn = "needs_sign_in",
    }
    /// What matters most to the person.
    HeadlineKind {
        /// Signed in, and it stays so until then.
        SignedInUntil = "signed_in_until",
        /// Signed in, with no end in sight.
        SignedIn = "signed_in",
        /// Signed in, but only a new sign-in will do after that.
        SignInAgainBy = "sign_in_again_by",
        /// Signing in.
        SigningIn = "signing_in",
        /// Signed out.
        SignedOut = "signed_out",
        /// A new sign-in is needed now.
        NeedsSignIn = "needs_sign_in",
        /// The vault could not be read yet.
        Unknown = "unknown",
    }
    /// What a session does next.
    ActionName {
        /// Renews as planned.
        Renew = "renew",
        /// Tries to renew again.
        RetryRenewal = "retry_renewal",
        /// Tries to store again.
        RetrySave = "retry_save",
        /// Reads the vault again.
        ReadVault = "read_vault",
        /// Tries to erase again.
        RetryErase = "retry_erase",
        /// Tells the provider of the sign-out.
        TellProvider = "tell_provider",
        /// The person signs in.
        SignIn = "sign_in",
        /// Ends the session, as the account has it.
        EndSession = "end_session",
        /// Waits for an answer.
        Wait = "wait",
    }
    /// What happened to a session.
    MarkKind {
        /// Someone signed in.
        SignedIn = "signed_in",
        /// They were renewed here.
        Renewed = "renewed",
        /// They were taken over from the vault.
        Adopted = "adopted",
        /// A renewal failed.
        Failed = "failed",
        /// The session was ended: nobody is signed in any more.
        SignedOut = "signed_out",
        /// The session's ceiling moved.
        CeilingMoved = "ceiling_moved",
        /// The machine was asleep.
        Slept = "slept",
        /// The provider could not be reached.
        OutOfReach = "out_of_reach",
        /// A program took the access token.
        Taken = "taken",
    }
    /// Whether a program may take tokens.
    ConsentName {
        /// The account asks nobody.
        Open = "open",
        /// The person has not answered yet.
        Asked = "asked",
        /// The person allowed it.
        Allowed = "allowed",
        /// It might once; it is asked about when it comes back.
        Lapsed = "lapsed",
        /// Not now: the person holds it back.
        Paused = "paused",
        /// The person refused it.
        Denied = "denied",
    }
}

impl From<&State> for StateName {
    fn from(state: &State) -> Self {
        match state {
            State::SignedOut { .. } => Self::SignedOut,
            State::SigningIn { .. } => Self::SigningIn,
            State::SignedIn => Self::SignedIn,
            State::Renewing { .. } => Self::Renewing,
            State::Saving { .. } => Self::Saving,
            State::Waiting { .. } => Self::Waiting,
            State::NeedsSignIn { .. } => Self::NeedsSignIn,
        }
    }
}

impl From<Action> for ActionName {
    fn from(action: Action) -> Self {
        match action {
            Action::Renew => Self::Renew,
            Action::End => Self::EndSession,
            Action::RetryRenewal => Self::RetryRenewal,
            Action::RetrySave => Self::RetrySave,
            Action::ReadVault => Self::ReadVault,
            Action::RetryErase => Self::RetryErase,
            Action::TellProvider => Self::TellProvider,
            Action::SignIn => Self::SignIn,
            Action::Wait => Self::Wait,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(name: impl Serialize) -> String {
        serde_json::to_string(&name).unwrap()
    }

    #[test]
    fn json_says_the_same_names_as_the_code() {
        for name in [StateName::SignedOut, StateName::NeedsSignIn, StateName::Saving] {
            assert_eq!(json(name), format!("\"{name}\""));
        }
        for name in [HeadlineKind::SignedInUntil, HeadlineKind::SignInAgainBy, HeadlineKind::Unknown] {
            assert_eq!(json(name), format!("\"{name}\""));
        }
        for name in [ActionName::RetryRenewal, ActionName::ReadVault] {
            assert_eq!(json(name), format!("\"{name}\""));
        }
    }
}
