// Keys as an identity provider publishes them, tokens as it signs them, and its key server, which can misbehave.
import { createServer } from 'node:http';
import { once } from 'node:events';
import { generateKeyPairSync, sign } from 'node:crypto';
import { nowSeconds } from './token.mjs';
import { RawWs } from './raw_ws.mjs';

const KINDS = {
  RS256: ['rsa', { modulusLength: 2048 }],
  RS384: ['rsa', { modulusLength: 2048 }],
  RS512: ['rsa', { modulusLength: 2048 }],
  ES256: ['ec', { namedCurve: 'P-256' }],
  ES384: ['ec', { namedCurve: 'P-384' }],
  ES512: ['ec', { namedCurve: 'P-521' }],
  EdDSA: ['ed25519', {}],
};
export const ALGORITHMS = Object.keys(KINDS);

// A key of the identity provider: jwk is what it publishes, changed by more (undefined takes a member away).
export function makeKey(alg, kid, more = {}) {
  const { publicKey, privateKey } = generateKeyPairSync(...KINDS[alg]);
  const jwk = { ...publicKey.export({ format: 'jwk' }), use: 'sig', alg, kid, ...more };
  return { alg, kid, privateKey, jwk };
}

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

// header: what is different in the token's header.
export function signWith(key, claims, header = {}) {
  const alg = header.alg ?? key.alg;
  const text = `${part({ alg, typ: 'JWT', kid: key.kid, ...header })}.${part({ exp: nowSeconds() + 300, ...claims })}`;
  const hash = alg === 'EdDSA' ? null : `sha${alg.slice(2)}`;
  const native = alg.startsWith('ES') ? { key: key.privateKey, dsaEncoding: 'ieee-p1363' } : key.privateKey;
  return `${text}.${sign(hash, Buffer.from(text), native).toString('base64url')}`;
}

// answer: (request, response) => … ; publish() sets it to a good key set.
export class KeyServer {
  requests = [];

  static async start() {
    const server = new KeyServer();
    server.http = createServer((request, response) => {
      server.requests.push(request.url);
      server.answer(request, response);
    });
    server.http.keepAliveTimeout = 100;
    server.publish([]);
    server.http.listen(0, '127.0.0.1');
    await once(server.http, 'listening');
    server.port = server.http.address().port;
    return server;
  }

  url(path = '/keys.json') {
    return `http://127.0.0.1:${this.port}${path}`;
  }

  publish(keys) {
    this.say(JSON.stringify({ keys: keys.map((key) => key.jwk ?? key) }));
  }

  say(body, status = 200, headers = {}) {
    this.answer = (request, response) => response.writeHead(status, headers).end(body);
  }

  async stop() {
    this.http.closeAllConnections();
    this.http.close();
    await once(this.http, 'close');
  }
}

// What a client with this token gets at connect: its user as presence shows it would cost a channel, so "connected",
// the error's code or the close code.
export async function outcome(server, token) {
  const ws = await RawWs.open(server);
  ws.send({ connect: { token } });
  const answer = await ws.next();
  ws.close();
  if (answer?.connect) return 'connected';
  return answer?.error?.code ?? answer?.close?.code ?? 'ended';
}

// Cases that need nothing but one answer of the key server: [name, what the key server does, token, outcome]. token is a
// function of further claims.
export function cases() {
  const good = Object.fromEntries(ALGORITHMS.map((alg) => [alg, makeKey(alg, `k-${alg}`)]));
  const bare = (alg) => makeKey(alg, `bare-${alg}`, { alg: undefined });
  const [rsa, ec, ed] = ['RS256', 'ES256', 'EdDSA'].map(bare);
  const claims = { sub: 'ann' };
  const signed = (key, what, header) => (more) => signWith(key, { ...what, ...more }, header);
  const stranger = makeKey('RS256', 'k-RS256');
  const list = ALGORITHMS.map((alg) => [
    `a token signed by ${alg}`,
    (keys) => keys.publish(Object.values(good)),
    signed(good[alg], claims),
    'connected',
  ]);
  const one = (name, key, token, expected) => list.push([name, (keys) => keys.publish([key]), token, expected]);
  one('an RSA key without alg and RS384', rsa, signed(rsa, claims, { alg: 'RS384' }), 'connected');
  one('an EC key without alg and its curve', ec, signed(ec, claims), 'connected');
  one('an Ed25519 key without alg', ed, signed(ed, claims), 'connected');
  one('an EC key without alg and the algorithm of another curve', ec, signed(ec, claims, { alg: 'ES384' }), 3500);
  one('another algorithm than the key has', good.RS256, signed(good.RS256, claims, { alg: 'RS512' }), 3500);
  one('the signature of a stranger', good.RS256, signed(stranger, claims), 3500);
  one('a kid that is not there', good.RS256, signed(good.RS256, claims, { kid: 'other' }), 3500);
  one('no kid', good.RS256, signed(good.RS256, claims, { kid: undefined }), 3500);
  one('an expired token', good.RS256, signed(good.RS256, { ...claims, exp: nowSeconds() - 5 }), 109);
  for (const use of [undefined, 'enc']) {
    const key = makeKey('RS256', `use-${use}`, { use });
    one(`a key with use ${use}`, key, signed(key, claims), 3500);
  }
  const pss = makeKey('RS256', 'pss', { alg: 'PS256' });
  one('a key of an algorithm that is not served', pss, signed(pss, claims), 3500);
  const two = [makeKey('RS256', 'twice'), makeKey('RS256', 'twice')];
  list.push(['the last of two keys with one kid', (keys) => keys.publish(two), signed(two[1], claims), 'connected']);
  list.push(['the first of two keys with one kid', (keys) => keys.publish(two), signed(two[0], claims), 3500]);
  const set = JSON.stringify({ keys: [good.RS256.jwk] });
  const token = signed(good.RS256, claims);
  const says = (name, body, expected, status, headers) =>
    list.push([name, (keys) => keys.say(body, status, headers), token, expected]);
  says('a set in another letter case', set.replace('"keys"', '"KEYS"').replace('"kid"', '"Kid"'), 'connected');
  says('no keys', '{"keys":[]}', 3500);
  says('keys that are null', '{"keys":null}', 3500);
  says('an empty answer', '', 3500);
  says('an answer that is no JSON', '<html>', 3500);
  says('a list instead of an object', '[]', 3500);
  says('half an answer', set.slice(0, -10), 3500);
  says('text behind the set', `${set} x`, 3500);
  says('a kid that is a number', set.replace('"k-RS256"', '7'), 3500);
  says('a number that is no base64', set.replace('"n":"', '"n":"!'), 3500);
  says('status 500', set, 3500, 500);
  says('status 201', set, 3500, 201);
  says('status 404', 'not here', 3500, 404);
  list.push([
    'a redirect',
    (keys) => {
      keys.answer = (request, response) =>
        request.url === '/moved.json'
          ? response.end(set)
          : response.writeHead(302, { Location: '/moved.json' }).end();
    },
    token,
    'connected',
  ]);
  list.push([
    'redirects without an end',
    (keys) => keys.say('', 302, { Location: '/keys.json' }),
    token,
    3500,
  ]);
  list.push(['a key server that never answers', (keys) => (keys.answer = () => {}), token, 3500]);
  list.push([
    'a key server that stops in the middle',
    (keys) => (keys.answer = (request, response) => response.write(set.slice(0, 20))),
    token,
    3500,
  ]);
  list.push(['a key server that hangs up', (keys) => (keys.answer = (request) => request.socket.destroy()), token, 3500]);
  let tries = 0;
  list.push([
    'a key server that answers the second try',
    (keys) =>
      (keys.answer = (request, response) => (++tries === 1 ? response.writeHead(503).end() : response.end(set))),
    token,
    'connected',
  ]);
  return list;
}
