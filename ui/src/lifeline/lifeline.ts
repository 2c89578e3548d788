// A lifeline: what is drawn where, for a session, a stretch of time and a moment. Pure: time, width and the width of a
// text come in as arguments; the sentences are made beside it in `words.ts`.
//
// Invariants, each held by a test: every mark lies inside the drawing, no two labels of a row overlap, no label is
// cut, marks of a kind do not cover each other, and no input (expired, reversed, far away, thousands of entries) makes
// a number that is none.
import type { SessionStatus } from "../ipc/bindings";
import { DAY, MINUTE, parse, SECOND } from "../time";
import { Drawing, type Area, type Bar, type Label, type Lane, type Mark } from "./drawing";
import { aboveLanes, accessLane, axis, gaps, Past, refreshLane, sessionLane, TOKENS, type Drawn } from "./lanes";
import { cut, type Stretch } from "./look";
import type { Happening, LifelineWords } from "./words";

export interface Lifeline {
  width: number;
  height: number;
  /** Where the lines of the axis end. */
  gridBottom: number;
  /** Left edge of the plot: lane names stand before it. */
  left: number;
  grid: number[];
  /** Null where the present is out of sight. */
  nowX: number | null;
  nowSentence: string;
  areas: Area[];
  bars: Bar[];
  marks: Mark[];
  labels: Label[];
  /** How long until anything moves by half a pixel: no timer need be faster. Null where nothing moves. */
  step: number | null;
}

export interface LifelineInput {
  status: Drawn;
  past: Past;
  shown: Stretch;
  now: number;
  width: number;
  measure: (text: string) => number;
  words: LifelineWords;
}

const SHORTEST = 10 * SECOND;
const YEAR = 400 * DAY;

/** The lifetime the picture is scaled to: the token in hand, or the last one that had a sane one. */
export function typicalLifetime({ access, history }: Drawn): number {
  const lived = (from: string | undefined, to: string | null | undefined): number => (parse(to) ?? NaN) - (parse(from) ?? NaN);
  const before = history.filter(({ kind }) => TOKENS.includes(kind)).map(({ at, until, expires_at }) => lived(until ?? at, expires_at));
  const sane = [...before, lived(access?.received_at, access?.expires_at)].findLast((length) => length > 0);
  return Math.min(Math.max(sane ?? 10 * MINUTE, SHORTEST), YEAR);
}

/** What fits: from some lifetimes ago (as many as there is something to see in, in whole steps so that the scale
 *  rests) to one and a half or two ahead, so that the token in hand is always well visible; of what takes months, thirty days. */
export function fitting(status: Drawn, past: Past, now: number): Stretch {
  return cut(whole(status, past, now), now, parse(status.next?.at));
}

function whole(status: Drawn, past: Past, now: number): Stretch {
  const lifetime = typicalLifetime(status);
  const first = past.events[0]?.at ?? now;
  const age = now - first;
  const back = [5, 3, 2].find((lifetimes) => age > (lifetimes - 0.1) * lifetime) ?? 1;
  const shown = { start: now - back * lifetime, end: now + (back > 2 ? 2 : 1.5) * lifetime };
  // Where nothing was renewed for long, what was there last is still in sight.
  const last = parse(status.access?.received_at);
  if (last === null || last >= shown.start) return shown;
  const start = last - lifetime;
  return { start, end: now + (now - start) / 4 };
}

/** The history with its times read; what has none that can be read is left out. */
export function read({ history }: Pick<SessionStatus, "history">): Past {
  const events = history.map((entry, index): Happening => {
    const at = parse(entry.at) ?? NaN;
    return { entry, index, at, end: Math.max(at, parse(entry.until) ?? at), until: parse(entry.expires_at) };
  });
  return new Past(events.filter(({ at }) => Number.isFinite(at)).sort((a, b) => a.at - b.at));
}

export function lifeline({ status, past, shown, now, measure, words, ...input }: LifelineInput): Lifeline {
  const width = Math.max(input.width, 200);
  const names = Object.entries(words.lanes) as [Lane, string][];
  const lanes = names.map(([lane]) => lane);
  const left = Math.ceil(Math.max(...names.map(([, name]) => measure(name)))) + 12;
  const on = new Drawing(shown, now, left, width, measure, lanes);
  for (const [lane, name] of names) on.labels.push({ key: `lane-${lane}`, tone: "dim", x: 0, y: on.baseline(lane), text: name });
  gaps(on, past, words);
  accessLane(on, status, past, words);
  aboveLanes(on, status, past, words);
  refreshLane(on, status, past, words);
  sessionLane(on, status, past, words);
  const ticks = axis(on, words);
  const { areas, bars, marks, labels, nowX } = on;
  return {
    width,
    height: on.height,
    gridBottom: on.height - 19,
    left,
    // A line at the very edge would read as a border.
    grid: ticks.filter((at) => at > left + 4 && at < width - 4),
    nowX,
    nowSentence: words.nowSentence(now),
    areas,
    bars,
    marks,
    labels,
    step: nowX === null ? null : (shown.end - shown.start) / (width - left) / 2,
  };
}
