// The engine's server API: ways to give the key, both places, methods, errors, batch.
import { strict as assert } from 'node:assert';
import { suite, alone, fresh } from './lib/suite.mjs';
import { RawWs } from './lib/raw_ws.mjs';
import { API_KEY, freePort, testConfig } from './lib/server.mjs';

const scenario = suite();

for (const prefix of ['/api', '/realtime/api']) {
  for (const [what, headers, query] of [
    ['X-API-Key', { 'X-API-Key': API_KEY }, ''],
    ['Authorization: apikey', { Authorization: `apikey ${API_KEY}` }, ''],
    ['Authorization: APIKEY', { Authorization: `APIKEY ${API_KEY}` }, ''],
    ['the query', {}, `?api_key=${API_KEY}`],
    ['the query beside a wrong X-API-Key', { 'X-API-Key': 'wrong' }, `?api_key=${API_KEY}`],
  ]) {
    scenario(`${prefix}/publish takes the key by ${what}`, async (server) => {
      const answer = await server.post(`${prefix}/publish${query}`, { channel: 'plain:a', data: 1 }, headers);
      assert.equal(answer.status, 200, answer.text);
      assert.match(answer.headers.get('content-type'), /^application\/json/);
      assert.deepEqual(answer.json, { result: {} });
    });
  }

  for (const [what, headers] of [
    ['no key', {}],
    ['a wrong key', { 'X-API-Key': 'wrong' }],
    ['a key with something after it', { 'X-API-Key': `${API_KEY}x` }],
    ['a wrong X-API-Key beside a right Authorization', { 'X-API-Key': 'wrong', Authorization: `apikey ${API_KEY}` }],
    ['the key as Bearer', { Authorization: `Bearer ${API_KEY}` }],
  ]) {
    scenario(`${prefix}/publish with ${what} is 401 with an empty body`, async (server) => {
      const answer = await server.post(`${prefix}/publish`, { channel: 'plain:a', data: 1 }, headers);
      assert.equal(answer.status, 401);
      assert.equal(answer.text, '');
    });
  }

  scenario(`a GET of ${prefix}/publish is 405`, async (server) => {
    const answer = await server.get(`${prefix}/publish`, { headers: { 'X-API-Key': API_KEY } });
    assert.equal(answer.status, 405);
    assert.match(answer.headers.get('allow') ?? '', /POST/);
  });

  scenario(`an unknown method under ${prefix} is 404`, async (server) => {
    for (const method of ['frobnicate', 'block_user', '', 'publish/', 'Publish']) {
      assert.equal((await server.apiAnswer(method, {}, { prefix })).status, 404, method);
    }
  });
}

alone(
  'without an API key in the configuration every call is 401',
  { env: { CENTRIFUGO_API_KEY: null } },
  async (server) => {
    assert.equal((await server.post('/api/info', {}, { 'X-API-Key': '' })).status, 401);
    assert.equal((await server.post('/api/info', {})).status, 401);
  },
);

alone(
  'http_api.insecure needs no key',
  {
    config: testConfig({ http_api: { insecure: true } }),
    env: { CENTRIFUGO_API_KEY: null },
  },
  async (server) => {
    assert.equal((await server.post('/api/info', {})).status, 200);
  },
);

for (const [what, body] of [
  ['an empty body', ''],
  ['broken JSON', '{"channel":'],
  ['an array', '[1]'],
  ['a string', '"x"'],
]) {
  scenario(`${what} is 400`, async (server) => {
    assert.equal((await server.apiAnswer('publish', body)).status, 400);
  });
}

scenario('null as a body is an empty request', async (server) => {
  assert.equal((await server.apiAnswer('info', 'null')).status, 200);
  assert.deepEqual((await server.apiAnswer('publish', 'null')).json.error.code, 107);
});

for (const [method, body, code] of [
  ['publish', { data: 1 }, 107],
  ['publish', { channel: '', data: 1 }, 107],
  ['publish', { channel: 'nowhere:a', data: 1 }, 102],
  ['publish', { channel: 'plain:a' }, 107],
  ['publish', { channel: 'plain:a', b64data: '!!' }, 107],
  ['broadcast', { channels: [], data: 1 }, 107],
  ['broadcast', { data: 1 }, 107],
  ['history', { channel: '' }, 107],
  ['history', { channel: 'nowhere:a' }, 102],
  ['history', { channel: 'plain:a' }, 108],
  ['history_remove', { channel: 'plain:a' }, 108],
  ['history_remove', { channel: '' }, 107],
  ['presence', { channel: 'plain:a' }, 108],
  ['presence_stats', { channel: 'plain:a' }, 108],
  ['subscribe', { user: 'x' }, 107],
  ['subscribe', { user: 'x', channel: 'nowhere:a' }, 102],
]) {
  scenario(`${method} of ${JSON.stringify(body)} is error ${code}`, async (server) => {
    const answer = await server.apiAnswer(method, body);
    assert.equal(answer.status, 200);
    assert.equal(answer.json?.error?.code, code, answer.text);
    assert.equal(typeof answer.json.error.message, 'string');
    assert.equal(answer.json.error.temporary, undefined);
  });
}

scenario('X-Centrifugo-Error-Mode: transport turns errors into statuses with a bare error object', async (server) => {
  const headers = { 'X-Centrifugo-Error-Mode': 'transport' };
  const unknown = await server.apiAnswer('publish', { channel: 'nowhere:a', data: 1 }, { headers });
  assert.equal(unknown.status, 404);
  assert.deepEqual(unknown.json, { code: 102, message: 'unknown channel' });
  assert.equal((await server.apiAnswer('publish', { channel: '', data: 1 }, { headers })).status, 400);
  const { epoch } = await server.api('publish', { channel: 'public:transport', data: 1 });
  assert.ok(epoch);
  const lost = await server.apiAnswer(
    'history',
    { channel: 'public:transport', limit: 1, since: { offset: 1, epoch: 'x' } },
    { headers },
  );
  assert.equal(lost.status, 416);
});

scenario('field names ignore case and take camel case', async (server) => {
  const channel = `public:${fresh()}`;
  const first = await server.api('publish', { Channel: channel, DATA: 1, idempotencyKey: 'k' });
  assert.deepEqual(await server.api('publish', { channel, data: 1, idempotency_key: 'k' }), first);
});

scenario('broadcast answers each channel in order, with its own error', async (server) => {
  const a = `public:${fresh()}`;
  const b = `plain:${fresh()}`;
  const ws = await RawWs.connect(server, server.token('ann'));
  await ws.subscribe(a);
  await ws.subscribe(b);
  const { responses } = await server.api('broadcast', { channels: [a, 'nowhere:x', b], data: { all: true } });
  assert.equal(responses[0].result.offset, 1);
  assert.equal(responses[1].error.code, 102);
  assert.deepEqual(responses[2].result, {});
  const heard = [(await ws.push()).channel, (await ws.push()).channel];
  assert.deepEqual(heard.sort(), [a, b].sort());
  ws.close();
});

scenario('broadcast to a thousand channels reaches each', async (server) => {
  const channels = Array.from({ length: 1000 }, (_, i) => `public:many-${i}`);
  const { responses } = await server.api('broadcast', { channels, data: 1 });
  assert.equal(responses.length, 1000);
  assert.ok(responses.every((response) => response.result.offset === 1));
});

scenario('channels lists those with subscribers and how many, filtered by a glob', async (server) => {
  const mark = fresh('mark');
  const sockets = [];
  for (const [name, count] of [
    ['a', 2],
    ['b', 1],
  ]) {
    for (let i = 0; i < count; i++) {
      const ws = await RawWs.connect(server, server.token(`user-${i}`));
      await ws.subscribe(`plain:${mark}-${name}`);
      sockets.push(ws);
    }
  }
  const listed = async (pattern) => (await server.api('channels', { pattern })).channels;
  assert.deepEqual(await listed(`plain:${mark}-*`), {
    [`plain:${mark}-a`]: { num_clients: 2 },
    [`plain:${mark}-b`]: { num_clients: 1 },
  });
  assert.deepEqual(Object.keys(await listed(`plain:${mark}-?`)).length, 2);
  assert.deepEqual(Object.keys(await listed(`plain:${mark}-[b]`)), [`plain:${mark}-b`]);
  assert.deepEqual(Object.keys(await listed(`*:${mark}-{a,c}`)), [`plain:${mark}-a`]);
  assert.deepEqual(await listed('none:*'), {});
  assert.equal((await server.apiAnswer('channels', { pattern: '[' })).json.error.code, 100);
  for (const ws of sockets) ws.close();
});

scenario('info counts clients, users, channels and subscriptions of this node', async (server) => {
  const user = fresh('user');
  const before = (await server.api('info')).nodes[0];
  const one = await RawWs.connect(server, server.token(user));
  const two = await RawWs.connect(server, server.token(user));
  await one.subscribe(`plain:${user}`);
  await two.subscribe(`plain:${user}`);
  const { nodes } = await server.api('info');
  assert.equal(nodes.length, 1);
  for (const field of ['uid', 'name', 'version']) assert.equal(typeof nodes[0][field], 'string');
  // Sockets of earlier tests may still be going away; what is asked here is that ours are counted.
  for (const field of ['num_clients', 'num_users', 'num_channels', 'num_subs'])
    assert.equal(typeof nodes[0][field], 'number');
  assert.ok(
    nodes[0].num_subs >= 2 && nodes[0].num_clients >= 2 && nodes[0].num_users >= 1 && nodes[0].num_channels >= 1,
  );
  assert.equal(before.uid, nodes[0].uid);
  one.close();
  two.close();
});

scenario('publish accepts a channel name outside ASCII from the server', async (server) => {
  assert.deepEqual(await server.api('publish', { channel: 'plain:größe', data: 1 }), {});
});

alone(
  'the internal port takes the API, metrics and health away from the public one',
  async () => {
    const internal = await freePort();
    return { config: testConfig({ http_server: { internal_port: String(internal) } }), healthPort: internal };
  },
  async (server) => {
    const at = (port, path, init) => fetch(`http://127.0.0.1:${port}${path}`, init).then((response) => response.status);
    const call = { method: 'POST', headers: { 'X-API-Key': API_KEY }, body: '{}' };
    for (const [path, init] of [['/api/info', call], ['/metrics'], ['/health']]) {
      assert.equal(await at(server.healthPort, path, init), 200, path);
      assert.equal(await at(server.port, path, init), 404, path);
    }
    (await RawWs.connect(server, server.token('ann'))).close();
  },
);
