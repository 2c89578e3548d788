// What a window does not need for its first frame is fetched once that is painted, so that it is there before anybody misses it.
type Later = typeof import("./later");

let all = $state.raw<Partial<Later>>({});

/** The views and parts that are there. */
export const later = (): Partial<Later> => all;

/** Fetches every one of them. */
export async function fetchLater(): Promise<void> {
  all = await import("./later");
}
