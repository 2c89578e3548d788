// The one door to the host. Everything the window knows or wants passes through `Host`; which host that
// is (the app around the window, or a scripted one in a browser) is decided once, in `main.ts`.
import { invoke } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";
import { toCommandError } from "./errors";
import type { AppInfo, Level, LogRecord, SessionStatus } from "./types";

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
  /** The page shows something: what a measurement of the start waits for. */
  painted(): void;
  /** The full list, at each change of any session. */
  onSessions(listener: (sessions: SessionStatus[]) => void): Promise<Unsubscribe>;
  /** New records, in order. */
  onLog(listener: (records: LogRecord[]) => void): Promise<Unsubscribe>;
}

export const insideTauri = (): boolean => "__TAURI_INTERNALS__" in globalThis;

async function call<T>(command: string, args: Record<string, unknown> = {}): Promise<T> {
  try {
    return await invoke<T>(command, args);
  } catch (thrown) {
    // Tauri rejects with whatever Rust serialised, or with a string when its own checks refused.
    throw toCommandError(thrown);
  }
}

export const tauriHost: Host = {
  sessions: () => call("sessions"),
  signIn: (account, username, password) => call("sign_in", { account, username, password }),
  signOut: (account) => call("sign_out", { account }),
  renew: (account) => call("renew", { account }),
  log: (after, limit) => call("log", { after, limit }),
  addDemo: () => call("add_demo"),
  appInfo: () => call("app_info"),
  setLogLevel: (level) => call("set_log_level", { level }),
  painted: () => void call("first_paint").catch(() => undefined),
  onSessions: (listener) => listen<SessionStatus[]>("sessions", (event) => listener(event.payload)),
  onLog: (listener) => listen<LogRecord[]>("log", (event) => listener(event.payload)),
};
