import { describe, expect, it } from "vitest";
import { de } from "./de";
import { en } from "./en";
import { fill, named } from "./fill";
import { LANGUAGES, type Strings } from ".";

type Leaf = [path: string, words: string];

/** Every text of a language with where it stands. */
function leaves(node: unknown, path = ""): Leaf[] {
  if (typeof node === "string") return [[path, node]];
  return Object.entries(node as object).flatMap(([name, child]) => leaves(child, path === "" ? name : `${path}.${name}`));
}

const slots = (words: string): string[] => [...new Set([...words.matchAll(/\{(\w+)\}/g)].map((found) => found[1] ?? ""))].sort();
const english = new Map(leaves(en));

it("a key too few or too many does not compile", () => {
  // @ts-expect-error -- one is missing
  const few: Strings["marks"] = { ok: "", failed: "" };
  // @ts-expect-error -- one is too many
  const many: Strings["marks"] = { ok: "", failed: "", elsewhere: "", more: "" };
  expect([few, many]).toHaveLength(2);
});

it("a slot is filled with what it is named after, and with nothing that every object has", () => {
  expect(fill("{a} of {b} {toString}", { a: 1, b: "<2>" })).toBe("1 of <2> {toString}");
  expect(named(en.claims, "iss")).toBe("issuer");
  expect(named(en.claims, "constructor")).toBe("constructor");
});

describe("German", () => {
  const rules = new Set(new Intl.PluralRules("de").resolvedOptions().pluralCategories);

  it("has the slots of the English sentence in each of its own", () => {
    const odd = leaves(de).filter(([path, words]) => {
      // A form for "one" may leave the number out.
      const inEnglish = english.get(path) ?? english.get(path.replace(/\.one$/, ".other")) ?? "";
      const wanted = path.endsWith(".one") ? slots(inEnglish).filter((slot) => slot !== "count") : slots(inEnglish);
      const there = path.endsWith(".one") ? slots(words).filter((slot) => slot !== "count") : slots(words);
      return there.join() !== wanted.join();
    });
    expect(odd).toEqual([]);
  });

  it("leaves nothing in English but what is the same word in both", () => {
    const SAME = /^(app\.(name|footer)|add\.(addressExample|restCommand|scope)|claims\.(azp|client_id|name|scope|aud)|log\.levels\.\w+|token\.(generation|expiresValue)|time\.\w+|recent\.withNote|lifeline\.(access|refresh))$/;
    const left = leaves(de).filter(([path, words]) => /\p{L}/u.test(fill(words.replace(/\{\w+\}/g, ""), {})) && english.get(path) === words && !SAME.test(path));
    expect(left).toEqual([]);
  });

  it("uses the forms and marks of German", () => {
    for (const [path, words] of leaves(de)) {
      expect(words, path).not.toMatch(/\p{L}…|“[^“„]*”|—| -- |[^\s]\.\.\./u);
      expect(words.trim(), path).not.toBe("");
    }
    expect([...rules].sort()).toEqual(["one", "other"]);
  });
});

it("each language says who it is in its own words", () => {
  expect(Object.values(LANGUAGES).map(({ name }) => name)).toEqual(["English", "Deutsch"]);
});
