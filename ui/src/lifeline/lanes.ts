// What stands on the lanes of a lifeline. Each function draws one part of it, below what the next ones draw.
import { timeTicks } from "d3-time";
import type { MarkKind, SessionStatus } from "../ipc/bindings";
import { MINUTE, parse } from "../time";
import { runs, type Cluster } from "./clusters";
import { ABOVE, APART, ASIDE, BELOW, round, TOP_BASELINE, type Drawing, type Shape } from "./drawing";
import { besideEnd, Row, type Span } from "./label-row";
import type { Happening, LifelineWords } from "./words";

export type Drawn = Pick<SessionStatus, "state" | "access" | "refresh" | "clocks" | "history" | "next">;

/** What brought tokens. */
export const TOKENS: readonly MarkKind[] = ["signed_in", "renewed", "adopted"];

/** What happened, in the order of time. */
export class Past {
  constructor(readonly events: readonly Happening[]) {}

  /** By their kinds, also such as an older host does not know. */
  of(...kinds: readonly string[]): Happening[] {
    return this.events.filter(({ entry }) => kinds.includes(entry.kind));
  }

  /** Those that are in sight. */
  seen(on: Drawing, ...kinds: readonly string[]): Happening[] {
    return this.of(...kinds).filter(({ at, end }) => on.touches(at, end));
  }
}

/** Sleeps and gaps, over all lanes. */
export function gaps(on: Drawing, past: Past, words: LifelineWords): void {
  for (const event of past.of("slept", "out_of_reach")) {
    const tone = event.entry.kind === "slept" ? "slept" : "out_of_reach";
    // What goes on does so until now.
    const to = event.entry.until === null ? Math.max(on.now, event.at) : event.end;
    if (on.touches(event.at, to)) on.area(`${tone}-${event.at}-${event.index}`, tone, event.at, to, words.gap(event, to));
  }
}

/** Access tokens as they followed each other, the one in hand with its margin, and what happened to them. */
export function accessLane(on: Drawing, { access }: Drawn, past: Past, words: LifelineWords): void {
  const before = past
    .of(...TOKENS)
    .filter(({ entry, at, until }) => until !== null && until > at && on.touches(at, until) && entry.fingerprint !== access?.fingerprint);
  for (const run of runs(before, on.x)) {
    on.bar(`past-${run.first.index}`, "past", "access", run.first.at, run.last.until ?? run.last.end, words.past(run));
  }
  const received = parse(access?.received_at);
  const expires = parse(access?.expires_at);
  const marginFrom = parse(access?.margin_from);
  if (received !== null && expires !== null) {
    const spent = expires <= on.now;
    on.bar("current", spent ? "spent" : "current", "access", received, expires, spent ? words.spent(received, expires) : words.current(received, expires));
    if (!spent && marginFrom !== null && marginFrom < expires) {
      on.bar("margin", "margin", "access", Math.max(marginFrom, received), expires, words.margin(marginFrom, expires));
    }
  }
  on.group(past.seen(on, ...TOKENS), on.middle("access"), APART, tokenShape, words.group);
  on.group(past.seen(on, "taken"), BELOW, APART, () => "taken", words.group);
  if (on.nowX !== null && (access === null || (expires !== null && expires <= on.now))) {
    const row = new Row(on.nowX + 4, on.width);
    on.label(row, "expired", "dim", on.baseline("access"), expires === null ? [] : [words.expired(expires)], [on.afterNow]);
  }
}

/** The mark of several that are one: what is rarest says most. */
function tokenShape(events: Happening[]): Shape {
  const kinds = events.map(({ entry }) => entry.kind);
  return kinds.includes("signed_in") ? "signed_in" : kinds.includes("adopted") ? "adopted" : "renewed";
}

/** Above the lanes: what comes next, failures, names of gaps. Where there is no room for a name, its mark stays. */
export function aboveLanes(on: Drawing, { next }: Drawn, past: Past, words: LifelineWords): void {
  const row = new Row(on.left, on.width);
  const planned = parse(next?.at);
  const renews = next?.action === "renew" || next?.action === "retry_renewal";
  const failed = on.group(past.seen(on, "failed"), ABOVE, APART + 2, () => "failed", words.group);
  if (next && renews && planned !== null && planned >= on.now && on.holds(planned)) {
    const at = on.x(planned);
    on.mark("planned", "planned", ABOVE, at, words.planned(next.action, planned));
    on.label(row, "planned", "strong", TOP_BASELINE, words.plannedLabels(next.action, planned), [() => at - 5, (w) => at - w / 2]);
  }
  const centre = ({ from, to }: Cluster) => (from + to) / 2;
  for (const group of failed.toReversed()) {
    const places = [(w: number) => centre(group) - w / 2, (w: number) => centre(group) + 5 - w];
    on.label(row, `label-${group.key}`, "warn", TOP_BASELINE, words.failureLabels(group.events), places);
  }
  for (const area of on.areas.toReversed()) {
    const within = (w: number) => (w <= area.width - 4 ? area.x + 2 : NaN);
    on.label(row, `label-${area.key}`, "dim", TOP_BASELINE, [words.gaps[area.tone]], [within]);
  }
}

const aroundNow = ({ nowX }: Drawing): Span[] => (nowX === null ? [] : [[nowX - 4, nowX + 4]]);

/** The refresh token in hand, to its end or beyond the edge, and those it replaced. */
export function refreshLane(on: Drawing, { state, refresh, clocks }: Drawn, past: Past, words: LifelineWords): void {
  if (refresh === null || !on.lanes.includes("refresh")) return;
  const row = new Row(on.left, on.width, aroundNow(on));
  const say = (tone: "dim" | "warn", texts: string[], places: ((width: number) => number)[] = [on.afterNow]) => on.label(row, "refresh", tone, on.baseline("refresh"), texts, places);
  const since = parse(refresh.since) ?? on.shown.start;
  const until = parse(clocks.refresh?.expires_at);
  const refused = state === "needs_sign_in";
  if (refresh.rotates) {
    const tokens = past.of(...TOKENS).filter(({ at }) => at < since);
    const begun = (tokens.findLast(({ entry }) => entry.kind === "signed_in") ?? tokens[0])?.at;
    if (begun !== undefined) on.bar("refresh-past", "refresh-past", "refresh", begun, since, words.refreshPast(begun, since));
  }
  const stops = refused ? on.now : (until ?? Math.max(on.shown.end, on.now) + 1);
  const sentence = refused ? words.refreshRefused(since) : words.refresh(since, until);
  const drawn = on.bar("refresh", refused ? "spent" : "refresh", "refresh", Math.min(since, on.now), stops, sentence);
  if (refused) say("warn", [words.refused]);
  else if (until !== null && until <= on.now) say("dim", [words.expired(until)]);
  else if (drawn) say("dim", words.refreshLabels(until, refresh.rotates), besideEnd(drawn, on.nowX ?? on.left, on.width, ASIDE));
}

/** The session to its ceiling, where that moved, and the sessions before it. */
export function sessionLane(on: Drawing, { clocks }: Drawn, past: Past, words: LifelineWords): void {
  const signIns = past.of("signed_in");
  const ends = past.of("signed_out");
  for (const [index, begin] of signIns.entries()) {
    const stops = [ends.find(({ at }) => at >= begin.at)?.at, signIns[index + 1]?.at].filter((at) => at !== undefined);
    if (stops.length === 0) continue;
    const over = Math.min(...stops);
    on.bar(`session-past-${begin.index}`, "session-past", "session", begin.at, over, words.sessionPast(begin.at, over));
  }
  const row = new Row(on.left, on.width, aroundNow(on));
  const say = (texts: string[], places: ((width: number) => number)[]) => on.label(row, "session", "dim", on.baseline("session"), texts, places);
  const ceiling = parse(clocks.session?.expires_at);
  if (ceiling === null) {
    say([words.noCeiling], [on.afterNow, () => on.left]);
  } else {
    const begun = signIns.at(-1)?.at ?? on.shown.start;
    const drawn = on.bar("session", "session", "session", Math.min(begun, on.now), ceiling, words.session(ceiling));
    if (on.holds(ceiling)) {
      const at = on.x(ceiling);
      on.mark("ceiling", "ceiling", on.place("session").y - 4, at, words.ceiling(ceiling));
      row.block([at - 4, at + 4]);
    }
    const places = drawn ? besideEnd(drawn, on.nowX ?? on.left, on.width, ASIDE) : [on.afterNow];
    if (ceiling >= on.shown.start) say(ceiling <= on.now ? [words.expired(ceiling)] : words.ceilingLabels(ceiling), places);
  }
  on.group(past.seen(on, "signed_out"), on.place("session").y - 4, APART, () => "signed_out", words.group);
  on.group(past.seen(on, "ceiling_moved"), on.middle("session"), APART, () => "ceiling_moved", words.group);
}

/** "now" first, then every tick whose label still fits. Gives the places of the ticks. */
export function axis(on: Drawing, words: LifelineWords): number[] {
  const row = new Row(on.left, on.width, [], 8);
  const { nowX } = on;
  if (nowX !== null) on.label(row, "now", "now", on.height - 5, [words.now], [(w) => nowX - w / 2]);
  const many = Math.max(2, Math.min(7, Math.floor((on.width - on.left) / 95)));
  // Whole hours and days are those of the clocks around the person.
  const ahead = words.ahead(on.shown.start);
  const ticks = timeTicks(new Date(on.shown.start + ahead), new Date(on.shown.end + ahead), many).map((tick) => Number(tick) - ahead);
  const step = (ticks[1] ?? NaN) - (ticks[0] ?? NaN) || MINUTE;
  for (const tick of ticks) {
    const text = words.tick(tick, step);
    const from = on.x(tick) - on.measure(text) / 2;
    // Off its line a tick label would lie: it is placed exactly or not at all.
    if (row.take(from, on.measure(text))) on.labels.push({ key: `tick-${tick}`, tone: "dim", x: round(from), y: on.height - 5, text });
  }
  return ticks.map(on.x);
}
