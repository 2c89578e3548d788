// Going from mark to mark by keyboard: everything on a lifeline that is explained, in the order of time. Pure.
import { GRID_TOP, type Mark } from "./drawing";
import type { Lifeline } from "./lifeline";

export interface Item {
  key: string;
  sentence: string;
  x: number;
  y: number;
  width: number;
  height: number;
}

const TALL = new Set<Mark["shape"]>(["ceiling", "signed_out"]);

const around = ({ key, sentence, shape, x, y, width }: Mark): Item =>
  TALL.has(shape) ? { key, sentence, x: x - 4, y, width: width + 8, height: 24 } : { key, sentence, x: x - 5, y: y - 5, width: width + 10, height: 12 };

/** What is explained, from left to right; of what begins at the same place, the upper one first. */
export function ordered({ areas, bars, marks, nowX, nowSentence, gridBottom }: Pick<Lifeline, "areas" | "bars" | "marks" | "nowX" | "nowSentence" | "gridBottom">): Item[] {
  const items: Item[] = [...areas.map((area) => ({ ...area, y: GRID_TOP - 8, height: gridBottom - GRID_TOP + 8 })), ...bars, ...marks.map(around)];
  if (nowX !== null) items.push({ key: "now", sentence: nowSentence, x: nowX - 2, y: GRID_TOP - 4, width: 4, height: gridBottom - GRID_TOP + 6 });
  return items.sort((a, b) => a.x - b.x || a.y - b.y);
}

/** The one that is so many away from this one; the first or the last where there are not so many. */
export function neighbour(items: readonly Item[], key: string | undefined, by: number): string | undefined {
  const at = items.findIndex((item) => item.key === key);
  return items[Math.min(Math.max(at + by, 0), items.length - 1)]?.key;
}

/** The one that is nearest to a place. */
export const nearest = (items: readonly Item[], x: number): string | undefined =>
  items.reduce<Item | undefined>((best, item) => (best === undefined || Math.abs(item.x - x) < Math.abs(best.x - x) ? item : best), undefined)?.key;
