// Who may subscribe to what: namespaces, subscription tokens, user-limited channels, limits, unsubscribe.
import { strict as assert } from 'node:assert';
import { suite, alone, fresh } from './lib/suite.mjs';
import { newClient, newSubscription, connected, subscribed, event } from './lib/client.mjs';
import { RawWs } from './lib/raw_ws.mjs';
import { testConfig, SECRET } from './lib/server.mjs';
import { nowSeconds, sign } from './lib/token.mjs';

const scenario = suite();

const subscriptionToken = (user, channel, claims = {}, secret = SECRET) =>
  sign({ sub: user, channel, exp: nowSeconds() + 300, ...claims }, secret);

scenario(
  'a centrifuge client subscribes to public:room_1 and receives what the project API publishes',
  async (server) => {
    const { server_api_key: key } = server.firstRun();
    const client = await connected(newClient(server.wsUrl(), { token: await server.mint(key, 'ann') }));
    const sub = await subscribed(client, 'public:room_1');
    const answer = await server.project('publish', { channel: 'public:room_1', data: { text: 'hello' } }, key);
    assert.equal(answer.status, 200, answer.text);
    const pub = await event(sub.events, 'publication');
    assert.deepEqual(pub.data, { text: 'hello' });
    assert.equal(pub.offset, 1);
    client.disconnect();
  },
);

for (const [channel, code, message] of [
  ['nowhere:a', 102, 'unknown channel'],
  ['private:a', 103, 'permission denied'],
  ['$public:a', 103, 'permission denied'],
  ['no-namespace', 103, 'permission denied'],
  ['public:ünïcode', 107, 'bad request'],
  [`public:${'x'.repeat(249)}`, 107, 'bad request'],
]) {
  scenario(`a subscribe to ${channel.slice(0, 20)} without a token is error ${code}`, async (server) => {
    const ws = await RawWs.connect(server, server.token('ann'));
    const reply = await ws.subscribe(channel);
    assert.equal(reply.error?.code, code);
    assert.equal(reply.error.message, message);
    ws.close();
  });
}

scenario('a channel name of exactly 255 bytes is accepted', async (server) => {
  const ws = await RawWs.connect(server, server.token('ann'));
  assert.ok((await ws.subscribe(`public:${'x'.repeat(248)}`)).subscribe);
  ws.close();
});

scenario('a second subscribe to the same channel is error 105', async (server) => {
  const ws = await RawWs.connect(server, server.token('ann'));
  const channel = `public:${fresh()}`;
  assert.ok((await ws.subscribe(channel)).subscribe);
  assert.equal((await ws.subscribe(channel)).error.code, 105);
  ws.close();
});

scenario('an empty channel name closes with 3501', async (server) => {
  const ws = await RawWs.connect(server, server.token('ann'));
  ws.send({ subscribe: { channel: '' } });
  assert.equal((await ws.closing()).code, 3501);
  ws.close();
});

alone(
  'more channels than the limit are error 106',
  { config: testConfig({ client: { channel_limit: 2 } }) },
  async (server) => {
    const ws = await RawWs.connect(server, server.token('ann'));
    assert.ok((await ws.subscribe('public:1')).subscribe);
    assert.ok((await ws.subscribe('public:2')).subscribe);
    assert.equal((await ws.subscribe('public:3')).error.code, 106);
    await ws.call({ unsubscribe: { channel: 'public:1' } });
    assert.ok((await ws.subscribe('public:3')).subscribe);
    ws.close();
  },
);

scenario('a subscription token minted by the project API opens a private channel', async (server) => {
  const { server_api_key: key } = server.firstRun();
  const channel = `private:${fresh()}`;
  const client = await connected(newClient(server.wsUrl(), { token: await server.mint(key, 'ann') }));
  const sub = await subscribed(client, channel, { getToken: () => server.mintSubscription(key, 'ann', channel) });
  await server.project('publish', { channel, data: 'secret' }, key);
  assert.equal((await event(sub.events, 'publication')).data, 'secret');
  client.disconnect();
});

scenario('a subscription token minted by the project API opens a $ channel', async (server) => {
  const { server_api_key: key } = server.firstRun();
  const channel = `$plain:${fresh()}`;
  const ws = await RawWs.connect(server, await server.mint(key, 'ann'));
  assert.ok((await ws.subscribe(channel, { token: await server.mintSubscription(key, 'ann', channel) })).subscribe);
  ws.close();
});

scenario('a subscription token signed with the shared secret opens a private channel', async (server) => {
  const channel = `private:${fresh()}`;
  const ws = await RawWs.connect(server, server.token('ann'));
  const reply = await ws.subscribe(channel, { token: subscriptionToken('ann', channel) });
  assert.equal(reply.subscribe.expires, true);
  assert.ok(reply.subscribe.ttl > 290);
  assert.equal(reply.subscribe.recoverable, true);
  ws.close();
});

scenario('a subscription token of another project is error 103', async (server) => {
  const one = await server.createProject(fresh('one'));
  const two = await server.createProject(fresh('two'));
  const channel = `private:${fresh()}`;
  const ws = await RawWs.connect(server, await server.mint(one.server_api_key, 'ann'));
  const foreign = await server.mintSubscription(two.server_api_key, 'ann', channel);
  assert.equal((await ws.subscribe(channel, { token: foreign })).error.code, 103);
  const ofDefault = subscriptionToken('ann', channel);
  assert.equal((await ws.subscribe(channel, { token: ofDefault })).error.code, 103);
  const own = await server.mintSubscription(one.server_api_key, 'ann', channel);
  assert.ok((await ws.subscribe(channel, { token: own })).subscribe);
  ws.close();
});

for (const [what, code, make] of [
  ['with a wrong signature', 103, (channel) => subscriptionToken('ann', channel, {}, 'another secret')],
  ['that is a connection token', 103, () => sign({ sub: 'ann' }, SECRET)],
  ['that has expired', 109, (channel) => subscriptionToken('ann', channel, { exp: nowSeconds() - 5 })],
]) {
  scenario(`a subscription token ${what} is error ${code}`, async (server) => {
    const channel = `private:${fresh()}`;
    const ws = await RawWs.connect(server, server.token('ann'));
    assert.equal((await ws.subscribe(channel, { token: make(channel) })).error?.code, code);
    ws.close();
  });
}

for (const [what, make] of Object.entries({
  'for another channel': () => subscriptionToken('ann', 'private:other'),
  'for another user': (channel) => subscriptionToken('bob', channel),
  'for another client': (channel) =>
    subscriptionToken('ann', channel, { client: '00000000-0000-4000-8000-000000000000' }),
})) {
  scenario(`a subscription token ${what} closes with 3500`, async (server) => {
    const channel = `private:${fresh()}`;
    const ws = await RawWs.connect(server, server.token('ann'));
    ws.send({ subscribe: { channel, token: make(channel) } });
    assert.equal((await ws.closing()).code, 3500);
    ws.close();
  });
}

scenario('a subscription token that names this client works', async (server) => {
  const channel = `private:${fresh()}`;
  const ws = await RawWs.connect(server, server.token('ann'));
  const token = subscriptionToken('ann', channel, { client: ws.connected.client });
  assert.ok((await ws.subscribe(channel, { token })).subscribe);
  ws.close();
});

alone(
  'a subscription that is not refreshed ends with 2501, one that is refreshed goes on',
  {
    config: testConfig({ client: { expired_sub_close_delay: '1s' } }),
  },
  async (server) => {
    const left = 'private:left';
    const kept = 'private:kept';
    const ws = await RawWs.connect(server, server.token('ann'));
    await ws.subscribe(left, { token: subscriptionToken('ann', left, { exp: nowSeconds() + 1 }) });
    await ws.subscribe(kept, { token: subscriptionToken('ann', kept, { exp: nowSeconds() + 2 }) });
    const reply = await ws.call({ sub_refresh: { channel: kept, token: subscriptionToken('ann', kept) } });
    assert.equal(reply.sub_refresh.expires, true);
    assert.deepEqual(await ws.push(), { channel: left, unsubscribe: { code: 2501, reason: 'subscription expired' } });
    await server.api('publish', { channel: kept, data: 1 });
    assert.equal((await ws.push()).pub.data, 1);
    ws.close();
  },
);

scenario(
  'sub_refresh of a channel that is not subscribed is error 103, without a token 107, with a wrong one 3500',
  async (server) => {
    const channel = `private:${fresh()}`;
    const ws = await RawWs.connect(server, server.token('ann'));
    const token = subscriptionToken('ann', channel);
    assert.equal((await ws.call({ sub_refresh: { channel, token } })).error.code, 103);
    await ws.subscribe(channel, { token });
    assert.equal((await ws.call({ sub_refresh: { channel } })).error.code, 107);
    ws.send({ sub_refresh: { channel, token: subscriptionToken('bob', channel) } });
    assert.equal((await ws.closing()).code, 3500);
    ws.close();
  },
);

scenario('after unsubscribe nothing more arrives, and a new subscribe hears again', async (server) => {
  const channel = `plain:${fresh()}`;
  const other = `plain:${fresh()}`;
  const client = await connected(newClient(server.wsUrl(), { token: server.token('ann') }));
  const sub = await subscribed(client, channel);
  const marker = await subscribed(client, other);
  sub.unsubscribe();
  await event(sub.events, 'unsubscribed');
  await marker.publish('x').catch((error) => assert.equal(error.code, 103)); // a round trip: the server has seen the unsubscribe
  await server.api('publish', { channel, data: 'lost' });
  await server.api('publish', { channel: other, data: 'mark' });
  await event(marker.events, 'publication');
  assert.equal(sub.events.rest().filter((item) => item.name === 'publication').length, 0);
  sub.subscribe();
  await event(sub.events, 'subscribed');
  await server.api('publish', { channel, data: 'heard' });
  assert.equal((await event(sub.events, 'publication')).data, 'heard');
  client.disconnect();
});

scenario(
  'unsubscribe of a channel that is not subscribed answers an empty result; of an empty name closes with 3501',
  async (server) => {
    const ws = await RawWs.connect(server, server.token('ann'));
    assert.deepEqual((await ws.call({ unsubscribe: { channel: 'public:never' } })).unsubscribe, {});
    ws.send({ unsubscribe: { channel: '' } });
    assert.equal((await ws.closing()).code, 3501);
    ws.close();
  },
);

for (const [channel, user, allowed] of [
  ['users:dialog#ann', 'ann', true],
  ['users:dialog#ann', 'bob', false],
  ['users:dialog#ann,bob', 'bob', true],
  ['users:dialog#ann,bob', 'carl', false],
  ['users:dialog#an', 'ann', false],
  ['users:a#ann#bob', 'ann', false],
  ['users:a#ann#bob', 'bob', true],
  ['users:open', 'ann', false],
]) {
  scenario(
    `the user ${user} ${allowed ? 'may' : 'may not'} subscribe to the user-limited channel ${channel}`,
    async (server) => {
      const ws = await RawWs.connect(server, server.token(user));
      const reply = await ws.subscribe(channel);
      if (allowed) assert.ok(reply.subscribe);
      else assert.equal(reply.error.code, 103);
      ws.close();
    },
  );
}

scenario('a client publishes to a chat channel that it has subscribed to, with its name on it', async (server) => {
  const channel = `chat:${fresh()}`;
  const ann = await connected(newClient(server.wsUrl(), { token: server.token('ann', { info: { name: 'Ann' } }) }));
  const bob = await connected(newClient(server.wsUrl(), { token: server.token('bob') }));
  const ears = await subscribed(bob, channel);
  await assert.rejects(ann.publish(channel, 'too early'), (error) => error.code === 103);
  const mouth = await subscribed(ann, channel);
  await mouth.publish({ text: 'hi' });
  const pub = await event(ears.events, 'publication');
  assert.deepEqual(pub.data, { text: 'hi' });
  assert.equal(pub.info.user, 'ann');
  assert.deepEqual(pub.info.connInfo, { name: 'Ann' });
  ann.disconnect();
  bob.disconnect();
});

scenario('a client may not publish where the namespace does not allow it', async (server) => {
  const channel = `public:${fresh()}`;
  const ws = await RawWs.connect(server, server.token('ann'));
  await ws.subscribe(channel);
  assert.equal((await ws.call({ publish: { channel, data: 1 } })).error.code, 103);
  assert.equal((await ws.call({ publish: { channel: 'nowhere:x', data: 1 } })).error.code, 102);
  ws.close();
});

scenario('a subscription that is refused tells a centrifuge client why', async (server) => {
  const client = await connected(newClient(server.wsUrl(), { token: server.token('ann') }));
  const sub = newSubscription(client, 'private:no');
  sub.subscribe();
  const ctx = await event(sub.events, 'unsubscribed');
  assert.equal(ctx.code, 103);
  assert.equal(ctx.reason, 'permission denied');
  client.disconnect();
});

scenario('two connections of one channel on different workers both hear a publication, once each', async (server) => {
  const channel = `plain:${fresh()}`;
  const all = await Promise.all(
    Array.from({ length: 12 }, async (_, i) => {
      const ws = await RawWs.connect(server, server.token(`user-${i}`));
      await ws.subscribe(channel);
      return ws;
    }),
  );
  await server.api('publish', { channel, data: 1 });
  await server.api('publish', { channel, data: 2 });
  for (const ws of all) {
    assert.equal((await ws.push()).pub.data, 1);
    assert.equal((await ws.push()).pub.data, 2);
    ws.close();
  }
});
