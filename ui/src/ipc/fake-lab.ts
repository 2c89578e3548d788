// The lab of a host without an app: a small backend that keeps the rules of rotation, and runs that were written down.
import type { Cell, Foreseen, Language, PolicyTrial, ProfileFinding, LabBackend, LabFault, LabScenario, LabSwitch, Outcome, Run, SandboxState, SignedOut, TokenFate, TourMove } from "./bindings";
import { mark } from "./fake-sessions";

const RUN_BEGAN = Date.parse("2027-03-01T08:00:00Z");
const inRun = (ms: number): string => new Date(RUN_BEGAN + ms).toISOString();
const REFUSED = "refused: refresh token already used; family revoked";

const RUN: Run = {
  began_at: "2027-03-01T08:00:00Z",
  took_ms: 60_000,
  entries: [
    { after_ms: 0, side: "lab", what: "signs in", wrong: false },
    { after_ms: 0, side: "client", what: "is signed in", wrong: false },
    { after_ms: 20_000, side: "client", what: "renewed, generation 2", wrong: false },
    { after_ms: 45_000, side: "backend", what: `POST /auth/refreshToken: 401, ${REFUSED}`, wrong: true },
  ],
  marks: [
    mark("signed_in", RUN_BEGAN, { generation: 1, expires_at: inRun(60_000) }),
    mark("renewed", RUN_BEGAN + 20_000, { generation: 2, expires_at: inRun(80_000) }),
    mark("failed", RUN_BEGAN + 45_000, { generation: 2, note: REFUSED }),
  ],
  states: [{ after_ms: 0, state: "signed_in" }, { after_ms: 45_000, state: "needs_sign_in" }],
  spans: [],
  faults: [{ after_ms: 20_000, mode: "drop_after", path: "/auth/refreshToken" }],
  requests_ms: [0, 20_000, 45_000],
};

/** The development backend in the middle of something, for pictures. */
export const BUSY_BACKEND: LabBackend = {
  url: "http://127.0.0.1:4180",
  account: "demo",
  faults: [{ path: "refresh", mode: "status", status: 503, count: 3 }],
  requests: [
    { number: 1, at: "2026-11-20T14:31:02Z", method: "POST", path: "/auth/login", status: 200, outcome: "signed in: demo", fault: null },
    { number: 2, at: "2026-11-20T14:31:48Z", method: "POST", path: "/auth/refreshToken", status: 200, outcome: "rotated", fault: null },
    { number: 3, at: "2026-11-20T14:32:35Z", method: "POST", path: "/auth/refreshToken", status: null, outcome: "rotated; fault: closed without a reply", fault: "drop_after" },
    { number: 4, at: "2026-11-20T14:32:36Z", method: "POST", path: "/auth/refreshToken", status: 401, outcome: REFUSED, fault: null },
  ],
};

/** What was measured of a backend that is strict and has no grace window, for pictures. */
export const STRICT_PROFILE: ProfileFinding[] = [
  { fact: "rotates", title: "Rotation", value: "each refresh brings a new refresh token", code: "rotates_each", values: {}, grade: "good", advice: null, advice_code: null, standard: null },
  { fact: "reuse", title: "Reuse detection", value: "a used token is refused and its whole session revoked", code: "family_revoked", values: {}, grade: "good", advice: "never let two programs share this session by themselves: the loser signs both out", advice_code: "loser_signs_both_out", standard: "RFC 9700 §4.14.2" },
  { fact: "grace", title: "Grace window", value: "none, a used token is never taken again", code: "grace_none", values: {}, grade: "note", advice: "a reply that is lost on its way ends the session; a window of 10 s to 60 s would save it", advice_code: "lost_reply_ends", standard: "RFC 9700 §4.14.2" },
  { fact: "access_secs", title: "Access token lifetime", value: "15 min", code: "lasts", values: { lasts_ms: "900000" }, grade: "good", advice: null, advice_code: null, standard: null },
  { fact: "no_store", title: "Cache-Control: no-store", value: "is missing", code: "no_store_missing", values: {}, grade: "warning", advice: "replies with tokens must not be stored on their way", advice_code: "not_to_be_stored", standard: "RFC 6749 §5.1" },
  { fact: "old_access_dies", title: "The access token from before", value: "the account names no user-info endpoint to ask with an access token", code: "no_user_info", values: {}, grade: "unknown", advice: null, advice_code: null, standard: null },
];

const SCENARIO: LabScenario = {
  name: "double-spend",
  title: "Somebody else presents a refresh token that was replaced",
  about: "A copied refresh token is the theft that rotation is there to notice.",
  standard: ["RFC 9700 §4.14.2"],
};

const WEEK = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const DAYS = 31;

/** A working week under a `max_age`: static ones end where they end, rolling ones only after a time away. */
function month(trial: PolicyTrial, life: string): Foreseen {
  const used: PolicyTrial = { ...trial, max_age_s: trial.max_age_s ?? 7 * 86_400, rolling: trial.rolling ?? false, access_s: trial.access_s ?? 3600, refresh_s: trial.refresh_s ?? 30 * 86_400 };
  const allowed = used.max_age_s ? used.max_age_s / 60 : Infinity;
  const sign_outs: SignedOut[] = [];
  let since: number | null = null;
  let sign_ins = 0;
  const days = Array.from({ length: DAYS }, (_, index) => {
    const cells = Array.from({ length: 48 }, (_unused, half): Cell => {
      const minute = index * 1440 + half * 30;
      const atWork = index % 7 < 5 && half >= 17 && half < 35;
      if (since !== null && minute - since >= allowed) {
        sign_outs.push({ day: index + 1, minute: half * 30, code: "max_age_reached", message: "The session lasted as long as this account allows. Sign in again", values: { allowed_ms: String(allowed * 60_000) }, away: !atWork });
        since = null;
        return "signed_out";
      }
      if (atWork && (since === null || used.rolling)) {
        if (since === null) sign_ins += 1;
        since = minute;
      }
      if (atWork && life === "train" && (half < 19 || half > 32)) return "offline";
      return since === null ? "out" : atWork ? "signed_in" : "asleep";
    });
    return { name: WEEK[index % 7] ?? "", cells };
  });
  const renewals = Math.round(230 * (3600 / (used.access_s ?? 3600)));
  return { used, forecast: { life, sign_outs, sign_ins, renewals, requests: renewals + sign_ins + sign_outs.length, without_token_s: 0, at_work_s: 23 * 9 * 3600, days } };
}

/** The host words scenarios in the window's language. */
const GERMAN = {
  title: "Jemand anderes legt ein Refresh-Token vor, das ersetzt wurde",
  about: "Ein kopiertes Refresh-Token ist der Diebstahl, den Rotation bemerken soll.",
};

export class FakeLab {
  /** What the development backend is like; nothing where no account uses it. */
  labState: LabBackend | null = null;
  labFindings: ProfileFinding[] = [];
  #tokens: TokenFate[] = [];
  #grace = 0;
  #passed = false;

  labScenarios(language: Language): Promise<LabScenario[]> {
    return Promise.resolve([language === "de" ? { ...SCENARIO, ...GERMAN } : SCENARIO]);
  }

  labRun(name: string, rule: string | null): Promise<Outcome> {
    const fails = rule !== null;
    return Promise.resolve({
      ...SCENARIO,
      name,
      version: 1,
      client: "passed",
      backend: fails ? "failed" : "passed",
      skipped: null,
      broken: null,
      judgements: [
        { step: 5, side: "backend", expected: "refuses the token that was presented again", found: fails ? "it exchanged it" : null, because: null, follows: false },
      ],
      run: RUN,
    });
  }

  labBackend(): Promise<LabBackend | null> {
    return Promise.resolve(this.labState);
  }

  labFault(fault: LabFault): Promise<void> {
    if (this.labState) this.labState = { ...this.labState, faults: [...this.labState.faults, fault] };
    return Promise.resolve();
  }

  labClear(): Promise<void> {
    if (this.labState) this.labState = { ...this.labState, faults: [] };
    return Promise.resolve();
  }

  labSwitch(what: LabSwitch): Promise<string> {
    return Promise.resolve(what === "replay" ? "an old refresh token was used again: the family is revoked" : "");
  }

  labProfile(): Promise<ProfileFinding[]> {
    return Promise.resolve(this.labFindings);
  }

  labForesee(_account: string, life: string, trial: PolicyTrial): Promise<Foreseen> {
    return Promise.resolve(month(trial, life));
  }

  labTour(step: TourMove): Promise<SandboxState> {
    const newest = this.#tokens.length;
    const state = (presented: number, said: SandboxState["said"], status: number | null, outcome: string): Promise<SandboxState> =>
      Promise.resolve({ tokens: [...this.#tokens], presented, said, status, outcome, grace_secs: this.#grace });
    if (step === "begin" || step === "begin_with_grace") {
      this.#tokens = ["live"];
      this.#grace = step === "begin" ? 0 : 30;
      this.#passed = false;
      return state(0, "nothing", 200, "signed in: demo");
    }
    if (step === "wait") {
      this.#passed = true;
      return state(0, "nothing", null, "");
    }
    if (step === "refresh" && !this.#tokens.includes("revoked")) {
      this.#tokens = [...this.#tokens.map((): TokenFate => "used"), "live"];
      return state(newest, "renewed", 200, "rotated");
    }
    if (step === "replay" && this.#grace > 0 && !this.#passed) return state(newest - 1, "repeated", 200, "repeated the earlier answer");
    this.#tokens = this.#tokens.map((): TokenFate => "revoked");
    return state(step === "replay" ? newest - 1 : newest, "refused", 401, "refused: refresh token already used; family revoked");
  }
}
