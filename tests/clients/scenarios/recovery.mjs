// What was missed while the wire was cut.
import { strict as assert } from 'node:assert';
import { scenario, hears } from '../lib/scenario.mjs';

// A client on a wire, subscribed and having heard one publication.
async function onWire(t, channel, options, more) {
  const wire = await t.wire();
  const client = await t.connected({ port: wire.port, ...more });
  await client.subscribed(channel, options);
  await t.publish(channel, 'first');
  await hears(client, channel, 'first');
  return { wire, client };
}

// Cuts the wire, publishes meanwhile, and answers how the subscription came back.
async function missing(t, { wire, client }, channel, ...values) {
  wire.cut();
  await client.event('subscribing', channel);
  await t.publish(channel, ...values);
  wire.reopen();
  return client.event('subscribed', channel);
}

scenario('recovery after a cut', async (t) => {
  const channel = t.channel('room');
  const at = await onWire(t, channel);
  const { wasRecovering, recovered } = await missing(t, at, channel, 2, 3, { n: 4 });
  assert.deepEqual({ wasRecovering, recovered }, { wasRecovering: true, recovered: true });
  const heard = await hears(at.client, channel, 2, 3, { n: 4 });
  assert.deepEqual(
    heard.map((pub) => pub.offset),
    [2, 3, 4],
  );
  await t.publish(channel, 'live');
  const [live] = await hears(at.client, channel, 'live');
  assert.equal(live.offset, 5);
});

scenario('recovery after a cut, of a subscription that asked for it', async (t) => {
  const channel = t.channel('asked');
  const at = await onWire(t, channel, { recoverable: true });
  const { recovered } = await missing(t, at, channel, 'second');
  assert.equal(recovered, true);
  await hears(at.client, channel, 'second');
});

scenario('recovery after many cuts brings each publication once', async (t) => {
  const channel = t.channel('room');
  const at = await onWire(t, channel);
  let next = 1;
  for (let round = 0; round < 4; round++) {
    const values = [next++, next++, next++];
    const { recovered } = await missing(t, at, channel, ...values);
    assert.equal(recovered, true);
    await hears(at.client, channel, ...values);
  }
});

scenario('what is no longer in history is not recovered, and the client is told', async (t) => {
  const channel = t.channel('room');
  const at = await onWire(t, channel);
  const values = Array.from({ length: 12 }, (_, n) => n);
  const { wasRecovering, recovered } = await missing(t, at, channel, ...values);
  assert.deepEqual({ wasRecovering, recovered }, { wasRecovering: true, recovered: false });
  await t.publish(channel, 'live');
  const [live] = await hears(at.client, channel, 'live');
  assert.equal(live.offset, 14);
});

scenario('a client that loads its state is told of a lost position by error 112 and loads it anew', async (t) => {
  const channel = t.channel('room');
  const state = async () => {
    const { offset, epoch } = await t.api('history', { channel, limit: 0 });
    return { offset, epoch };
  };
  const at = await onWire(t, channel, { getState: true }, { answers: { state } });
  await at.client.question('state');
  const values = Array.from({ length: 12 }, (_, n) => n);
  const { recovered } = await missing(t, at, channel, ...values);
  await at.client.question('state');
  assert.equal(recovered, true, 'from the position of the state');
  await t.publish(channel, 'live');
  await hears(at.client, channel, 'live');
});

scenario('a tags filter holds in recovery too', async (t) => {
  const channel = t.channel('tagged');
  const wire = await t.wire();
  const client = await t.connected({ port: wire.port });
  await client.subscribed(channel, { tagsFilter: { key: 'kind', cmp: 'eq', val: 'goal' } });
  wire.cut();
  await client.event('subscribing', channel);
  for (const [index, kind] of ['card', 'goal', 'card', 'goal'].entries())
    await t.api('publish', { channel, data: index, tags: { kind } });
  wire.reopen();
  assert.equal((await client.event('subscribed', channel)).recovered, true);
  await hears(client, channel, 1, 3);
});

scenario('cache recovery brings the latest publication only', async (t) => {
  const channel = t.channel('cache');
  const at = await onWire(t, channel);
  const { wasRecovering, recovered } = await missing(t, at, channel, 'old', 'older', 'latest');
  assert.deepEqual({ wasRecovering, recovered }, { wasRecovering: true, recovered: true });
  const [latest] = await hears(at.client, channel, 'latest');
  assert.equal(latest.offset, 4);
  await t.publish(channel, 'live');
  await hears(at.client, channel, 'live');
});

scenario('cache recovery of a channel that does it by itself brings the latest publication at the start', async (t) => {
  const channel = t.channel('last');
  await t.publish(channel, 'old', 'latest');
  const client = await t.connected();
  assert.equal((await client.subscribed(channel)).recovered, true);
  await hears(client, channel, 'latest');
});
