//! The machine from three sides: every pair of state and input ([`table`]), whole lives of a session
//! ([`stories`], [`failures`], [`recovery`]), what is recorded of it
//! ([`records`]), and what holds whatever happens ([`properties`]).

mod edges;
mod failures;
mod invariants;
mod moves;
mod properties;
mod records;
mod recovery;
mod stories;
mod story;
mod table;
