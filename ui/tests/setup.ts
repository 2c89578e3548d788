// What jsdom lacks and the window uses.
import "@testing-library/jest-dom/vitest";
import { beforeEach, vi } from "vitest";
import { chooseLanguage } from "../src/strings";
import { fetchLater } from "../src/fetched.svelte";

class NoResizes implements ResizeObserver {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}
vi.stubGlobal("ResizeObserver", NoResizes);

HTMLCanvasElement.prototype.getContext = () => null;
HTMLElement.prototype.scrollIntoView = () => undefined;

// Times are printed in the reader's language: tests fix it, so that they pass anywhere.
Object.defineProperty(navigator, "languages", { get: () => ["en-GB"], configurable: true });

await chooseLanguage("system");
await fetchLater();

/** The width the media queries see; a test sets it before it opens the window. */
export const screen = { width: 960 };

vi.stubGlobal("matchMedia", (query: string): Partial<MediaQueryList> => {
  const limit = Number(/max-width:\s*(\d+)px/.exec(query)?.[1] ?? NaN);
  return {
    media: query,
    get matches() {
      return screen.width <= limit;
    },
    addEventListener: () => {},
    removeEventListener: () => {},
  };
});

beforeEach(() => {
  screen.width = 960;
});
