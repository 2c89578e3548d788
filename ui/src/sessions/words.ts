// A session in sentences: the line in the list, the headline, what comes next. Pure; `now` is the last argument.
import type { HistoryMark, NextStatus, ReasonStatus, SessionStatus, SignInPrompt } from "../ipc/bindings";
import { fill, noted, plural, text, told } from "../strings";
import { parse, times } from "../time";

/** A template and its values; `at` is where its {in} counts down to. */
export interface Phrase {
  template: string;
  values: Record<string, string | number>;
  at: number | null;
}

/** Why the session is as it is. */
export const because = (reason: ReasonStatus): string => told({ ...reason, words: reason.message }, times.span);

/** Why something comes next. */
const why = (next: NextStatus): string => told({ ...next, words: next.why }, times.span);

const plain = (template: string, values: Phrase["values"] = {}): Phrase => ({ template, values, at: null });
const counting = (inWords: string, nowWords: string, at: number, now: number): Phrase => ({
  template: at > now ? inWords : nowWords,
  values: {},
  at,
});

const NETWORK = new Set(["network", "no_network", "offline", "backend_unreachable"]);
const KEYCHAIN = new Set(["keychain", "keychain_locked", "vault_locked"]);

/** The one line below the account's name in the list. */
export function subtitle(status: SessionStatus, now: number): Phrase {
  const say = text.subtitles;
  const next = parse(status.next?.at);
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
      if (KEYCHAIN.has(code)) return plain(say.waitingKeychain);
      return next === null ? plain(say.waiting) : counting(say.triesIn, say.triesNow, next, now);
    }
    case "needs_sign_in": {
      const by = parse(status.headline.at);
      if (by === null || by <= now) return plain(say.signIn);
      return plain(say.signInBy, { when: times.when(by, now) });
    }
    case "signing_in":
      if (status.sign_in?.kind === "browser") return plain(status.sign_in.opened ? say.goOnInBrowser : say.openPage);
      if (status.sign_in?.kind === "device") return plain(say.enterCode, { code: status.sign_in.user_code });
      return plain(say.signingIn);
    case "signed_out":
      return plain(say.signedOut);
  }
}

export function headline({ headline: { kind, at }, sign_in: prompt }: SessionStatus, now: number): string {
  const say = text.headlines;
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
    if (moment === null || moment <= now) return say.needs_sign_in;
    return fill(say.sign_in_again_by, { when: times.when(moment, now) });
  }
  return say[kind];
}

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

/** How much of the access token's lifetime is left, 0 to 1; null without one. */
export function lifeLeft({ access }: SessionStatus, now: number): number | null {
  const from = parse(access?.received_at);
  const to = parse(access?.expires_at);
  if (from === null || to === null || to <= from) return null;
  return Math.min(1, Math.max(0, (to - now) / (to - from)));
}

export function happened(entry: HistoryMark): string {
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
  }
}
