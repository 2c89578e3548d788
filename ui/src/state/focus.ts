// Where the focus goes when what has it is taken out of the page: to what is nearest to where that was, not nowhere. Whoever
// uses the keyboard or listens goes on from there.

const FOCUSABLE = 'button, a[href], input, select, textarea, summary, [tabindex]';

/** Looks after the focus in `root`, until what is given back is called. */
export function keepFocus(root: HTMLElement): () => void {
  /** What had it last, and what that stood in. */
  let path: readonly Element[] = [];

  const isLost = (): boolean => document.activeElement === document.body && path[0]?.isConnected === false;

  function goOn(): void {
    if (!isLost()) return;
    const near = path.find((one) => one.isConnected);
    // Of a whole view that is another one, its heading.
    const goal = near?.querySelector("h1[tabindex]") ?? (near?.matches(FOCUSABLE) ? near : near?.querySelector(FOCUSABLE));
    if (goal instanceof HTMLElement) goal.focus({ preventScroll: true });
  }

  function focused({ target }: FocusEvent): void {
    const found: Element[] = [];
    for (let one = target instanceof Element ? target : null; one !== null; one = one.parentElement) found.push(one);
    path = found;
  }

  const observer = new MutationObserver(() => {
    // Whoever knows better where it is to go says so at once.
    if (isLost()) setTimeout(goOn);
  });
  root.addEventListener("focusin", focused);
  observer.observe(root, { subtree: true, childList: true });
  return () => {
    root.removeEventListener("focusin", focused);
    observer.disconnect();
  };
}
