// What a lifeline says: lane names, labels (the longest first, for where there is room) and one sentence
// for each mark, for those who hover and those who listen.
import type { HistoryMark, ActionName, SessionStatus } from "../ipc/bindings";
import { fill, named, noted, plural, text } from "../strings";
import { held, isCookie, program } from "../sessions/words";
import { MINUTE, type Times } from "../time";
import { count, type Run } from "./clusters";

/** A history entry with its times read. */
export interface Happening {
  entry: HistoryMark;
  index: number;
  at: number;
  /** Where it ended, or the last of several was; the same as `at` for one that did not last. */
  end: number;
  /** When the access token it brought expires. */
  until: number | null;
}

export interface LifelineWords {
  /** The lanes there are, from above: a site's session has no refresh token. */
  lanes: { access: string; refresh?: string; session: string };
  now: string;
  noCeiling: string;
  refused: string;
  nowSentence(at: number): string;
  tick(at: number, step: number): string;
  ahead(at: number): number;
  expired(at: number): string;
  gaps: { slept: string; out_of_reach: string };
  gap(event: Happening, to: number): string;
  past(run: Run): string;
  current(from: number, to: number): string;
  spent(from: number, to: number): string;
  margin(from: number, to: number): string;
  planned(action: ActionName, at: number): string;
  plannedLabels(action: ActionName, at: number): string[];
  group(this: void, events: Happening[]): string;
  failureLabels(events: Happening[]): string[];
  refresh(since: number, until: number | null): string;
  refreshPast(from: number, to: number): string;
  refreshRefused(since: number): string;
  refreshLabels(until: number | null, rotates: boolean | null): string[];
  session(until: number): string;
  sessionPast(from: number, to: number): string;
  ceiling(until: number): string;
  ceilingLabels(until: number): string[];
}

export const source = (name: string | undefined): string =>
  name === undefined ? "" : named(text.sources, name);

/** "503" out of "503 from the token endpoint"; else the note itself where it is short. */
export function shortNote(note: string | null): string {
  const status = /^\D{0,24}\b([1-5]\d\d)\b/.exec(note ?? "")?.[1];
  if (status !== undefined) return status;
  return note !== null && note.length > 0 && note.length <= 18 ? note : text.lifeline.failed;
}

export function lifelineWords(status: Pick<SessionStatus, "clocks" | "provider">, now: number, times: Times): LifelineWords {
  const { clocks } = status;
  const { says, ...say } = text.lifeline;
  const names = held(status);
  const at = (moment: number) => (Math.abs(moment - now) < 12 * 60 * MINUTE ? times.clock(moment) : times.when(moment, now));
  const sentence = (template: string, values: Record<string, string | number>) => fill(template, values);

  const gap = (event: Happening, to: number): string => {
    const values = { at: at(event.at), to: at(to), lasted: times.coarse(to - event.at), note: noted(event.entry) ?? "" };
    if (event.entry.kind === "slept") return sentence(says.slept, values);
    return sentence(event.entry.until === null ? says.outOfReachNow : says.out_of_reach, values);
  };
  const one = (event: Happening): string => {
    const { entry } = event;
    if (entry.kind === "slept" || entry.kind === "out_of_reach") return gap(event, event.end);
    return sentence(says[entry.kind], {
      at: at(event.end),
      to: event.until === null ? text.time.unknown : at(event.until),
      generation: entry.generation,
      note: (entry.kind === "taken" ? program(entry.note) : noted(entry)) ?? say.failed,
    });
  };

  return {
    lanes: isCookie(status) ? { access: names.lane, session: say.session } : { access: names.lane, refresh: say.refresh, session: say.session },
    now: say.now,
    noCeiling: say.noCeiling,
    refused: say.refused,
    nowSentence: (moment) => sentence(says.now, { at: times.clock(moment) }),
    tick: times.tick,
    ahead: times.ahead,
    expired: (moment) => sentence(say.expiredAt, { at: times.brief(moment, now) }),
    gaps: say.gaps,
    gap,
    past: ({ first, last, count: many }) => {
      const values = { ...names, from: at(first.at), to: at(last.until ?? last.end) };
      return many === 1 ? sentence(says.past, { ...values, generation: first.entry.generation }) : plural(says.pasts, many, values);
    },
    current: (from, to) => sentence(says.current, { ...names, from: at(from), to: at(to), source: source(clocks.access?.source) }),
    spent: (from, to) => sentence(says.spent, { ...names, from: at(from), to: at(to) }),
    margin: (from, to) => sentence(says.margin, { ...names, from: at(from), left: times.coarse(to - from) }),
    planned: (action, moment) =>
      sentence(says.planned, { what: action === "renew" ? say.plannedRenewal : say.plannedRetry, at: at(moment) }),
    plannedLabels: (action, moment) => {
      const label = action === "renew" ? say.renews : say.tries;
      const precise = sentence(label, { at: times.clock(moment) });
      const short = sentence(label, { at: times.brief(moment, now) });
      return moment - now < 10 * MINUTE ? [precise, short] : [short];
    },
    group: (events) => {
      const first = events[0];
      const last = events.at(-1);
      if (!first || !last) return "";
      const many = count(events);
      if (many === 1) return one(last);
      const [from, to] = [at(first.at), at(last.end)];
      return plural(from === to ? says.severalAt : says.several, many, { from, to, last: one(last) });
    },
    failureLabels: (events) => {
      const last = events.at(-1);
      if (!last) return [];
      const short = shortNote(noted(last.entry));
      const many = count(events);
      return many === 1 ? [short] : [plural(say.failures, many), `${many}×`];
    },
    refresh: (since, until) =>
      until === null
        ? sentence(says.refreshOpen, { from: at(since) })
        : sentence(says.refresh, { from: at(since), to: at(until), source: source(clocks.refresh?.source) }),
    refreshPast: (from, to) => sentence(says.refreshPast, { from: at(from), to: at(to) }),
    refreshRefused: (since) => sentence(says.refreshRefused, { from: at(since) }),
    refreshLabels: (until, rotates) => {
      if (until === null) return rotates ? [say.endUnknownRotates, say.endUnknown] : [say.endUnknown];
      const left = times.coarse(until - now);
      const short = sentence(say.left, { left });
      if (rotates === null) return [short];
      return [sentence(rotates ? say.leftRotates : say.leftKeeps, { left }), short];
    },
    session: (until) => sentence(says.session, { to: at(until), source: source(clocks.session?.source) }),
    sessionPast: (from, to) => sentence(says.sessionPast, { from: at(from), to: at(to) }),
    ceiling: (until) => sentence(says.ceiling, { to: at(until) }),
    ceilingLabels: (until) => [
      sentence(say.ceiling, { when: times.brief(until, now) }),
      times.brief(until, now),
    ],
  };
}
