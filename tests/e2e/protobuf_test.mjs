// The Protobuf encoding of the client protocol: real clients of both encodings on one channel, and frames by hand.
import { strict as assert } from 'node:assert';
import { Centrifuge as ProtobufCentrifuge } from 'centrifuge/build/protobuf';
import { suite, fresh } from './lib/suite.mjs';
import { newClient, connected, subscribed, newSubscription, event } from './lib/client.mjs';
import { RawWs, OP, frame } from './lib/raw_ws.mjs';
import { TcpProxy } from './lib/tcp_proxy.mjs';
import { until } from './lib/wait.mjs';
import { testConfig } from './lib/server.mjs';

const room = { allow_subscribe_for_client: true, allow_publish_for_subscriber: true, presence: true, join_leave: true,
  force_push_join_leave: true, allow_presence_for_subscriber: true, allow_history_for_subscriber: true, history_size: 10,
  history_ttl: '300s', force_recovery: true };
const scenario = suite({
  config: testConfig({
    client: { ping_interval: '1s', pong_timeout: '500ms' },
    rpc: { ping: { enabled: true } },
    channel: {
      namespaces: [
        { name: 'room', ...room },
        { name: 'bin', ...room, publication_data_format: 'binary' },
        { name: 'json', ...room, publication_data_format: 'json' },
        { name: 'object', ...room, publication_data_format: 'json_object' },
        { name: 'plain', allow_subscribe_for_client: true },
        { name: 'tagged', allow_subscribe_for_client: true, allow_tags_filter: true },
      ],
    },
  }),
});

const bytes = (text) => new TextEncoder().encode(text);
const text = (data) => new TextDecoder().decode(data);
const binary = new Uint8Array([0, 255, 10, 128, 123, 13]);

const protobufClient = (server, options = {}) =>
  connected(newClient(server.wsUrl(), { token: server.token('pro'), ...options }, ProtobufCentrifuge));
const jsonClient = (server, user = 'jay') => connected(newClient(server.wsUrl(), { token: server.token(user) }));

// ---- the real client ----

scenario('a Protobuf client connects, subscribes, publishes and gets its own publication back', async (server) => {
  const channel = `room:${fresh()}`;
  const client = await protobufClient(server);
  const sub = await subscribed(client, channel);
  assert.equal(sub.first.recoverable, true);
  await sub.publish(binary);
  const got = await event(sub.events, 'publication');
  assert.deepEqual(new Uint8Array(got.data), binary);
  assert.equal(got.offset, 1);
  assert.equal(got.info.user, 'pro');
  client.disconnect();
});

scenario('clients of both encodings talk to each other on one channel', async (server) => {
  const channel = `room:${fresh()}`;
  const pro = await protobufClient(server);
  const jay = await jsonClient(server);
  const proSub = await subscribed(pro, channel);
  const jaySub = await subscribed(jay, channel);
  await proSub.publish(bytes('{"from": "protobuf",\n"n": 1}'));
  await jaySub.publish({ from: 'json' });
  await server.api('publish', { channel, data: { from: 'api' }, tags: { a: 'b' } });
  const seenByJson = [];
  const seenByProtobuf = [];
  for (let i = 0; i < 3; i++) {
    seenByJson.push((await event(jaySub.events, 'publication')).data);
    seenByProtobuf.push(await event(proSub.events, 'publication'));
  }
  assert.deepEqual(seenByJson, [{ from: 'protobuf', n: 1 }, { from: 'json' }, { from: 'api' }]);
  assert.deepEqual(seenByProtobuf.map((pub) => text(pub.data)),
    ['{"from": "protobuf",\n"n": 1}', '{"from":"json"}', '{"from":"api"}']);
  assert.deepEqual(seenByProtobuf.map((pub) => pub.info?.user), ['pro', 'jay', undefined]);
  assert.deepEqual(seenByProtobuf[2].tags, { a: 'b' });
  pro.disconnect();
  jay.disconnect();
});

scenario('Protobuf clients see joins, leaves, presence with connection info, and its numbers', async (server) => {
  const channel = `room:${fresh()}`;
  const pro = await protobufClient(server, { token: server.token('pro', { info: { name: 'Pro' } }) });
  const sub = await subscribed(pro, channel);
  assert.equal((await event(sub.events, 'join')).info.user, 'pro');
  const jay = await jsonClient(server);
  await subscribed(jay, channel);
  assert.equal((await event(sub.events, 'join')).info.user, 'jay');
  const { clients } = await sub.presence();
  assert.deepEqual(Object.values(clients).map((info) => info.user).sort(), ['jay', 'pro']);
  const own = Object.values(clients).find((info) => info.user === 'pro');
  assert.deepEqual(JSON.parse(text(own.connInfo)), { name: 'Pro' });
  assert.equal(own.chanInfo.length, 0);
  assert.deepEqual(await sub.presenceStats(), { numClients: 2, numUsers: 2 });
  jay.disconnect();
  assert.equal((await event(sub.events, 'leave')).info.user, 'jay');
  pro.disconnect();
});

scenario('history comes to Protobuf clients as it was published', async (server) => {
  const channel = `bin:${fresh()}`;
  const client = await protobufClient(server);
  const sub = await subscribed(client, channel);
  for (const data of [binary, bytes('{"n":2}'), new Uint8Array(0)]) await sub.publish(data);
  const all = await sub.history({ limit: 10 });
  assert.deepEqual(all.publications.map((pub) => [...new Uint8Array(pub.data ?? [])]), [[...binary], [...bytes('{"n":2}')], []]);
  assert.deepEqual(all.publications.map((pub) => pub.offset), [1, 2, 3]);
  assert.equal(all.offset, 3);
  const since = await sub.history({ limit: 1, since: { offset: 1, epoch: all.epoch } });
  assert.deepEqual(since.publications.map((pub) => pub.offset), [2]);
  const back = await sub.history({ limit: 2, reverse: true });
  assert.deepEqual(back.publications.map((pub) => pub.offset), [3, 2]);
  assert.equal((await sub.history({ limit: 0 })).publications.length, 0);
  client.disconnect();
});

scenario('a Protobuf client recovers what it missed while it was cut off', async (server) => {
  const channel = `bin:${fresh()}`;
  const proxy = await TcpProxy.to(server.port);
  const client = await connected(newClient(server.wsUrl(undefined, proxy.port), { token: server.token('pro') }, ProtobufCentrifuge));
  const other = await protobufClient(server);
  const sub = await subscribed(client, channel);
  const writer = await subscribed(other, channel);
  await writer.publish(bytes('1'));
  await event(sub.events, 'publication');
  proxy.cut();
  await event(sub.events, 'subscribing');
  await writer.publish(binary);
  await server.api('publish', { channel, data: { n: 3 } });
  proxy.reopen();
  const ctx = await event(sub.events, 'subscribed');
  assert.equal(ctx.wasRecovering, true);
  assert.equal(ctx.recovered, true);
  assert.deepEqual(new Uint8Array((await event(sub.events, 'publication')).data), binary);
  assert.equal(text((await event(sub.events, 'publication')).data), '{"n":3}');
  await writer.publish(bytes('4'));
  assert.equal((await event(sub.events, 'publication')).offset, 4);
  client.disconnect();
  other.disconnect();
  await proxy.close();
});

scenario('server-side subscriptions of a token reach Protobuf clients', async (server) => {
  const channel = `room:${fresh()}`;
  const client = newClient(server.wsUrl(), { token: server.token('pro', { channels: [channel] }) }, ProtobufCentrifuge);
  await connected(client);
  assert.equal((await event(client.events, 'subscribed')).channel, channel);
  await server.api('publish', { channel, data: [1] });
  const pub = await event(client.events, 'publication');
  assert.equal(pub.channel, channel);
  assert.equal(text(pub.data), '[1]');
  const extra = `plain:${fresh()}`;
  await server.api('subscribe', { user: 'pro', channel: extra, data: { hello: true } });
  const added = await event(client.events, 'subscribed');
  assert.equal(added.channel, extra);
  assert.equal(text(added.data), '{"hello":true}');
  await server.api('unsubscribe', { user: 'pro', channel: extra });
  assert.equal((await event(client.events, 'unsubscribed')).channel, extra);
  client.disconnect();
});

scenario('errors come to Protobuf clients with code, text and whether to try again', async (server) => {
  const client = await protobufClient(server);
  const sub = newSubscription(client, `nowhere:${fresh()}`);
  sub.subscribe();
  const ended = await event(sub.events, 'unsubscribed');
  assert.deepEqual([ended.code, ended.reason], [102, 'unknown channel']);
  const plain = await subscribed(client, `plain:${fresh()}`);
  await assert.rejects(plain.publish(bytes('1')), { code: 103, message: 'permission denied' });
  await assert.rejects(plain.history({ limit: 1 }), { code: 108, message: 'not available' });
  await assert.rejects(client.rpc('nothing', binary), { code: 104, message: 'method not found' });
  assert.equal((await client.rpc('ping', binary)).data?.length ?? 0, 0);
  client.disconnect();
});

scenario('unsubscribes and disconnects by the server reach Protobuf clients', async (server) => {
  const channel = `plain:${fresh()}`;
  const user = fresh('user');
  const client = await protobufClient(server, { token: server.token(user) });
  const sub = await subscribed(client, channel);
  await server.api('unsubscribe', { user, channel });
  assert.equal((await event(sub.events, 'unsubscribed')).code, 2000);
  await server.api('disconnect', { user });
  const gone = await event(client.events, 'disconnected');
  assert.deepEqual([gone.code, gone.reason], [3503, 'force disconnect']);
  client.disconnect();
});

scenario('an invalid token closes a Protobuf client for good', async (server) => {
  const client = newClient(server.wsUrl(), { token: 'no.such.token' }, ProtobufCentrifuge);
  client.connect();
  assert.equal((await event(client.events, 'disconnected')).code, 3500);
});

scenario('a Protobuf client stays connected by answering pings', async (server) => {
  const client = await protobufClient(server);
  await new Promise((resolve) => setTimeout(resolve, 2500));
  assert.equal(client.state, 'connected');
  const sub = await subscribed(client, `room:${fresh()}`);
  await sub.publish(binary);
  client.disconnect();
});

scenario('a Protobuf client gets what its tags filter lets through', async (server) => {
  const channel = `tagged:${fresh()}`;
  const client = await protobufClient(server);
  const tagsFilter = { op: 'and', nodes: [{ key: 'kind', cmp: 'in', vals: ['a', 'b'] }, { op: 'not', nodes: [{ key: 'old', cmp: 'ex' }] }] };
  const sub = await subscribed(client, channel, { tagsFilter });
  for (const [data, tags] of [[1, { kind: 'c' }], [2, { kind: 'a', old: '1' }], [3, { kind: 'b' }], [4, {}], [5, { kind: 'a' }]]) {
    await server.api('publish', { channel, data, tags });
  }
  assert.equal(text((await event(sub.events, 'publication')).data), '3');
  assert.equal(text((await event(sub.events, 'publication')).data), '5');
  const refused = newSubscription(client, `plain:${fresh()}`, { tagsFilter });
  refused.subscribe();
  assert.equal((await event(refused.events, 'unsubscribed')).code, 107);
  client.disconnect();
});

// ---- what the data is ----

scenario('infos of b64info reach Protobuf clients as they are, and close JSON clients with 3506', async (server) => {
  const channel = `room:${fresh()}`;
  const b64info = Buffer.from(binary).toString('base64');
  const jay = await RawWs.connect(server, server.token('jay'));
  await jay.subscribe(channel);
  const pro = await protobufClient(server, { token: server.token('pro', { b64info }) });
  const sub = await subscribed(pro, channel);
  assert.equal((await jay.closing()).code, 3506); // of the join
  assert.deepEqual(new Uint8Array((await event(sub.events, 'join')).info.connInfo), binary);
  assert.deepEqual(Object.values((await sub.presence()).clients).map((info) => [...new Uint8Array(info.connInfo)]), [[...binary]]);
  await sub.publish(bytes('1'));
  assert.deepEqual(new Uint8Array((await event(sub.events, 'publication')).info.connInfo), binary);
  const late = await RawWs.connect(server, server.token('kim'));
  late.send({ presence: { channel } });
  assert.equal((await late.reply(2)).error.code, 103);
  await late.subscribe(channel);
  late.send({ presence: { channel } });
  assert.equal((await late.closing()).code, 3506);
  assert.equal((await server.apiAnswer('presence', { channel })).status, 500);
  pro.disconnect();
});

scenario('JSON of b64info is JSON for everybody', async (server) => {
  const channel = `room:${fresh()}`;
  const info = '{"name":\r\n"Pro"}';
  const jay = await RawWs.connect(server, server.token('jay'));
  await jay.subscribe(channel);
  assert.equal((await jay.push()).join.info.user, 'jay');
  const pro = await protobufClient(server, { token: server.token('pro', { b64info: Buffer.from(info).toString('base64') }) });
  const sub = await subscribed(pro, channel);
  assert.deepEqual((await jay.push()).join.info.conn_info, { name: 'Pro' });
  assert.equal(text((await event(sub.events, 'join')).info.connInfo), info);
  jay.close();
  pro.disconnect();
});

scenario('a binary publication closes JSON subscribers with 3506 and reaches the others', async (server) => {
  const channel = `room:${fresh()}`;
  const pro = await protobufClient(server);
  const jay = await RawWs.connect(server, server.token('jay'));
  const sub = await subscribed(pro, channel);
  await jay.subscribe(channel);
  await sub.publish(binary);
  assert.deepEqual(await jay.closing(), { code: 3506, reason: 'inappropriate protocol' });
  assert.deepEqual(new Uint8Array((await event(sub.events, 'publication')).data), binary);
  pro.disconnect();
});

scenario('a JSON client that asks for binary history, or recovers it, is closed with 3506', async (server) => {
  const channel = `room:${fresh()}`;
  const pro = await protobufClient(server);
  const sub = await subscribed(pro, channel);
  const first = await RawWs.connect(server, server.token('jay'));
  const { epoch } = (await first.subscribe(channel)).subscribe;
  await first.call({ unsubscribe: { channel } });
  await sub.publish(binary);
  await sub.publish(bytes('{}'));
  await first.subscribe(channel);
  first.send({ history: { channel, limit: 5 } });
  assert.equal((await first.closing()).code, 3506);
  const second = await RawWs.connect(server, server.token('jay'));
  second.send({ subscribe: { channel, recover: true, epoch, offset: 0 } });
  assert.equal((await second.closing()).code, 3506);
  const third = await RawWs.connect(server, server.token('jay'));
  assert.equal((await third.subscribe(channel, { recover: true, epoch, offset: 1 })).subscribe.publications.length, 1);
  third.close();
  pro.disconnect();
});

scenario('publication_data_format holds for Protobuf publishers', async (server) => {
  const client = await protobufClient(server);
  const expected = [
    ['room', { '': false, '{"a":1}': true, '[1]': true, '{"a"': true }],
    ['bin', { '': true, '{"a":1}': true, '[1]': true, '{"a"': true }],
    ['json', { '': false, '{"a":1}': true, '[1]': true, '{"a"': false }],
    ['object', { '': false, '{"a":1}': true, '[1]': false, '{"a"': false }],
  ];
  for (const [namespace, cases] of expected) {
    const sub = await subscribed(client, `${namespace}:${fresh()}`);
    for (const [data, fits] of Object.entries(cases)) {
      const answer = await sub.publish(bytes(data)).then(() => 0, (error) => error.code);
      assert.equal(answer, fits ? 0 : 107, `${namespace} ${data}`);
    }
  }
  client.disconnect();
});

scenario('history over the API has JSON that a Protobuf client published, and is refused for binary', async (server) => {
  const channel = `room:${fresh()}`;
  const client = await protobufClient(server);
  const sub = await subscribed(client, channel);
  await sub.publish(bytes('{"a":1}'));
  const { publications } = await server.api('history', { channel, limit: 5 });
  assert.deepEqual(publications.map((pub) => pub.data), [{ a: 1 }]);
  await sub.publish(binary);
  assert.equal((await server.apiAnswer('history', { channel, limit: 5 })).status, 500);
  client.disconnect();
});

// ---- by hand ----

const hex = (data) => Buffer.from(data).toString('hex');
const unhex = (digits) => Buffer.from(digits.replaceAll(' ', ''), 'hex');

// {id: 1, connect: {token}} with its length.
function connectCommand(token) {
  const varint = (value) => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >> 7)]);
  const field = (tag, body) => Buffer.concat([Buffer.from([tag, ...varint(body.length)]), body]);
  const command = Buffer.concat([unhex('0801'), field(0x22, field(0x0a, Buffer.from(token)))]);
  return Buffer.concat([Buffer.from(varint(command.length)), command]);
}

// A connected Protobuf socket; options as for RawWs.open.
async function rawProtobuf(server, options) {
  const ws = await RawWs.open(server, options);
  ws.write(frame(OP.BINARY, connectCommand(server.token('raw'))));
  const reply = await ws.frame();
  assert.equal(reply.opcode, OP.BINARY);
  assert.equal(hex(reply.payload.subarray(1, 4)), '08012a'); // id 1, connect
  return ws;
}

const withProtocol = (...names) => ({ headers: { 'Sec-WebSocket-Protocol': names.join(', ') } });

// The next frame that is no ping; a close frame's code.
async function answer(ws) {
  for (;;) {
    const got = await ws.frame();
    if (got.opcode === OP.CLOSE) return got.payload.readUInt16BE(0);
    if (hex(got.payload) !== '00') return hex(got.payload);
    ws.write(frame(OP.BINARY, unhex('00')));
  }
}

scenario('the encoding is chosen by subprotocol or by either query parameter', async (server) => {
  const path = '/connection/websocket';
  const rows = [
    [withProtocol('centrifuge-protobuf'), 'centrifuge-protobuf'],
    [withProtocol('other', 'centrifuge-protobuf', 'centrifuge-json'), 'centrifuge-protobuf'],
    [{ path: `${path}?cf_protocol=protobuf` }, undefined],
    [{ path: `${path}?format=protobuf` }, undefined],
    [{ path: `${path}?x=1&cf_protocol=protobuf&cf_protocol_version=v2` }, undefined],
    [{ path: `${path}?format=protobuf`, ...withProtocol('centrifuge-json') }, 'centrifuge-json'],
  ];
  for (const [options, named] of rows) {
    const ws = await rawProtobuf(server, options);
    assert.equal(ws.handshake.headers['sec-websocket-protocol'], named);
    ws.close();
  }
  const json = [
    [withProtocol('centrifuge-json', 'centrifuge-protobuf'), 'centrifuge-json'],
    [withProtocol('Centrifuge-Protobuf'), undefined],
    [{ path: `${path}?cf_protocol=Protobuf` }, undefined],
    [{ path: `${path}?format=json` }, undefined],
    [{ path: `${path}?format=protobufprotobufprotobuf` }, undefined],
  ];
  for (const [options, named] of json) {
    const ws = await RawWs.connect(server, server.token('raw'), options);
    assert.equal(ws.handshake.headers['sec-websocket-protocol'], named);
    ws.close();
  }
});

scenario('the type of an incoming frame is not checked against the encoding', async (server) => {
  const ws = await rawProtobuf(server, withProtocol('centrifuge-protobuf'));
  ws.write(frame(OP.TEXT, unhex('0a 0802 6a06 1204 70696e67')));
  assert.equal(await answer(ws), '0408026a00');
  ws.close();
  const json = await RawWs.open(server);
  json.write(frame(OP.BINARY, JSON.stringify({ id: 1, connect: { token: server.token('raw') } })));
  assert.equal((await json.next()).id, 1);
  json.close();
});

scenario('commands of one frame are answered in order, and their replies share frames without a separator', async (server) => {
  const ws = await rawProtobuf(server, withProtocol('centrifuge-protobuf'));
  const channel = Buffer.from(`plain:${fresh()}`);
  const subscribe = Buffer.concat([unhex('08022a'), Buffer.from([channel.length + 2, 0x0a, channel.length]), channel]);
  const unsubscribe = Buffer.concat([unhex('080332'), Buffer.from([channel.length + 2, 0x0a, channel.length]), channel]);
  const batch = Buffer.concat([Buffer.from([subscribe.length]), subscribe, Buffer.from([unsubscribe.length]), unsubscribe, unhex('05')]);
  ws.write(frame(OP.BINARY, batch));
  let got = '';
  while (got.length < 20) got += await answer(ws);
  assert.equal(got, '0408023200' + '0408033a00');
  ws.close();
});

scenario('the ping is a zero byte in a binary frame, and a pong nobody waits for closes with 3501', async (server) => {
  const ws = await rawProtobuf(server, withProtocol('centrifuge-protobuf'));
  const ping = await ws.frame();
  assert.equal(ping.opcode, OP.BINARY);
  assert.equal(hex(ping.payload), '00');
  ws.write(frame(OP.BINARY, unhex('00')));
  ws.write(frame(OP.BINARY, unhex('00')));
  assert.equal(await answer(ws), 3501);
});

scenario('a length beyond the frame, and whatever else is no command, closes with 3501', async (server) => {
  const before = server.memory();
  const broken = ['ffffffff7f', '80808080808080808001', 'ffffffffffffffffff01', '05', '0508', '80', '0408017b7c', '0608012a020801',
    '0408012801', '7b7d', '7b226964223a317d', '0708012a030a01ff'];
  for (const digits of broken) {
    for (const connectedFirst of [false, true]) {
      const ws = connectedFirst ? await rawProtobuf(server, withProtocol('centrifuge-protobuf'))
        : await RawWs.open(server, withProtocol('centrifuge-protobuf'));
      ws.write(frame(OP.BINARY, unhex(digits)));
      assert.equal(await answer(ws), 3501, digits);
    }
  }
  assert.ok(server.memory() - before < 200 * 1024 * 1024);
});

scenario('a Protobuf command split over fragments is one command', async (server) => {
  const ws = await rawProtobuf(server, withProtocol('centrifuge-protobuf'));
  const command = unhex('0a 0802 6a06 1204 70696e67');
  for (let at = 1; at < command.length; at++) {
    ws.write(frame(OP.BINARY, command.subarray(0, at), { fin: false }));
    ws.write(frame(OP.CONTINUATION, command.subarray(at)));
    assert.equal(await answer(ws), '0408026a00');
  }
  ws.close();
  await until(async () => (await server.health()) === 200, 'the server to be healthy');
});

scenario('binary data and info of the server API reach a Protobuf client and close a JSON client with 3506', async (server) => {
  const channel = `plain:${fresh()}`;
  const base64 = Buffer.from(binary).toString('base64');
  const pro = await protobufClient(server, { token: server.token(fresh('pro')) });
  const user = fresh('user');
  const client = await protobufClient(server, { token: server.token(user) });
  await server.api('subscribe', { user, channel, b64data: base64, override: { presence: { value: true } } });
  const subscribedTo = await event(client.events, 'subscribed');
  assert.deepEqual([subscribedTo.channel, new Uint8Array(subscribedTo.data)], [channel, binary]);
  const other = `room:${fresh()}`;
  const sub = await subscribed(pro, other);
  await server.api('subscribe', { user, channel: other, b64info: base64 });
  const joined = await sub.events.takeWhere((e) => e.name === 'join' && e.ctx.info.user === user, 'the join');
  assert.deepEqual(new Uint8Array(joined.ctx.info.chanInfo), binary);
  const json = fresh('jay');
  for (const body of [{ b64data: base64 }, { b64info: base64 }]) {
    const ws = await RawWs.connect(server, server.token(json));
    await server.api('subscribe', { user: json, channel: `room:${fresh()}`, ...body });
    assert.deepEqual(await ws.closing(), { code: 3506, reason: 'inappropriate protocol' });
    ws.close();
  }
  pro.disconnect();
  client.disconnect();
});
