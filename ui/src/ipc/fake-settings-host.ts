// The part of the host without an app that keeps accounts, settings and the log's reports.
import { FakeLab } from "./fake-lab";
import { apply, check, demoKeys, health, presets, settings, trial } from "./fake-settings";
import { corp, reason, signedOut } from "./fake-sessions";
import type { Changes, Keys } from "./host";
import type { AccountCheck, AppConfig, AppInfo, CommandError, Level, LogRecord, PresetFacts, QrPicture, Report, SessionStatus, Settings, Trial, Trouble } from "./bindings";

export interface FakeOptions {
  sessions?: SessionStatus[];
  log?: LogRecord[];
  info?: Partial<AppInfo>;
  /** How long an answer takes. */
  latency?: number;
  /** How long a renewal takes. */
  renewal?: number;
  /** How long the person takes in the browser; without it they never come back. */
  person?: number;
  picture?: QrPicture;
  keys?: Record<string, Keys>;
  settings?: Partial<Settings>;
  report?: Report;
  trouble?: Trouble;
}

export type Command =
  | "sessions"
  | "signIn"
  | "signInWithBrowser"
  | "signInWithDevice"
  | "cancelSignIn"
  | "openSignInPage"
  | "copySignInAddress"
  | "copyUserCode"
  | "signInPicture"
  | "discover"
  | "accountKeys"
  | "checkAccount"
  | "addAccount"
  | "tryLogin"
  | "presets"
  | "changeAccount"
  | "removeAccount"
  | "settings"
  | "setSettings"
  | "startAtLogin"
  | "health"
  | "showConfigFile"
  | "showGuide"
  | "trouble"
  | "tryAgain"
  | "signOut"
  | "decide"
  | "renew"
  | "log"
  | "inspect"
  | "inspectToken"
  | "copyAccessToken"
  | "quit"
  | "stay"
  | "copyRecord"
  | "exportReport"
  | "showReport"
  | "addDemo"
  | "appInfo"
  | "setLogLevel";

/** Answers commands after a while, or fails them as a test wants. */
export abstract class FakeSettings extends FakeLab {
  #info: AppInfo;
  #latency: number;
  #keys: Map<string, Keys>;
  #settings: Settings;
  #report: Report;
  #trouble: Trouble | null;
  #failures = new Map<Command, CommandError>();

  constructor(options: FakeOptions) {
    super();
    this.#info = { version: "0.1.0", vault: "memory", log_level: "info", served_by: "us", ...options.info };
    this.#latency = options.latency ?? 0;
    this.#keys = new Map(Object.entries(options.keys ?? {}));
    this.#settings = { ...settings(), ...options.settings };
    this.#report = options.report ?? health;
    this.#trouble = options.trouble ?? null;
  }

  protected abstract find(account: string): SessionStatus;
  protected abstract has(account: string): boolean;
  protected abstract put(session: SessionStatus): void;
  protected abstract forget(account: string): void;

  /** The next call of this command fails like this. */
  failNext(command: Command, error: CommandError): void {
    this.#failures.set(command, error);
  }

  async accountKeys(account: string): Promise<Keys> {
    await this.answer("accountKeys");
    this.find(account);
    return this.#keys.get(account) ?? demoKeys;
  }

  async checkAccount(account: string | null, changes: Changes): Promise<AccountCheck> {
    await this.answer("checkAccount");
    return check(account === null ? null : (this.#keys.get(account) ?? demoKeys), changes);
  }

  async addAccount(account: string, changes: Changes): Promise<void> {
    await this.answer("addAccount");
    if (this.has(account)) {
      throw error("account_exists", `there is an account \`${account}\` already`);
    }
    this.#keys.set(account, apply({}, changes));
    this.put(changes["provider"] === "oauth" ? corp(account) : signedOut(account, reason("never_signed_in", "Nobody is signed in")));
  }

  async tryLogin(_: Changes, username: string, password: string): Promise<Trial> {
    await this.answer("tryLogin");
    if (username === "" || password !== "demo") throw error("wrong_credentials", "The backend refused the user name or password");
    return trial;
  }

  async presets(): Promise<PresetFacts[]> {
    await this.answer("presets");
    return presets;
  }

  async changeAccount(account: string, changes: Changes): Promise<void> {
    await this.answer("changeAccount");
    const before = this.#keys.get(account) ?? demoKeys;
    if (check(before, changes).ends_session) this.put(signedOut(account, reason("signed_out", "You signed out")));
    this.#keys.set(account, apply(before, changes));
  }

  async removeAccount(account: string): Promise<void> {
    await this.answer("removeAccount");
    this.forget(this.find(account).account);
  }

  async settings(): Promise<Settings> {
    await this.answer("settings");
    return this.#settings;
  }

  async setSettings(app: AppConfig): Promise<AppConfig> {
    await this.answer("setSettings");
    this.#settings = { ...this.#settings, app };
    this.#info = { ...this.#info, log_level: app.log_level };
    return app;
  }

  async startAtLogin(on: boolean): Promise<void> {
    await this.answer("startAtLogin");
    this.#settings = { ...this.#settings, start_at_login: on };
  }

  async health(): Promise<Report> {
    await this.answer("health");
    return this.#report;
  }

  showConfigFile(): Promise<void> {
    return this.answer("showConfigFile");
  }

  showGuide(): Promise<void> {
    return this.answer("showGuide");
  }

  async trouble(): Promise<Trouble | null> {
    await this.answer("trouble");
    return this.#trouble;
  }

  async tryAgain(): Promise<Trouble | null> {
    await this.answer("tryAgain");
    return this.#trouble;
  }

  quit(): Promise<void> {
    return this.answer("quit");
  }

  stay(): Promise<void> {
    return this.answer("stay");
  }

  copyRecord(): Promise<void> {
    return this.answer("copyRecord");
  }

  async exportReport(): Promise<string> {
    await this.answer("exportReport");
    return "/home/ada/Downloads/latchkey-report-2026-11-20T14-34-06Z.txt";
  }

  showReport(): Promise<void> {
    return this.answer("showReport");
  }

  async appInfo(): Promise<AppInfo> {
    await this.answer("appInfo");
    return this.#info;
  }

  async setLogLevel(level: Level): Promise<void> {
    await this.answer("setLogLevel");
    this.#info = { ...this.#info, log_level: level };
  }

  protected async answer(command: Command): Promise<void> {
    if (this.#latency > 0) await wait(this.#latency);
    const failure = this.#failures.get(command);
    this.#failures.delete(command);
    if (failure) throw failure;
  }
}

export const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

export const error = (code: string, message: string, hint: string | null = null): CommandError => ({ code, message, hint });
