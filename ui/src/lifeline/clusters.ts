// Many marks as few: what would overlap on screen becomes one. Pure.
import type { Happening } from "./words";

export interface Cluster {
  key: string;
  /** Where the first and the last of them stand. */
  from: number;
  to: number;
  events: Happening[];
}

/** No wider than this: a long row of marks stays several to point at. */
const WIDEST = 36;

/** Events that would be closer than `apart` pixels become one mark; they come in the order of time. */
export function clusters(events: readonly Happening[], x: (at: number) => number, apart: number): Cluster[] {
  const groups: Cluster[] = [];
  for (const event of events) {
    const [from, to] = [x(event.at), x(event.end)];
    const group = groups.at(-1);
    if (group && from - group.to < apart && to - group.from <= WIDEST) {
      group.events.push(event);
      group.to = Math.max(group.to, to);
    } else {
      groups.push({ key: `${event.entry.kind}-${event.at}-${event.index}`, from, to: Math.max(from, to), events: [event] });
    }
  }
  return groups;
}

/** How many happenings these events stand for. */
export const count = (events: readonly Happening[]): number => events.reduce((sum, { entry }) => sum + Math.max(1, entry.count), 0);

export interface Run {
  /** The first and the last of the tokens in it. */
  first: Happening;
  last: Happening;
  count: number;
  from: number;
  to: number;
}

/** Narrower than this, a token cannot be told from the next. */
const NARROW = 6;

/** Access tokens as bars, in the order of time: where they are too narrow to be told apart, one bar for a row of them. */
export function runs(tokens: readonly Happening[], x: (at: number) => number): Run[] {
  const found: Run[] = [];
  let before = 0;
  for (const token of tokens) {
    const [from, to] = [x(token.at), x(token.until ?? token.at)];
    const narrow = to - from < NARROW || token.entry.count > 1;
    const run = found.at(-1);
    if (run && narrow && before < NARROW && from <= run.to + 1) {
      run.last = token;
      run.count += Math.max(1, token.entry.count);
      run.to = Math.max(run.to, to);
    } else {
      found.push({ first: token, last: token, count: Math.max(1, token.entry.count), from, to });
    }
    before = narrow ? 0 : to - from;
  }
  return found;
}
