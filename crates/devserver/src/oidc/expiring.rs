//! A map whose entries go by themselves, and which cannot grow without end.

use std::{cmp::Reverse, collections::BTreeMap};

use jiff::Timestamp;

use crate::token::TokenHash;

/// Entries of one kind. The server may be embedded in an app that runs for weeks, and anything on this machine can send
/// requests; a person never comes near this.
const MOST: usize = 1000;

/// Values under the hash of a secret, each until its time.
pub(super) struct Expiring<T> {
    entries: BTreeMap<TokenHash, (Timestamp, T)>,
}

impl<T> Default for Expiring<T> {
    fn default() -> Self {
        Self { entries: BTreeMap::new() }
    }
}

impl<T> Expiring<T> {
    /// Keeps this value until then. Where there are too many, the one that would go first goes now.
    pub(super) fn insert(&mut self, key: TokenHash, value: T, until: Timestamp, now: Timestamp) {
        self.entries.retain(|_, (until, _)| *until > now);
        if self.entries.len() >= MOST {
            let first = self.entries.iter().min_by_key(|(_, (until, _))| *until).map(|(key, _)| *key);
            first.and_then(|first| self.entries.remove(&first));
        }
        self.entries.insert(key, (until, value));
    }

    pub(super) fn get(&self, key: TokenHash, now: Timestamp) -> Option<&T> {
        self.entries.get(&key).filter(|(until, _)| *until > now).map(|(_, value)| value)
    }

    pub(super) fn get_mut(&mut self, key: TokenHash, now: Timestamp) -> Option<&mut T> {
        self.entries.get_mut(&key).filter(|(until, _)| *until > now).map(|(_, value)| value)
    }

    /// Takes the value out: it can be used once.
    pub(super) fn take(&mut self, key: TokenHash, now: Timestamp) -> Option<T> {
        self.entries.remove(&key).filter(|(until, _)| *until > now).map(|(_, value)| value)
    }

    /// The newest value for which this holds.
    pub(super) fn find_mut(&mut self, holds: impl Fn(&T) -> bool, now: Timestamp) -> Option<&mut T> {
        self.entries
            .values_mut()
            .filter(|(until, value)| *until > now && holds(value))
            .min_by_key(|(until, _)| Reverse(*until))
            .map(|(_, value)| value)
    }

    /// Forgets the others.
    pub(super) fn retain(&mut self, stays: impl Fn(&T) -> bool) {
        self.entries.retain(|_, (_, value)| stays(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn an_entry_goes_when_its_time_is_over_and_can_be_taken_once() {
        let key = TokenHash::of("key");
        let mut map = Expiring::default();
        map.insert(key, "value", at(10), at(0));
        assert_eq!(map.get(key, at(9)), Some(&"value"));
        assert_eq!(map.get(key, at(10)), None);
        assert_eq!(map.take(key, at(9)), Some("value"));
        assert_eq!(map.take(key, at(9)), None);
    }

    #[test]
    fn where_there_are_too_many_the_one_that_would_go_first_goes() {
        let mut map = Expiring::default();
        for place in 0..MOST {
            let until = at(1000 + i64::try_from(place).unwrap());
            map.insert(TokenHash::of(&place.to_string()), place, until, at(0));
        }
        map.insert(TokenHash::of("one more"), MOST, at(5000), at(0));
        assert_eq!(map.get(TokenHash::of("0"), at(0)), None);
        assert_eq!(map.get(TokenHash::of("1"), at(0)), Some(&1));
        assert_eq!(map.entries.len(), MOST);
    }
}
