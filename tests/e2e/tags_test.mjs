// The tags filter: a subscriber gets only what it asked for, live and recovered, and keeps its place in the stream.
import { strict as assert } from 'node:assert';
import { suite, fresh } from './lib/suite.mjs';
import { newClient, connected } from './lib/client.mjs';
import { RawWs } from './lib/raw_ws.mjs';
import { testConfig } from './lib/server.mjs';

const history = { allow_subscribe_for_client: true, history_size: 10, history_ttl: '60s', force_recovery: true };
const scenario = suite({
  config: testConfig({ channel: { namespaces: [{ name: 'match', ...history, allow_tags_filter: true }, { name: 'plain', ...history },
    { name: 'latest', ...history, allow_tags_filter: true, force_recovery_mode: 'cache' }] },
    client: { recovery_max_publication_limit: 4 } }),
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

scenario('recovery of a cache looks back for the latest publication that matches', async (server) => {
  const cases = [
    // kinds published, position asked for, what is recovered
    [['foul', 'goal', 'foul', 'goal', 'foul'], {}, [4], true],
    [['foul', 'foul'], {}, undefined, undefined], // as an empty cache
    [['goal', 'foul'], { offset: 2 }, undefined, true], // stands at the top
    [['goal', 'foul'], { offset: 1 }, [1], true],
    [['goal', ...Array(4).fill('foul')], {}, undefined, undefined], // looks back as far as recovery may
  ];
  for (const [kinds, asked, data, recovered] of cases) {
    const channel = `latest:${fresh()}`;
    let epoch;
    for (const [i, kind] of kinds.entries()) ({ epoch } = await publish(server, channel, i + 1, kind));
    const ws = await RawWs.connect(server, server.token('ann'));
    const { subscribe } = await ws.subscribe(channel, { tf: goals, recover: true, ...asked, epoch: asked.offset ? epoch : '' });
    assert.deepEqual([subscribe.publications?.map((p) => p.data), subscribe.recovered], [data, recovered], kinds.join(' '));
    await publish(server, channel, 'live', 'goal');
    assert.equal((await ws.push()).pub.data, 'live');
    ws.close();
  }
});

scenario('the metric counts what was filtered out live', async (server) => {
  const dropped = async () =>
    Number(/node_tags_filter_dropped_publications\{channel_namespace=""\} (\d+)/.exec((await server.get('/metrics')).text)[1]);
  const channel = `match:${fresh()}`;
  const before = await dropped();
  const { epoch } = await publish(server, channel, 0, 'foul');
  const ws = await RawWs.connect(server, server.token('ann'));
  await ws.subscribe(channel, { tf: goals, recover: true, offset: 0, epoch }); // what recovery leaves out is not counted
  for (const kind of ['foul', 'foul', 'goal']) await publish(server, channel, 1, kind);
  await ws.push();
  assert.equal(await dropped(), before + 2);
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
