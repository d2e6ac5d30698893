// Subscriptions that the server makes.
import { strict as assert } from 'node:assert';
import { scenario, hears } from '../lib/scenario.mjs';

scenario('server-side subscriptions of a token', async (t) => {
  const channels = [t.channel('private'), t.channel('room')];
  const client = await t.connected({ token: t.token({ channels }) });
  const told = new Map(); // in any order
  while (told.size < 3) {
    const event = await client.event('subscribed');
    told.set(event.channel, event);
  }
  assert.deepEqual([...told.keys()].sort(), [...channels, `private:#${t.user}`].sort());
  for (const { recoverable, positioned } of told.values()) assert.deepEqual([recoverable, positioned], [true, true]);
  for (const channel of channels) {
    await t.publish(channel, { in: channel });
    const [pub] = await hears(client, channel, { in: channel });
    assert.equal(pub.offset, 1);
  }
});

scenario('the personal channel of a user', async (t) => {
  const channel = `private:#${t.user}`;
  const client = await t.connected();
  await client.event('subscribed', channel);
  await t.publish(channel, 'for you');
  await hears(client, channel, 'for you');
});

scenario('the server API adds a server-side subscription and takes it away', async (t) => {
  const channel = t.channel('private');
  const client = await t.connected();
  await t.api('subscribe', { user: t.user, channel });
  await client.event('subscribed', channel);
  await t.publish(channel, 'inside');
  await hears(client, channel, 'inside');
  await t.api('unsubscribe', { user: t.user, channel });
  await client.event('unsubscribed', channel);
});

scenario('join and leave in a server-side subscription', async (t) => {
  const channel = t.channel('private');
  const claims = { channels: [channel] };
  const client = await t.connected({ token: t.token(claims) });
  await client.event('subscribed', channel);
  const other = await t.connected({ token: t.server.token('other', claims) });
  const joined = await client.events.takeWhere(
    (event) => event.event === 'join' && event.channel === channel && event.info.user === 'other',
    'the join of the other',
  );
  assert.equal(joined.info.client, other.id);
  await other.do('disconnect');
  assert.equal((await client.event('leave', channel)).info.client, other.id);
});

scenario('a server-side subscription recovers after a cut', async (t) => {
  const channel = t.channel('private');
  const wire = await t.wire();
  const client = await t.connected({ port: wire.port, token: t.token({ channels: [channel] }) });
  await client.event('subscribed', channel);
  await t.publish(channel, 1);
  await hears(client, channel, 1);
  wire.cut();
  await client.event('connecting');
  await t.publish(channel, 2, 3);
  wire.reopen();
  const { wasRecovering, recovered } = await client.event('subscribed', channel);
  assert.deepEqual({ wasRecovering, recovered }, { wasRecovering: true, recovered: true });
  const heard = await hears(client, channel, 2, 3);
  assert.deepEqual(
    heard.map((pub) => pub.offset),
    [2, 3],
  );
});
