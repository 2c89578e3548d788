//! Token sets larger than one item of the store.
//!
//! Where a store limits its items, the item under the account's name is a heading: an edition, the number of chunks,
//! the length and a checksum of the whole. What fits stands behind the heading in the same item; anything else is in
//! chunks under names of their own, `account~edition~number`.
//!
//! A write puts the chunks of the next edition beside those of the current one, then replaces the heading, then removes
//! the old chunks: a crash at any operation leaves the old one or the new one. The edition is counted here and is not
//! the token set's generation, which a second attempt to store the same tokens has in common with the first.
//!
//! Invariant: whatever an interrupted operation leaves has the edition before or after that of the heading, and its
//! chunks are numbered without a gap (they are written upwards and removed downwards). So the next write finds them
//! without a list of items, which not every store can give. For that an erasing leaves a heading that says so until
//! the last chunk has gone.

use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use latchkey_core::reason::VaultProblem;
use zeroize::Zeroizing;

use crate::ports::VaultError;

const MAGIC: &str = "latchkey-chunks 1 ";
/// In the place of number, length and checksum, while chunks are removed.
const ERASED: &str = "erased";
/// How often a heading is read again that another process replaced while its chunks were being collected.
const READINGS: usize = 4;
/// The most chunks that are looked for, whatever a heading says.
const MOST_CHUNKS: usize = 4096;

/// What the layers below can do: items by name.
pub(super) trait Items {
    /// Every item under this name.
    fn read(&mut self, name: &str) -> Result<Vec<Zeroizing<Vec<u8>>>, VaultError>;
    /// Puts these bytes in the place of whatever is under this name.
    fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), VaultError>;
    /// Leaves nothing under this name.
    fn erase(&mut self, name: &str) -> Result<(), VaultError>;
}

/// How much a store takes, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Limits {
    /// In one item; none where a whole token set always fits, which is then stored as it is.
    pub(super) item: Option<usize>,
    /// In all.
    pub(super) whole: usize,
}

impl Limits {
    /// The Secret Service and the keychain of macOS document no limit for an item. The bus drops the connection over
    /// messages of some ten megabytes, which would look like a broken service; no provider issues such tokens.
    #[cfg(any(not(windows), test))]
    pub(super) const ROOMY: Self = Self { item: None, whole: 1024 * 1024 };

    /// The Credential Manager takes 2560 bytes (`CRED_MAX_CREDENTIAL_BLOB_SIZE`); some fifty items are still sensible.
    #[cfg(any(windows, test))]
    pub(super) const WINDOWS: Self = Self { item: Some(2560), whole: 128 * 1024 };
}

/// Whole token sets over items of limited size.
pub(super) struct Chunks<'a> {
    items: &'a mut dyn Items,
    limits: Limits,
}

/// What is found under an account's name.
#[derive(Debug, PartialEq, Eq)]
struct Heading {
    edition: u64,
    /// None while it is being erased.
    whole: Option<Whole>,
}

#[derive(Debug, PartialEq, Eq)]
struct Whole {
    chunks: usize,
    length: usize,
    checksum: String,
}

impl<'a> Chunks<'a> {
    pub(super) fn new(items: &'a mut dyn Items, limits: Limits) -> Self {
        Self { items, limits }
    }

    /// Every token set under this name. One whose chunks are not all there is given as its heading, which nobody
    /// takes for a token set.
    pub(super) fn read(&mut self, name: &str) -> Result<Vec<Zeroizing<Vec<u8>>>, VaultError> {
        let mut found = self.items.read(name)?;
        if self.limits.item.is_none() {
            return Ok(found);
        }
        for _ in 0..READINGS {
            let (mut all, mut whole) = (true, Vec::new());
            for item in &found {
                match Heading::of(item) {
                    None => whole.push(item.clone()),
                    Some((Heading { whole: None, .. }, _)) => {}
                    Some((Heading { edition, whole: Some(parts) }, behind)) => {
                        let joined = self.join(name, edition, &parts, behind)?;
                        all &= joined.is_some();
                        whole.push(joined.unwrap_or_else(|| item.clone()));
                    }
                }
            }
            let again = if all { None } else { Some(self.items.read(name)?) };
            match again {
                Some(again) if again != found => found = again,
                Some(_) | None => return Ok(whole),
            }
        }
        let detail = "another program keeps replacing it".to_owned();
        Err(VaultError { problem: VaultProblem::Slow, detail })
    }

    /// Stores a token set in the place of the one before it.
    pub(super) fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), VaultError> {
        if bytes.len() > self.limits.whole {
            let detail = format!("{} bytes; at most {} are stored", bytes.len(), self.limits.whole);
            return Err(VaultError { problem: VaultProblem::TooLarge, detail });
        }
        let Some(limit) = self.limits.item else { return self.items.write(name, bytes) };
        let edition = self.heading(name)?.map_or(0, |before| before.edition);
        self.sweep(name, edition.wrapping_sub(1), 0)?;
        let next = edition.wrapping_add(1);
        let heading = |chunks| Heading::new(next, chunks, bytes).to_text();
        let behind = heading(0).len() + bytes.len() <= limit;
        let parts: Vec<&[u8]> = if behind { Vec::new() } else { bytes.chunks(limit).collect() };
        for (number, part) in parts.iter().enumerate() {
            self.items.write(&chunk(name, next, number), part)?;
        }
        self.sweep(name, next, parts.len())?;
        let heading = heading(parts.len());
        let mut item = Zeroizing::new(Vec::with_capacity(heading.len() + bytes.len()));
        item.extend_from_slice(heading.as_bytes());
        item.extend_from_slice(if behind { bytes } else { &[] });
        self.items.write(name, &item)?;
        if let Err(error) = self.sweep(name, edition, 0) {
            // It is stored; the next write finds what is left.
            tracing::debug!(detail = error.detail, "the chunks of the token set before could not be removed");
        }
        Ok(())
    }

    /// Leaves nothing under this name.
    pub(super) fn erase(&mut self, name: &str) -> Result<(), VaultError> {
        if self.limits.item.is_some()
            && let Some(Heading { edition, .. }) = self.heading(name)?
        {
            let erased = Heading { edition, whole: None };
            self.items.write(name, erased.to_text().as_bytes())?;
            for edition in [edition.wrapping_add(1), edition, edition.wrapping_sub(1)] {
                self.sweep(name, edition, 0)?;
            }
        }
        self.items.erase(name)
    }

    /// The newest heading under this name.
    fn heading(&mut self, name: &str) -> Result<Option<Heading>, VaultError> {
        let found = self.items.read(name)?;
        let headings = found.iter().filter_map(|item| Heading::of(item)).map(|(heading, _)| heading);
        Ok(headings.max_by_key(|heading| heading.edition))
    }

    /// The token set of a heading, if it is whole.
    fn join(
        &mut self,
        name: &str,
        edition: u64,
        whole: &Whole,
        behind: &[u8],
    ) -> Result<Option<Zeroizing<Vec<u8>>>, VaultError> {
        if whole.length > self.limits.whole || whole.chunks > MOST_CHUNKS {
            return Ok(None);
        }
        // Room for all of it, since a buffer that grows leaves copies behind.
        let mut joined = Zeroizing::new(Vec::with_capacity(whole.length));
        joined.extend_from_slice(behind.get(..whole.length).unwrap_or(behind));
        for number in 0..whole.chunks {
            let found = self.items.read(&chunk(name, edition, number))?;
            let Some(part) = found.first() else { return Ok(None) };
            if joined.len() + part.len() > whole.length {
                return Ok(None);
            }
            joined.extend_from_slice(part);
        }
        Ok((joined.len() == whole.length && checksum(&joined) == whole.checksum).then_some(joined))
    }

    /// Removes the chunks of an edition from this number on.
    fn sweep(&mut self, name: &str, edition: u64, from: usize) -> Result<(), VaultError> {
        let mut end = from;
        while end < MOST_CHUNKS && !self.items.read(&chunk(name, edition, end))?.is_empty() {
            end += 1;
        }
        (from..end).rev().try_for_each(|number| self.items.erase(&chunk(name, edition, number)))
    }
}

impl Heading {
    fn new(edition: u64, chunks: usize, bytes: &[u8]) -> Self {
        let whole = Whole { chunks, length: bytes.len(), checksum: checksum(bytes) };
        Self { edition, whole: Some(whole) }
    }

    /// One line, so that what fits may stand behind it.
    fn to_text(&self) -> String {
        match &self.whole {
            None => format!("{MAGIC}{} {ERASED}\n", self.edition),
            Some(Whole { chunks, length, checksum }) => {
                format!("{MAGIC}{} {chunks} {length} {checksum}\n", self.edition)
            }
        }
    }

    /// A heading and what stands behind it; nothing if this is none.
    fn of(item: &[u8]) -> Option<(Self, &[u8])> {
        let rest = item.strip_prefix(MAGIC.as_bytes())?;
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        let (line, behind) = rest.split_at_checked(end)?;
        let words: Vec<&str> = std::str::from_utf8(line).ok()?.split(' ').collect();
        let heading = match *words.as_slice() {
            [edition, ERASED] => Self { edition: edition.parse().ok()?, whole: None },
            [edition, chunks, length, checksum] => Self {
                edition: edition.parse().ok()?,
                whole: Some(Whole {
                    chunks: chunks.parse().ok()?,
                    length: length.parse().ok()?,
                    checksum: checksum.to_owned(),
                }),
            },
            _ => return None,
        };
        Some((heading, behind.get(1..)?))
    }
}

/// No account's name has a `~`.
fn chunk(name: &str, edition: u64, number: usize) -> String {
    format!("{name}~{edition}~{number}")
}

fn checksum(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests;
