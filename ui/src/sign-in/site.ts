const parsed = (address: string): URL | null => (URL.canParse(address) ? new URL(address) : null);

/** Whose page it is; the address itself where it is none. */
export const host = (address: string): string => parsed(address)?.host || address;

/** The page as a person types it: with its path where that is short (example.com/device). */
export function site(address: string): string {
  const path = parsed(address)?.pathname ?? "";
  return host(address) + (path.length > 1 && path.length <= 24 && host(address) !== address ? path : "");
}
