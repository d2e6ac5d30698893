// What the name of a channel and the wishes of a subscriber make of a subscription.
import { strict as assert } from 'node:assert';
import { alone, suite, fresh } from './lib/suite.mjs';
import { RawWs } from './lib/raw_ws.mjs';
import { testConfig } from './lib/server.mjs';

const history = { history_size: 10, history_ttl: '60s' };
const presence = { presence: true, join_leave: true };
const open = { allow_subscribe_for_client: true };
const scenario = suite({
  config: testConfig({
    channel: {
      without_namespace: open,
      namespaces: [
        { name: 'plain', ...open },
        { name: 'positioned', ...open, ...history, allow_positioning: true },
        { name: 'recoverable', ...open, ...history, allow_recovery: true },
        { name: 'readers', ...open, ...history, allow_history_for_client: true },
        { name: 'closed', ...open, ...history, ...presence },
        { name: 'present', ...open, ...presence, allow_presence_for_client: true },
        { name: 'regex', ...open, channel_regex: '^[a-z]+[0-9]{2}$' },
      ],
    },
  }),
});

async function subscribed(server, channel, options) {
  const ws = await RawWs.connect(server, server.token(fresh('user')));
  const reply = await ws.subscribe(channel, options);
  return { ws, reply };
}

const asked = async (server, namespace, options) => {
  const { ws, reply } = await subscribed(server, `${namespace}:${fresh()}`, options);
  ws.close();
  const { positioned, recoverable } = reply.subscribe;
  return [positioned ?? false, recoverable ?? false];
};

scenario('a client gets positions where allow_positioning or its access to history lets it, and nothing elsewhere', async (server) => {
  assert.deepEqual(await asked(server, 'positioned', { positioned: true }), [true, false]);
  assert.deepEqual(await asked(server, 'positioned', {}), [false, false]);
  assert.deepEqual(await asked(server, 'positioned', { recoverable: true }), [false, false]);
  assert.deepEqual(await asked(server, 'readers', { positioned: true }), [true, false]);
  assert.deepEqual(await asked(server, 'closed', { positioned: true }), [false, false]);
  assert.deepEqual(await asked(server, 'plain', { positioned: true }), [false, false]);
});

scenario('a client gets recovery where allow_recovery or its access to history lets it, and nothing elsewhere', async (server) => {
  assert.deepEqual(await asked(server, 'recoverable', { recoverable: true }), [true, true]);
  assert.deepEqual(await asked(server, 'recoverable', {}), [false, false]);
  assert.deepEqual(await asked(server, 'recoverable', { positioned: true }), [false, false]);
  assert.deepEqual(await asked(server, 'readers', { recoverable: true }), [true, true]);
  assert.deepEqual(await asked(server, 'closed', { recoverable: true }), [false, false]);
});

scenario('a recoverable subscription that was asked for recovers', async (server) => {
  const channel = `recoverable:${fresh()}`;
  const { epoch } = await server.api('publish', { channel, data: 1 });
  await server.api('publish', { channel, data: 2 });
  const { ws, reply } = await subscribed(server, channel, { recoverable: true, recover: true, offset: 1, epoch });
  assert.deepEqual(reply.subscribe.publications.map((p) => p.data), [2]);
  ws.close();
});

scenario('a client hears joins and leaves when it asks and may see presence, and not otherwise', async (server) => {
  for (const [namespace, wish, hears] of [['present', true, true], ['present', false, false], ['closed', true, false]]) {
    const channel = `${namespace}:${fresh()}`;
    const { ws } = await subscribed(server, channel, { join_leave: wish });
    const other = await subscribed(server, channel, {});
    other.ws.close();
    await server.api('publish', { channel, data: 'end' });
    const kinds = [];
    for (let push = {}; !push.pub;) {
      push = await ws.push();
      if (push.join) kinds.push('join');
    }
    assert.equal(kinds.length, hears ? 2 : 0, `${namespace} ${wish}`);
    ws.close();
  }
});

scenario('a name may begin with *, / or & for the server API and any client that may subscribe', async (server) => {
  for (const first of ['*', '/', '&']) {
    const channel = `${first}${fresh()}`;
    const { ws, reply } = await subscribed(server, channel, {});
    assert.ok(reply.subscribe, JSON.stringify(reply));
    await server.api('publish', { channel, data: first });
    assert.equal((await ws.push()).pub.data, first);
    ws.close();
  }
});

scenario('* and > in names are ordinary text', async (server) => {
  const word = fresh();
  for (const wild of [`plain:${word}.*`, `plain:${word}.>`, `plain:>`, `plain:*`]) {
    const { ws, reply } = await subscribed(server, wild, {});
    assert.ok(reply.subscribe, JSON.stringify(reply));
    await server.api('publish', { channel: `plain:${word}.a`, data: 'another channel' });
    await server.api('publish', { channel: wild, data: wild });
    const { channel, pub } = await ws.push();
    assert.deepEqual([channel, pub.data], [wild, wild]);
    ws.close();
  }
});

scenario('channel_regex is searched in the part after the namespace, and then names need not be ASCII', async (server) => {
  const code = async (channel) => {
    const { ws, reply } = await subscribed(server, channel, {});
    ws.close();
    return reply.error?.code ?? 0;
  };
  assert.equal(await code('regex:abc12'), 0);
  assert.equal(await code('regex:abc123'), 107);
  assert.equal(await code('regex:ABC12'), 107);
});

alone('a pattern without anchors allows what it finds anywhere, in any alphabet', {
  config: testConfig({ channel: { namespaces: [{ name: 're', ...open, channel_regex: 'ü+' }] } }),
}, async (server) => {
  const ws = await RawWs.connect(server, server.token('ann'));
  assert.ok((await ws.subscribe('re:grüße')).subscribe);
  assert.equal((await ws.subscribe('re:gruesse')).error.code, 107);
  ws.close();
});
