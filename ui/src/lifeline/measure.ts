// How wide a text is on screen, so that labels can be placed without ever overlapping.

/** What `--tiny` is, in CSS pixels. */
const SIZE = 11.5;
let context: CanvasRenderingContext2D | null | undefined;
const known = new Map<string, number>();

export function measureText(text: string): number {
  const before = known.get(text);
  if (before !== undefined) return before;
  if (context === undefined) {
    context = document.createElement("canvas").getContext("2d");
    if (context) context.font = `${SIZE}px ${getComputedStyle(document.body).fontFamily}`;
  }
  // Where there is no canvas, a generous guess: too wide leaves a label out, too narrow lets two collide.
  const width = context ? context.measureText(text).width + 1 : text.length * SIZE * 0.62;
  if (known.size > 500) known.clear();
  known.set(text, width);
  return width;
}
