//! Reading the files: the last records, and those that come.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use super::LogRecord;
use super::file::{files, lock_file};

/// A longer line is no record of ours.
const MAX_LINE: usize = 256 * 1024;

/// The end of the log, as the files have it.
pub struct Tail {
    /// The records, oldest first. Files have no numbers: these count from one.
    pub records: Vec<LogRecord>,
    /// How many lines among them could not be read.
    pub skipped: u64,
    /// Goes on where this ended.
    pub follower: Follower,
}

/// Reads what is added to the log, also when its files are turned over.
pub struct Follower {
    dir: PathBuf,
    current: Option<Lines>,
    seq: u64,
    /// How many lines could not be read so far.
    pub skipped: u64,
}

/// The last `count` records. A log that is not there has none.
pub fn read_tail(dir: &Path, count: usize) -> io::Result<Tail> {
    let (mut newest, older) = open_all(dir)?;
    let mut skipped = 0;
    let mut read = |lines: &mut Lines| {
        let mut records = Vec::new();
        lines.each(|line| match LogRecord::from_line(line, 0) {
            Some(record) => records.push(record),
            None => skipped += 1,
        })?;
        io::Result::Ok(records)
    };
    let mut records = newest.as_mut().map_or_else(|| Ok(Vec::new()), &mut read)?;
    for mut lines in older {
        if records.len() >= count {
            break;
        }
        let mut earlier = read(&mut lines)?;
        earlier.append(&mut records);
        records = earlier;
    }
    records.drain(..records.len().saturating_sub(count));
    for (seq, record) in (1..).zip(&mut records) {
        record.seq = seq;
    }
    let seq = records.len() as u64;
    let follower = Follower { dir: dir.to_path_buf(), current: newest, seq, skipped: 0 };
    Ok(Tail { records, skipped, follower })
}

impl Follower {
    /// What was added since the last call. Never waits; a line that is still being written comes with the next.
    pub fn poll(&mut self) -> io::Result<Vec<LogRecord>> {
        let [newest, ..] = files(&self.dir);
        let mut records = Vec::new();
        // A file that was turned over is read to its end before the next. After many turns some are gone.
        loop {
            if self.current.is_none() {
                self.current = Lines::open(&newest)?;
            }
            let Some(lines) = &mut self.current else { return Ok(records) };
            let turned = !lines.is_still(&newest);
            lines.each(|line| match LogRecord::from_line(line, self.seq + 1) {
                Some(record) => {
                    self.seq += 1;
                    records.push(record);
                }
                None => self.skipped += 1,
            })?;
            if !turned {
                return Ok(records);
            }
            self.current = None;
        }
    }
}

/// A file and how far it has been read, in whole lines.
struct Lines {
    file: BufReader<File>,
    begun: Vec<u8>,
    read: u64,
}

impl Lines {
    fn open(path: &Path) -> io::Result<Option<Self>> {
        match File::open(path) {
            Ok(file) => Ok(Some(Self { file: BufReader::new(file), begun: Vec::new(), read: 0 })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Gives each whole line that has not been read. What is not UTF-8 or too long comes as an unreadable line.
    fn each(&mut self, mut take: impl FnMut(&str)) -> io::Result<()> {
        loop {
            let room = (MAX_LINE + 1).saturating_sub(self.begun.len()).max(1) as u64;
            let count = self.file.by_ref().take(room).read_until(b'\n', &mut self.begun)?;
            self.read += count as u64;
            if count == 0 {
                return Ok(());
            }
            if self.begun.last() != Some(&b'\n') {
                // The rest of a line that is too long is not kept.
                self.begun.truncate(MAX_LINE + 1);
                continue;
            }
            let line = std::mem::take(&mut self.begun);
            let text = String::from_utf8(line).unwrap_or_else(|_| "?".to_owned());
            match text.trim() {
                "" => {}
                long if long.len() > MAX_LINE => take("?"),
                line => take(line),
            }
        }
    }

    /// Whether it is still the file of that name.
    #[cfg(unix)]
    fn is_still(&self, path: &Path) -> bool {
        use std::os::unix::fs::MetadataExt;
        let (Ok(mine), Ok(there)) = (self.file.get_ref().metadata(), fs::metadata(path)) else {
            return false;
        };
        (mine.dev(), mine.ino()) == (there.dev(), there.ino()) && there.len() >= self.read
    }

    /// A file that has become shorter is another one.
    #[cfg(not(unix))]
    fn is_still(&self, path: &Path) -> bool {
        fs::metadata(path).is_ok_and(|there| there.len() >= self.read)
    }
}

/// All files, opened while nobody can turn them over: the newest, and the older ones from new to old.
fn open_all(dir: &Path) -> io::Result<(Option<Lines>, Vec<Lines>)> {
    let lock = File::open(lock_file(dir)).ok();
    if let Some(lock) = &lock {
        // A file system without locks is read all the same.
        let _ = lock.lock_shared();
    }
    let [newest, older @ ..] = files(dir);
    let older = older.iter().filter_map(|path| Lines::open(path).transpose()).collect::<io::Result<_>>()?;
    Ok((Lines::open(&newest)?, older))
}
