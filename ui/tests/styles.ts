// The styles of the window, as they are written.
import { readdirSync, readFileSync } from "node:fs";

/** Every component and style sheet. */
export const styled = readdirSync("src", { recursive: true, encoding: "utf8" })
  .filter((file) => /\.(svelte|css)$/.test(file))
  .map((file) => `src/${file}`)
  .sort();

/** The styles of a component, or a whole style sheet, in lines. */
export function styles(file: string): string[] {
  const source = readFileSync(file, "utf8");
  return file.endsWith(".css") ? source.split("\n") : [...source.matchAll(/<style>([\s\S]*?)<\/style>/g)].flatMap((found) => (found[1] ?? "").split("\n"));
}
