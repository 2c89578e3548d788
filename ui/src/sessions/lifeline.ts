// The geometry of a lifeline: what is drawn where, for a session at a moment. Pure: time, width and the
// width of a text come in as arguments; the sentences are made beside it in `lifeline-words.ts`.
//
// Invariants, each held by a test: every mark lies inside the drawing, no two labels of a row overlap,
// no label is cut, and no input (expired, reversed, far away, 200 entries) makes a number that is none.
import { timeTicks } from "d3-time";
import type { SessionStatus } from "../ipc/bindings";
import { parse, SECOND, DAY, MINUTE } from "../time";
import { Row, type Span } from "./label-row";
import type { LifelineWords, Happening } from "./lifeline-words";

export interface Bar {
  key: string;
  tone: "past" | "current" | "spent" | "margin" | "refresh" | "session";
  x: number;
  y: number;
  width: number;
  height: number;
  /** It goes on beyond the edge: drawn fading. */
  fades: boolean;
  sentence: string;
}

export interface Mark {
  key: string;
  shape: "renewed" | "failed" | "planned" | "ceiling";
  x: number;
  y: number;
  sentence: string;
}

export interface Label {
  key: string;
  tone: "dim" | "strong" | "warn" | "now";
  /** Left edge and baseline. */
  x: number;
  y: number;
  text: string;
}

export interface Lifeline {
  width: number;
  height: number;
  start: number;
  end: number;
  /** Left edge of the plot: lane names stand before it. */
  left: number;
  grid: number[];
  nowX: number;
  nowSentence: string;
  bars: Bar[];
  marks: Mark[];
  labels: Label[];
  /** How long until anything moves by half a pixel: no timer need be faster. */
  step: number;
}

export interface LifelineInput {
  status: Pick<SessionStatus, "state" | "access" | "refresh" | "clocks" | "history" | "next">;
  now: number;
  width: number;
  measure: (text: string) => number;
  words: LifelineWords;
}

export const LANES = {
  access: { y: 29, height: 18 },
  refresh: { y: 63, height: 16 },
  session: { y: 95, height: 16 },
} as const;
const HEIGHT = 138;
export const GRID_TOP = 26;
export const GRID_BOTTOM = 119;
const TOP_BASELINE = 13;
const AXIS_BASELINE = 133;
/** Between a label and the line or end it stands beside; more than half a blocked line and a row's gap. */
const ASIDE = 12;
const SHORTEST = 10 * SECOND;
const LONGEST = 400 * DAY;

/** The lifetime the picture is scaled to: the token in hand, or the last one that had a sane one. */
export function typicalLifetime({ access, history }: LifelineInput["status"]): number {
  const spans = [access ? span(access.received_at, access.expires_at) : null];
  for (const entry of history.toReversed()) spans.push(span(entry.at, entry.expires_at));
  const sane = spans.find((length) => length !== null && length > 0);
  return Math.min(Math.max(sane ?? 10 * MINUTE, SHORTEST), LONGEST);
}

const span = (from: string, to: string | null): number | null => {
  const [a, b] = [parse(from), parse(to)];
  return a === null || b === null ? null : b - a;
};

/** From some lifetimes ago (as many as there is something to see in, in whole steps so that the scale
 *  rests) to one and a half ahead, so that the token in hand is always well visible. */
export function chooseWindow(status: LifelineInput["status"], now: number): { start: number; end: number } {
  const lifetime = typicalLifetime(status);
  const begun = status.history.map((entry) => parse(entry.at)).filter((at) => at !== null && at <= now);
  const age = begun.length > 0 ? now - Math.min(...(begun as number[])) : 0;
  const back = age > 1.9 * lifetime ? 3 : age > 0.95 * lifetime ? 2 : 1;
  return { start: now - back * lifetime, end: now + 1.5 * lifetime };
}

export function lifeline(input: LifelineInput): Lifeline {
  const { status, now, measure, words } = input;
  const width = Math.max(input.width, 200);
  const names = Object.entries(words.lanes) as [keyof typeof LANES, string][];
  const left = Math.ceil(Math.max(...names.map(([, name]) => measure(name)))) + 12;
  const { start, end } = chooseWindow(status, now);
  // Not d3-scale: it brings d3-color and d3-format, which assign to `toString` and `constructor` of objects. The app
  // freezes Object.prototype, and under that such an assignment throws before the page is drawn.
  const x = (at: number) => round(left + (width - left) * Math.min(1, Math.max(0, (at - start) / (end - start))));
  const inside = (at: number) => at >= start && at <= end;
  const nowX = x(now);
  const bars: Bar[] = [];
  const marks: Mark[] = [];
  const labels: Label[] = [];

  const bar = (key: string, tone: Bar["tone"], from: number, to: number, sentence: string, lane: { y: number; height: number } = LANES.access): Bar | null => {
    if (!(to > from) || to < start || from > end) return null;
    // At least two pixels, also at the right edge: what exists is seen.
    const x0 = Math.min(x(from), width - 2);
    const drawn: Bar = { key, tone, x: x0, y: lane.y, width: Math.max(2, x(to) - x0), height: lane.height, fades: to > end, sentence };
    bars.push(drawn);
    return drawn;
  };
  const baseline = (lane: keyof typeof LANES) => LANES[lane].y + LANES[lane].height / 2 + 4;

  for (const [lane, name] of names) labels.push({ key: `lane-${lane}`, tone: "dim", x: 0, y: baseline(lane), text: name });

  // Access tokens as they followed each other.
  const events = status.history
    .map((entry, index): Happening => ({ entry, index, at: parse(entry.at) ?? NaN, until: parse(entry.expires_at) }))
    .filter(({ at }) => Number.isFinite(at));
  const { access } = status;
  for (const event of events) {
    if (event.entry.kind === "failed" || event.until === null) continue;
    if (access !== null && event.entry.fingerprint === access.fingerprint) continue;
    bar(`past-${event.index}`, "past", event.at, event.until, words.past(event));
  }
  const received = parse(access?.received_at);
  const expires = parse(access?.expires_at);
  const marginFrom = parse(access?.margin_from);
  if (received !== null && expires !== null) {
    const spent = expires <= now;
    bar("current", spent ? "spent" : "current", received, expires, spent ? words.spent(received, expires) : words.current(received, expires));
    if (!spent && marginFrom !== null && marginFrom < expires) {
      bar("margin", "margin", Math.max(marginFrom, received), expires, words.margin(marginFrom, expires));
    }
  }

  // What happened, one mark where several would cover each other.
  const top = new Row(left, width);
  const laneMiddle = LANES.access.y + LANES.access.height / 2;
  const happened = events.filter(({ at }) => inside(at));
  const renewed = clusters(happened.filter(({ entry }) => entry.kind !== "failed"), x);
  const failed = clusters(happened.filter(({ entry }) => entry.kind === "failed"), x);
  for (const group of renewed) {
    marks.push({ key: `renewed-${group.key}`, shape: "renewed", x: group.x, y: laneMiddle, sentence: words.group(group.events) });
  }
  for (const group of failed) {
    marks.push({ key: `failed-${group.key}`, shape: "failed", x: group.x, y: 20, sentence: words.group(group.events) });
  }

  // What comes next, and then the failures, newest first: a label without room is left out, its mark stays.
  const planned = parse(status.next?.at);
  const renews = status.next?.action === "renew" || status.next?.action === "retry_renewal";
  if (status.next && renews && planned !== null && planned >= now && inside(planned)) {
    const at = x(planned);
    marks.push({ key: "planned", shape: "planned", x: at, y: 20, sentence: words.planned(status.next.action, planned) });
    put(top, "planned", "strong", TOP_BASELINE, words.plannedLabels(status.next.action, planned), [() => at - 5, (w) => at - w / 2]);
  }
  for (const group of failed.toReversed()) {
    put(top, `failed-${group.key}`, "warn", TOP_BASELINE, words.failureLabels(group.events), [(w) => group.x - w / 2, (w) => group.x + 5 - w]);
  }

  const nowSpan: Span = [nowX - 4, nowX + 4];
  if (access === null || (expires !== null && expires <= now)) {
    const row = new Row(nowX + 4, width);
    put(row, "expired", "dim", baseline("access"), expires === null ? [] : [words.expired(expires)], [() => nowX + ASIDE]);
  }

  // The refresh token, to its end or beyond the edge.
  const refreshRow = new Row(left, width, [nowSpan]);
  if (status.refresh !== null) {
    const since = parse(status.refresh.since) ?? start;
    const until = parse(status.clocks.refresh?.expires_at);
    const refused = status.state === "needs_sign_in";
    const stops = refused ? now : (until ?? end + 1);
    const sentence = refused ? words.refreshRefused(since) : words.refresh(since, until);
    const drawn = bar("refresh", refused ? "spent" : "refresh", Math.min(since, now), stops, sentence, LANES.refresh);
    if (refused) {
      put(refreshRow, "refresh", "warn", baseline("refresh"), [words.refused], [() => nowX + ASIDE]);
    } else if (until !== null && until <= now) {
      put(refreshRow, "refresh", "dim", baseline("refresh"), [words.expired(until)], [() => nowX + ASIDE]);
    } else if (drawn) {
      put(refreshRow, "refresh", "dim", baseline("refresh"), words.refreshLabels(until, status.refresh.rotates), besideEnd(drawn, nowX, width));
    }
  }

  // The session's ceiling.
  const ceiling = parse(status.clocks.session?.expires_at);
  const sessionRow = new Row(left, width, [nowSpan]);
  if (ceiling === null) {
    put(sessionRow, "session", "dim", baseline("session"), [words.noCeiling], [() => nowX + ASIDE, () => left]);
  } else {
    const begun = events.find(({ entry }) => entry.kind === "signed_in")?.at ?? start;
    const drawn = bar("session", "session", Math.min(begun, now), ceiling, words.session(ceiling), LANES.session);
    if (inside(ceiling)) {
      const at = x(ceiling);
      marks.push({ key: "ceiling", shape: "ceiling", x: at, y: LANES.session.y - 4, sentence: words.ceiling(ceiling) });
      sessionRow.block([at - 4, at + 4]);
    }
    const places = drawn ? besideEnd(drawn, nowX, width) : [() => nowX + ASIDE];
    put(sessionRow, "session", "dim", baseline("session"), ceiling <= now ? [words.expired(ceiling)] : words.ceilingLabels(ceiling), places);
  }

  // The axis: "now" first, then every tick whose label still fits.
  const axis = new Row(left, width, [], 8);
  put(axis, "now", "now", AXIS_BASELINE, [words.now], [(w) => nowX - w / 2]);
  const ticks = timeTicks(new Date(start), new Date(end), Math.max(2, Math.min(7, Math.floor((width - left) / 95))));
  const tickStep = ticks.length > 1 ? Number(ticks[1]) - Number(ticks[0]) : MINUTE;
  for (const tick of ticks) {
    const label = words.tick(Number(tick), tickStep);
    const at = x(Number(tick));
    const from = at - measure(label) / 2;
    // Off its line a tick label would lie: it is placed exactly or not at all.
    if (axis.take(from, measure(label))) labels.push({ key: `tick-${Number(tick)}`, tone: "dim", x: round(from), y: AXIS_BASELINE, text: label });
  }

  return {
    width,
    height: HEIGHT,
    start,
    end,
    left,
    // A line at the very edge would read as a border.
    grid: ticks.map((tick) => x(Number(tick))).filter((at) => at > left + 4 && at < width - 4),
    nowX,
    nowSentence: words.nowSentence(now),
    bars,
    marks,
    labels,
    step: (end - start) / (width - left) / 2,
  };

  /** The first text that finds a place, at the first place it finds. */
  function put(row: Row, key: string, tone: Label["tone"], y: number, texts: string[], places: ((width: number) => number)[]): void {
    for (const text of texts) {
      const length = measure(text);
      for (const place of places) {
        const from = row.fit(place(length), length);
        if (from === null) continue;
        labels.push({ key, tone, x: round(from), y, text });
        return;
      }
    }
  }
}

/** After the bar's end, else inside it at its end, else inside it before now; NaN where there is no room. */
const besideEnd = (drawn: Bar, nowX: number, right: number): ((width: number) => number)[] => {
  const end = drawn.x + drawn.width;
  return [
    (w) => {
      const from = Math.max(end, nowX) + ASIDE;
      return !drawn.fades && from + w <= right ? from : NaN;
    },
    (w) => (end - w - ASIDE >= nowX + ASIDE ? end - w - ASIDE : NaN),
    (w) => {
      const from = Math.min(nowX, end) - w - ASIDE;
      return from >= drawn.x + 4 ? from : NaN;
    },
  ];
};

interface Cluster {
  key: number;
  x: number;
  events: Happening[];
}

/** Events whose marks would touch become one, at the place of the last. */
function clusters(events: Happening[], x: (at: number) => number): Cluster[] {
  const groups: Cluster[] = [];
  for (const event of events.toSorted((a, b) => a.at - b.at)) {
    const at = x(event.at);
    const group = groups.at(-1);
    if (group && at - group.x < 7) {
      group.events.push(event);
    } else {
      groups.push({ key: event.index, x: at, events: [event] });
    }
  }
  return groups;
}

const round = (n: number): number => Math.round(n * 10) / 10;
