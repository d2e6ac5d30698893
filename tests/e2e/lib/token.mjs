// Tokens as a backend signs them that shares the engine's secret.
import { createHmac } from 'node:crypto';

const HASHES = { HS256: 'sha256', HS384: 'sha384', HS512: 'sha512' };

export const nowSeconds = () => Math.floor(Date.now() / 1000);

export function sign(claims, secret, alg = 'HS256') {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const body = `${part({ alg, typ: 'JWT' })}.${part(claims)}`;
  const mac = HASHES[alg] ? createHmac(HASHES[alg], secret).update(body).digest('base64url') : '';
  return `${body}.${mac}`;
}

export function claimsOf(token) {
  return JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());
}
