// Why a session is not simply signed in, in pieces: the host's sentence has them in one, where there is room for that.
import { text } from "../strings";

export interface ReasonWords {
  /** What happened, without a full stop. */
  what: string;
  /** What to do about it, in sentences. */
  todo: string;
}

/** The window's words for a reason; null for one it does not know. */
export function reasonWords(code: string | null | undefined): ReasonWords | null {
  return code && Object.hasOwn(text.reasons, code) ? text.reasons[code as keyof typeof text.reasons] : null;
}
