import { describe, expect, it } from "vitest";
import { countdownStep, DAY, HOUR, lastTurn, makeTimes, MINUTE, parse, SECOND } from "./time";

const times = makeTimes("en-GB", "UTC");
const now = Date.UTC(2026, 10, 20, 14, 34, 6);

describe("parse", () => {
  it("reads fractions of any length", () => {
    expect(parse("2026-11-20T14:34:06.123456789Z")).toBe(Date.UTC(2026, 10, 20, 14, 34, 6, 123));
    expect(parse("2026-11-20T14:34:06Z")).toBe(now);
  });
  it("answers null to what is no time", () => {
    for (const bad of ["", "soon", "2026-13-45T99:99:99Z", null, undefined]) expect(parse(bad)).toBeNull();
  });
});

describe("countdown", () => {
  it.each([
    [0.2 * SECOND, "00:01"],
    [41 * SECOND, "00:41"],
    [8 * MINUTE + 4 * SECOND, "08:04"],
    [10 * MINUTE, "10:00"],
    [10 * MINUTE + 1, "10 min"],
    [48 * MINUTE + 12 * SECOND, "48 min"],
    [HOUR, "1 h"],
    [23 * HOUR + 59 * MINUTE + 59 * SECOND, "23 h 59 min"],
    [DAY, "1 d"],
    [2 * DAY + 3 * HOUR, "2 d 3 h"],
    [29 * DAY + 5 * HOUR, "29 d"],
  ])("of %d ms reads %s", (left, said) => expect(times.countdown(left)).toBe(said));

  it("is never negative nor absurd", () => {
    for (const left of [0, -1, -DAY, -Infinity, NaN]) expect(times.countdown(left)).toBe("now");
    expect(times.countdown(Infinity)).toBe("unknown");
  });
  it("needs no timer faster than what changes", () => {
    expect(countdownStep(41 * SECOND)).toBe(SECOND);
    expect(countdownStep(10 * MINUTE + 30 * SECOND)).toBe(SECOND);
    expect(countdownStep(12 * MINUTE)).toBe(MINUTE);
    expect(countdownStep(3 * DAY)).toBe(MINUTE);
  });
});

it("a span is said in its two largest units", () => {
  expect([300, 12 * SECOND, 65 * MINUTE, 25 * HOUR, DAY].map((ms) => times.span(ms))).toEqual(["300 ms", "12 s", "1 h 5 min", "1 d 1 h", "1 d"]);
  expect([times.span(-5), times.span(NaN)]).toEqual(["0 ms", "unknown"]);
});

describe("points in time", () => {
  it("are said from where the reader stands", () => {
    expect(times.when(now + 3 * HOUR, now)).toBe("17:34 today");
    expect(times.when(now + DAY, now)).toBe("14:34 tomorrow");
    expect(times.when(Date.UTC(2026, 10, 27, 9, 12), now)).toMatch(/^Fri,? 27 Nov,? (at )?09:12$/);
    expect(times.when(now + 700 * DAY, now)).toBe("20 Oct 2028");
  });
  it("are tomorrow only on the next day, also where a day has 23 hours or 25", () => {
    const berlin = makeTimes("en-GB", "Europe/Berlin");
    const at = (day: number, month: number, hour: number, minute = 0) => Date.UTC(2026, month, day, hour, minute);
    // Summer time begins on Sunday 29 March at two, and ends on Sunday 25 October at three.
    const late = at(28, 2, 22, 30);
    expect([at(29, 2, 7, 12), at(30, 2, 7, 12)].map((moment) => berlin.when(moment, late))).toEqual(["09:12 tomorrow", expect.stringMatching(/^Mon,? 30 Mar/)]);
    const early = at(24, 9, 22, 30);
    expect([at(25, 9, 8, 12), at(26, 9, 8, 12), at(27, 9, 8, 12)].map((moment) => berlin.when(moment, early))).toEqual(["09:12 today", "09:12 tomorrow", expect.stringMatching(/^Tue,? 27 Oct/)]);
  });
  it("are ahead of the page's own clock by what the zones are apart at that moment", () => {
    expect([times.ahead(now), makeTimes("en-GB").ahead(now), makeTimes("en-GB", "Asia/Kolkata").ahead(now)]).toEqual([0, 0, 5.5 * HOUR]);
    const newYork = makeTimes("en-US", "America/New_York");
    expect([newYork.ahead(now), newYork.ahead(Date.UTC(2026, 6, 1)), newYork.ahead(NaN)]).toEqual([-5 * HOUR, -4 * HOUR, 0]);
  });
  it("to the second have their day where that is not today", () => {
    expect(times.stamp(now)).toBe("20/11, 14:34:06");
    expect(makeTimes("de-DE", "UTC").stamp(now)).toBe("20.11., 14:34:06");
    expect(makeTimes("de-DE", "UTC", true).stamp(now)).toBe("2026-11-20 14:34:06");
    expect([times.isSameDay(now, now + 9 * HOUR), times.isSameDay(now, now + 10 * HOUR)]).toEqual([true, false]);
    expect(times.stamp(NaN)).toBe("unknown");
  });
  it("are short where there is little room", () => {
    expect(times.brief(now + MINUTE, now)).toBe("14:35");
    expect(times.brief(now + 2 * DAY, now)).toMatch(/^Sun,? 14:34$/);
    expect(times.brief(now + 60 * DAY, now)).toMatch(/^Tue,? 19 Jan$/);
  });
  it("follow the locale", () => {
    const american = makeTimes("en-US", "UTC");
    expect(american.short(now)).toMatch(/^2:34\sPM$/);
    expect(makeTimes("de-DE", "UTC").when(now + 3 * HOUR, now)).toContain("17:34");
  });
  it("outside of time are unknown, and nothing throws", () => {
    for (const at of [NaN, Infinity, -Infinity, 9e15]) {
      expect(times.clock(at)).toBe("unknown");
      expect(times.when(at, now)).toBe("unknown");
      expect(times.brief(at, now)).toBe("unknown");
      expect(times.tick(at, SECOND)).toBe("unknown");
    }
  });
});

describe("the last turn", () => {
  it("is the turn of the minute, or what has come since", () => {
    expect(lastTurn(now, [])).toBe(now - 6 * SECOND);
    expect(lastTurn(now, [now + 1, now - 2 * SECOND, now - HOUR])).toBe(now - 2 * SECOND);
  });
  it("says of each moment what the present says: ahead or passed", () => {
    const moments = [-61, -60, -7, -6, -5, -1, 0, 1, 53, 54, 55, 3600].map((by) => now + by * SECOND);
    for (let at = now - 70 * SECOND; at < now + 70 * SECOND; at += 250) {
      const turn = lastTurn(at, moments);
      expect(turn).toBeLessThanOrEqual(at);
      expect(moments.map((moment) => moment > turn)).toEqual(moments.map((moment) => moment > at));
    }
  });
});

describe("lengths", () => {
  it("use the largest unit alone", () => {
    expect(times.coarse(41 * SECOND)).toBe("41 s");
    expect(times.coarse(30 * MINUTE)).toBe("30 min");
    expect(times.coarse(29.6 * DAY)).toBe("29 d");
    expect(times.coarse(-1)).toBe("now");
  });
  it("of a renewal are exact where short", () => {
    expect(times.took(287)).toBe("287 ms");
    expect(times.took(1432)).toBe("1.4 s");
    expect(times.took(-5)).toBe("0 ms");
  });
});
