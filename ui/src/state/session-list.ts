// The sessions as the host told them: all of them when it is asked, and afterwards those that have changed.
import type { SessionNews, SessionStatus } from "../ipc/bindings";

export class SessionList {
  #accounts: string[] = [];
  readonly #known = new Map<string, SessionStatus>();
  /** How often news came, and with which a session came last. */
  #news = 0;
  readonly #cameWith = new Map<string, number>();

  /** How often news had come when the host was asked: goes with its answer. */
  get heard(): number {
    return this.#news;
  }

  /** Takes the host's answer. What came since it was asked stays: whatever is newer than that is told again. */
  answered(heard: number, all: readonly SessionStatus[]): SessionStatus[] {
    for (const session of all) {
      if ((this.#cameWith.get(session.account) ?? 0) <= heard) this.#known.set(session.account, session);
    }
    if (this.#news === heard) this.#accounts = all.map(({ account }) => account);
    return this.#all();
  }

  /** Takes what has changed. */
  changed({ accounts, changed }: Pick<SessionNews, "accounts" | "changed">): SessionStatus[] {
    this.#news += 1;
    for (const session of changed) {
      this.#known.set(session.account, session);
      this.#cameWith.set(session.account, this.#news);
    }
    this.#accounts = accounts;
    return this.#all();
  }

  /** One that was not told yet is in the answer that is awaited. */
  #all(): SessionStatus[] {
    return this.#accounts.flatMap((account) => this.#known.get(account) ?? []);
  }
}
