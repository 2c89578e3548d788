//! The lab exercises refresh: it puts a client before a backend, breaks one of them on purpose, and says who did wrong.
//!
//! | room | what is in it |
//! |---|---|
//! | `scenario` | what is to happen and what is expected: a TOML file, read with precise errors |
//! | `shipped` | the scenarios that come with the program, and the traps each of them stands for |
//! | `client` | whoever is under test: Latchkey's engine, or something else in its place |
//! | `stage` | what is around the client: a backend of ours in virtual time, or a proxy before somebody's own |
//! | `runner` | plays a scenario on a stage |
//! | `report` | what came of it: a page, JSON, JUnit, and the lifeline as a picture |
//! | `sandbox` | a small backend to try rotation on, step by step |
//! | `measuring` | the profile of an account's backend |
//! | `ending` | the end of the program in the middle of all this |
//!
//! Invariant: nothing here touches a session of the account under test. Vault and journal are in memory, sign-ins are
//! thrown away.

pub mod client;
pub mod ending;
pub mod measuring;
pub mod report;
pub mod runner;
pub mod sandbox;
pub mod scenario;
pub mod shipped;
pub mod stage;
