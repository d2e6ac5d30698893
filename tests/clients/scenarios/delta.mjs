// Fossil deltas: what changes little costs little on the wire, and the SDK puts the whole back together.
import { strict as assert } from 'node:assert';
import { scenario, hears, open, stream } from '../lib/scenario.mjs';

const more = {
  namespaces: [
    { name: 'delta', ...open, ...stream, allowed_delta_types: ['fossil'], delta_publish: true },
    { name: 'lastdelta', ...open, ...stream, force_recovery_mode: 'cache', allowed_delta_types: ['fossil'] },
  ],
};

const FULL_BYTES_MIN = 4000;
const WIRE_BYTES_MAX = 3 * FULL_BYTES_MIN;

// A long value of which a version changes a few bytes.
const version = (n) => ({ version: n, rest: Array.from({ length: 400 }, (_, i) => `entry ${i}`), end: -n });
const versions = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => version(from + i));

async function subscribedOnWire(t, channel) {
  const wire = await t.wire();
  const client = await t.connected({ port: wire.port });
  await client.subscribed(channel, { delta: 'fossil' });
  return { wire, client };
}

// What the wire carries while body runs must be far less than the publications themselves.
async function cheap(wire, body) {
  const before = wire.bytesToClients;
  await body();
  const bytes = wire.bytesToClients - before;
  assert.ok(bytes < WIRE_BYTES_MAX, `${bytes} bytes on the wire`);
}

scenario('delta: ten versions arrive whole and cost little more than one', more, async (t) => {
  const channel = t.channel('delta');
  const { wire, client } = await subscribedOnWire(t, channel);
  assert.ok(JSON.stringify(version(1)).length > FULL_BYTES_MIN);
  await cheap(wire, async () => {
    await t.publish(channel, ...versions(1, 10));
    const heard = await hears(client, channel, ...versions(1, 10));
    assert.deepEqual(
      heard.map((pub) => pub.offset),
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    );
  });
});

scenario('delta: a value that shares nothing with the one before arrives whole', more, async (t) => {
  const channel = t.channel('delta');
  const { client } = await subscribedOnWire(t, channel);
  const values = [version(1), 'short', { other: 'ü€😀' }, version(2), 7, version(3)];
  await t.publish(channel, ...values);
  await hears(client, channel, ...values);
});

scenario('delta: recovery after a cut is a chain of deltas, and goes on with deltas', more, async (t) => {
  const channel = t.channel('delta');
  const { wire, client } = await subscribedOnWire(t, channel);
  await t.publish(channel, version(1));
  await hears(client, channel, version(1));
  wire.cut();
  await client.event('subscribing', channel);
  await t.publish(channel, ...versions(2, 6));
  wire.reopen();
  await cheap(wire, async () => {
    const { recovered } = await client.event('subscribed', channel);
    assert.equal(recovered, true);
    await hears(client, channel, ...versions(2, 6));
    await t.publish(channel, ...versions(7, 9));
    await hears(client, channel, ...versions(7, 9));
  });
});

scenario('delta: cache recovery after a cut, and deltas of what it brought', more, async (t) => {
  const channel = t.channel('lastdelta');
  const { wire, client } = await subscribedOnWire(t, channel);
  await t.publish(channel, version(1));
  await hears(client, channel, version(1));
  wire.cut();
  await client.event('subscribing', channel);
  await t.publish(channel, version(2), version(3));
  wire.reopen();
  assert.equal((await client.event('subscribed', channel)).recovered, true);
  await hears(client, channel, version(3));
  for (const value of versions(4, 6)) await t.api('publish', { channel, data: value, delta: true });
  await hears(client, channel, ...versions(4, 6));
});

scenario('delta: subscribers with and without it hear the same', more, async (t) => {
  const channel = t.channel('delta');
  const { client } = await subscribedOnWire(t, channel);
  const plain = await t.connected();
  await plain.subscribed(channel);
  await t.publish(channel, ...versions(1, 4));
  for (const one of [client, plain]) await hears(one, channel, ...versions(1, 4));
});
