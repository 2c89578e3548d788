// The one door to the host. Everything the window knows or wants passes through `Host`; which host that
// is (the app around the window, or a scripted one in a browser) is decided once, in `main.ts`.
import { listen } from "@tauri-apps/api/event";
import { toCommandError } from "./errors";
import { commands, type AccountCheck, type AppConfig, type AppInfo, type CopiedToken, type DecisionInput, type Foreseen, type ProfileFinding, type Inspection, type LabBackend, type LabFault, type LabScenario, type LabSwitch, type Language, type Level, type KeyValue, type LogRecord, type Outcome, type PolicyTrial, type PresetFacts, type QrPicture, type Report, type SandboxState, type ServedBy, type ServerFacts, type SessionNews, type SessionStatus, type Settings, type TourMove, type Trial, type Trouble } from "./bindings";

export type Unsubscribe = () => void;

/** The keys of an account, those of a table below it with a dot. */
export type Keys = Record<string, KeyValue>;

/** Keys with their new values; null takes one out. */
export type Changes = Record<string, KeyValue | null>;

/** Each command rejects with a `CommandError` and nothing else. Those that get a language say what is wrong in it. */
export interface Host {
  /** From now on the host speaks this language of sessions, and of what went wrong. */
  sessions(language: Language): Promise<SessionStatus[]>;
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
  /** The keys of an account as they stand in the configuration. */
  accountKeys(account: string): Promise<Keys>;
  /** What would be wrong with these changes, or with a new account that has these keys. */
  checkAccount(account: string | null, changes: Changes, language: Language): Promise<AccountCheck>;
  addAccount(account: string, changes: Changes): Promise<void>;
  /** Signs in at a REST backend that is being filled in, to see where its answer holds what; and out again. */
  tryLogin(changes: Changes, username: string, password: string): Promise<Trial>;
  presets(): Promise<PresetFacts[]>;
  changeAccount(account: string, changes: Changes): Promise<void>;
  /** Signs out, and forgets it. */
  removeAccount(account: string): Promise<void>;
  settings(): Promise<Settings>;
  /** Says what is set from now on: the file may have been changed by hand as well. */
  setSettings(app: AppConfig): Promise<AppConfig>;
  startAtLogin(on: boolean): Promise<void>;
  /** What `latchkey doctor` finds. */
  health(language: Language): Promise<Report>;
  showConfigFile(): Promise<void>;
  /** Opens the guide in the browser. */
  showGuide(): Promise<void>;
  /** What keeps the app from opening; nothing where it is open. */
  trouble(language: Language): Promise<Trouble | null>;
  /** Tries again to open it. */
  tryAgain(language: Language): Promise<Trouble | null>;
  signOut(account: string): Promise<void>;
  renew(account: string): Promise<void>;
  /** Looks into the access token in hand. */
  inspect(account: string, language: Language): Promise<Inspection>;
  /** Looks into a token that somebody has; it is sent nowhere. */
  inspectToken(token: string, language: Language): Promise<Inspection>;
  /** Puts the access token into the clipboard, for so many seconds. */
  copyAccessToken(account: string): Promise<CopiedToken>;
  /** Decides whether a program, by its id, may have the account's tokens. */
  decide(account: string, program: string, decision: DecisionInput): Promise<void>;
  /** Records after the number `after`, oldest first, at most `limit`. */
  log(after: number | null, limit: number): Promise<LogRecord[]>;
  /** Puts a record into the clipboard. */
  copyRecord(seq: number): Promise<void>;
  /** Writes a report without secrets for whoever helps; says where it is. */
  exportReport(): Promise<string>;
  showReport(): Promise<void>;
  addDemo(): Promise<SessionStatus>;
  appInfo(): Promise<AppInfo>;
  setLogLevel(level: Level): Promise<void>;
  /** Ends the app, with what is under way. */
  quit(): Promise<void>;
  /** The window that was to be closed stays, or goes to the task bar. */
  stay(minimised: boolean): Promise<void>;
  /** An account is to be opened: from a notification, or the tray. */
  onOpen(listener: (asked: OpenAccount) => void): Promise<Unsubscribe>;
  /** The window was closed, which would end the app. */
  onClosing(listener: () => void): Promise<Unsubscribe>;
  /** The scenarios that come with the app. */
  labScenarios(language: Language): Promise<LabScenario[]>;
  /** Plays a scenario; a rule of the backend's may be broken. */
  labRun(name: string, rule: string | null): Promise<Outcome>;
  /** The development backend; nothing where no account uses it. */
  labBackend(): Promise<LabBackend | null>;
  labFault(fault: LabFault): Promise<void>;
  labClear(): Promise<void>;
  /** Does something at the backend; what came of it, in its own words. */
  labSwitch(what: LabSwitch): Promise<string>;
  /** Measures an account's backend on throw-away sign-ins. */
  labProfile(account: string, username: string | null, password: string | null): Promise<ProfileFinding[]>;
  /** A month under an account's policy, and what is tried otherwise. */
  labForesee(account: string, life: string, trial: PolicyTrial): Promise<Foreseen>;
  labTour(step: TourMove): Promise<SandboxState>;
  /** The sessions that have changed, and which accounts there are. */
  onSessions(listener: (news: SessionNews) => void): Promise<Unsubscribe>;
  /** The end of a copied token: cleared, or left alone because something else was copied since. */
  onClipboardCleared(listener: (cleared: boolean) => void): Promise<Unsubscribe>;
  /** Who gives other programs their tokens, when that changes. */
  onServedBy(listener: (by: ServedBy) => void): Promise<Unsubscribe>;
  /** New records, in order. */
  onLog(listener: (records: LogRecord[]) => void): Promise<Unsubscribe>;
}

export interface OpenAccount {
  account: string;
  /** Whether to begin to sign in there. */
  sign_in: boolean;
  /** Whether the window came forward by itself: nobody asked for it. */
  by_itself: boolean;
}

export const insideTauri = (): boolean => "__TAURI_INTERNALS__" in globalThis;

/** What a command that has nothing to say comes to. */
type Answered<T> = [T] extends [null] ? void : T;
type Commands = { [Name in keyof typeof commands]: (typeof commands)[Name] extends (...asked: infer A) => Promise<infer T> ? (...asked: A) => Promise<Answered<T>> : never };

/** Tauri rejects with whatever Rust serialised, or with a string when its own checks refused. */
const told =
  <A extends unknown[], T>(command: (...asked: A) => Promise<T>) =>
  async (...asked: A): Promise<T> => {
    try {
      return await command(...asked);
    } catch (thrown) {
      throw toCommandError(thrown);
    }
  };

const heard =
  <T>(event: string) =>
  (listener: (payload: T) => void): Promise<Unsubscribe> =>
    listen<T>(event, ({ payload }) => listener(payload));

export const tauriHost: Host = {
  ...(Object.fromEntries(Object.entries(commands).map(([name, command]) => [name, told(command as (...asked: unknown[]) => Promise<unknown>)])) as unknown as Commands),
  onOpen: heard("open"),
  onClosing: heard("closing"),
  onSessions: heard("sessions"),
  onClipboardCleared: heard("clipboard-cleared"),
  onServedBy: heard("served-by"),
  onLog: heard("log"),
};
