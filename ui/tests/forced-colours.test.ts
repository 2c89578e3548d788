// Where people choose the colours, a ground or a shadow is gone: what only these would show has an edge there.
import { expect, it } from "vitest";
import { styled, styles } from "./styles";

/** What a component shows of its state by a ground or a shadow alone. */
const STATES = /(\[aria-(?:current|pressed|selected)[^\]]*\]|\.(?:selected|lit|on)) \{[^}]*(?:background|box-shadow):/;

const forced = (file: string) => styles(file).join("\n").split("@media (forced-colors: active)").slice(1).join("\n");

/** Classes that stand for a state which is an attribute as well. */
const ATTRIBUTES: Readonly<Record<string, string>> = { ".selected": "[aria-selected" };

it("shows every state by more than a ground", () => {
  const found = styled.flatMap((file) =>
    styles(file).flatMap((line) => {
      const state = STATES.exec(line)?.[1];
      return state === undefined ? [] : [{ file, state }];
    }),
  );
  expect(found.length).toBeGreaterThan(5);
  const missing = found.filter(({ file, state }) => {
    const name = ATTRIBUTES[state] ?? state.replace(/=.*|\]$/, "");
    return !forced(file).includes(name) && !forced("src/app.css").includes(name);
  });
  expect(missing).toEqual([]);
});
