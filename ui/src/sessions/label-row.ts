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
