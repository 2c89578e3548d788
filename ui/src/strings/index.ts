// The one place that decides the language. A second language is a second file of the type `Strings`.
import { en } from "./en";

export type Strings = typeof en;

export const text: Strings = en;

/** Puts values into a sentence: `fill("Signed in until {when}", { when })`. Unknown slots stay visible. */
export function fill(template: string, values: Readonly<Record<string, string | number>>): string {
  return template.replace(/\{(\w+)\}/g, (slot, name: string) => String(values[name] ?? slot));
}

/** A sentence cut at one slot, for a component that draws the slot itself. */
export function around(template: string, slot: string): [before: string, after: string] | null {
  const at = template.indexOf(`{${slot}}`);
  return at < 0 ? null : [template.slice(0, at), template.slice(at + slot.length + 2)];
}
