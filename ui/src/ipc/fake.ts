// A host without an app: scripted sessions that renew themselves, for development in a browser and for
// tests. It keeps to the contract of `Host` (what changed at each change, errors as `CommandError`) and holds no
// secret either: the only password it knows is "demo".
import { fingerprint, inBrowser, iso, mark, reason, server, signedIn, signedOut, tokens, withCode } from "./fake-sessions";
import { inspectionOf, inspectionOfText, sealed } from "./fake-tokens";
import { error, FakeSettings, wait, type Command, type FakeOptions } from "./fake-settings-host";
import type { Host, OpenAccount, Unsubscribe } from "./host";
import type { CommandError, CopiedToken, DecisionInput, Inspection, LogRecord, QrPicture, ServedBy, ServerFacts, SessionNews, SessionStatus } from "./bindings";

export class FakeHost extends FakeSettings implements Host {
  #sessions: SessionStatus[];
  #log: LogRecord[];
  #renewal: number;
  #person: number | undefined;
  #picture: QrPicture | null;
  #zone: string | null = null;
  #sessionListeners = new Set<(news: SessionNews) => void>();
  #openListeners = new Set<(asked: OpenAccount) => void>();
  #closingListeners = new Set<() => void>();
  #logListeners = new Set<(records: LogRecord[]) => void>();
  #clipboardListeners = new Set<(cleared: boolean) => void>();
  #servedListeners = new Set<(by: ServedBy) => void>();
  #timers = new Map<string, ReturnType<typeof setTimeout>>();
  #attempts = new Map<string, (failure: CommandError | null) => void>();

  constructor(options: FakeOptions = {}) {
    super(options);
    this.#sessions = options.sessions ?? [];
    this.#log = options.log ?? [];
    this.#renewal = options.renewal ?? 300;
    this.#person = options.person;
    this.#picture = options.picture ?? null;
    for (const session of this.#sessions) this.#plan(session);
  }

  // What tests and scenarios use.

  /** Says that a session changed, as the host would. */
  change(account: string, patch: Partial<SessionStatus>): void {
    this.put({ ...this.find(account), ...patch });
  }

  /** Says that several changed at once. */
  changes(...changed: SessionStatus[]): void {
    this.#sessions = this.#sessions.map((session) => changed.find(({ account }) => account === session.account) ?? session);
    this.#tell(changed);
  }

  /** The machine is in another time zone from now on. */
  travel(zone: string): void {
    this.#zone = zone;
    this.#tell([]);
  }

  /** The sign-in under way ends: well, or like this. */
  endSignIn(account: string, failure: CommandError | null = null): void {
    this.#attempts.get(account)?.(failure);
  }

  /** The minute of a copied token is over. */
  clearClipboard(cleared: boolean): void {
    for (const listener of this.#clipboardListeners) listener(cleared);
  }

  /** Programs are served by another process, or by this one, from now on. */
  serve(by: ServedBy): void {
    for (const listener of this.#servedListeners) listener(by);
  }

  record(record: Partial<LogRecord> & { message: string }): void {
    const last = this.#log.at(-1)?.seq ?? 0;
    const full: LogRecord = { seq: last + 1, at: iso(Date.now()), level: "info", account: null, kind: "note", facts: {}, ...record };
    this.#log.push(full);
    for (const listener of this.#logListeners) listener([full]);
  }

  /** A notification or the tray opens an account. */
  openAccount(asked: OpenAccount): void {
    for (const listener of this.#openListeners) listener(asked);
  }

  /** Somebody closes the window. */
  close(): void {
    for (const listener of this.#closingListeners) listener();
  }

  dispose(): void {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
  }

  // The contract.

  async sessions(): Promise<SessionStatus[]> {
    await this.answer("sessions");
    return this.#sessions;
  }

  async signIn(account: string, username: string, password: string): Promise<void> {
    const before = this.find(account);
    this.put({ ...before, state: "signing_in", headline: { kind: "signing_in", at: null } });
    try {
      await this.answer("signIn");
      if (password !== "demo") throw error("wrong_credentials", "The backend refused the user name or password");
    } catch (thrown) {
      this.put(before);
      this.record({ level: "warn", account, kind: "sign_in_failed", message: "Sign-in failed" });
      throw thrown;
    }
    const email = username.includes("@") ? username : `${username}@example.com`;
    const fresh = signedIn(Date.now(), { account, generation: 1, past: 0, gone: 0 });
    this.record({ account, kind: "signed_in", message: "Signed in", facts: { generation: 1, fingerprint: fingerprint(1) } });
    this.put({ ...fresh, identity: { name: username, email, subject: email }, renewals: { count: 0, failed: 0, last_ms: null } });
  }

  signInWithBrowser(account: string): Promise<void> {
    return this.#signInElsewhere("signInWithBrowser", account, (now) => inBrowser(now, account));
  }

  signInWithDevice(account: string): Promise<void> {
    return this.#signInElsewhere("signInWithDevice", account, (now) => withCode(now, account));
  }

  async cancelSignIn(account: string): Promise<void> {
    await this.answer("cancelSignIn");
    this.endSignIn(account, error("cancelled", "the sign-in was given up"));
  }

  openSignInPage(): Promise<void> {
    return this.answer("openSignInPage");
  }

  copySignInAddress(): Promise<void> {
    return this.answer("copySignInAddress");
  }

  copyUserCode(): Promise<void> {
    return this.answer("copyUserCode");
  }

  async signInPicture(): Promise<QrPicture | null> {
    await this.answer("signInPicture");
    return this.#picture;
  }

  async discover(issuer: string): Promise<ServerFacts> {
    await this.answer("discover");
    return { ...server, issuer };
  }

  async signOut(account: string): Promise<void> {
    await this.answer("signOut");
    this.record({ account, kind: "signed_out", message: "Signed out" });
    this.put({ ...signedOut(account, reason("signed_out", "You signed out")), history: this.find(account).history });
  }

  async decide(account: string, program: string, decision: DecisionInput): Promise<void> {
    await this.answer("decide");
    const before = this.find(account);
    const verdict = { allow_for_now: "allowed", allow_for_good: "allowed", pause: "paused", deny: "denied" } as const;
    const consumers = before.consumers.map((one) => (one.id === program ? { ...one, consent: verdict[decision], asked_at: null } : one));
    this.put({ ...before, consumers });
  }

  async renew(account: string): Promise<void> {
    await this.answer("renew");
    const before = this.find(account);
    if (before.state === "renewing") throw error("busy", "A renewal is under way");
    if (before.access === null) throw error("sign_in_needed", "There is nothing to renew");
    this.put({ ...before, state: "renewing", reason: null, next: null });
    await wait(this.#renewal);
    this.#renewed(account);
  }

  async inspect(account: string): Promise<Inspection> {
    await this.answer("inspect");
    const { access, provider } = this.find(account);
    if (access === null) throw error("sign_in_needed", "nobody is signed in");
    return provider === "nextauth" ? sealed() : inspectionOf(access);
  }

  async inspectToken(token: string): Promise<Inspection> {
    await this.answer("inspectToken");
    return inspectionOfText(token);
  }

  async copyAccessToken(): Promise<CopiedToken> {
    await this.answer("copyAccessToken");
    clearTimeout(this.#timers.get("clipboard"));
    this.#timers.set("clipboard", setTimeout(() => this.clearClipboard(true), 60_000));
    return { stays_secs: 60 };
  }

  async log(after: number | null, limit: number): Promise<LogRecord[]> {
    await this.answer("log");
    return this.#log.filter((record) => after === null || record.seq > after).slice(0, limit);
  }

  async addDemo(): Promise<SessionStatus> {
    await this.answer("addDemo");
    const demo = signedIn(Date.now(), { account: "demo", generation: 1, past: 0, gone: 0 });
    this.put(demo);
    return demo;
  }

  onOpen(listener: (asked: OpenAccount) => void): Promise<Unsubscribe> {
    this.#openListeners.add(listener);
    return Promise.resolve(() => this.#openListeners.delete(listener));
  }

  onClosing(listener: () => void): Promise<Unsubscribe> {
    this.#closingListeners.add(listener);
    return Promise.resolve(() => this.#closingListeners.delete(listener));
  }

  onSessions(listener: (news: SessionNews) => void): Promise<Unsubscribe> {
    this.#sessionListeners.add(listener);
    return Promise.resolve(() => this.#sessionListeners.delete(listener));
  }

  onClipboardCleared(listener: (cleared: boolean) => void): Promise<Unsubscribe> {
    this.#clipboardListeners.add(listener);
    return Promise.resolve(() => this.#clipboardListeners.delete(listener));
  }

  onServedBy(listener: (by: ServedBy) => void): Promise<Unsubscribe> {
    this.#servedListeners.add(listener);
    return Promise.resolve(() => this.#servedListeners.delete(listener));
  }

  onLog(listener: (records: LogRecord[]) => void): Promise<Unsubscribe> {
    this.#logListeners.add(listener);
    return Promise.resolve(() => this.#logListeners.delete(listener));
  }

  // How it works inside.

  async #signInElsewhere(command: Command, account: string, waiting: (now: number) => SessionStatus): Promise<void> {
    const before = this.find(account);
    this.put({ ...before, state: "signing_in", headline: { kind: "signing_in", at: null } });
    const end = new Promise<CommandError | null>((resolve) => this.#attempts.set(account, resolve));
    const begun = this.answer(command).then(() => {
      if (!this.#attempts.has(account)) return;
      this.put({ ...before, ...pick(waiting(Date.now())) });
      if (this.#person !== undefined) this.#timers.set(`${account} signs in`, setTimeout(() => this.endSignIn(account), this.#person));
    });
    const failure = await Promise.race([end, begun.then(() => end, (thrown: CommandError) => thrown)]);
    this.#attempts.delete(account);
    clearTimeout(this.#timers.get(`${account} signs in`));
    if (failure) {
      this.put(before);
      throw failure;
    }
    this.record({ account, kind: "signed_in", message: "Signed in", facts: { generation: 1, fingerprint: fingerprint(1) } });
    this.put({ ...signedIn(Date.now(), { account, generation: 1, past: 0, gone: 0 }), provider: "oauth" });
  }

  protected find(account: string): SessionStatus {
    const found = this.#sessions.find((session) => session.account === account);
    if (!found) throw error("unknown_account", `There is no account ${account}`);
    return found;
  }

  protected put(session: SessionStatus): void {
    const known = this.#sessions.some(({ account }) => account === session.account);
    this.#sessions = known
      ? this.#sessions.map((other) => (other.account === session.account ? session : other))
      : this.#sessions.toSpliced(this.#place(session), 0, session);
    this.#plan(session);
    this.#tell([session]);
  }

  /** The host has them in the order of their names; a test may begin with another. */
  #place({ account }: SessionStatus): number {
    const after = this.#sessions.findIndex((other) => other.account > account);
    return after < 0 ? this.#sessions.length : after;
  }

  protected has(account: string): boolean {
    return this.#sessions.some((session) => session.account === account);
  }

  protected forget(account: string): void {
    this.#sessions = this.#sessions.filter((session) => session.account !== account);
    this.#tell([]);
  }

  #tell(changed: SessionStatus[]): void {
    const accounts = this.#sessions.map(({ account }) => account);
    for (const listener of this.#sessionListeners) listener({ accounts, changed, zone: this.#zone });
  }

  /** A session that is due renews itself. */
  #plan(session: SessionStatus): void {
    clearTimeout(this.#timers.get(session.account));
    const { next } = session;
    if (session.state !== "signed_in" || next?.action !== "renew" || next.at === null) return;
    const left = Date.parse(next.at) - Date.now();
    // A timer cannot wait longer than 2^31 ms; what is due in a month needs no script.
    if (left > 2 ** 31 - 1) return;
    this.#timers.set(session.account, setTimeout(() => void this.renew(session.account), Math.max(left, 0)));
  }

  #renewed(account: string): void {
    const before = this.find(account);
    if (before.access === null || before.state !== "renewing") return;
    const now = Date.now();
    const generation = before.generation + 1;
    const lifetime = Date.parse(before.access.expires_at) - Date.parse(before.access.received_at);
    const fresh = tokens(lifetime, now, generation);
    const took_ms = this.#renewal;
    const expires_at = iso(now + lifetime);
    this.record({
      account,
      kind: "renewed",
      message: `Renewed in ${took_ms} ms`,
      facts: { generation, fingerprint: fingerprint(generation) },
    });
    this.put({
      ...before,
      ...fresh,
      state: "signed_in",
      reason: null,
      clocks: { ...before.clocks, access: { expires_at, source: "expires_in" } },
      refresh: { fingerprint: fingerprint(generation + 500), since: iso(now), rotates: true },
      renewals: { ...before.renewals, count: before.renewals.count + 1, last_ms: took_ms },
      history: [
        ...before.history,
        mark("renewed", now, { generation, fingerprint: fingerprint(generation), expires_at, took_ms }),
      ].slice(-200),
    });
  }
}

const pick = ({ state, headline, sign_in }: SessionStatus) => ({ state, headline, sign_in });

export type { FakeOptions };
