//! The machine from three sides: every pair of state and input ([`table`]), whole lives of a session
//! ([`stories`], [`failures`], [`recovery`]), and what holds whatever happens ([`properties`]).

mod edges;
mod failures;
mod invariants;
mod moves;
mod properties;
mod recovery;
mod stories;
mod story;
mod table;
