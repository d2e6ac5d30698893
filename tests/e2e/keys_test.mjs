// Tokens under public keys, RSA and ECDSA: who signs with the private half may let users in, and nobody else.
import { strict as assert } from 'node:assert';
import { createHmac, generateKeyPairSync, sign as signBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, alone, fresh } from './lib/suite.mjs';
import { newClient, connected, subscribed } from './lib/client.mjs';
import { RawWs } from './lib/raw_ws.mjs';
import { testConfig } from './lib/server.mjs';
import { nowSeconds } from './lib/token.mjs';
import { until } from './lib/wait.mjs';

const pair = (type, options) => {
  const { publicKey, privateKey } = generateKeyPairSync(type, options);
  return { pem: publicKey.export({ type: 'spki', format: 'pem' }), privateKey };
};
const rsa = pair('rsa', { modulusLength: 2048 });
const p256 = pair('ec', { namedCurve: 'P-256' });
const p384 = pair('ec', { namedCurve: 'P-384' });
const stranger = { rsa: pair('rsa', { modulusLength: 2048 }), p256: pair('ec', { namedCurve: 'P-256' }) };

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const unsigned = (alg, claims) => `${part({ alg, typ: 'JWT' })}.${part({ exp: nowSeconds() + 300, ...claims })}`;

// A token as an identity provider signs it; the hash is the one in the algorithm's name.
function signed(alg, claims, { privateKey }) {
  const text = unsigned(alg, claims);
  const key = alg.startsWith('ES') ? { key: privateKey, dsaEncoding: 'ieee-p1363' } : privateKey;
  return `${text}.${signBytes(`sha${alg.slice(2)}`, Buffer.from(text), key).toString('base64url')}`;
}

// What an attacker does who knows the public key only: its text as the secret of an HMAC.
function confused(alg, pem) {
  const text = unsigned(alg, { sub: 'mallory' });
  return `${text}.${createHmac(`sha${alg.slice(2)}`, pem)
    .update(text)
    .digest('base64url')}`;
}

const publicKeys = { rsa_public_key: rsa.pem, ecdsa_public_key: p256.pem };
const scenario = suite({ config: testConfig({ client: { token: publicKeys } }) });

async function closeAfterConnect(server, token) {
  const ws = await RawWs.open(server);
  ws.send({ connect: { token } });
  const close = await ws.closing();
  ws.close();
  return close;
}
async function isTaken(server, token) {
  const ws = await RawWs.open(server);
  ws.send({ connect: { token } });
  const answer = await ws.next();
  ws.close();
  return answer?.connect !== undefined;
}

const refused = { code: 3500, reason: 'invalid token' };

for (const [alg, key] of [
  ['RS256', rsa],
  ['RS384', rsa],
  ['RS512', rsa],
  ['ES256', p256],
]) {
  scenario(`an unmodified centrifuge client connects with a token signed by ${alg}`, async (server) => {
    const user = fresh('ann');
    const client = await connected(newClient(server.wsUrl(), { token: signed(alg, { sub: user }, key) }));
    const sub = await subscribed(client, `public:${fresh()}`);
    const { clients } = await sub.presence();
    assert.deepEqual(
      Object.values(clients).map((info) => info.user),
      [user],
    );
    client.disconnect();
  });
}

scenario('a token under the shared secret counts beside public keys', async (server) => {
  const ws = await RawWs.connect(server, server.token('ann'));
  ws.close();
});

for (const [what, make] of Object.entries({
  'RS256 by a stranger': () => signed('RS256', { sub: 'ann' }, stranger.rsa),
  'ES256 by a stranger': () => signed('ES256', { sub: 'ann' }, stranger.p256),
  'ES384, for which there is no key': () => signed('ES384', { sub: 'ann' }, p384),
  'ES256 in DER instead of two numbers': () => {
    const text = unsigned('ES256', { sub: 'ann' });
    return `${text}.${signBytes('sha256', Buffer.from(text), p256.privateKey).toString('base64url')}`;
  },
  'RS256 and the signature of another token': () =>
    `${unsigned('RS256', { sub: 'ann' })}.${signed('RS256', { sub: 'bob' }, rsa).split('.')[2]}`,
  'no algorithm and no signature': () => `${unsigned('none', { sub: 'ann' })}.`,
  'HS256 under the text of the RSA key': () => confused('HS256', rsa.pem),
  'HS384 under the text of the RSA key': () => confused('HS384', rsa.pem),
  'HS512 under the text of the ECDSA key': () => confused('HS512', p256.pem),
  'HS256 under the text of the RSA key without its last line end': () => confused('HS256', rsa.pem.trimEnd()),
})) {
  scenario(`a token with ${what} closes the connection with 3500`, async (server) => {
    assert.deepEqual(await closeAfterConnect(server, make()), refused);
  });
}

alone(
  'with public keys only, their text is no secret either',
  {
    config: testConfig({ client: { token: publicKeys } }),
    env: { CENTRIFUGO_TOKEN_HMAC_SECRET_KEY: null },
  },
  async (server) => {
    (await RawWs.connect(server, signed('RS256', { sub: 'ann' }, rsa))).close();
    for (const alg of ['HS256', 'HS384', 'HS512']) {
      for (const pem of [rsa.pem, p256.pem])
        assert.deepEqual(await closeAfterConnect(server, confused(alg, pem)), refused);
    }
  },
);

for (const [alg, key] of [
  ['RS256', rsa],
  ['ES256', p256],
]) {
  scenario(`an expired token signed by ${alg} is answered with error 109`, async (server) => {
    const ws = await RawWs.open(server);
    const reply = await ws.call({ connect: { token: signed(alg, { sub: 'ann', exp: nowSeconds() - 10 }, key) } });
    assert.equal(reply.error.code, 109);
    ws.close();
  });

  scenario(
    `projectId in a token signed by ${alg} is ignored: the connection is in the Default space`,
    async (server) => {
      const project = await server.createProject(fresh('one'));
      const channel = `public:${fresh()}`;
      const ws = await RawWs.connect(server, signed(alg, { sub: 'ann', projectId: project.id }, key));
      const inProject = await RawWs.connect(server, server.token('ann', { projectId: project.id }));
      for (const each of [ws, inProject]) assert.ok((await each.subscribe(channel)).subscribe);
      await server.api('publish', { channel, data: 'of the project' }, { project: project.id });
      await server.api('publish', { channel, data: 'of the Default space' });
      assert.equal((await ws.push()).pub.data, 'of the Default space');
      assert.equal((await inProject.push()).pub.data, 'of the project');
      for (const each of [ws, inProject]) each.close();
      (await RawWs.connect(server, signed(alg, { sub: 'ann', projectId: 'proj_doesnotexist' }, key))).close();
    },
  );

  scenario(
    `a subscription token signed by ${alg} opens a private channel, a stranger's is error 103`,
    async (server) => {
      const channel = `private:${fresh()}`;
      const ws = await RawWs.connect(server, server.token('ann'));
      const strange = signed(alg, { sub: 'ann', channel }, alg === 'RS256' ? stranger.rsa : stranger.p256);
      assert.equal((await ws.subscribe(channel, { token: strange })).error.code, 103);
      const reply = await ws.subscribe(channel, { token: signed(alg, { sub: 'ann', channel }, key) });
      assert.equal(reply.subscribe.expires, true);
      ws.close();
    },
  );

  scenario(`a subscription token signed by ${alg} is worth nothing in a project, whatever it says`, async (server) => {
    const project = await server.createProject(fresh('one'));
    const channel = `private:${fresh()}`;
    const ws = await RawWs.connect(server, await server.mint(project.server_api_key, 'ann'));
    for (const claims of [{}, { projectId: project.id }]) {
      const token = signed(alg, { sub: 'ann', channel, ...claims }, key);
      assert.equal((await ws.subscribe(channel, { token })).error.code, 103);
    }
    ws.close();
  });
}

alone(
  'subscription tokens have a key of their own when they are told to',
  {
    config: testConfig({
      client: { token: publicKeys, subscription_token: { enabled: true, ecdsa_public_key: p384.pem } },
    }),
  },
  async (server) => {
    const channel = `private:${fresh()}`;
    const ws = await RawWs.connect(server, signed('ES256', { sub: 'ann' }, p256));
    for (const [alg, key] of [
      ['ES256', p256],
      ['RS256', rsa],
    ]) {
      assert.equal((await ws.subscribe(channel, { token: signed(alg, { sub: 'ann', channel }, key) })).error.code, 103);
    }
    assert.ok((await ws.subscribe(channel, { token: signed('ES384', { sub: 'ann', channel }, p384) })).subscribe);
    ws.close();
    assert.deepEqual(await closeAfterConnect(server, signed('ES384', { sub: 'ann' }, p384)), refused);
  },
);

alone(
  "SIGHUP exchanges a public key: the old one's tokens are refused, its connections stay",
  {
    config: testConfig({ client: { token: { rsa_public_key: rsa.pem } } }),
  },
  async (server) => {
    const old = await RawWs.connect(server, signed('RS256', { sub: 'ann' }, rsa));
    const channel = `public:${fresh()}`;
    assert.ok((await old.subscribe(channel)).subscribe);
    server.writeConfig(testConfig({ client: { token: { rsa_public_key: stranger.rsa.pem } } }));
    server.signal('SIGHUP');
    await until(() => isTaken(server, signed('RS256', { sub: 'bob' }, stranger.rsa)), 'the new key');
    assert.deepEqual(await closeAfterConnect(server, signed('RS256', { sub: 'ann' }, rsa)), refused);
    await server.api('publish', { channel, data: 1 });
    assert.equal((await old.push()).pub.data, 1);
    old.close();
  },
);

scenario('check names a key that is none, and never shows what was put there', async (server) => {
  const file = join(server.folder, 'keys.json');
  const secret = p256.privateKey.export({ type: 'pkcs8', format: 'pem' });
  for (const [token, sentence] of [
    [{ rsa_public_key: secret }, /"client\.token\.rsa_public_key" is a private key/],
    [{ ecdsa_public_key: rsa.pem }, /"client\.token\.ecdsa_public_key" is a key, but not an ECDSA key/],
    [{ rsa_public_key: '/etc/keys/public.pem' }, /"client\.token\.rsa_public_key" is not PEM text/],
  ]) {
    writeFileSync(file, JSON.stringify(testConfig({ client: { token } })));
    const done = await server.cli('check', '-c', file);
    assert.equal(done.code, 1);
    assert.match(done.stdout + done.stderr, sentence);
    assert.ok(!(done.stdout + done.stderr).includes(secret.split('\n')[1]));
  }
  writeFileSync(file, JSON.stringify(testConfig({ client: { token: publicKeys } })));
  assert.equal((await server.cli('check', '-c', file)).code, 0);
});
