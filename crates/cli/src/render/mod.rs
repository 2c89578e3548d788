//! How things look on a terminal. Nothing in here prints, reads a clock or asks anyone.

pub(crate) mod account;
pub(crate) mod doctor;
pub(crate) mod forecast;
pub(crate) mod log;
pub(crate) mod server;
pub(crate) mod sign_in;
pub(crate) mod site;
pub(crate) mod status;
pub(crate) mod token;
pub(crate) mod when;
