// History: what is kept, how it is read by clients and by the server API, idempotency and versions.
import { strict as assert } from 'node:assert';
import { suite, alone, fresh } from './lib/suite.mjs';
import { newClient, connected, subscribed, event } from './lib/client.mjs';
import { RawWs } from './lib/raw_ws.mjs';
import { testConfig, NAMESPACES } from './lib/server.mjs';
import { until } from './lib/wait.mjs';

const scenario = suite();

async function publishMany(server, channel, count, from = 1) {
  for (let n = from; n < from + count; n++) await server.api('publish', { channel, data: { n } });
}

const numbers = (publications) => publications.map((pub) => pub.data.n);

scenario('offsets begin at 1 and grow by one, and the epoch stays', async (server) => {
  const channel = `public:${fresh()}`;
  const first = await server.api('publish', { channel, data: 1 });
  const second = await server.api('publish', { channel, data: 2 });
  assert.equal(first.offset, 1);
  assert.equal(second.offset, 2);
  assert.equal(first.epoch, second.epoch);
  assert.ok(first.epoch.length > 0);
});

scenario('a publish to a channel without history answers an empty result', async (server) => {
  assert.deepEqual(await server.api('publish', { channel: `plain:${fresh()}`, data: 1 }), {});
});

scenario('a centrifuge client that subscribed reads the history of a channel', async (server) => {
  const channel = `public:${fresh()}`;
  await publishMany(server, channel, 3);
  const client = await connected(newClient(server.wsUrl(), { token: server.token('ann') }));
  const sub = await subscribed(client, channel);
  const all = await sub.history({ limit: 10 });
  assert.deepEqual(numbers(all.publications), [1, 2, 3]);
  assert.equal(all.offset, 3);
  const since = await sub.history({ limit: 10, since: { offset: 1, epoch: all.epoch } });
  assert.deepEqual(numbers(since.publications), [2, 3]);
  const back = await sub.history({ limit: 2, reverse: true });
  assert.deepEqual(numbers(back.publications), [3, 2]);
  const top = await sub.history({ limit: 0 });
  assert.deepEqual(top.publications, []);
  assert.equal(top.offset, 3);
  await assert.rejects(sub.history({ limit: 1, since: { offset: 1, epoch: 'wrong' } }), (error) => error.code === 112);
  client.disconnect();
});

scenario('history of a channel that is not subscribed is error 103, of one without history 108', async (server) => {
  const ws = await RawWs.connect(server, server.token('ann'));
  assert.equal((await ws.call({ history: { channel: `public:${fresh()}`, limit: 1 } })).error.code, 103);
  assert.equal((await ws.call({ history: { channel: `plain:${fresh()}`, limit: 1 } })).error.code, 108);
  assert.equal((await ws.call({ history: { channel: 'nowhere:x', limit: 1 } })).error.code, 102);
  ws.close();
});

scenario('a reversed history since offset 0 is error 107', async (server) => {
  const channel = `long:${fresh()}`;
  const ws = await RawWs.connect(server, server.token('ann'));
  const reply = await ws.call({ history: { channel, limit: 1, reverse: true, since: { offset: 0, epoch: '' } } });
  assert.equal(reply.error.code, 107);
  ws.close();
});

scenario('the server API reads history with limit, since and reverse', async (server) => {
  const channel = `public:${fresh()}`;
  await publishMany(server, channel, 5);
  const all = await server.api('history', { channel, limit: -1 });
  assert.deepEqual(numbers(all.publications), [1, 2, 3, 4, 5]);
  assert.deepEqual(
    all.publications.map((pub) => pub.offset),
    [1, 2, 3, 4, 5],
  );
  const { epoch } = all;
  assert.deepEqual(numbers((await server.api('history', { channel, limit: 2 })).publications), [1, 2]);
  assert.deepEqual(
    numbers((await server.api('history', { channel, limit: 2, since: { offset: 2, epoch } })).publications),
    [3, 4],
  );
  assert.deepEqual(numbers((await server.api('history', { channel, limit: 2, reverse: true })).publications), [5, 4]);
  const before = await server.api('history', { channel, limit: 2, reverse: true, since: { offset: 3, epoch } });
  assert.deepEqual(numbers(before.publications), [2, 1]);
  assert.deepEqual(await server.api('history', { channel }), { publications: [], epoch, offset: 5 });
  const wrong = await server.apiAnswer('history', { channel, since: { offset: 1, epoch: 'wrong' }, limit: 1 });
  assert.deepEqual(wrong.json, { error: { code: 112, message: 'unrecoverable position' } });
});

scenario('only the newest history_size publications are kept', async (server) => {
  const channel = `public:${fresh()}`;
  await publishMany(server, channel, 13);
  const all = await server.api('history', { channel, limit: -1 });
  assert.deepEqual(numbers(all.publications), [4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
  assert.equal(all.offset, 13);
});

scenario('history_remove empties the stream but keeps offset and epoch', async (server) => {
  const channel = `public:${fresh()}`;
  await publishMany(server, channel, 3);
  const before = await server.api('history', { channel, limit: -1 });
  assert.deepEqual(await server.api('history_remove', { channel }), {});
  const after = await server.api('history', { channel, limit: -1 });
  assert.deepEqual(after, { publications: [], epoch: before.epoch, offset: 3 });
  assert.equal((await server.api('publish', { channel, data: 4 })).offset, 4);
});

alone(
  'history ends history_ttl after the last publication, the position stays',
  {
    config: testConfig({
      channel: {
        namespaces: [
          ...NAMESPACES,
          {
            name: 'short',
            allow_subscribe_for_client: true,
            history_size: 10,
            history_ttl: '1s',
            force_recovery: true,
          },
        ],
      },
    }),
  },
  async (server) => {
    const { epoch } = await server.api('publish', { channel: 'short:a', data: 1 });
    assert.equal((await server.api('history', { channel: 'short:a', limit: -1 })).publications.length, 1);
    const gone = await until(async () => {
      const answer = await server.api('history', { channel: 'short:a', limit: -1 });
      return answer.publications.length === 0 ? answer : undefined;
    }, 'the history to expire');
    assert.deepEqual(gone, { publications: [], epoch, offset: 1 });
  },
);

scenario('the same idempotency_key publishes once and gets the first result again', async (server) => {
  const channel = `public:${fresh()}`;
  const first = await server.api('publish', { channel, data: 1, idempotency_key: 'k' });
  const again = await server.api('publish', { channel, data: 1, idempotency_key: 'k' });
  assert.deepEqual(again, first);
  assert.equal((await server.api('publish', { channel, data: 2, idempotency_key: 'l' })).offset, 2);
});

scenario('skip_history delivers without storing and without an offset', async (server) => {
  const channel = `public:${fresh()}`;
  const ws = await RawWs.connect(server, server.token('ann'));
  await ws.subscribe(channel);
  assert.deepEqual(await server.api('publish', { channel, data: 'once', skip_history: true }), {});
  const { pub } = await ws.push();
  assert.equal(pub.data, 'once');
  assert.equal(pub.offset, undefined);
  assert.equal((await server.api('history', { channel, limit: -1 })).publications.length, 0);
  ws.close();
});

scenario(
  'a publish with a version that is not newer is suppressed, until the version epoch changes',
  async (server) => {
    const channel = `public:${fresh()}`;
    await server.api('publish', { channel, data: { n: 1 }, version: 5 });
    await server.api('publish', { channel, data: { n: 2 }, version: 5 });
    await server.api('publish', { channel, data: { n: 3 }, version: 4 });
    await server.api('publish', { channel, data: { n: 4 }, version: 6 });
    await server.api('publish', { channel, data: { n: 5 }, version: 1, version_epoch: 'new' });
    assert.deepEqual(numbers((await server.api('history', { channel, limit: -1 })).publications), [1, 4, 5]);
  },
);

scenario('tags travel with a publication and stay in history', async (server) => {
  const channel = `public:${fresh()}`;
  const client = await connected(newClient(server.wsUrl(), { token: server.token('ann') }));
  const sub = await subscribed(client, channel);
  await server.api('publish', { channel, data: 1, tags: { kind: 'news' } });
  assert.deepEqual((await event(sub.events, 'publication')).tags, { kind: 'news' });
  assert.deepEqual((await server.api('history', { channel, limit: 1 })).publications[0].tags, { kind: 'news' });
  client.disconnect();
});

scenario('JSON passes through octet by octet, only its newlines are taken out', async (server) => {
  const channel = `plain:${fresh()}`;
  const ws = await RawWs.connect(server, server.token('ann'));
  await ws.subscribe(channel);
  const raw = '{ "a" : 1.00,\n "b":"\\u00e9 \\/ é",  "big":12345678901234567890 }';
  const answer = await server.post('/api/publish', `{"channel":"${channel}","data":${raw}}`, {
    'X-API-Key': server.env.CENTRIFUGO_API_KEY,
  });
  assert.equal(answer.status, 200, answer.text);
  const got = await ws.frame();
  assert.ok(got.payload.toString().includes(raw.replace('\n', '')), got.payload.toString());
  ws.close();
});

scenario('publications of many sizes arrive whole', async (server) => {
  const channel = `plain:${fresh()}`;
  const ws = await RawWs.connect(server, server.token('ann'));
  await ws.subscribe(channel);
  for (const size of [0, 1, 90, 125, 126, 127, 1000, 65500, 65536, 70000, 300000]) {
    const data = 'x'.repeat(size);
    await server.api('publish', { channel, data });
    assert.equal((await ws.push()).pub.data.length, size);
  }
  ws.close();
});
