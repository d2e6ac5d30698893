// Presence, joins and leaves.
import { strict as assert } from 'node:assert';
import { suite, fresh } from './lib/suite.mjs';
import { newClient, connected, subscribed, event } from './lib/client.mjs';
import { RawWs } from './lib/raw_ws.mjs';
import { until } from './lib/wait.mjs';

const scenario = suite();

scenario('presence lists who is subscribed, and a leave takes them out', async (server) => {
  const channel = `chat:${fresh()}`;
  const ann = await connected(newClient(server.wsUrl(), { token: server.token('ann', { info: { name: 'Ann' } }) }));
  const bob = await connected(newClient(server.wsUrl(), { token: server.token('bob') }));
  const sub = await subscribed(ann, channel);
  const other = await subscribed(bob, channel);
  const { clients } = await sub.presence();
  assert.deepEqual(
    Object.values(clients)
      .map((info) => info.user)
      .sort(),
    ['ann', 'bob'],
  );
  assert.deepEqual(Object.values(clients).find((info) => info.user === 'ann').connInfo, { name: 'Ann' });
  assert.deepEqual(await sub.presenceStats(), { numClients: 2, numUsers: 2 });
  other.unsubscribe();
  await until(async () => (await sub.presenceStats()).numClients === 1, 'bob to be gone');
  ann.disconnect();
  bob.disconnect();
  await until(
    async () => Object.keys((await server.api('presence', { channel })).presence).length === 0,
    'all to be gone',
  );
});

scenario('subscribers see joins, their own too, and leaves', async (server) => {
  const channel = `chat:${fresh()}`;
  const ann = await connected(newClient(server.wsUrl(), { token: server.token('ann') }));
  const sub = await subscribed(ann, channel);
  assert.equal((await event(sub.events, 'join')).info.user, 'ann');
  const bob = await RawWs.connect(server, server.token('bob'));
  await bob.subscribe(channel);
  const join = await event(sub.events, 'join');
  assert.equal(join.info.user, 'bob');
  assert.equal(join.info.client, bob.connected.client);
  bob.close();
  assert.equal((await event(sub.events, 'leave')).info.client, bob.connected.client);
  ann.disconnect();
});

scenario('two connections of one user are two clients and one user', async (server) => {
  const channel = `chat:${fresh()}`;
  const sockets = [];
  for (let i = 0; i < 3; i++) {
    const ws = await RawWs.connect(server, server.token(i < 2 ? 'ann' : 'bob'));
    await ws.subscribe(channel);
    sockets.push(ws);
  }
  assert.deepEqual(await server.api('presence_stats', { channel }), { num_clients: 3, num_users: 2 });
  const { presence } = await server.api('presence', { channel });
  assert.deepEqual(Object.keys(presence).sort(), sockets.map((ws) => ws.connected.client).sort());
  sockets.forEach((ws) => ws.close());
});

scenario('presence shows the info of a connection as its refresh has changed it', async (server) => {
  const channel = `chat:${fresh()}`;
  const user = fresh('user');
  const ws = await RawWs.connect(server, server.token(user, { info: { n: 1 } }));
  await ws.subscribe(channel);
  const shown = async () => Object.values((await server.api('presence', { channel })).presence).map((info) => info.conn_info);
  assert.deepEqual(await shown(), [{ n: 1 }]);
  await ws.call({ refresh: { token: server.token(user, { info: { n: 2 } }) } });
  await until(async () => (await shown())[0].n === 2, 'the info of the token');
  await server.api('refresh', { user, info: { n: 3 } });
  await until(async () => (await shown())[0].n === 3, 'the info of the server API');
  ws.close();
});

scenario('presence of a channel that one has not subscribed to is error 103, without presence 108', async (server) => {
  const ws = await RawWs.connect(server, server.token('ann'));
  assert.equal((await ws.call({ presence: { channel: `chat:${fresh()}` } })).error.code, 103);
  assert.equal((await ws.call({ presence_stats: { channel: `chat:${fresh()}` } })).error.code, 103);
  assert.equal((await ws.call({ presence: { channel: `plain:${fresh()}` } })).error.code, 108);
  ws.close();
});

scenario('join and leave come in the order of the publications around them', async (server) => {
  const channel = `chat:${fresh()}`;
  const ws = await RawWs.connect(server, server.token('ann'));
  await ws.subscribe(channel);
  assert.ok((await ws.push()).join);
  for (let round = 0; round < 5; round++) {
    await server.api('publish', { channel, data: 'before' });
    const bob = await RawWs.connect(server, server.token('bob'));
    await bob.subscribe(channel);
    await server.api('publish', { channel, data: 'between' });
    await bob.call({ unsubscribe: { channel } });
    await server.api('publish', { channel, data: 'after' });
    const seen = [];
    for (let i = 0; i < 5; i++) {
      const push = await ws.push();
      seen.push(push.pub?.data ?? (push.join ? 'join' : 'leave'));
    }
    assert.deepEqual(seen, ['before', 'join', 'between', 'leave', 'after']);
    bob.close();
  }
  ws.close();
});
