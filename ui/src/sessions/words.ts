// A session in sentences: the line in the list, the headline, what comes next. Pure; `now` is the last argument.
import type { HistoryMark, NextStatus, ReasonStatus, SessionStatus, SignInPrompt } from "../ipc/bindings";
import { detailOf, fill, noted, plural, text, told } from "../strings";
import { parse, times } from "../time";
import { reasonWords } from "./reasons";

/** Whether what a session holds is a site's cookie, which is the session itself: it has no tokens. */
export const isCookie = ({ provider }: Pick<SessionStatus, "provider">): boolean => provider === "nextauth";

/** The words for what a session holds. */
export const held = (status: Pick<SessionStatus, "provider">) => text.token.held[isCookie(status) ? "cookie" : "token"];

/** A template and its values; `at` is where its {in} counts down to. */
export interface Phrase {
  template: string;
  values: Record<string, string | number>;
  at: number | null;
}

/** Why something comes next. */
const why = (next: NextStatus): string => told({ ...next, words: next.why }, times.span);

const plain = (template: string, values: Phrase["values"] = {}): Phrase => ({ template, values, at: null });
const counting = (inWords: string, nowWords: string, at: number, now: number): Phrase => ({
  template: at > now ? inWords : nowWords,
  values: {},
  at,
});

/** When something of it is over, by what is known now: the words for it are others then. */
export function moments({ next, headline, sign_in, access, clocks }: SessionStatus): number[] {
  const ends = [next?.at, headline.at, sign_in?.expires_at, access?.expires_at, clocks.access?.expires_at, clocks.refresh?.expires_at, clocks.session?.expires_at];
  return ends.map(parse).filter((at) => at !== null);
}

const NETWORK = new Set(["network", "unreachable", "not_the_provider"]);

/** The one line below the account's name in the list. */
export function subtitle(status: SessionStatus, now: number): Phrase {
  const say = text.subtitles;
  const next = parse(status.next?.at);
  // It waits for the person, whatever page they are on.
  if (status.consumers.some((one) => one.consent === "asked")) return plain(say.programAsks);
  switch (status.state) {
    case "signed_in":
      if (status.next?.action !== "renew" || next === null) return plain(say.signedIn);
      return counting(say.renewsIn, say.renewsNow, next, now);
    case "renewing":
      return plain(say.renewing);
    case "saving":
      return plain(say.saving);
    case "waiting": {
      const code = status.reason?.code ?? "";
      if (NETWORK.has(code)) return plain(say.waitingNetwork);
      if (code === "keychain_locked") return plain(say.keychainLocked);
      if (code === "opening" || code.startsWith("keychain_")) return plain(say.waitingKeychain);
      return next === null ? plain(say.waiting) : counting(say.triesIn, say.triesNow, next, now);
    }
    case "needs_sign_in": {
      const by = parse(status.headline.at);
      if (by === null || by <= now) return plain(say.signIn);
      return plain(say.signInBy, { when: times.brief(by, now) });
    }
    case "signing_in":
      if (status.sign_in?.kind === "browser") return plain(status.sign_in.opened ? say.goOnInBrowser : say.openPage);
      if (status.sign_in?.kind === "device") return plain(say.enterCode, { code: status.sign_in.user_code });
      return plain(say.signingIn);
    case "signed_out":
      return plain(say.signedOut);
  }
}

export function headline({ headline: { kind, at }, sign_in: prompt, reason }: SessionStatus, now: number): string {
  const say = text.headlines;
  const what = reasonWords(reason?.code)?.what ?? null;
  if (kind === "signing_in" && prompt) {
    const over = hasEnded(prompt, now);
    if (prompt.kind === "device") return over ? say.code_expired : say.code;
    if (over) return say.page_expired;
    return prompt.opened ? say.browser : say.no_browser;
  }
  const moment = parse(at);
  if (kind === "signed_in_until") return moment === null ? say.signed_in : fill(say.signed_in_until, { when: times.when(moment, now) });
  if (kind === "sign_in_again_by") {
    // A deadline that has passed is none: then it is simply time to sign in.
    if (moment !== null && moment > now) return fill(say.sign_in_again_by, { when: times.when(moment, now) });
  }
  // An end by itself is told with its cause; one's own is known.
  const endedItself = kind === "signed_out" && !BY_HAND.has(reason?.code ?? "");
  if (what !== null && (endedItself || kind === "needs_sign_in" || kind === "sign_in_again_by")) {
    return fill(kind === "signed_out" ? say.signed_out_because : say.needs_sign_in_because, { what });
  }
  return kind === "sign_in_again_by" ? say.needs_sign_in : say[kind];
}

const BY_HAND = new Set(["", "signed_out", "never_signed_in"]);

/** Why it is not simply signed in, and what to do: what happened, what others say of it, the remedy. */
export interface Explanation {
  /** Null where the headline or the next action says it. */
  what: string | null;
  evidence: string | null;
  todo: string | null;
}

export function explanation(status: SessionStatus, now: number): Explanation | null {
  const { reason, next } = status;
  if (reason === null || BY_HAND.has(reason.code)) return null;
  // The next action tells all of it.
  if (next?.why === reason.message) return null;
  const words = reasonWords(reason.code);
  // A code that is not known yet has the host's own words.
  if (words === null) return { what: reason.message, evidence: null, todo: null };
  const inHeadline = headline(status, now).includes(words.what);
  return { what: inHeadline ? null : sentence(words.what), evidence: evidence(reason), todo: words.todo };
}

/** What the provider, or the system, said of it. */
function evidence({ values }: ReasonStatus): string | null {
  const { said, status } = values;
  if (said !== undefined) return fill(status === undefined ? text.evidence.provider : text.evidence.both, { said, ...values });
  if (status !== undefined) return fill(text.evidence.status, { status });
  const detail = detailOf(values);
  return detail === null ? null : fill(text.evidence.detail, { detail });
}

/** A clause as a sentence of its own. */
export const sentence = (clause: string): string => (clause === "" ? "" : `${clause[0]?.toLocaleUpperCase() ?? ""}${clause.slice(1)}.`);

/** Whether it is too late to do what a sign-in waits for. The host says so as well, a moment later. */
export function hasEnded(prompt: SignInPrompt, now: number): boolean {
  const ends = parse(prompt.expires_at);
  return ends !== null && ends <= now;
}

/** "Next: renew at 14:42:10, in 00:41 — because …" */
export function nextSentence({ state, next }: SessionStatus, now: number): Phrase | null {
  // While a renewal is under way nothing is planned; the line stays, so that nothing jumps each minute.
  // What a sign-in waits for is in the headline.
  if (state === "signing_in" && next?.action === "wait") return null;
  if (next === null) return state === "renewing" || state === "saving" ? plain(text.underWay[state]) : null;
  const say = text.next[next.action];
  const at = parse(next.at);
  if (at === null) return plain(say.plain, { why: why(next) });
  const soon = at - now < 12 * 60 * 60 * 1000;
  return {
    template: at > now ? say.at : say.due,
    values: { at: soon ? times.clock(at) : times.when(at, now), why: why(next) },
    at,
  };
}

/** "Last five renewals took 310 ms": what a renewal costs, by those of this session that were timed. */
export function lastRenewals({ history }: SessionStatus): string | null {
  const took = history.flatMap(({ kind, took_ms }) => (kind === "renewed" && took_ms !== null ? [took_ms] : [])).slice(-5);
  if (took.length === 0) return null;
  return plural(text.session.lastRenewals, took.length, { took: times.took(took.reduce((sum, ms) => sum + ms, 0) / took.length) });
}

export function who({ identity }: SessionStatus): string {
  const parts = identity ? [identity.name, identity.email].filter((part) => part !== null && part !== "") : [];
  return parts.join(" · ") || identity?.subject || "";
}

/** What they may do there, as far as the provider says; a few by name, the rest counted. */
export function roles({ identity }: SessionStatus): string | null {
  const all = identity?.roles ?? [];
  if (all.length === 0) return null;
  const named = all.slice(0, 6).join(", ");
  return all.length > 6 ? plural(text.session.moreRoles, all.length - 6, { roles: named }) : named;
}

/** Why a renewal cannot be asked for now; null when it can. */
export function whyNoRenewal({ state, access }: SessionStatus): string | null {
  const say = text.session.whyNot;
  switch (state) {
    case "renewing":
      return say.renewing;
    case "saving":
      return say.saving;
    case "signed_out":
    case "signing_in":
    case "needs_sign_in":
      return say.signed_out;
    case "signed_in":
      return null;
    case "waiting":
      // Without tokens there is nothing to renew: the keychain has not been read yet.
      return access === null ? say.no_tokens : null;
  }
}

/** A session's time as a ring: how much of the access token's lifetime is left, and from where on it is renewed. */
export interface Ring {
  /** 0 to 1. */
  left: number;
  /** 0 to 1: what is left when renewing begins. */
  margin: number;
}

/** Null without a token whose lifetime is known. */
export function ring({ access }: Pick<SessionStatus, "access">, now: number): Ring | null {
  const from = parse(access?.received_at);
  const to = parse(access?.expires_at);
  if (from === null || to === null || to <= from) return null;
  const share = (moment: number) => Math.min(1, Math.max(0, (to - moment) / (to - from)));
  return { left: share(now), margin: share(parse(access?.margin_from) ?? to) };
}

/** What to call the program at this path. */
export const program = (path: string | null): string => path?.split("/").findLast((part) => part !== "") ?? text.recent.someProgram;

export function happened(entry: HistoryMark, status: Pick<SessionStatus, "provider">, now: number): string {
  const what = one(entry, status, now);
  return entry.count > 1 ? plural(text.recent.several, entry.count, { what }) : what;
}

function one(entry: HistoryMark, status: Pick<SessionStatus, "provider">, now: number): string {
  const say = text.recent;
  const { generation, took_ms: took } = entry;
  const note = noted(entry);
  const withNote = (what: string) => (note ? fill(say.withNote, { what, note }) : what);
  switch (entry.kind) {
    case "signed_in":
      return withNote(fill(say.signedIn, { generation }));
    case "renewed": {
      const values = { from: generation - 1, to: generation, took: took === null ? "" : times.took(took) };
      return withNote(fill(took === null ? say.renewed : say.renewedIn, values));
    }
    case "adopted":
      return withNote(fill(say.adopted, { generation }));
    case "failed":
      return note || say.failed;
    case "signed_out":
      return entry.reason === "signed_out" ? say.signedOut : withNote(say.signedOut);
    case "ceiling_moved": {
      const to = parse(entry.expires_at);
      return fill(say.ceilingMoved, { to: to === null ? text.time.unknown : times.when(to, now) });
    }
    case "slept":
      return fill(say.slept, { lasted: lasted(entry) });
    case "out_of_reach":
      return entry.until === null ? withNote(say.outOfReachNow) : fill(say.outOfReach, { lasted: lasted(entry) });
    case "taken":
      return fill(say.taken, { program: program(entry.note), generation, ...held(status) });
  }
}

const lasted = ({ at, until }: HistoryMark): string => times.coarse((parse(until) ?? NaN) - (parse(at) ?? NaN));
