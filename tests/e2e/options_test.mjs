// Options that decide what answers where and whom the server believes, each with a server of its own.
import { strict as assert } from 'node:assert';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { alone, fresh } from './lib/suite.mjs';
import { RawSocket } from './lib/raw_http.mjs';
import { RawWs } from './lib/raw_ws.mjs';
import { freePort, testConfig, SECRET } from './lib/server.mjs';
import { until } from './lib/wait.mjs';

const upgrade = (port, path, headers = []) =>
  [`GET ${path} HTTP/1.1`, `Host: 127.0.0.1:${port}`, 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==', ...headers, '', ''].join('\r\n');

async function answer(server, path, headers) {
  const raw = await RawSocket.connect(server.port);
  raw.write(upgrade(server.port, path, headers));
  const response = await raw.response({ headOnly: true });
  raw.close();
  return response;
}

const PATH = '/connection/websocket';

alone('client.user_id_http_header names the user of a connection without a token', {
  config: testConfig({
    client: { user_id_http_header: 'X-User-Id' },
    channel: { without_namespace: { allow_subscribe_for_client: true, presence: true, allow_presence_for_client: true } },
  }),
}, async (server) => {
  const channel = fresh();
  const raw = await RawSocket.connect(server.port);
  raw.write(upgrade(server.port, PATH, ['X-User-Id: dora']));
  assert.equal((await raw.response({ headOnly: true })).status, 101);
  const ws = new RawWs();
  ws.raw = raw;
  assert.ok((await ws.call({ connect: {} })).connect.client);
  assert.ok((await ws.subscribe(channel)).subscribe);
  const { presence } = (await ws.call({ presence: { channel } })).presence;
  assert.deepEqual(Object.values(presence).map((info) => info.user), ['dora']);
  ws.close();
  const nobody = await RawWs.open(server);
  nobody.write(Buffer.alloc(0));
  await assert.rejects(nobody.call({ connect: {} }), { code: 3501 });
});

alone('client.connection_limit answers 503 to one connection too many', {
  config: testConfig({ client: { connection_limit: 1 } }),
}, async (server) => {
  const first = await RawWs.connect(server, server.token('ann'));
  assert.equal((await answer(server, PATH)).status, 503);
  first.close();
  await until(async () => (await answer(server, PATH)).status === 101, 'the place to be free again');
});

alone('client.connection_rate_limit answers 503 when the bucket is empty, and refills it by one a second', {
  config: testConfig({ client: { connection_rate_limit: 2 } }),
}, async (server) => {
  const statuses = [];
  for (let i = 0; i < 4; i++) statuses.push((await answer(server, PATH)).status);
  assert.deepEqual(statuses.slice(0, 2), [101, 101]);
  assert.ok(statuses.slice(2).includes(503), `${statuses}`);
  await until(async () => (await answer(server, PATH)).status === 101, 'a token in the bucket');
});

alone('websocket.disabled takes the endpoint away, websocket.handler_prefix moves it', {
  config: testConfig({ websocket: { handler_prefix: '/live' } }),
}, async (server) => {
  assert.equal((await answer(server, PATH)).status, 404);
  assert.equal((await answer(server, '/live')).status, 101);
  assert.equal((await answer(server, '/realtime/live')).status, 101);
  server.writeConfig(testConfig({ websocket: { disabled: true } }));
  await server.restart();
  assert.equal((await answer(server, PATH)).status, 404);
});

alone('http_api.disabled takes the server API away, http_api.handler_prefix moves it', {
  config: testConfig({ http_api: { handler_prefix: '/engine' } }),
}, async (server) => {
  const headers = { 'X-API-Key': server.env.CENTRIFUGO_API_KEY };
  const status = async (path) => (await server.request('POST', path, { body: '{}', headers })).status;
  assert.equal(await status('/api/info'), 404);
  assert.equal(await status('/engine/info'), 200);
  assert.equal(await status('/realtime/engine/info'), 200);
  server.writeConfig(testConfig({ http_api: { disabled: true } }));
  await server.restart();
  assert.equal(await status('/api/info'), 404);
});

alone('the pid file is there while the server runs, and gone after it', async () => {
  const file = join(process.env.TMPDIR ?? '/tmp', `xshathra-${process.pid}.pid`);
  return { config: testConfig({ pid_file: file }) };
}, async (server) => {
  const { pid_file: file } = JSON.parse(readFileSync(server.configFile, 'utf8'));
  assert.equal(Number(readFileSync(file, 'utf8')), server.child.pid);
  await server.stop();
  assert.ok(!existsSync(file));
  await server.launch();
});

const refusedPeer = async (server, forwarded) => {
  const before = server.stderr.length;
  assert.equal((await answer(server, PATH, ['Origin: https://elsewhere.example', `X-Forwarded-For: ${forwarded}`])).status, 403);
  let line;
  await until(async () => {
    line = server.stderr.slice(before).split('\n').find((text) => text.includes('websocket refused'));
    return line !== undefined;
  }, 'the refusal in the log');
  return JSON.parse(line).peer;
};

alone('a trusted proxy\'s word for the address of a client is believed, up to the last it does not know', {
  config: testConfig({ trusted_proxies: ['127.0.0.1', '10.0.0.0/8'] }),
}, async (server) => {
  assert.equal(await refusedPeer(server, '203.0.113.7'), '203.0.113.7');
  assert.equal(await refusedPeer(server, '198.51.100.1, 203.0.113.7, 10.1.2.3'), '203.0.113.7');
  assert.equal(await refusedPeer(server, 'nonsense, 10.1.2.3'), '10.1.2.3');
});

alone('a stranger\'s word for its address is not believed', { config: testConfig({ trusted_proxies: ['192.0.2.1'] }) }, async (server) => {
  assert.equal(await refusedPeer(server, '203.0.113.7'), '127.0.0.1');
});

alone('http_api.external brings the server API to the public port beside the internal one', async () => {
  const internal = await freePort();
  return {
    config: testConfig({ http_server: { internal_port: String(internal) }, http_api: { external: true } }),
    healthPort: internal,
  };
}, async (server) => {
  const headers = { 'X-API-Key': server.env.CENTRIFUGO_API_KEY };
  const status = async (port) =>
    (await fetch(`http://127.0.0.1:${port}/api/info`, { method: 'POST', body: '{}', headers })).status;
  assert.deepEqual([await status(server.port), await status(server.healthPort)], [200, 200]);
  assert.equal((await server.get('/metrics')).status, 404);
  const { http_server } = JSON.parse(readFileSync(server.configFile, 'utf8'));
  server.writeConfig(testConfig({ http_server }));
  await server.restart();
  assert.deepEqual([await status(server.port), await status(server.healthPort)], [404, 200]);
});

alone('http_server.internal_address is where the internal port listens', async () => {
  const internal = await freePort();
  return {
    config: testConfig({ http_server: { internal_port: String(internal), internal_address: '127.0.0.2' } }),
    healthPort: internal,
    askHealth: async (port) => (await fetch(`http://127.0.0.2:${port}/health`)).status,
  };
}, async (server) => {
  await assert.rejects(fetch(`http://127.0.0.1:${server.healthPort}/health`));
  assert.equal((await fetch(`http://127.0.0.2:${server.healthPort}/metrics`)).status, 200);
  assert.equal((await answer(server, PATH)).status, 101);
});

const logLines = (text) => text.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line));

alone('log.file takes the log, whose first line tells what starts; each insecure option has a warning', async () => {
  const file = join(process.env.TMPDIR ?? '/tmp', `xshathra-${process.pid}-${fresh('log')}`);
  return {
    config: testConfig({
      log: { file, level: 'info', format: 'json' },
      client: { insecure: true, insecure_skip_token_signature_verify: true },
      http_api: { insecure: true },
    }),
  };
}, async (server) => {
  const { log } = JSON.parse(readFileSync(server.configFile, 'utf8'));
  let lines;
  await until(() => {
    lines = logLines(readFileSync(log.file, 'utf8'));
    return lines.some((line) => line.message === 'serving');
  }, 'the log to say that it serves');
  const [first] = lines;
  assert.equal(first.message, 'starting xshathra');
  assert.match(first.version, /^\d+\.\d+\.\d+$/);
  const { pid, workers, broker, address, port, descriptors } = first;
  assert.deepEqual([pid, workers, broker, address, port], [server.child.pid, 2, 'memory', '127.0.0.1', server.port]);
  assert.ok(descriptors > 0);
  const warnings = lines.filter((line) => line.level === 'warn').map((line) => line.message).join('\n');
  for (const word of [/client\.insecure/, /signatures are not checked/, /http_api\.insecure/]) assert.match(warnings, word);
  rmSync(log.file);
});

alone('client.insecure lets everybody connect, subscribe and publish; insecure_skip_token_signature_verify believes any signature', {
  config: testConfig({ client: { insecure: true } }),
}, async (server) => {
  const nobody = await RawWs.connect(server);
  const channel = `private:${fresh()}`;
  assert.ok((await nobody.subscribe(channel)).subscribe);
  assert.deepEqual((await nobody.call({ publish: { channel, data: 1 } })).publish, {});
  nobody.close();
  server.writeConfig(testConfig({ client: { insecure_skip_token_signature_verify: true } }));
  await server.restart();
  const ann = await RawWs.connect(server, server.token('ann', {}, 'a secret of somebody else'));
  assert.equal((await ann.subscribe(channel)).error.code, 103);
  ann.close();
});

alone('without a configured key the server makes a secret of its own: tokens of others are refused, those it mints are not', {
  env: { CENTRIFUGO_TOKEN_HMAC_SECRET_KEY: null },
}, async (server) => {
  for (const secret of ['', 'secret', SECRET]) {
    const ws = await RawWs.open(server);
    ws.send({ connect: { token: server.token('ann', {}, secret) } });
    assert.equal((await ws.closing()).code, 3500);
    ws.close();
  }
  const minted = await server.mint(server.firstRun().server_api_key, 'ann');
  (await RawWs.connect(server, minted)).close();
});

alone('options that have nothing to change here are taken without a word', {
  config: testConfig({
    client: { concurrency: 16, presence_update_interval: '20s' },
    websocket: { read_buffer_size: 1024, write_buffer_size: 1024, use_write_buffer_pool: true },
    node: { info_metrics_aggregate_interval: '10s' },
  }),
}, async (server) => {
  const lines = server.stderr.split('\n').filter((line) => !line.includes('every answer of the broker is made late'));
  assert.doesNotMatch(lines.join('\n'), /no effect|"level":"warn"/);
  const ws = await RawWs.connect(server, server.token('ann'));
  const ids = [];
  for (let i = 0; i < 20; i++) ids.push(ws.send(i % 2 ? { rpc: { method: 'x' } } : { subscribe: { channel: `plain:${i}` } }));
  for (const id of ids) assert.equal((await ws.next()).id, id);
  ws.close();
});

alone('init.enabled answers {} to whoever warms up a connection, and lets pages of allowed origins read it', {
  config: testConfig({ init: { enabled: true } }),
}, async (server) => {
  const init = (method, headers) => fetch(`${server.url}/connection/init`, { method, headers });
  const plain = await init('GET');
  assert.deepEqual([plain.status, await plain.text()], [200, '{}']);
  assert.equal(plain.headers.get('content-type'), 'application/json; charset=utf-8');
  const allowed = await init('GET', { Origin: 'http://localhost:80' });
  assert.equal(allowed.headers.get('access-control-allow-origin'), 'http://localhost:80');
  assert.equal(allowed.headers.get('access-control-allow-credentials'), 'true');
  const other = await init('GET', { Origin: 'http://elsewhere.example' });
  assert.deepEqual([other.status, other.headers.get('access-control-allow-origin')], [200, null]);
  assert.equal((await init('POST')).status, 405);
  server.writeConfig(testConfig({}));
  await server.restart();
  assert.equal((await init('GET')).status, 404);
});

alone('the limits on connections hold for init as well', {
  config: testConfig({ init: { enabled: true }, client: { connection_limit: 1 } }),
}, async (server) => {
  const init = async () => (await fetch(`${server.url}/connection/init`)).status;
  assert.equal(await init(), 200);
  const ws = await RawWs.connect(server, server.token('ann'));
  assert.equal(await init(), 503);
  ws.close();
  await until(async () => (await init()) === 200, 'the place to be free again');
  server.writeConfig(testConfig({ init: { enabled: true }, client: { connection_rate_limit: 1 } }));
  await server.restart();
  assert.deepEqual([await init(), await init(), (await answer(server, PATH)).status], [200, 503, 503]);
});

alone('health, metrics and init are moved by their prefixes', {
  config: testConfig({
    health: { enabled: true, handler_prefix: '/alive' },
    prometheus: { enabled: true, handler_prefix: '/numbers/all' },
    init: { enabled: true, handler_prefix: '/begin/' },
  }),
  askHealth: async (port) => (await fetch(`http://127.0.0.1:${port}/alive`)).status,
}, async (server) => {
  const status = async (path) => (await fetch(`${server.url}${path}`)).status;
  for (const path of ['/alive', '/numbers/all', '/begin']) {
    assert.equal(await status(path), 200, path);
    assert.equal(await status(`${path}/more`), 404, path);
  }
  for (const path of ['/health', '/metrics', '/connection/init']) assert.equal(await status(path), 404, path);
});

alone('each HTTP request is in the log at level debug, without its query', {
  config: testConfig({ log: { level: 'debug' } }),
}, async (server) => {
  const requests = () => logLines(server.stderr).filter((line) => line.message === 'http request');
  await server.get('/health?key=secret');
  await server.apiAnswer('publish', {}, { headers: { 'X-API-Key': 'wrong' } });
  (await RawWs.connect(server, server.token('ann'))).close();
  const told = [];
  await until(() => {
    told.splice(0, Infinity, ...requests().map(({ method, path, status, addr }) => `${method} ${path} ${status} ${addr}`));
    return told.some((text) => text.includes('101'));
  }, 'the upgrade in the log');
  for (const line of ['GET /health 200', 'POST /api/publish 401', 'GET /connection/websocket 101'])
    assert.ok(told.includes(`${line} 127.0.0.1`), `${line} in ${told}`);
  assert.doesNotMatch(server.stderr, /secret/);
});
