import { describe, expect, it } from "vitest";
import type { ClaimStatus } from "../ipc/bindings";
import { allowed, explained, lifetime, read, telling } from "./claims";

const claims = (members: Record<string, string>): ClaimStatus[] => Object.entries(members).map(([name, value]) => ({ name, value }));
const value = (name: string, text: string) => read({ name, value: text });

describe("a claim is read as what it is", () => {
  it("a time by its name, whole or broken, and only where it can be one", () => {
    expect(value("exp", "1790000000")).toEqual({ kind: "time", at: 1790000000_000 });
    expect(value("iat", "1790000000.5")).toEqual({ kind: "time", at: 1790000000_500 });
    expect(value("exp", "soon")).toEqual({ kind: "text", text: "soon" });
    expect(value("exp", "9999999999999")).toEqual({ kind: "text", text: "9999999999999" });
    expect(value("sub", "1790000000")).toEqual({ kind: "text", text: "1790000000" });
  });
  it("a list by its brackets or its spaces, a flag, an object", () => {
    expect(value("scope", "openid  profile")).toEqual({ kind: "list", items: ["openid", "profile"] });
    expect(value("aud", '["a","b"]')).toEqual({ kind: "list", items: ["a", "b"] });
    expect(value("email_verified", "true")).toEqual({ kind: "flag", yes: true });
    expect(value("cnf", '{"jkt":"x","n":1}')).toEqual({ kind: "members", members: [{ name: "jkt", value: "x" }, { name: "n", value: "1" }] });
  });
  it("what was cut or is no JSON is a text", () => {
    for (const text of ['["a","b…', "{", "[]x", "<img>"]) expect(value("groups", text)).toEqual({ kind: "text", text });
  });
});

describe("the token before", () => {
  const before = claims({ iss: "https://id.example.com", exp: "1", jti: "a", roles: '["admin"]', email: "ada@example.com" });
  const now = claims({ roles: '["admin","billing"]', exp: "2", jti: "b", iss: "https://id.example.com", org_id: "o1" });
  const all = explained(now, before);
  const change = (name: string) => all.find((claim) => claim.name === name);

  it("shows what is new, what changed and what is gone", () => {
    expect(change("iss")?.change).toBe("same");
    expect(change("org_id")?.change).toBe("new");
    expect(change("roles")).toMatchObject({ change: "changed", before: '["admin"]' });
    expect(change("email")).toMatchObject({ change: "gone", before: "ada@example.com" });
  });
  it("does not make news of times and numbers", () => {
    expect(all.filter(telling).map(({ name }) => name).sort()).toEqual(["email", "org_id", "roles"]);
  });
  it("changes nothing where there was none", () => {
    expect(explained(now, null).every((claim) => claim.change === "same")).toBe(true);
  });
  it("what people look for comes first, with what it means", () => {
    expect(all[0]).toMatchObject({ name: "iss", meaning: "issuer" });
    expect(change("org_id")?.meaning).toBe("organisation");
    expect(explained(claims({ constructor: "x", __proto__x: "y" }), null).map(({ meaning }) => meaning)).toEqual(["constructor", "__proto__x"]);
  });
});

it("what somebody may do is found where known servers put it", () => {
  const found = allowed(
    explained(
      claims({
        scope: "openid email",
        realm_access: '{"roles":["admin","user"]}',
        resource_access: '{"shop":{"roles":["buyer"]},"account":{"roles":["view-profile"]}}',
        permissions: '["read:all"]',
        groups: "[]",
        roles: "plain",
      }),
      null,
    ),
  );
  expect(Object.fromEntries(found.map(({ name, items }) => [name, items]))).toEqual({
    scope: ["openid", "email"],
    realm_access: ["admin", "user"],
    resource_access: ["shop: buyer", "account: view-profile"],
    permissions: ["read:all"],
    roles: ["plain"],
  });
});

it("a token says from when until when it is valid", () => {
  expect(lifetime(explained(claims({ iat: "10", nbf: "10", exp: "70" }), null))).toEqual({ issued: 10_000, starts: null, ends: 70_000 });
  expect(lifetime(explained(claims({ nbf: "20" }), null))).toEqual({ issued: null, starts: 20_000, ends: null });
});
