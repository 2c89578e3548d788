//! Cookies as a site reads and writes them, the session cookie in chunks where it is large.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::reply::Answer;

/// What the session cookie is called (Auth.js v5 over plain HTTP).
pub(super) const SESSION: &str = "authjs.session-token";
pub(super) const CSRF: &str = "authjs.csrf-token";
const CALLBACK: &str = "authjs.callback-url";

/// How much of a session stands in one cookie: 4096 octets less what Auth.js leaves for name and attributes.
const CHUNK: usize = 3936;

/// The cookies of a request.
pub(super) struct Cookies<'a>(Vec<(&'a str, &'a str)>);

impl<'a> Cookies<'a> {
    pub(super) fn of(headers: &'a HeaderMap) -> Self {
        let texts = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
        let pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
        Self(pairs.collect())
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    /// The session, put together from its chunks in the order of their numbers.
    pub(super) fn session(&self) -> Option<String> {
        let mut parts: Vec<_> = self.session_parts().collect();
        parts.sort_unstable();
        let joined: String = parts.iter().map(|(_, value)| *value).collect();
        Some(joined).filter(|joined| !joined.is_empty())
    }

    /// The names under which parts of a session came.
    pub(super) fn session_names(&self) -> Vec<String> {
        self.session_parts().map(|(number, _)| name(number)).collect()
    }

    fn session_parts(&self) -> impl Iterator<Item = (Option<usize>, &'a str)> + '_ {
        self.0.iter().filter_map(|(name, value)| {
            let rest = name.strip_prefix(SESSION)?;
            match rest.strip_prefix('.') {
                None if rest.is_empty() => Some((None, *value)),
                None => None,
                Some(number) => Some((Some(number.parse().ok()?), *value)),
            }
        })
    }
}

fn name(number: Option<usize>) -> String {
    number.map_or_else(|| SESSION.to_owned(), |number| format!("{SESSION}.{number}"))
}

/// Sets the session, and takes away what is left of a larger one.
pub(super) fn set_session(mut answer: Answer, session: &str, before: &[String], max_age: u64) -> Answer {
    let chunks: Vec<_> =
        session.as_bytes().chunks(CHUNK).filter_map(|chunk| std::str::from_utf8(chunk).ok()).collect();
    let number = |at: usize| (chunks.len() > 1).then_some(at);
    let names: Vec<_> = (0..chunks.len()).map(|at| name(number(at))).collect();
    for stale in before.iter().filter(|name| !names.contains(name)) {
        answer = set(answer, stale, "", Some(0));
    }
    for (name, chunk) in names.iter().zip(chunks) {
        answer = set(answer, name, chunk, Some(max_age));
    }
    answer
}

/// Takes the session away.
pub(super) fn clear_session(mut answer: Answer, before: &[String]) -> Answer {
    for name in before {
        answer = set(answer, name, "", Some(0));
    }
    answer
}

/// Sets what goes with a form token.
pub(super) fn set_csrf(answer: Answer, value: &str, callback: &str) -> Answer {
    set(set(answer, CSRF, value, None), CALLBACK, callback, None)
}

fn set(answer: Answer, name: &str, value: &str, max_age: Option<u64>) -> Answer {
    let age = max_age.map_or_else(String::new, |age| format!("; Max-Age={age}"));
    let text = format!("{name}={value}; Path=/{age}; HttpOnly; SameSite=Lax");
    match HeaderValue::from_str(&text) {
        Ok(value) => answer.header(header::SET_COOKIE, value),
        Err(_) => answer,
    }
}
