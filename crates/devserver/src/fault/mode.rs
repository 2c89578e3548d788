//! What can go wrong.

use serde::{Deserialize, Serialize};

macro_rules! modes {
    ($($(#[$about:meta])* $name:ident = $text:literal, $happened:literal;)*) => {
        /// What goes wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum FaultMode { $($(#[$about])* $name,)* }

        impl FaultMode {
            /// Every one of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its name, as it stands in JSON and in scenarios.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// What the request log says when it struck.
            pub(crate) const fn happened(self) -> &'static str {
                match self { $(Self::$name => $happened,)* }
            }
        }
    };
}

modes! {
    /// Answers with `status` (500 unless set) and does nothing else.
    Status = "status", "another status";
    /// Waits `ms` (1000 unless set) and then does what was asked.
    Delay = "delay", "delayed";
    /// Reads the request, does nothing, closes the connection without a reply.
    DropBefore = "drop_before", "closed before anything was done";
    /// Does what was asked, then closes the connection without a reply: a rotated token is lost on its way.
    DropAfter = "drop_after", "closed without a reply";
    /// Reads the request, does nothing, resets the connection (RST).
    Reset = "reset", "reset before anything was done";
    /// Answers with a sign-in page in HTML (status 200 unless set), as a captive portal does.
    Html = "html", "a page in place of JSON";
    /// Answers with an empty body (status 200 unless set) and does nothing else.
    Empty = "empty", "an empty body";
    /// Does what was asked, announces the whole reply, sends half of it and closes the connection.
    Torn = "torn", "the reply was torn";
    /// Does what was asked and sends the reply byte by byte, `ms` (50 unless set) apart.
    Drip = "drip", "the reply dripped";
    /// Answers with 30 MB of JSON without announcing the length.
    Big = "big", "30 MB of JSON";
    /// Answers with a redirect (302 to `/` unless set) and does nothing else.
    Redirect = "redirect", "a redirect";
    /// Does what was asked and leaves the refresh token out of the reply.
    NoRefreshToken = "no_refresh_token", "no refresh token in the reply";
    /// Does what was asked and leaves the access token's end out of the reply.
    ExpiryMissing = "expiry_missing", "no expiry in the reply";
    /// Does what was asked and sends the access token's end as text.
    ExpiryText = "expiry_text", "the expiry as text";
    /// Does what was asked and sends 0 as the access token's end.
    ExpiryZero = "expiry_zero", "an expiry of zero";
    /// Does what was asked and sends a negative number as the access token's end.
    ExpiryNegative = "expiry_negative", "a negative expiry";
    /// Does what was asked and sends an object where the access token's end should be a number.
    WrongType = "wrong_type", "an expiry of the wrong type";
    /// Does what was asked and says that the JSON is plain text.
    ContentType = "content_type", "JSON that says it is text";
    /// Answers 401 as if the access token were no longer taken, and does nothing else.
    #[serde(rename = "early_401")]
    EarlyUnauthorized = "early_401", "401 before its time";
    /// Does what was asked with a clock that is `ahead_secs` ahead.
    ClockSkew = "clock_skew", "the server's clock was wrong";
    /// Revokes all that descends from the same sign-in first, and then does what was asked.
    RevokedFamily = "revoked_family", "the family was revoked";
    /// Makes a new signing key first, forgets the old one, and then does what was asked.
    RotateKeys = "rotate_keys", "the signing key was replaced";
    /// Does what was asked and signs the ID token with a key that is published nowhere.
    #[serde(rename = "unknown_kid")]
    UnknownKey = "unknown_kid", "signed with an unpublished key";
}

impl FaultMode {
    /// Whether the request is done all the same: what it spent is spent.
    pub fn commits(self) -> bool {
        match self {
            Self::Delay
            | Self::DropAfter
            | Self::Torn
            | Self::Drip
            | Self::NoRefreshToken
            | Self::ExpiryMissing
            | Self::ExpiryText
            | Self::ExpiryZero
            | Self::ExpiryNegative
            | Self::WrongType
            | Self::ContentType
            | Self::ClockSkew
            | Self::RevokedFamily
            | Self::RotateKeys
            | Self::UnknownKey => true,
            Self::Status
            | Self::DropBefore
            | Self::Reset
            | Self::Html
            | Self::Empty
            | Self::Big
            | Self::Redirect
            | Self::EarlyUnauthorized => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mode_is_called_the_same_in_json_and_in_code() {
        for mode in FaultMode::ALL {
            let json = serde_json::to_value(mode).unwrap();
            assert_eq!(json, mode.name(), "{mode:?}");
        }
    }
}
