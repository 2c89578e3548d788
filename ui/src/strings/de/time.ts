import type { time as english } from "../en/time";

export const time: typeof english = {
  time: {
    now: "jetzt",
    today: "heute {time}",
    tomorrow: "morgen {time}",
    unknown: "unbekannt",
    ms: "{n} ms",
    s: "{n} s",
    min: "{n} min",
    h: "{n} Std.",
    d: "{n} Tg.",
    dh: "{days} Tg. {hours} Std.",
  },
};
