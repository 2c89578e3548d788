// Right-to-left works where no style says left or right: layout follows the direction of the text.
import { expect, it } from "vitest";
import { styled, styles } from "./styles";

const PHYSICAL =
  /(?:^|[\s;{])(?:(?:margin|padding|border)-(?:left|right)(?:-\w+)?|left|right|(?:text-align|float|clear)\s*:\s*(?:left|right)|border-(?:top|bottom)-(?:left|right)-radius)\s*[:;]/;

it.each(styled)("%s says start and end, not left and right", (file) => {
  expect(styles(file).filter((line) => PHYSICAL.test(line))).toEqual([]);
});
