// The one door to the host. Everything the window knows or wants passes through `Host`; which host that
// is (the app around the window, or a scripted one in a browser) is decided once, in `main.ts`.
import { listen } from "@tauri-apps/api/event";
import { toCommandError } from "./errors";
import { commands, type AppInfo, type Level, type LogRecord, type SessionStatus } from "./bindings";

export type Unsubscribe = () => void;

/** Each command rejects with a `CommandError` and nothing else. */
export interface Host {
  sessions(): Promise<SessionStatus[]>;
  signIn(account: string, username: string, password: string): Promise<void>;
  signOut(account: string): Promise<void>;
  renew(account: string): Promise<void>;
  /** Records after the number `after`, oldest first, at most `limit`. */
  log(after: number | null, limit: number): Promise<LogRecord[]>;
  addDemo(): Promise<SessionStatus>;
  appInfo(): Promise<AppInfo>;
  setLogLevel(level: Level): Promise<void>;
  /** The full list, at each change of any session. */
  onSessions(listener: (sessions: SessionStatus[]) => void): Promise<Unsubscribe>;
  /** New records, in order. */
  onLog(listener: (records: LogRecord[]) => void): Promise<Unsubscribe>;
}

export const insideTauri = (): boolean => "__TAURI_INTERNALS__" in globalThis;

/** Tauri rejects with whatever Rust serialised, or with a string when its own checks refused. */
async function told<T>(answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (thrown) {
    throw toCommandError(thrown);
  }
}

export const tauriHost: Host = {
  sessions: () => told(commands.sessions()),
  signIn: async (account, username, password) => void (await told(commands.signIn(account, username, password))),
  signOut: async (account) => void (await told(commands.signOut(account))),
  renew: async (account) => void (await told(commands.renew(account))),
  log: (after, limit) => told(commands.log(after, limit)),
  addDemo: () => told(commands.addDemo()),
  appInfo: () => told(commands.appInfo()),
  setLogLevel: (level) => told(commands.setLogLevel(level)),
  onSessions: (listener) => listen<SessionStatus[]>("sessions", (event) => listener(event.payload)),
  onLog: (listener) => listen<LogRecord[]>("log", (event) => listener(event.payload)),
};
