// What a window does not open with is fetched once it is painted, so that it is there before anybody goes to it.
type Views = typeof import("./views");

let all = $state.raw<Partial<Views>>({});

/** The views that are there. */
export const views = (): Partial<Views> => all;

/** Fetches every one of them. */
export async function fetchViews(): Promise<void> {
  all = await import("./views");
}
