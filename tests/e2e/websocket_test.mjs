// WebSocket over raw sockets: the handshake, and what a peer may and may not send (RFC 6455).
import { strict as assert } from 'node:assert';
import { suite, fresh } from './lib/suite.mjs';
import { RawWs, OP, frame, closeBody, upgradeRequest, acceptKey } from './lib/raw_ws.mjs';
import { RawSocket } from './lib/raw_http.mjs';
import { until } from './lib/wait.mjs';

const scenario = suite();

const connectedWs = (server) => RawWs.connect(server, server.token('ann'));

scenario('the handshake answers the key of RFC 6455, section 1.3', async (server) => {
  const key = 'dGhlIHNhbXBsZSBub25jZQ==';
  const ws = await RawWs.open(server, { key });
  assert.equal(ws.handshake.headers['sec-websocket-accept'], 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  assert.equal(acceptKey(key), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  assert.match(ws.handshake.headers.upgrade, /^websocket$/i);
  assert.match(ws.handshake.headers.connection, /^upgrade$/i);
  ws.close();
});

for (const [what, options, status] of [
  ['without Upgrade', { headers: { Upgrade: null } }, 400],
  ['without Connection: Upgrade', { headers: { Connection: 'keep-alive' } }, 400],
  ['without a key', { headers: { 'Sec-WebSocket-Key': null } }, 400],
  ['with a key that is too short', { headers: { 'Sec-WebSocket-Key': 'c2hvcnQ=' } }, 400],
  ['with version 8', { headers: { 'Sec-WebSocket-Version': '8' } }, 400],
  ['without a version', { headers: { 'Sec-WebSocket-Version': null } }, 400],
]) {
  scenario(`a handshake ${what} is ${status} and names version 13`, async (server) => {
    const raw = await RawSocket.connect(server.port);
    raw.write(upgradeRequest(options));
    const answer = await raw.response();
    assert.equal(answer.status, status);
    assert.equal(answer.headers['sec-websocket-version'], '13');
    raw.close();
  });
}

scenario('a handshake by POST is 405', async (server) => {
  const raw = await RawSocket.connect(server.port);
  raw.write(upgradeRequest().replace('GET', 'POST').replace('\r\n\r\n', '\r\nContent-Length: 0\r\n\r\n'));
  const answer = await raw.response();
  assert.equal(answer.status, 405);
  assert.equal(answer.headers['sec-websocket-version'], '13');
  raw.close();
});

scenario('Connection: keep-alive, Upgrade in any case is a handshake', async (server) => {
  (await RawWs.open(server, { headers: { Connection: 'keep-alive, uPGRADE', Upgrade: 'WebSocket' } })).close();
});

const broken = {
  'an unmasked frame': [frame(OP.TEXT, '{}', { mask: false }), 1002],
  'a reserved bit': [frame(OP.TEXT, 'x', { rsv: 4 }), 1002],
  'a reserved bit on a ping': [frame(OP.PING, 'x', { rsv: 1 }), 1002],
  'a reserved data opcode': [frame(3, 'x'), 1002],
  'a reserved control opcode': [frame(11, 'x'), 1002],
  'a fragmented ping': [frame(OP.PING, 'x', { fin: false }), 1002],
  'a ping of 126 bytes': [frame(OP.PING, 'x'.repeat(126)), 1002],
  'a continuation of nothing': [frame(OP.CONTINUATION, 'x'), 1002],
  'a new message inside a fragmented one': [
    Buffer.concat([frame(OP.TEXT, '{', { fin: false }), frame(OP.TEXT, '}')]),
    1002,
  ],
  'a length of 2^63': [Buffer.from([0x81, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4]), 1002],
  'a length that is not the shortest form': [Buffer.from([0x81, 0xfe, 0, 5, 1, 2, 3, 4, 0, 0, 0, 0, 0]), 1002],
  'a frame larger than the limit, by its header alone': [frame(OP.TEXT, '', { length: 65537 }), 1009],
  'a frame of nearly 2^63 bytes': [
    Buffer.from([0x81, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3, 4]),
    1009,
  ],
  'fragments that together exceed the limit': [
    Buffer.concat([frame(OP.TEXT, 'x'.repeat(40000), { fin: false }), frame(OP.CONTINUATION, 'x'.repeat(40000))]),
    1009,
  ],
  'a close frame of one byte': [frame(OP.CLOSE, 'x'), 1002],
  'a close frame with code 999': [frame(OP.CLOSE, closeBody(999)), 1002],
  'a close frame with code 1005': [frame(OP.CLOSE, closeBody(1005)), 1002],
  'a close frame with code 1006': [frame(OP.CLOSE, closeBody(1006)), 1002],
  'a close frame with code 5000': [frame(OP.CLOSE, closeBody(5000)), 1002],
  'a close reason that is not UTF-8': [frame(OP.CLOSE, Buffer.concat([closeBody(1000), Buffer.from([0xff])])), 1007],
};
for (const [what, [bytes, code]] of Object.entries(broken)) {
  scenario(`${what} closes with ${code}, whole and byte by byte`, async (server) => {
    for (const slowly of [false, true]) {
      const ws = await connectedWs(server);
      if (!slowly) ws.write(bytes);
      else {
        for (const byte of bytes.subarray(0, 200)) ws.write(Buffer.from([byte]));
        ws.write(bytes.subarray(200));
      }
      assert.equal((await ws.closing()).code, code);
      ws.close();
    }
    assert.equal(await server.health(), 200);
  });
}

const badTexts = {
  'a lone continuation byte': [0x80],
  'an overlong slash': [0xc0, 0xaf],
  'a surrogate': [0xed, 0xa0, 0x80],
  'a number beyond U+10FFFF': [0xf4, 0x90, 0x80, 0x80],
  'a cut character': [0xe2, 0x82],
  'the byte FF': [0xff],
};
for (const [what, bytes] of Object.entries(badTexts)) {
  scenario(`a text with ${what} closes with 1007 and nothing is published`, async (server) => {
    const channel = `chat:${fresh()}`;
    const witness = await connectedWs(server);
    await witness.subscribe(channel);
    const ws = await connectedWs(server);
    await ws.subscribe(channel);
    const body = Buffer.concat([
      Buffer.from(`{"id":9,"publish":{"channel":"${channel}","data":"`),
      Buffer.from(bytes),
      Buffer.from('"}}'),
    ]);
    ws.write(frame(OP.TEXT, body));
    assert.equal((await ws.closing()).code, 1007);
    await server.api('publish', { channel, data: 'mark' });
    for (;;) {
      const push = await witness.push();
      if (!push.pub) continue; // joins and leaves
      assert.equal(push.pub.data, 'mark');
      break;
    }
    witness.close();
    ws.close();
  });
}

scenario(
  'a character split between fragments is whole, a broken one across fragments closes with 1007',
  async (server) => {
    const channel = `chat:${fresh()}`;
    const ws = await connectedWs(server);
    await ws.subscribe(channel);
    const body = Buffer.from(`{"id":9,"publish":{"channel":"${channel}","data":"€🙂"}}`);
    const cut = body.indexOf(0xe2) + 1;
    ws.write(frame(OP.TEXT, body.subarray(0, cut), { fin: false }));
    ws.write(frame(OP.CONTINUATION, body.subarray(cut)));
    assert.deepEqual((await ws.reply(9)).publish, {});
    ws.write(frame(OP.TEXT, body.subarray(0, cut), { fin: false }));
    ws.write(frame(OP.CONTINUATION, '"}}'));
    assert.equal((await ws.closing()).code, 1007);
    ws.close();
  },
);

scenario('a ping between fragments is answered before the message', async (server) => {
  const ws = await connectedWs(server);
  const body = '{"id":9,"unsubscribe":{"channel":"a:b"}}';
  ws.write(
    Buffer.concat([
      frame(OP.TEXT, body.slice(0, 10), { fin: false }),
      frame(OP.PING, 'are you there'),
      frame(OP.CONTINUATION, body.slice(10)),
    ]),
  );
  const pong = await ws.frame();
  assert.equal(pong.opcode, OP.PONG);
  assert.equal(pong.payload.toString(), 'are you there');
  assert.deepEqual(await ws.reply(9), { id: 9, unsubscribe: {} });
  ws.close();
});

scenario('a command cut at any byte, in frames of one byte each, is understood', async (server) => {
  const ws = await RawWs.open(server);
  const body = Buffer.from(JSON.stringify({ id: 1, connect: { token: server.token('ann') } }));
  body.forEach((byte, i) => {
    ws.write(frame(i === 0 ? OP.TEXT : OP.CONTINUATION, Buffer.from([byte]), { fin: i === body.length - 1 }));
  });
  assert.ok((await ws.reply(1)).connect.client);
  ws.close();
});

scenario('an unasked pong frame is ignored', async (server) => {
  const ws = await connectedWs(server);
  ws.write(frame(OP.PONG, 'unasked'));
  assert.ok((await ws.subscribe('plain:a')).subscribe);
  ws.close();
});

for (const code of [1000, 1001, 1011, 3000, 3999, 4000, 4999]) {
  scenario(`a close with code ${code} is answered with that code, and TCP ends`, async (server) => {
    const ws = await connectedWs(server);
    ws.write(frame(OP.CLOSE, closeBody(code, 'bye')));
    assert.equal((await ws.closing()).code, code);
    assert.equal((await ws.raw.toEnd()).length, 0);
    ws.close();
  });
}

scenario('a close without a code is answered, and TCP ends', async (server) => {
  const ws = await connectedWs(server);
  ws.write(frame(OP.CLOSE));
  assert.ok([1000, 1005].includes((await ws.closing()).code));
  await ws.raw.toEnd();
  ws.close();
});

scenario('nothing sent after a close frame has an effect', async (server) => {
  const channel = `chat:${fresh()}`;
  const witness = await connectedWs(server);
  await witness.subscribe(channel);
  const ws = await connectedWs(server);
  await ws.subscribe(channel);
  ws.write(
    Buffer.concat([
      frame(OP.CLOSE, closeBody(1000)),
      frame(OP.TEXT, JSON.stringify({ id: 9, publish: { channel, data: 'late' } })),
    ]),
  );
  await ws.raw.toEnd();
  await server.api('publish', { channel, data: 'mark' });
  for (;;) {
    const push = await witness.push();
    if (!push.pub) continue;
    assert.equal(push.pub.data, 'mark');
    break;
  }
  witness.close();
  ws.close();
});

scenario('commands sent together with the handshake are answered', async (server) => {
  const raw = await RawSocket.connect(server.port);
  const command = frame(OP.TEXT, JSON.stringify({ id: 1, connect: { token: server.token('ann') } }));
  raw.write(Buffer.concat([Buffer.from(upgradeRequest()), command]));
  const answer = await raw.response({ headOnly: true });
  assert.equal(answer.status, 101);
  await raw.await((received) => (received.includes('"connect"') ? true : undefined), 'the connect reply');
  raw.close();
});

scenario('sockets that vanish at every stage leave nothing behind', async (server) => {
  const channel = `chat:${fresh()}`;
  const witness = await connectedWs(server);
  await witness.subscribe(channel);
  const full = Buffer.concat([
    Buffer.from(upgradeRequest()),
    frame(OP.TEXT, JSON.stringify({ id: 1, connect: { token: server.token('ann') } })),
    frame(OP.TEXT, JSON.stringify({ id: 2, subscribe: { channel } })),
  ]);
  for (let cut = 1; cut <= full.length; cut += 7) {
    const raw = await RawSocket.connect(server.port);
    raw.write(full.subarray(0, cut));
    if (cut % 2) raw.socket.resetAndDestroy();
    else raw.socket.end();
    raw.close();
  }
  await until(
    async () => (await server.api('presence_stats', { channel })).num_clients === 1,
    'only the witness to be left',
  );
  witness.close();
});

scenario('a conversation with any one byte changed, or cut there, never hurts the server', async (server) => {
  const channel = `chat:${fresh()}`;
  const say = (command) => frame(OP.TEXT, JSON.stringify(command));
  const whole = Buffer.concat([
    Buffer.from(upgradeRequest()),
    say({ id: 1, connect: { token: server.token('ann'), name: 'js', subs: {} } }),
    say({ id: 2, subscribe: { channel, recover: true, offset: 1, epoch: 'x' } }),
    say({ id: 3, publish: { channel, data: [1, 'x'] } }),
    say({ id: 4, history: { channel, limit: 1, since: { offset: 1, epoch: '' } } }),
    say({ id: 5, presence: { channel } }),
    frame(OP.PING, 'x'),
    say({ id: 6, unsubscribe: { channel } }),
    frame(OP.CLOSE, closeBody(1000)),
  ]);
  const AT_ONCE = 20;
  const positions = Array.from(whole.keys());
  const worker = async () => {
    for (let at = positions.shift(); at !== undefined; at = positions.shift()) {
      const changed = Buffer.from(whole);
      changed[at] ^= 1 << (at % 8);
      for (const bytes of [changed, whole.subarray(0, at)]) {
        const raw = await RawSocket.connect(server.port);
        raw.write(bytes);
        raw.socket.end();
        await raw.toEnd(20_000);
        raw.close();
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  assert.equal(await server.health(), 200);
  await until(async () => (await server.api('info')).nodes[0].num_clients <= 1, 'all of them to be gone');
});
