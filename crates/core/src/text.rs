//! Texts that come from elsewhere, made harmless before anyone sees them.

use std::fmt::Write as _;

/// The longest text taken over from a server, in characters. Longer ones are cut.
pub const MAX_FOREIGN: usize = 200;

/// What a server says of itself (`error_description`, a display name), fit for a log line and the window.
///
/// Control characters (line breaks, ANSI escapes) and characters that change the direction of writing become
/// spaces, anything that looks like a token is masked, and the text is cut to [`MAX_FOREIGN`] characters.
pub fn foreign(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() || is_bidi(c) { ' ' } else { c });
    masked(plain, MAX_FOREIGN).trim().to_owned()
}

/// A text cut to so many characters, in which what looks like a token is masked: also one that the cut goes through.
pub fn masked(text: impl Iterator<Item = char>, most: usize) -> String {
    let mut masked = mask(&text.take(most + 4 * TOKEN_LIKE).collect::<String>());
    if masked.chars().count() > most {
        masked = masked.chars().take(most).collect();
        masked.push('…');
    }
    masked
}

/// A text that somebody wants to read as it is (a claim of a token), fit for the window: without what draws on a terminal
/// or changes the direction of writing, cut to so many characters. Identifiers stay whole; a JWT inside is masked.
pub fn legible(text: &str, most: usize) -> String {
    let plain = text.chars().map(|c| if c.is_control() || is_bidi(c) { ' ' } else { c });
    let mut cut: String = plain.take(most + 1).collect();
    if cut.chars().count() > most {
        cut.pop();
        cut.push('…');
    }
    let holds_jwt =
        cut.split(|c: char| !is_of_token(c)).any(|run| run.starts_with("eyJ") && run.len() > TOKEN_LIKE);
    if holds_jwt { mask(&cut) } else { cut }
}

/// What tokens are made of (RFC 6750 §2.1).
fn is_of_token(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~' | '+' | '/' | '=')
}

/// A text of this machine, such as a path, that a person has to see as it is: only what draws on a terminal or turns
/// the line round becomes a space.
pub fn harmless(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || is_bidi(c) { ' ' } else { c }).collect()
}

/// The length from which an unbroken run of token characters is taken for a token.
const TOKEN_LIKE: usize = 24;

/// Masks what looks like a token: long unbroken runs of the characters tokens are made of (RFC 6750 §2.1).
///
/// A net under the types that keep tokens out of texts, not a replacement for them. Words, addresses and
/// UUIDs (with their hyphens) stay readable.
pub fn mask(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut run = String::new();
    for c in text.chars().chain(std::iter::once('\n')) {
        if is_of_token(c) {
            run.push(c);
            continue;
        }
        if looks_like_token(&run) {
            let _ = write!(out, "[{} characters masked]", run.len());
        } else {
            out.push_str(&run);
        }
        run.clear();
        out.push(c);
    }
    out.pop();
    out
}

fn looks_like_token(run: &str) -> bool {
    run.starts_with("eyJ") && run.len() > TOKEN_LIKE || run.split(['/', '.']).any(is_random_text)
}

/// Long, with a digit and a letter in it, and no UUID: neither a word nor a number nor a well-known identifier.
fn is_random_text(part: &str) -> bool {
    let uuid = part.len() == 36 && part.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    part.len() >= TOKEN_LIKE
        && part.contains(|c: char| c.is_ascii_digit())
        && part.contains(|c: char| c.is_ascii_alphabetic())
        && !uuid
}

/// Characters that change the direction of writing (Unicode Standard Annex 9, explicit formatting).
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{61c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_text_cannot_draw_on_the_terminal_or_turn_the_line_round() {
        assert_eq!(foreign("a\r\nb\u{1b}[31m c\u{202e}d"), "a  b [31m c d");
        assert_eq!(foreign(&"long ".repeat(100)).chars().count(), MAX_FOREIGN + 1);
        let at_the_cut = format!("{} 9f86d081884c7d659a2feaa0c55ad015", "w".repeat(MAX_FOREIGN - 20));
        assert!(!foreign(&at_the_cut).contains("9f86"), "a token that is cut in two is one all the same");
        assert_eq!(
            harmless("/opt/\u{202e}a\n3f2a91bc04d73f2a91bc04d73f2a91bc"),
            "/opt/ a 3f2a91bc04d73f2a91bc04d73f2a91bc"
        );
    }

    #[test]
    fn what_is_to_be_read_stays_whole_but_for_what_draws_and_for_tokens() {
        assert_eq!(legible("auth0|5f7c8ec7c33c6c004bbafe82", 100), "auth0|5f7c8ec7c33c6c004bbafe82");
        assert_eq!(legible("a\u{1b}[2Jb\u{202e}c", 100), "a [2Jb c");
        assert_eq!(legible("abcdef", 3), "abc…");
        assert!(!legible("{\"t\":\"eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln\"}", 100).contains("eyJ"));
    }

    #[test]
    fn tokens_are_masked_and_words_are_not() {
        let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl";
        assert!(!mask(&format!("token {jwt} refused")).contains("eyJ"));
        assert!(!mask("9f86d081884c7d659a2feaa0c55ad015 used").contains("9f86"));
        for plain in [
            "refresh token already used; family revoked",
            "a-rather-long-kebab-case-name-of-something",
            "http://127.0.0.1:4180/auth/refreshToken",
            "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
            "2026-11-20T14:42:10.123456789Z",
        ] {
            assert_eq!(mask(plain), plain);
        }
    }
}
