// What the whole window shares: the sessions as the host last told them, and which view is open.
import { createContext } from "svelte";
import { chooseZone } from "../dates.svelte";
import { toCommandError } from "../ipc/errors";
import type { Host, OpenAccount, Unsubscribe } from "../ipc/host";
import type { AppConfig, AppInfo, CommandError, ServedBy, Settings, SessionStatus } from "../ipc/bindings";
import type { Changes } from "../ipc/host";
import { speakAs } from "../spoken";
import { fill, language, text } from "../strings";
import { times } from "../time";
import { Announcements } from "./announcements.svelte";
import { WallClock } from "./clock.svelte";
import { comesNear, deadline, endsSoon, lives } from "./deadlines";
import { LogStore } from "./log.svelte";
import { SessionList } from "./session-list";

export type View = { kind: "session"; account: string | null } | { kind: "inspect"; account: string | null } | { kind: "log" } | { kind: "lab" } | { kind: "add" } | { kind: "settings"; account: string | null };

export interface Copied {
  account: string;
  /** When the clipboard is cleared. */
  until: number;
  end: "cleared" | "kept" | null;
}

export class AppState {
  sessions = $state.raw<readonly SessionStatus[]>([]);
  loaded = $state(false);
  failure = $state.raw<CommandError | null>(null);
  info = $state.raw<AppInfo | null>(null);
  /** Who gives other programs their tokens, and hears what they ask. */
  servedBy = $state<ServedBy | null>(null);
  /** How often an account was opened from outside. */
  opened = $state(0);
  /** Whether the account on screen is there because somebody opened it. Another one that took its place is not, and takes no
   *  keys that were meant for that. */
  chosen = true;
  /** Whether somebody is in the middle of something that would be gone with the page. */
  isFillingIn: () => boolean = () => false;
  /** Whether the window was closed and it is asked what that should mean. */
  closing = $state(false);
  settings = $state.raw<Settings | null>(null);
  settingsFailure = $state.raw<CommandError | null>(null);
  view = $state.raw<View>({ kind: "session", account: null });
  readonly announcements = new Announcements();

  /** The access token that was put into the clipboard last, and what became of it. */
  copied = $state.raw<Copied | null>(null);

  readonly clock = new WallClock();
  readonly #list = new SessionList();
  readonly log: LogStore;
  #stops: Unsubscribe[] = [];
  #begin: string | null = null;
  #turn: Promise<void> = Promise.resolve();
  #toSignIn = $state.raw<{ account: string; generation: number } | null>(null);
  #toldAt = Date.now();
  #stopped = false;

  constructor(readonly host: Host) {
    this.log = new LogStore(host);
  }

  /** The session on screen; an account that was removed gives way to the first. */
  selected = $derived.by<SessionStatus | null>(() => {
    if (this.view.kind !== "session") return null;
    const { account } = this.view;
    return this.sessions.find((session) => session.account === account) ?? this.sessions[0] ?? null;
  });

  /** Whether the host was asked, by whoever opened the page or by the page itself. */
  begun = false;

  /** Asks the host; what it says is taken in once there are words for it. `known`: what it said already. */
  async start(words: Promise<unknown> = Promise.resolve(), known: SessionStatus[] | null = null): Promise<void> {
    this.begun = true;
    this.failure = null;
    try {
      if (known) {
        void words.then(() => {
          this.#take(this.#list.answered(0, known));
          this.loaded = true;
        });
      }
      // Listen first, ask second: a change between the two would be lost the other way round.
      await this.#listen(words);
      // The host is told which language is spoken.
      await words;
      await this.#ask();
      // The sessions are what people open the window for: nothing else holds them up.
      this.loaded = true;
      this.info = await this.host.appInfo();
      // What came by itself meanwhile is newer.
      this.servedBy ??= this.info.served_by;
    } catch (thrown) {
      this.failure = toCommandError(thrown);
    }
    this.loaded = true;
  }

  /** Whether anybody has to sign in by a certain time. */
  hasDeadline = $derived(this.sessions.some((session) => deadline(session) !== null));

  /** Tells of deadlines that have come near since this was asked last. */
  tellDeadlines(now: number): void {
    const before = this.#toldAt;
    this.#toldAt = now;
    for (const session of this.sessions) {
      const left = comesNear(session, before, now);
      if (left !== null) this.say(fill(text.announce.signInWithin, { account: session.account, left: times.coarse(left) }));
    }
  }

  stop(): void {
    this.#stopped = true;
    for (const stop of this.#stops.splice(0)) stop();
    this.log.stop();
    this.clock.stop();
  }

  /** The window stays after all, or goes to the task bar. */
  async stay(minimised: boolean): Promise<void> {
    this.closing = false;
    await this.host.stay(minimised);
  }

  open(view: View): void {
    this.view = view;
    this.chosen = true;
    // Whoever looks at something else has left the sign-in that a notification began.
    this.#toSignIn = null;
  }

  /** Tells something to those who listen. */
  say(words: string): void {
    this.announcements.say(words);
  }

  /** Adds an account, goes to it and signs in there at once. */
  async addAccount(account: string, changes: Changes): Promise<void> {
    // Before the host answers: its news of the new session may open it first.
    this.#begin = account;
    try {
      await this.host.addAccount(account, changes);
    } catch (thrown) {
      this.#begin = null;
      throw thrown;
    }
    await this.#ask();
    this.open({ kind: "session", account });
  }

  async removeAccount(account: string): Promise<void> {
    await this.host.removeAccount(account);
    await this.#ask();
  }

  /** Somebody else may have written the file: whoever looks at the settings sees what holds. Takes its turn with the changes,
   *  or what was said before one would take the place of what it left. */
  readSettings(): Promise<void> {
    this.#turn = this.#turn.then(async () => {
      this.settingsFailure = null;
      try {
        this.settings = await this.host.settings();
      } catch (thrown) {
        this.settingsFailure = toCommandError(thrown);
      }
    });
    return this.#turn;
  }

  /** One after the other: each change is made to what the one before it left. */
  setSettings(change: (now: AppConfig) => AppConfig): Promise<void> {
    const turn = this.#turn.then(async () => {
      if (!this.settings) return;
      const app = change(this.settings.app);
      // With what was changed by hand in the file.
      const holds = await this.host.setSettings(app);
      this.settings = { ...this.settings, app: holds };
      await this.#follow(holds);
      // What records are kept may have changed with it.
      this.info = await this.host.appInfo();
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async startAtLogin(on: boolean): Promise<void> {
    try {
      await this.host.startAtLogin(on);
    } finally {
      await this.readSettings();
    }
  }

  async #follow(app: Pick<AppConfig, "language" | "dates">): Promise<void> {
    const before = language();
    await speakAs(app);
    // What the host puts into the reasons of sessions is in the language of the window.
    if (language() !== before) await this.#ask();
  }

  async #ask(): Promise<void> {
    const { heard } = this.#list;
    this.#take(this.#list.answered(heard, await this.host.sessions(language())));
  }

  /** Whether somebody wants to sign in there although the session lives yet: until new tokens are in hand. */
  isToSignIn({ account, generation }: SessionStatus): boolean {
    return this.#toSignIn?.account === account && this.#toSignIn.generation === generation;
  }

  /** Whether the sign-in of this account is to begin by itself; so only once. */
  takeBegin(account: string): boolean {
    const begins = this.#begin === account;
    if (begins) this.#begin = null;
    return begins;
  }

  /** Puts the access token into the clipboard, for a while. It does not pass through here. */
  async copyAccessToken(account: string): Promise<void> {
    const { stays_secs } = await this.host.copyAccessToken(account);
    this.clock.touch();
    this.copied = { account, until: this.clock.now + stays_secs * 1000, end: null };
    this.say(text.copied.said);
  }

  #clipboard(cleared: boolean): void {
    if (this.copied === null) return;
    this.copied = { ...this.copied, end: cleared ? "cleared" : "kept" };
    this.say(cleared ? text.copied.cleared : text.copied.kept);
  }

  async addDemo(): Promise<void> {
    const added = await this.host.addDemo();
    await this.#ask();
    this.open({ kind: "session", account: added.account });
  }

  async #listen(words: Promise<unknown>): Promise<void> {
    if (this.#stops.length > 0) return;
    // All at once: each is a way to the host and back, and what people see waits for the last.
    const stops = await Promise.all([
      this.host.onSessions((news) => {
        chooseZone(news.zone);
        void words.then(() => this.#take(this.#list.changed(news)));
      }),
      this.host.onOpen((asked) => this.#openFromOutside(asked)),
      this.host.onClipboardCleared((cleared) => this.#clipboard(cleared)),
      this.host.onServedBy((by) => (this.servedBy = by)),
      this.host.onClosing(() => (this.closing = true)),
    ]);
    for (const stop of stops) this.#keep(stop);
  }

  #openFromOutside({ account, sign_in, by_itself }: OpenAccount): void {
    const session = this.sessions.find((one) => one.account === account);
    // One that was removed since is not shown as another.
    if (this.loaded && !session) return;
    // What happened stands in the list, too.
    if (by_itself && this.isFillingIn()) return;
    // The page of an account that is open already begins anew with it.
    this.opened += 1;
    this.open({ kind: "session", account });
    // A notification may have been there for long: somebody may have signed in since, or be about to.
    if (!sign_in || session?.state === "signing_in" || (session && lives(session) && !endsSoon(session, Date.now()))) return;
    this.#begin = account;
    this.#toSignIn = { account, generation: session?.generation ?? 0 };
  }

  #keep(stop: Unsubscribe): void {
    if (this.#stopped) stop();
    else this.#stops.push(stop);
  }

  #take(sessions: SessionStatus[]): void {
    this.announcements.tell(this.sessions, sessions);
    this.sessions = sessions;
    this.#stay();
    this.clock.touch();
  }

  /** Whoever looks at an account stays there, whichever is the first in the list. One that is gone gives way to another. */
  #stay(): void {
    const { view, sessions } = this;
    if (view.kind !== "session" || sessions.some(({ account }) => account === view.account)) return;
    if (view.account !== null) this.chosen = false;
    this.view = { kind: "session", account: sessions[0]?.account ?? null };
  }
}

export const [getApp, setApp] = createContext<AppState>();
