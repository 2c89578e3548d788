//! Durations as people type them: `500ms`, `90s`, `5m`, `1h30m`, `2d`.

use jiff::SignedDuration;

/// The units, largest first: a duration names each at most once and in this order.
const UNITS: [(&str, i64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

const FORM: &str = "write a number and a unit: `500ms`, `90s`, `5m`, `1h30m`, `2d`";

/// Reads a duration.
///
/// A number without a unit is refused rather than guessed: seconds here are minutes elsewhere. Zero means the
/// same in every unit.
pub(crate) fn parse(text: &str) -> Result<SignedDuration, String> {
    let text = text.trim();
    if text == "0" {
        return Ok(SignedDuration::ZERO);
    }
    if text.starts_with('-') {
        return Err("it cannot be negative".to_owned());
    }
    let (mut rest, mut units, mut millis) = (text, UNITS.iter(), 0_i64);
    if rest.is_empty() {
        return Err(FORM.to_owned());
    }
    while !rest.is_empty() {
        let (number, after) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
        let (unit, after) = after.split_at(after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len()));
        if !number.is_empty() && unit.is_empty() {
            return Err(format!("a unit is missing; {FORM}"));
        }
        let (_, factor) = units.find(|(name, _)| *name == unit).ok_or_else(|| FORM.to_owned())?;
        let part = number.parse::<i64>().ok().and_then(|number| number.checked_mul(*factor));
        millis = match part.and_then(|part| millis.checked_add(part)) {
            Some(sum) => sum,
            None if number.is_empty() => return Err(FORM.to_owned()),
            None => return Err("it is too long".to_owned()),
        };
        rest = after;
    }
    Ok(SignedDuration::from_millis(millis))
}

/// The same, for what takes unsigned durations.
#[cfg(feature = "devserver")]
pub(crate) fn parse_unsigned(text: &str) -> Result<std::time::Duration, String> {
    parse(text).map(SignedDuration::unsigned_abs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_forms_are_read() {
        for (text, millis) in [
            ("500ms", 500),
            ("90s", 90_000),
            ("5m", 300_000),
            ("1h30m", 5_400_000),
            ("2d", 172_800_000),
            ("1m500ms", 60_500),
            ("0s", 0),
            ("0", 0),
            (" 10s ", 10_000),
        ] {
            assert_eq!(parse(text), Ok(SignedDuration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_could_be_misread_is_refused() {
        for text in
            ["", "90", "s", "1x", "1.5h", "30m1h", "1s1s", "1 h", "1h30", "+5s", "ms", "5M", "\u{665}s"]
        {
            let error = parse(text).unwrap_err();
            assert!(error.contains("90s"), "{text}: {error}");
        }
        assert_eq!(parse("-5s").unwrap_err(), "it cannot be negative");
        for text in ["99999999999999999999s", "9223372036854775807d"] {
            assert_eq!(parse(text).unwrap_err(), "it is too long", "{text}");
        }
    }
}
