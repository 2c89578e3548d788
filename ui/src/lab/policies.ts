// What the policies view offers, and what it says of a month. Pure: words, numbers and dates come in.
import type { Cell, Forecast, PolicyTrial, SignedOut } from "../ipc/bindings";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A pattern of life each, as the engine names them. */
export const LIVES = ["office", "train", "part-time", "weekend", "always"] as const;
export type Life = (typeof LIVES)[number];

/** What can be tried, with a choice of durations in seconds; 0 takes a limit away. */
export const SETTINGS = {
  max_age_s: [0, 8 * HOUR, 12 * HOUR, DAY, 7 * DAY, 30 * DAY],
  update_age_s: [0, 5 * MINUTE, HOUR, DAY],
  idle_timeout_s: [0, 15 * MINUTE, HOUR, 8 * HOUR],
  renew_before_s: [0, MINUTE, 5 * MINUTE, 15 * MINUTE, 30 * MINUTE],
  access_s: [MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR, DAY],
  refresh_s: [HOUR, 8 * HOUR, DAY, 7 * DAY, 30 * DAY, 90 * DAY],
  session_s: [0, 8 * HOUR, DAY, 7 * DAY, 30 * DAY],
} as const satisfies Partial<Record<keyof PolicyTrial, readonly number[]>>;
export type Setting = keyof typeof SETTINGS;
export const NAMES = Object.keys(SETTINGS) as Setting[];

/** As the account has it. */
export const AS_IT_IS: PolicyTrial = {
  max_age_s: null,
  rolling: null,
  update_age_s: null,
  idle_timeout_s: null,
  renew_before_s: null,
  access_s: null,
  refresh_s: null,
  session_s: null,
};

/** The moment of a sign-out, for a formatter in UTC: the first day of a forecast is a Monday. */
export const moment = ({ day, minute }: Pick<SignedOut, "day" | "minute">): number => Date.UTC(2026, 0, 4 + day, 0, minute);

export interface Stretch {
  cell: Cell;
  from: number;
  to: number;
}

/** The half hours of a day, those that are alike in one. */
export function stretches(cells: readonly Cell[]): Stretch[] {
  const all: Stretch[] = [];
  cells.forEach((cell, index) => {
    const last = all.at(-1);
    if (last?.cell === cell) last.to = index + 1;
    else all.push({ cell, from: index, to: index + 1 });
  });
  return all;
}

/** The ends of a month by their reason, the most frequent first. */
export function byReason(forecast: Forecast): { why: SignedOut; ends: SignedOut[] }[] {
  const groups: { why: SignedOut; ends: SignedOut[] }[] = [];
  for (const end of forecast.sign_outs) {
    const known = groups.find(({ why }) => why.message === end.message);
    if (known) known.ends.push(end);
    else groups.push({ why: end, ends: [end] });
  }
  return groups.sort((one, other) => other.ends.length - one.ends.length);
}
