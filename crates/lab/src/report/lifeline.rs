//! The lifeline of a run as a picture: states, access tokens, requests and faults over its own time.

use std::fmt::Write as _;

use jiff::Timestamp;
use latchkey_engine::snapshot::{HistoryMark, MarkKind};

use super::{escaped, in_words};
use crate::runner::{Run, SpanKind};

const WIDTH: f64 = 860.0;
/// Where the drawing begins; left of it stand the names of the lanes.
const LEFT: f64 = 84.0;
const RIGHT: f64 = 12.0;
const STATES: f64 = 22.0;
const TOKENS: f64 = 54.0;
const BACKEND: f64 = 92.0;
const AXIS: f64 = 122.0;
const HEIGHT: f64 = 142.0;

/// A run as an SVG that stands in a page: it takes its colours from the page.
pub fn lifeline(run: &Run) -> String {
    let scale = Scale {
        begin: run.began_at.parse().unwrap_or(Timestamp::UNIX_EPOCH),
        long: f64::from(run.took_ms.max(1000)),
    };
    let mut svg = format!(
        "<svg class=\"lifeline\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">",
        escaped(&in_a_sentence(run))
    );
    spans(&mut svg, run, &scale);
    for (name, y) in [("client", STATES), ("access token", TOKENS), ("backend", BACKEND)] {
        let _ = write!(svg, "<text class=\"lane\" x=\"0\" y=\"{}\">{name}</text>", y + 4.0);
    }
    states(&mut svg, run, &scale);
    tokens(&mut svg, &run.marks, &scale);
    backend(&mut svg, run, &scale);
    axis(&mut svg, &scale);
    svg.push_str("</svg>");
    svg
}

struct Scale {
    begin: Timestamp,
    /// Milliseconds from left to right.
    long: f64,
}

impl Scale {
    fn x(&self, after_ms: f64) -> f64 {
        LEFT + (after_ms / self.long).clamp(0.0, 1.0) * (WIDTH - LEFT - RIGHT)
    }

    /// A moment of the wall clock.
    fn at(&self, moment: Timestamp) -> f64 {
        self.x(moment.duration_since(self.begin).as_millis_f64())
    }
}

fn in_a_sentence(run: &Run) -> String {
    let renewed = run.marks.iter().filter(|mark| mark.kind == MarkKind::Renewed).count();
    let last = run.states.last().map_or("unknown", |state| state.state.as_str()).replace('_', " ");
    format!(
        "In {}: {renewed} renewals, {} faults, {} requests; at the end the client is {last}",
        in_words(run.took_ms),
        run.faults.len(),
        run.requests_ms.len()
    )
}

fn spans(svg: &mut String, run: &Run, scale: &Scale) {
    for span in &run.spans {
        let (from, to) = (scale.x(span.from_ms.into()), scale.x(span.to_ms.into()));
        let (name, class) = match span.kind {
            SpanKind::Asleep => ("asleep", "asleep"),
            SpanKind::Offline => ("no network", "away"),
            SpanKind::BackendAway => ("backend away", "away"),
            SpanKind::VaultAway => ("cannot store", "away"),
        };
        let wide = (to - from).max(2.0);
        let _ = write!(
            svg,
            "<rect class=\"{class}\" x=\"{from:.1}\" y=\"4\" width=\"{wide:.1}\" height=\"{:.1}\"/>",
            AXIS - 10.0
        );
        if wide > 60.0 {
            let _ = write!(svg, "<text class=\"small\" x=\"{:.1}\" y=\"13\">{name}</text>", from + 4.0);
        }
    }
}

fn states(svg: &mut String, run: &Run, scale: &Scale) {
    for (place, state) in run.states.iter().enumerate() {
        let next = run.states.get(place + 1).map_or(run.took_ms.max(1000), |next| next.after_ms);
        let (from, to) = (scale.x(state.after_ms.into()), scale.x(next.into()));
        let class = match state.state.as_str() {
            "signed_in" | "renewing" => "good",
            "waiting" | "saving" => "warn",
            "needs_sign_in" => "bad",
            _ => "none",
        };
        let words = state.state.replace('_', " ");
        let wide = (to - from).max(2.0);
        let _ = write!(
            svg,
            "<rect class=\"{class}\" x=\"{from:.1}\" y=\"{}\" width=\"{wide:.1}\" height=\"16\" rx=\"3\"><title>{}</title></rect>",
            STATES - 8.0,
            escaped(&words)
        );
        if wide > 70.0 {
            let _ = write!(
                svg,
                "<text class=\"on\" x=\"{:.1}\" y=\"{}\">{words}</text>",
                from + 5.0,
                STATES + 4.0
            );
        }
    }
}

fn tokens(svg: &mut String, marks: &[HistoryMark], scale: &Scale) {
    for (place, mark) in marks.iter().enumerate() {
        let from = scale.at(mark.at);
        if mark.kind == MarkKind::Failed {
            let note = mark.note.as_deref().unwrap_or("failed");
            let _ = write!(
                svg,
                "<path class=\"failed\" d=\"M{from:.1} {:.1}l5 9h-10z\"><title>{}</title></path>",
                TOKENS - 18.0,
                escaped(note)
            );
            continue;
        }
        if let Some(to) = mark.expires_at.map(|end| scale.at(end)) {
            let shade = if place % 2 == 0 { "token" } else { "token other" };
            let wide = (to - from).max(2.0);
            let _ = write!(
                svg,
                "<rect class=\"{shade}\" x=\"{from:.1}\" y=\"{:.1}\" width=\"{wide:.1}\" height=\"14\" rx=\"3\"><title>generation {}</title></rect>",
                TOKENS - 7.0,
                mark.generation
            );
        }
        let _ = write!(svg, "<circle class=\"renewed\" cx=\"{from:.1}\" cy=\"{TOKENS}\" r=\"3.4\"/>");
    }
}

fn backend(svg: &mut String, run: &Run, scale: &Scale) {
    let _ = write!(svg, "<path class=\"line\" d=\"M{LEFT} {BACKEND}H{}\"/>", WIDTH - RIGHT);
    for request in &run.requests_ms {
        let x = scale.x((*request).into());
        let _ = write!(svg, "<path class=\"request\" d=\"M{x:.1} {:.1}v12\"/>", BACKEND - 6.0);
    }
    let mut labelled = f64::MIN;
    for fault in &run.faults {
        let x = scale.x(fault.after_ms.into());
        let _ = write!(
            svg,
            "<rect class=\"fault\" x=\"{:.1}\" y=\"{:.1}\" width=\"8\" height=\"8\" transform=\"rotate(45 {x:.1} {BACKEND})\"><title>{} at {}</title></rect>",
            x - 4.0,
            BACKEND - 4.0,
            escaped(&fault.mode),
            escaped(&fault.path)
        );
        // Names that would lie on each other are left to the list below the picture.
        if x - labelled > 90.0 {
            let end = if x > WIDTH - 110.0 { " text-anchor=\"end\"" } else { "" };
            let _ = write!(
                svg,
                "<text class=\"small\" x=\"{x:.1}\" y=\"{:.1}\"{end}>{}</text>",
                BACKEND + 20.0,
                escaped(&fault.mode)
            );
            labelled = x;
        }
    }
}

fn axis(svg: &mut String, scale: &Scale) {
    let _ = write!(svg, "<path class=\"line\" d=\"M{LEFT} {AXIS}H{}\"/>", WIDTH - RIGHT);
    for quarter in 0..=4_u8 {
        let after = scale.long * f64::from(quarter) / 4.0;
        let x = scale.x(after);
        #[expect(clippy::cast_possible_truncation, reason = "a run lasts days at the most")]
        let words = match quarter {
            0 => "begin".to_owned(),
            // Between them nothing can be told where all of it took a second.
            1..=3 if scale.long <= 1000.0 => String::new(),
            _ => in_words(after as i32),
        };
        let anchor = match quarter {
            0 => "start",
            4 => "end",
            _ => "middle",
        };
        let _ = write!(
            svg,
            "<path class=\"line\" d=\"M{x:.1} {AXIS}v4\"/><text class=\"small\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{words}</text>",
            AXIS + 16.0
        );
    }
}
