//! The OpenID provider, as a browser and a client meet it.

mod code;
mod device;
mod dpop;
mod ending;
mod pages;
pub(super) mod parties;
mod provider;
mod refresh;
mod request;
