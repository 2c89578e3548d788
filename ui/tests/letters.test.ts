// Letters have few sizes and two weights: calm to look at, and few fonts to find before anything is painted.
import { expect, it } from "vitest";
import { styled, styles } from "./styles";

/** A size of its own, or a weight that is neither of the two. A code that is read off the screen may be large. */
const ODD = /font-size: (?!var\(--)|font-weight: (?!400|600)|font: (?!inherit|14px\/1\.45 |600 30px\/1\.2 )/;

it.each(styled)("%s has letters of the sizes and weights there are", (file) => {
  expect(styles(file).filter((line) => ODD.test(line))).toEqual([]);
});
