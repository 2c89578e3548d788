import { describe, expect, it } from "vitest";
import { cookieSession, iso, mark, needsSignIn, signedIn, signedOut, waiting, type Shape } from "../ipc/fake-sessions";
import type { HistoryMark, SessionStatus } from "../ipc/bindings";
import { DAY, HOUR, makeTimes, MINUTE } from "../time";
import { fitting, lifeline, read, type Lifeline } from "./lifeline";
import type { Stretch } from "./look";
import { nearest, neighbour, ordered } from "./roving";
import { lifelineWords, shortNote } from "./words";

const now = Date.UTC(2026, 10, 20, 14, 34, 6);
const times = makeTimes("en-GB", "UTC");
const measure = (text: string) => text.length * 5.5;

function draw(status: SessionStatus, width = 640, at = now, stretch?: Stretch): Lifeline {
  const past = read(status);
  const shown = stretch ?? fitting(status, past, at);
  return lifeline({ status, past, shown, now: at, width, measure, words: lifelineWords(status, at, times) });
}

it("draws a site's session without a refresh token, and calls its cookie a cookie", () => {
  const line = draw(cookieSession(now));
  expectSound(line);
  expect(line.labels.filter(({ key }) => key.startsWith("lane-")).map(({ text }) => text)).toEqual(["cookie", "session"]);
  const said = [...line.bars, ...line.marks].map(({ sentence }) => sentence).join(" ");
  expect(said).toContain("The session cookie in hand");
  expect(said).not.toMatch(/token/);
  expect(line.height).toBeLessThan(draw(signedIn(now)).height);
});

it("has the whole hours and days of the clocks around the person on its axis, whatever zone the page began in", () => {
  const ticks = (zone: string, length: number) => {
    const status = signedIn(now);
    const there = makeTimes("en-GB", zone);
    const words = lifelineWords(status, now, there);
    const line = lifeline({ status, past: read(status), shown: { start: now - length, end: now }, now, width: 640, measure, words });
    return line.labels.filter(({ key }) => key.startsWith("tick-")).map(({ key }) => there.short(Number(key.slice("tick-".length))));
  };
  expect(ticks("Asia/Kathmandu", 6 * HOUR)).toEqual(["15:00", "16:00", "17:00", "18:00", "19:00"]);
  expect(ticks("Pacific/Auckland", 6 * DAY)).toEqual(Array.from({ length: 5 }, () => "00:00"));
});

/** What is shown that ends this long from now and is that long. */
const stretch = (length: number, ahead = 0): Stretch => ({ start: now + ahead - length, end: now + ahead });

const shapes = (line: Lifeline, shape: string) => line.marks.filter((mark) => mark.shape === shape);
const bar = (line: Lifeline, tone: string) => line.bars.find((drawn) => drawn.tone === tone);
const label = (line: Lifeline, key: string) => line.labels.find((drawn) => drawn.key === key)?.text;

/** What holds for every drawing. */
function expectSound(line: Lifeline): void {
  const numbers = [
    line.nowX ?? 0,
    line.step ?? 0,
    ...line.areas.flatMap(({ x, width }) => [x, width]),
    ...line.grid,
    ...line.bars.flatMap(({ x, y, width, height }) => [x, y, width, height]),
    ...line.marks.flatMap(({ x, y, width }) => [x, y, width]),
    ...line.labels.flatMap(({ x, y }) => [x, y]),
  ];
  expect(numbers.every(Number.isFinite)).toBe(true);
  for (const { x, width } of [...line.bars, ...line.areas]) {
    expect(width).toBeGreaterThan(0);
    expect(x).toBeGreaterThanOrEqual(line.left);
    expect(x + width).toBeLessThanOrEqual(line.width + 0.1);
  }
  for (const { x, width } of line.marks) {
    expect(x).toBeGreaterThanOrEqual(line.left);
    expect(x + width).toBeLessThanOrEqual(line.width + 0.1);
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
  for (const keys of [line.areas, line.bars, line.marks, line.labels]) expect(new Set(keys.map(({ key }) => key)).size).toBe(keys.length);
  for (const { sentence } of [...line.areas, ...line.bars, ...line.marks]) expect(sentence).toMatch(/^[A-Z0-9].*[^{}]$/);
}

const failures = (count: number, from: number, step: number): HistoryMark[] =>
  Array.from({ length: count }, (_, index) =>
    mark("failed", from + index * step, { generation: 42, note: index % 2 ? "503 from the token endpoint" : "a note that is far too long to be a label anywhere" }),
  );

describe("a session that is signed in", () => {
  const line = draw(signedIn(now, { failures: 1 }));

  it("shows the token in hand, its margin and the planned renewal inside it", () => {
    const current = bar(line, "current");
    const margin = bar(line, "margin");
    const planned = shapes(line, "planned")[0];
    expect(current?.x).toBeLessThan(line.nowX ?? NaN);
    expect((margin?.x ?? 0) + (margin?.width ?? 0)).toBeCloseTo((current?.x ?? 0) + (current?.width ?? 0), 0);
    expect(planned?.x).toBeGreaterThan(line.nowX ?? NaN);
    expect(planned?.x).toBeLessThan(margin?.x ?? 0);
    expect(current?.width).toBeGreaterThan((line.width - line.left) / 8);
    expect(label(line, "planned")).toMatch(/^renews 14:34:\d\d$/);
  });
  it("shows each token before it once, and not the one in hand twice", () => {
    const past = line.bars.filter(({ tone }) => tone === "past");
    expect(past.length).toBeGreaterThan(1);
    expect(past.some(({ sentence }) => sentence.includes("generation 42"))).toBe(false);
  });
  it("marks renewals and failures, and says each in a sentence", () => {
    expect(shapes(line, "renewed").at(-1)?.sentence).toMatch(/^Renewed at .*, generation 42$/);
    expect(shapes(line, "failed")[0]?.sentence).toContain("The provider answered 503");
    expect(line.labels.some(({ text }) => text === "503")).toBe(true);
  });
  it("lets lanes that go on fade at the edge, with what is left", () => {
    expect(bar(line, "refresh")?.fades).toBe(true);
    expect(label(draw(signedIn(now), 760), "refresh")).toBe("29 min left · rotates each time");
    expect(label(line, "refresh")).toBe("29 min left");
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
  it("holds five lifetimes of the past where there is as much, in steps", () => {
    const spans = [0, 1, 3, 9].map((past) => {
      const status = signedIn(now, { past, gone: 0.1 });
      const { start, end } = fitting(status, read(status), now);
      return [(now - start) / 60_000, (end - now) / 60_000];
    });
    expect(spans).toEqual([[1, 1.5], [1, 1.5], [2, 1.5], [5, 2]]);
  });
  it("holds thirty days at the most, and the present and what is next in them", () => {
    const weeks = [4, 10, 26, 38, 50].map((count) => signedIn(now, { lifetime: count * 7 * DAY, gone: 0.3, past: 9 }));
    // Due in a hundred days, renewed long ago.
    const late = signedIn(now, { lifetime: 350 * DAY, gone: 0.7, past: 0 });
    for (const status of [cookieSession(now), late, needsSignIn(now - 90 * DAY), ...weeks]) {
      const { start, end } = fitting(status, read(status), now);
      expect(end - start).toBeLessThanOrEqual(30 * DAY);
      expect((now - start) / (end - start)).toBeGreaterThanOrEqual(0.0199);
      expect((end - now) / (end - start)).toBeGreaterThanOrEqual(0.0199);
      const next = Date.parse(status.next?.at ?? "");
      if (next > now && next < now + 28 * DAY) expect(next).toBeLessThan(end - DAY / 2);
      expectSound(draw(status));
    }
    expect(shapes(draw(cookieSession(now, { gone: 0.06 })), "planned")).toHaveLength(1);
    expect(shapes(draw(late), "planned")).toHaveLength(0);
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

describe("a past", () => {
  const slept = mark("slept", now - 3 * HOUR, { until: iso(now - 2 * HOUR) });
  const away = mark("out_of_reach", now - 10 * MINUTE, { reason: "unreachable", note: "The provider cannot be reached: connection refused" });
  const base = signedIn(now, { lifetime: HOUR, past: 3, refreshLifetime: 30 * DAY });
  const shown = stretch(6 * HOUR, HOUR);

  it("shades sleeps over all lanes, and gaps until now where they go on", () => {
    const line = draw({ ...base, history: [slept, ...base.history, away] }, 640, now, shown);
    const [sleep, gap] = line.areas;
    expect([sleep?.tone, gap?.tone]).toEqual(["slept", "out_of_reach"]);
    expect(sleep?.sentence).toBe("The machine was asleep from 11:34:06 to 12:34:06, for 60 min");
    expect(gap?.sentence).toMatch(/^The provider has been out of reach since 14:24:06: .*connection refused$/);
    expect((gap?.x ?? 0) + (gap?.width ?? 0)).toBeCloseTo(line.nowX ?? NaN);
    expect(label(line, `label-${sleep?.key}`)).toBe("asleep");
    expectSound(line);
  });

  it("shows an end that moved, a session that was ended, and the one after it", () => {
    const history = [
      mark("signed_in", now - 5 * HOUR, { generation: 1 }),
      mark("signed_out", now - 4 * HOUR, { reason: "signed_out", note: "Signed out; the stored tokens are erased" }),
      mark("signed_in", now - 3 * HOUR, { generation: 1 }),
      mark("ceiling_moved", now - HOUR, { expires_at: iso(now + 8 * HOUR) }),
    ];
    const line = draw({ ...base, history }, 640, now, shown);
    expect(line.bars.filter(({ tone }) => tone === "session-past")).toHaveLength(1);
    expect(shapes(line, "signed_out")[0]?.sentence).toMatch(/^Signed out at 10:34:06: /);
    expect(shapes(line, "ceiling_moved")[0]?.sentence).toBe("The end of the session moved at 13:34:06, to 22:34:06");
    expect(bar(line, "session")?.x).toBeCloseTo(line.marks.findLast(({ shape }) => shape === "signed_in")?.x ?? NaN);
    expectSound(line);
  });

  it("of thirty days of a token a minute is some bars and marks, of which none covers another", () => {
    const history = Array.from({ length: 30 * 24 * 60 }, (_, minute) => {
      const at = now - 30 * DAY + minute * MINUTE;
      return mark("renewed", at, { generation: minute, expires_at: iso(at + MINUTE + 15_000) });
    });
    const line = draw({ ...signedIn(now), history }, 640, now, stretch(30 * DAY));
    expect(line.bars.length + line.marks.length).toBeLessThan(60);
    expect(shapes(line, "renewed")[0]?.sentence).toMatch(/^[\d,]{3,} times between /);
    const marks = shapes(line, "renewed");
    for (const [index, one] of marks.entries()) {
      const next = marks[index + 1];
      if (next) expect(one.x + one.width).toBeLessThan(next.x);
    }
    expectSound(line);
  });

  it("that the host tells together counts as many as it stands for", () => {
    const many = mark("renewed", now - 5 * HOUR, { until: iso(now - 3 * HOUR), count: 120, generation: 300, expires_at: iso(now - 2.9 * HOUR) });
    const line = draw({ ...base, history: [many] }, 640, now, shown);
    expect(shapes(line, "renewed")[0]?.sentence).toMatch(/^120 times between 09:34:06 and 11:34:06; the last: Renewed at 11:34:06, generation 300$/);
    expect(bar(line, "past")?.sentence).toMatch(/^120 access tokens/);
    expectSound(line);
  });

  it("out of sight is not drawn, and neither is the present", () => {
    const line = draw(signedIn(now, { past: 100 }), 640, now, { start: now - 20 * DAY, end: now - 19 * DAY });
    expect(line.nowX).toBeNull();
    expect(line.step).toBeNull();
    expect(line.marks).toHaveLength(0);
    expectSound(line);
  });
});

describe("by keyboard", () => {
  it("one goes from mark to mark in the order of time, and stays at the ends", () => {
    const line = draw(signedIn(now, { failures: 2 }));
    const items = ordered(line);
    expect(items.map(({ x }) => x)).toEqual(items.map(({ x }) => x).sort((a, b) => a - b));
    expect(items).toHaveLength(line.areas.length + line.bars.length + line.marks.length + 1);
    const [first, second] = items;
    expect(neighbour(items, first?.key, 1)).toBe(second?.key);
    expect(neighbour(items, first?.key, -1)).toBe(first?.key);
    expect(neighbour(items, first?.key, Infinity)).toBe(items.at(-1)?.key);
    expect(neighbour([], undefined, 1)).toBeUndefined();
    expect(nearest(items, -100)).toBe(first?.key);
    expect(nearest([], 0)).toBeUndefined();
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
    for (const width of [0, 260, 380, 640, 1400]) {
      expectSound(draw(status, width));
      for (const length of [10 * MINUTE, 5 * HOUR, 30 * DAY]) expectSound(draw(status, width, now, stretch(length, length / 3)));
    }
  });

  it("whatever happened when, at every length and place", () => {
    const kinds = ["signed_in", "renewed", "adopted", "failed", "signed_out", "ceiling_moved", "slept", "out_of_reach"] as const;
    let seed = 7;
    const random = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
    for (let round = 0; round < 40; round += 1) {
      const history = Array.from({ length: 60 }, () => {
        const at = now - random() ** 3 * 20 * DAY;
        const lasted = random() < 0.4 ? random() ** 2 * DAY : null;
        return mark(kinds[Math.floor(random() * kinds.length)] ?? "renewed", at, {
          until: lasted === null ? null : iso(at + lasted),
          expires_at: random() < 0.7 ? iso(at + random() * DAY) : null,
          count: random() < 0.2 ? 30 : 1,
        });
      });
      const status = { ...signedIn(now, { lifetime: 10 * MINUTE }), history };
      for (const length of [10 * MINUTE, 5 * HOUR, 3 * DAY, 30 * DAY]) expectSound(draw(status, 320 + random() * 600, now, stretch(length, length * (random() - 0.3))));
    }
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
