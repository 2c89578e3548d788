// Times and durations.
export const time = {
  time: {
    now: "now",
    today: "{time} today",
    tomorrow: "{time} tomorrow",
    unknown: "unknown",
    ms: "{n} ms",
    s: "{n} s",
    min: "{n} min",
    h: "{n} h",
    d: "{n} d",
    dh: "{days} d {hours} h",
  },
};
