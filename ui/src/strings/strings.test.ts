import { afterEach, describe, expect, it } from "vitest";
import { adviceCodes, codes, type Finding, findingCodes, type Sentence } from "../ipc/bindings";
import { STRICT_PROFILE } from "../ipc/fake-lab";
import { inWords } from "../lab/findings";
import { advised, inWords as inWordsHere } from "../settings/findings";
import { de } from "./de";
import { en } from "./en";
import { fill, named } from "./fill";
import { LANGUAGES, noted, told, chooseLanguage, text, type Strings } from ".";

type Leaf = [path: string, words: string];

/** Every text of a language with where it stands. */
function leaves(node: unknown, path = ""): Leaf[] {
  if (typeof node === "string") return [[path, node]];
  return Object.entries(node ?? {}).flatMap(([name, child]) => leaves(child, path === "" ? name : `${path}.${name}`));
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
      if (/^(told|findings|health|advice)\./.test(path)) return false;
      const inEnglish = english.get(path) ?? english.get(path.replace(/\.one$/, ".other")) ?? "";
      const wanted = path.endsWith(".one") ? slots(inEnglish).filter((slot) => slot !== "count") : slots(inEnglish);
      const there = path.endsWith(".one") ? slots(words).filter((slot) => slot !== "count") : slots(words);
      return there.join() !== wanted.join();
    });
    expect(odd).toEqual([]);
  });

  it("leaves nothing in English but what is the same word in both", () => {
    const SAME = /^(app\.(name|footer)|add\.(addressExample|scope|urlExamples\.\w+)|settings\.(start|version|topics\.agent|kinds\.\w+|languages\.\w+|dateForms\.iso)|keys\.(scope|realm|audience|resource)\.label|claims\.(azp|client_id|name|scope|aud)|log\.levels\.\w+|token\.generation|time\.\w+|recent\.withNote|inspector\.ahead|lifeline\.(access|refresh)|lab\.tabs\.backend)$/;
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

describe("what the host says", () => {
  afterEach(() => chooseLanguage("system"));
  const span = (ms: number) => `${ms / 1000} s`;

  it("stays in its own words in English, and where its code is not known", async () => {
    expect(told({ code: "refused", values: {}, words: "As said" }, span)).toBe("As said");
    await chooseLanguage("de");
    expect(told({ code: "toString", values: {}, words: "As said" }, span)).toBe("As said");
  });

  it("is worded anew from its code, and leaves no slot open", async () => {
    await chooseLanguage("de");
    const values = { said: "revoked", status: "503", error: "e", what: "its reply did not arrive", why: "w", port: "1", by_ms: "9", allowed_ms: "28800000", how: "behind", margin_ms: "12000" };
    for (const code of codes) expect(told({ code, values, words: "!" }, span), code).not.toMatch(/[{}!]/);
    expect(told({ code: "refused", values, words: "" }, span)).toBe(
      "Der Anbieter hat die Erneuerung abgelehnt („revoked“). Melden Sie sich neu an",
    );
    expect(told({ code: "renew_before", values: { margin_ms: "12000", jitter_ms: "2000", assumed: "yes" }, words: "" }, span)).toBe(
      "12 s vor dem Ablauf, wie es das Konto verlangt, dazu 2 s Streuung; der Server sagt nicht, wie lange das Token gilt, daher ist das angenommen",
    );
    expect(told({ code: "clock_off", values: { by_ms: "600000", how: "behind" }, words: "" }, span)).toMatch(/600 s nachgeht/);
  });

  it("of a backend is worded anew from its code, title, finding and advice, and leaves no slot open", async () => {
    const [first] = STRICT_PROFILE;
    if (first === undefined) throw new Error("there is no finding");
    expect(inWords(first)).toEqual({ title: first.title, value: first.value, advice: first.advice });
    await chooseLanguage("de");
    const values = { taken: "10", refused: "11", secs: "60", ahead: "+0.5", error: "0.6", answer: "400 invalid_grant", status: "400", lasts_ms: "900000" };
    for (const code of findingCodes) {
      const { value, advice } = inWords({ ...first, code, values, advice: "!", advice_code: code });
      expect([value, advice].join(" "), code).not.toMatch(/[{}!]/);
    }
    for (const finding of STRICT_PROFILE) {
      const words = inWords(finding);
      if (!finding.title.startsWith("Cache-Control") && finding.title !== "Rotation") expect(words.title).not.toBe(finding.title);
      if (finding.code !== "lasts") expect(words.value).not.toBe(finding.value);
      expect(words.advice === null).toBe(finding.advice === null);
    }
    expect(inWords({ ...first, code: "toString", title: "T", fact: "later", value: "As said" })).toMatchObject({ title: "T", value: "As said" });
  });

  it("of this machine and of a policy is worded anew, what to do apart from what is found", async () => {
    const finding: Finding = { topic: "vault", account: null, code: "c", grade: "problem", message: "M", hint: "H", sentence: "as_said", values: {} };
    expect(inWordsHere(finding)).toEqual({ message: "M", hint: "H" });
    await chooseLanguage("de");
    const values = { count: "2", file: "/f", path: "/p", folder: "state folder", variable: "V", error: "e", free_bytes: "12345678901", time: "t", ahead_ms: "9", host: "h", took_ms: "9", patience_ms: "5000", what: "w", by_ms: "9", how: "ahead", generation: "3", reason: "keychain_locked", detail: "d", at: "a", remedy: "r", place: "l", name: "n" };
    const { reason, ...others } = values;
    for (const sentence of Object.keys(text.health?.sentences ?? {}) as Sentence[]) {
      const { message, hint } = inWordsHere({ ...finding, sentence, values: /_(fails|refused)$/.test(sentence) ? { ...others, reason } : others });
      expect(`${message} ${hint ?? ""}`, sentence).not.toMatch(/[{}]|^M/);
      expect(hint?.includes(". ") ?? false, sentence).toBe(false);
    }
    expect(inWordsHere({ ...finding, sentence: "vault_fails", values: { reason, detail: "d" } })).toEqual({
      message: "Der Schlüsselbund ist gesperrt (d)",
      hint: "Entsperren Sie ihn, dann geht alles von selbst weiter",
    });
    expect(inWordsHere({ ...finding, sentence: "disk_full", values: { folder: "state folder", path: "/p", variable: "V", free_bytes: "12345678901" } }).message).toMatch(/Zustandsordner .p ist voll: noch 12,3 GB/);
    for (const code of adviceCodes) {
      const spans = { key: "max_age", update_ms: "1", age_ms: "1", idle_ms: "1", length_ms: "1", before_ms: "1", access_ms: "1", first_ms: "1" };
      expect(advised({ code, warns: true, message: "!", values: spans }), code).not.toMatch(/[{}!]/);
    }
  });

  it("at a mark of the past needs no values but a status that the note has", async () => {
    expect(noted({ note: "Answered 503", reason: "provider_busy" })).toBe("Answered 503");
    await chooseLanguage("de");
    expect(noted({ note: "Answered 503", reason: "provider_busy" })).toBe("Der Anbieter kann es gerade nicht (503)");
    expect(noted({ note: "cannot be reached: no", reason: "unreachable" })).toBe("Der Anbieter ist nicht erreichbar");
    expect(noted({ note: "8 h", reason: "max_age_reached" })).toBe("Erneuerung fehlgeschlagen");
    expect(noted({ note: "odd", reason: null })).toBe("Erneuerung fehlgeschlagen");
    expect(noted({ note: null, reason: null })).toBeNull();
  });
});
