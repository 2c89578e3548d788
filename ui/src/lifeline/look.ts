// Which part of time a lifeline shows: all that matters now ("fit"), a length that moves on with the present, or a
// stretch that somebody moved to. Pure; the present is an argument.
import { DAY, MINUTE } from "../time";

export interface Stretch {
  start: number;
  end: number;
}

export type Look =
  | { kind: "fit" }
  /** The present keeps its place, a share of the width from the left. */
  | { kind: "now"; length: number; place: number }
  | { kind: "fixed"; start: number; length: number };

export const FIT: Look = { kind: "fit" };

const SHORTEST = 10 * MINUTE;
export const LONGEST = 30 * DAY;
/** Nobody gets lost further away from the present than this. */
const FARTHEST = 400 * DAY;
/** Where the present stands when it is asked for: there is more to see behind than ahead. */
const PLACE = 0.65;

const length = ({ start, end }: Stretch): number => end - start;
const clamp = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most);

/** What is shown, in time. `fit` is what fitting would show. */
export function stretch(look: Look, fit: Stretch, now: number): Stretch {
  switch (look.kind) {
    case "fit":
      return fit;
    case "now": {
      const start = now - look.place * look.length;
      return { start, end: start + look.length };
    }
    case "fixed":
      return { start: look.start, end: look.start + look.length };
  }
}

/** The shortest stretch one can zoom to. Of a short token, what fits is shorter than it usually is. */
export function shortest(fit: Stretch): number {
  return Math.min(SHORTEST, length(fit));
}

/** A stretch around the present cut to the longest there is: the present keeps its share of it, as far as what comes
 *  `next` stays in sight. */
export function cut(shown: Stretch, now: number, next: number | null): Stretch {
  if (length(shown) <= LONGEST) return shown;
  const edge = LONGEST / 50;
  const ahead = ((shown.end - now) / length(shown)) * LONGEST;
  const end = now + clamp(Math.max(ahead, (next ?? now) + edge - now), edge, LONGEST - edge);
  return { start: end - LONGEST, end };
}

/** Longer by this factor (shorter below 1), around a moment that keeps its place: the present where it is in sight. */
export function zoomed(look: Look, fit: Stretch, now: number, factor: number, around?: number): Look {
  const shown = stretch(look, fit, now);
  const next = clamp(length(shown) * factor, shortest(fit), LONGEST);
  const here = now >= shown.start && now <= shown.end;
  const anchor = around ?? (here ? now : (shown.start + shown.end) / 2);
  const place = clamp((anchor - shown.start) / length(shown), 0, 1);
  const start = anchor - place * next;
  const nowPlace = (now - start) / next;
  // What followed the present goes on to, as long as that stays in sight.
  if (look.kind !== "fixed" && nowPlace >= 0 && nowPlace <= 1) return { kind: "now", length: next, place: nowPlace };
  return { kind: "fixed", start, length: next };
}

/** Moved by a share of the width: ahead, or back where it is negative. */
export function panned(look: Look, fit: Stretch, now: number, share: number): Look {
  const shown = stretch(look, fit, now);
  const start = clamp(shown.start + share * length(shown), now - FARTHEST, now + FARTHEST - length(shown));
  return { kind: "fixed", start, length: length(shown) };
}

/** The present back in sight, at the length that is shown. */
export function toNow(look: Look, fit: Stretch, now: number): Look {
  return { kind: "now", length: length(stretch(look, fit, now)), place: PLACE };
}

/** On the way from one to another, `part` of it done (0 to 1): quick at first, gentle at the end. */
export function between(from: Stretch, to: Stretch, part: number): Stretch {
  const eased = 1 - (1 - clamp(part, 0, 1)) ** 3;
  const mix = (a: number, b: number) => a + (b - a) * eased;
  return { start: mix(from.start, to.start), end: mix(from.end, to.end) };
}
