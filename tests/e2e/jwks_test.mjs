// Key sets (rows AU-24 and AU-25): tokens under keys that an identity provider publishes, and a key server in every state.
import { after } from 'node:test';
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Centrifuge as ProtobufCentrifuge } from 'centrifuge/build/protobuf';
import { alone, fresh, suite } from './lib/suite.mjs';
import { newClient, connected, subscribed } from './lib/client.mjs';
import { frame, OP, RawWs } from './lib/raw_ws.mjs';
import { SECRET, testConfig } from './lib/server.mjs';
import { cases, KeyServer, makeKey, outcome, signWith } from './lib/jwks.mjs';
import { sign, nowSeconds } from './lib/token.mjs';
import { until } from './lib/wait.mjs';

const keys = await KeyServer.start(); // of this file; each test says what it answers
after(() => keys.stop());

const list = cases();
const issuers = list.map((_, i) => `case${i}`);
const withEndpoint = (url, more = {}) => testConfig({ client: { token: { jwks_public_endpoint: url, ...more } } });
// A key server of the test's own, and the options of a server of ours that asks it.
async function ownKeys(more = {}) {
  const own = await KeyServer.start();
  return { own, options: { config: withEndpoint(own.url(), more) } };
}
// A scenario with a server and a key server of its own.
function keyed(name, body, more) {
  let own;
  alone(
    name,
    async () => {
      const made = await ownKeys(more);
      own = made.own;
      return made.options;
    },
    async (server, t) => {
      try {
        await body(server, own, t);
      } finally {
        await own.stop();
      }
    },
  );
}

// Each case has an address of its own: what one has fetched or failed to fetch is nothing to the next.
const scenario = suite(() => ({
  config: withEndpoint(keys.url('/{{which}}.json'), { issuer_regex: `^(?P<which>${issuers.join('|')})$` }),
}));
list.forEach(([name, prepare, token, expected], i) => {
  scenario(`key set: ${name}: ${expected}`, async (server) => {
    prepare(keys);
    assert.equal(await outcome(server, token({ iss: issuers[i] })), expected);
  });
});

scenario('an issuer that is not configured is refused before anything is fetched', async (server) => {
  const key = makeKey('RS256', 'one');
  keys.publish([key]);
  keys.requests = [];
  assert.equal(await outcome(server, signWith(key, { sub: 'ann', iss: 'elsewhere' })), 3500);
  assert.equal(await outcome(server, signWith(key, { sub: 'ann' })), 3500);
  assert.deepEqual(keys.requests, []);
});

keyed('an unmodified centrifuge client connects in either encoding, its set is fetched once', async (server, own) => {
  const key = makeKey('EdDSA', 'one');
  own.publish([key]);
  const channel = `public:${fresh()}`;
  for (const Class of [undefined, ProtobufCentrifuge]) {
    const client = await connected(newClient(server.wsUrl(), { token: signWith(key, { sub: 'ann' }) }, Class));
    const sub = await subscribed(client, channel);
    assert.deepEqual(
      Object.values((await sub.presence()).clients).map((info) => info.user),
      ['ann'],
    );
    client.disconnect();
    await until(async () => (await server.api('presence_stats', { channel })).num_clients === 0, 'the client to be gone');
  }
  assert.equal(own.requests.length, 1);
});

keyed('a Protobuf client waits for its key set as well, and what it sent meanwhile is done after', async (server, own) => {
  const key = makeKey('ES256', 'one');
  let answer;
  own.answer = (request, response) => (answer = response);
  const token = signWith(key, { sub: 'ann' });
  const client = newClient(server.wsUrl(), { token }, ProtobufCentrifuge);
  client.connect();
  await until(() => answer, 'the key server to be asked');
  answer.end(JSON.stringify({ keys: [key.jwk] }));
  await client.events.takeWhere((event) => event.name === 'connected');
});

keyed('with a key set the shared secret is worth nothing, and no tokens are made', async (server, own) => {
  const key = makeKey('RS256', 'one');
  own.publish([key]);
  assert.equal(await outcome(server, server.token('ann')), 3500);
  assert.equal(await outcome(server, sign({ sub: 'ann', exp: nowSeconds() + 60 }, SECRET)), 3500);
  assert.equal(await outcome(server, signWith(key, { sub: 'ann' })), 'connected');
  const { server_api_key: secret } = server.firstRun();
  const answer = await server.project('token', { userId: 'ann' }, secret);
  assert.equal(answer.status, 503);
  assert.match(answer.text, /not_configured.*jwks_public_endpoint/);
});

keyed('while one waits for its key set, its commands wait in order and everybody else goes on', async (server, own) => {
  const known = makeKey('RS256', 'known');
  const later = makeKey('RS256', 'later');
  const channel = `chat:${fresh()}`;
  own.publish([known]);
  const others = [];
  for (let i = 0; i < 4; i++) {
    const other = await RawWs.connect(server, signWith(known, { sub: `other-${i}` }));
    assert.ok((await other.subscribe(channel)).subscribe);
    others.push(other);
  }
  let answer;
  own.answer = (request, response) => (answer = response);
  const waiting = await RawWs.open(server);
  const commands = [
    { id: 1, connect: { token: signWith(later, { sub: 'late' }) } },
    { id: 2, subscribe: { channel } },
    { id: 3, publish: { channel, data: 'from the late one' } },
  ];
  waiting.write(frame(OP.TEXT, commands.map((command) => JSON.stringify(command)).join('\n')));
  waiting.write(frame(OP.TEXT, JSON.stringify({ id: 4, presence_stats: { channel } })));
  await until(() => answer, 'the key server to be asked');
  for (const other of others) assert.ok((await other.call({ publish: { channel, data: 1 } })).publish);
  assert.equal(await outcome(server, signWith(known, { sub: 'new' })), 'connected');
  answer.end(JSON.stringify({ keys: [known.jwk, later.jwk] }));
  const ids = [];
  while (ids.length < 4) {
    const reply = await waiting.next();
    assert.equal(reply.error, undefined);
    if (reply.id) ids.push(reply.id);
  }
  assert.deepEqual(ids, [1, 2, 3, 4]);
  for (const each of [...others, waiting]) each.close();
});

keyed('a set is fetched once for all who wait for it, whoever goes away meanwhile', async (server, own) => {
  const key = makeKey('ES256', 'one');
  let answer;
  own.answer = (request, response) => (answer = response);
  const waiting = [];
  for (let i = 0; i < 40; i++) {
    const ws = await RawWs.open(server);
    ws.send({ connect: { token: signWith(key, { sub: `user-${i}` }) } });
    waiting.push(ws);
  }
  await until(() => answer, 'the key server to be asked');
  for (const ws of waiting.splice(0, 20)) ws.close();
  answer.end(JSON.stringify({ keys: [key.jwk] }));
  for (const ws of waiting) {
    assert.ok((await ws.next()).connect);
    ws.close();
  }
  assert.equal(own.requests.length, 1);
});

keyed('a new kid makes the set be fetched again, and the old key counts on', async (server, own) => {
  const first = makeKey('RS256', 'first');
  const second = makeKey('RS256', 'second');
  own.publish([first]);
  assert.equal(await outcome(server, signWith(first, { sub: 'ann' })), 'connected');
  own.publish([second]);
  assert.equal(await outcome(server, signWith(second, { sub: 'ann' })), 'connected');
  assert.equal(await outcome(server, signWith(first, { sub: 'ann' })), 'connected');
  assert.equal(own.requests.length, 2);
});

keyed('made-up kids do not make the set be fetched more than once a second', async (server, own) => {
  const key = makeKey('RS256', 'one');
  own.publish([key]);
  const began = Date.now();
  for (let round = 0; round < 2; round++) {
    const many = Array.from({ length: 20 }, (_, i) => outcome(server, signWith(key, { sub: 'm' }, { kid: `x${round}-${i}` })));
    assert.deepEqual(new Set(await Promise.all(many)), new Set([3500]));
  }
  assert.ok(own.requests.length <= 2 + (Date.now() - began) / 1000, `${own.requests.length} requests`);
});

keyed('a key that was fetched counts while the key server is gone; one that was not is refused', async (server, own) => {
  const key = makeKey('EdDSA', 'one');
  own.publish([key]);
  assert.equal(await outcome(server, signWith(key, { sub: 'ann' })), 'connected');
  own.answer = (request) => request.socket.destroy();
  assert.equal(await outcome(server, signWith(key, { sub: 'ann' })), 'connected');
  assert.equal(await outcome(server, signWith(key, { sub: 'ann' }, { kid: 'other' })), 3500);
  assert.equal(await outcome(server, signWith(key, { sub: 'ann' })), 'connected');
});

alone(
  'nobody listens at the endpoint: tokens are refused, the rest works',
  async () => {
    const { own, options } = await ownKeys();
    await own.stop();
    options.config.client.allow_anonymous_connect_without_token = true;
    return options;
  },
  async (server) => {
    assert.equal(await outcome(server, signWith(makeKey('RS256', 'one'), { sub: 'ann' })), 3500);
    const ws = await RawWs.connect(server);
    assert.ok((await ws.subscribe(`open:${fresh()}`)).subscribe);
    ws.close();
  },
);

keyed('an answer longer than 512 KB is not read to its end', async (server, own) => {
  const key = makeKey('RS256', 'one');
  const set = JSON.stringify({ keys: [key.jwk], x: 'x'.repeat(600 * 1024) });
  own.say(set); // with its length
  assert.equal(await outcome(server, signWith(key, { sub: 'ann' })), 3500);
  own.answer = (request, response) => {
    response.write('{"keys":[');
    response.on('close', () => (own.cut = true));
    const more = () => response.destroyed || response.write(`${' '.repeat(64 * 1024)}`, () => setImmediate(more));
    more();
  };
  assert.equal(await outcome(server, signWith(key, { sub: 'ann' })), 3500);
  await until(() => own.cut, 'the answer to be cut');
});

keyed('refresh and sub_refresh wait for key sets too', async (server, own) => {
  const [first, second, third] = ['1', '2', '3'].map((kid) => makeKey('ES256', kid));
  const channel = `private:${fresh()}`;
  own.publish([first]);
  const ws = await RawWs.connect(server, signWith(first, { sub: 'ann' }));
  assert.ok((await ws.subscribe(channel, { token: signWith(first, { sub: 'ann', channel }) })).subscribe);
  own.publish([second]);
  const refreshed = await ws.call({ refresh: { token: signWith(second, { sub: 'ann' }) } });
  assert.equal(refreshed.refresh.expires, true);
  own.publish([third]);
  const again = await ws.call({ sub_refresh: { channel, token: signWith(third, { sub: 'ann', channel }) } });
  assert.equal(again.sub_refresh.expires, true);
  assert.equal(own.requests.length, 3);
  ws.send({ refresh: { token: signWith(third, { sub: 'ann' }, { kid: 'none' }) } });
  assert.equal((await ws.closing()).code, 3500);
  ws.close();
});

alone(
  'subscription tokens have a key set of their own when they are told to',
  () => ({
    config: testConfig({
      client: { subscription_token: { enabled: true, jwks_public_endpoint: keys.url('/subscriptions.json') } },
    }),
  }),
  async (server) => {
    const key = makeKey('ES384', 'one');
    keys.publish([key]);
    const ws = await RawWs.connect(server, server.token('ann'));
    const channel = `private:${fresh()}`;
    const subscribe = (token) => ws.subscribe(channel, { token });
    assert.equal((await subscribe(server.token('ann', { channel }))).error.code, 103);
    assert.equal((await subscribe(signWith(key, { sub: 'ann', channel }, { kid: 'other' }))).error.code, 103);
    assert.equal((await subscribe(signWith(key, { sub: 'ann', channel, exp: nowSeconds() - 5 }))).error.code, 109);
    assert.ok((await subscribe(signWith(key, { sub: 'ann', channel }))).subscribe);
    ws.close();
    assert.equal(await outcome(server, signWith(key, { sub: 'ann' })), 3500);
  },
);

keyed('projectId in a token under a key set is ignored: the connection is in the Default space', async (server, own) => {
  const key = makeKey('RS256', 'one');
  own.publish([key]);
  assert.equal(await outcome(server, signWith(key, { sub: 'ann', projectId: 'proj_doesnotexist' })), 'connected');
});

alone('SIGHUP puts a key set in the place of the shared secret', { config: testConfig() }, async (server) => {
  const key = makeKey('RS256', 'one');
  keys.publish([key]);
  assert.equal(await outcome(server, server.token('ann')), 'connected');
  server.writeConfig(withEndpoint(keys.url('/after-reload.json')));
  server.signal('SIGHUP');
  await until(async () => (await outcome(server, signWith(key, { sub: 'ann' }))) === 'connected', 'the key set');
  assert.equal(await outcome(server, server.token('ann')), 3500);
});

keyed('the server ends in time while a key server does not answer', async (server, own) => {
  own.answer = () => {};
  const ws = await RawWs.open(server);
  ws.send({ connect: { token: signWith(makeKey('RS256', 'one'), { sub: 'ann' }) } });
  await until(() => own.requests.length > 0, 'the key server to be asked');
  const told = ws.closing().then(() => ws.close());
  await server.stop();
  await told;
});

const folder = mkdtempSync(join(tmpdir(), 'xshathra-jwks-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

async function httpsKeys(key) {
  const names = ['-subj', '/CN=keys', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const [certFile, keyFile] = ['cert.pem', 'key.pem'].map((name) => join(folder, name));
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  execFileSync('openssl', ['req', '-x509', ...curve, '-days', '2', '-keyout', keyFile, '-out', certFile, ...names], {
    stdio: 'ignore',
  });
  const own = { certFile };
  own.answer = (request, response) => response.end(JSON.stringify({ keys: [key.jwk] }));
  own.http = https.createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (request, response) =>
    own.answer(request, response),
  );
  own.http.listen(0, '127.0.0.1');
  await once(own.http, 'listening');
  own.url = `https://127.0.0.1:${own.http.address().port}/keys.json`;
  return own;
}

for (const trusted of [true, false]) {
  const key = makeKey('RS256', 'one');
  let own;
  alone(
    `over https a certificate that is ${trusted ? 'trusted opens the set' : 'not trusted opens nothing'}`,
    async () => {
      own = await httpsKeys(key);
      return { config: withEndpoint(own.url), env: { SSL_CERT_FILE: trusted ? own.certFile : null } };
    },
    async (server) => {
      assert.equal(await outcome(server, signWith(key, { sub: 'ann' })), trusted ? 'connected' : 3500);
      if (trusted) {
        keys.publish([key]);
        own.answer = (request, response) => response.writeHead(302, { Location: keys.url('/plain.json') }).end();
        keys.requests = [];
        assert.equal(await outcome(server, signWith(key, { sub: 'ann' }, { kid: 'other' })), 3500);
        assert.deepEqual(keys.requests, [], 'a redirect never leaves https');
      }
      own.http.closeAllConnections();
      own.http.close();
    },
  );
}

scenario('check names an endpoint that is none, and groups that let a token choose its key server', async (server) => {
  const file = join(server.folder, 'jwks.json');
  const check = async (token) => {
    writeFileSync(file, JSON.stringify(testConfig({ client: { token } })));
    const done = await server.cli('check', '-c', file);
    return { code: done.code, said: done.stdout + done.stderr };
  };
  const endpoint = 'https://keys.example.com/{{tenant}}/keys.json';
  for (const [token, sentence] of [
    [{ jwks_public_endpoint: 'ftp://x/y' }, /jwks_public_endpoint" is no address that starts with http/],
    [{ jwks_public_endpoint: 'https://{{tenant}}.example.com/keys' }, /jwks_public_endpoint" has a placeholder in its host/],
    [{ jwks_public_endpoint: endpoint, issuer_regex: '^(?P<tenant>.+)$' }, /issuer_regex" has a group in the address/],
    [{ jwks_public_endpoint: endpoint, audience_regex: '^[a-z]+$' }, /audience_regex" has a class of characters/],
  ]) {
    const { code, said } = await check(token);
    assert.equal(code, 1, said);
    assert.match(said, sentence);
  }
  const open = { jwks_public_endpoint: endpoint, issuer_regex: '^(?P<tenant>.+)$' };
  const allowed = await check({ ...open, insecure_skip_jwks_endpoint_safety_check: true });
  assert.equal(allowed.code, 0, allowed.said);
  assert.match(allowed.said, /lets whoever writes a token choose the address/);
  const words = await check({ jwks_public_endpoint: endpoint, issuer_regex: '^(?P<tenant>one|two\\.example)$' });
  assert.equal(words.code, 0, words.said);
});

alone(
  'what a token puts into the address cannot climb out of its path',
  () => ({
    config: withEndpoint(keys.url('/{{tenant}}/keys.json'), {
      issuer_regex: '^(?P<tenant>.*)$',
      insecure_skip_jwks_endpoint_safety_check: true,
    }),
  }),
  async (server) => {
    const key = makeKey('RS256', 'one');
    keys.publish([key]);
    for (const iss of ['..', '.', '', 'a/../b', '%2e%2e', 'a//b', '%2E%2E%2Fx', 'a b', 'a\r\nb', '%zz']) {
      keys.requests = [];
      assert.equal(await outcome(server, signWith(key, { sub: 'ann', iss })), 3500, iss);
      assert.deepEqual(keys.requests, [], iss);
    }
    assert.equal(await outcome(server, signWith(key, { sub: 'ann', iss: 'tenant-1' })), 'connected');
    assert.deepEqual(keys.requests, ['/tenant-1/keys.json']);
  },
);
