// Delta compression: real clients of both encodings beside plain ones, live, after a cut and from the cache, and what is on the wire.
import { strict as assert } from 'node:assert';
import WebSocket from 'ws';
import { Centrifuge } from 'centrifuge';
import { Centrifuge as ProtobufCentrifuge } from 'centrifuge/build/protobuf';
import { suite, fresh } from './lib/suite.mjs';
import { newClient, connected, subscribed, event } from './lib/client.mjs';
import { RawWs } from './lib/raw_ws.mjs';
import { TcpProxy } from './lib/tcp_proxy.mjs';
import { testConfig } from './lib/server.mjs';

const room = { allow_subscribe_for_client: true, allow_publish_for_subscriber: true, allow_history_for_subscriber: true,
  allow_tags_filter: true, history_size: 20, history_ttl: '300s', force_recovery: true, allowed_delta_types: ['fossil'] };
const scenario = suite({
  config: testConfig({
    websocket: { compression: true },
    channel: {
      namespaces: [
        { name: 'room', ...room, delta_publish: true },
        { name: 'asked', ...room },
        { name: 'price', ...room, delta_publish: true, history_size: 1, force_recovery_mode: 'cache' },
        { name: 'auto', ...room, delta_publish: true, history_size: 1, force_recovery_mode: 'cache', auto_cache_recover: true },
        { name: 'none', allow_subscribe_for_client: true, allowed_delta_types: ['fossil'], delta_publish: true },
        { name: 'off', ...room, allowed_delta_types: [], delta_publish: true },
      ],
    },
  }),
});

// Rows of which most stays; the names end in characters of several bytes, some of which share their last ones.
const NAMES = ['Zoé', 'Zoè', 'Ждан', 'Здан', '€uro', '₭ip', 'smile 😀', 'smile 😁', 'line\nbreak', '<b> & "quotes"'];
const row = (n) => ({ n, name: NAMES[n % NAMES.length], stays: 'something long enough to be worth a copy', list: [1, 2, 3, 4, 5, 6, 7, 8] });
const bytes = (data) => new TextEncoder().encode(JSON.stringify(data));
const read = (data) => (data instanceof Uint8Array ? JSON.parse(new TextDecoder().decode(data)) : data);

const FOSSIL = { delta: 'fossil' };
const client = (server, Class = Centrifuge, options = {}) =>
  connected(newClient(options.url ?? server.wsUrl(), { token: server.token('ann'), ...options }, Class));

async function take(sub, count) {
  const got = [];
  while (got.length < count) got.push(read((await event(sub.events, 'publication')).data));
  return got;
}

// ---- real clients ----

scenario('clients of both encodings, with and without deltas and compression, read the same', async (server) => {
  const channel = `room:${fresh()}`;
  const compressing = class extends WebSocket {
    constructor(url, protocols, options) {
      super(url, protocols, { ...options, perMessageDeflate: { threshold: 0 } });
    }
  };
  const kinds = [
    [Centrifuge, FOSSIL, WebSocket], [Centrifuge, {}, WebSocket], [Centrifuge, FOSSIL, compressing],
    [ProtobufCentrifuge, FOSSIL, WebSocket], [ProtobufCentrifuge, {}, WebSocket], [ProtobufCentrifuge, FOSSIL, compressing],
    [Centrifuge, FOSSIL, WebSocket], [ProtobufCentrifuge, FOSSIL, WebSocket],
  ];
  const subs = [];
  for (const [Class, options, websocket] of kinds)
    subs.push(await subscribed(await client(server, Class, { websocket }), channel, options));
  const rows = [...Array(20).keys()].map(row);
  for (const data of rows) await server.api('publish', { channel, data });
  for (const [i, sub] of subs.entries()) {
    assert.deepEqual(await take(sub, rows.length), rows);
    assert.equal(sub.deltaStats().numDeltaPayloads, kinds[i][1].delta ? rows.length - 1 : 0);
  }
});

for (const Class of [Centrifuge, ProtobufCentrifuge]) {
  const encoding = Class === Centrifuge ? 'JSON' : 'Protobuf';

  scenario(`a client of ${encoding} with deltas recovers after a cut and goes on`, async (server) => {
    const channel = `room:${fresh()}`;
    const proxy = await TcpProxy.to(server.port);
    const c = await client(server, Class, { url: `ws://127.0.0.1:${proxy.port}/connection/websocket` });
    const sub = await subscribed(c, channel, FOSSIL);
    const publish = async (...numbers) => {
      for (const n of numbers) await server.api('publish', { channel, data: row(n) });
    };
    await publish(1, 2);
    assert.deepEqual(await take(sub, 2), [row(1), row(2)]);
    for (const missed of [[3, 4, 5, 6], [], [7]]) {
      proxy.cut();
      await event(sub.events, 'subscribing');
      await publish(...missed);
      proxy.reopen();
      const ctx = await event(sub.events, 'subscribed');
      assert.equal(ctx.recovered, true);
      assert.deepEqual(await take(sub, missed.length), missed.map(row));
      await publish(8, 9);
      assert.deepEqual(await take(sub, 2), [row(8), row(9)]);
    }
    c.disconnect();
    await proxy.close();
  });

  scenario(`a client of ${encoding} with deltas starts from the cache`, async (server) => {
    for (const namespace of ['price', 'auto']) {
      const channel = `${namespace}:${fresh()}`;
      for (const n of [1, 2, 3]) await server.api('publish', { channel, data: row(n) });
      const c = await client(server, Class);
      const since = namespace === 'price' ? { since: { offset: 0, epoch: '' } } : {};
      const sub = await subscribed(c, channel, { ...FOSSIL, ...since });
      for (const n of [4, 5]) await server.api('publish', { channel, data: row(n) });
      assert.deepEqual(await take(sub, 3), [row(3), row(4), row(5)]);
      assert.equal(sub.deltaStats().numDeltaPayloads, 2);
      c.disconnect();
    }
  });

  scenario(`a client of ${encoding} that missed nothing, and had nothing, gets the next in full`, async (server) => {
    const channel = `room:${fresh()}`;
    const { offset, epoch } = await server.api('publish', { channel, data: row(1) });
    const c = await client(server, Class);
    const sub = await subscribed(c, channel, { ...FOSSIL, since: { offset, epoch } });
    assert.equal(sub.first.recovered, true);
    for (const n of [2, 3]) await server.api('publish', { channel, data: row(n) });
    assert.deepEqual(await take(sub, 2), [row(2), row(3)]);
    c.disconnect();
  });
}

scenario('what skips history between two publications harms nobody', async (server) => {
  const channel = `room:${fresh()}`;
  const sub = await subscribed(await client(server), channel, FOSSIL);
  const rows = [1, 2, 3, 4, 5].map(row);
  for (const data of rows) await server.api('publish', { channel, data, skip_history: data.n === 3 });
  assert.deepEqual(await take(sub, rows.length), rows);
});

scenario("a client's own publications come as deltas too", async (server) => {
  const channel = `room:${fresh()}`;
  const jay = await subscribed(await client(server), channel, FOSSIL);
  const pro = await subscribed(await client(server, ProtobufCentrifuge), channel, FOSSIL);
  await jay.publish(row(1));
  await pro.publish(bytes(row(2)));
  await jay.publish(row(3));
  for (const sub of [jay, pro]) {
    assert.deepEqual(await take(sub, 3), [1, 2, 3].map(row));
    assert.equal(sub.deltaStats().numDeltaPayloads, 2);
  }
});

scenario('with a tags filter live publications are not filtered, recovered ones are', async (server) => {
  const channel = `room:${fresh()}`;
  const tf = { key: 'k', cmp: 'eq', val: 'a' };
  const publish = (n, tag) => server.api('publish', { channel, data: row(n), tags: { k: tag } });
  const first = await publish(1, 'a');
  await publish(2, 'b');
  await publish(3, 'a');
  await publish(4, 'b');
  const ws = await RawWs.connect(server, server.token('ann'));
  const { subscribe } = await ws.subscribe(channel, { ...FOSSIL, tf, recover: true, offset: 0, epoch: first.epoch });
  assert.deepEqual(subscribe.publications.map((p) => [p.offset, p.delta]), [[1, undefined], [3, true]]);
  await publish(5, 'b'); // its base, the fourth, was filtered out
  await publish(6, 'b');
  assert.deepEqual([(await ws.push()).pub.delta, (await ws.push()).pub.delta], [undefined, true]);
  ws.close();
});

// ---- on the wire ----

const STEADY = (n) => ({ n, stays: 'something long enough to be worth a copy' });
const FULL = (n) => JSON.stringify(STEADY(n));

scenario('data is always a string, and delta is said of deltas only', async (server) => {
  const channel = `asked:${fresh()}`;
  const ws = await RawWs.connect(server, server.token('ann'));
  const plain = await RawWs.connect(server, server.token('bob'));
  assert.equal((await ws.subscribe(channel, FOSSIL)).subscribe.delta, true);
  assert.equal((await plain.subscribe(channel)).subscribe.delta, undefined);
  const marks = [true, undefined, true, true];
  for (const [i, delta] of marks.entries()) await server.api('publish', { channel, data: STEADY(i), delta });
  const pubs = [];
  for (const _ of marks) pubs.push((await ws.push()).pub);
  assert.deepEqual(pubs.map((p) => p.delta), [undefined, undefined, true, true]);
  assert.deepEqual(pubs.slice(0, 2).map((p) => p.data), [FULL(0), FULL(1)]);
  for (const p of pubs.slice(2)) assert.match(p.data, /^v\n6:\{"n":[23]p@6,\w+;$/);
  for (const i of marks.keys()) assert.deepEqual((await plain.push()).pub.data, STEADY(i));
  await server.api('broadcast', { channels: [channel], data: STEADY(4), delta: true });
  assert.equal((await ws.push()).pub.delta, true);
  const history = await server.api('history', { channel, limit: 10 });
  assert.deepEqual(history.publications.map((p) => p.data), [0, 1, 2, 3, 4].map(STEADY));
  const own = await ws.call({ history: { channel, limit: 10 } });
  assert.deepEqual(own.history.publications.map((p) => [p.data, p.delta]), [0, 1, 2, 3, 4].map((n) => [STEADY(n), undefined]));
  for (const each of [ws, plain]) each.close();
});

for (const [namespace, delta, shape] of [['none', true, 'string'], ['off', undefined, 'object']]) {
  scenario(`in "${namespace}" nothing is compressed`, async (server) => {
    const channel = `${namespace}:${fresh()}`;
    const ws = await RawWs.connect(server, server.token('ann'));
    assert.equal((await ws.subscribe(channel, FOSSIL)).subscribe.delta, delta);
    for (const n of [1, 2, 3]) await server.api('publish', { channel, data: STEADY(n) });
    for (const n of [1, 2, 3]) {
      const { pub } = await ws.push();
      assert.equal(pub.delta, undefined);
      assert.equal(typeof pub.data, shape);
    }
    ws.close();
  });
}

scenario('an unknown kind of delta closes with a bad request', async (server) => {
  const ws = await RawWs.connect(server, server.token('ann'));
  ws.send({ subscribe: { channel: `room:${fresh()}`, delta: 'xdelta' } });
  assert.equal((await ws.closing()).code, 3501);
});

scenario('server-side subscriptions are compressed when connect asks for it', async (server) => {
  const channel = `room:${fresh()}`;
  const { epoch } = await server.api('publish', { channel, data: STEADY(1) });
  await server.api('publish', { channel, data: STEADY(2) });
  const subs = { [channel]: { ...FOSSIL, recover: true, offset: 0, epoch } };
  const ws = await RawWs.connect(server, server.token('ann', { channels: [channel] }), { connect: { subs } });
  const result = ws.connected.subs[channel];
  assert.equal(result.delta, true);
  assert.deepEqual(result.publications.map((p) => p.delta), [undefined, true]);
  await server.api('publish', { channel, data: STEADY(3) });
  assert.equal((await ws.push()).pub.delta, true);
  ws.close();
});
