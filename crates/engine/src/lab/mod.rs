//! What the lab needs of the engine: a client by hand for throw-away sign-ins, and the profile of a backend made with
//! it.
//!
//! It stands here because it spends refresh tokens, and those never leave the engine. Nothing of it touches an
//! account's own session: whoever uses it brings a vault of its own, in memory.

mod contract;
mod detour;
mod facts;
mod findings;
mod form_browser;
mod measure;
mod probe;
mod saved;

pub use contract::{Contract, ContractError, Difference};
pub use detour::through;
pub use facts::{
    BackendFacts, Between, ErrorShape, Grace, Lifetime, ReuseHandling, Skew, TwoAtOnce, Unmeasured,
};
pub use findings::{FINDING_CODES, ProfileFinding, ProfileGrade, findings};
pub use form_browser::FormBrowser;
pub use measure::{Bounds, Profile, Waiter, profile};
pub use probe::{Held, Probe, Spent};
pub use saved::{load_profile, save_profile};
