import { getToken } from 'next-auth/jwt';

export default async function handler(request, response) {
  const token = await getToken({ req: request, secret: process.env.SITE_SECRET });
  response.status(token ? 200 : 401).json(token ? { uid: token.uid } : { error: 'unauthenticated' });
}
