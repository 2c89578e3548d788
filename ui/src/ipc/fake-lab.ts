// The lab of a host without an app: a small backend that keeps the rules of rotation, and runs that were written down.
import type { Cell, Foreseen, PolicyTrial, ProfileFinding, LabBackend, LabFault, LabScenario, LabSwitch, Outcome, Run, SandboxState, SignedOut, TokenFate, TourMove } from "./bindings";

const RUN: Run = {
  began_at: "2027-03-01T08:00:00Z",
  took_ms: 60_000,
  entries: [
    { after_ms: 0, side: "lab", what: "signs in", wrong: false },
    { after_ms: 0, side: "client", what: "is signed in", wrong: false },
    { after_ms: 45_000, side: "backend", what: "POST /auth/refreshToken: 401, refused: refresh token already used", wrong: true },
  ],
  marks: [],
  states: [{ after_ms: 0, state: "signed_in" }, { after_ms: 45_000, state: "needs_sign_in" }],
  spans: [],
  faults: [{ after_ms: 45_000, mode: "drop_after", path: "/auth/refreshToken" }],
  requests_ms: [0, 45_000],
};

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

export class FakeLab {
  /** What the development backend is like; nothing where no account uses it. */
  labState: LabBackend | null = null;
  labFindings: ProfileFinding[] = [];
  #tokens: TokenFate[] = [];
  #grace = 0;
  #passed = false;

  labScenarios(): Promise<LabScenario[]> {
    return Promise.resolve([SCENARIO]);
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
