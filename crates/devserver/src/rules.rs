//! How the server treats refresh tokens. The defaults are what RFC 9700 §4.14.2 asks for; the others are there to be
//! noticed by a client, a scenario or a profile.

use std::{fmt, str::FromStr};

/// What becomes of a refresh token that is presented a second time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reuse {
    /// It is refused, and all that descends from its sign-in is revoked (RFC 9700 §4.14.2).
    #[default]
    RevokeFamily,
    /// It is refused, and nothing else happens.
    Refuse,
    /// It is exchanged once more.
    Accept,
}

/// How the server treats refresh tokens and replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Is a refresh token replaced at each refresh?
    pub rotate: bool,
    /// What becomes of one that was replaced and is presented again?
    pub reuse: Reuse,
    /// Does the lifetime of refresh tokens begin anew at each refresh?
    pub sliding: bool,
    /// Does a refresh end the access token from before?
    pub old_access_dies: bool,
    /// May replies with tokens be stored on their way? RFC 6749 §5.1 forbids it.
    pub cacheable: bool,
    /// Does telling the server of a sign-out change anything?
    pub revokes: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            rotate: true,
            reuse: Reuse::RevokeFamily,
            sliding: true,
            old_access_dies: false,
            cacheable: false,
            revokes: true,
        }
    }
}

/// One rule that differs from the default, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// `no-rotation`
    NoRotation,
    /// `reuse-refused`
    ReuseRefused,
    /// `reuse-accepted`
    ReuseAccepted,
    /// `fixed-refresh-lifetime`
    FixedRefreshLifetime,
    /// `old-access-dies`
    OldAccessDies,
    /// `cacheable`
    Cacheable,
    /// `no-revocation`
    NoRevocation,
}

impl Rule {
    /// Every one of them.
    pub const ALL: [Self; 7] = [
        Self::NoRotation,
        Self::ReuseRefused,
        Self::ReuseAccepted,
        Self::FixedRefreshLifetime,
        Self::OldAccessDies,
        Self::Cacheable,
        Self::NoRevocation,
    ];

    /// Its name on the command line and in scenarios.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoRotation => "no-rotation",
            Self::ReuseRefused => "reuse-refused",
            Self::ReuseAccepted => "reuse-accepted",
            Self::FixedRefreshLifetime => "fixed-refresh-lifetime",
            Self::OldAccessDies => "old-access-dies",
            Self::Cacheable => "cacheable",
            Self::NoRevocation => "no-revocation",
        }
    }

    /// What the server then does, in a few words.
    pub const fn about(self) -> &'static str {
        match self {
            Self::NoRotation => "a refresh token is good for ever and never replaced",
            Self::ReuseRefused => "a used refresh token is refused, and its session goes on",
            Self::ReuseAccepted => "a used refresh token is exchanged again",
            Self::FixedRefreshLifetime => "a refresh does not make the refresh token live longer",
            Self::OldAccessDies => "a refresh ends the access token from before",
            Self::Cacheable => "replies with tokens lack Cache-Control: no-store",
            Self::NoRevocation => "revoking and signing out are answered and change nothing",
        }
    }
}

/// A name that no rule has.
#[derive(Debug, thiserror::Error)]
#[error("no such rule: `{0}`; there are {names}", names = Rule::ALL.map(Rule::name).join(", "))]
pub struct UnknownRule(String);

impl FromStr for Rule {
    type Err = UnknownRule;

    fn from_str(name: &str) -> Result<Self, UnknownRule> {
        Self::ALL.into_iter().find(|rule| rule.name() == name).ok_or_else(|| UnknownRule(name.to_owned()))
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Rules {
    /// Those that are in force, in the place of the defaults.
    pub fn broken(self) -> Vec<Rule> {
        Rule::ALL.into_iter().filter(|rule| self.with([*rule]) == self).collect()
    }

    /// The defaults with these rules in the place of theirs.
    #[must_use]
    pub fn with(mut self, rules: impl IntoIterator<Item = Rule>) -> Self {
        for rule in rules {
            match rule {
                Rule::NoRotation => self.rotate = false,
                Rule::ReuseRefused => self.reuse = Reuse::Refuse,
                Rule::ReuseAccepted => self.reuse = Reuse::Accept,
                Rule::FixedRefreshLifetime => self.sliding = false,
                Rule::OldAccessDies => self.old_access_dies = true,
                Rule::Cacheable => self.cacheable = true,
                Rule::NoRevocation => self.revokes = false,
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_has_a_name_and_changes_something() {
        for rule in Rule::ALL {
            assert_eq!(rule.name().parse::<Rule>().unwrap(), rule);
            assert_ne!(Rules::default().with([rule]), Rules::default(), "{rule}");
            assert_eq!(Rules::default().with([rule]).broken(), [rule]);
        }
        assert!(Rules::default().broken().is_empty());
        assert!("lax".parse::<Rule>().unwrap_err().to_string().contains("no-rotation"));
    }
}
