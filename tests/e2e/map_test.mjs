// Map subscriptions with unmodified centrifuge-js clients of both encodings, and frames by hand where a test decides them.
import { strict as assert } from 'node:assert';
import { Centrifuge } from 'centrifuge';
import { Centrifuge as ProtobufCentrifuge } from 'centrifuge/build/protobuf';
import { suite, fresh } from './lib/suite.mjs';
import { newClient, connected, subscribed } from './lib/client.mjs';
import { RawWs } from './lib/raw_ws.mjs';
import { TcpProxy } from './lib/tcp_proxy.mjs';
import { Queue, until } from './lib/wait.mjs';
import { testConfig } from './lib/server.mjs';

const open = { allow_publish_for_client: true, allow_remove_for_client: true };
const small = { min_page_size: 1, default_page_size: 10, max_page_size: 1000, subscribe_catch_up_timeout: '60s' };
const map = (name, options, more = {}) => ({
  name,
  subscription_type: 'map',
  allow_subscribe_for_client: true,
  map: options,
  ...more,
});

const scenario = suite({
  config: testConfig({
    client: { presence_update_interval: '500ms' },
    channel: {
      namespaces: [
        map('rec', { mode: 'recoverable', key_ttl: '300s', stream_size: 20, ...open, ...small }),
        map('log', { mode: 'recoverable', key_ttl: '300s', stream_size: 100000, ...open, ...small }),
        map('eph', { mode: 'ephemeral', key_ttl: '300s', ...open, ...small }),
        map('per', { mode: 'persistent', stream_size: 100000, ...open, ...small }),
        map('brief', { mode: 'recoverable', key_ttl: '1s', ...open }),
        map('slow', { mode: 'recoverable', key_ttl: '300s', ...open, min_page_size: 1, subscribe_catch_up_timeout: '300ms' }),
        map('tags', { mode: 'recoverable', key_ttl: '300s', ...open }, { allow_tags_filter: true }),
        map('delta', { mode: 'recoverable', key_ttl: '300s', stream_size: 1000, ...open, ...small }, {
          allowed_delta_types: ['fossil'],
          delta_publish: true,
        }),
        map('read', { mode: 'persistent' }),
        map('inside', { mode: 'persistent', allow_publish_for_subscriber: true, allow_remove_for_subscriber: true }),
        map('cursor', {
          mode: 'ephemeral',
          key_ttl: '300s',
          client_key: 'client_id',
          allow_publish_for_subscriber: true,
          remove_client_on_unsubscribe: true,
        }),
        map('mine', { mode: 'persistent', client_key: 'user_id', allow_publish_for_client: true }),
        {
          name: 'clients',
          subscription_type: 'map_clients',
          allow_subscribe_for_client: true,
          map: { mode: 'ephemeral', key_ttl: '2s' },
        },
        {
          name: 'users',
          subscription_type: 'map_users',
          allow_subscribe_for_client: true,
          map: { mode: 'recoverable', key_ttl: '2s' },
        },
        {
          name: 'room',
          allow_subscribe_for_client: true,
          map_clients_presence_channel_prefix: 'clients:',
          map_users_presence_channel_prefix: 'users:',
        },
      ],
    },
  }),
});

const encode = (value) => new TextEncoder().encode(JSON.stringify(value));
const decode = (data) => JSON.parse(new TextDecoder().decode(data));

// What differs between the encodings: the class of the client, and how a value travels.
const ENCODINGS = [
  { name: 'JSON', Class: Centrifuge, to: (value) => value, from: (data) => data },
  { name: 'Protobuf', Class: ProtobufCentrifuge, to: encode, from: (data) => (data?.length ? decode(data) : data) },
];
const JSON_ONLY = ENCODINGS[0];

const clientOf = (server, encoding, user = 'ann', options = {}, port = undefined) =>
  connected(newClient(server.wsUrl(undefined, port), { token: server.token(user), ...options }, encoding.Class));

// A subscription to a map: sub.entries is what the client knows of it, sub.events are {name, ctx} as they came.
function newMap(client, encoding, channel, options = {}, make = 'newMapSubscription') {
  const sub = client[make](channel, { minResubscribeDelay: 20, maxResubscribeDelay: 100, ...options });
  sub.entries = new Map();
  sub.events = new Queue();
  sub.on('sync', (ctx) => {
    sub.entries = new Map(ctx.entries.map(({ key, data }) => [key, encoding.from(data)]));
    sub.events.push({ name: 'sync', ctx });
  });
  sub.on('update', (ctx) => {
    if (ctx.removed) sub.entries.delete(ctx.key);
    else sub.entries.set(ctx.key, encoding.from(ctx.data));
    sub.events.push({ name: 'update', ctx });
  });
  for (const name of ['subscribed', 'subscribing', 'unsubscribed', 'error'])
    sub.on(name, (ctx) => sub.events.push({ name, ctx }));
  return sub;
}

async function mapped(client, encoding, channel, options, make) {
  const sub = newMap(client, encoding, channel, options, make);
  sub.subscribe();
  await next(sub, 'subscribed');
  return sub;
}

const next = (sub, name) =>
  sub.events
    .takeWhere((event) => {
      if (event.name === 'unsubscribed' && name !== 'unsubscribed')
        throw new Error(`unsubscribed: ${event.ctx.code} ${event.ctx.reason}`);
      return event.name === name;
    }, `${name} of ${sub.channel}`)
    .then((event) => event.ctx);

const plain = (entries) => Object.fromEntries([...entries].sort());

// What a client that comes now is told.
async function stateOf(server, channel) {
  const client = await clientOf(server, JSON_ONLY, fresh('reader'));
  const sub = newMap(client, JSON_ONLY, channel, { pageSize: 1000 });
  sub.subscribe();
  await next(sub, 'sync');
  client.disconnect();
  return plain(sub.entries);
}

// ---- state and changes ----

for (const encoding of ENCODINGS) {
  scenario(`${encoding.name}: the state comes first, then each change`, async (server) => {
    for (const namespace of ['rec', 'eph', 'per']) {
      const channel = `${namespace}:${fresh()}`;
      const writer = await clientOf(server, encoding, 'bob');
      for (const key of ['a', 'b', 'c']) await writer.mapPublish(channel, key, encoding.to({ key }));
      await writer.mapRemove(channel, 'b');
      const client = await clientOf(server, encoding);
      const sub = newMap(client, encoding, channel);
      sub.subscribe();
      const { recoverable } = await next(sub, 'subscribed');
      assert.equal(recoverable, namespace !== 'eph');
      await next(sub, 'sync');
      assert.deepEqual(plain(sub.entries), { a: { key: 'a' }, c: { key: 'c' } });
      await writer.mapPublish(channel, 'c', encoding.to(2));
      const change = await next(sub, 'update');
      assert.equal(change.key, 'c');
      assert.equal(change.info.user, 'bob');
      await writer.mapRemove(channel, 'a');
      assert.equal((await next(sub, 'update')).removed, true);
      assert.deepEqual(plain(sub.entries), { c: 2 });
      client.disconnect();
      writer.disconnect();
    }
  });
}

scenario('clients of both encodings keep the same map', async (server) => {
  const channel = `per:${fresh()}`;
  const subs = [];
  for (const encoding of ENCODINGS)
    for (let i = 0; i < 3; i++) subs.push(await mapped(await clientOf(server, encoding), encoding, channel));
  await subs[0].publish('from JSON', { n: 1 });
  await subs[3].publish('from Protobuf', encode({ n: 2 }));
  await subs[5].publish('gone', encode(0));
  await subs[1].remove('gone');
  for (const sub of subs) {
    await until(() => sub.entries.size === 2 && !sub.entries.has('gone'), 'the map to be whole');
    assert.deepEqual(plain(sub.entries), { 'from JSON': { n: 1 }, 'from Protobuf': { n: 2 } });
  }
});

// A stream of 20 changes is soon left behind by a reader of small pages.
const PAGES = { log: [1, 7, 40], per: [1, 7, 40], eph: [1, 7, 40], rec: [100, 1000] };

for (const encoding of ENCODINGS) {
  for (const namespace of ['log', 'per', 'eph', 'rec']) {
    scenario(
      `${encoding.name}, ${namespace}: pages read while others write end in the map that everybody has`,
      async (server) => {
        const channel = `${namespace}:${fresh()}`;
        const writers = [];
        for (let i = 0; i < 3; i++) writers.push(await clientOf(server, JSON_ONLY, `writer-${i}`));
        const key = (n) => `key-${String(n).padStart(3, '0')}`;
        for (let n = 0; n < 150; n++) await writers[n % 3].mapPublish(channel, key(n), n);
        let writing = true;
        let writes = 0;
        const work = writers.map(async (writer, w) => {
          for (let i = 0; writing || i < 20; i++) {
            const n = (i * 37 + w * 53) % 200;
            if (i % 5 === 4) await writer.mapRemove(channel, key(n));
            else await writer.mapPublish(channel, key(n), `${w}-${i}`);
            writes += 1;
            await new Promise((resolve) => setTimeout(resolve, 5)); // so fast that a reader must catch up, and can
          }
        });
        const readers = [];
        for (const pageSize of PAGES[namespace]) {
          const client = await clientOf(server, encoding, fresh('reader'));
          readers.push(await mapped(client, encoding, channel, { pageSize }));
        }
        writing = false;
        await Promise.all(work);
        await writers[0].mapPublish(channel, 'the end', writes);
        const wanted = await stateOf(server, channel);
        assert.equal(wanted['the end'], writes);
        for (const sub of readers) {
          await until(() => sub.entries.get('the end') === writes, 'the last change');
          assert.deepEqual(plain(sub.entries), wanted);
        }
      },
    );
  }
}

// ---- coming back ----

for (const encoding of ENCODINGS) {
  scenario(`${encoding.name}: a client that was cut off gets what it missed, without the state`, async (server) => {
    const channel = `rec:${fresh()}`;
    const proxy = await TcpProxy.to(server.port);
    const writer = await clientOf(server, JSON_ONLY, 'bob');
    await writer.mapPublish(channel, 'a', 1);
    const sub = await mapped(await clientOf(server, encoding, 'ann', {}, proxy.port), encoding, channel);
    await next(sub, 'sync');
    proxy.cut();
    await next(sub, 'subscribing');
    await writer.mapPublish(channel, 'b', 2);
    await writer.mapRemove(channel, 'a');
    proxy.reopen();
    const { recovered, wasRecovering } = await next(sub, 'subscribed');
    assert.equal(recovered && wasRecovering, true);
    await until(() => sub.entries.size === 1, 'what was missed');
    assert.deepEqual(plain(sub.entries), { b: 2 });
    assert.ok(!sub.events.rest().some(({ name }) => name === 'sync'), 'no state anew');
    await proxy.close();
  });

  scenario(`${encoding.name}: a client that missed too much reads the state anew`, async (server) => {
    for (const namespace of ['rec', 'eph']) {
      const channel = `${namespace}:${fresh()}`;
      const proxy = await TcpProxy.to(server.port);
      const writer = await clientOf(server, JSON_ONLY, 'bob');
      await writer.mapPublish(channel, 'a', 1);
      const sub = await mapped(await clientOf(server, encoding, 'ann', {}, proxy.port), encoding, channel);
      await next(sub, 'sync');
      proxy.cut();
      await next(sub, 'subscribing');
      await writer.mapRemove(channel, 'a');
      for (let i = 0; i < 30; i++) await writer.mapPublish(channel, 'b', i);
      proxy.reopen();
      await next(sub, 'sync');
      assert.deepEqual(plain(sub.entries), { b: 29 });
      await writer.mapPublish(channel, 'c', 3);
      await until(() => sub.entries.size === 2, 'the next change');
      await proxy.close();
    }
  });
}

scenario('a key goes when its time has come, and its subscribers are told', async (server) => {
  const channel = `brief:${fresh()}`;
  const sub = await mapped(await clientOf(server, JSON_ONLY), JSON_ONLY, channel);
  await sub.publish('a', 1);
  await next(sub, 'update');
  const gone = await next(sub, 'update');
  assert.deepEqual([gone.key, gone.removed], ['a', true]);
  assert.deepEqual(await stateOf(server, channel), {});
});

scenario('a catch-up that takes too long is closed with 3008', async (server) => {
  const channel = `slow:${fresh()}`;
  const writer = await clientOf(server, JSON_ONLY);
  for (const key of ['a', 'b', 'c']) await writer.mapPublish(channel, key, 1);
  const ws = await RawWs.connect(server, server.token('ann'));
  const { subscribe } = await ws.subscribe(channel, { type: 1, phase: 2, limit: 1 });
  assert.equal(subscribe.phase, 2);
  await new Promise((resolve) => setTimeout(resolve, 350)); // the time itself is what is tested
  ws.send({ id: 9, subscribe: { channel, type: 1, phase: 2, limit: 1, cursor: subscribe.cursor } });
  assert.equal((await ws.closing()).code, 3008);
});

// ---- deltas ----

for (const encoding of ENCODINGS) {
  scenario(`${encoding.name}: deltas of each key end in the same map, also after a cut`, async (server) => {
    const channel = `delta:${fresh()}`;
    const text = 'what stays the same in every value of every key, and is long enough for deltas to be shorter; ';
    const proxy = await TcpProxy.to(server.port);
    const writer = await clientOf(server, JSON_ONLY, 'bob');
    const write = async (from, to) => {
      for (let n = from; n < to; n++) {
        if (n % 7 === 3) await writer.mapRemove(channel, `k${n % 4}`);
        else await writer.mapPublish(channel, `k${n % 5}`, { text: `${text}ä ☕ ${n}`, n });
      }
    };
    await write(0, 12);
    const client = await clientOf(server, encoding, 'ann', {}, proxy.port);
    const sub = await mapped(client, encoding, channel, { delta: 'fossil', pageSize: 2 });
    await write(12, 40);
    proxy.cut();
    await next(sub, 'subscribing');
    await write(40, 60);
    proxy.reopen();
    assert.equal((await next(sub, 'subscribed')).recovered, true);
    await write(60, 80);
    await writer.mapPublish(channel, 'the end', 1);
    await until(() => sub.entries.has('the end'), 'the last change');
    assert.deepEqual(plain(sub.entries), await stateOf(server, channel));
    const { numDeltaPayloads } = sub.deltaStats();
    assert.ok(numDeltaPayloads > 20, `${numDeltaPayloads} deltas came`);
    await proxy.close();
  });
}

// ---- who may ----

scenario('writing needs the permission of the namespace', async (server) => {
  const denied = (promise) => assert.rejects(promise, (error) => error.code === 103);
  const ann = await clientOf(server, JSON_ONLY);
  const channel = fresh();
  await denied(ann.mapPublish(`read:${channel}`, 'a', 1));
  await denied(ann.mapRemove(`read:${channel}`, 'a'));
  await denied(ann.mapPublish(`inside:${channel}`, 'a', 1));
  const sub = await mapped(ann, JSON_ONLY, `inside:${channel}`);
  await sub.publish('a', 1);
  await sub.remove('a');
  await denied(ann.mapRemove(`mine:${channel}`, 'ann'));
  await ann.mapPublish(`mine:${channel}`, 'somebody else', 1);
  assert.deepEqual(await stateOf(server, `mine:${channel}`), { ann: 1 });
});

scenario('a subscription token opens a map that the namespace does not', async (server) => {
  const channel = `$read:${fresh()}`;
  const client = await clientOf(server, JSON_ONLY);
  const sub = newMap(client, JSON_ONLY, channel, {
    token: server.token('ann', { channel }),
  });
  sub.subscribe();
  await next(sub, 'subscribed');
  const refused = newMap(await clientOf(server, JSON_ONLY), JSON_ONLY, channel);
  refused.subscribe();
  assert.equal((await next(refused, 'unsubscribed')).code, 103);
});

scenario('a filter lets through what has its tags', async (server) => {
  const channel = `tags:${fresh()}`;
  const put = (key, tags) => server.api('map_publish', { channel, key, data: key, tags });
  await put('a', { side: 'buy' });
  await put('b', { side: 'sell' });
  const sub = newMap(await clientOf(server, JSON_ONLY), JSON_ONLY, channel, {
    tagsFilter: { key: 'side', cmp: 'eq', val: 'buy' },
  });
  sub.subscribe();
  await next(sub, 'sync');
  assert.deepEqual(plain(sub.entries), { a: 'a' });
  await put('c', { side: 'sell' });
  await put('d', { side: 'buy' });
  assert.equal((await next(sub, 'update')).key, 'd');
});

// ---- keys that the server keeps ----

scenario('a client that goes takes its key with it', async (server) => {
  const channel = `cursor:${fresh()}`;
  const watcher = await mapped(await clientOf(server, JSON_ONLY, 'w'), JSON_ONLY, channel);
  const clients = [];
  for (let i = 0; i < 4; i++) {
    const client = await clientOf(server, ENCODINGS[i % 2]);
    const sub = await mapped(client, ENCODINGS[i % 2], channel);
    await sub.publish('any key', ENCODINGS[i % 2].to({ i }));
    clients.push({ client, sub });
  }
  await until(() => watcher.entries.size === 4, 'four keys');
  clients[0].sub.unsubscribe();
  clients[1].client.disconnect();
  clients[2].client.disconnect();
  await until(() => watcher.entries.size === 1, 'one key');
  assert.deepEqual([...watcher.entries.values()], [{ i: 3 }]);
});

for (const encoding of ENCODINGS) {
  scenario(`${encoding.name}: maps of clients and users show who is on a channel`, async (server) => {
    const room = fresh();
    const watcher = await clientOf(server, encoding, 'watcher');
    const clients = await mapped(watcher, encoding, `clients:room:${room}`, {}, 'newMapClientsSubscription');
    const users = await mapped(watcher, encoding, `users:room:${room}`, {}, 'newMapUsersSubscription');
    const ann = [];
    for (let i = 0; i < 2; i++) {
      const client = await clientOf(server, encoding, 'ann');
      await subscribed(client, `room:${room}`);
      ann.push(client);
    }
    const bob = await clientOf(server, encoding, 'bob');
    await subscribed(bob, `room:${room}`);
    await until(() => clients.entries.size === 3 && users.entries.size === 2, 'everybody to be there');
    assert.deepEqual([...users.entries.keys()].sort(), ['ann', 'bob']);
    const { info } = await next(clients, 'update');
    assert.equal(info.user, 'ann');
    ann[0].disconnect();
    bob.disconnect();
    await until(() => clients.entries.size === 1, 'two to have gone');
    // bob's key has nobody any more who refreshes it, ann's has one: keys live for 2 s, and are refreshed every 0.5 s
    await until(() => !users.entries.has('bob'), 'the key of bob to have gone');
    assert.deepEqual([...users.entries.keys()], ['ann']);
    assert.equal(clients.entries.size, 1);
  });
}
