// Stands between the page and the app: Tauri loads it in a frame of its own, where no script of the page reaches, and
// lets no message through that has not been here. What does not look like a call of ours is turned into one of a
// command that is not there, so that its caller gets an error instead of waiting for ever.
"use strict";

(() => {
  // The names of the commands are put in here when the app is built.
  const commands = new Set([/* commands */]);
  /** How deep the arguments of a call may be nested, how many values they may hold, how long a text may be. */
  const limits = { depth: 8, values: 2_000, characters: 256 * 1024 };
  /** What an argument may be called. Deeper down a name may be anything, such as that of an account's setting. */
  const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/;

  const isRecord = (value) => typeof value === "object" && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value) && !(value instanceof ArrayBuffer);

  function fits(value, depth, room) {
    room.values -= 1;
    if (room.values < 0 || room.characters < 0 || depth > limits.depth) return false;
    if (value === null || value === undefined || typeof value === "boolean") return true;
    if (typeof value === "number") return Number.isFinite(value);
    if (typeof value === "string") {
      room.characters -= value.length;
      return room.characters >= 0;
    }
    if (Array.isArray(value)) return value.every((item) => fits(item, depth + 1, room));
    if (!isRecord(value)) return false;
    return Object.entries(value).every(([name, item]) => {
      room.characters -= name.length;
      return (depth > 0 || NAME.test(name)) && fits(item, depth + 1, room);
    });
  }

  const isCall = ({ cmd, payload }) =>
    typeof cmd === "string" && commands.has(cmd) && isRecord(payload) && fits(payload, 0, { ...limits });

  window.__TAURI_ISOLATION_HOOK__ = (message) =>
    isCall(message) ? message : { callback: message.callback, error: message.error, cmd: "refused", payload: {} };
})();
