import NextAuth from 'next-auth';
import { decode, encode } from 'next-auth/jwt';
import CredentialsProvider from 'next-auth/providers/credentials';
import { MAX_AGE, STATIC, authorize, fixedEnd, jwt, session } from '../../../../na5/site.mjs';

export default NextAuth({
  secret: process.env.SITE_SECRET,
  session: { strategy: 'jwt', maxAge: MAX_AGE },
  providers: [CredentialsProvider({ name: 'Password', credentials: { username: {}, password: {} }, authorize })],
  callbacks: { jwt, session },
  logger: { error() {}, warn() {}, debug() {} },
  ...(STATIC && { jwt: { encode: fixedEnd(encode), decode } }),
});
