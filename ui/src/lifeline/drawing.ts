// What a lifeline is made of, and the sheet it is put on: places on the time axis, bars, marks, labels that find room.
// Pure; where what goes is said in `lanes.ts`.
import { clusters, type Cluster } from "./clusters";
import type { Row } from "./label-row";
import type { Stretch } from "./look";
import type { Happening } from "./words";

export type Lane = "access" | "refresh" | "session";

export interface Bar {
  key: string;
  tone: "past" | "current" | "spent" | "margin" | "refresh" | "refresh-past" | "session" | "session-past";
  x: number;
  y: number;
  width: number;
  height: number;
  /** It goes on beyond the edge: drawn fading. */
  fades: boolean;
  sentence: string;
}

export type Shape = "renewed" | "signed_in" | "adopted" | "taken" | "failed" | "planned" | "ceiling" | "ceiling_moved" | "signed_out";

export interface Mark {
  key: string;
  shape: Shape;
  x: number;
  y: number;
  /** From the first to the last of several; 0 for one. */
  width: number;
  sentence: string;
}

/** Time in which nothing could happen: over all lanes. */
export interface Area {
  key: string;
  tone: "slept" | "out_of_reach";
  x: number;
  width: number;
  sentence: string;
}

export interface Label {
  key: string;
  tone: "dim" | "strong" | "warn" | "now";
  /** Left edge and baseline. */
  x: number;
  y: number;
  text: string;
}

const LANES = {
  access: { y: 29, height: 18 },
  refresh: { y: 63, height: 16 },
  session: { y: 95, height: 16 },
} as const;
const HEIGHT = 138;
/** How much higher everything stands that would stand below a lane that is not there. */
const RAISED = 32;
export const GRID_TOP = 26;
export const TOP_BASELINE = 13;
/** Where what stands above the first lane stands. */
export const ABOVE = 20;
/** Where what is said of the first lane stands below it. */
export const BELOW = 54;
/** Between a label and the line or end it stands beside; more than half a blocked line and a row's gap. */
export const ASIDE = 12;
/** Marks closer than this would cover each other. */
export const APART = 9;

export const round = (n: number): number => Math.round(n * 10) / 10;

/** A sheet with a time axis from `left` to `width`. */
export class Drawing {
  readonly areas: Area[] = [];
  readonly bars: Bar[] = [];
  readonly marks: Mark[] = [];
  readonly labels: Label[] = [];
  /** Where the present stands; null where it is out of sight. */
  readonly nowX: number | null;
  readonly height: number;

  constructor(
    readonly shown: Stretch,
    readonly now: number,
    readonly left: number,
    readonly width: number,
    readonly measure: (text: string) => number,
    readonly lanes: readonly Lane[],
  ) {
    this.height = lanes.includes("refresh") ? HEIGHT : HEIGHT - RAISED;
    this.nowX = this.holds(now) ? this.x(now) : null;
  }

  // Not d3-scale: it brings d3-color and d3-format, which assign to `toString` and `constructor` of objects. The app
  // freezes Object.prototype, and under that such an assignment throws before the page is drawn.
  readonly x = (at: number): number => {
    const { start, end } = this.shown;
    return round(this.left + (this.width - this.left) * Math.min(1, Math.max(0, (at - start) / (end - start))));
  };

  place(lane: Lane): { y: number; height: number } {
    const { y, height } = LANES[lane];
    return { y: lane === "session" ? y - (HEIGHT - this.height) : y, height };
  }

  middle(lane: Lane): number {
    const { y, height } = this.place(lane);
    return y + height / 2;
  }

  baseline(lane: Lane): number {
    return this.middle(lane) + 4;
  }

  holds(at: number): boolean {
    return at >= this.shown.start && at <= this.shown.end;
  }

  touches(from: number, to: number): boolean {
    return to >= this.shown.start && from <= this.shown.end;
  }

  /** Right of the present, at the left edge where that is out of sight. */
  afterNow = (): number => (this.nowX === null ? this.left : this.nowX + ASIDE);

  /** At least two pixels, also at the right edge: what exists is seen. */
  #extent(from: number, to: number): { x: number; width: number } {
    const x = Math.min(this.x(from), this.width - 2);
    return { x, width: round(Math.max(2, this.x(to) - x)) };
  }

  area(key: string, tone: Area["tone"], from: number, to: number, sentence: string): void {
    this.areas.push({ key, tone, ...this.#extent(from, to), sentence });
  }

  bar(key: string, tone: Bar["tone"], lane: Lane, from: number, to: number, sentence: string): Bar | null {
    if (!(to > from) || !this.touches(from, to)) return null;
    const drawn: Bar = { key, tone, ...this.place(lane), ...this.#extent(from, to), fades: to > this.shown.end, sentence };
    this.bars.push(drawn);
    return drawn;
  }

  mark(shape: Shape, key: string, y: number, at: Pick<Cluster, "from" | "to"> | number, sentence: string): void {
    const [from, to] = typeof at === "number" ? [at, at] : [at.from, at.to];
    this.marks.push({ key, shape, x: from, y, width: round(to - from), sentence });
  }

  /** One mark for each group of what would overlap. */
  group(events: readonly Happening[], y: number, apart: number, shape: (events: Happening[]) => Shape, say: (events: Happening[]) => string): Cluster[] {
    const groups = clusters(events, this.x, apart);
    for (const group of groups) this.mark(shape(group.events), group.key, y, group, say(group.events));
    return groups;
  }

  /** The first text that finds a place, at the first place it finds. */
  label(row: Row, key: string, tone: Label["tone"], y: number, texts: string[], places: ((width: number) => number)[]): void {
    for (const text of texts) {
      const length = this.measure(text);
      for (const place of places) {
        const from = row.fit(place(length), length);
        if (from === null) continue;
        this.labels.push({ key, tone, x: round(from), y, text });
        return;
      }
    }
  }
}
