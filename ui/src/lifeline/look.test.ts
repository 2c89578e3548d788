import { describe, expect, it } from "vitest";
import { DAY, HOUR, MINUTE } from "../time";
import { between, FIT, panned, shortest, stretch, toNow, zoomed, type Look } from "./look";

const now = Date.UTC(2026, 10, 20, 14, 34, 6);
const fit = { start: now - 3 * HOUR, end: now + 1.5 * HOUR };
const spans = (look: Look, at = now) => {
  const { start, end } = stretch(look, fit, at);
  return end - start;
};

describe("zooming", () => {
  it("goes from ten minutes to thirty days, and no further", () => {
    let look: Look = FIT;
    for (let step = 0; step < 30; step += 1) look = zoomed(look, fit, now, 2);
    expect(spans(look)).toBe(30 * DAY);
    for (let step = 0; step < 30; step += 1) look = zoomed(look, fit, now, 0.5);
    expect(spans(look)).toBe(10 * MINUTE);
  });
  it("goes as far as what fits where that is shorter", () => {
    expect(shortest({ start: now - MINUTE, end: now + MINUTE })).toBe(2 * MINUTE);
    expect(shortest(fit)).toBe(10 * MINUTE);
  });
  it("keeps the present where it is, and moves on with it", () => {
    const look = zoomed(FIT, fit, now, 0.5);
    const place = (at: number) => (at - stretch(look, fit, at).start) / spans(look, at);
    expect(place(now)).toBeCloseTo(2 / 3);
    expect(place(now + HOUR)).toBeCloseTo(2 / 3);
  });
  it("keeps the moment under the pointer where it is", () => {
    const moment = now - 2 * HOUR;
    const before = stretch(FIT, fit, now);
    const look = zoomed(FIT, fit, now, 0.3, moment);
    const after = stretch(look, fit, now);
    expect((moment - after.start) / (after.end - after.start)).toBeCloseTo((moment - before.start) / (before.end - before.start));
  });
});

describe("moving", () => {
  it("stops following the present, and comes back to it", () => {
    const back = panned(FIT, fit, now, -2);
    expect(stretch(back, fit, now).end).toBeLessThan(now);
    expect(stretch(back, fit, now + HOUR)).toEqual(stretch(back, fit, now));
    const home = stretch(toNow(back, fit, now), fit, now);
    expect(home.start).toBeLessThan(now);
    expect(home.end).toBeGreaterThan(now);
    expect(home.end - home.start).toBe(spans(FIT));
  });
  it("has an end in both directions", () => {
    for (const share of [-1e9, 1e9, -Infinity, Infinity]) {
      const { start, end } = stretch(panned(FIT, fit, now, share), fit, now);
      expect(Math.abs(start - now)).toBeLessThanOrEqual(400 * DAY);
      expect(Math.abs(end - now)).toBeLessThanOrEqual(400 * DAY);
    }
  });
});

it("a way from one stretch to another begins at the one and ends at the other", () => {
  const to = { start: now, end: now + DAY };
  expect(between(fit, to, 0)).toEqual(fit);
  expect(between(fit, to, 1)).toEqual(to);
  expect(between(fit, to, 0.5).end).toBeGreaterThan((fit.end + to.end) / 2);
});
