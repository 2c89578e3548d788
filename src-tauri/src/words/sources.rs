//! The English that stands in the sources of the other crates, for the tests that look whether there is German for it.

use std::fs;
use std::iter::Peekable;
use std::path::{Path, PathBuf};
use std::str::Chars;

/// The source files in a folder of the crates, and in the folders in it.
pub(super) fn files(folder: &str) -> Vec<PathBuf> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates").join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                files.push(path);
            }
        }
    }
    files
}

/// The code of a file without its tests and comments; none of a file that is for tests alone.
pub(super) fn code(path: &Path) -> String {
    let parts = path.iter().rev().map(|part| part.to_string_lossy()).take_while(|part| part != "src");
    if parts.into_iter().any(|part| ["tests", "samples", "fuzzing"].iter().any(|other| part.contains(other)))
    {
        return String::new();
    }
    let source = fs::read_to_string(path).unwrap();
    let lines = source.split("#[cfg(test)]\nmod ").next().unwrap().split_inclusive('\n');
    lines.filter(|line| !line.trim_start().starts_with("//")).collect()
}

/// The texts in a piece of code, with `{}` where a value goes; with `within`, only up to where its bracket closes.
pub(super) fn texts(code: &str, within: bool) -> Vec<String> {
    let (mut texts, mut open) = (Vec::new(), 1);
    let mut letters = code.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '{' | '(' => open += 1,
            '}' | ')' => open -= 1,
            // A letter of its own, which may be a quote.
            '\'' if letters.peek() == Some(&'"') => drop(letters.next()),
            '"' => texts.push(text(&mut letters)),
            _ => {}
        }
        if within && open == 0 {
            break;
        }
    }
    texts
}

/// The rest of a text whose first quote was read.
fn text(letters: &mut Peekable<Chars<'_>>) -> String {
    let mut text = String::new();
    while let Some(letter) = letters.next().filter(|letter| *letter != '"') {
        match letter {
            '\\' if letters.next_if_eq(&'\n').is_some() => {
                while letters.next_if(|letter| letter.is_whitespace()).is_some() {}
            }
            '\\' => text.extend(letters.next()),
            '{' => {
                text.push_str("{}");
                letters.by_ref().take_while(|letter| *letter != '}').for_each(drop);
            }
            _ => text.push(letter),
        }
    }
    text
}
