// A site with Auth.js v5 (@auth/core by @auth/express) on loopback. `ready URL` is its first line.
import { decode, encode } from '@auth/core/jwt';
import Credentials from '@auth/express/providers/credentials';
import { ExpressAuth, getSession } from '@auth/express';
import express from 'express';
import { MAX_AGE, STATIC, authorize, fixedEnd, jwt, session } from './site.mjs';

const config = {
  trustHost: true,
  secret: process.env.SITE_SECRET,
  session: { strategy: 'jwt', maxAge: MAX_AGE },
  providers: [Credentials({ credentials: { username: {}, password: {} }, authorize })],
  callbacks: { jwt, session },
  logger: { error() {}, warn() {}, debug() {} },
  ...(STATIC && { jwt: { encode: fixedEnd(encode), decode } }),
};
const app = express();
app.set('trust proxy', 'loopback');
// With express 5 the mount must be one capture group: the handler reads the first parameter.
app.use(/^\/auth\/(.*)/, ExpressAuth({ ...config }));
app.get('/me', async (request, response) => {
  const current = await getSession(request, { ...config, basePath: '/auth' });
  response.status(current ? 200 : 401).json(current ?? { error: 'unauthenticated' });
});
const server = app.listen(0, '127.0.0.1', () => {
  console.log(`ready http://127.0.0.1:${server.address().port}`);
});
