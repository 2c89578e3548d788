//! Something that changes with time: a value from each moment on.

use super::Millis;

/// What holds when. Before the first change holds what it began with.
#[derive(Clone, Debug)]
pub struct Track<T> {
    changes: Vec<(Millis, T)>,
}

impl<T: Copy + PartialEq> Track<T> {
    /// It has always been so.
    pub fn new(always: T) -> Self {
        Self { changes: vec![(Millis::MIN, always)] }
    }

    /// From then on it is so, whatever was to come after that moment.
    pub fn set(&mut self, from: Millis, value: T) {
        self.changes.retain(|(at, _)| *at < from);
        if self.changes.last().is_none_or(|(_, before)| *before != value) {
            self.changes.push((from, value));
        }
    }

    /// It is so for a while, and then as it would have been.
    pub fn during(&mut self, from: Millis, until: Millis, value: T) {
        let after = self.at(until);
        let later: Vec<_> = self.changes.iter().copied().filter(|(at, _)| *at > until).collect();
        self.set(from, value);
        self.set(until, after);
        for (at, value) in later {
            self.set(at, value);
        }
    }

    /// What holds then.
    pub fn at(&self, time: Millis) -> T {
        let after = self.changes.partition_point(|(at, _)| *at <= time);
        self.changes[after - 1].1
    }

    /// When it changes next after that moment.
    pub fn next_change(&self, time: Millis) -> Option<Millis> {
        let after = self.changes.partition_point(|(at, _)| *at <= time);
        self.changes.get(after).map(|(at, _)| *at)
    }

    /// The first moment, not before `time`, at which this holds.
    pub fn first(&self, time: Millis, holds: impl Fn(T) -> bool) -> Option<Millis> {
        let mut at = time;
        loop {
            if holds(self.at(at)) {
                return Some(at);
            }
            at = self.next_change(at)?;
        }
    }

    /// The changes, oldest first; the first one is what it began with.
    pub fn changes(&self) -> &[(Millis, T)] {
        &self.changes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_so_for_a_while_gives_way_to_what_would_have_been() {
        let mut track = Track::new('a');
        track.set(100, 'b');
        track.during(50, 60, 'x');
        track.during(90, 110, 'y');
        let seen: String = [0, 49, 50, 59, 60, 89, 90, 109, 110].map(|at| track.at(at)).iter().collect();
        assert_eq!(seen, "aaxxaayyb");
        assert_eq!(track.next_change(60), Some(90));
        assert_eq!(track.next_change(110), None);
        assert_eq!(track.first(91, |value| value == 'b'), Some(110));
    }
}
