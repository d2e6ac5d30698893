// Client-side subscriptions and what is asked of channels.
import { strict as assert } from 'node:assert';
import { CHANNELS_OF_A_CLIENT, scenario, hears, refused } from '../lib/scenario.mjs';

async function endsWith(client, channel, code, reason) {
  await client.subscribe(channel);
  const end = await client.event('unsubscribed', channel);
  assert.deepEqual({ code: end.code, reason: end.reason }, { code, reason });
}

scenario('subscribe, and hear what the server API publishes', async (t) => {
  const channel = t.channel('room');
  const client = await t.connected();
  const { recoverable, positioned, position } = await client.subscribed(channel);
  assert.deepEqual(
    { recoverable, positioned, offset: position.offset },
    { recoverable: true, positioned: true, offset: 0 },
  );
  const values = ['text', 7, { deep: [{ a: null }, 'ü€😀'] }, [], false];
  await t.publish(channel, ...values);
  const heard = await hears(client, channel, ...values);
  assert.deepEqual(
    heard.map((pub) => pub.offset),
    [1, 2, 3, 4, 5],
  );
  await t.api('publish', { channel, data: 'tagged', tags: { kind: 'note' } });
  const [tagged] = await hears(client, channel, 'tagged');
  assert.deepEqual(tagged.tags, { kind: 'note' });
});

scenario('a channel without history has publications without offsets', async (t) => {
  const channel = t.channel('plain');
  const client = await t.connected();
  const { recoverable, positioned } = await client.subscribed(channel);
  assert.deepEqual({ recoverable, positioned }, { recoverable: false, positioned: false });
  await t.publish(channel, { n: 1 });
  const [pub] = await hears(client, channel, { n: 1 });
  assert.equal(pub.offset ?? 0, 0);
});

for (const [namespace, how] of [
  ['asked', 'where the namespace allows it'],
  ['read', 'where subscribers may read history'],
]) {
  scenario(`a subscription may ask to be positioned or recoverable, ${how}`, async (t) => {
    const channel = t.channel(namespace);
    for (const options of [{}, { positioned: true }, { recoverable: true }]) {
      const client = await t.connected();
      const { recoverable, positioned } = await client.subscribed(channel, options);
      assert.equal(recoverable, options.recoverable === true);
      assert.equal(positioned, options.positioned === true || options.recoverable === true);
    }
  });
}

scenario('a subscription that asks for what the namespace does not allow has none of it', async (t) => {
  const client = await t.connected();
  const wishes = { positioned: true, recoverable: true, joinLeave: true, delta: 'fossil' };
  const channel = t.channel('plain');
  const { recoverable, positioned } = await client.subscribed(channel, wishes);
  assert.deepEqual([recoverable, positioned], [false, false]);
  await t.publish(channel, { plain: 1 }, { plain: 2 });
  await hears(client, channel, { plain: 1 }, { plain: 2 });
});

scenario('subscribing without permission is error 103, to an unknown namespace 102', async (t) => {
  const client = await t.connected();
  await endsWith(client, t.channel('private'), 103, 'permission denied');
  await endsWith(client, t.channel('nowhere'), 102, 'unknown channel');
});

scenario('more channels than a client may have are error 106', async (t) => {
  const client = await t.connected();
  // One is the user's personal channel.
  for (let i = 1; i < CHANNELS_OF_A_CLIENT; i++) await client.subscribed(t.channel('plain'));
  await endsWith(client, t.channel('plain'), 106, 'limit exceeded');
});

scenario('a subscription token opens a private channel, and its info is seen', async (t) => {
  const channel = t.channel('private');
  const client = await t.connected({
    answers: { 'subscription token': () => t.subscriptionToken(channel, { info: { seat: 4 } }) },
  });
  await client.subscribed(channel, { getToken: true });
  const { info } = await client.event('join', channel);
  assert.deepEqual(info.chanInfo, { seat: 4 });
});

scenario('a subscription token of another channel ends the connection with 3500, for good', async (t) => {
  const client = await t.connected();
  await client.subscribe(t.channel('private'), { token: t.subscriptionToken(t.channel('private')) });
  assert.equal((await client.event('disconnected')).code, 3500);
});

scenario('a subscription refreshes its token in time and goes on', async (t) => {
  const channel = t.channel('private');
  const client = await t.connected({ answers: { 'subscription token': () => t.subscriptionToken(channel) } });
  await client.subscribed(channel, { token: t.subscriptionToken(channel, {}, 2), getToken: true });
  client.forget();
  await client.question('subscription token');
  await new Promise((resolve) => setTimeout(resolve, 2500)); // beyond the first one's end and the delay
  await t.publish(channel, 'goes on');
  await hears(client, channel, 'goes on');
  assert.deepEqual(
    client.events.rest().map((event) => event.event),
    [],
  );
});

scenario('publish from a client is heard with who published', async (t) => {
  const channel = t.channel('room');
  const client = await t.connected({ token: t.token({ info: { name: 'Ann' } }) });
  const other = await t.connected();
  await client.subscribed(channel);
  await other.subscribed(channel);
  await client.do('publish', { channel, data: { hello: 'all' } });
  for (const one of [client, other]) {
    const [pub] = await hears(one, channel, { hello: 'all' });
    assert.deepEqual(pub.info, { client: client.id, user: t.user, connInfo: { name: 'Ann' } });
  }
});

scenario('publish where it is not allowed is error 103, to an unknown namespace 102', async (t) => {
  const client = await t.connected();
  const channel = t.channel('plain');
  await client.subscribed(channel);
  await refused(client.do('publish', { channel, data: 1 }), 103);
  await refused(client.do('publish', { channel: t.channel('nowhere'), data: 1 }), 102);
});

scenario('history by limit, since a position, and backwards', async (t) => {
  const channel = t.channel('room');
  const client = await t.connected();
  await client.subscribed(channel);
  await t.publish(channel, 'a', 'b', 'c', 'd');
  const values = (got) => got.publications.map((pub) => pub.data);
  const top = await client.do('history', { channel, limit: 0 });
  assert.deepEqual([values(top), top.offset], [[], 4]);
  assert.deepEqual(values(await client.do('history', { channel, limit: 2 })), ['a', 'b']);
  const since = { offset: 2, epoch: top.epoch };
  const later = await client.do('history', { channel, limit: 10, since });
  assert.deepEqual([values(later), later.publications[0].offset], [['c', 'd'], 3]);
  assert.deepEqual(values(await client.do('history', { channel, limit: 2, reverse: true })), ['d', 'c']);
  await refused(client.do('history', { channel, limit: 1, since: { offset: 1, epoch: 'another' } }), 112);
});

scenario('history and presence where there are none are error 108, without permission 103', async (t) => {
  const client = await t.connected();
  const channel = t.channel('plain');
  await client.subscribed(channel);
  const foreign = t.channel('room');
  for (const what of ['history', 'presence', 'presence_stats']) {
    await refused(client.do(what, { channel, limit: 1 }), 108);
    await refused(client.do(what, { channel: foreign, limit: 1 }), 103);
  }
});

scenario('presence and its numbers', async (t) => {
  const channel = t.channel('room');
  const client = await t.connected({ token: t.token({ info: { name: 'Ann' } }) });
  const again = await t.connected();
  const other = await t.connected({ token: t.server.token(t.fresh('other')) });
  for (const one of [client, again, other]) await one.subscribed(channel);
  const { clients } = await client.do('presence', { channel });
  assert.deepEqual(Object.keys(clients).sort(), [client.id, again.id, other.id].sort());
  assert.deepEqual(clients[client.id], { client: client.id, user: t.user, connInfo: { name: 'Ann' } });
  assert.deepEqual(await client.do('presence_stats', { channel }), { numClients: 3, numUsers: 2 });
});

for (const [how, namespace, options] of [
  ['to all', 'told', undefined],
  ['to those who ask', 'asked', { joinLeave: true }],
]) {
  scenario(`join and leave ${how}`, async (t) => {
    const channel = t.channel(namespace);
    const client = await t.connected();
    await client.subscribed(channel, options);
    assert.equal((await client.event('join', channel)).info.client, client.id);
    const other = await t.connected({ token: t.server.token('other', { info: { name: 'Bob' } }) });
    await other.subscribed(channel);
    const who = { client: other.id, user: 'other', connInfo: { name: 'Bob' } };
    assert.deepEqual((await client.event('join', channel)).info, who);
    await other.do('unsubscribe', { channel });
    assert.deepEqual((await client.event('leave', channel)).info, who);
    await other.do('subscribe', { channel });
    assert.deepEqual((await client.event('join', channel)).info, who);
    await other.do('disconnect');
    assert.deepEqual((await client.event('leave', channel)).info, who);
    const told = other.events.rest().some((event) => event.event === 'join' && event.channel === channel);
    assert.equal(told, namespace === 'told');
  });
}

scenario('after an unsubscribe nothing comes any more, and a new subscribe hears again', async (t) => {
  const channel = t.channel('plain');
  const control = t.channel('room');
  const client = await t.connected();
  await client.subscribed(control);
  await client.subscribed(channel);
  await client.do('unsubscribe', { channel });
  assert.equal((await client.event('unsubscribed', channel)).code, 0);
  // The call after it is answered when the server has carried the unsubscribe out.
  await client.do('presence_stats', { channel: control });
  await t.publish(channel, 'unheard');
  await t.publish(control, 'heard');
  assert.equal((await client.event('publication')).channel, control);
  await client.subscribed(channel);
  await t.publish(channel, 'again');
  await hears(client, channel, 'again');
});

scenario('an unsubscribe by the server ends the subscription with 2000', async (t) => {
  const channel = t.channel('room');
  const client = await t.connected();
  await client.subscribed(channel);
  await t.api('unsubscribe', { user: t.user, channel });
  const { code, reason } = await client.event('unsubscribed', channel);
  assert.deepEqual({ code, reason }, { code: 2000, reason: 'server unsubscribe' });
  await client.subscribed(channel);
  await t.publish(channel, 'back');
  await hears(client, channel, 'back');
});

scenario('a tags filter lets through what matches', async (t) => {
  const channel = t.channel('tagged');
  const client = await t.connected();
  const tagsFilter = {
    op: 'and',
    nodes: [
      { key: 'kind', cmp: 'in', vals: ['goal', 'card'] },
      { op: 'not', nodes: [{ key: 'team', cmp: 'eq', val: 'away' }] },
    ],
  };
  await client.subscribed(channel, { tagsFilter });
  const tags = [
    { kind: 'goal', team: 'away' },
    { kind: 'goal' },
    { kind: 'throw' },
    {},
    { kind: 'card', team: 'home' },
  ];
  for (const [index, tagged] of tags.entries()) await t.api('publish', { channel, data: index, tags: tagged });
  const heard = await hears(client, channel, 1, 4);
  assert.deepEqual(
    heard.map((pub) => pub.offset),
    [2, 5],
  );
});

scenario('a tags filter where the namespace allows none is error 107', async (t) => {
  const channel = t.channel('room');
  const client = await t.connected();
  await client.subscribe(channel, { tagsFilter: { key: 'kind', cmp: 'eq', val: 'goal' } });
  assert.equal((await client.event('unsubscribed', channel)).code, 107);
});
