// When somebody who listens is told of a deadline: as it comes near, at a few moments, and never all the time. Pure.
import type { SessionStatus } from "../ipc/bindings";
import { MINUTE, parse } from "../time";

/** So long before it. */
const NEAR = [60 * MINUTE, 15 * MINUTE, 5 * MINUTE, MINUTE];

/** How long ahead a notification tells that a session ends, and the time it takes to press its button. */
const TOLD_AHEAD = 20 * MINUTE;

/** Whether nobody has to sign in yet. */
export const lives = ({ state }: Pick<SessionStatus, "state">): boolean => state === "signed_in" || state === "renewing" || state === "saving" || state === "waiting";

/** Whether it is known to end in a while for which it is announced. */
export function endsSoon({ headline }: Pick<SessionStatus, "headline">, now: number): boolean {
  const at = parse(headline.at);
  return at !== null && at - now <= TOLD_AHEAD;
}

/** By when a person has to sign in again; null where they need not. */
export function deadline({ headline }: Pick<SessionStatus, "headline">): number | null {
  return headline.kind === "sign_in_again_by" ? parse(headline.at) : null;
}

/** How long is left, if one of the moments lies between `before` and `now`. */
export function comesNear(status: Pick<SessionStatus, "headline" | "access">, before: number, now: number): number | null {
  const at = deadline(status);
  if (at === null || at <= now) return null;
  // Nobody is warned for more than a third of what a token lives: of a short one that would be always.
  const lives = at - (parse(status.access?.received_at) ?? -Infinity);
  const passed = NEAR.filter((near) => near <= lives / 3 && before < at - near && at - near <= now);
  return passed.length === 0 ? null : at - now;
}
