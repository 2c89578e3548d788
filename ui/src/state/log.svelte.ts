// The log as the window holds it. Records are kept in plain arrays that grow in place, with a counter to
// tell the view: copying 100 000 entries for each new one is what makes log views stutter.
import { toCommandError } from "../ipc/errors";
import type { Host, Unsubscribe } from "../ipc/host";
import type { CommandError, LogRecord } from "../ipc/bindings";
import { fingerprintsOf, matcher, toEntry, type Entry, type Filter } from "../log/filter";
import { renewalAt, type RenewalStep } from "../log/renewal";

const KEEP = 100_000;
const PAGE = 5_000;

export class LogStore {
  filter = $state.raw<Filter>({ level: "info", account: null, kind: null, query: "" });
  failure = $state.raw<CommandError | null>(null);
  loaded = $state(false);
  /** The record that is looked at, by its number. */
  selected = $state<number | null>(null);
  /** The token whose fingerprint is lit up wherever it appears. */
  lit = $state<string | null>(null);
  /** The accounts and kinds there are records of; in this order, each once. */
  accounts = $state.raw<readonly string[]>([]);
  kinds = $state.raw<readonly string[]>([]);
  #version = $state(0);
  #all: Entry[] = [];
  #shown: Entry[] = [];
  #gone = 0;
  #last: number | null = null;
  #early: LogRecord[] | null = null;
  #stop: Unsubscribe | null = null;
  #starting = false;

  constructor(readonly host: Host) {}

  /** Begins at the first look at the log: until then no record need cross to the window. */
  async start(): Promise<void> {
    if (this.#starting || this.#stop) return;
    this.#starting = true;
    this.failure = null;
    this.#early = [];
    try {
      this.#stop = await this.host.onLog((records) => {
        if (this.#early) this.#early.push(...records);
        else this.append(records);
      });
      for (;;) {
        const page = await this.host.log(this.#last, PAGE);
        this.append(page);
        if (page.length < PAGE) break;
      }
    } catch (thrown) {
      this.failure = toCommandError(thrown);
      this.stop();
    }
    const early = this.#early;
    this.#early = null;
    this.append(early);
    this.loaded = true;
    this.#starting = false;
  }

  stop(): void {
    this.#stop?.();
    this.#stop = null;
  }

  append(records: readonly LogRecord[]): void {
    const matches = matcher(this.filter);
    let added = false;
    // They live for this call only: nobody looks at them.
    // eslint-disable-next-line svelte/prefer-svelte-reactivity -- see above
    const [accounts, kinds] = [new Set(this.accounts), new Set(this.kinds)];
    for (const record of records) {
      // Paging and events overlap; the sequence number says what is already here.
      if (this.#last !== null && record.seq <= this.#last) continue;
      this.#last = record.seq;
      const entry = toEntry(record);
      this.#all.push(entry);
      if (matches(entry)) this.#shown.push(entry);
      if (record.account !== null) accounts.add(record.account);
      kinds.add(record.kind);
      added = true;
    }
    if (!added) return;
    if (accounts.size > this.accounts.length) this.accounts = [...accounts].sort();
    if (kinds.size > this.kinds.length) this.kinds = [...kinds].sort();
    if (this.#all.length > KEEP * 1.1) {
      this.#all.splice(0, this.#all.length - KEEP);
      const shown = this.#all.filter(matches);
      this.#gone += this.#shown.length - shown.length;
      this.#shown = shown;
    }
    this.#version += 1;
  }

  setFilter(change: Partial<Filter>): void {
    this.filter = { ...this.filter, ...change };
    this.#shown = this.#all.filter(matcher(this.filter));
    this.#version += 1;
  }

  /** The place of a record among those that are shown; -1 where it is not among them. */
  placeOf(seq: number): number {
    void this.#version;
    return search(this.#shown, seq);
  }

  record(seq: number): LogRecord | null {
    void this.#version;
    return this.#all[search(this.#all, seq)]?.record ?? null;
  }

  /** The renewal a record belongs to, whatever is filtered out of sight. */
  renewal(seq: number): RenewalStep[] | null {
    void this.#version;
    return renewalAt((index) => this.#all[index]?.record, this.#all.length, search(this.#all, seq));
  }

  /** How many records bear this fingerprint. */
  bearing(fingerprint: string): number {
    void this.#version;
    return this.#all.reduce((count, { record }) => (fingerprintsOf(record).includes(fingerprint) ? count + 1 : count), 0);
  }

  get total(): number {
    void this.#version;
    return this.#all.length;
  }

  get count(): number {
    void this.#version;
    return this.#shown.length;
  }

  /** How many of those that were shown have been let go so far, to keep no more than there is room for. */
  get gone(): number {
    void this.#version;
    return this.#gone;
  }

  slice(from: number, to: number): Entry[] {
    void this.#version;
    return this.#shown.slice(from, to);
  }
}

/** Where a record is among some that are in the order of their numbers; -1 where it is not. */
function search(entries: readonly Entry[], seq: number): number {
  let [low, high] = [0, entries.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const here = entries[middle]?.record.seq ?? Number.POSITIVE_INFINITY;
    if (here === seq) return middle;
    if (here < seq) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}
