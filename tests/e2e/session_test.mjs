// The client protocol over one WebSocket: batches, pings, stale connections, commands that are refused.
import { strict as assert } from 'node:assert';
import { suite, alone, fresh } from './lib/suite.mjs';
import { RawWs, OP, frame } from './lib/raw_ws.mjs';
import { newClient, connected } from './lib/client.mjs';
import { testConfig } from './lib/server.mjs';
import { until } from './lib/wait.mjs';

const scenario = suite();

const text = (ws, payload) => ws.write(frame(OP.TEXT, payload));

scenario('a batch of commands is answered command by command in order', async (server) => {
  const ws = await RawWs.open(server);
  const channel = `chat:${fresh()}`;
  const commands = [
    { id: 1, connect: { token: server.token('ann') } },
    { id: 2, subscribe: { channel } },
    { id: 3, publish: { channel, data: { n: 1 } } },
    { id: 4, presence_stats: { channel } },
    { id: 5, unsubscribe: { channel } },
    { id: 6, subscribe: { channel: 'nowhere:a' } },
  ];
  text(ws, commands.map((command) => JSON.stringify(command)).join('\n'));
  for (const { id } of commands) {
    const reply = await ws.reply(id);
    if (id === 3) assert.deepEqual(reply, { id: 3, publish: {} });
    if (id === 4) assert.deepEqual(reply, { id: 4, presence_stats: { num_clients: 1, num_users: 1 } });
    if (id === 5) assert.deepEqual(reply, { id: 5, unsubscribe: {} });
    if (id === 6) assert.deepEqual(reply, { id: 6, error: { code: 102, message: 'unknown channel' } });
  }
  ws.close();
});

scenario('one newline at the end of a batch is fine', async (server) => {
  const ws = await RawWs.open(server);
  text(ws, `${JSON.stringify({ id: 1, connect: { token: server.token('ann') } })}\n`);
  assert.ok((await ws.reply(1)).connect.client);
  ws.close();
});

scenario('member names in any letter case, unknown members and text after the object are accepted', async (server) => {
  const ws = await RawWs.open(server);
  text(ws, `{"ID":1,"Connect":{"TOKEN":${JSON.stringify(server.token('ann'))},"new":[1,{}]},"later":null} trailing`);
  assert.ok((await ws.reply(1)).connect.client);
  ws.close();
});

for (const [what, payload] of Object.entries({
  'an empty line in a batch': '{"id":2,"unsubscribe":{"channel":"a:b"}}\n\n{"id":3,"unsubscribe":{"channel":"a:b"}}',
  'an empty frame': '',
  'broken JSON': '{"id":2,',
  'a JSON array': '[]',
  'a command without a request': '{"id":2}',
  'a command with id 0': '{"unsubscribe":{"channel":"a:b"}}',
  'a negative id': '{"id":-1,"unsubscribe":{"channel":"a:b"}}',
  'an unasked pong': '{}',
  'the command ping': '{"id":2,"ping":{}}',
  'a string for a number': '{"id":"two","unsubscribe":{"channel":"a:b"}}',
  'deeply nested JSON': `{"id":2,"publish":{"channel":"a:b","data":${'['.repeat(20000)}${']'.repeat(20000)}}}`,
})) {
  scenario(`${what} closes with 3501`, async (server) => {
    const ws = await RawWs.connect(server, server.token('ann'));
    text(ws, payload);
    assert.equal((await ws.closing()).code, 3501);
    ws.close();
  });
}

scenario('send closes with 3508, and rpc is error 108', async (server) => {
  const ws = await RawWs.connect(server, server.token('ann'));
  assert.equal((await ws.call({ rpc: { method: 'any', data: {} } })).error.code, 108);
  text(ws, '{"send":{"data":{}}}');
  assert.equal((await ws.closing()).code, 3508);
  ws.close();
});

alone(
  'the rpc ping extension answers',
  { config: testConfig({ rpc: { ping: { enabled: true } } }) },
  async (server) => {
    const ws = await RawWs.connect(server, server.token('ann'));
    assert.deepEqual((await ws.call({ rpc: { method: 'ping' } })).rpc, {});
    assert.equal((await ws.call({ rpc: { method: 'other' } })).error.code, 104);
    ws.close();
  },
);

const quickPing = { config: testConfig({ client: { ping_interval: '1s', pong_timeout: '500ms' } }) };

alone(
  'the server pings, a client that answers stays, one that does not is closed with 3012',
  quickPing,
  async (server) => {
    const good = await RawWs.connect(server, server.token('good'));
    const bad = await RawWs.connect(server, server.token('bad'));
    assert.equal(good.connected.ping, 1);
    assert.equal(good.connected.pong, true);
    good.pongs = bad.pongs = false;
    const answering = (async () => {
      for (let i = 0; i < 3; i++) {
        assert.deepEqual(await good.next(), {});
        text(good, '{}');
      }
    })();
    assert.deepEqual(await bad.next(), {});
    assert.deepEqual(await bad.closing(), { code: 3012, reason: 'no pong' });
    await answering;
    assert.ok((await good.subscribe('plain:a')).subscribe);
    good.close();
    bad.close();
  },
);

alone('a centrifuge client answers pings by itself and stays', quickPing, async (server) => {
  const client = await connected(newClient(server.wsUrl(), { token: server.token('ann') }));
  const witness = await RawWs.connect(server, server.token('witness'));
  witness.pongs = false;
  for (let i = 0; i < 3; i++) {
    await witness.next();
    text(witness, '{}');
  }
  assert.equal(client.state, 'connected');
  assert.deepEqual(
    client.events.rest().map((item) => item.name),
    ['connecting', 'connected'],
  );
  client.disconnect();
  witness.close();
});

alone(
  'with cf_ws_frame_ping_pong the server pings by WebSocket frames and the connect result names no ping',
  quickPing,
  async (server) => {
    const ws = await RawWs.connect(server, server.token('ann'), {
      path: '/connection/websocket?cf_ws_frame_ping_pong=true',
    });
    assert.equal(ws.connected.ping, undefined);
    assert.equal(ws.connected.pong, undefined);
    const ping = await ws.frame(3000);
    assert.equal(ping.opcode, OP.PING);
    ws.close();
  },
);

alone(
  'a connection that never says connect is closed with 3502',
  {
    config: testConfig({ client: { stale_close_delay: '500ms' } }),
  },
  async (server) => {
    const silent = await RawWs.open(server);
    const refused = await RawWs.open(server);
    assert.equal((await refused.call({ connect: { token: server.token('ann', { exp: 1 }) } })).error.code, 109);
    assert.deepEqual(await silent.closing(), { code: 3502, reason: 'stale' });
    assert.deepEqual(await refused.closing(), { code: 3502, reason: 'stale' });
    silent.close();
    refused.close();
  },
);

alone(
  'a reader that stalls is closed as slow, and the others hear everything',
  {
    config: testConfig({ client: { queue_max_size: 200000 }, websocket: { write_timeout: '60s' } }),
  },
  async (server) => {
    const slow = await RawWs.connect(server, server.token('slow'));
    const quick = await RawWs.connect(server, server.token('quick'));
    const channel = 'plain:slow';
    await slow.subscribe(channel);
    await quick.subscribe(channel);
    slow.raw.socket.pause();
    const data = 'x'.repeat(90_000);
    const clients = async () => (await server.api('channels', { pattern: channel })).channels[channel].num_clients;
    let published = 0;
    await until(
      async () => {
        for (let i = 0; i < 10; i++) {
          await server.api('publish', { channel, data });
          published += 1;
          assert.equal((await quick.push()).pub.data.length, data.length);
        }
        return (await clients()) === 1;
      },
      'the slow reader to be dropped',
      30_000,
    );
    assert.ok(published > 0);
    slow.raw.socket.resume();
    await slow.raw.toEnd();
    slow.close();
    quick.close();
  },
);

alone(
  'a peer that takes nothing for websocket.write_timeout is ended, and counts as 3009',
  { config: testConfig({ client: { queue_max_size: 100_000_000 }, websocket: { write_timeout: '300ms' } }) },
  async (server) => {
    const stuck = await RawWs.connect(server, server.token('stuck'));
    const quick = await RawWs.connect(server, server.token('quick'));
    const channel = 'plain:stuck';
    await stuck.subscribe(channel);
    await quick.subscribe(channel);
    stuck.raw.socket.pause();
    const data = 'x'.repeat(90_000);
    await until(
      async () => {
        await server.api('publish', { channel, data });
        assert.equal((await quick.push()).pub.data.length, data.length);
        return (await server.api('channels', { pattern: channel })).channels[channel].num_clients === 1;
      },
      'the stuck peer to be ended',
      30_000,
    );
    const { text } = await server.get('/metrics');
    assert.match(text, /client_num_server_disconnects\{code="3009"\} 1\n/);
    assert.doesNotMatch(text, /client_num_server_disconnects\{code="3008"\}/);
    quick.close();
  },
);

scenario('a client that asks much and reads nothing is closed, and the server holds little', async (server) => {
  const channel = `long:${fresh()}`;
  for (let n = 0; n < 50; n++) await server.api('publish', { channel, data: 'x'.repeat(1000) });
  const before = server.memory();
  const ws = await RawWs.connect(server, server.token('ann'));
  ws.raw.socket.pause();
  const asking = frame(OP.TEXT, JSON.stringify({ id: 9, history: { channel, limit: 50 } }));
  ws.write(Buffer.concat(Array.from({ length: 5000 }, () => asking)));
  await until(async () => {
    assert.ok(server.memory() - before < 64 << 20, 'too much is held for one peer');
    const { nodes } = await server.api('info');
    return nodes[0].num_clients === 0;
  }, 'the client to be dropped');
  ws.raw.socket.resume();
  await ws.raw.toEnd();
  ws.close();
});

scenario('a publication larger than half of an output queue is refused at the door', async (server) => {
  const answer = await server.apiAnswer('publish', { channel: 'plain:big', data: 'x'.repeat(600_000) });
  assert.ok(answer.status !== 200 || answer.json.error, answer.text.slice(0, 200));
});

scenario('a command of the full message size is taken, a larger one closes with 1009', async (server) => {
  const ws = await RawWs.connect(server, server.token('ann'));
  const channel = `chat:${fresh()}`;
  await ws.subscribe(channel);
  const around = JSON.stringify({ id: 100, publish: { channel, data: '' } }).length;
  text(ws, JSON.stringify({ id: 100, publish: { channel, data: 'x'.repeat(65536 - around) } }));
  assert.deepEqual((await ws.reply(100)).publish, {});
  text(ws, JSON.stringify({ id: 101, publish: { channel, data: 'x'.repeat(65537 - around) } }));
  assert.equal((await ws.closing()).code, 1009);
  ws.close();
});
