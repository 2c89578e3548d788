//! The machine from three sides: every pair of state and input ([`table`]), whole lives of a session
//! ([`stories`]), and what holds whatever happens ([`properties`]).

mod properties;
mod stories;
mod table;
