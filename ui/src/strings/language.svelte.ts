// Which language the window speaks. Everything that is said reads `text` and `locales`, so that a change of the
// setting shows at once, without opening anything anew.
import type { en } from "./en";
import type { Plural, Values } from "./fill";
import { fill } from "./fill";

/** What each language has to say. A key too few or too many in one of them does not compile. */
export type Strings = typeof en;

/** The languages there are. Each is a chunk of its own: a window loads the one it speaks. */
export const LANGUAGES = {
  en: { name: "English", direction: "ltr", load: async () => (await import("./en")).en },
  de: { name: "Deutsch", direction: "ltr", load: async () => (await import("./de")).de },
} as const satisfies Record<string, { name: string; direction: "ltr" | "rtl"; load: () => Promise<Strings> }>;

export type Language = keyof typeof LANGUAGES;

/** `system`: the first language of the system that the window speaks; English where there is none. */
export type LanguageChoice = "system" | Language;

let strings = $state.raw<Strings>();
let spoken = $state.raw<Language>("en");
let regions = $state.raw<readonly string[]>(localesOf("en", "system"));
const rules = $derived(new Intl.PluralRules(spoken));
const numbers = $derived(new Intl.NumberFormat([...regions]));
const lists = $derived(new Intl.ListFormat([...regions], { type: "conjunction" }));
/** Which choice is the last one: a chunk that arrives late must not undo it. */
let latest = 0;

/** Every sentence the window can say, in the language it speaks now. Nothing is there before one was chosen. */
export const text: Strings = new Proxy(Object.create(null) as Strings, {
  get: (_, area) => {
    if (strings === undefined) throw new Error("no language was chosen yet");
    return Reflect.get(strings, area) as unknown;
  },
});

/** The language that is spoken now. */
export const language = (): Language => spoken;

/** The locales by which times, numbers and lists are written, the most wanted first. The same array until it changes. */
export const locales = (): readonly string[] => regions;

/** Puts a number and other values into the form of a sentence that goes with the number. */
export function plural(forms: Plural, count: number, values: Values = {}): string {
  return fill(forms[rules.select(count)] ?? forms.other, { count: numbers.format(count), ...values });
}

/** A whole or broken number as the reader writes it. */
export const number = (value: number): string => numbers.format(value);

/** "a, b and c" */
export const list = (parts: readonly string[]): string => lists.format(parts);

/** Speaks this language from now on. Resolves when it does. */
export async function chooseLanguage(choice: LanguageChoice): Promise<void> {
  const mine = ++latest;
  const wanted = choice === "system" ? systemLanguage() : choice;
  const loaded = await LANGUAGES[wanted].load();
  if (mine !== latest) return;
  strings = loaded;
  spoken = wanted;
  regions = localesOf(wanted, choice);
  document.documentElement.lang = wanted;
  document.documentElement.dir = LANGUAGES[wanted].direction;
}

/** The languages of the system, as far as Intl knows them: a tag that no engine knows must not keep the window shut. */
function system(): string[] {
  try {
    return Intl.DateTimeFormat.supportedLocalesOf([...navigator.languages]);
  } catch {
    return [];
  }
}

function base(tag: string): string {
  return new Intl.Locale(tag).language;
}

function systemLanguage(): Language {
  return system().map(base).find((tag): tag is Language => Object.hasOwn(LANGUAGES, tag)) ?? "en";
}

/** Who speaks English reads 20/11 or 11/20: the system says which. Who chose a language gets the dates of that language. */
function localesOf(wanted: Language, choice: LanguageChoice): readonly string[] {
  const known = system();
  const fitting = known.filter((tag) => base(tag) === wanted);
  if (fitting.length > 0) return fitting;
  return choice === "system" && known.length > 0 ? known : [wanted];
}
