// Where a card goes that explains something on screen: near it, and never outside the window. Pure.

export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Between what is explained and the card, and between the card and the edge of the window. */
const GAP = 8;

/** Above, in the middle; below where there is no room above. Pushed inside where it would stick out. */
export function place(what: Box, card: { width: number; height: number }, window: { width: number; height: number }): { left: number; top: number } {
  const inside = (at: number, size: number, room: number) => Math.max(GAP, Math.min(at, room - size - GAP));
  const above = what.top - card.height - GAP;
  const below = what.top + what.height + GAP;
  return {
    left: inside(what.left + what.width / 2 - card.width / 2, card.width, window.width),
    top: inside(above >= GAP ? above : below, card.height, window.height),
  };
}
