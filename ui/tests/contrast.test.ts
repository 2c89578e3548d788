// The colours of the design against each other, in both themes: WCAG 2.2, 1.4.3 (text, 4.5 : 1) and 1.4.11 (what tells a
// control or a mark from what is around it, 3 : 1).
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const css = readFileSync("src/app.css", "utf8");
const tokens = new Map(
  [...css.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)].map(([, name = "", light = "", dark = ""]) => [
    name,
    { light, dark },
  ]),
);

/** Relative luminance, as WCAG 2.2 defines it. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string, theme: "light" | "dark"): number {
  const [a, b] = [one, other].map((name) => luminance(tokens.get(name)?.[theme] ?? "")) as [number, number];
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}

const TEXT = [
  ...["bg", "panel", "good-soft", "warn-soft", "bad-soft", "accent-soft"].map((ground) => ["ink", ground]),
  ...["bg", "panel"].flatMap((ground) => ["dim", "good", "warn", "bad", "accent"].map((ink) => [ink, ground])),
  ...["good", "warn", "bad", "accent"].map((ink) => [ink, `${ink}-soft`]),
  ["bg", "ink"],
  ["bg", "bad"],
] as [string, string][];
const MARKS = [
  ...["bg", "panel"].flatMap((ground) => ["edge", "accent"].map((mark) => [mark, ground])),
  ["good", "panel"],
] as [string, string][];

it("has the tokens that are compared", () => {
  expect([...TEXT, ...MARKS].flat().filter((name) => !tokens.has(name))).toEqual([]);
});

describe.each(["light", "dark"] as const)("in the %s theme", (theme) => {
  it.each(TEXT)("%s is read on %s", (ink, ground) => expect(contrast(ink, ground, theme)).toBeGreaterThanOrEqual(4.5));
  it.each(MARKS)("%s is seen on %s", (mark, ground) => expect(contrast(mark, ground, theme)).toBeGreaterThanOrEqual(3));
});
