// Puts values into sentences. What differs by language (plural forms, numbers, lists) is left to Intl.

/** The forms of a sentence that counts: those the language has, by its plural rules; `other` is the last resort. */
export type Plural = { readonly other: string } & { readonly [rule in Intl.LDMLPluralRule]?: string };

export type Values = Readonly<Record<string, string | number>>;

/** Puts values into a sentence: `fill("Signed in until {when}", { when })`. Unknown slots stay visible. */
export function fill(template: string, values: Values): string {
  return template.replace(/\{(\w+)\}/g, (slot, name: string) => (Object.hasOwn(values, name) ? String(values[name]) : slot));
}

/** A sentence cut at one slot, for a component that draws the slot itself. */
export function around(template: string, slot: string): [before: string, after: string] | null {
  const at = template.indexOf(`{${slot}}`);
  return at < 0 ? null : [template.slice(0, at), template.slice(at + slot.length + 2)];
}

/** The text of a table for a name that comes from elsewhere; the name itself where the table has none. */
export const named = (table: Readonly<Record<string, string>>, name: string): string =>
  Object.hasOwn(table, name) ? (table[name] ?? name) : name;
