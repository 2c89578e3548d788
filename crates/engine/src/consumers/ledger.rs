//! Who took which token until when: one entry for each program, the latest one first.

use jiff::Timestamp;
use latchkey_core::fingerprint::Fingerprint;

use super::{Consumer, Program};
use crate::snapshot::{ConsentName, ConsumerStatus, number};

/// How many programs an account remembers. The one that has taken nothing for the longest is forgotten first.
const MOST: usize = 64;

/// A token that was handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Which.
    pub(crate) fingerprint: Fingerprint,
    /// Its generation.
    pub(crate) generation: u64,
    /// Until when it is good.
    pub(crate) expires_at: Timestamp,
    /// When it was handed out.
    pub(crate) at: Timestamp,
}

/// The takings of one account.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger(Vec<Entry>);

#[derive(Clone, Debug)]
struct Entry {
    program: Option<Program>,
    /// The process that took it last.
    pid: Option<u32>,
    taken: Taken,
    times: u64,
}

impl Ledger {
    /// Notes that a program took a token. Whether that is news: the program had not taken this one before.
    pub(crate) fn note(&mut self, consumer: &Consumer, taken: Taken) -> bool {
        let known = self.0.iter().position(|entry| entry.program == consumer.program);
        let Some(place) = known else {
            self.0.truncate(MOST - 1);
            let program = consumer.program.clone();
            self.0.insert(0, Entry { program, pid: consumer.pid, taken, times: 1 });
            return true;
        };
        // The one that takes over and over stands in front already, and nothing is moved.
        self.0.get_mut(..=place).into_iter().for_each(|until| until.rotate_right(1));
        let Some(entry) = self.0.first_mut() else { return true };
        let news = entry.taken.fingerprint != taken.fingerprint;
        (entry.pid, entry.taken, entry.times) = (consumer.pid, taken, entry.times.saturating_add(1));
        news
    }

    /// What may be seen of it, beside the access token in hand.
    pub(crate) fn statuses(
        &self,
        in_hand: Option<Fingerprint>,
    ) -> impl Iterator<Item = (Option<&Program>, ConsumerStatus)> {
        self.0.iter().map(move |entry| (entry.program.as_ref(), entry.status(in_hand)))
    }

    /// The programs in it.
    pub(crate) fn programs(&self) -> impl Iterator<Item = Program> {
        self.0.iter().filter_map(|entry| entry.program.clone())
    }
}

impl Entry {
    fn status(&self, in_hand: Option<Fingerprint>) -> ConsumerStatus {
        ConsumerStatus {
            id: self.program.as_ref().map(Program::id).unwrap_or_default(),
            program: self.program.as_ref().map(Program::shown),
            name: self.program.as_ref().map(Program::name),
            pid: self.pid,
            fingerprint: Some(self.taken.fingerprint.to_string()),
            generation: Some(number(self.taken.generation)),
            taken_at: Some(self.taken.at.to_string()),
            expires_at: Some(self.taken.expires_at.to_string()),
            current: in_hand == Some(self.taken.fingerprint),
            times: number(self.times),
            consent: ConsentName::Open,
            asked_at: None,
            allowed_until: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use latchkey_core::fingerprint::FingerprintKey;

    use super::*;
    use crate::consumers::FileMark;

    fn consumer(path: &str, inode: u64) -> Consumer {
        let file = FileMark { inode, ..FileMark::default() };
        Consumer { pid: Some(7), program: Some(Program { path: path.into(), file }) }
    }

    fn token(name: &str) -> Taken {
        let fingerprint = FingerprintKey::new([1; 32]).of(name);
        Taken { fingerprint, generation: 1, expires_at: Timestamp::UNIX_EPOCH, at: Timestamp::UNIX_EPOCH }
    }

    fn programs(ledger: &Ledger) -> Vec<(String, u32)> {
        let all = ledger.statuses(None);
        all.map(|(_, status)| (status.program.unwrap_or_default(), status.times)).collect()
    }

    #[test]
    fn a_program_that_takes_the_same_token_again_is_no_news_and_one_with_another_token_is() {
        let mut ledger = Ledger::default();
        let (curl, git) = (consumer("/usr/bin/curl", 1), consumer("/usr/bin/git", 2));
        assert!(ledger.note(&curl, token("a")));
        assert!(ledger.note(&git, token("a")));
        assert!(!ledger.note(&curl, token("a")));
        assert!(ledger.note(&curl, token("b")));
        assert_eq!(programs(&ledger), [("/usr/bin/curl".to_owned(), 3), ("/usr/bin/git".to_owned(), 1)]);
        let status = ledger.statuses(Some(token("a").fingerprint));
        assert_eq!(status.map(|(_, one)| one.current).collect::<Vec<_>>(), [false, true]);
    }

    #[test]
    fn a_program_whose_file_was_replaced_is_another_one() {
        let mut ledger = Ledger::default();
        ledger.note(&consumer("/usr/bin/curl", 1), token("a"));
        assert!(ledger.note(&consumer("/usr/bin/curl", 2), token("a")));
        let ids: Vec<_> = ledger.statuses(None).map(|(_, status)| status.id).collect();
        assert_ne!(ids[0], ids[1]);
    }

    #[test]
    fn the_ledger_does_not_grow_for_ever() {
        let mut ledger = Ledger::default();
        for number in 0..1000 {
            ledger.note(&consumer(&format!("/tmp/{number}"), number), token("a"));
        }
        assert_eq!(programs(&ledger).len(), 64);
        assert_eq!(programs(&ledger)[0].0, "/tmp/999");
    }
}
