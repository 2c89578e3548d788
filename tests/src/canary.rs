//! Looks for secrets where none may be: in any of the forms in which they leak.

use std::fmt::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// A secret is recognised by its beginning and its end: a log line may cut it.
const PIECE: usize = 16;

/// The secrets to look for.
#[derive(Debug, Default)]
pub struct Canary {
    needles: Vec<Needle>,
    secrets: usize,
}

#[derive(Debug)]
struct Needle {
    /// What was found, without the secret.
    what: String,
    text: String,
}

impl Canary {
    /// Looks for this secret as well; `name` is what a report calls it.
    ///
    /// # Panics
    /// When it is so short that it would be found by chance.
    pub fn watch(&mut self, name: &str, secret: &str) {
        assert!(secret.len() >= PIECE, "{name} is too short to be told from chance");
        self.secrets += 1;
        let mut pieces = vec![("beginning", &secret[..PIECE]), ("end", &secret[secret.len() - PIECE..])];
        // A JWT's beginning says only that it is one; what is its own is in the middle and at the end.
        let middle = secret.len() / 2;
        pieces.push(("middle", &secret[middle - PIECE / 2..middle + PIECE / 2]));
        for (part, piece) in pieces {
            for (form, text) in forms(piece) {
                self.needles.push(Needle { what: format!("the {part} of {name} as {form}"), text });
            }
        }
    }

    /// How many secrets are looked for.
    pub fn secrets(&self) -> usize {
        self.secrets
    }

    /// What of them is in these bytes; a report names the place.
    pub fn look(&self, place: &str, bytes: &[u8]) -> Vec<String> {
        let text = String::from_utf8_lossy(bytes);
        // Texts in databases and in memory dumps are often stored with two bytes for each letter.
        let narrow: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != 0).collect();
        let narrow = String::from_utf8_lossy(&narrow);
        let found =
            self.needles.iter().filter(|needle| text.contains(&needle.text) || narrow.contains(&needle.text));
        found.map(|needle| format!("{} in {place}", needle.what)).collect()
    }

    /// What of them is in the files of a folder and in their names, and how many files that were.
    pub fn look_into(&self, folder: &Path) -> (usize, Vec<String>) {
        let (mut files, mut found) = (0, Vec::new());
        let Ok(entries) = std::fs::read_dir(folder) else { return (0, found) };
        for entry in entries.flatten() {
            let path = entry.path();
            let place = path.display().to_string();
            found.extend(self.look(&format!("the name of {place}"), place.as_bytes()));
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                let (more, within) = self.look_into(&path);
                files += more;
                found.extend(within);
            } else if kind.is_file() {
                files += 1;
                found.extend(self.look(&place, &std::fs::read(&path).unwrap_or_default()));
            }
        }
        (files, found)
    }

    /// What of them is in the environment and the command line of a process.
    pub fn look_at_process(&self, id: u32) -> Vec<String> {
        let look = |name: &str| {
            let path = format!("/proc/{id}/{name}");
            self.look(&path, &std::fs::read(&path).unwrap_or_default())
        };
        [look("environ"), look("cmdline")].concat()
    }

    /// What of them is in a file that may be large, plain or with two bytes for each letter. Only the plain form is
    /// looked for: in a memory a secret lies as it is.
    ///
    /// # Panics
    /// When the shell that searches cannot be run.
    pub fn look_into_dump(&self, dump: &Path) -> Vec<String> {
        let plain = self.needles.iter().filter(|needle| needle.what.ends_with("as plain text"));
        let list: Vec<_> = plain.clone().map(|needle| needle.text.as_str()).collect();
        let patterns = dump.with_extension("patterns");
        std::fs::write(&patterns, list.join("\n")).unwrap();
        let script = "{ grep -aoFf \"$1\" \"$2\"; tr -d '\\000' < \"$2\" | grep -aoFf \"$1\"; } | sort -u";
        let mut shell = std::process::Command::new("sh");
        let done =
            shell.env("LC_ALL", "C").args(["-c", script, "sh"]).args([&patterns, dump]).output().unwrap();
        assert!(done.stderr.is_empty(), "{}", String::from_utf8_lossy(&done.stderr));
        let found = String::from_utf8_lossy(&done.stdout).into_owned();
        let seen = |text: &str| found.lines().any(|line| line == text);
        plain.filter(|needle| seen(&needle.text)).map(|needle| format!("{} in memory", needle.what)).collect()
    }
}

/// The forms in which a piece of a secret may be written.
fn forms(piece: &str) -> Vec<(&'static str, String)> {
    let bytes = piece.as_bytes();
    let mut forms = vec![
        ("plain text", piece.to_owned()),
        ("hex", hex(bytes, "")),
        ("hex in capitals", hex(bytes, "").to_uppercase()),
        ("hex with spaces", hex(bytes, " ")),
        ("a list of bytes", list(bytes, ", ")),
        ("a tight list of bytes", list(bytes, ",")),
    ];
    for start in 0..3 {
        // Its place in what was encoded decides how it looks; the letters at the edges depend on their neighbours.
        let shifted = [&vec![0; start][..], bytes].concat();
        let keep = (start * 8).div_ceil(6)..(shifted.len() * 8) / 6;
        forms.push(("base64", STANDARD_NO_PAD.encode(&shifted)[keep.clone()].to_owned()));
        forms.push(("base64url", URL_SAFE_NO_PAD.encode(&shifted)[keep].to_owned()));
    }
    forms
}

fn hex(bytes: &[u8], between: &str) -> String {
    let digits: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.join(between)
}

fn list(bytes: &[u8], between: &str) -> String {
    let mut list = String::new();
    for (place, byte) in bytes.iter().enumerate() {
        let _ = write!(list, "{}{byte}", if place == 0 { "" } else { between });
    }
    list
}
