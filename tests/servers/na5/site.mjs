// What both sites have in common: who may sign in, what stands behind a session, and when it ends. Settings come from the
// environment, so that a built site can be started in many ways.
const E = process.env;

/** How long a session lives, in seconds. */
export const MAX_AGE = Number(E.SESSION_MAX_AGE || 1800);
/** Whether the end of a session is fixed at the sign-in. */
export const STATIC = E.SESSION_STATIC === '1';
/** How long an access token of the backend lives, in seconds; 0 for a site without a backend. */
const BACKEND_LIFETIME = Number(E.BACKEND_LIFETIME || 0);

const users = {
  alice: { password: E.SITE_PASSWORD || 'correct horse', id: 'u1', name: 'Alice', email: 'alice@example.test' },
};

/** The person with this name and password; `boom` is somebody at whom the backend fails. */
export function authorize(credentials) {
  const user = users[credentials?.username];
  if (credentials?.username === 'boom') throw new Error('Backend unavailable');
  if (!user || user.password !== credentials.password) return null;
  const { password, ...person } = user;
  return person;
}

// A backend with rotation and reuse detection (RFC 9700 §4.14.2): each refresh token is good once.
const families = new Map();
let issued = 0;

function issue(family) {
  const token = `rt-${family}-${++issued}`;
  families.get(family).live = token;
  return { refreshToken: token, accessTokenExpires: Date.now() + BACKEND_LIFETIME * 1000 };
}

function refresh({ refreshToken }) {
  const family = refreshToken.split('-')[1];
  const known = families.get(family);
  if (!known || known.ended) return undefined;
  if (known.live !== refreshToken) {
    known.ended = true; // used twice
    return undefined;
  }
  return issue(family);
}

/** What goes into the cookie: at the sign-in, at each reading, and at an update. */
export function jwt({ token, user, trigger, session }) {
  if (user) {
    token.uid = user.id;
    token.signedInAt = Math.floor(Date.now() / 1000);
    if (BACKEND_LIFETIME) {
      const family = `f${families.size}`;
      families.set(family, {});
      token.backend = issue(family);
    }
  }
  if (trigger === 'update' && session) {
    if ('pad' in session) token.pad = 'x'.repeat(Number(session.pad) || 0);
    for (const name of ['nick', 'counter']) if (name in session) token[name] = session[name];
  }
  if (token.backend && Date.now() >= token.backend.accessTokenExpires) {
    const next = refresh(token.backend);
    if (next) token.backend = next;
    else token.error = E.SESSION_ERROR || 'RefreshAccessTokenError';
  }
  return token;
}

/** What the site says of a session. */
export function session({ session, token }) {
  session.user.id = token.uid;
  if (token.nick) session.user.nick = token.nick;
  if ('counter' in token) session.counter = token.counter;
  session.padded = token.pad?.length ?? 0;
  if (token.error) session.error = token.error;
  if (STATIC) session.expires = new Date((token.signedInAt + MAX_AGE) * 1000).toISOString();
  return session;
}

/** Seals a session with the end it had from the start. */
export const fixedEnd = (encode) => (parameters) => {
  const left = (parameters.token?.signedInAt ?? Math.floor(Date.now() / 1000)) + MAX_AGE - Math.floor(Date.now() / 1000);
  return encode({ ...parameters, maxAge: Math.max(left, 0) });
};
