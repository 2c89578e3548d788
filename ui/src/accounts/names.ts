// What to call an account: from its address, and so that it is not taken.
import type { SessionStatus } from "../ipc/bindings";

/** Parts of host names that say what a server is, not whose. */
const FUNCTIONS = new Set(["login", "auth", "api", "id", "accounts", "sso", "idp", "identity", "www", "localhost"]);

/** The telling part of an address's host; "backend" where it has none. */
export function proposedName(address: string): string {
  const host = URL.canParse(address) ? new URL(address).hostname : "";
  const isNumber = /^[\d.:[\]]+$/.test(host);
  const telling = isNumber ? undefined : host.split(".").find((part) => part !== "" && !FUNCTIONS.has(part));
  return telling ?? "backend";
}

/** The name that is proposed, or one like it that is not taken. */
export function freeName(proposed: string, sessions: readonly SessionStatus[]): string {
  const taken = (one: string) => sessions.some(({ account }) => account.toLowerCase() === one.toLowerCase());
  if (!taken(proposed)) return proposed;
  for (let n = 2; ; n += 1) if (!taken(`${proposed}-${n}`)) return `${proposed}-${n}`;
}
