// What the server API does to connections is done, on every worker, when the call answers.
import { strict as assert } from 'node:assert';
import { suite, fresh } from './lib/suite.mjs';
import { newClient, connected, event } from './lib/client.mjs';
import { RawWs } from './lib/raw_ws.mjs';
import { nowSeconds } from './lib/token.mjs';

const scenario = suite({ workers: 4 });

// Connections of one user, enough that they lie on several workers.
const COUNT = 8;
const connections = (server, user) =>
  Promise.all(Array.from({ length: COUNT }, () => RawWs.connect(server, server.token(user))));
const closeAll = (sockets) => sockets.forEach((ws) => ws.close());

scenario(
  'subscribe adds a server-side subscription to every connection of the user before it answers',
  async (server) => {
    const user = fresh('user');
    const channel = `private:${fresh()}`;
    const sockets = await connections(server, user);
    assert.deepEqual(await server.api('subscribe', { user, channel, data: { why: 'api' } }), {});
    await server.api('publish', { channel, data: 'at once' });
    for (const ws of sockets) {
      const added = await ws.push();
      assert.equal(added.channel, channel);
      assert.equal(added.subscribe.recoverable, true);
      assert.equal(added.subscribe.positioned, true);
      assert.deepEqual(added.subscribe.data, { why: 'api' });
      assert.equal((await ws.push()).pub.data, 'at once');
    }
    closeAll(sockets);
  },
);

scenario('subscribe of one client only touches that client', async (server) => {
  const user = fresh('user');
  const channel = `private:${fresh()}`;
  const [one, other] = [
    await RawWs.connect(server, server.token(user)),
    await RawWs.connect(server, server.token(user)),
  ];
  await server.api('subscribe', { user, channel, client: one.connected.client });
  await server.api('publish', { channel, data: 1 });
  assert.ok((await one.push()).subscribe);
  assert.equal((await one.push()).pub.data, 1);
  assert.equal((await other.subscribe(`plain:${fresh()}`)).error, undefined);
  assert.deepEqual(other.pushes, []);
  closeAll([one, other]);
});

scenario('subscribe takes the base64 twins of data and info, which win', async (server) => {
  const user = fresh('user');
  const channel = `chat:${fresh()}`;
  const ws = await RawWs.connect(server, server.token(user));
  const base64 = (value) => Buffer.from(JSON.stringify(value)).toString('base64');
  await server.api('subscribe', { user, channel, data: 1, b64data: base64({ y: 1 }), info: 2, b64info: base64({ z: 1 }) });
  assert.deepEqual(await ws.push(), { channel, subscribe: { data: { y: 1 } } });
  assert.deepEqual((await ws.push()).join.info.chan_info, { z: 1 });
  assert.equal((await server.apiAnswer('subscribe', { user, channel, b64data: '***' })).json.error.code, 107);
  ws.close();
});

scenario('subscribe changes the options of the namespace by override', async (server) => {
  const on = { value: true };
  const off = { value: false };
  const user = fresh('user');
  const ws = await RawWs.connect(server, server.token(user));
  const plain = `plain:${fresh()}`;
  await server.api('subscribe', {
    user,
    channel: plain,
    override: { join_leave: on, force_push_join_leave: on, force_recovery: on },
  });
  const { subscribe } = await ws.push();
  assert.deepEqual([subscribe.recoverable, subscribe.positioned, subscribe.epoch.length > 0], [true, true, true]);
  assert.equal((await ws.push()).join.info.user, user);
  const chat = `chat:${fresh()}`;
  await server.api('subscribe', {
    user,
    channel: chat,
    override: { presence: off, join_leave: off, force_push_join_leave: off, force_positioning: on },
  });
  assert.equal((await ws.push()).subscribe.positioned, true);
  assert.deepEqual((await server.api('presence', { channel: chat })).presence, {});
  await server.api('publish', { channel: chat, data: 'no join before this' });
  assert.ok((await ws.push()).pub);
  ws.close();
});

scenario('recover_since sets the position from which subscribe says it recovers, and delivers nothing', async (server) => {
  const channel = `private:${fresh()}`;
  for (let data = 1; data <= 4; data++) await server.api('publish', { channel, data });
  const { epoch } = await server.api('history', { channel });
  for (const [since, offset] of [[{ offset: 1, epoch }, 1], [{ offset: 1, epoch: 'other' }, 4], [{ offset: 9, epoch }, 4]]) {
    const user = fresh('user');
    const ws = await RawWs.connect(server, server.token(user));
    await server.api('subscribe', { user, channel, recover_since: since });
    assert.deepEqual(await ws.push(), { channel, subscribe: { recoverable: true, epoch, offset, positioned: true } });
    assert.equal((await ws.subscribe(`plain:${fresh()}`)).error, undefined);
    assert.deepEqual(ws.pushes, []);
    ws.close();
  }
});

scenario('subscribe of a client that is subscribed tells it anew; an end that has passed is error 100 where somebody is', async (server) => {
  const user = fresh('user');
  const channel = `chat:${fresh()}`;
  const ws = await RawWs.connect(server, server.token(user));
  for (const n of [1, 2]) {
    await server.api('subscribe', { user, channel, info: { n }, data: { n } });
    assert.deepEqual(await ws.push(), { channel, subscribe: { data: { n } } });
    assert.deepEqual((await ws.push()).join.info.chan_info, { n });
    assert.deepEqual(Object.values((await server.api('presence', { channel })).presence).map((info) => info.chan_info), [{ n }]);
  }
  await server.api('publish', { channel, data: 'once' });
  assert.equal((await ws.push()).pub.data, 'once');
  assert.equal((await server.apiAnswer('subscribe', { user, channel, expire_at: 5 })).json.error.code, 100);
  assert.deepEqual(await server.api('subscribe', { user: 'nobody', channel, expire_at: 5 }), {});
  for (let i = 0; i < 2; i++) {
    await server.api('unsubscribe', { user, channel }); // the second time there is nothing to end, and it is told all the same
    assert.deepEqual(await ws.push(), { channel, unsubscribe: { code: 2000, reason: 'server unsubscribe' } });
  }
  ws.close();
});

scenario('a session that no connection has is nobody', async (server) => {
  const user = fresh('user');
  const ws = await RawWs.connect(server, server.token(user));
  for (const method of ['subscribe', 'unsubscribe', 'disconnect', 'refresh'])
    assert.deepEqual(await server.api(method, { user, session: 'nobody', channel: `plain:${fresh()}` }), {});
  assert.equal((await ws.subscribe(`plain:${fresh()}`)).error, undefined);
  assert.deepEqual(ws.pushes, []);
  ws.close();
});

scenario('a centrifuge client is told of a server-side subscription and hears it', async (server) => {
  const user = fresh('user');
  const channel = `plain:${fresh()}`;
  const client = await connected(newClient(server.wsUrl(), { token: server.token(user) }));
  await server.api('subscribe', { user, channel });
  assert.equal((await event(client.events, 'subscribed')).channel, channel);
  await server.api('publish', { channel, data: 'x' });
  assert.equal((await event(client.events, 'publication')).data, 'x');
  await server.api('unsubscribe', { user, channel });
  assert.equal((await event(client.events, 'unsubscribed')).channel, channel);
  client.disconnect();
});

scenario(
  'unsubscribe ends the subscription on every connection with 2000, and nothing published later arrives',
  async (server) => {
    const user = fresh('user');
    const channel = `plain:${fresh()}`;
    const sockets = await connections(server, user);
    for (const ws of sockets) await ws.subscribe(channel);
    assert.deepEqual(await server.api('unsubscribe', { user, channel }), {});
    await server.api('publish', { channel, data: 'too late' });
    for (const ws of sockets) {
      assert.deepEqual(await ws.push(), { channel, unsubscribe: { code: 2000, reason: 'server unsubscribe' } });
      await ws.call({ unsubscribe: { channel: 'plain:a' } });
      assert.deepEqual(ws.pushes, []);
    }
    closeAll(sockets);
  },
);

scenario(
  'disconnect closes every connection of the user with 3503, so that none is left when it answers',
  async (server) => {
    const user = fresh('user');
    const channel = `chat:${fresh()}`;
    const sockets = await connections(server, user);
    for (const ws of sockets) await ws.subscribe(channel);
    assert.equal((await server.api('presence_stats', { channel })).num_clients, COUNT);
    assert.deepEqual(await server.api('disconnect', { user }), {});
    assert.equal((await server.api('presence_stats', { channel })).num_clients ?? 0, 0);
    for (const ws of sockets) assert.deepEqual(await ws.closing(), { code: 3503, reason: 'force disconnect' });
    closeAll(sockets);
  },
);

scenario('disconnect with a code and a reason of its own, a whitelist, and one client only', async (server) => {
  const user = fresh('user');
  const sockets = await connections(server, user);
  const [kept, picked, ...rest] = sockets;
  await server.api('disconnect', {
    user,
    client: picked.connected.client,
    disconnect: { code: 4001, reason: 'picked' },
  });
  assert.deepEqual(await picked.closing(), { code: 4001, reason: 'picked' });
  await server.api('disconnect', { user, whitelist: [kept.connected.client] });
  for (const ws of rest) assert.equal((await ws.closing()).code, 3503);
  assert.ok((await kept.subscribe(`plain:${fresh()}`)).subscribe);
  closeAll(sockets);
});

scenario('a client told to reconnect by a disconnect code comes back', async (server) => {
  const user = fresh('user');
  const client = await connected(newClient(server.wsUrl(), { token: server.token(user) }));
  await event(client.events, 'connected');
  await server.api('disconnect', { user, disconnect: { code: 4100, reason: 'come again' } });
  const away = await event(client.events, 'connecting');
  assert.equal(away.code, 4100);
  await event(client.events, 'connected');
  client.disconnect();
});

scenario('refresh with a new expiry tells the client, and with expired closes it with 3005', async (server) => {
  const user = fresh('user');
  const ws = await RawWs.connect(server, server.token(user));
  await server.api('refresh', { user, expire_at: nowSeconds() + 100 });
  const push = await ws.push();
  assert.equal(push.refresh.expires, true);
  assert.ok(push.refresh.ttl > 95);
  await server.api('refresh', { user, expired: true });
  assert.equal((await ws.closing()).code, 3005);
  ws.close();
});

scenario(
  'subscribe, unsubscribe, disconnect and refresh of a user who is not here answer an empty result',
  async (server) => {
    const user = fresh('nobody');
    for (const [method, body] of [
      ['subscribe', { channel: 'plain:a' }],
      ['unsubscribe', { channel: 'plain:a' }],
      ['disconnect', {}],
      ['refresh', {}],
    ]) {
      assert.deepEqual(await server.api(method, { user, ...body }), {});
    }
  },
);

scenario('many effects at once on the same users all come through', async (server) => {
  const users = Array.from({ length: 4 }, () => fresh('user'));
  const sockets = (await Promise.all(users.map((user) => connections(server, user)))).flat();
  const channels = Array.from({ length: 10 }, () => `plain:${fresh()}`);
  await Promise.all(users.flatMap((user) => channels.map((channel) => server.api('subscribe', { user, channel }))));
  const { responses } = await server.api('broadcast', { channels, data: 'x' });
  assert.equal(responses.length, channels.length);
  for (const ws of sockets) {
    const heard = new Set();
    while (heard.size < channels.length) {
      const push = await ws.push();
      if (push.pub) heard.add(push.channel);
    }
  }
  await Promise.all(users.map((user) => server.api('disconnect', { user })));
  for (const ws of sockets) assert.equal((await ws.closing()).code, 3503);
  closeAll(sockets);
});
