// What the integration page promises, one test a sentence, on the bundled configuration. Where the page speaks of two
// containers (an app and an engine), one program plays both parts here.
import { strict as assert } from 'node:assert';
import { createHmac } from 'node:crypto';
import { readFileSync, writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite, alone, fresh } from './lib/suite.mjs';
import { newClient, connected, subscribed, event } from './lib/client.mjs';
import { RawWs } from './lib/raw_ws.mjs';
import { API_KEY, SECRET } from './lib/server.mjs';
import { claimsOf } from './lib/token.mjs';

const bundled = join(dirname(fileURLToPath(import.meta.url)), '../../centrifugo/config.json');
const scenario = suite({ config: bundled });
const promise = (section, sentence, body) => scenario(`page, ${section}: ${sentence}`, body);

promise('introduction', "the engine is behind the app's host name under /realtime", async (server) => {
  (await RawWs.connect(server, server.token('ann'))).close();
  await server.api('info', {}, { prefix: '/realtime/api' });
});

promise('introduction', 'project keys, token and publish APIs are all an integration needs', async (server) => {
  const { server_api_key: key } = server.firstRun();
  const client = await connected(newClient(server.wsUrl(), { getToken: () => server.mint(key, 'ann') }));
  const sub = await subscribed(client, 'public:room_1');
  assert.equal((await server.project('publish', { channel: 'public:room_1', data: { text: 'hi' } }, key)).status, 200);
  assert.deepEqual((await event(sub.events, 'publication')).data, { text: 'hi' });
  client.disconnect();
});

promise(
  'core concepts',
  'a client opens a WebSocket to /realtime/connection/websocket and sends connect with a JWT',
  async (server) => {
    const ws = await RawWs.open(server, { path: '/realtime/connection/websocket' });
    const token = await server.mint(server.firstRun().server_api_key, 'ann');
    assert.ok((await ws.call({ connect: { token } })).connect.client);
    ws.close();
  },
);

promise('core concepts', 'the JWT is not a query string on the URL', async (server) => {
  const token = await server.mint(server.firstRun().server_api_key, 'ann');
  const ws = await RawWs.open(server, { path: `/realtime/connection/websocket?token=${token}` });
  ws.send({ connect: {} });
  assert.equal((await ws.closing()).code, 3501);
  ws.close();
});

promise('core concepts', 'centrifuge-js handles framing', async (server) => {
  const client = await connected(newClient(server.wsUrl(), { token: server.token('ann') }));
  const subs = await Promise.all(Array.from({ length: 20 }, (_, i) => subscribed(client, `public:framing-${i}`)));
  assert.equal(subs.length, 20);
  client.disconnect();
});

promise(
  'core concepts',
  "a channel is a named stream, its first segment a namespace of the server's configuration",
  async (server) => {
    const ws = await RawWs.connect(server, server.token('ann'));
    assert.ok((await ws.subscribe(`public:${fresh()}`)).subscribe);
    assert.equal((await ws.subscribe(`unknown:${fresh()}`)).error.code, 102);
    ws.close();
  },
);

promise('core concepts', 'publish pushes a JSON data payload to the subscribers of a channel', async (server) => {
  const channel = `public:${fresh()}`;
  const sockets = await Promise.all(['ann', 'bob'].map((user) => RawWs.connect(server, server.token(user))));
  for (const ws of sockets) await ws.subscribe(channel);
  const data = { nested: [1, { deep: true }], text: 'ü' };
  await server.project('publish', { channel, data }, server.firstRun().server_api_key);
  for (const ws of sockets) {
    assert.deepEqual((await ws.push()).pub.data, data);
    ws.close();
  }
});

promise(
  'core concepts',
  "publish is called with the project's server_api_key; the deployment's credentials stay inside",
  async (server) => {
    const { server_api_key: key } = server.firstRun();
    assert.equal((await server.project('publish', { channel: 'public:a', data: 1 }, API_KEY)).status, 401);
    assert.equal(
      (await server.post('/api/publish', { channel: 'public:a', data: 1 }, { 'X-API-Key': key })).status,
      401,
    );
  },
);

promise('JWT usage', "JWTs are HS256, signed with the engine's token_hmac_secret_key", async (server) => {
  const { server_api_key: key } = server.firstRun();
  for (const token of [await server.mint(key, 'ann'), await server.mintSubscription(key, 'ann', 'private:a')]) {
    const [head, body, mac] = token.split('.');
    assert.equal(JSON.parse(Buffer.from(head, 'base64url')).alg, 'HS256');
    assert.equal(createHmac('sha256', SECRET).update(`${head}.${body}`).digest('base64url'), mac);
  }
});

promise('JWT usage', 'a product never holds the engine secret', async (server) => {
  const { server_api_key: key } = server.firstRun();
  for (const [endpoint, body] of [
    ['token', { userId: 'a' }],
    ['subscription-token', { userId: 'a', channel: 'private:a' }],
    ['token', {}],
  ]) {
    assert.ok(!(await server.project(endpoint, body, key)).text.includes(SECRET));
  }
  assert.ok(!server.firstRun().text.includes(SECRET));
});

promise(
  'JWT usage',
  'a connection token identifies the user by sub and may have channels, info and projectId',
  async (server) => {
    const { server_api_key: key, id } = server.firstRun();
    const token = await server.mint(key, 'ann', { channels: ['public:from-token'], info: { name: 'Ann' } });
    const { sub, channels, info, projectId } = claimsOf(token);
    assert.deepEqual(
      { sub, channels, info, projectId },
      { sub: 'ann', channels: ['public:from-token'], info: { name: 'Ann' }, projectId: id },
    );
    const ws = await RawWs.connect(server, token);
    assert.deepEqual(Object.keys(ws.connected.subs), ['public:from-token']);
    ws.close();
  },
);

promise('JWT usage', 'a subscription token authorizes joining one channel of a private namespace', async (server) => {
  const { server_api_key: key } = server.firstRun();
  const channel = `private:${fresh()}`;
  const ws = await RawWs.connect(server, await server.mint(key, 'ann'));
  assert.equal((await ws.subscribe(channel)).error.code, 103);
  const token = await server.mintSubscription(key, 'ann', channel);
  assert.equal(claimsOf(token).channel, channel);
  assert.ok((await ws.subscribe(channel, { token })).subscribe);
  ws.send({ subscribe: { channel: `private:${fresh('other')}`, token } });
  assert.equal((await ws.closing()).code, 3500);
  ws.close();
});

promise(
  'namespaces',
  'the bundled configuration defines public, and public:room_1 is a valid channel',
  async (server) => {
    const names = JSON.parse(readFileSync(bundled, 'utf8')).channel.namespaces.map((namespace) => namespace.name);
    assert.ok(names.includes('public'));
    const ws = await RawWs.connect(server, server.token('ann'));
    assert.ok((await ws.subscribe('public:room_1')).subscribe);
    ws.close();
  },
);

promise(
  'namespaces',
  'chat:proj_x:room_y is accepted because the bundled configuration has a chat namespace',
  async (server) => {
    const ws = await RawWs.connect(server, server.token('ann'));
    assert.ok((await ws.subscribe('chat:proj_x:room_y')).subscribe);
    ws.close();
  },
);

alone(
  'page, namespaces: without a chat namespace in centrifugo/config.json chat:proj_x:room_y is not accepted',
  () => {
    const config = JSON.parse(readFileSync(bundled, 'utf8'));
    config.channel.namespaces = config.channel.namespaces.filter((namespace) => namespace.name !== 'chat');
    return { config };
  },
  async (server) => {
    const ws = await RawWs.connect(server, server.token('ann'));
    assert.equal((await ws.subscribe('chat:proj_x:room_y')).error.code, 102);
    ws.close();
  },
);

promise(
  'wire protocol',
  'clients speak the Centrifuge protocol, often with subprotocol centrifuge-json',
  async (server) => {
    for (const protocols of ['centrifuge-json', null]) {
      const ws = await RawWs.connect(server, server.token('ann'), { headers: { 'Sec-WebSocket-Protocol': protocols } });
      assert.equal(ws.handshake.headers['sec-websocket-protocol'], protocols ?? undefined);
      ws.close();
    }
  },
);

// A reverse proxy that passes Upgrade and Connection on, or does not.
async function reverseProxy(port, upgrades) {
  const proxy = http.createServer((request, response) => {
    const { upgrade, connection, ...headers } = request.headers;
    const onward = http.request(
      { port, host: '127.0.0.1', path: request.url, method: request.method, headers },
      (answer) => {
        response.writeHead(answer.statusCode, answer.headers);
        answer.pipe(response);
      },
    );
    request.pipe(onward);
  });
  if (upgrades) {
    proxy.on('upgrade', (request, socket, head) => {
      const onward = net.connect(port, '127.0.0.1', () => {
        const lines = Object.entries(request.headers)
          .map(([name, value]) => `${name}: ${value}\r\n`)
          .join('');
        onward.write(`${request.method} ${request.url} HTTP/1.1\r\n${lines}\r\n`);
        onward.write(head);
        socket.pipe(onward).pipe(socket);
      });
      for (const end of [socket, onward]) {
        end.on('error', () => {});
        end.on('close', () => (end === socket ? onward : socket).destroy());
      }
    });
  }
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return proxy;
}

promise('wire protocol', 'a reverse proxy must forward Upgrade and Connection for /realtime/', async (server) => {
  const right = await reverseProxy(server.port, true);
  const client = await connected(
    newClient(server.wsUrl(undefined, right.address().port), { token: server.token('ann') }),
  );
  await subscribed(client, `public:${fresh()}`);
  client.disconnect();
  right.close();
  const wrong = await reverseProxy(server.port, false);
  await assert.rejects(
    RawWs.open(server, { port: wrong.address().port, path: '/realtime/connection/websocket' }),
    /no upgrade: 4\d\d/,
  );
  wrong.close();
  wrong.closeAllConnections?.();
});

promise('server HTTP API', 'the engine exposes /api/publish', async (server) => {
  const channel = `public:${fresh()}`;
  assert.equal((await server.api('publish', { channel, data: 1 })).offset, 1);
});

promise(
  'server HTTP API',
  'publish is wrapped at POST /api/realtime/publish with the server_api_key',
  async (server) => {
    const channel = `public:${fresh()}`;
    assert.equal((await server.project('publish', { channel, data: 1 }, server.firstRun().server_api_key)).status, 200);
    assert.equal((await server.api('history', { channel, limit: 1 })).publications.length, 1);
  },
);

promise('server HTTP API', 'presence, history and the other engine methods are there for operators', async (server) => {
  const channel = `public:${fresh()}`;
  const ws = await RawWs.connect(server, server.token('ann'));
  await ws.subscribe(channel);
  await server.api('publish', { channel, data: 1 });
  assert.equal((await server.api('history', { channel, limit: -1 })).publications.length, 1);
  assert.deepEqual(
    Object.values((await server.api('presence', { channel })).presence).map((info) => info.user),
    ['ann'],
  );
  assert.equal((await server.api('presence_stats', { channel })).num_clients, 1);
  assert.ok((await server.api('channels', {})).channels[channel]);
  ws.close();
});

alone(
  'page, configuration: centrifugo/config.json is mounted, secrets come from the environment',
  () => {
    const folder = mkdtempSync(join(tmpdir(), 'xshathra-mounted-'));
    const config = join(folder, 'config.json');
    writeFileSync(config, readFileSync(bundled));
    return {
      config,
      env: {
        CENTRIFUGO_TOKEN_HMAC_SECRET_KEY: 'a secret of the environment',
        CENTRIFUGO_API_KEY: 'an API key of the environment',
      },
    };
  },
  async (server) => {
    (await RawWs.connect(server, server.token('ann', {}, 'a secret of the environment'))).close();
    await server.api('info', {}, { headers: { 'X-API-Key': 'an API key of the environment' } });
    rmSync(dirname(server.configFile), { recursive: true });
  },
);

promise(
  'configuration',
  'an app must sign client JWTs with the same secret that the engine verifies with',
  async (server) => {
    (await RawWs.connect(server, server.token('ann', {}, SECRET))).close();
    const ws = await RawWs.open(server);
    ws.send({ connect: { token: server.token('ann', {}, `${SECRET}-other`) } });
    assert.equal((await ws.closing()).code, 3500);
    ws.close();
  },
);
