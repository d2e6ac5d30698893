// Recovery: what a client missed comes back, or the server says honestly that it cannot.
import { strict as assert } from 'node:assert';
import { suite, alone, fresh } from './lib/suite.mjs';
import { newClient, connected, subscribed, event } from './lib/client.mjs';
import { RawWs } from './lib/raw_ws.mjs';
import { TcpProxy } from './lib/tcp_proxy.mjs';
import { testConfig } from './lib/server.mjs';

const scenario = suite();

async function behindProxy(server, channel) {
  const proxy = await TcpProxy.to(server.port);
  const client = await connected(newClient(server.wsUrl(undefined, proxy.port), { token: server.token('ann') }));
  const sub = await subscribed(client, channel);
  return { proxy, client, sub };
}

scenario(
  "a centrifuge client recovers what it missed after the server's side of its socket was cut",
  async (server) => {
    const channel = `public:${fresh()}`;
    const { proxy, client, sub } = await behindProxy(server, channel);
    await server.api('publish', { channel, data: 1 });
    assert.equal((await event(sub.events, 'publication')).data, 1);
    proxy.cut();
    await event(sub.events, 'subscribing');
    for (const data of [2, 3, 4]) await server.api('publish', { channel, data });
    proxy.reopen();
    const ctx = await event(sub.events, 'subscribed');
    assert.equal(ctx.wasRecovering, true);
    assert.equal(ctx.recovered, true);
    for (const data of [2, 3, 4]) assert.equal((await event(sub.events, 'publication')).data, data);
    await server.api('publish', { channel, data: 5 });
    const next = await event(sub.events, 'publication');
    assert.equal(next.data, 5);
    assert.equal(next.offset, 5);
    client.disconnect();
    await proxy.close();
  },
);

scenario('recovery fails honestly after the ring has moved on', async (server) => {
  const channel = `public:${fresh()}`;
  const { proxy, client, sub } = await behindProxy(server, channel);
  await server.api('publish', { channel, data: 1 });
  await event(sub.events, 'publication');
  proxy.cut();
  await event(sub.events, 'subscribing');
  for (let data = 2; data <= 13; data++) await server.api('publish', { channel, data });
  proxy.reopen();
  const ctx = await event(sub.events, 'subscribed');
  assert.equal(ctx.wasRecovering, true);
  assert.equal(ctx.recovered, false);
  await server.api('publish', { channel, data: 14 });
  const next = await event(sub.events, 'publication');
  assert.equal(next.data, 14, 'nothing of the lost range arrives');
  client.disconnect();
  await proxy.close();
});

scenario('a ring that holds exactly what was missed still recovers it', async (server) => {
  const channel = `public:${fresh()}`;
  const ws = await RawWs.connect(server, server.token('ann'));
  const { epoch } = (await ws.subscribe(channel)).subscribe;
  ws.close();
  for (let data = 1; data <= 10; data++) await server.api('publish', { channel, data });
  const back = await RawWs.connect(server, server.token('ann'));
  const { subscribe } = await back.subscribe(channel, { recover: true, offset: 0, epoch });
  assert.equal(subscribe.recovered, true);
  assert.equal(subscribe.publications.length, 10);
  back.close();
});

alone('a client that recovers after a restart of the server learns that its position is gone', {}, async (server) => {
  const channel = 'public:restart';
  const client = await connected(newClient(server.wsUrl(), { token: server.token('ann') }));
  const sub = await subscribed(client, channel);
  await server.api('publish', { channel, data: 1 });
  await event(sub.events, 'publication');
  await server.stop();
  await event(sub.events, 'subscribing');
  await server.launch();
  const ctx = await event(sub.events, 'subscribed');
  assert.equal(ctx.wasRecovering, true);
  assert.equal(ctx.recovered, false);
  await server.api('publish', { channel, data: 2 });
  assert.equal((await event(sub.events, 'publication')).data, 2);
  client.disconnect();
});

const recovering = (text, prepare, ask, check) =>
  scenario(text, async (server) => {
    const channel = `public:${fresh()}`;
    const first = await server.api('publish', { channel, data: 1 });
    const state = { channel, epoch: first.epoch, ...(await prepare?.(server, channel)) };
    const ws = await RawWs.connect(server, server.token('ann'));
    const reply = await ws.subscribe(channel, { recover: true, ...ask(state) });
    check(reply, state);
    ws.close();
  });

const publishTo = (count) => async (server, channel) => {
  for (let data = 2; data <= count; data++) await server.api('publish', { channel, data });
};

recovering(
  'a client that missed nothing recovers with no publications',
  null,
  ({ epoch }) => ({ offset: 1, epoch }),
  ({ subscribe }) => {
    assert.equal(subscribe.recovered, true);
    assert.equal(subscribe.was_recovering, true);
    assert.equal(subscribe.publications, undefined);
  },
);

recovering(
  "missed publications come in order, with the request's offset as the position",
  publishTo(4),
  ({ epoch }) => ({ offset: 2, epoch }),
  ({ subscribe }, { epoch }) => {
    assert.deepEqual(
      subscribe.publications.map((pub) => [pub.offset, pub.data]),
      [
        [3, 3],
        [4, 4],
      ],
    );
    assert.equal(subscribe.offset, 2);
    assert.equal(subscribe.epoch, epoch);
    assert.equal(subscribe.positioned, true);
  },
);

recovering(
  'an empty epoch skips the comparison of epochs',
  publishTo(3),
  () => ({ offset: 1, epoch: '' }),
  ({ subscribe }) => {
    assert.equal(subscribe.recovered, true);
    assert.equal(subscribe.publications.length, 2);
  },
);

recovering(
  'another epoch does not recover and names the top',
  publishTo(3),
  () => ({ offset: 1, epoch: 'other' }),
  ({ subscribe }) => {
    assert.equal(subscribe.recovered, undefined);
    assert.equal(subscribe.was_recovering, true);
    assert.equal(subscribe.publications, undefined);
    assert.equal(subscribe.offset, 3);
  },
);

recovering(
  'an offset from the future does not recover',
  null,
  ({ epoch }) => ({ offset: 99, epoch }),
  ({ subscribe }) => {
    assert.equal(subscribe.recovered, undefined);
    assert.equal(subscribe.offset, 1);
  },
);

recovering(
  'with flag bit 1 a failed recovery is error 112',
  publishTo(14),
  ({ epoch }) => ({ offset: 1, epoch, flag: 2 }),
  ({ error }) => {
    assert.equal(error.code, 112);
    assert.equal(error.message, 'unrecoverable position');
  },
);

recovering(
  'after history_remove a position below the top is lost',
  async (server, channel) => {
    await server.api('publish', { channel, data: 2 });
    await server.api('history_remove', { channel });
  },
  ({ epoch }) => ({ offset: 1, epoch }),
  ({ subscribe }) => {
    assert.equal(subscribe.recovered, undefined);
  },
);

alone(
  'more missed publications than the limit do not recover',
  {
    config: testConfig({ client: { recovery_max_publication_limit: 3 } }),
  },
  async (server) => {
    const { epoch } = await server.api('publish', { channel: 'public:a', data: 1 });
    for (let data = 2; data <= 5; data++) await server.api('publish', { channel: 'public:a', data });
    const ws = await RawWs.connect(server, server.token('ann'));
    const { subscribe } = await ws.subscribe('public:a', { recover: true, offset: 2, epoch });
    assert.equal(subscribe.recovered, true);
    await ws.call({ unsubscribe: { channel: 'public:a' } });
    const again = await ws.subscribe('public:a', { recover: true, offset: 1, epoch });
    assert.equal(again.subscribe.recovered, undefined);
    ws.close();
  },
);

scenario('a server-side subscription recovers through the connect request', async (server) => {
  const channel = `private:${fresh()}`;
  const token = server.token('ann', { channels: [channel] });
  const ws = await RawWs.connect(server, token);
  const { epoch } = ws.connected.subs[channel];
  ws.close();
  for (const data of [1, 2]) await server.api('publish', { channel, data });
  const back = await RawWs.connect(server, token, {
    connect: { subs: { [channel]: { recover: true, offset: 0, epoch } } },
  });
  assert.equal(back.connected.subs[channel].recovered, true);
  assert.deepEqual(
    back.connected.subs[channel].publications.map((pub) => pub.data),
    [1, 2],
  );
  await server.api('publish', { channel, data: 3 });
  assert.equal((await back.push()).pub.offset, 3);
  back.close();
});

scenario('what is published while a client recovers arrives once and in order', async (server) => {
  const channel = `public:${fresh()}`;
  const { proxy, client, sub } = await behindProxy(server, channel);
  let next = 1;
  for (let round = 0; round < 10; round++) {
    proxy.cut();
    await event(sub.events, 'subscribing');
    const writing = [];
    for (let i = 0; i < 4; i++) writing.push(server.api('publish', { channel, data: 'x' }));
    proxy.reopen();
    for (let i = 0; i < 3; i++) writing.push(server.api('publish', { channel, data: 'x' }));
    await Promise.all(writing);
    for (let i = 0; i < 7; i++) assert.equal((await event(sub.events, 'publication')).offset, next++);
  }
  client.disconnect();
  await proxy.close();
});

scenario('a channel that is resubscribed without recovery starts at the top', async (server) => {
  const channel = `public:${fresh()}`;
  for (const data of [1, 2]) await server.api('publish', { channel, data });
  const ws = await RawWs.connect(server, server.token('ann'));
  const { subscribe } = await ws.subscribe(channel);
  assert.equal(subscribe.offset, 2);
  assert.equal(subscribe.recoverable, true);
  assert.equal(subscribe.positioned, true);
  assert.equal(subscribe.publications, undefined);
  assert.equal(subscribe.was_recovering, undefined);
  ws.close();
});
