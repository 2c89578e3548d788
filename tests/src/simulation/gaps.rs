//! The time without a valid token, and why it was spent.

use super::world::{Network, Service, World};
use super::{Millis, SECOND};

/// Spans of time, each from its beginning to its end.
type Spans = [(Millis, Millis)];

/// After a wake for so long whatever the network does belongs to the wake.
const WAKING: Millis = 10 * SECOND;

/// Why people were without a token although the backend could be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// The machine woke, and its network had come up.
    Wake,
    /// The network was back.
    Network,
    /// The sign-in page of the Wi-Fi was done with.
    Portal,
    /// The backend was back.
    Outage,
    /// The token ended in the middle of it all: requests were lost, and waits were too long.
    Wait,
    /// A person was waited for, to sign in.
    Person,
}

impl Cause {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 6] =
        [Self::Wake, Self::Network, Self::Portal, Self::Outage, Self::Wait, Self::Person];

    /// Why a gap began that a person could do nothing about: what made the backend reachable at that moment.
    pub fn of(begin: Millis, world: &World) -> Self {
        let before = begin - 1;
        if world.reachable(before) {
            return Self::Wait;
        }
        let woke = !world.awake.at(begin - WAKING) || !world.awake.at(before);
        if world.service.at(before) != Service::Up {
            Self::Outage
        } else if world.network.at(before) == Network::Portal {
            Self::Portal
        } else if woke {
            Self::Wake
        } else {
            Self::Network
        }
    }
}

/// How long they are together.
pub fn long(spans: &Spans) -> Millis {
    spans.iter().map(|(from, until)| until - from).sum()
}

/// What of them lies between two moments.
pub fn inside(spans: &Spans, begin: Millis, end: Millis) -> Vec<(Millis, Millis)> {
    let cut = spans.iter().map(|(from, until)| (*from.max(&begin), *until.min(&end)));
    cut.filter(|(from, until)| from < until).collect()
}

/// What is left of `spans` when `covered` is taken out. Both are in the order of their beginnings.
pub fn without(spans: &Spans, covered: &Spans) -> Vec<(Millis, Millis)> {
    let (mut left, mut first) = (Vec::new(), 0);
    for (from, until) in spans {
        let mut at = *from;
        // A cover that ended before this span began covers no later one either; one that was cut short may stand
        // before one that ends later, so only a run of ended ones is passed over.
        while covered.get(first).is_some_and(|(_, end)| *end <= *from) {
            first += 1;
        }
        for (begin, end) in covered[first..].iter().take_while(|(begin, _)| begin < until) {
            if *begin > at {
                left.push((at, *begin));
            }
            at = at.max(*end);
        }
        if at < *until {
            left.push((at, *until));
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_uncovered_is_found() {
        let spans = [(0, 10), (20, 30), (40, 50)];
        assert_eq!(without(&spans, &[(2, 4), (3, 6), (25, 45)]), [(0, 2), (6, 10), (20, 25), (45, 50)]);
        assert_eq!(without(&spans, &[]), spans);
        assert_eq!(without(&spans, &[(-5, 60)]), []);
    }

    #[test]
    fn only_what_lies_between_two_moments_is_counted() {
        let spans = [(0, 10), (20, 30), (40, 50)];
        assert_eq!(inside(&spans, 5, 40), [(5, 10), (20, 30)]);
        assert_eq!(inside(&spans, 10, 20), []);
    }
}
