// How dates and times are written: as the language has it, as the system has it, or as ISO 8601 has it.
import type { Dates } from "./ipc/bindings";
import { locales } from "./strings";

let form = $state<Dates>("language");

export const dateForm = (): Dates => form;

export function chooseDates(wanted: Dates): void {
  form = wanted;
}

let zone = $state<string>();
let told: string | null = null;

/** The time zone of the system, where it is known: the page's own may be the one that it began in. */
export const dateZone = (): string | undefined => zone;

/** The system is in this zone from now on, as far as it is known there. */
export function chooseZone(wanted: string | null): void {
  // It is told with all news, and to find out whether it is one costs more than to say a time of it.
  if (wanted === told) return;
  told = wanted;
  zone = wanted !== null && isZone(wanted) ? wanted : undefined;
}

function isZone(name: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat("en", { timeZone: name }));
  } catch {
    return false;
  }
}

let system: readonly string[] | undefined;

/** The locales that dates are written by, the most wanted first. The same array until it changes. */
export function dateLocales(): readonly string[] {
  if (form !== "system") return locales();
  try {
    return (system ??= Intl.DateTimeFormat.supportedLocalesOf([...navigator.languages]));
  } catch {
    // A tag that no engine knows must not keep a time from being shown.
    return locales();
  }
}
