//! The one place that reads the time and waits. Nothing here decides about a session, so the clock that stops
//! during suspend is the right one: it measures work, not validity.

use std::time::{Duration, Instant, SystemTime};

/// How long something took.
#[derive(Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "measures how long builds and tests take, not a session")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    pub(crate) fn passed(self, limit: Duration) -> bool {
        self.elapsed() >= limit
    }
}

/// The time that other programs say too.
#[expect(
    clippy::disallowed_methods,
    reason = "compared with what a page says of its first frame, not with a session"
)]
pub(crate) fn wall() -> SystemTime {
    SystemTime::now()
}

/// Waits a little between two looks at a child or a file.
#[expect(clippy::disallowed_methods, reason = "waits for processes, which offer nothing to wait on in std")]
pub(crate) fn pause(span: Duration) {
    std::thread::sleep(span);
}

/// The month it is, as `2027-05`.
pub(crate) fn month() -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "says whether a date in a list has passed, not what a session does"
    )]
    let now = jiff::Zoned::now();
    now.strftime("%Y-%m").to_string()
}

/// Seconds as a person reads them: `0.4 s`, `12 s`, `3 min 05 s`.
pub(crate) fn readable(span: Duration) -> String {
    let seconds = span.as_secs();
    if seconds >= 60 {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    } else if seconds >= 10 {
        format!("{seconds} s")
    } else {
        format!("{:.1} s", span.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_readable() {
        assert_eq!(readable(Duration::from_millis(420)), "0.4 s");
        assert_eq!(readable(Duration::from_secs(12)), "12 s");
        assert_eq!(readable(Duration::from_secs(185)), "3 min 05 s");
    }
}
