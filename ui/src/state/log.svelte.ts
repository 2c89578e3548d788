// The log as the window holds it. Records are kept in plain arrays that grow in place, with a counter to
// tell the view: copying 100 000 entries for each new one is what makes log views stutter.
import { toCommandError } from "../ipc/errors";
import type { Host, Unsubscribe } from "../ipc/host";
import type { CommandError, LogRecord } from "../ipc/bindings";
import { matcher, toEntry, type Entry, type Filter } from "../log/filter";

const KEEP = 100_000;
const PAGE = 5_000;

export class LogStore {
  filter = $state.raw<Filter>({ level: "info", account: null, query: "" });
  failure = $state.raw<CommandError | null>(null);
  loaded = $state(false);
  #version = $state(0);
  #all: Entry[] = [];
  #shown: Entry[] = [];
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
    for (const record of records) {
      // Paging and events overlap; the sequence number says what is already here.
      if (this.#last !== null && record.seq <= this.#last) continue;
      this.#last = record.seq;
      const entry = toEntry(record);
      this.#all.push(entry);
      if (matches(entry)) this.#shown.push(entry);
      added = true;
    }
    if (!added) return;
    if (this.#all.length > KEEP * 1.1) {
      this.#all.splice(0, this.#all.length - KEEP);
      this.#shown = this.#all.filter(matches);
    }
    this.#version += 1;
  }

  setFilter(change: Partial<Filter>): void {
    this.filter = { ...this.filter, ...change };
    this.#shown = this.#all.filter(matcher(this.filter));
    this.#version += 1;
  }

  get total(): number {
    void this.#version;
    return this.#all.length;
  }

  get count(): number {
    void this.#version;
    return this.#shown.length;
  }

  slice(from: number, to: number): Entry[] {
    void this.#version;
    return this.#shown.slice(from, to);
  }
}
