// What the console shows of a running project: lists, numbers, one connection.
import { strict as assert } from 'node:assert';
import { suite, fresh } from './lib/suite.mjs';
import { newClient, connected, subscribed, event } from './lib/client.mjs';
import { Person } from './lib/console.mjs';

const scenario = suite();
let owner, project, apart;

async function cast(server) {
  if (owner) return;
  owner = await Person.owner(server);
  project = (await owner.must('POST', '/projects', { name: 'Shop' })).id;
  apart = (await owner.must('POST', '/projects', { name: 'Apart' })).id;
}

async function enter(server, user, options = {}, id = project) {
  const { token } = await owner.must('POST', `/projects/${id}/realtime/token`, { userId: user, ...options.claims });
  return connected(newClient(server.wsUrl(), { token, ...options.client }));
}

// All pages of a list, and how many there were.
async function pages(path, list, query = '') {
  const rows = [];
  let cursor = '', count = 0;
  do {
    const answer = await owner.must('GET', `${path}?limit=3&cursor=${cursor}${query}`);
    assert.ok(answer[list].length <= 3);
    rows.push(...answer[list]);
    cursor = answer.cursor;
    assert.ok(++count < 100);
  } while (cursor !== null);
  return rows;
}

scenario('a connection is in the list with who and what it is, and only in its own project', async (server) => {
  await cast(server);
  const user = fresh('ann');
  const client = await enter(server, user, { client: { name: 'shop-app', version: '1.2.3' } });
  await subscribed(client, `public:${fresh()}`);
  const { connections, cursor } = await owner.must('GET', `/projects/${project}/connections?user=${user}`);
  assert.equal(cursor, null);
  assert.equal(connections.length, 1);
  const [row] = connections;
  assert.deepEqual(
    { ...row, client: typeof row.client, connected_at: Math.abs(row.connected_at - Date.now() / 1000) < 60 },
    { client: 'string', user, address: '127.0.0.1', transport: 'websocket', encoding: 'json', sdk: 'shop-app 1.2.3',
      sdk_name: 'shop-app', sdk_version: '1.2.3', connected_at: true, subscriptions: 1 });
  assert.deepEqual((await owner.must('GET', `/projects/${apart}/connections?user=${user}`)).connections, []);
});

scenario('one connection is shown with its subscriptions and what its token said', async (server) => {
  await cast(server);
  const channel = `public:${fresh()}`;
  const client = await enter(server, fresh('bob'), { claims: { info: { nick: 'B<b>' }, ttlSeconds: 600, channels: [channel] } });
  const own = `public:${fresh()}`;
  await subscribed(client, own);
  const [{ client: id }] = (await owner.must('GET', `/projects/${project}/connections?channel=${encodeURIComponent(own)}`)).connections;
  const one = await owner.must('GET', `/projects/${project}/connections/${id}`);
  const byName = Object.fromEntries(one.subscriptions.map((sub) => [sub.channel, sub]));
  assert.deepEqual(Object.keys(byName).sort(), [channel, own].sort());
  assert.equal(byName[channel].server_side, true);
  assert.equal(byName[own].server_side, false);
  assert.deepEqual(one.claims.info, { nick: 'B<b>' });
  assert.equal(one.claims.has_meta, false);
  assert.ok(Math.abs(one.claims.expires_at - Date.now() / 1000 - 600) < 10, `${one.claims.expires_at}`);
  const elsewhere = await owner.get(`/projects/${apart}/connections/${id}`);
  assert.equal(elsewhere.status, 404);
  client.disconnect();
});

scenario('filters name users, channels, SDKs, addresses and clients', async (server) => {
  await cast(server);
  const user = fresh('cid');
  const channel = `public:${fresh()}`;
  const a = await enter(server, user, { client: { name: 'Dart' } });
  await enter(server, user, { client: { name: 'swift' } });
  await subscribed(a, channel);
  const path = `/projects/${project}/connections`;
  const count = async (query) => (await owner.must('GET', `${path}?user=${user}&${query}`)).connections.length;
  assert.equal(await count(''), 2);
  assert.equal(await count('sdk=dart'), 1);
  assert.equal(await count('sdk=python'), 0);
  assert.equal(await count(`channel=${channel}`), 1);
  assert.equal(await count('channel=public:none'), 0);
  assert.equal(await count('address=127.0.0.1'), 2);
  assert.equal(await count('address=192.0.2.1'), 0);
  const [{ client }] = (await owner.must('GET', `${path}?user=${user}&sdk=swift`)).connections;
  assert.equal(await count(`client=${client}`), 1);
  for (const [query, field] of [['limit=101', 'limit'], ['limit=0', 'limit'], ['cursor=x', 'cursor'], ['cursor=1.2', 'cursor'], ['user=%zz', 'user']]) {
    const answer = await owner.get(`${path}?${query}`);
    assert.deepEqual([answer.status, answer.body.error.field], [422, field]);
  }
  assert.deepEqual((await owner.must('GET', `${path}?cursor=60.0.0`)).connections, []);
});

scenario('long lists come in pages in which everything is once, over all workers', async (server) => {
  await cast(server);
  const id = (await owner.must('POST', '/projects', { name: 'Crowd' })).id;
  const clients = await Promise.all(Array.from({ length: 10 }, (_, i) => enter(server, `u${i}`, {}, id)));
  const names = clients.map((_, i) => `public:room_${i}`);
  await Promise.all(clients.map((client, i) => subscribed(client, names[i])));
  const rows = await pages(`/projects/${id}/connections`, 'connections');
  assert.deepEqual(rows.map(({ user }) => user).sort(), clients.map((_, i) => `u${i}`).sort());
  const channels = await pages(`/projects/${id}/channels`, 'channels');
  assert.deepEqual(channels.map(({ name }) => name).sort(), names.sort());
  assert.ok(channels.every(({ subscribers, namespace }) => subscribers === 1 && namespace === 'public'));
  const some = await pages(`/projects/${id}/channels`, 'channels', '&prefix=public:room_7');
  assert.deepEqual(some.map(({ name }) => name), ['public:room_7']);
});

scenario('the numbers of a project are its own, and follow what happens', async (server) => {
  await cast(server);
  const id = (await owner.must('POST', '/projects', { name: 'Counted' })).id;
  const overview = () => owner.must('GET', `/projects/${id}/overview`);
  const before = await overview();
  assert.deepEqual([before.connections, before.users, before.channels, before.subscriptions, before.publications], [0, 0, 0, 0, 0]);
  const a = await enter(server, 'one', {}, id);
  const b = await enter(server, 'one', {}, id);
  const c = await enter(server, 'two', {}, id);
  await subscribed(a, 'public:x');
  const heard = await subscribed(b, 'public:x');
  await subscribed(c, 'public:y');
  await owner.must('POST', `/projects/${id}/realtime/publish`, { channel: 'public:x', data: 1 });
  await event(heard.events, 'publication');
  const after = await overview();
  assert.deepEqual([after.connections, after.users, after.channels, after.subscriptions, after.publications], [3, 2, 2, 3, 1]);
  assert.equal(after.deliveries, 2);
  assert.ok(after.memory.connections > 0 && after.memory.subscriptions > 0 && after.memory.history > 0);
  for (const client of [a, b, c]) client.disconnect();
  let now;
  do now = await overview();
  while (now.connections > 0 || now.channels > 0);
  assert.deepEqual([now.users, now.subscriptions], [0, 0]);
});

scenario('the nodes are listed for whoever has an account', async (server) => {
  await cast(server);
  const { nodes } = await owner.must('GET', '/nodes');
  assert.equal(nodes.length, 1);
  assert.ok(nodes[0].workers >= 1 && nodes[0].memory_bytes > 0 && nodes[0].connections >= 0);
  assert.equal((await new Person(server).get('/nodes')).status, 401);
});
