// How a connection begins, goes on and ends.
import { strict as assert } from 'node:assert';
import { scenario, hears, refused } from '../lib/scenario.mjs';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

scenario('connect, disconnect and connect again', async (t) => {
  const client = await t.client();
  await client.connect();
  assert.equal((await client.event('connecting')).code, 0);
  const first = await client.event('connected');
  assert.match(first.id, UUID);
  await client.do('disconnect');
  assert.equal((await client.event('disconnected')).code, 0);
  await client.connect();
  const second = await client.event('connected');
  assert.match(second.id, UUID);
  assert.notEqual(second.id, first.id);
});

scenario('a client without a token asks for one', async (t) => {
  const client = await t.connected({ token: null, answers: { token: () => t.token() } });
  const channel = t.channel('room');
  await client.subscribed(channel);
  const { clients } = await client.do('presence', { channel });
  assert.equal(clients[client.id].user, t.user);
  assert.equal(client.asked.length, 1);
});

scenario('refresh: the client asks for a new token in time and stays connected', async (t) => {
  const channel = t.channel('room');
  const client = await t.connected({ token: t.token({}, 2), answers: { token: () => t.token() } });
  await client.subscribed(channel);
  await client.question('token');
  // The old token ends at latest 2 s after the start, and the delay of this configuration is 1 s.
  await new Promise((resolve) => setTimeout(resolve, 2500));
  await t.publish(channel, 'still here');
  await hears(client, channel, 'still here');
  const { clients } = await client.do('presence', { channel });
  assert.deepEqual(Object.keys(clients), [client.id]);
});

scenario('a client that is refused a new token stops: unauthorized', async (t) => {
  const client = await t.connected({ token: t.token({}, 2), answers: { token: undefined } });
  assert.equal((await client.event('disconnected')).code, 1);
});

scenario('a token at its end is error 109, and the client connects with a new one', async (t) => {
  const client = await t.connected({ token: t.token({}, -60), answers: { token: () => t.token() } });
  assert.equal(client.asked.length, 1);
  assert.match(client.id, UUID);
});

scenario('a wrong token ends with 3500, for good', async (t) => {
  const client = await t.client({ token: t.server.token(t.user, {}, 'another secret') });
  await client.connect();
  const { code, reason } = await client.event('disconnected');
  assert.deepEqual({ code, reason }, { code: 3500, reason: 'invalid token' });
});

scenario('a disconnect by the server API ends with 3503, for good', async (t) => {
  const client = await t.connected();
  await t.api('disconnect', { user: t.user });
  const { code, reason } = await client.event('disconnected');
  assert.deepEqual({ code, reason }, { code: 3503, reason: 'force disconnect' });
  await client.connected();
});

for (const code of [3200, 4000, 4499]) {
  scenario(`a disconnect with code ${code} makes the client connect again`, async (t) => {
    const channel = t.channel('room');
    const client = await t.connected();
    await client.subscribed(channel);
    await t.api('disconnect', { user: t.user, disconnect: { code, reason: 'come back' } });
    const away = await client.event('connecting');
    assert.deepEqual({ code: away.code, reason: away.reason }, { code, reason: 'come back' });
    await client.event('connected');
    await client.event('subscribed', channel);
    await t.publish(channel, 'after');
    await hears(client, channel, 'after');
  });
}

for (const code of [3800, 4500, 4999]) {
  scenario(`a disconnect with code ${code} is for good`, async (t) => {
    const client = await t.connected();
    await t.api('disconnect', { user: t.user, disconnect: { code, reason: 'go away' } });
    const end = await client.event('disconnected');
    assert.deepEqual({ code: end.code, reason: end.reason }, { code, reason: 'go away' });
  });
}

scenario('a connection that the server API ends as expired comes back with 3005', async (t) => {
  const client = await t.connected();
  client.forget();
  await t.api('refresh', { user: t.user, expired: true });
  assert.equal((await client.event('connecting')).code, 3005);
  await client.event('connected');
});

scenario('a server that stops says 3001, and the client finds the next one', async (t) => {
  const server = await t.ownServer();
  const channel = t.channel('room');
  const client = await t.connected({ port: server.port });
  await client.subscribed(channel);
  await t.publish(channel, 'before');
  await hears(client, channel, 'before');
  client.forget();
  await server.stop();
  const away = await client.event('connecting');
  assert.deepEqual({ code: away.code, reason: away.reason }, { code: 3001, reason: 'shutdown' });
  await server.launch();
  const back = await client.event('subscribed', channel);
  assert.equal(back.wasRecovering, true);
  assert.equal(back.recovered, false, 'the stream began anew');
  await t.publish(channel, 'after');
  await hears(client, channel, 'after');
});

scenario('a revoked client key ends its connections with 3503, for good', async (t) => {
  const project = await t.server.createProject(t.fresh('clients'));
  const path = `/realtime/connection/websocket?key=${project.client_api_key}`;
  const client = await t.connected({ token: null, path });
  await t.server.projectCommand('revoke', project.id, project.client_key_id);
  assert.equal((await client.event('disconnected')).code, 3503);
});

scenario('an rpc of a method that nobody serves is error 104', async (t) => {
  const client = await t.connected();
  await refused(client.do('rpc', { method: 'sum', data: { a: 1 } }), 104);
});
