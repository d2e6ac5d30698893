// permessage-deflate (RFC 7692): what is agreed, real clients over it, and what a peer may and may not send.
import { strict as assert } from 'node:assert';
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib';
import WebSocket from 'ws';
import { Centrifuge as ProtobufCentrifuge } from 'centrifuge/build/protobuf';
import { suite, alone, fresh } from './lib/suite.mjs';
import { newClient, connected, subscribed, event } from './lib/client.mjs';
import { RawWs, OP, frame, closeBody } from './lib/raw_ws.mjs';
import { testConfig } from './lib/server.mjs';

const config = (websocket = {}) => testConfig({ websocket: { compression: true, ...websocket } });
const scenario = suite({ config: config() });

const TERMS = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';
const extensions = (offer) => ({ headers: { 'Sec-WebSocket-Extensions': offer } });
const deflate = (text) =>
  deflateRawSync(Buffer.from(text), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);
const inflate = (payload) =>
  inflateRawSync(Buffer.concat([payload, Buffer.from([0, 0, 255, 255])]), {
    finishFlush: constants.Z_SYNC_FLUSH,
  }).toString();
const packed = (text, options = {}) => frame(OP.TEXT, deflate(text), { rsv: 4, ...options });
const rich = (n = 2000) => ({ text: 'the quick brown fox jumps over the lazy dog '.repeat(n / 44), n });

// A connection that has agreed to compression and is connected; .objects() is the next frame, inflated and read.
async function open(server, offer = 'permessage-deflate') {
  const ws = await RawWs.open(server, extensions(offer));
  ws.objects = async () => {
    const got = await ws.frame();
    assert.equal(got.opcode, OP.TEXT);
    const text = got.rsv === 4 ? inflate(got.payload) : got.payload.toString();
    return { packed: got.rsv === 4, size: got.payload.length, list: text.split('\n').map((line) => JSON.parse(line)) };
  };
  ws.write(packed(JSON.stringify({ id: 1, connect: { token: server.token('ann') } })));
  const answer = await ws.objects();
  assert.equal(answer.list[0].connect.client.length, 36);
  return ws;
}

async function say(ws, command) {
  ws.write(packed(JSON.stringify(command)));
  return ws.objects();
}

for (const [offer, answer] of [
  ['permessage-deflate', TERMS],
  ['permessage-deflate; client_max_window_bits', TERMS],
  ['permessage-deflate; server_max_window_bits=10', `${TERMS}; server_max_window_bits=10`],
  ['permessage-deflate; server_max_window_bits=16, permessage-deflate', TERMS],
  ['permessage-deflate; server_max_window_bits=16', undefined],
  ['permessage-deflate; server_max_window_bits', undefined],
  ['permessage-deflate; server_no_context_takeover=1', undefined],
  ['permessage-deflate; surprise', undefined],
  ['x-webkit-deflate-frame', undefined],
]) {
  scenario(`the offer "${offer}" is ${answer ? 'taken' : 'declined'}`, async (server) => {
    const ws = await RawWs.open(server, extensions(offer));
    assert.equal(ws.handshake.headers['sec-websocket-extensions'], answer);
    ws.close();
  });
}

scenario('a client that offers nothing gets no compressed frame and may send none', async (server) => {
  const ws = await RawWs.connect(server, server.token('ann'));
  assert.equal(ws.handshake.headers['sec-websocket-extensions'], undefined);
  const channel = `plain:${fresh()}`;
  await ws.subscribe(channel);
  await server.api('publish', { channel, data: rich() });
  assert.deepEqual((await ws.push()).pub.data, rich());
  ws.write(packed('{}'));
  assert.equal((await ws.closing()).code, 1002);
  ws.close();
});

scenario('a publication is compressed where that was agreed, and plain beside it', async (server) => {
  const channel = `plain:${fresh()}`;
  const [small, full, none] = [
    await open(server, 'permessage-deflate; server_max_window_bits=8'),
    await open(server),
    await RawWs.connect(server, server.token('bob')),
  ];
  await say(small, { id: 2, subscribe: { channel } });
  await say(full, { id: 2, subscribe: { channel } });
  await none.subscribe(channel);
  // A window of 256 bytes, which zlib cannot compress with: a longer message goes plain.
  for (const [data, smallPacked] of [
    [rich(44 * 3), true],
    [rich(4400), false],
  ]) {
    await server.api('publish', { channel, data });
    const [a, b] = [await small.objects(), await full.objects()];
    assert.deepEqual(a.list[0].push.pub.data, data);
    assert.deepEqual(b.list[0].push.pub.data, data);
    assert.equal(a.packed, smallPacked);
    assert.equal(b.packed, true);
    assert.ok(b.size < 160, `${b.size} bytes`);
    assert.deepEqual((await none.push()).pub.data, data);
  }
  for (const ws of [small, full, none]) ws.close();
});

scenario('replies are compressed, in their order among compressed and short plain ones', async (server) => {
  const channel = `chat:${fresh()}`;
  const ws = await open(server);
  await say(ws, { id: 2, subscribe: { channel } });
  ws.write(Buffer.concat([3, 4, 5, 6].map((id) => packed(JSON.stringify({ id, publish: { channel, data: rich(id * 50) } })))));
  const ids = [];
  const data = [];
  while (ids.length < 4 || data.length < 4)
    for (const object of (await ws.objects()).list)
      if (object.id) ids.push(object.id);
      else if (object.push?.pub) data.push(object.push.pub.data);
  assert.deepEqual(ids, [3, 4, 5, 6]);
  assert.deepEqual(data, [3, 4, 5, 6].map((id) => rich(id * 50)));
  ws.close();
});

scenario('a compressed command in fragments, with a ping between, is one command', async (server) => {
  const ws = await open(server);
  const payload = deflate(JSON.stringify({ id: 2, subscribe: { channel: `plain:${fresh()}` } }));
  ws.write(
    Buffer.concat([
      frame(OP.TEXT, payload.subarray(0, 7), { rsv: 4, fin: false }),
      frame(OP.PING, 'p'),
      frame(OP.CONTINUATION, payload.subarray(7)),
    ]),
  );
  assert.equal((await ws.frame()).opcode, OP.PONG);
  assert.equal((await ws.objects()).list[0].id, 2);
  ws.close();
});

const limit = 65536;
// A command of exactly so many bytes; its answer is an error of its own, with its id.
const command = (length) => {
  const text = (pad) => `{"id":2,"publish":{"channel":"plain:none","data":"${pad}"}}`;
  return text('x'.repeat(length - text('').length));
};
const bomb = deflate('x'.repeat(20 << 20));
for (const [what, bytes, code] of [
  ['RSV1 on a continuation', Buffer.concat([frame(OP.TEXT, '{', { fin: false }), frame(OP.CONTINUATION, '}', { rsv: 4 })]), 1002],
  ['RSV1 on a ping', frame(OP.PING, 'x', { rsv: 4 }), 1002],
  ['RSV1 on a close', frame(OP.CLOSE, closeBody(1000), { rsv: 4 }), 1002],
  ['RSV2', frame(OP.TEXT, '{}', { rsv: 2 }), 1002],
  ['broken deflate data', frame(OP.TEXT, 'this is not deflate', { rsv: 4 }), 1007],
  ['a compressed message whose end is missing', frame(OP.TEXT, deflate('{"id":2,"ping":{}}').subarray(0, 9), { rsv: 4 }), 1007],
  ['a compressed text that is not UTF-8', packed(Buffer.from('{"id":2,"x":"\xff\xfe"}', 'latin1')), 1007],
  ['a bomb in one frame', frame(OP.TEXT, bomb, { rsv: 4 }), 1009],
  [
    'a bomb in two fragments',
    Buffer.concat([
      frame(OP.TEXT, bomb.subarray(0, 99), { rsv: 4, fin: false }),
      frame(OP.CONTINUATION, bomb.subarray(99)),
    ]),
    1009,
  ],
  ['a compressed frame over the size limit', frame(OP.TEXT, '', { rsv: 4, length: limit + 1 }), 1009],
]) {
  scenario(`with compression, ${what} closes with ${code}`, async (server) => {
    const ws = await open(server);
    ws.write(bytes);
    const got = await ws.frame();
    assert.equal(got.opcode, OP.CLOSE);
    assert.equal(got.rsv, 0);
    assert.equal(got.payload.readUInt16BE(0), code);
    ws.close();
    assert.equal(await server.health(), 200);
  });
}

scenario('a message of ten times the limit passes compressed, one byte more closes with 1009', async (server) => {
  const ws = await open(server);
  ws.write(packed(command(10 * limit)));
  assert.equal((await ws.objects()).list[0].id, 2);
  ws.write(packed(command(10 * limit + 1)));
  assert.equal((await ws.closing()).code, 1009);
  ws.close();
});

// ---- real clients ----

class DeflateSocket extends WebSocket {
  static opened = [];
  constructor(url, protocols) {
    super(url, protocols, { perMessageDeflate: { threshold: 0, ...DeflateSocket.options } });
    DeflateSocket.opened.push(this);
  }
}

for (const [what, Class, encode, decode] of [
  ['JSON', undefined, (data) => data, (data) => data],
  [
    'Protobuf',
    ProtobufCentrifuge,
    (data) => new TextEncoder().encode(JSON.stringify(data)),
    (data) => JSON.parse(new TextDecoder().decode(data)),
  ],
]) {
  for (const bits of [undefined, 9, 12, 15]) {
    scenario(`a real client of ${what} talks compressed, with a window of ${bits ?? 'any'} bits`, async (server) => {
      DeflateSocket.options = bits ? { serverMaxWindowBits: bits } : {};
      const client = await connected(
        newClient(server.wsUrl(), { token: server.token('cat'), websocket: DeflateSocket }, Class),
      );
      assert.match(DeflateSocket.opened.at(-1).extensions, /permessage-deflate/);
      const sub = await subscribed(client, `chat:${fresh()}`);
      for (const size of [10, 400, 5000, 50000]) {
        await sub.publish(encode(rich(size)));
        assert.deepEqual(decode((await event(sub.events, 'publication')).data), rich(size));
      }
      client.disconnect();
    });
  }
}

scenario('many subscribers on all workers get each publication, compressed', async (server) => {
  DeflateSocket.options = {};
  const channel = `plain:${fresh()}`;
  const subs = [];
  for (let i = 0; i < 12; i += 1) {
    DeflateSocket.options = [{}, { serverMaxWindowBits: 10 }, { serverMaxWindowBits: 13 }][i % 3];
    const client = newClient(server.wsUrl(), { token: server.token(`u${i}`), websocket: i % 4 ? DeflateSocket : WebSocket });
    subs.push(await subscribed(await connected(client), channel));
  }
  for (let n = 0; n < 20; n += 1) await server.api('publish', { channel, data: { ...rich(1000), n } });
  for (const sub of subs)
    for (let n = 0; n < 20; n += 1) assert.equal((await event(sub.events, 'publication')).data.n, n);
});

// ---- options ----

alone('what is shorter than compression_min_size goes plain', { config: config({ compression_min_size: 1000, compression_level: 9 }) }, async (server) => {
  const ws = await open(server);
  const channel = `plain:${fresh()}`;
  await say(ws, { id: 2, subscribe: { channel } });
  for (const [size, isPacked] of [[880, false], [1056, true]]) {
    await server.api('publish', { channel, data: rich(size) });
    assert.equal((await ws.objects()).packed, isPacked);
  }
  ws.close();
});

alone('decompressed_message_size_limit bounds a message', { config: config({ decompressed_message_size_limit: 500 }) }, async (server) => {
  const ws = await open(server);
  ws.write(packed(command(500)));
  assert.equal((await ws.objects()).list[0].id, 2);
  ws.write(packed(command(501)));
  assert.equal((await ws.closing()).code, 1009);
  ws.close();
});

alone('without websocket.compression every offer is declined', { config: testConfig() }, async (server) => {
  const ws = await RawWs.open(server, extensions('permessage-deflate'));
  assert.equal(ws.handshake.headers['sec-websocket-extensions'], undefined);
  ws.close();
});
