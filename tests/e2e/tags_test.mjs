// The tags filter: a subscriber gets only what it asked for, live and recovered, and keeps its place in the stream.
import { strict as assert } from 'node:assert';
import { suite, fresh } from './lib/suite.mjs';
import { newClient, connected } from './lib/client.mjs';
import { RawWs } from './lib/raw_ws.mjs';
import { testConfig } from './lib/server.mjs';

const history = { allow_subscribe_for_client: true, history_size: 10, history_ttl: '60s', force_recovery: true };
const scenario = suite({
  config: testConfig({ channel: { namespaces: [{ name: 'match', ...history, allow_tags_filter: true }, { name: 'plain', ...history }] } }),
});
const goals = { key: 'kind', cmp: 'eq', val: 'goal' };
const publish = (server, channel, data, kind) => server.api('publish', { channel, data, tags: { kind } });

scenario('only matching publications arrive, and one that is filtered out is no gap', async (server) => {
  const channel = `match:${fresh()}`;
  const ws = await RawWs.connect(server, server.token('ann'));
  assert.ok((await ws.subscribe(channel, { tf: goals })).subscribe);
  await publish(server, channel, 1, 'foul');
  await publish(server, channel, 2, 'goal');
  await publish(server, channel, 3, 'foul');
  await publish(server, channel, 4, 'goal');
  const first = await ws.push();
  const second = await ws.push();
  assert.deepEqual([first.pub.data, second.pub.data], [2, 4]);
  assert.deepEqual([first.pub.offset, second.pub.offset], [2, 4]);
  ws.close();
});

scenario('a neighbour without a filter gets everything', async (server) => {
  const channel = `match:${fresh()}`;
  const filtered = await RawWs.connect(server, server.token('ann'));
  const whole = await RawWs.connect(server, server.token('ben'));
  await filtered.subscribe(channel, { tf: goals });
  await whole.subscribe(channel);
  await publish(server, channel, 'a', 'foul');
  await publish(server, channel, 'b', 'goal');
  assert.equal((await whole.push()).pub.data, 'a');
  assert.equal((await whole.push()).pub.data, 'b');
  assert.equal((await filtered.push()).pub.data, 'b');
  filtered.close();
  whole.close();
});

scenario('recovery leaves out what does not match', async (server) => {
  const channel = `match:${fresh()}`;
  const { epoch } = await publish(server, channel, 0, 'foul');
  for (const [data, kind] of [[1, 'goal'], [2, 'foul'], [3, 'goal']]) await publish(server, channel, data, kind);
  const ws = await RawWs.connect(server, server.token('ann'));
  const { subscribe } = await ws.subscribe(channel, { tf: goals, recover: true, offset: 1, epoch });
  assert.equal(subscribe.recovered, true);
  assert.deepEqual(subscribe.publications.map((p) => p.data), [1, 3]);
  ws.close();
});

scenario('a bad filter, and any filter where the namespace allows none, is error 107', async (server) => {
  const ws = await RawWs.connect(server, server.token('ann'));
  assert.equal((await ws.subscribe(`plain:${fresh()}`, { tf: goals })).error.code, 107);
  assert.equal((await ws.subscribe(`match:${fresh()}`, { tf: { key: 'a', cmp: 'like', val: 'x' } })).error.code, 107);
  assert.equal((await ws.subscribe(`match:${fresh()}`, { tf: { op: 'and', nodes: [] } })).error.code, 107);
  ws.close();
});

scenario('a centrifuge client subscribes with a tags filter', async (server) => {
  const channel = `match:${fresh()}`;
  const client = await connected(newClient(server.wsUrl(), { token: server.token('ann') }));
  const sub = client.newSubscription(channel, { tagsFilter: goals });
  const got = new Promise((done) => sub.on('publication', done));
  sub.subscribe();
  await sub.ready();
  await publish(server, channel, 'no', 'foul');
  await publish(server, channel, 'yes', 'goal');
  assert.equal((await got).data, 'yes');
  client.disconnect();
});
