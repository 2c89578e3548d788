import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { de } from "../strings/de";
import { en } from "../strings/en";

/** The codes as the host has them: whoever adds one there finds out here that the window has no words for it. */
const source = readFileSync(resolve(import.meta.dirname, "../../../crates/core/src/reason.rs"), "utf8");
const codes = [...source.matchAll(/=> "([a-z_]+)",/g)].map((found) => found[1] ?? "");

describe.each([["English", en], ["German", de]] as const)("in %s", (_, strings) => {
  it("every reason of the host has its words, and no others do", () => {
    expect(codes.length).toBeGreaterThan(35);
    expect(Object.keys(strings.reasons).sort()).toEqual([...new Set(codes)].sort());
  });
  it("what happened can follow a colon, and what to do is whole sentences", () => {
    for (const [code, { what, todo }] of Object.entries(strings.reasons)) {
      expect(what, code).toMatch(/^\S.*[^.!?\s]$/);
      expect(todo, code).toMatch(/^\p{Lu}.*\.$/u);
    }
  });
});
