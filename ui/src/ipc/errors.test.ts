import { describe, expect, it } from "vitest";
import { text } from "../strings";
import { explain, KNOWN_CODES, toCommandError } from "./errors";

describe("each known code", () => {
  it.each(KNOWN_CODES)("%s says what happened and what to do", (code) => {
    const said = explain({ code, message: "", hint: null });
    expect(said.title).toBe(text.errors[code].title);
    expect(said.todo).toBeTruthy();
    expect(said.detail).toBeNull();
    expect(said.title).not.toMatch(/\.$/);
  });
  it.each(KNOWN_CODES)("%s lets the host's hint go first", (code) => {
    expect(explain({ code, message: "", hint: "Do this" }).todo).toBe("Do this");
  });
});

it("no text is left over for a code that is not known", () => {
  const { dismiss, ...texts } = text.errors;
  expect(dismiss).toBeTruthy();
  expect(Object.keys(texts).sort()).toEqual([...KNOWN_CODES].sort());
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
