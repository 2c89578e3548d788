//! What fuzzing found, kept by the ordinary tests: a target's corpus is replayed, and some thousand small changes to it
//! are tried. The same each time, and counted rather than timed. Taken in by each crate that has a target.

use std::fs;
use std::panic::{self, UnwindSafe};
use std::path::{Path, PathBuf};

/// Says how many changed inputs are tried instead of the usual number (`cargo xtask fuzz` where libFuzzer cannot run).
const VARIABLE: &str = "LATCHKEY_FUZZ_INPUTS";
/// The longest input that a change makes, in bytes.
const LONGEST: usize = 8 * 1024;
/// What parsers stumble over.
const ODD: [&[u8]; 24] = [
    b"\0",
    b"\n",
    b"\r\n",
    b"\r\n\r\n",
    b"\xff",
    b"\xc3",
    b"\xef\xbb\xbf",
    "\u{202e}".as_bytes(),
    b"\x1b[2J",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"=",
    b";",
    b".",
    b"..",
    b"%00",
    b"-1",
    b"1e400",
    b"18446744073709551616",
    b"[",
    b"{",
    b"null",
];

/// Holds a target to its corpus and to so many changes of it.
pub(crate) fn hold(target: &str, usual: u32, body: fn(&[u8])) {
    let corpus = corpus(target);
    assert!(corpus.len() >= 12, "the corpus of {target} is gone: {} files", corpus.len());
    for (path, input) in &corpus {
        told(&path.display().to_string(), input, || body(input));
    }
    let inputs = std::env::var(VARIABLE).ok().and_then(|count| count.parse().ok()).unwrap_or(usual);
    let mut changes = Changes::seeded(target);
    for number in 0..inputs {
        let input = changes.made_of(&corpus);
        told(&format!("{target}, changed input {number}"), &input, || body(&input));
    }
}

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let mut paths: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), fs::read(&path).unwrap())).collect()
}

/// Does it, and says with which input where it panics.
fn told(name: &str, input: &[u8], what: impl FnOnce() + UnwindSafe) {
    let held = panic::catch_unwind(what).is_ok();
    assert!(held, "{name}: what must hold does not for \"{}\"", input.escape_ascii());
}

/// Changes to inputs, the same each time (xorshift64*, Vigna 2016).
struct Changes(u64);

impl Changes {
    fn seeded(target: &str) -> Self {
        let seed = target.bytes().fold(0xcbf2_9ce4_8422_2325, |seed, byte| {
            (seed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self(seed | 1)
    }

    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(drawn).unwrap() % end.max(1)
    }

    fn made_of(&mut self, corpus: &[(PathBuf, Vec<u8>)]) -> Vec<u8> {
        let mut input = corpus[self.below(corpus.len())].1.clone();
        for _ in 0..=self.below(5) {
            let at = self.below(input.len() + 1);
            let end = (at + 1 + self.below(16)).min(input.len());
            match self.below(7) {
                0 if at < input.len() => input[at] ^= 1 << self.below(8),
                1 => drop(input.drain(at..end)),
                2 => {
                    let again = input[at..end].to_vec();
                    input.splice(end..end, again);
                }
                3 => input.truncate(at),
                4 => {
                    let other = &corpus[self.below(corpus.len())].1;
                    let from = self.below(other.len() + 1);
                    input.splice(at..end, other[from..].iter().copied());
                }
                _ => drop(input.splice(at..at, ODD[self.below(ODD.len())].iter().copied())),
            }
        }
        input.truncate(LONGEST);
        input
    }
}
