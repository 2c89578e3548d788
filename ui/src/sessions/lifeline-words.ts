// What a lifeline says: lane names, labels (the longest first, for where there is room) and one sentence
// for each mark, for those who hover and those who listen.
import type { HistoryMark, ActionName, SessionStatus } from "../ipc/bindings";
import { fill, named, noted, plural, text } from "../strings";
import { MINUTE, type Times } from "../time";

/** A history entry with its times read. */
export interface Happening {
  entry: HistoryMark;
  index: number;
  at: number;
  until: number | null;
}

export interface LifelineWords {
  lanes: { access: string; refresh: string; session: string };
  now: string;
  noCeiling: string;
  refused: string;
  nowSentence(at: number): string;
  tick(at: number, step: number): string;
  expired(at: number): string;
  past(event: Happening): string;
  current(from: number, to: number): string;
  spent(from: number, to: number): string;
  margin(from: number, to: number): string;
  planned(action: ActionName, at: number): string;
  plannedLabels(action: ActionName, at: number): string[];
  group(events: Happening[]): string;
  failureLabels(events: Happening[]): string[];
  refresh(since: number, until: number | null): string;
  refreshRefused(since: number): string;
  refreshLabels(until: number | null, rotates: boolean | null): string[];
  session(until: number): string;
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

export function lifelineWords(clocks: SessionStatus["clocks"], now: number, times: Times): LifelineWords {
  const { says, ...say } = text.lifeline;
  const at = (moment: number) => (Math.abs(moment - now) < 12 * 60 * MINUTE ? times.clock(moment) : times.when(moment, now));
  const sentence = (template: string, values: Record<string, string | number>) => fill(template, values);

  const one = ({ entry, at: moment }: Happening): string =>
    sentence(says[entry.kind], { at: at(moment), generation: entry.generation, note: noted(entry) ?? say.failed });

  return {
    lanes: { access: say.access, refresh: say.refresh, session: say.session },
    now: say.now,
    noCeiling: say.noCeiling,
    refused: say.refused,
    nowSentence: (moment) => sentence(says.now, { at: times.clock(moment) }),
    tick: times.tick,
    expired: (moment) => sentence(say.expiredAt, { at: times.brief(moment, now) }),
    past: (event) =>
      sentence(says.past, { generation: event.entry.generation, from: at(event.at), to: at(event.until ?? event.at) }),
    current: (from, to) => sentence(says.current, { from: at(from), to: at(to), source: source(clocks.access?.source) }),
    spent: (from, to) => sentence(says.spent, { from: at(from), to: at(to) }),
    margin: (from, to) => sentence(says.margin, { from: at(from), left: times.coarse(to - from) }),
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
      if (first === last) return one(last);
      return plural(says.several, events.length, { from: at(first.at), to: at(last.at), last: one(last) });
    },
    failureLabels: (events) => {
      const last = events.at(-1);
      if (!last) return [];
      const short = shortNote(noted(last.entry));
      return events.length === 1 ? [short] : [plural(say.failures, events.length), `${events.length}×`];
    },
    refresh: (since, until) =>
      until === null
        ? sentence(says.refreshOpen, { from: at(since) })
        : sentence(says.refresh, { from: at(since), to: at(until), source: source(clocks.refresh?.source) }),
    refreshRefused: (since) => sentence(says.refreshRefused, { from: at(since) }),
    refreshLabels: (until, rotates) => {
      if (until === null) return rotates ? [say.endUnknownRotates, say.endUnknown] : [say.endUnknown];
      const left = times.coarse(until - now);
      const short = sentence(say.left, { left });
      if (rotates === null) return [short];
      return [sentence(rotates ? say.leftRotates : say.leftKeeps, { left }), short];
    },
    session: (until) => sentence(says.session, { to: at(until), source: source(clocks.session?.source) }),
    ceiling: (until) => sentence(says.ceiling, { to: at(until) }),
    ceilingLabels: (until) => [
      sentence(say.ceiling, { when: times.brief(until, now) }),
      times.brief(until, now),
    ],
  };
}
