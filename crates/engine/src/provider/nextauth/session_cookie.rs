//! The session cookie among a site's cookies: its names, and the chunks it comes in when it is too large for one.

/// What NextAuth v4 and Auth.js v5 call it, without the prefix that they put before it over TLS.
const NAMES: [&str; 2] = ["next-auth.session-token", "authjs.session-token"];

/// Which part of the session a cookie of some name holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// All of it.
    Whole,
    /// The chunk with this number; chunks are joined in the order of their numbers, not of their names.
    Chunk(usize),
}

/// Which part of the session the cookie of this name holds; none, if it is another cookie. `own` is the name a site
/// chose for itself.
pub(super) fn part(name: &str, own: Option<&str>) -> Option<Part> {
    if own == Some(name) {
        return Some(Part::Whole);
    }
    let (bare, chunk) = match name.rsplit_once('.') {
        Some((bare, digits)) if !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()) => {
            // More chunks than this no header can carry.
            (bare, Some(digits.parse().ok().filter(|number| *number < 100)?))
        }
        _ => (name, None),
    };
    let plain = bare.strip_prefix("__Secure-").or_else(|| bare.strip_prefix("__Host-")).unwrap_or(bare);
    let known = own == Some(bare) || own.is_none() && NAMES.contains(&plain);
    known.then(|| chunk.map_or(Part::Whole, Part::Chunk))
}

/// Whether these parts make up a session: the whole, or all chunks from the first on.
pub(super) fn complete(parts: &[Part]) -> bool {
    let mut sorted = parts.to_vec();
    sorted.sort_unstable();
    match sorted.first() {
        None => false,
        Some(Part::Whole) => sorted.len() == 1,
        Some(Part::Chunk(_)) => sorted.iter().enumerate().all(|(at, part)| *part == Part::Chunk(at)),
    }
}

/// The name without its prefix and its chunk: what NextAuth v4 and Auth.js v5 derive a key from begins with it.
pub(super) fn bare_name(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((bare, digits)) if !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()) => {
            bare
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_a_session_cookie_is_known_and_no_other() {
        for (name, expected) in [
            ("next-auth.session-token", Some(Part::Whole)),
            ("__Secure-next-auth.session-token", Some(Part::Whole)),
            ("authjs.session-token", Some(Part::Whole)),
            ("__Secure-authjs.session-token.10", Some(Part::Chunk(10))),
            ("__Host-authjs.session-token.0", Some(Part::Chunk(0))),
            ("next-auth.session-token.x", None),
            ("next-auth.session-token.100", None),
            ("next-auth.session-token.", None),
            ("next-auth.csrf-token", None),
            ("authjs.callback-url", None),
            ("session-token", None),
        ] {
            assert_eq!(part(name, None), expected, "{name}");
        }
        assert_eq!(part("shop.v2.1", Some("shop.v2")), Some(Part::Chunk(1)));
        assert_eq!(part("shop.v2", Some("shop.v2")), Some(Part::Whole));
        assert_eq!(part("authjs.session-token", Some("shop")), None);
    }

    #[test]
    fn a_session_is_whole_or_has_every_chunk() {
        let chunks =
            |numbers: &[usize]| numbers.iter().map(|number| Part::Chunk(*number)).collect::<Vec<_>>();
        assert!(complete(&[Part::Whole]));
        assert!(complete(&chunks(&[0])) && complete(&chunks(&[10, 2, 1, 0, 3, 4, 5, 6, 7, 9, 8])));
        assert!(!complete(&[]) && !complete(&chunks(&[1])) && !complete(&chunks(&[0, 2])));
        assert!(!complete(&[Part::Whole, Part::Chunk(0)]));
    }
}
