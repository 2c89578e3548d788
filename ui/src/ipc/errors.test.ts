import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { chooseLanguage, text } from "../strings";
import { en } from "../strings/en";
import { explain, type KnownCode, toCommandError } from "./errors";

const { dismiss, ...texts } = en.errors;
const KNOWN_CODES = Object.keys(texts) as KnownCode[];

describe("each known code", () => {
  it.each(KNOWN_CODES)("%s says what happened and what to do", (code) => {
    const said = explain({ code, message: "", hint: null });
    expect(said.title).toBe(text.errors[code].title);
    expect(said.todo).toBeTruthy();
    expect(said.detail).toBeNull();
    expect(said.title).not.toMatch(/\.$/);
  });
  it.each(KNOWN_CODES)("%s lets the host's hint go first", (code) => {
    expect(explain({ code, message: "", hint: "do this" }).todo).toBe("Do this.");
  });
});

it("the word on a button is no code", () => {
  expect(dismiss).toBeTruthy();
  expect(explain({ code: "dismiss", message: "m", hint: null }).title).toBe("m");
});

describe("in German", () => {
  beforeEach(() => chooseLanguage("de"));
  afterEach(() => chooseLanguage("system"));

  it("what a session may have as its reason is worded anew, around what the host says in German itself", () => {
    const error = { code: "backend_unreachable", message: "the provider cannot be reached: nothing listens at its address", hint: "check it", told: { code: "unreachable", values: { what: "unter seiner Adresse antwortet kein Programm" } } };
    const said = explain(error);
    expect(said.detail).toBe("Der Anbieter ist nicht erreichbar: unter seiner Adresse antwortet kein Programm");
    expect([said.detailIn, said.todo]).toEqual([undefined, text.errors.backend_unreachable.todo]);
    expect(explain({ code: "keychain_slow", message: "m", hint: null, told: { code: "keychain_slow", values: {} } })).toMatchObject({
      title: "Der Schlüsselbund antwortet nicht rechtzeitig",
      todo: "Sehen Sie nach, ob er eine Frage stellt",
      detail: null,
    });
  });

  it("the host's own words are said to be English", () => {
    expect(explain({ code: "internal", message: "broken pipe", hint: "h" })).toMatchObject({ detail: "broken pipe", detailIn: "en", todo: text.errors.internal.todo });
    expect(explain({ code: "new", message: "Odd", hint: "Look" })).toMatchObject({ title: text.errors.internal.title, detail: "Odd", detailIn: "en", todo: null });
  });
});

it("an unknown code falls back to the host's words", () => {
  expect(explain({ code: "toString", message: "Odd", hint: "Look" })).toEqual({
    code: "toString",
    severity: "problem",
    title: "Odd",
    todo: "Look",
    detail: null,
  });
  expect(explain({ code: "new", message: "", hint: null }).title).toBe(text.errors.internal.title);
});

it("anything thrown becomes a CommandError", () => {
  expect(toCommandError({ code: "busy", message: "m", hint: "" })).toEqual({ code: "busy", message: "m", hint: null });
  expect(toCommandError(new Error("broken"))).toEqual({ code: "internal", message: "broken", hint: null });
  expect(toCommandError("not allowed by ACL")).toEqual({ code: "internal", message: "not allowed by ACL", hint: null });
  for (const odd of [null, undefined, 7, {}, []]) expect(toCommandError(odd).code).toBe("internal");
});
