import { expect, it } from "vitest";
import { place } from "./tip-place";

const card = { width: 240, height: 60 };

it("a card stands above what it explains, in the middle", () => {
  expect(place({ left: 400, top: 300, width: 10, height: 10 }, card, { width: 960, height: 700 })).toEqual({ left: 285, top: 232 });
});

it("a card stands below where there is no room above", () => {
  expect(place({ left: 400, top: 30, width: 10, height: 10 }, card, { width: 960, height: 700 }).top).toBe(48);
});

it("a card never leaves the window, wherever what it explains is", () => {
  for (const window of [{ width: 960, height: 700 }, { width: 420, height: 480 }]) {
    for (let left = -50; left < window.width + 50; left += 7) {
      for (let top = -50; top < window.height + 50; top += 11) {
        const at = place({ left, top, width: 30, height: 18 }, card, window);
        expect(at.left).toBeGreaterThanOrEqual(0);
        expect(at.top).toBeGreaterThanOrEqual(0);
        expect(at.left + card.width).toBeLessThanOrEqual(window.width);
        expect(at.top + card.height).toBeLessThanOrEqual(window.height);
      }
    }
  }
});
