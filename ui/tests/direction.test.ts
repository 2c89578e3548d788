// Right-to-left works where no style says left or right: layout follows the direction of the text.
import { readdirSync, readFileSync } from "node:fs";
import { expect, it } from "vitest";

const PHYSICAL =
  /(?:^|[\s;{])(?:(?:margin|padding|border)-(?:left|right)(?:-\w+)?|left|right|(?:text-align|float|clear)\s*:\s*(?:left|right)|border-(?:top|bottom)-(?:left|right)-radius)\s*[:;]/;

/** The styles of a component, or a whole style sheet. */
const styles = (file: string): string => {
  const source = readFileSync(file, "utf8");
  return file.endsWith(".css") ? source : [...source.matchAll(/<style>([\s\S]*?)<\/style>/g)].map((found) => found[1]).join("\n");
};

const files = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((file) => /\.(svelte|css)$/.test(file))
  .map((file) => `src/${file}`)
  .sort();

it.each(files)("%s says start and end, not left and right", (file) => {
  const physical = styles(file)
    .split("\n")
    .filter((line) => PHYSICAL.test(line));
  expect(physical).toEqual([]);
});
