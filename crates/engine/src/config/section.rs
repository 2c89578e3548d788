//! One table of the file: its keys are known, and what is read from it has the right type or is complained about.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::problem::{Flaw, Problems, shown};

/// A table, by which name it is called, and which keys it may have.
pub(super) struct Section<'t, 'i> {
    table: &'t DeTable<'i>,
    at: Range<usize>,
    path: String,
}

impl<'t, 'i> Section<'t, 'i> {
    /// Takes a value that should be a table. Unknown keys are complained about at once, and those that have a
    /// meaning for another provider only.
    pub(super) fn open(
        value: &'t Spanned<DeValue<'i>>,
        path: String,
        known: &[&str],
        others: &[&str],
        problems: &mut Problems<'_>,
    ) -> Option<Self> {
        let Some(table) = value.get_ref().as_table() else {
            problems.push(&value.span(), path, wrong_type("a table", value));
            return None;
        };
        let section = Self { table, at: value.span(), path };
        for (key, _) in table {
            if !known.contains(&key.get_ref().as_ref()) {
                let flaw = if others.contains(&key.get_ref().as_ref()) {
                    Flaw::new("this key has no meaning for this provider", "remove it, or correct `provider`")
                } else {
                    Flaw::new("this key is unknown", remedy_for_unknown(key.get_ref(), known))
                };
                problems.push(&key.span(), section.key(key.get_ref()), flaw);
            }
        }
        Some(section)
    }

    /// A key with its tables.
    pub(super) fn key(&self, key: &str) -> String {
        format!("{}.{}", self.path, shown(key))
    }

    /// The value of a key.
    pub(super) fn value(&self, key: &str) -> Option<&'t Spanned<DeValue<'i>>> {
        self.table.get(key)
    }

    /// The table under a key.
    pub(super) fn section(&self, key: &str, known: &[&str], problems: &mut Problems<'_>) -> Option<Self> {
        Self::open(self.value(key)?, self.key(key), known, &[], problems)
    }

    /// The tables of a list under a key (`[[…]]`).
    pub(super) fn sections(&self, key: &str, known: &[&str], problems: &mut Problems<'_>) -> Vec<Self> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(list) = value.get_ref().as_array() else {
            let heading = format!("a list of tables, each with the heading `[[{}]]`", self.key(key));
            self.complain(key, wrong_type(&heading, value), problems);
            return Vec::new();
        };
        list.iter().filter_map(|one| Self::open(one, self.key(key), known, &[], problems)).collect()
    }

    /// Complains about a key: at its value, or at the table where it is not there.
    pub(super) fn complain(&self, key: &str, flaw: Flaw, problems: &mut Problems<'_>) {
        let at = self.value(key).map_or_else(|| self.at.clone(), Spanned::span);
        problems.push(&at, self.key(key), flaw);
    }

    /// A text, made into something; nothing if it is not there or not right.
    pub(super) fn text<T>(
        &self,
        key: &str,
        problems: &mut Problems<'_>,
        read: impl FnOnce(&str) -> Result<T, Flaw>,
    ) -> Option<T> {
        let value = self.value(key)?;
        let made = match value.get_ref().as_str() {
            Some(text) => read(text),
            None => Err(no_text(value, read)),
        };
        made.map_err(|flaw| self.complain(key, flaw, problems)).ok()
    }

    /// The same, where it must be there.
    pub(super) fn required<T>(
        &self,
        key: &str,
        example: impl Display,
        problems: &mut Problems<'_>,
        read: impl FnOnce(&str) -> Result<T, Flaw>,
    ) -> Option<T> {
        if self.value(key).is_none() {
            self.complain(
                key,
                Flaw::new("this key is missing", format!("add `{key} = {example}`")),
                problems,
            );
        }
        self.text(key, problems, read)
    }

    /// A yes or no; no, if it is not there.
    pub(super) fn flag(&self, key: &str, problems: &mut Problems<'_>) -> bool {
        let Some(value) = self.value(key) else { return false };
        value.get_ref().as_bool().unwrap_or_else(|| {
            self.complain(key, wrong_type("`true` or `false`", value), problems);
            false
        })
    }

    /// A whole number.
    pub(super) fn number(&self, key: &str, problems: &mut Problems<'_>) -> Option<i64> {
        let value = self.value(key)?;
        let number = whole(value);
        if number.is_none() {
            self.complain(key, wrong_type("a whole number", value), problems);
        }
        number
    }

    /// A table of texts under names of the account's own choice.
    pub(super) fn texts(
        &self,
        key: &str,
        problems: &mut Problems<'_>,
        check: impl Fn(&str, &str) -> Result<(), Flaw>,
    ) -> BTreeMap<String, String> {
        let Some(value) = self.value(key) else { return BTreeMap::new() };
        let Some(table) = value.get_ref().as_table() else {
            self.complain(key, wrong_type("a table", value), problems);
            return BTreeMap::new();
        };
        let mut texts = BTreeMap::new();
        for (name, value) in table {
            let checked = match value.get_ref().as_str() {
                Some(text) => check(name.get_ref(), text).map(|()| text),
                None => Err(wrong_type("a text in quotes", value)),
            };
            match checked {
                Ok(text) => drop(texts.insert(name.get_ref().to_string(), text.to_owned())),
                Err(flaw) => {
                    let path = format!("{}.{}", self.key(key), shown(name.get_ref()));
                    problems.push(&value.span(), path, flaw);
                }
            }
        }
        texts
    }

    /// A list of texts such as this one, each made into something.
    pub(super) fn list<T>(
        &self,
        key: &str,
        example: &str,
        problems: &mut Problems<'_>,
        read: impl Fn(&str) -> Result<T, Flaw>,
    ) -> Option<Vec<T>> {
        let value = self.value(key)?;
        let Some(list) = value.get_ref().as_array() else {
            self.complain(key, wrong_type(&format!("a list of texts, such as `{example}`"), value), problems);
            return None;
        };
        let mut made = Vec::new();
        for one in list {
            let text = one.get_ref().as_str().ok_or_else(|| wrong_type("a text in quotes", one));
            match text.and_then(&read) {
                Ok(thing) => made.push(thing),
                Err(flaw) => problems.push(&one.span(), self.key(key), flaw),
            }
        }
        Some(made)
    }

    /// A list of whole numbers.
    pub(super) fn numbers(&self, key: &str, problems: &mut Problems<'_>) -> Option<Vec<i64>> {
        let value = self.value(key)?;
        let Some(list) = value.get_ref().as_array() else {
            self.complain(key, wrong_type("a list of whole numbers, such as `[401]`", value), problems);
            return None;
        };
        let mut numbers = Vec::new();
        for one in list {
            match whole(one) {
                Some(number) => numbers.push(number),
                None => problems.push(&one.span(), self.key(key), wrong_type("a whole number", one)),
            }
        }
        Some(numbers)
    }
}

fn whole(value: &Spanned<DeValue<'_>>) -> Option<i64> {
    let number = value.get_ref().as_integer()?;
    i64::from_str_radix(number.as_str(), number.radix()).ok()
}

pub(super) fn wrong_type(wanted: &str, found: &Spanned<DeValue<'_>>) -> Flaw {
    let found = match found.get_ref() {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    };
    Flaw::new(format!("this is {found}"), format!("write {wanted}"))
}

/// What is wrong with a value that is no text. Which text it is to be knows whoever reads it, and says so of an empty one.
fn no_text<T>(value: &Spanned<DeValue<'_>>, read: impl FnOnce(&str) -> Result<T, Flaw>) -> Flaw {
    let flaw = wrong_type("a text in quotes", value);
    match read("") {
        Err(Flaw { remedy, .. }) if remedy.starts_with("write ") => {
            Flaw { remedy: format!("{remedy}, in quotes"), ..flaw }
        }
        Ok(_) | Err(_) => flaw,
    }
}

fn remedy_for_unknown(key: &str, known: &[&str]) -> String {
    if matches!(key, "password" | "passphrase") {
        return "remove it: a password is typed at sign-in and never stored".to_owned();
    }
    remedy_if_near(key, known).unwrap_or_else(|| {
        if known.len() <= 3 {
            format!("known here: `{}`", known.join("`, `"))
        } else {
            "remove it, or see `latchkey accounts add --template` for the keys there are".to_owned()
        }
    })
}

/// The key that was nearly meant, if there is one.
pub(super) fn remedy_if_near(key: &str, known: &[&str]) -> Option<String> {
    let same = |c: char| if c == '-' { '_' } else { c.to_ascii_lowercase() };
    let plain: String = key.chars().take(64).map(same).collect();
    let far = known.iter().map(|one| (distance(&plain, one), one));
    let close = far.filter(|(far, one)| *far <= 1 + one.len() / 6).min_by_key(|(far, _)| *far);
    close.map(|(_, one)| format!("did you mean `{one}`?"))
}

/// How many letters must be put in, taken out or changed to get from one word to the other (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (above, a) in from.chars().enumerate() {
        let mut diagonal = above;
        let mut left = above + 1;
        for (cell, b) in row.iter_mut().skip(1).zip(to.chars()) {
            let here = (diagonal + usize::from(a != b)).min(left + 1).min(*cell + 1);
            diagonal = std::mem::replace(cell, here);
            left = here;
        }
        if let Some(first) = row.first_mut() {
            *first = above + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_levenshtein() {
        for (from, to, far) in [
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("login_ulr", "login_url", 2),
            ("a", "a", 0),
            ("abc", "", 3),
        ] {
            assert_eq!(distance(from, to), far, "{from} {to}");
        }
    }

    #[test]
    fn a_far_off_key_gets_no_wild_guess() {
        let known = ["login_url", "refresh_url", "renew_before", "map"];
        assert_eq!(remedy_for_unknown("Renew-Before", &known), "did you mean `renew_before`?");
        assert!(!remedy_for_unknown("colour", &known).contains("did you mean"));
        assert!(!remedy_for_unknown(&"x".repeat(1000), &known).contains("did you mean"));
    }
}
