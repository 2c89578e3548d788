//! What a session wants done.

use crate::fingerprint::Fingerprint;
use crate::limits::{End, Usage};
use crate::reason::{Reason, VaultProblem};
use crate::record::Record;
use crate::session::input::Asker;
use crate::time::Stamp;

/// Ties an answer to its effect. An answer with an id that is not awaited is dropped and recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct EffectId(pub u64);

/// Something to be done in the world, in the order given.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Read the vault.
    Load(EffectId),
    /// Sign in with what the caller brought, and store what comes back.
    Authenticate(EffectId),
    /// Let go of the sign-in under way: whatever it still brings is not wanted.
    AbandonSignIn,
    /// Renew this generation: lock, re-read, exchange, store. No caller can cancel it.
    Renew {
        /// Ties the answer to it.
        id: EffectId,
        /// The generation to be replaced; a newer one in the vault is adopted instead.
        generation: u64,
        /// Who wanted it.
        asker: Asker,
    },
    /// Try again to store the tokens that have arrived.
    Save(EffectId),
    /// Look whether there is a network to the provider's token host; nothing is sent to it.
    Probe {
        /// Ties the answer to it.
        id: EffectId,
        /// How closely.
        look: Look,
    },
    /// Store that, and why, the refresh token of this generation was refused, after another look into the vault.
    Seal {
        /// Ties the answer to it.
        id: EffectId,
        /// The generation that was refused; a newer one in the vault is adopted instead.
        generation: u64,
        /// Its refresh token. Another one of the same generation is of a new sign-in, and adopted as well.
        token: Option<Fingerprint>,
        /// Why it must not be sent again.
        reason: Reason,
    },
    /// Erase the stored tokens, all but what the provider must be told with.
    Wipe {
        /// Ties the answer to it.
        id: EffectId,
        /// When the person signed out. Who has signed in since is left alone.
        since: Stamp,
    },
    /// The same for a session that came to the end of the account's limits, unless what is stored says that it was
    /// used since.
    Expire(EffectId),
    /// Store since when the session was last used, beside its tokens. Nobody waits for it.
    Mark(Usage),
    /// Tell the provider that the session is over, then erase what was kept for that.
    Revoke {
        /// Ties the answer to it.
        id: EffectId,
        /// Which try it is.
        which: Revoke,
    },
    /// Hand the tokens that have arrived to whoever asks: they are durable now.
    Publish {
        /// Their generation.
        generation: u64,
    },
    /// Drop every token from memory.
    Forget,
    /// Tell the person.
    Notify(Notice),
    /// Write to the event log.
    Record(Record),
}

/// How closely the network is looked at before a renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// This machine has a route to the world: the connection of the renewal itself then tells the rest. A machine
    /// without one may still reach a host beside it, and asks that.
    Route,
    /// The host takes a connection. A renewal did not get through, or its reply was just lost.
    Host,
}

/// Which try to tell the provider of a sign-out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoke {
    /// Right at the sign-out: the provider's own sign-out page may be opened.
    First,
    /// A later one: nobody waits for it any more.
    Again,
    /// The last one: what was kept for it is erased however it ends.
    Last,
}

/// What a person must be told even when the window is closed.
#[derive(Clone, Debug, PartialEq)]
pub enum Notice {
    /// Only a new sign-in helps.
    SignInNeeded(Reason),
    /// New tokens cannot be stored; they are lost if the program ends now.
    CannotSave(VaultProblem),
    /// The session ends soon by the account's limits.
    EndsSoon(End),
}
