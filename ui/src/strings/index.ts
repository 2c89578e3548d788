// Every sentence the window can say, by language and area: `en/sessions.ts` has what `de/sessions.ts` has, and does not
// compile otherwise. A new area is a file in each language and a line in each `index.ts`; components read
// `text.<section>.<name>`, put values in with `fill`, count with `plural` and look server-given names up with `named`.
export { around, fill, named, type Plural, type Values } from "./fill";
export { detailOf, noted, templateOf, told, type Told, worded } from "./told";
export {
  chooseLanguage,
  LANGUAGES,
  language,
  type Language,
  type LanguageChoice,
  list,
  locales,
  number,
  plural,
  type Strings,
  text,
} from "./language.svelte";
