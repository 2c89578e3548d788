// How the window says times: in the user's locale and zone, by Intl, with the present as an argument.
// Nothing here is ever negative or absurd: what has passed is "now", what cannot be read is "unknown".
import { dateForm, dateLocales, dateZone } from "./dates.svelte";
import { fill, text } from "./strings";

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Beyond this a JavaScript date is not a date. */
const LAST = 8.64e15;

export interface Times {
  /** 14:42:10 */
  clock(this: void, at: number): string;
  /** 14:42 */
  short(at: number): string;
  /** 20/11, 14:42:10 */
  stamp(this: void, at: number): string;
  /** Whether two moments are on the same day. */
  isSameDay(at: number, other: number): boolean;
  /** "18:00 today", "09:12 tomorrow", "Fri 27 Nov, 09:12" */
  when(at: number, now: number): string;
  /** A point in time in few letters: 14:42 today, "Fri 09:12" within a week, else the date. */
  brief(at: number, now: number): string;
  /** An axis label that fits the distance between two of them. */
  tick(this: void, at: number, step: number): string;
  /** 00:41, 1:08:04, 2 d 3 h; never negative: "now" */
  countdown(left: number): string;
  /** "41 s", "8 min", "3 h", "29 d": the largest unit alone */
  coarse(left: number): string;
  /** "2 s", "1 h 5 min": how long something is, in its two largest units */
  span(this: void, ms: number): string;
  /** "287 ms", "1.4 s" */
  took(ms: number): string;
  /** How many milliseconds clocks are ahead of those that the page's own dates go by: they may keep the zone it began in. */
  ahead(this: void, at: number): number;
}

/** Milliseconds since the epoch; null for what is no time. */
export function parse(at: string | null | undefined): number | null {
  if (!at) return null;
  // Rust writes up to nine digits of fraction; the language promises to read three.
  const ms = Date.parse(at.replace(/(\.\d{3})\d+/, "$1"));
  return Number.isFinite(ms) ? ms : null;
}

const valid = (at: number): boolean => Number.isFinite(at) && Math.abs(at) <= LAST;

const pad = (n: number): string => String(n).padStart(2, "0");

/** From here on a countdown counts seconds: further off they interest nobody, and each would be drawn. */
const CLOSE = 10 * MINUTE;

/** How often a countdown to `left` from now changes: what a timer need not be faster than. */
export const countdownStep = (left: number): number => (left > CLOSE + MINUTE ? MINUTE : SECOND);

/** The last of these that has come, or the turn of the minute if that was later. What is ahead of `now` is ahead of it too,
 *  and what has passed has passed. */
export function lastTurn(now: number, moments: readonly number[]): number {
  return moments.reduce((last, moment) => (moment <= now ? Math.max(last, moment) : last), now - (now % MINUTE));
}

/** Makes something when it is first asked for, and then has it. */
function once<T>(make: () => T): () => T {
  let made: { it: T } | undefined;
  return () => (made ??= { it: make() }).it;
}

/** `iso`: year, month, day and 24 hours, whatever the locale does (ISO 8601). */
export function makeTimes(locale?: string | readonly string[], timeZone?: string, iso = false): Times {
  // Building a formatter costs a hundred times what using it does, and a first frame needs two or three of them.
  const format = (options: () => Intl.DateTimeFormatOptions) => {
    const formatter = once(() => new Intl.DateTimeFormat(locale, timeZone ? { ...options(), timeZone } : options()));
    return (at: number) => (valid(at) ? formatter().format(at) : text.time.unknown);
  };
  // The units of the field (s, min, h, d), which the host's own sentences use too; digits by locale.
  const whole = once(() => new Intl.NumberFormat(locale, { maximumFractionDigits: 0 }));
  const exact = once(() => new Intl.NumberFormat(locale, { maximumFractionDigits: 1 }));
  const say = (unit: "ms" | "s" | "min" | "h" | "d", n: number) => fill(text.time[unit], { n: whole().format(n) });

  const isoParts = once(() => new Intl.DateTimeFormat("en-u-ca-iso8601-nu-latn", { year: "numeric", month: "2-digit", day: "2-digit", ...(timeZone ? { timeZone } : {}) }));

  // 09:12, but 9:12 AM: what each of the two conventions is used to.
  const ofDay = once((): Intl.DateTimeFormatOptions => {
    if (iso) return { hour: "2-digit", hourCycle: "h23" };
    const { hourCycle } = new Intl.DateTimeFormat(locale, { hour: "numeric" }).resolvedOptions();
    return { hour: hourCycle === "h12" || hourCycle === "h11" ? "numeric" : "2-digit" };
  });

  const clock = format(() => ({ ...ofDay(), minute: "2-digit", second: "2-digit" }));
  const short = format(() => ({ ...ofDay(), minute: "2-digit" }));
  const stamp = iso ? isoStamp : format(() => ({ day: "2-digit", month: "2-digit", ...ofDay(), minute: "2-digit", second: "2-digit" }));
  const day = format(() => ({ year: "numeric", month: "numeric", day: "numeric" }));
  const date = iso ? isoDate : format(() => ({ weekday: "short", day: "numeric", month: "short" }));
  const dated = iso ? isoTime : format(() => ({ weekday: "short", day: "numeric", month: "short", ...ofDay(), minute: "2-digit" }));
  const weekday = iso ? isoTime : format(() => ({ weekday: "short", ...ofDay(), minute: "2-digit" }));
  const farDate = iso ? isoDate : format(() => ({ year: "numeric", month: "short", day: "numeric" }));
  const far = (at: number, now: number) => Math.abs(at - now) > 300 * DAY;

  function isoDate(at: number): string {
    if (!valid(at)) return text.time.unknown;
    const parts = new Map(isoParts().formatToParts(at).map(({ type, value }) => [type, value]));
    return `${parts.get("year") ?? ""}-${parts.get("month") ?? ""}-${parts.get("day") ?? ""}`;
  }

  function isoTime(at: number): string {
    return valid(at) ? `${isoDate(at)} ${short(at)}` : text.time.unknown;
  }

  function isoStamp(at: number): string {
    return valid(at) ? `${isoDate(at)} ${clock(at)}` : text.time.unknown;
  }

  const isSameDay = (at: number, other: number): boolean => day(at) === day(other);

  /** The next day: a day has 23 hours where summer time begins, and 25 where it ends. */
  function dayAfter(now: number): string | undefined {
    const today = day(now);
    return [DAY - HOUR, DAY, DAY + HOUR].map((ahead) => day(now + ahead)).find((next) => next !== today);
  }

  function when(at: number, now: number): string {
    if (!valid(at)) return text.time.unknown;
    if (isSameDay(at, now)) return fill(text.time.today, { time: short(at) });
    if (day(at) === dayAfter(now)) return fill(text.time.tomorrow, { time: short(at) });
    return far(at, now) ? farDate(at) : dated(at);
  }

  function brief(at: number, now: number): string {
    if (!valid(at)) return text.time.unknown;
    if (isSameDay(at, now)) return short(at);
    if (Math.abs(at - now) < 6 * DAY) return weekday(at);
    return far(at, now) ? farDate(at) : date(at);
  }

  function tick(at: number, step: number): string {
    if (step < MINUTE) return clock(at);
    if (step < DAY) return short(at);
    return step < 300 * DAY ? date(at) : farDate(at);
  }

  function countdown(left: number): string {
    if (!(left > 0)) return text.time.now;
    const total = Math.ceil(left / SECOND);
    if (!Number.isFinite(total)) return text.time.unknown;
    const wholeHours = Math.floor(total / 3600);
    if (wholeHours >= 24) {
      const rest = wholeHours % 24;
      const days = Math.floor(wholeHours / 24);
      return rest === 0 || days >= 7 ? say("d", days) : fill(text.time.dh, { days: whole().format(days), hours: whole().format(rest) });
    }
    if (left > CLOSE) return span(Math.floor(left / MINUTE) * MINUTE);
    return `${pad(Math.floor(total / 60))}:${pad(total % 60)}`;
  }

  function coarse(left: number): string {
    if (!(left > 0)) return text.time.now;
    if (!Number.isFinite(left)) return text.time.unknown;
    if (left >= 2 * DAY) return say("d", Math.floor(left / DAY));
    if (left >= 2 * HOUR) return say("h", Math.floor(left / HOUR));
    if (left >= 2 * MINUTE) return say("min", Math.floor(left / MINUTE));
    return say("s", Math.ceil(left / SECOND));
  }

  function span(ms: number): string {
    if (!Number.isFinite(ms)) return text.time.unknown;
    if (ms < SECOND) return say("ms", Math.max(0, ms));
    const units = [["d", DAY], ["h", HOUR], ["min", MINUTE], ["s", SECOND]] as const;
    const first = units.findIndex(([, size]) => ms >= size);
    const parts: string[] = [];
    for (const [unit, size] of units.slice(first, first + 2)) {
      const count = Math.floor(ms / size);
      if (count > 0) parts.push(say(unit, count));
      ms -= count * size;
    }
    return parts.join(" ");
  }

  const took = (ms: number): string => {
    if (!Number.isFinite(ms)) return text.time.unknown;
    return ms < SECOND ? say("ms", Math.max(0, ms)) : fill(text.time.s, { n: exact().format(ms / SECOND) });
  };

  const offset = once(() => new Intl.DateTimeFormat("en-u-ca-iso8601-nu-latn", { timeZoneName: "longOffset", ...(timeZone ? { timeZone } : {}) }));
  const ahead = (at: number): number => {
    if (timeZone === undefined || !valid(at)) return 0;
    // "GMT", "GMT+05:30"
    const [, sign = "", hours = 0, minutes = 0] = /([+-])(\d+):(\d+)/.exec(offset().format(at)) ?? [];
    const there = (sign === "-" ? -1 : 1) * (Number(hours) * HOUR + Number(minutes) * MINUTE);
    return there + new Date(at).getTimezoneOffset() * MINUTE;
  };

  return { clock, short, stamp, isSameDay, when, brief, tick, countdown, coarse, span, took, ahead };
}

let made: { for: readonly string[]; iso: boolean; zone: string | undefined; times: Times } | undefined;

function current(): Times {
  const wanted = dateLocales();
  const iso = dateForm() === "iso";
  const zone = dateZone();
  if (made?.for !== wanted || made.iso !== iso || made.zone !== zone) made = { for: wanted, iso, zone, times: makeTimes(wanted, zone, iso) };
  return made.times;
}

/** The user's locale and zone, as they are now. */
export const times: Times = {
  clock: (at) => current().clock(at),
  short: (at) => current().short(at),
  stamp: (at) => current().stamp(at),
  isSameDay: (at, other) => current().isSameDay(at, other),
  when: (at, now) => current().when(at, now),
  brief: (at, now) => current().brief(at, now),
  tick: (at, step) => current().tick(at, step),
  countdown: (left) => current().countdown(left),
  coarse: (left) => current().coarse(left),
  span: (ms) => current().span(ms),
  took: (ms) => current().took(ms),
  ahead: (at) => current().ahead(at),
};
