// What a window does not need for its first frame is fetched once that is painted, so that it is there before anybody misses it.
type Later = typeof import("./later");

let all = $state.raw<Later | null>(null);

/** The views and parts, once they are there: all of them come together. */
export const later = (): Later | null => all;

/** Fetches every one of them. */
export async function fetchLater(): Promise<void> {
  all = await import("./later");
}
