// Many commands in one request: batch, and the older form at the API's own path.
import { strict as assert } from 'node:assert';
import { suite, alone, fresh } from './lib/suite.mjs';
import { RawWs } from './lib/raw_ws.mjs';
import { API_KEY, freePort, testConfig } from './lib/server.mjs';

const scenario = suite();
const withKey = { 'X-API-Key': API_KEY };

for (const prefix of ['/api', '/realtime/api']) {
  scenario(`${prefix}/batch answers each command in its place`, async (server) => {
    const channel = `public:${fresh()}`;
    const { status, json, headers } = await server.apiAnswer('batch', {
      commands: [
        { publish: { channel, data: 1 } },
        { publish: { channel: 'nowhere:a', data: 1 } },
        null,
        { nothing: {} },
        { rpc: { method: 'getUser' } },
        { broadcast: { channels: [channel, 'plain:a'], data: 2 } },
        { history: { channel, limit: -1 } },
        { presence_stats: { channel } },
      ],
    }, { prefix });
    assert.equal(status, 200);
    assert.match(headers.get('content-type'), /^application\/json/);
    assert.deepEqual(Object.keys(json), ['replies']);
    const { replies } = json;
    const { epoch } = replies[0].publish;
    assert.deepEqual(replies, [
      { publish: { offset: 1, epoch } },
      { error: { code: 102, message: 'unknown channel' } },
      { error: { code: 107, message: 'bad request' } },
      { error: { code: 104, message: 'not found' } },
      { error: { code: 104, message: 'not found' } },
      { broadcast: { responses: [{ result: { offset: 2, epoch } }, { result: {} }] } },
      { history: { publications: [{ data: 1, offset: 1 }, { data: 2, offset: 2 }], epoch, offset: 2 } },
      { presence_stats: { num_clients: 0, num_users: 0 } },
    ]);
  });

  scenario(`${prefix} itself answers each command on a line`, async (server) => {
    const channel = `public:${fresh()}`;
    const body = [
      { id: 1, method: 'publish', params: { channel, data: 1 } },
      { id: 2, method: 'PRESENCE', params: { channel } },
      { id: 3, method: 5, params: { channel } },
      { id: 4, method: 'presence', params: { channel: 'plain:a' } },
      { method: 'rpc', params: { method: 'x' } },
    ].map((command) => JSON.stringify(command));
    for (const between of ['\n', ' ', '']) {
      const answer = await server.post(prefix, body.join(between), withKey);
      assert.equal(answer.status, 200, answer.text);
      const [first, ...rest] = answer.text.split('\n');
      assert.match(first, /^\{"id":1,"result":\{"offset":\d,"epoch":"[^"]+"\}\}$/);
      assert.deepEqual(rest, [
        '{"id":2,"result":{"presence":{}}}',
        '{"id":3,"result":{"num_clients":0,"num_users":0}}',
        '{"id":4,"error":{"code":108,"message":"not available"}}',
        '{"error":{"code":104,"message":"not found"}}',
      ]);
    }
  });

  scenario(`${prefix} itself asks for the key, for POST and for a body`, async (server) => {
    assert.equal((await server.post(prefix, '{}', { 'X-API-Key': 'wrong' })).status, 401);
    assert.equal((await server.get(prefix, { headers: withKey })).status, 405);
    assert.equal((await server.post(prefix, '', withKey)).status, 400);
    assert.equal((await server.post(`${prefix}/`, '{}', withKey)).status, 404);
  });
}

scenario('commands of a batch are heard in their order, those for connections are done when it answers', async (server) => {
  const user = fresh('user');
  const channel = `plain:${fresh()}`;
  const ws = await RawWs.connect(server, server.token(user));
  const answer = await server.apiAnswer('batch', {
    parallel: true,
    commands: [
      { subscribe: { user, channel } },
      ...Array.from({ length: 100 }, (_, i) => ({ publish: { channel, data: i } })),
      { channels: { pattern: channel } },
      { unsubscribe: { user, channel } },
      { channels: { pattern: channel } },
    ],
  });
  const { replies } = answer.json;
  assert.equal(replies.length, 104);
  assert.deepEqual(replies[101], { channels: { channels: { [channel]: { num_clients: 1 } } } });
  assert.deepEqual(replies[103], { channels: { channels: {} } });
  assert.ok((await ws.push()).subscribe);
  for (let i = 0; i < 100; i++) assert.equal((await ws.push()).pub?.data, i);
  assert.equal((await ws.push()).unsubscribe.code, 2000);
  ws.close();
});

scenario('one command of a wrong type refuses the whole batch before anything is done', async (server) => {
  const channel = `public:${fresh()}`;
  const answer = await server.apiAnswer('batch', { commands: [{ publish: { channel, data: 1 } }, { publish: { channel: 5 } }] });
  assert.equal(answer.status, 400);
  assert.equal((await server.api('history', { channel, limit: -1 })).publications.length, 0);
});

// A late broker answers each command late: as many then as fit the answer's ten seconds.
const MANY = process.env.XSHATHRA_BROKER_DELAY_MS ? 500 : 10_000;

scenario('a batch of very many commands does not hold up another request', async (server) => {
  const channel = `public:${fresh()}`;
  const commands = Array.from({ length: MANY }, (_, i) => ({ publish: { channel, data: i } }));
  const batch = server.apiAnswer('batch', { commands });
  let others = 0;
  let answer;
  const done = batch.then((it) => (answer = it));
  while (!answer) {
    await server.api('publish', { channel: 'plain:a', data: 1 });
    others += 1;
  }
  await done;
  assert.equal(answer.json.replies.at(-1).publish.offset, MANY);
  assert.ok(others > 1, `${others} other requests`);
});

alone('the internal port has the older form too, and the public one has not', async () => {
  const internal = await freePort();
  return { config: testConfig({ http_server: { internal_port: String(internal) } }), healthPort: internal };
}, async (server) => {
  const at = (port) => fetch(`http://127.0.0.1:${port}/api`, { method: 'POST', headers: withKey, body: '{"method":"info"}' });
  assert.equal((await at(server.healthPort)).status, 200);
  assert.equal((await at(server.port)).status, 404);
});
