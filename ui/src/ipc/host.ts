// The one door to the host. Everything the window knows or wants passes through `Host`; which host that
// is (the app around the window, or a scripted one in a browser) is decided once, in `main.ts`.
import { listen } from "@tauri-apps/api/event";
import { toCommandError } from "./errors";
import { commands, type AppInfo, type CopiedToken, type Inspection, type Level, type LogRecord, type NewAccount, type QrPicture, type ServerFacts, type SessionStatus } from "./bindings";

export type Unsubscribe = () => void;

/** Each command rejects with a `CommandError` and nothing else. */
export interface Host {
  sessions(): Promise<SessionStatus[]>;
  signIn(account: string, username: string, password: string): Promise<void>;
  /** Ends when the person is done in the browser, or has given up. What they have to do stands in the session. */
  signInWithBrowser(account: string): Promise<void>;
  /** The same with a code. */
  signInWithDevice(account: string): Promise<void>;
  cancelSignIn(account: string): Promise<void>;
  openSignInPage(account: string): Promise<void>;
  copySignInAddress(account: string): Promise<void>;
  copyUserCode(account: string): Promise<void>;
  /** The page of the sign-in under way, to scan. */
  signInPicture(account: string): Promise<QrPicture | null>;
  /** Asks a server what it can do. */
  discover(issuer: string): Promise<ServerFacts>;
  addAccount(account: NewAccount): Promise<void>;
  signOut(account: string): Promise<void>;
  renew(account: string): Promise<void>;
  /** Looks into the access token in hand. */
  inspect(account: string): Promise<Inspection>;
  /** Looks into a token that somebody has; it is sent nowhere. */
  inspectToken(token: string): Promise<Inspection>;
  /** Puts the access token into the clipboard, for so many seconds. */
  copyAccessToken(account: string): Promise<CopiedToken>;
  /** Records after the number `after`, oldest first, at most `limit`. */
  log(after: number | null, limit: number): Promise<LogRecord[]>;
  addDemo(): Promise<SessionStatus>;
  appInfo(): Promise<AppInfo>;
  setLogLevel(level: Level): Promise<void>;
  /** The full list, at each change of any session. */
  onSessions(listener: (sessions: SessionStatus[]) => void): Promise<Unsubscribe>;
  /** The end of a copied token: cleared, or left alone because something else was copied since. */
  onClipboardCleared(listener: (cleared: boolean) => void): Promise<Unsubscribe>;
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
  signInWithBrowser: async (account) => void (await told(commands.signInWithBrowser(account))),
  signInWithDevice: async (account) => void (await told(commands.signInWithDevice(account))),
  cancelSignIn: async (account) => void (await told(commands.cancelSignIn(account))),
  openSignInPage: async (account) => void (await told(commands.openSignInPage(account))),
  copySignInAddress: async (account) => void (await told(commands.copySignInAddress(account))),
  copyUserCode: async (account) => void (await told(commands.copyUserCode(account))),
  signInPicture: (account) => told(commands.signInPicture(account)),
  discover: (issuer) => told(commands.discover(issuer)),
  addAccount: async (account) => void (await told(commands.addAccount(account))),
  signOut: async (account) => void (await told(commands.signOut(account))),
  renew: async (account) => void (await told(commands.renew(account))),
  inspect: (account) => told(commands.inspect(account)),
  inspectToken: (token) => told(commands.inspectToken(token)),
  copyAccessToken: (account) => told(commands.copyAccessToken(account)),
  log: (after, limit) => told(commands.log(after, limit)),
  addDemo: () => told(commands.addDemo()),
  appInfo: () => told(commands.appInfo()),
  setLogLevel: (level) => told(commands.setLogLevel(level)),
  onSessions: (listener) => listen<SessionStatus[]>("sessions", (event) => listener(event.payload)),
  onClipboardCleared: (listener) => listen<boolean>("clipboard-cleared", (event) => listener(event.payload)),
  onLog: (listener) => listen<LogRecord[]>("log", (event) => listener(event.payload)),
};
