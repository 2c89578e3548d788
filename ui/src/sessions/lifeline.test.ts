import { describe, expect, it } from "vitest";
import { iso, needsSignIn, signedIn, signedOut, waiting, type Shape } from "../ipc/fake-sessions";
import type { HistoryMark, SessionStatus } from "../ipc/bindings";
import { DAY, HOUR, makeTimes, MINUTE } from "../time";
import { chooseWindow, lifeline, type Lifeline } from "./lifeline";
import { lifelineWords, shortNote } from "./lifeline-words";

const now = Date.UTC(2026, 10, 20, 14, 34, 6);
const times = makeTimes("en-GB", "UTC");
const measure = (text: string) => text.length * 5.5;

const draw = (status: SessionStatus, width = 640, at = now): Lifeline =>
  lifeline({ status, now: at, width, measure, words: lifelineWords(status.clocks, at, times) });

const shapes = (line: Lifeline, shape: string) => line.marks.filter((mark) => mark.shape === shape);
const bar = (line: Lifeline, tone: string) => line.bars.find((drawn) => drawn.tone === tone);
const label = (line: Lifeline, key: string) => line.labels.find((drawn) => drawn.key === key)?.text;

/** What holds for every drawing. */
function expectSound(line: Lifeline): void {
  const numbers = [
    line.nowX,
    line.step,
    ...line.grid,
    ...line.bars.flatMap(({ x, y, width, height }) => [x, y, width, height]),
    ...line.marks.flatMap(({ x, y }) => [x, y]),
    ...line.labels.flatMap(({ x, y }) => [x, y]),
  ];
  expect(numbers.every(Number.isFinite)).toBe(true);
  for (const { x, width } of line.bars) {
    expect(width).toBeGreaterThan(0);
    expect(x).toBeGreaterThanOrEqual(line.left);
    expect(x + width).toBeLessThanOrEqual(line.width + 0.1);
  }
  for (const { x } of line.marks) {
    expect(x).toBeGreaterThanOrEqual(line.left);
    expect(x).toBeLessThanOrEqual(line.width);
  }
  for (const { x, text } of line.labels) {
    expect(x).toBeGreaterThanOrEqual(0);
    expect(x + measure(text)).toBeLessThanOrEqual(line.width + 0.1);
  }
  for (const [index, one] of line.labels.entries()) {
    for (const other of line.labels.slice(index + 1)) {
      if (Math.abs(one.y - other.y) > 8) continue;
      const apart = one.x + measure(one.text) <= other.x || other.x + measure(other.text) <= one.x;
      expect(apart, `"${one.text}" and "${other.text}" overlap`).toBe(true);
    }
  }
  for (const keys of [line.bars, line.marks, line.labels]) expect(new Set(keys.map(({ key }) => key)).size).toBe(keys.length);
  for (const { sentence } of [...line.bars, ...line.marks]) expect(sentence).toMatch(/^[A-Z0-9].*[^{}]$/);
}

const failures = (count: number, from: number, step: number): HistoryMark[] =>
  Array.from({ length: count }, (_, index) => ({
    kind: "failed",
    at: iso(from + index * step),
    generation: 42,
    fingerprint: null,
    expires_at: null,
    took_ms: null,
    note: index % 2 ? "503 from the token endpoint" : "a note that is far too long to be a label anywhere",
    reason: "provider_busy",
  }));

describe("a session that is signed in", () => {
  const line = draw(signedIn(now, { failures: 1 }));

  it("shows the token in hand, its margin and the planned renewal inside it", () => {
    const current = bar(line, "current");
    const margin = bar(line, "margin");
    const planned = shapes(line, "planned")[0];
    expect(current?.x).toBeLessThan(line.nowX);
    expect((margin?.x ?? 0) + (margin?.width ?? 0)).toBeCloseTo((current?.x ?? 0) + (current?.width ?? 0), 0);
    expect(planned?.x).toBeGreaterThan(line.nowX);
    expect(planned?.x).toBeLessThan(margin?.x ?? 0);
    expect(current?.width).toBeGreaterThan((line.width - line.left) / 5);
    expect(label(line, "planned")).toMatch(/^renews 14:34:\d\d$/);
  });
  it("shows each token before it once, and not the one in hand twice", () => {
    const past = line.bars.filter(({ tone }) => tone === "past");
    expect(past.length).toBeGreaterThan(1);
    expect(past.some(({ sentence }) => sentence.includes("generation 42"))).toBe(false);
  });
  it("marks renewals and failures, and says each in a sentence", () => {
    expect(shapes(line, "renewed").at(-1)?.sentence).toMatch(/^Renewed at .*, generation 42$/);
    expect(shapes(line, "failed")[0]?.sentence).toContain("503 from the token endpoint");
    expect(line.labels.some(({ text }) => text === "503")).toBe(true);
  });
  it("lets lanes that go on fade at the edge, with what is left", () => {
    expect(bar(line, "refresh")?.fades).toBe(true);
    expect(label(line, "refresh")).toBe("29 min left · rotates each time");
    expect(label(line, "session")).toBe("ceiling 22:34");
    expect(shapes(line, "ceiling")).toHaveLength(0);
  });
  it("marks a ceiling in sight", () => {
    const near = draw(signedIn(now, { ceilingIn: 40_000, refreshLifetime: 70_000 }));
    expect(shapes(near, "ceiling")[0]?.sentence).toMatch(/^Ceiling: the session ends/);
    expect(bar(near, "session")?.fades).toBe(false);
    expectSound(near);
  });
  it("never lets a label straddle the end of its bar", () => {
    for (let left = 2_000; left < 120_000; left += 1_500) {
      const drawn = draw(signedIn(now, { refreshLifetime: left + 18_000, ceilingIn: left }));
      for (const [key, tone] of [["refresh", "refresh"], ["session", "session"]] as const) {
        const said = drawn.labels.find((one) => one.key === key);
        const lane = bar(drawn, tone);
        if (!said || !lane) continue;
        const end = lane.x + lane.width;
        expect(said.x >= end || said.x + measure(said.text) <= end).toBe(true);
      }
    }
  });
  it("moves no faster than half a pixel asks for", () => {
    expect(draw(signedIn(now, { lifetime: 24 * HOUR })).step).toBeGreaterThan(MINUTE);
    expect(line.step).toBeLessThan(1000);
  });
});

describe("the window", () => {
  it("holds three lifetimes of the past where there is as much, in steps", () => {
    const spans = [0, 1, 3, 9].map((past) => {
      const { start, end } = chooseWindow(signedIn(now, { past, gone: 0.1 }), now);
      return [(now - start) / 60_000, (end - now) / 60_000];
    });
    expect(spans).toEqual([[1, 1.5], [1, 1.5], [3, 1.5], [3, 1.5]]);
  });
});

describe("a session that ended or waits", () => {
  it("shows when the access token expired and that the refresh token was refused", () => {
    const line = draw(needsSignIn(now - HOUR));
    expect(label(line, "expired")).toMatch(/^expired 13:3\d$/);
    expect(label(line, "refresh")).toBe("refused");
    expectSound(line);
  });
  it("shows when the next try comes", () => {
    const line = draw(waiting(now));
    expect(label(line, "planned")).toMatch(/^tries/);
    expectSound(line);
  });
  it("has nothing to draw when nothing is known, and says so", () => {
    const line = draw(signedOut("demo"));
    expect(line.bars).toHaveLength(0);
    expect(label(line, "session")).toBe("no ceiling known");
    expectSound(line);
  });
});

describe("absurd inputs end in a sound drawing", () => {
  const token = (received: number, expires: number, margin: number): SessionStatus => {
    const status = signedIn(now);
    return {
      ...status,
      access: status.access && { ...status.access, received_at: iso(received), expires_at: iso(expires), margin_from: iso(margin) },
    };
  };
  const shape = (change: Partial<Shape>) => signedIn(now, change);
  const broken = (text: string): SessionStatus => {
    const status = signedIn(now);
    return {
      ...status,
      access: status.access && { ...status.access, received_at: text, expires_at: text, margin_from: text },
      history: status.history.map((entry) => ({ ...entry, at: text })),
      clocks: { access: null, refresh: { expires_at: text, source: text }, session: { expires_at: text, source: text } },
    };
  };
  const long = signedIn(now, { past: 150 });

  it.each<[string, SessionStatus]>([
    ["expired long ago", token(now - 9 * DAY, now - 8 * DAY, now - 8 * DAY)],
    ["a lifetime of zero", token(now, now, now)],
    ["an expiry before its receipt", token(now + HOUR, now - HOUR, now)],
    ["received tomorrow: the clock jumped back", token(now + DAY, now + DAY + MINUTE, now + DAY)],
    ["received last year: the clock jumped ahead", token(now - 365 * DAY, now - 364 * DAY, now)],
    ["a margin after the expiry", token(now - MINUTE, now + MINUTE, now + HOUR)],
    ["a margin before the receipt", token(now - MINUTE, now + MINUTE, now - HOUR)],
    ["a lifetime of a thousand years", token(now, now + 365_000 * DAY, now + DAY)],
    ["times that are none", broken("soon")],
    ["no history", { ...signedIn(now), history: [] }],
    ["200 entries", { ...long, history: [...long.history, ...failures(49, now - 3 * MINUTE, 3_500)] }],
    ["200 failures at once", { ...signedIn(now), history: failures(200, now - 1000, 0) }],
    ["failures all over", { ...signedIn(now), history: failures(200, now - 3 * MINUTE, 900) }],
    ["a lifetime of a second", shape({ lifetime: 1000 })],
    ["a lifetime of a month", shape({ lifetime: 30 * DAY, refreshLifetime: 90 * DAY })],
    ["a refresh token that is over", shape({ refreshLifetime: 5_000 })],
    ["a ceiling that is over", shape({ ceilingIn: -5_000 })],
    ["a ceiling at this moment", shape({ ceilingIn: 0 })],
    ["a renewal overdue", { ...signedIn(now + 50_000) }],
  ])("%s", (_, status) => {
    for (const width of [0, 260, 380, 640, 1400]) expectSound(draw(status, width));
  });

  it("at every moment of a session's hour, wide and narrow", () => {
    const status = { ...signedIn(now, { lifetime: 10 * MINUTE, refreshLifetime: HOUR, ceilingIn: 50 * MINUTE, failures: 2 }) };
    for (let at = now - 20 * MINUTE; at < now + 70 * MINUTE; at += 37_000) {
      expectSound(draw(status, 640, at));
      expectSound(draw(status, 330, at));
    }
  });
});

it("a failure is labelled by its status, or shortly, or not by its own words", () => {
  expect(shortNote("503 from the token endpoint")).toBe("503");
  expect(shortNote("HTTP 429: slow down")).toBe("429");
  expect(shortNote("connection refused")).toBe("connection refused");
  expect(shortNote("no answer within 10 s of 15000 ms allowed here")).toBe("failed");
  expect(shortNote(null)).toBe("failed");
});
