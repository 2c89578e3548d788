// Labels side by side on one line: each gets a place inside the bounds that no other has taken, or none.

export type Span = readonly [from: number, to: number];

export class Row {
  #taken: Span[];

  constructor(
    readonly left: number,
    readonly right: number,
    blocked: readonly Span[] = [],
    readonly gap = 6,
  ) {
    this.#taken = [...blocked];
  }

  block(span: Span): void {
    this.#taken.push(span);
  }

  /** Takes exactly this place, if it is free and within the bounds. */
  take(from: number, width: number): boolean {
    const to = from + width;
    if (!(from >= this.left && to <= this.right)) return false;
    if (this.#taken.some(([a, b]) => from < b + this.gap && to > a - this.gap)) return false;
    this.#taken.push([from, to]);
    return true;
  }

  /** Takes the place, pushed inside the bounds where it would stick out; null if that is not free. */
  fit(from: number, width: number): number | null {
    const moved = Math.max(this.left, Math.min(from, this.right - width));
    return this.take(moved, width) ? moved : null;
  }
}

/** After the bar's end, else inside it at its end, else inside it before now; NaN where there is no room. */
export const besideEnd = (drawn: { x: number; width: number; fades: boolean }, nowX: number, right: number, aside: number): ((width: number) => number)[] => {
  const end = drawn.x + drawn.width;
  return [
    (w) => {
      const from = Math.max(end, nowX) + aside;
      return !drawn.fades && from + w <= right ? from : NaN;
    },
    (w) => (end - w - aside >= nowX + aside ? end - w - aside : NaN),
    (w) => {
      const from = Math.min(nowX, end) - w - aside;
      return from >= drawn.x + 4 ? from : NaN;
    },
  ];
};
