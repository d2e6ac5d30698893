// Map subscriptions: the state first, then its changes. Only the JavaScript SDK has them.
import { strict as assert } from 'node:assert';
import { scenario, open } from '../lib/scenario.mjs';

const permissions = { allow_publish_for_client: true, allow_remove_for_client: true };
const more = {
  sdks: ['js'],
  namespaces: [
    {
      name: 'map',
      ...open,
      subscription_type: 'map',
      map: { mode: 'recoverable', key_ttl: '300s', stream_size: 10, stream_ttl: '300s', ...permissions },
    },
    {
      name: 'board',
      ...open,
      subscription_type: 'map',
      map: { mode: 'persistent', min_page_size: 2, default_page_size: 2 },
    },
  ],
};
const map = { map: true };

const entriesOf = (sync) => Object.fromEntries(sync.entries.map((entry) => [entry.key, entry.data]));

async function put(t, channel, entries) {
  for (const [key, data] of Object.entries(entries)) await t.api('map_publish', { channel, key, data });
}

async function synced(client, channel, options = map) {
  await client.subscribe(channel, options);
  return entriesOf(await client.event('sync', channel));
}

// The next changes, each a key and its value, or a key alone that is removed.
async function changes(client, channel, ...wanted) {
  for (const [key, data] of wanted) {
    const update = await client.event('update', channel);
    assert.equal(update.key, key);
    if (data === undefined) assert.equal(update.removed, true);
    else assert.deepEqual(update.data, data);
  }
}

scenario('maps: the state comes first, then each change', more, async (t) => {
  const channel = t.channel('map');
  await put(t, channel, { a: { n: 1 }, b: 'two' });
  const client = await t.connected();
  assert.deepEqual(await synced(client, channel), { a: { n: 1 }, b: 'two' });
  await put(t, channel, { a: { n: 2 }, c: [3] });
  await t.api('map_remove', { channel, key: 'b' });
  await changes(client, channel, ['a', { n: 2 }], ['c', [3]], ['b']);
});

scenario('maps: an empty one is empty, and its first key arrives', more, async (t) => {
  const channel = t.channel('map');
  const client = await t.connected();
  assert.deepEqual(await synced(client, channel), {});
  await put(t, channel, { first: true });
  await changes(client, channel, ['first', true]);
});

scenario('maps: a large one comes in pages', more, async (t) => {
  const channel = t.channel('board');
  const all = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`key ${i}`, i]));
  await put(t, channel, all);
  const client = await t.connected();
  assert.deepEqual(await synced(client, channel, { ...map, pageSize: 2 }), all);
  await put(t, channel, { 'key 4': 'new' });
  await changes(client, channel, ['key 4', 'new']);
});

scenario('maps: clients publish and remove keys', more, async (t) => {
  const channel = t.channel('map');
  const client = await t.connected();
  const other = await t.connected();
  for (const one of [client, other]) await synced(one, channel);
  await client.do('publish', { channel, key: 'mine', data: { x: 1 } });
  await client.do('remove', { channel, key: 'mine' });
  for (const one of [client, other]) await changes(one, channel, ['mine', { x: 1 }], ['mine']);
});

scenario('maps: changes during a cut are recovered', more, async (t) => {
  const channel = t.channel('map');
  const wire = await t.wire();
  await put(t, channel, { a: 1, b: 2 });
  const client = await t.connected({ port: wire.port });
  assert.deepEqual(await synced(client, channel), { a: 1, b: 2 });
  wire.cut();
  await client.event('subscribing', channel);
  await put(t, channel, { a: 10, c: 3 });
  await t.api('map_remove', { channel, key: 'b' });
  wire.reopen();
  assert.equal((await client.event('subscribed', channel)).recovered, true);
  await changes(client, channel, ['a', 10], ['c', 3], ['b']);
});

scenario('maps: too many changes during a cut bring the whole state again', more, async (t) => {
  const channel = t.channel('map');
  const wire = await t.wire();
  const client = await t.connected({ port: wire.port });
  await synced(client, channel);
  await put(t, channel, { a: 0 });
  await changes(client, channel, ['a', 0]);
  wire.cut();
  await client.event('subscribing', channel);
  for (let n = 1; n <= 14; n++) await put(t, channel, { a: n });
  wire.reopen();
  assert.deepEqual(entriesOf(await client.event('sync', channel)), { a: 14 });
});
