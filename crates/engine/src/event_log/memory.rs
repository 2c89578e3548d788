//! The last records, for the window.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::watch;

/// How many records are kept.
const MAX_RECORDS: usize = 100_000;

/// How much text that may be. A record is kept as its line: a fifth of what it takes spread out.
const MAX_BYTES: usize = 32 * 1024 * 1024;

/// A ring of lines, numbered from one.
pub(super) struct Memory {
    lines: VecDeque<Arc<str>>,
    bytes: usize,
    last: watch::Sender<u64>,
}

impl Memory {
    pub(super) fn new() -> Self {
        Self { lines: VecDeque::new(), bytes: 0, last: watch::Sender::new(0) }
    }

    pub(super) fn push(&mut self, line: Arc<str>) {
        self.bytes += line.len();
        self.lines.push_back(line);
        while self.lines.len() > MAX_RECORDS || self.bytes > MAX_BYTES {
            let Some(oldest) = self.lines.pop_front() else { break };
            self.bytes -= oldest.len();
        }
        self.last.send_modify(|last| *last += 1);
    }

    pub(super) fn since(&self, seq: u64, limit: usize) -> Vec<(u64, Arc<str>)> {
        let forgotten = self.last_seq() - self.lines.len() as u64;
        let skip = usize::try_from(seq.saturating_sub(forgotten)).unwrap_or(usize::MAX);
        let numbered = (forgotten + 1..).zip(&self.lines).skip(skip).take(limit);
        numbered.map(|(seq, line)| (seq, Arc::clone(line))).collect()
    }

    pub(super) fn last_seq(&self) -> u64 {
        *self.last.borrow()
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_go_on_when_the_oldest_are_forgotten() {
        let mut memory = Memory::new();
        for _ in 0..MAX_RECORDS + 5 {
            memory.push("x".into());
        }
        let seqs = |found: Vec<(u64, Arc<str>)>| found.into_iter().map(|(seq, _)| seq).collect::<Vec<_>>();
        assert_eq!(seqs(memory.since(0, 2)), [6, 7]);
        assert_eq!(seqs(memory.since(10, 2)), [11, 12]);
        assert_eq!(seqs(memory.since(MAX_RECORDS as u64 + 4, 9)), [MAX_RECORDS as u64 + 5]);
        assert_eq!(memory.since(MAX_RECORDS as u64 + 5, 9), []);
        assert_eq!(memory.since(u64::MAX, 9), []);
    }

    #[test]
    fn long_records_push_out_earlier_ones() {
        let mut memory = Memory::new();
        let long: Arc<str> = "x".repeat(1024 * 1024).into();
        for _ in 0..100 {
            memory.push(Arc::clone(&long));
        }
        assert!(memory.bytes <= MAX_BYTES && memory.lines.len() == 32, "{}", memory.lines.len());
    }
}
