// node-oidc-provider on a free loopback port, with the settings of one test.
//
//   node server.mjs '<settings as JSON>' <file for events>
//
// The first line on standard output is {"issuer": …}: from then on requests are answered. It ends when its standard
// input does, so it never outlives the test. State is in memory: another start knows nothing of the tokens of this one.
// Events go to the file, one JSON object a line, and each is written before the reply it belongs to leaves.

import fs from 'node:fs';
import http from 'node:http';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { Provider } from 'oidc-provider';
import { Faults, answer, json } from './faults.mjs';

const settings = JSON.parse(process.argv[2]);
const events = fs.openSync(process.argv[3], 'a');

// Standard output is for the first line alone; nobody reads what comes after it.
console.log = console.error;
console.info = console.error;

const CLIENT = 'latchkey';
const RESOURCE = 'urn:latchkey:api';
const ROLES = { roles: ['user', 'editor'] };
const GRANTS = ['authorization_code', 'refresh_token'];
const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code';

const KEYS = {
  RS256: ['rsa', { modulusLength: 2048 }],
  PS256: ['rsa', { modulusLength: 2048 }],
  ES256: ['ec', { namedCurve: 'P-256' }],
  EdDSA: ['ed25519', {}],
};

function record(event, fields) {
  fs.writeSync(events, `${JSON.stringify({ at: Date.now(), event, ...fields })}\n`);
}

// Read anew from its text: Node.js shares a fresh key with the job that made it, and when that job is collected while the
// key is being exported as a JWK, both wait for the same lock for ever (seen with 20.20).
function signingKey(alg) {
  const [kind, size] = KEYS[alg];
  const { privateKey } = generateKeyPairSync(kind, {
    ...size,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  });
  return { ...createPrivateKey(privateKey).export({ format: 'jwk' }), kid: `key-${alg}`, use: 'sig', alg };
}

// Registered without a port, as RFC 8252 §7.3 has it: a native client may then use any port, but no other path.
function loopback(paths) {
  return paths.flatMap((path) => ['127.0.0.1', '[::1]', 'localhost'].map((host) => `http://${host}${path}`));
}

function client() {
  return {
    client_id: CLIENT,
    client_name: 'Latchkey',
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: settings.device ? [...GRANTS, DEVICE_CODE] : GRANTS,
    response_types: ['code'],
    redirect_uris: loopback(settings.redirect_paths),
    post_logout_redirect_uris: loopback(settings.post_logout_paths),
    id_token_signed_response_alg: settings.id_token_algorithm,
    require_pushed_authorization_requests: settings.par === 'required',
    dpop_bound_access_tokens: settings.dpop === 'required',
  };
}

// A client that asks for no resource gets this one, if JWT access tokens are wanted.
const resourceIndicators = {
  enabled: settings.access_tokens === 'jwt',
  defaultResource: (ctx, from, oneOf) => oneOf ?? RESOURCE,
  useGrantedResource: () => true,
  getResourceServerInfo: () => ({
    scope: 'api:read api:write',
    audience: RESOURCE,
    accessTokenTTL: settings.access_lifetime,
    accessTokenFormat: 'jwt',
    jwt: { sign: { alg: settings.id_token_algorithm } },
  }),
};

function configuration() {
  return {
    clients: [client()],
    jwks: { keys: [signingKey(settings.id_token_algorithm)] },
    enabledJWA: { idTokenSigningAlgValues: [settings.id_token_algorithm] },
    cookies: { keys: ['loopback'] },
    responseTypes: ['code'],
    scopes: ['openid', 'offline_access', 'profile', 'email', 'roles'],
    claims: {
      openid: ['sub'],
      profile: ['name', 'preferred_username'],
      email: ['email', 'email_verified'],
      roles: ['realm_access'],
    },
    findAccount: (ctx, id) => ({
      accountId: id,
      claims: () => ({
        sub: id,
        name: `User ${id}`,
        preferred_username: id,
        email: `${id}@example.test`,
        email_verified: true,
        realm_access: ROLES,
      }),
    }),
    extraTokenClaims: () => ({ realm_access: ROLES }),
    // Upstream takes tokens for 15 s after their end; a test of expiry wants to see the end.
    clockTolerance: 0,
    rotateRefreshToken: settings.rotate,
    expiresWithSession: () => false,
    issueRefreshToken: (ctx, to, code) =>
      to.grantTypeAllowed('refresh_token') && (settings.always_refresh || code.scopes.has('offline_access')),
    ttl: {
      AccessToken: settings.access_lifetime,
      AuthorizationCode: 60,
      DeviceCode: settings.device_lifetime,
      Grant: settings.refresh_lifetime,
      IdToken: settings.access_lifetime,
      Interaction: 600,
      RefreshToken: settings.refresh_lifetime,
      Session: settings.refresh_lifetime,
    },
    features: {
      // Upstream's own pages for login and consent; any name and any password will do.
      devInteractions: { enabled: true },
      deviceFlow: { enabled: settings.device },
      dPoP: { enabled: settings.dpop !== 'off' },
      pushedAuthorizationRequests: { enabled: settings.par !== 'off' },
      resourceIndicators,
      revocation: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      userinfo: { enabled: true },
    },
  };
}

// What the provider knows and never tells the client: the inner reason of a refusal, above all.
function watch(provider) {
  const short = (token) => ({ id: token.jti.slice(0, 8), rotations: token.rotations ?? 0 });
  const refused = (ctx, error) => ({
    grant_type: ctx.oidc?.params?.grant_type,
    error: error.error,
    detail: error.error_detail ?? error.error_description,
  });
  provider.on('grant.success', (ctx) => record('grant.success', { grant_type: ctx.oidc.params.grant_type }));
  provider.on('grant.error', (ctx, error) => record('grant.error', refused(ctx, error)));
  provider.on('grant.revoked', (ctx, id) => record('grant.revoked', { id: id.slice(0, 8) }));
  provider.on('authorization.error', (ctx, error) => record('authorization.error', refused(ctx, error)));
  provider.on('refresh_token.saved', (token) => record('refresh_token.saved', short(token)));
  provider.on('refresh_token.consumed', (token) => record('refresh_token.consumed', short(token)));
  provider.on('end_session.success', () => record('end_session.success', {}));
  provider.on('server_error', (ctx, error) => record('server_error', { detail: String(error.stack) }));
}

// Registers one more redirect path, as a developer does who was told by the client what to register.
async function register(provider, req, res) {
  const { path } = await json(req);
  const known = await provider.Client.find(CLIENT);
  known.redirectUris.push(...loopback([path]));
  res.writeHead(204).end();
}

// The issuer holds the port, so the port comes first.
const server = http.createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, configuration());
  watch(provider);
  const app = provider.callback();
  const faults = new Faults();
  server.on('request', (req, res) => {
    const path = req.url.split('?')[0];
    if (path === '/__fault') return faults.control(req, res);
    if (path === '/__redirect') return register(provider, req, res);
    const fault = faults.strike(path);
    record('request', { method: req.method, path, fault: fault?.mode });
    return answer(fault, app, req, res);
  });
  process.stdout.write(`${JSON.stringify({ issuer })}\n`);
});

process.stdin.on('end', () => process.exit(0)).resume();
