// What stands between the page and the app, with two commands in it.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";

interface Message {
  cmd: unknown;
  payload: unknown;
  callback: number;
  error: number;
}
type Hook = (message: Message) => Message;

const source = readFileSync("../src-tauri/isolation/hook.js", "utf8").replace("/* commands */", '"renew", "plugin:event|listen"');
const scope: { __TAURI_ISOLATION_HOOK__?: Hook } = {};
// eslint-disable-next-line @typescript-eslint/no-implied-eval, @typescript-eslint/no-unsafe-call -- it is our own script, as the app loads it
new Function("window", source)(scope);

/** The command that gets through. */
const passed = (cmd: unknown, payload: unknown): unknown => scope.__TAURI_ISOLATION_HOOK__?.({ cmd, payload, callback: 1, error: 2 }).cmd;

it("lets calls of commands through as they are", () => {
  const message = { cmd: "renew", payload: { account: "work" }, callback: 1, error: 2 };
  expect(scope.__TAURI_ISOLATION_HOOK__?.(message)).toBe(message);
  expect(passed("renew", { values: { "oauth.scope": "openid", "/data/accessToken": null } })).toBe("renew");
  expect(passed("plugin:event|listen", { event: "sessions", target: { kind: "Any" }, handler: 7 })).toBe("plugin:event|listen");
});

const nested = (depth: number): unknown => (depth === 0 ? 1 : { a: nested(depth - 1) });

it.each([
  ["a command that is not there", "get_token", {}],
  ["another plugin", "plugin:fs|read_file", {}],
  ["no name at all", 7, {}],
  ["a name that every object has", "constructor", {}],
  ["raw bytes", "renew", new Uint8Array(8)],
  ["a buffer", "renew", new ArrayBuffer(8)],
  ["a list", "renew", ["work"]],
  ["nothing", "renew", null],
  ["a text", "renew", "work"],
  ["a function", "renew", { account: () => 1 }],
  ["no number", "renew", { limit: NaN }],
  ["an argument without a proper name", "renew", { "a b": 1 }],
  ["too much text", "renew", { account: "x".repeat(300_000) }],
  ["too many values", "renew", { all: Array.from({ length: 3_000 }, () => 1) }],
  ["too deep a nesting", "renew", nested(12)],
])("turns %s away, and whoever called is told", (_, cmd, payload) => {
  expect(scope.__TAURI_ISOLATION_HOOK__?.({ cmd, payload, callback: 1, error: 2 })).toEqual({ cmd: "refused", payload: {}, callback: 1, error: 2 });
});
