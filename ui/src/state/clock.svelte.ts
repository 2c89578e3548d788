// The window's only timer. It runs while something on screen counts and the document is visible, and no
// faster than what counts: each watcher says how often its text or pixel changes.
import { untrack } from "svelte";
import { lastTurn, MINUTE, SECOND } from "../time";

export class WallClock {
  now = $state(Date.now());
  // Who watches is nobody's view: a plain map.
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- see above
  #steps = new Map<symbol, number>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    document.addEventListener("visibilitychange", this.touch);
  }

  /** Reads the time now: after a wake, a return to the window, or news from the host. */
  touch = (): void => {
    this.now = Date.now();
    this.#plan();
  };

  /** Keeps `now` fresh every `step` ms until the returned function is called. For use in `$effect`. */
  watch(step: number): () => void {
    const id = Symbol();
    this.#steps.set(id, Math.min(Math.max(step, SECOND), MINUTE));
    // An effect that read `now` here would run again at each tick.
    untrack(() => {
      if (Date.now() - this.now >= SECOND) this.now = Date.now();
      this.#plan();
    });
    return () => {
      this.#steps.delete(id);
      this.#plan();
    };
  }

  stop(): void {
    document.removeEventListener("visibilitychange", this.touch);
    this.#steps.clear();
    this.#plan();
  }

  get running(): boolean {
    return this.#timer !== undefined;
  }

  #plan(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#steps.size === 0 || document.visibilityState === "hidden") return;
    const step = Math.min(...this.#steps.values());
    // On the beat of the wall clock, so that all countdowns turn together.
    this.#timer = setTimeout(this.touch, step - (Date.now() % step));
  }
}

/** The present for words, which turn by the minute and as one of `moments` passes: while others count seconds, they rest. */
export function settled(clock: WallClock, moments: () => readonly number[] = () => []): { readonly now: number } {
  const turns = $derived(moments());
  const now = $derived(lastTurn(clock.now, turns));
  return {
    get now() {
      return now;
    },
  };
}
