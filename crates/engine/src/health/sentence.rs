//! What a finding says besides its English words, for whoever words it anew: which sentence it is, what to do included.

use serde::Serialize;

/// A sentence of a finding. The values in it go by name: those that end in `_ms` are durations in milliseconds, those that
/// end in `_bytes` are sizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "bindings", derive(specta::Type))]
#[serde(rename_all = "snake_case")]
pub enum Sentence {
    /// Only the English words say it: they hold what somebody else said, such as the configuration's parser.
    AsSaid,
    /// The vault does not work; `reason` is the code of why, `detail` the store's own words.
    VaultFails,
    /// Tokens are gone when Latchkey ends.
    VaultForgets,
    /// The vault works, which took `took_ms`.
    VaultWorks,
    /// There is no account.
    NoAccount,
    /// There are `count` accounts in `file`.
    ConfigRead,
    /// `what` is wrong `at` a place of the configuration; `remedy` says what to do.
    ConfigUnusable,
    /// The place `place` of the log names an account `name` that is not there.
    LogOfNoAccount,
    /// What was decided about programs cannot be read in `file`.
    DecisionsUnreadable,
    /// The `folder` at `path` is not there yet.
    FolderAbsent,
    /// It cannot be looked at, as `error` says; `variable` chooses another.
    FolderHidden,
    /// Something else is in its place.
    FolderIsNone,
    /// Others may write to it.
    FolderShared,
    /// Nothing can be written to it.
    FolderReadOnly,
    /// Its disk has only `free_bytes` left.
    DiskFull,
    /// Its disk has `free_bytes` left, which is little.
    DiskNearlyFull,
    /// Others can look into it.
    FolderOpen,
    /// It is as it should be.
    FolderUsable,
    /// The same, with `free_bytes` left.
    FolderUsableWithRoom,
    /// Nothing was renewed yet.
    LocksAbsent,
    /// Locks keep two processes apart.
    LocksWork,
    /// Locks at `path` keep nobody out; `variable` chooses another folder.
    LocksFail,
    /// Files at `path` cannot be locked, as `error` says.
    LocksImpossible,
    /// The clock shows a `time` from before this version.
    ClockTooEarly,
    /// The clock shows a `time` that is too late.
    ClockTooLate,
    /// `file` was written `ahead_ms` after the time that the clock shows.
    ClockSetBack,
    /// The clock shows a `time` that can be right.
    ClockPlausible,
    /// The `host` answered in `took_ms`.
    ProviderReached,
    /// It took the request and said nothing.
    ProviderSilent,
    /// It did not answer within `patience_ms`.
    ProviderSlow,
    /// It cannot be reached, as `what` says.
    ProviderUnreachable,
    /// Nobody knows its name.
    ProviderUnknown,
    /// Its clock shows the same.
    SameTime,
    /// Its clock is `by_ms` ahead or behind (`how`), which does not matter.
    OtherTime,
    /// Its clock is so much off that it does.
    ClocksDiffer,
    /// Nobody is signed in.
    NotSignedIn,
    /// Tokens of this `generation` are stored.
    TokensStored,
    /// The refresh token of this `generation` is not sent any more; `reason` is the code of why, whose values are here too.
    RefreshTokenRefused,
}
