// Maps through the server API: what is written, read and forgotten, by one caller and by many at once.
import { strict as assert } from 'node:assert';
import { suite, fresh } from './lib/suite.mjs';
import { RawWs } from './lib/raw_ws.mjs';
import { API_KEY, testConfig } from './lib/server.mjs';
import { until } from './lib/wait.mjs';

const map = (name, options) => ({
  name,
  subscription_type: 'map',
  allow_subscribe_for_client: true,
  map: options,
});

const scenario = suite({
  config: testConfig({
    channel: {
      namespaces: [
        map('rec', { mode: 'recoverable', key_ttl: '300s', stream_size: 20 }),
        map('brief', { mode: 'recoverable', key_ttl: '700ms' }),
        map('eph', { mode: 'ephemeral', key_ttl: '300s' }),
        map('per', { mode: 'persistent', stream_size: 100000 }),
        { name: 'plain' },
      ],
    },
  }),
});

const keys = (state) => (state.entries ?? []).map((entry) => entry.key);

// Runs work(i) for i in 0 … count - 1, `width` at a time.
async function parallel(count, width, work) {
  let next = 0;
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (next < count) await work(next++);
    }),
  );
}

// All entries of a map, page by page.
async function pages(server, channel, limit, between = async () => {}) {
  const entries = [];
  let cursor = '';
  do {
    const page = await server.api('map_read_state', { channel, limit, cursor });
    entries.push(...(page.entries ?? []));
    cursor = page.cursor ?? '';
    await between();
  } while (cursor !== '');
  return entries;
}

for (const namespace of ['rec', 'eph', 'per']) {
  scenario(`a map of namespace ${namespace} is written, read, counted and cleared`, async (server) => {
    const channel = `${namespace}:${fresh()}`;
    const streamed = namespace !== 'eph';
    const offset = (n) => (streamed ? { offset: n } : {});
    const first = await server.api('map_publish', { channel, key: 'b', data: { v: 1 }, tags: { t: '1' } });
    const { epoch } = first;
    assert.deepEqual(first, { ...offset(1), epoch });
    assert.deepEqual(await server.api('map_publish', { channel, key: 'a', data: 'x' }), { ...offset(2), epoch });
    const state = await server.api('map_read_state', { channel, limit: 10 });
    const [a, b] = state.entries;
    assert.deepEqual({ ...a, time: 0 }, { key: 'a', data: 'x', ...offset(2), time: 0 });
    assert.deepEqual({ ...b, time: 0 }, { key: 'b', data: { v: 1 }, tags: { t: '1' }, ...offset(1), time: 0 });
    assert.ok(Math.abs(Date.now() - a.time) < 60_000);
    assert.deepEqual(await server.api('map_stats', { channel }), { num_keys: 2 });
    assert.deepEqual(await server.api('map_remove', { channel, key: 'b' }), { ...offset(3), epoch });
    const stream = await server.api('map_read_stream', { channel, limit: -1 });
    assert.deepEqual(
      (stream.entries ?? []).map(({ key, removed }) => [key, removed ?? false]),
      streamed ? [['b', false], ['a', false], ['b', true]] : [],
    );
    assert.deepEqual(await server.api('map_clear', { channel }), {});
    assert.deepEqual(await server.api('map_stats', { channel }), {});
    assert.notEqual((await server.api('map_read_state', { channel, limit: 10 })).epoch, epoch);
  });
}

scenario('pages hold each key that stays exactly once, whatever is written between them', async (server) => {
  const channel = `rec:${fresh()}`;
  const steady = Array.from({ length: 150 }, (_, i) => `s${String(i).padStart(3, '0')}`);
  await parallel(steady.length, 8, (i) => server.api('map_publish', { channel, key: steady[i], data: i }));
  let turn = 0;
  const disturb = () =>
    parallel(12, 6, async (i) => {
      const key = steady[(turn++ * 37) % steady.length];
      if (i % 3 === 0) await server.api('map_publish', { channel, key, data: 'again' });
      else await server.api(i % 3 === 1 ? 'map_publish' : 'map_remove', { channel, key: `${key}x`, data: 'passing' });
    });
  const seen = (await pages(server, channel, 13, disturb)).map((entry) => entry.key);
  assert.deepEqual(seen, [...seen].sort());
  assert.deepEqual(seen.filter((key) => !key.endsWith('x')), steady);
});

scenario('the stream played again gives the state, whatever eight callers did at once', async (server) => {
  const channel = `per:${fresh()}`;
  await parallel(600, 8, (i) => {
    const key = `k${(i * 7919) % 40}`;
    return i % 3 === 2
      ? server.api('map_remove', { channel, key })
      : server.api('map_publish', { channel, key, data: i, key_mode: ['', 'if_new', 'if_exists'][i % 5] ?? '' });
  });
  const stream = await server.api('map_read_stream', { channel, limit: -1 });
  const replayed = new Map();
  stream.entries.forEach((entry, i) => {
    assert.equal(entry.offset, i + 1);
    if (entry.removed) assert.ok(replayed.delete(entry.key), 'a removal of a key that was not there');
    else replayed.set(entry.key, entry);
  });
  const state = await server.api('map_read_state', { channel, limit: -1 });
  assert.equal(state.offset, stream.entries.length);
  assert.deepEqual(state.entries, [...replayed.values()].sort((a, b) => (a.key < b.key ? -1 : 1)));
});

scenario('of many callers at once one gets the key that is new, and one is first with an idempotency key', async (server) => {
  const channel = `eph:${fresh()}`;
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, data) => server.api('map_publish', { channel, key: 'seat', data, key_mode: 'if_new' })),
  );
  assert.equal(answers.filter((answer) => !answer.suppressed).length, 1);
  assert.ok(answers.every((answer) => !answer.suppressed || answer.suppress_reason === 'key_exists'));
  const repeated = await Promise.all(
    Array.from({ length: 40 }, (_, i) => server.api('map_publish', { channel, key: `k${i}`, data: 1, idempotency_key: 'i' })),
  );
  assert.equal(repeated.filter((answer) => !answer.suppressed).length, 1);
  assert.ok(repeated.every((answer) => !answer.suppressed || answer.suppress_reason === 'idempotency'));
  assert.deepEqual(await server.api('map_stats', { channel }), { num_keys: 2 });
});

scenario('keys go by themselves, each with a removal that has its tags', async (server) => {
  const channel = `brief:${fresh()}`;
  await server.api('map_publish', { channel, key: 'a', data: 1, tags: { t: 'a' } });
  await server.api('map_publish', { channel, key: 'b', data: 1, tags: { t: 'b' } });
  await until(async () => !(await server.api('map_stats', { channel })).num_keys, 'both keys to go');
  const { entries } = await server.api('map_read_stream', { channel, limit: -1, since_offset: 2 });
  assert.deepEqual(
    entries.map(({ key, removed, tags, offset }) => ({ key, removed, tags, offset })),
    [
      { key: 'a', removed: true, tags: { t: 'a' }, offset: 3 },
      { key: 'b', removed: true, tags: { t: 'b' }, offset: 4 },
    ],
  );
});

scenario('a lost position is error 112', async (server) => {
  const channel = `rec:${fresh()}`;
  for (let n = 1; n <= 30; n++) await server.api('map_publish', { channel, key: 'a', data: n });
  const { epoch } = await server.api('map_stats', { channel }).then(() => server.api('map_read_stream', { channel }));
  const code = async (method, more) => (await server.apiAnswer(method, { channel, limit: -1, ...more })).json.error?.code;
  assert.equal(await code('map_read_stream', { since_offset: 5, since_epoch: epoch }), 112);
  assert.equal(await code('map_read_stream', { since_offset: 10, since_epoch: epoch }), undefined);
  assert.equal(await code('map_read_stream', { since_offset: 30, since_epoch: 'other' }), 112);
  assert.equal(await code('map_read_state', { revision_offset: 30, revision_epoch: epoch }), undefined);
  await server.api('map_clear', { channel });
  assert.equal(await code('map_read_state', { revision_offset: 30, revision_epoch: epoch }), 112);
});

scenario('map methods are for maps, and the others are not', async (server) => {
  const refused = async (method, body) => (await server.apiAnswer(method, body)).json.error?.code;
  for (const method of ['map_publish', 'map_remove', 'map_read_state', 'map_read_stream', 'map_stats', 'map_clear']) {
    assert.equal(await refused(method, { channel: 'plain:a', key: 'k' }), 107);
    assert.equal(await refused(method, { channel: 'nowhere:a', key: 'k' }), 102);
    assert.equal(await refused(method, {}), 107);
  }
  assert.equal(await refused('publish', { channel: 'rec:a', data: 1 }), 107);
  assert.equal(await refused('history', { channel: 'rec:a' }), 108);
  assert.equal(await refused('map_publish', { channel: 'eph:a', key: 'k', version: 1 }), 100);
});

scenario('a batch and the older form take map methods', async (server) => {
  const channel = `rec:${fresh()}`;
  const { json } = await server.apiAnswer('batch', {
    commands: [{ map_publish: { channel, key: 'k', data: 1 } }, { map_stats: { channel } }, { map_clear: {} }],
  });
  const { epoch } = json.replies[0].map_publish;
  assert.deepEqual(json.replies, [
    { map_publish: { offset: 1, epoch } },
    { map_stats: { num_keys: 1 } },
    { error: { code: 107, message: 'bad request' } },
  ]);
  const line = (id, method, params) => JSON.stringify({ id, method, params });
  const answer = await server.post('/api', line(1, 'map_remove', { channel, key: 'k' }) + line(2, 37, { channel }), {
    'X-API-Key': API_KEY,
  });
  assert.equal(answer.text, `{"id":1,"result":{"offset":2,"epoch":"${epoch}"}}\n{"id":2,"result":{}}`);
});

scenario('a project has maps of its own', async (server) => {
  const shop = await server.createProject(fresh('shop'));
  const project = shop.id ?? shop.project?.id;
  const channel = `per:${fresh()}`;
  await server.api('map_publish', { channel, key: 'a', data: 1 });
  await server.api('map_publish', { channel, key: 'b', data: 1 }, { project });
  assert.deepEqual(keys(await server.api('map_read_state', { channel, limit: 9 })), ['a']);
  assert.deepEqual(keys(await server.api('map_read_state', { channel, limit: 9 }, { project })), ['b']);
  await server.api('map_clear', { channel }, { project });
  assert.deepEqual(await server.api('map_stats', { channel }), { num_keys: 1 });
});

scenario('a map with a subscriber is among the channels, and the metrics tell of maps', async (server) => {
  const channel = `rec:${fresh()}`;
  const ws = await RawWs.connect(server, server.token('ann'));
  await ws.call({ subscribe: { channel, type: 1, phase: 2 } });
  assert.deepEqual((await server.api('channels', { pattern: `${channel}*` })).channels, { [channel]: { num_clients: 1 } });
  await server.api('map_publish', { channel, key: 'a', data: 1, key_mode: 'if_exists' });
  await server.api('map_remove', { channel, key: 'a' });
  const { text } = await server.get('/metrics');
  for (const series of [
    'map_broker_publish_suppressed_count{reason="key_not_found",channel_namespace=""}',
    'map_broker_remove_suppressed_count{reason="key_not_found",channel_namespace=""}',
    'map_broker_cleanup_lag_seconds{broker_name=""}',
    'map_broker_cleanup_removed_count{broker_name=""}',
    'node_action_count{action="map_publish",channel_namespace=""}',
  ])
    assert.ok(text.includes(`centrifugo_${series} `), series);
  ws.close();
});
