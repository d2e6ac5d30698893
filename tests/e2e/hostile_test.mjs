// What one client, one backend or a stranger does to hurt the others.
import { strict as assert } from 'node:assert';
import { randomBytes, randomInt } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { suite, alone, fresh } from './lib/suite.mjs';
import { RawSocket, parseResponse } from './lib/raw_http.mjs';
import { RawWs, OP, frame, upgradeRequest } from './lib/raw_ws.mjs';
import { API_KEY, NAMESPACES, freePort, testConfig } from './lib/server.mjs';
import { until, within } from './lib/wait.mjs';

const scenario = suite();

// What a worker may be kept from the others by one message, with sanitizers and other tests beside it.
const STALL_MAX_MS = 1500;

// A server that reads on never pauses as long as this.
const STILL_MS = 700;

// Writes as much as the server takes of count requests; answers how many bytes that was once it takes no more.
async function pour(raw, request, count) {
  raw.socket.pause();
  for (let i = 0; i < count; i++) raw.socket.write(request);
  let taken = -1;
  let since = Date.now();
  await until(() => {
    const now = raw.socket.bytesWritten - raw.socket.writableLength;
    if (now !== taken) since = Date.now();
    taken = now;
    return Date.now() - since > STILL_MS;
  }, 'the server to read no more', 30_000);
  return taken;
}

scenario('who pipelines requests and reads no answers is not read from, and gets all answers once it reads', async (server) => {
  const raw = await RawSocket.connect(server.port);
  const request = 'GET /health HTTP/1.1\r\nHost: h\r\nX-Padding: ' + 'x'.repeat(100) + '\r\n\r\n';
  const count = 400_000;
  const taken = await pour(raw, request.repeat(1000), count / 1000);
  assert.ok(taken < request.length * count / 2, `${taken} bytes were taken`);
  let answers = 0;
  let rest = Buffer.alloc(0);
  raw.socket.removeAllListeners('data');
  raw.socket.on('data', (data) => {
    rest = Buffer.concat([rest, data]);
    for (let answer; (answer = parseResponse(rest, false)) !== undefined; rest = rest.subarray(answer.length)) {
      assert.equal(answer.status, 200);
      answers += 1;
    }
  });
  raw.socket.resume();
  await until(() => answers === count, 'all answers', 40_000);
  raw.close();
});

scenario('a connect that names thousands of channels is closed with 3505 and stalls nobody', async (server) => {
  const watcher = await RawWs.connect(server, server.token(fresh('user')));
  const subs = Object.fromEntries(Array.from({ length: 3800 }, (_, i) => [`plain:${i}`, {}]));
  const ws = await RawWs.open(server);
  const begun = Date.now();
  ws.send({ connect: { token: server.token(fresh('user')), subs } });
  await watcher.call({ presence: { channel: 'public:x' } });
  assert.equal((await ws.closing()).code, 3505);
  assert.ok(Date.now() - begun < STALL_MAX_MS, `${Date.now() - begun} ms`);
  watcher.close();
  ws.close();
});

for (const [what, body] of [
  ['the same map again and again', `{"id":1,"connect":{${'"subs":{"plain:a":{}},'.repeat(2500)}"name":"x"}}`],
  ['arrays in arrays', `{"id":1,"rpc":{"method":"x","data":${'['.repeat(30_000)}${']'.repeat(30_000)}}}`],
  ['an object with thousands of unknown members', `{"id":1,"connect":{${Array.from({ length: 6000 }, (_, i) => `"a${i}":1,`).join('')}"name":"x"}}`],
  ['thousands of commands', Array.from({ length: 2500 }, (_, i) => `{"id":${i + 1},"x":{}}`).join('\n')],
]) {
  scenario(`a message of ${what} stalls nobody`, async (server) => {
    const watcher = await RawWs.connect(server, server.token(fresh('user')));
    const ws = await RawWs.open(server);
    const begun = Date.now();
    ws.write(frame(OP.TEXT, body));
    await ws.closing();
    await watcher.call({ presence: { channel: 'public:x' } });
    assert.ok(Date.now() - begun < STALL_MAX_MS, `${Date.now() - begun} ms`);
    watcher.close();
    ws.close();
  });
}

scenario('fragments without bytes and pings without end cost nothing that stays', async (server) => {
  const before = server.memory();
  const ws = await RawWs.connect(server, server.token(fresh('user')));
  ws.write(frame(OP.TEXT, '', { fin: false }));
  ws.raw.socket.pause();
  const flood = Buffer.concat(Array.from({ length: 10_000 }, () => frame(OP.CONTINUATION, '', { fin: false })));
  const pings = Buffer.concat(Array.from({ length: 10_000 }, () => frame(OP.PING, 'x'.repeat(125))));
  for (let i = 0; i < 20; i++) ws.write(flood).write(pings);
  const watcher = await RawWs.connect(server, server.token(fresh('user')));
  await watcher.call({ presence: { channel: 'public:x' } });
  assert.ok(server.memory() - before < 64 << 20, `${server.memory() - before} bytes`);
  watcher.close();
  ws.close();
});

scenario('a server key in a URL opens nothing', async (server) => {
  const key = server.firstRun().server_api_key;
  for (const name of ['key', 'api_key', 'apikey', 'authorization', 'server_api_key']) {
    const answer = await server.post(`/api/realtime/token?${name}=${key}`, { userId: 'u' });
    assert.equal(answer.status, 401, `${name}: ${answer.text}`);
    const raw = await RawSocket.connect(server.port);
    raw.write(upgradeRequest({ path: `/connection/websocket?key=${key}` }));
    assert.equal((await raw.response()).status, 403);
    raw.close();
  }
  assert.ok(!server.stderr.includes(key), 'the key is in the log');
});

scenario('what a peer sends stays on its own log line and sets no terminal on fire', async (server) => {
  const evil = `${fresh('evil')}\n{"level":"error"}\r\u001b[31m\u0000\u0007\u007f\u009b2J`;
  const ws = await RawWs.connect(server, server.token(evil));
  ws.send({ subscribe: { channel: 'plain:x', token: `${evil}.${evil}.x` } });
  await ws.frame();
  ws.write(frame(OP.TEXT, '{broken\u001b[2J'));
  await ws.closing();
  const raw = await RawSocket.connect(server.port);
  raw.write(upgradeRequest({ headers: { Origin: 'http://x/\u00e9"\\' } }));
  await raw.response();
  for (const line of server.stderr.trimEnd().split('\n')) {
    JSON.parse(line);
    assert.doesNotMatch(line, /[\u0000-\u001f\u007f-\u009f]/);
  }
  ws.close();
  raw.close();
});

scenario('names and values of a peer never break out of an answer', async (server) => {
  for (const path of ['/%0d%0aSet-Cookie:x=1', '/"}<script>', '/api/%22', '/a\u00ff']) {
    const raw = await RawSocket.connect(server.port);
    raw.write(Buffer.from(`GET ${path} HTTP/1.1\r\nHost: h\r\nX-API-Key: ${API_KEY}\r\nConnection: close\r\n\r\n`, 'latin1'));
    const text = (await raw.toEnd()).toString('latin1');
    assert.match(text, /^HTTP\/1\.1 40[04] /);
    assert.doesNotMatch(text, /^Set-Cookie/m);
    JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4));
    raw.close();
  }
});

// One connection's worth of nonsense: truth, truncations, changed bytes and plain noise, ended in any way.
async function nonsense(server) {
  const pick = (list) => list[randomInt(list.length)];
  const channel = () => `${pick(NAMESPACES).name}:h${randomInt(8)}`;
  const commands = [
    () => ({ subscribe: { channel: channel(), recover: true, offset: randomInt(9), epoch: 'x' } }),
    () => ({ unsubscribe: { channel: channel() } }),
    () => ({ publish: { channel: channel(), data: 'x'.repeat(randomInt(2000)) } }),
    () => ({ presence: { channel: channel() } }),
    () => ({ history: { channel: channel(), limit: -1, reverse: randomInt(2) === 1 } }),
    () => ({ refresh: { token: server.token(`u${randomInt(4)}`) } }),
  ];
  const command = (id) => JSON.stringify({ id, ...pick(commands)() });
  const api = () => {
    const method = pick(['publish', 'subscribe', 'unsubscribe', 'disconnect', 'presence', 'channels', 'refresh']);
    const body = JSON.stringify({ channel: channel(), user: `u${randomInt(4)}`, data: 1 });
    return `POST /api/${method} HTTP/1.1\r\nHost: h\r\nX-API-Key: ${API_KEY}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  };
  const bend = (bytes) => {
    const bent = Buffer.from(bytes);
    if (randomInt(10) > 0 || bent.length === 0) return bent;
    if (randomInt(2) === 0) return bent.subarray(0, randomInt(bent.length));
    bent[randomInt(bent.length)] = randomInt(256);
    return bent;
  };
  const raw = await RawSocket.connect(server.port);
  if (randomInt(6) === 0) raw.socket.pause();
  if (randomInt(8) === 0) raw.write(randomBytes(randomInt(2000)));
  if (randomInt(3) === 0) for (let i = randomInt(10); i >= 0; i--) raw.write(bend(api()));
  else {
    const more = { channels: [channel(), channel()] };
    raw.write(bend(upgradeRequest()));
    raw.write(bend(frame(OP.TEXT, JSON.stringify({ id: 1, connect: { token: server.token(`u${randomInt(4)}`, more) } }))));
    for (let i = 2; i < randomInt(60); i++) {
      const text = randomInt(4) ? command(i) : `${command(i)}\n${command(i + 100)}`;
      const cut = randomInt(text.length);
      raw.write(bend(randomInt(5) ? frame(OP.TEXT, text)
        : Buffer.concat([frame(OP.TEXT, text.slice(0, cut), { fin: false }), frame(OP.CONTINUATION, text.slice(cut))])));
      if (randomInt(8) === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  }
  if (randomInt(2) === 0) await new Promise((resolve) => setTimeout(resolve, randomInt(30)));
  if (randomInt(2) === 0) raw.socket.resetAndDestroy();
  else raw.socket.end();
  raw.close();
}

for (const delay of ['', '2']) {
  alone(`random conversations on four workers${delay && ', with a broker that answers late,'} hurt nobody`, {
    workers: 4, env: { XSHATHRA_BROKER_DELAY_MS: delay || null }, config: testConfig({ client: { stale_close_delay: '1s' } }),
  }, async (server) => {
    const end = Date.now() + 4000;
    await Promise.all(Array.from({ length: 30 }, async () => {
      while (Date.now() < end) await nonsense(server);
    }));
    assert.equal(await server.health(), 200);
    const ws = await RawWs.connect(server, server.token(fresh('user')));
    assert.ok((await ws.subscribe('plain:after')).subscribe);
    ws.close();
  });
}

alone('unsubscribing a user in the middle of its connects is harmless', { env: { XSHATHRA_BROKER_DELAY_MS: '20' } }, async (server) => {
  const channels = Array.from({ length: 40 }, (_, i) => `plain:middle${i}`);
  for (let i = 0; i < 12; i++) {
    const user = fresh('user');
    const ws = await RawWs.open(server);
    ws.send({ connect: { token: server.token(user, { channels }) } });
    await new Promise((resolve) => setTimeout(resolve, 4 * i));
    await Promise.all(channels.slice(0, 20).map((channel) => server.api('unsubscribe', { user, channel })));
    ws.close();
  }
});

alone('bodies of many peers together are bounded', {
  workers: 1, config: testConfig({ http_api: { max_request_body_size: 16 << 20 } }),
}, async (server) => {
  const peers = await Promise.all(Array.from({ length: 20 }, () => RawSocket.connect(server.port)));
  const size = 15 << 20;
  const body = Buffer.alloc(size - 1, ' ');
  for (const raw of peers) {
    raw.write(`POST /api/info HTTP/1.1\r\nHost: h\r\nX-API-Key: ${API_KEY}\r\nContent-Length: ${size}\r\n\r\n`).write(body);
  }
  const refused = await within(Promise.any(peers.map((raw) => raw.response({ ms: 20_000 }))), 'a refusal', 20_000);
  assert.equal(refused.status, 503);
  assert.equal((await server.apiAnswer('info')).status, 200);
  for (const raw of peers) raw.close();
  await until(async () => {
    const raw = await RawSocket.connect(server.port);
    raw.write(`POST /api/info HTTP/1.1\r\nHost: h\r\nX-API-Key: ${API_KEY}\r\nContent-Length: ${size}\r\n\r\n`).write(body).write('{');
    const { status } = await raw.response();
    raw.close();
    return status === 400; /* it is no JSON, but it was read */
  }, 'room for bodies again');
});

alone('SIGTERM in a storm of publishes to many clients ends with status 0', { workers: 4 }, async (server) => {
  const clients = await Promise.all(Array.from({ length: 300 }, async () => {
    const ws = await RawWs.connect(server, server.token(fresh('user'), { channels: ['plain:storm', `chat:${randomInt(5)}`] }));
    ws.raw.socket.on('data', () => { ws.raw.received = Buffer.alloc(0); });
    ws.raw.socket.on('end', () => ws.close());
    return ws;
  }));
  const body = JSON.stringify({ channel: 'plain:storm', data: 'x'.repeat(200) });
  const request = `POST /api/publish HTTP/1.1\r\nHost: h\r\nX-API-Key: ${API_KEY}\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const storm = await Promise.all(Array.from({ length: 4 }, () => RawSocket.connect(server.port)));
  for (const raw of storm) raw.socket.on('end', () => raw.close());
  const blow = (raw) => raw.write(request.repeat(16)).await((bytes, ended) => (bytes.length > 0 || ended ? true : undefined), 'answers')
    .then(() => { raw.received = Buffer.alloc(0); }, () => {});
  const stop = Date.now() + 1000;
  const blown = Promise.all(storm.map(async (raw) => {
    while (!raw.ended && Date.now() < stop + 20_000) await blow(raw);
  }));
  await until(() => Date.now() > stop, 'the storm to be on its height');
  await server.stop(); // status 0, and no word from a sanitizer
  await blown;
  for (const ws of clients) ws.close();
});

// The program started with a limit on its descriptors; answers how it ended.
function startWith(descriptors, data, config, port) {
  const command = `ulimit -n ${descriptors}; exec "$XSHATHRA_BIN" serve -c ${config} --data ${data} --address 127.0.0.1 --port ${port} --workers 2`;
  return spawnSync('sh', ['-c', command], { timeout: 1500, encoding: 'utf8', killSignal: 'SIGTERM' });
}

test('a start without enough descriptors ends with a sentence and nothing left behind', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'xshathra-hostile-'));
  const config = join(folder, 'config.json');
  writeFileSync(config, JSON.stringify(testConfig()));
  const port = await freePort();
  for (const descriptors of [19, 22, 24, 27, 29]) {
    const done = startWith(descriptors, join(folder, 'data'), config, port);
    assert.doesNotMatch(done.stderr, /Sanitizer|runtime error|check failed/, `${descriptors}: ${done.stderr}`);
    if (done.status === null) break; // enough for this machine: it ran until it was stopped
    assert.equal(done.status, 1, done.stderr);
    assert.match(done.stderr, /^xshathra: /m);
  }
  rmSync(folder, { recursive: true });
});

test('a symbolic link in place of the lock is not followed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'xshathra-hostile-'));
  const [data, config, victim] = ['data', 'config.json', 'victim'].map((name) => join(folder, name));
  mkdirSync(data, 0o700);
  writeFileSync(config, JSON.stringify(testConfig()));
  writeFileSync(victim, 'precious');
  symlinkSync(victim, join(data, 'lock'));
  const done = startWith(1000, data, config, await freePort());
  assert.equal(readFileSync(victim, 'utf8'), 'precious');
  assert.equal(done.status, 1, done.stderr);
  assert.match(done.stderr, /lock/);
  rmSync(folder, { recursive: true });
});
