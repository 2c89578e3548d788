// What those who listen are told, politely: state changes only. Each is a line of its own, so that a screen reader says all of
// several that come at once, and says the same again when it happens again.
import type { SessionStatus, StateName } from "../ipc/bindings";
import { site } from "../sign-in/site";
import { fill, plural, text } from "../strings";

export interface Announcement {
  id: number;
  at: number;
  words: string;
}

/** After so many ms a line has been heard. */
const HEARD = 10_000;

/** More lines than anybody listens to. */
const ROOM = 8;

/** So many sessions are told of one by one; of more, how many there are. */
const MOST = 3;

export class Announcements {
  lines = $state.raw<readonly Announcement[]>([]);
  #said = 0;

  say(words: string): void {
    const at = Date.now();
    const unheard = this.lines.filter((line) => Math.abs(at - line.at) < HEARD);
    this.lines = [...unheard, { id: ++this.#said, at, words }].slice(-ROOM);
  }

  /** Tells what has become of sessions: first of those that wait for the person. */
  tell(before: readonly SessionStatus[], now: readonly SessionStatus[]): void {
    const told = now.flatMap((session) => {
      const known = before.find(({ account }) => account === session.account);
      const words = announce(session.account, known?.state, session.state) ?? announcePrompt(session, known) ?? announceProgram(session, known);
      return words === null ? [] : [{ words, passes: session.state === "waiting" || session.state === "signed_in" }];
    });
    const sorted = [...told.filter(({ passes }) => !passes), ...told.filter(({ passes }) => passes)];
    for (const { words } of sorted.slice(0, MOST)) this.say(words);
    if (sorted.length > MOST) this.say(plural(text.announce.more, sorted.length - MOST));
  }
}

/** Routine renewals are silent: nobody wants to hear one each minute. */
function announce(account: string, before: StateName | undefined, after: StateName): string | null {
  if (before === undefined || before === after) return null;
  switch (after) {
    case "signed_in":
      return before === "renewing" || before === "saving" ? null : fill(text.announce.signed_in, { account });
    case "signed_out":
      return fill(text.announce.signed_out, { account });
    case "needs_sign_in":
      return fill(text.announce.needs_sign_in, { account });
    case "waiting":
      return fill(text.announce.waiting, { account });
    case "signing_in":
    case "renewing":
    case "saving":
      return null;
  }
}

/** What the person has to do now is said once, when it comes. */
function announcePrompt({ account, sign_in: prompt }: SessionStatus, before: SessionStatus | undefined): string | null {
  if (!prompt || before?.sign_in?.kind === prompt.kind) return null;
  if (prompt.kind === "browser") return fill(prompt.opened ? text.announce.inBrowser : text.announce.openPage, { account });
  return fill(text.announce.code, { account, code: prompt.user_code, site: site(prompt.verification_uri) });
}

/** A program that asks is said once, when it comes. */
function announceProgram({ account, consumers }: SessionStatus, before: SessionStatus | undefined): string | null {
  const known = new Set(before?.consumers.filter((one) => one.consent === "asked").map(({ id }) => id));
  const one = consumers.find(({ consent, id }) => consent === "asked" && !known.has(id));
  return one ? fill(text.programs.asks, { program: one.program ?? text.programs.unknown, account }) : null;
}
