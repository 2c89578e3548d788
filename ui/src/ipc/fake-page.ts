// The page in a browser, without the app: the address chooses the scenario (?scenario=waiting), the theme
// (&theme=dark), the language (&language=de), the direction (&dir=rtl), the view (&view=log), its part (&part=policies),
// the time (&now=…) and, for pictures of what needs a hand, an act (&act=wrong-password) or what is pressed, one after
// the other (&press=log-row,light-token).
// First: what follows reads the time while it is loaded.
import "./fake-clock";
import { FakeHost, type FakeOptions } from "./fake";
import { BUSY_BACKEND, STRICT_PROFILE } from "./fake-lab";
import { cookieSession, corp, fingerprint, inBrowser, iso, mark, needsSignIn, program, reason, signedIn, signedOut, waiting, withCode } from "./fake-sessions";
import { picture } from "./fake-picture";
import type { Host } from "./host";
import { chooseLanguage, LANGUAGES, type Language } from "../strings";
import type { CommandError, Level, LogRecord, SessionStatus } from "./bindings";

const HOUR = 3600_000;
const now = Date.now();
const long = { lifetime: 30 * 60_000, refreshLifetime: 30 * 24 * HOUR, ceilingIn: 2.6 * 24 * HOUR };

const offline: SessionStatus = {
  ...signedIn(now, { account: "shop (NextAuth)" }),
  state: "waiting",
  reason: reason("network", "Waiting for the network: the provider's host does not answer yet"),
  next: { action: "wait", at: null, why: "the token host does not answer; renewal goes on when it does", code: "network", values: {} },
};
const others = [
  needsSignIn(now, { account: "staging", lifetime: 4 * HOUR }),
  offline,
  signedOut("demo", reason("signed_out", "You signed out")),
];
/** A working day: asleep over lunch, a busy provider, a train without network, a session before this one. */
function day(): SessionStatus {
  const base = signedIn(now, { account: "work", ...long, gone: 0.45, past: 5, generation: 42 });
  const MINUTE = 60_000;
  const woke = now - 90 * MINUTE;
  const tokens = base.history.filter(({ at }) => Date.parse(at) > woke);
  const earlier = [170, 147, 124].map((ago, index) =>
    mark(index === 0 ? "signed_in" : "renewed", now - ago * MINUTE, {
      generation: 36 + index,
      fingerprint: fingerprint(36 + index),
      expires_at: iso(now - (ago - 30) * MINUTE),
      took_ms: 300 + index,
    }),
  );
  const away = mark("out_of_reach", now - 52 * MINUTE, { until: iso(now - 45 * MINUTE), reason: "unreachable", note: "The provider cannot be reached: the name is not known" });
  const busy = [3, 2.6].map((ago) =>
    mark("failed", now - ago * MINUTE - 11 * MINUTE, { generation: 41, reason: "provider_busy", note: "The provider answered 503: it cannot do it now. Next try in 1.4 s" }),
  );
  const history = [
    mark("signed_in", now - 260 * MINUTE, { generation: 1 }),
    mark("signed_out", now - 200 * MINUTE, { reason: "signed_out", note: "Signed out; the stored tokens are erased" }),
    ...earlier,
    mark("ceiling_moved", now - 147 * MINUTE, { expires_at: base.clocks.session?.expires_at ?? null }),
    mark("slept", now - 119 * MINUTE, { until: iso(woke) }),
    away,
    ...busy,
    ...tokens,
  ];
  return { ...base, history: history.sort((a, b) => Date.parse(a.at) - Date.parse(b.at)) };
}

/** Thirty days of a token a minute, as the host tells it: the newest one by one, the rest together. */
function month(): SessionStatus {
  const base = signedIn(now, { account: "work", past: 100 });
  const first = Date.parse(base.history[0]?.at ?? base.generation.toString());
  const older: typeof base.history = [];
  for (let age = 30 * 24 * HOUR; age > now - first; age -= age / 64) {
    const until = Math.min(now - age + age / 64, first);
    const count = Math.max(1, Math.round((until - (now - age)) / 46_000));
    older.push(mark("renewed", now - age, { until: iso(until), count, expires_at: iso(until + 60_000) }));
  }
  return { ...base, history: [...older, ...base.history] };
}

const HOSTILE = `<img src=x onerror="document.title='owned'">`;
const hostile: SessionStatus = {
  ...signedIn(now, { account: `${HOSTILE} and a very long account name that never ends` }),
  identity: { name: `${HOSTILE.repeat(4)}`, email: null, subject: null },
};
hostile.access?.claims.unshift({ name: HOSTILE, value: HOSTILE.repeat(12) });

const scenarios: Record<string, () => FakeOptions> = {
  "signed-in": () => ({ sessions: [signedIn(now, { account: "work" }), ...others] }),
  long: () => ({ sessions: [signedIn(now, { account: "work", ...long, gone: 0.45, failures: 1 }), ...others] }),
  day: () => ({ sessions: [day(), ...others] }),
  month: () => ({ sessions: [month(), ...others] }),
  first: () => ({ sessions: [signedIn(now, { generation: 1, past: 0, gone: 0.2 })] }),
  ceiling: () => ({ sessions: [signedIn(now, { account: "work", ceilingIn: 40_000, refreshLifetime: 80_000 }), ...others] }),
  unknown: () => ({ sessions: [signedIn(now, { account: "work", ceilingIn: null, refreshLifetime: null }), ...others] }),
  renewing: () => ({ sessions: [{ ...signedIn(now, { account: "work", gone: 0.79 }), state: "renewing", next: null }, ...others] }),
  waiting: () => ({ sessions: [waiting(now, { account: "work" }), ...others] }),
  "needs-sign-in": () => ({ sessions: [needsSignIn(now, { account: "work" }), ...others] }),
  expired: () => ({ sessions: [{ ...needsSignIn(now - HOUR, { account: "work" }), headline: { kind: "needs_sign_in", at: null }, next: null }] }),
  "signed-out": () => ({ sessions: [signedOut("demo", reason("signed_out", "You signed out")), ...others.slice(0, 2)] }),
  hostile: () => ({ sessions: [hostile, ...others] }),
  roles: () => ({
    sessions: [
      {
        ...signedIn(now, { account: "work", ...long, gone: 0.45 }),
        provider: "oauth",
        identity: { name: "Ada Lovelace", email: "ada@example.com", subject: "7f", roles: ["admin", "billing", "support"] },
      },
      ...others,
    ],
  }),
  cookie: () => ({ sessions: [cookieSession(now), ...others] }),
  programs: () => {
    const took = { asked_at: null, times: 4, generation: 42, expires_at: iso(now + 9 * 60_000) };
    const consumers = [
      program(),
      program({ ...took, id: "2", program: "/usr/bin/docker", consent: "allowed", allowed_until: iso(now + 7 * 60_000) }),
      program({ ...took, id: "3", program: "/home/ada/.cargo/bin/deploy", consent: "paused", expires_at: null }),
    ];
    return { sessions: [{ ...signedIn(now, { account: "work", ...long, gone: 0.45 }), consumers }, ...others] };
  },
  elsewhere: () => ({ sessions: [signedIn(now, { account: "work", ...long, gone: 0.45 }), ...others], info: { served_by: "another" } }),
  corp: () => ({ sessions: [corp("work"), ...others] }),
  preparing: () => ({ sessions: [{ ...inBrowser(now), sign_in: null }, ...others] }),
  browser: () => ({ sessions: [inBrowser(now), ...others] }),
  "no-browser": () => ({ sessions: [inBrowser(now, "work", false), ...others] }),
  code: () => ({ sessions: [withCode(now), ...others] }),
  "code-expired": () => ({ sessions: [withCode(now, "work", -1000), ...others] }),
  empty: () => ({ sessions: [] }),
};

function records(count: number): LogRecord[] {
  const levels: Level[] = ["info", "debug", "info", "trace", "warn", "debug", "info", "error"];
  return Array.from({ length: count }, (_, index): LogRecord => {
    const level = levels[(index * 7) % levels.length] ?? "info";
    const bad = level === "warn" || level === "error";
    return {
      seq: index + 1,
      at: iso(now - (count - index) * 1300),
      level,
      account: index % 11 === 0 ? null : index % 3 === 0 ? "staging" : "work",
      kind: bad ? "renewal_failed" : "renewed",
      message: bad ? "503 from the token endpoint, tried again after 1.4 s" : `Renewed in ${240 + ((index * 31) % 120)} ms`,
      facts: bad ? { status: 503, attempt: 1 + (index % 3) } : { generation: 40 + index, fingerprint: fingerprint(index) },
    };
  });
}

export function openFakePage(): Host {
  const asked = new URLSearchParams(location.search);
  const theme = asked.get("theme");
  if (theme) document.documentElement.dataset["theme"] = theme;
  void speak(asked.get("language"), asked.get("dir"));
  const scenario = scenarios[asked.get("scenario") ?? "signed-in"] ?? scenarios["signed-in"];
  const options = scenario?.() ?? {};
  const host = new FakeHost({
    latency: asked.get("act") === "busy" ? 60_000 : 60,
    picture,
    log: records(Number(asked.get("records") ?? 400)),
    ...options,
    info: { log_level: asked.get("level") === "info" ? "info" : "trace", ...options.info },
    ...(asked.has("person") ? { person: Number(asked.get("person")) } : {}),
  });
  if (asked.get("scenario") === "roles") [host.labState, host.labFindings] = [BUSY_BACKEND, STRICT_PROFILE];
  const fails = asked.get("fails");
  if (fails) for (const command of ["signInWithBrowser", "signInWithDevice", "discover", "addAccount"] as const) host.failNext(command, failures[fails] ?? other);
  setTimeout(() => {
    act(asked.get("act"), asked.get("view"));
    // For those who take pictures.
    void partOf(asked.get("view"), asked.get("part"), asked.get("press")).then(() => setTimeout(() => (document.documentElement.dataset["acted"] = "yes"), 300));
  }, 500);
  return host;
}

async function speak(language: string | null, dir: string | null): Promise<void> {
  // After the page has chosen the language of the system.
  await new Promise((go) => setTimeout(go, 100));
  if (language !== null && Object.hasOwn(LANGUAGES, language)) await chooseLanguage(language as Language);
  // The layout of a language that is written from right to left, with the words of one that is not.
  if (dir !== null) document.documentElement.dir = dir;
}

const other: CommandError = { code: "internal", message: "Something else", hint: null };
const failures: Record<string, CommandError> = {
  denied: { code: "sign_in_denied", message: "The sign-in was declined (“access_denied”). Sign in again", hint: null },
  unreachable: { code: "backend_unreachable", message: "login.example.com: the name is not known", hint: null },
};

/** Opens a part of a view, and what it has to show, and presses what is named, each as soon as it is there. */
async function partOf(view: string | null, part: string | null, press: string | null): Promise<void> {
  const ids = part === null ? [] : [`${view ?? ""}-${part}`, ...(PARTS[part] ?? [])];
  for (const id of [...ids, ...(press?.split(",") ?? [])]) {
    const found = (): HTMLElement | null => document.querySelector(`[data-testid="${id}"]`);
    while (found() === null) await new Promise(requestAnimationFrame);
    // What was clicked before has come to its end.
    await new Promise(requestAnimationFrame);
    found()?.click();
  }
}

const PARTS: Record<string, string[]> = { tour: ["tour-begin", "tour-next", "tour-next"], scenarios: ["lab-run"], profile: ["lab-measure"], policies: ["policy-beside"] };

/** What a hand would do, for pictures. */
function act(what: string | null, view: string | null): void {
  const find = <E extends HTMLElement>(id: string) => document.querySelector<E>(`[data-testid="${id}"]`);
  if (view !== null) find(`nav-${view}`)?.click();
  if (what === "sign-out") find("sign-out")?.click();
  if (what === "sign-in-browser" || what === "sign-in-device") find(what)?.click();
  if (what === "discover") {
    setTimeout(() => {
      const issuer = find<HTMLInputElement>("field-issuer");
      if (issuer) issuer.value = "https://login.example.com/realms/work";
      issuer?.dispatchEvent(new Event("input"));
      setTimeout(() => find("discover")?.click());
    });
  }
  if (what === "wrong-password" || what === "busy") {
    const name = find<HTMLInputElement>("sign-in-username");
    const password = find<HTMLInputElement>("sign-in-password");
    if (name && password) [name.value, password.value] = ["demo", "wrong"];
    find("sign-in-submit")?.click();
  }
}
