// Who may connect: tokens right, wrong and expired; the shared secret; client keys; what a connect result says.
import { strict as assert } from 'node:assert';
import { suite, alone, fresh } from './lib/suite.mjs';
import { newClient, connected, event } from './lib/client.mjs';
import { RawWs, OP, frame } from './lib/raw_ws.mjs';
import { testConfig, SECRET } from './lib/server.mjs';
import { nowSeconds, sign, claimsOf } from './lib/token.mjs';
import { within } from './lib/wait.mjs';

const scenario = suite();

async function closeAfterConnect(server, connect, options) {
  const ws = await RawWs.open(server, options);
  ws.send({ connect });
  const close = await ws.closing();
  ws.close();
  return close;
}

for (const path of ['/realtime/connection/websocket', '/connection/websocket']) {
  scenario(
    `an unmodified centrifuge client connects at ${path} with a token minted by the project API`,
    async (server) => {
      const token = await server.mint(server.firstRun().server_api_key, 'ann');
      const client = newClient(server.wsUrl(path), { token });
      await connected(client);
      assert.equal(client.state, 'connected');
      const ctx = await event(client.events, 'connected');
      assert.match(ctx.client, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
      client.disconnect();
    },
  );
}

scenario(
  'a token signed by a backend with the shared secret and no project connects to the Default space',
  async (server) => {
    const { server_api_key: key } = server.firstRun();
    const channel = `plain:${fresh()}`;
    const ws = await RawWs.connect(server, server.token('backend-user'));
    assert.ok((await ws.subscribe(channel)).subscribe);
    assert.equal((await server.project('publish', { channel, data: { n: 1 } }, key)).status, 200);
    assert.deepEqual((await ws.push()).pub.data, { n: 1 });
    ws.close();
  },
);

for (const alg of ['HS256', 'HS384', 'HS512']) {
  scenario(`a token signed with ${alg} is accepted`, async (server) => {
    const ws = await RawWs.connect(server, server.token('ann', {}, SECRET, alg));
    assert.ok(ws.connected.client);
    ws.close();
  });
}

const wrongTokens = {
  'a wrong signature': () => sign({ sub: 'ann', exp: nowSeconds() + 300 }, 'another secret'),
  'algorithm none and no signature': () => sign({ sub: 'ann', exp: nowSeconds() + 300 }, SECRET, 'none'),
  'an algorithm of another family': () => sign({ sub: 'ann' }, SECRET, 'RS256'),
  'two parts instead of three': () => sign({ sub: 'ann' }, SECRET).split('.').slice(0, 2).join('.'),
  'a text that is no token at all': () => 'nonsense',
  'a channel claim': () => sign({ sub: 'ann', channel: 'public:a' }, SECRET),
  'an unknown project': () => sign({ sub: 'ann', projectId: 'proj_doesnotexist' }, SECRET),
  'a project that is not a string': () => sign({ sub: 'ann', projectId: 7 }, SECRET),
  'a cut signature': () => sign({ sub: 'ann' }, SECRET).slice(0, -3),
};
for (const [what, make] of Object.entries(wrongTokens)) {
  scenario(`a token with ${what} closes the connection with 3500`, async (server) => {
    assert.deepEqual(await closeAfterConnect(server, { token: make() }), { code: 3500, reason: 'invalid token' });
  });
}

scenario(
  'a centrifuge client with a wrong token ends disconnected with 3500 and does not come back',
  async (server) => {
    const client = newClient(server.wsUrl(), { token: server.token('ann', {}, 'another secret') });
    client.connect();
    const ctx = await event(client.events, 'disconnected');
    assert.equal(ctx.code, 3500);
    assert.equal(ctx.reason, 'invalid token');
  },
);

for (const [what, claims] of Object.entries({
  'an expiry in the past': () => ({ exp: nowSeconds() - 10 }),
  'a beginning in the future': () => ({ nbf: nowSeconds() + 100 }),
})) {
  scenario(`a token with ${what} is answered with error 109`, async (server) => {
    const ws = await RawWs.open(server);
    const reply = await ws.call({ connect: { token: server.token('ann', claims()) } });
    assert.equal(reply.error.code, 109);
    assert.equal(reply.error.message, 'token expired');
    ws.close();
  });
}

scenario('a centrifuge client whose token has expired asks for a new one and connects', async (server) => {
  let asked = 0;
  const client = newClient(server.wsUrl(), {
    token: server.token('ann', { exp: nowSeconds() - 10 }),
    getToken: async () => {
      asked += 1;
      return server.token('ann');
    },
  });
  await connected(client);
  assert.equal(asked, 1);
  client.disconnect();
});

scenario('after error 109 further commands on that socket are not read', async (server) => {
  const ws = await RawWs.open(server);
  assert.equal((await ws.call({ connect: { token: server.token('ann', { exp: 1 }) } })).error.code, 109);
  ws.send({ connect: { token: server.token('ann') } });
  await assert.rejects(ws.next(300), /waited 300 ms/);
  ws.close();
});

scenario('a connection without a token and without a client key closes with 3501', async (server) => {
  assert.equal((await closeAfterConnect(server, {})).code, 3501);
});

scenario('a token with an empty subject connects as an anonymous user', async (server) => {
  const ws = await RawWs.connect(server, server.token(''));
  assert.ok((await ws.subscribe(`open:${fresh()}`)).subscribe);
  assert.equal((await ws.subscribe(`plain:${fresh()}`)).error.code, 103);
  ws.close();
});

scenario('a token that never expires gives a result without expires', async (server) => {
  const ws = await RawWs.connect(server, sign({ sub: 'ann' }, SECRET));
  assert.equal(ws.connected.expires, undefined);
  assert.equal(ws.connected.ttl, undefined);
  ws.close();
});

scenario('a connect result names client, version, ping, pong, expires and ttl', async (server) => {
  const ws = await RawWs.connect(server, server.token('ann', { exp: nowSeconds() + 100 }));
  const { client, version, ping, pong, expires, ttl, session, node } = ws.connected;
  assert.match(client, /^[0-9a-f-]{36}$/);
  assert.equal(typeof version, 'string');
  assert.equal(ping, 25);
  assert.equal(pong, true);
  assert.equal(expires, true);
  assert.ok(ttl >= 97 && ttl <= 100, `ttl ${ttl}`);
  assert.equal(session, undefined);
  assert.equal(node, undefined);
  ws.close();
});

scenario('any other command before connect closes with 3501', async (server) => {
  const ws = await RawWs.open(server);
  ws.send({ subscribe: { channel: 'public:a' } });
  assert.equal((await ws.closing()).code, 3501);
  ws.close();
});

scenario('a second connect closes with 3501', async (server) => {
  const ws = await RawWs.connect(server, server.token('ann'));
  ws.send({ connect: { token: server.token('ann') } });
  assert.equal((await ws.closing()).code, 3501);
  ws.close();
});

scenario('a token minted by the project API carries sub, iat, exp, channels, info and projectId', async (server) => {
  const { server_api_key: key, id } = server.firstRun();
  const answer = await server.project(
    'token',
    { userId: 'ann', ttlSeconds: 60, channels: ['public:a'], info: { name: 'Ann' } },
    key,
  );
  assert.equal(answer.json.expiresInSeconds, 60);
  const claims = claimsOf(answer.json.token);
  assert.equal(claims.sub, 'ann');
  assert.equal(claims.exp - claims.iat, 60);
  assert.deepEqual(claims.channels, ['public:a']);
  assert.deepEqual(claims.info, { name: 'Ann' });
  assert.equal(claims.projectId, id);
});

scenario('the claim channels subscribes on the server side, and the client hears those channels', async (server) => {
  const channel = `private:${fresh()}`;
  const client = newClient(server.wsUrl(), { token: server.token('ann', { channels: [channel] }) });
  await connected(client);
  const ctx = await event(client.events, 'subscribed');
  assert.equal(ctx.channel, channel);
  assert.equal(ctx.recoverable, true);
  await server.api('publish', { channel, data: 'hello' });
  const pub = await event(client.events, 'publication');
  assert.equal(pub.channel, channel);
  assert.equal(pub.data, 'hello');
  client.disconnect();
});

scenario('an unknown namespace in the claim channels is error 102', async (server) => {
  const ws = await RawWs.open(server);
  assert.equal(
    (await ws.call({ connect: { token: server.token('ann', { channels: ['nowhere:a'] }) } })).error.code,
    102,
  );
  ws.close();
});

scenario(
  'channels named in the connect request become server-side subscriptions where the user may subscribe',
  async (server) => {
    const may = `public:${fresh()}`;
    const mayNot = `private:${fresh()}`;
    const ws = await RawWs.connect(server, server.token('ann'), { connect: { subs: { [may]: {}, [mayNot]: {} } } });
    assert.deepEqual(Object.keys(ws.connected.subs), [may]);
    ws.close();
  },
);

scenario(
  'null as a server-side subscription in the connect request is a bad request, and the server lives on',
  async (server) => {
    assert.equal(
      (await closeAfterConnect(server, { token: server.token('ann'), subs: { 'public:a': null } })).code,
      3501,
    );
    assert.equal(await server.health(), 200);
  },
);

scenario('a refresh with a new token extends the connection', async (server) => {
  const ws = await RawWs.connect(server, server.token('ann', { exp: nowSeconds() + 2 }));
  const reply = await ws.call({ refresh: { token: server.token('ann', { exp: nowSeconds() + 200 }) } });
  assert.equal(reply.refresh.expires, true);
  assert.ok(reply.refresh.ttl > 190);
  ws.close();
});

for (const [what, token, code] of [
  ['an expired token', (server) => server.token('ann', { exp: 1 }), 3005],
  ['a token of another user', (server) => server.token('bob'), 3500],
  ['a wrong token', (server) => server.token('ann', {}, 'another secret'), 3500],
  ['no token', () => undefined, 3501],
  ['a token with other server-side channels', (server) => server.token('ann', { channels: ['public:other'] }), 3010],
]) {
  scenario(`a refresh with ${what} closes with ${code}`, async (server) => {
    const ws = await RawWs.connect(server, server.token('ann', { channels: ['public:one'] }));
    ws.send({ refresh: { token: token(server) } });
    assert.equal((await ws.closing()).code, code);
    ws.close();
  });
}

scenario('a refresh cannot change the project', async (server) => {
  const one = await server.createProject(fresh('one'));
  const ws = await RawWs.connect(server, server.token('ann'));
  ws.send({ refresh: { token: server.token('ann', { projectId: one.id }) } });
  assert.equal((await ws.closing()).code, 3500);
  ws.close();
});

alone(
  'a connection that is not refreshed closes with 3005 after the grace',
  {
    config: testConfig({ client: { expired_close_delay: '1s' } }),
  },
  async (server) => {
    const ws = await RawWs.connect(server, server.token('ann', { exp: nowSeconds() + 1 }));
    assert.deepEqual(await ws.closing(8000), { code: 3005, reason: 'connection expired' });
    ws.close();
  },
);

alone(
  'a centrifuge client refreshes its token in time and stays connected',
  {
    config: testConfig({ client: { expired_close_delay: '1s' } }),
  },
  async (server) => {
    let asked = 0;
    let twice;
    const refreshed = new Promise((resolve) => (twice = resolve));
    const getToken = async () => {
      asked += 1;
      if (asked === 3) twice();
      return server.token('ann', { exp: nowSeconds() + 2 });
    };
    const client = newClient(server.wsUrl(), { getToken });
    await connected(client);
    await within(refreshed, 'two refreshes');
    assert.equal(client.state, 'connected');
    assert.equal(
      client.events.rest().filter((item) => item.name === 'disconnected' || item.name === 'connecting').length,
      1,
    );
    client.disconnect();
  },
);

for (const [what, options] of Object.entries({
  'in the query': (key) => ({ path: `/realtime/connection/websocket?key=${key}` }),
  'in a header': (key) => ({ headers: { 'X-Xshathra-Key': key } }),
  'in an emulated header': (key) => ({ connect: { headers: { 'X-Xshathra-Key': key } } }),
})) {
  scenario(`a client key ${what} makes an anonymous connection of its project`, async (server) => {
    const project = await server.createProject(fresh('keyed'));
    const channel = `open:${fresh()}`;
    const ws = await RawWs.connect(server, undefined, options(project.client_api_key));
    assert.ok((await ws.subscribe(channel)).subscribe);
    assert.equal((await ws.subscribe(`plain:${fresh()}`)).error.code, 103);
    await server.api('publish', { channel, data: 'of the Default project' });
    await server.api('publish', { channel, data: 'of its own' }, { project: project.id });
    assert.equal((await ws.push()).pub.data, 'of its own');
    ws.close();
  });
}

scenario('an unknown client key is refused', async (server) => {
  const ws = await RawWs.open(server, { path: '/realtime/connection/websocket?key=ck_unknown' }).catch(
    (error) => error,
  );
  if (ws instanceof Error) {
    assert.match(ws.message, /no upgrade: 40[13]/);
  } else {
    ws.send({ connect: {} });
    assert.ok([3500, 3501, 3503].includes((await ws.closing()).code));
    ws.close();
  }
});

scenario('a client key together with a token of another project is refused', async (server) => {
  const one = await server.createProject(fresh('one'));
  const two = await server.createProject(fresh('two'));
  const token = await server.mint(two.server_api_key, 'ann');
  const close = await closeAfterConnect(
    server,
    { token },
    { path: `/realtime/connection/websocket?key=${one.client_api_key}` },
  );
  assert.equal(close.code, 3500);
});

scenario("a client key together with a token of the same project connects as the token's user", async (server) => {
  const one = await server.createProject(fresh('one'));
  const token = await server.mint(one.server_api_key, 'ann');
  const ws = await RawWs.connect(server, token, { path: `/realtime/connection/websocket?key=${one.client_api_key}` });
  assert.ok((await ws.subscribe(`plain:${fresh()}`)).subscribe);
  ws.close();
});

scenario('a server key is no client key', async (server) => {
  const { server_api_key: key } = server.firstRun();
  const ws = await RawWs.open(server, { path: `/realtime/connection/websocket?key=${key}` }).catch((error) => error);
  if (!(ws instanceof Error)) {
    ws.write(frame(OP.TEXT, '{"id":1,"connect":{}}'));
    assert.ok((await ws.closing()).code >= 3500);
    ws.close();
  }
});

for (const [origin, status] of [
  ['http://localhost:5173', 101],
  ['http://127.0.0.1:8080', 101],
  ['https://evil.example', 403],
  [null, 101],
]) {
  scenario(
    `an upgrade ${origin ? `from origin ${origin}` : 'without an origin'} is answered with ${status}`,
    async (server) => {
      const opened = RawWs.open(server, { headers: { Origin: origin } });
      if (status === 101) (await opened).close();
      else await assert.rejects(opened, new RegExp(`no upgrade: ${status}`));
    },
  );
}

scenario('the subprotocol centrifuge-json is echoed, an unknown one is not', async (server) => {
  const known = await RawWs.open(server, { headers: { 'Sec-WebSocket-Protocol': 'other, centrifuge-json' } });
  assert.equal(known.handshake.headers['sec-websocket-protocol'], 'centrifuge-json');
  known.close();
  const unknown = await RawWs.open(server, { headers: { 'Sec-WebSocket-Protocol': 'other' } });
  assert.equal(unknown.handshake.headers['sec-websocket-protocol'], undefined);
  unknown.close();
});

alone(
  'an anonymous connection is accepted where the configuration allows it',
  {
    config: testConfig({
      client: { allow_anonymous_connect_without_token: true, disallow_anonymous_connection_tokens: true },
    }),
  },
  async (server) => {
    const ws = await RawWs.connect(server, undefined);
    assert.ok(ws.connected.client);
    ws.close();
    assert.equal((await closeAfterConnect(server, { token: server.token('') })).code, 3507);
  },
);

alone(
  'a user with more connections than the limit loses the newest with 3504',
  {
    config: testConfig({ client: { user_connection_limit: 2 } }),
  },
  async (server) => {
    const first = await RawWs.connect(server, server.token('ann'));
    const second = await RawWs.connect(server, server.token('ann'));
    assert.equal((await closeAfterConnect(server, { token: server.token('ann') })).code, 3504);
    const other = await RawWs.connect(server, server.token('bob'));
    for (const ws of [first, second, other]) ws.close();
  },
);
