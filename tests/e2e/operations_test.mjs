// Running it: signals, reload, health, metrics, logs, the command line and refused configurations.
import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { existsSync, mkdtempSync, rmSync, writeFileSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { alone, suite, fresh } from './lib/suite.mjs';
import { NAMESPACES, freePort, runProgram, testConfig, SECRET, API_KEY } from './lib/server.mjs';
import { newClient, connected, subscribed, event } from './lib/client.mjs';
import { RawWs } from './lib/raw_ws.mjs';
import { RawSocket } from './lib/raw_http.mjs';
import { until, within } from './lib/wait.mjs';

const scenario = suite();

for (const signal of ['SIGTERM', 'SIGINT']) {
  alone(`${signal} closes clients with 3001 and ends with status 0`, {}, async (server) => {
    const client = await connected(newClient(server.wsUrl(), { token: server.token('ann') }));
    const sockets = await Promise.all(
      Array.from({ length: 10 }, (_, i) => RawWs.connect(server, server.token(`user-${i}`))),
    );
    server.signal(signal);
    for (const ws of sockets) {
      assert.deepEqual(await ws.closing(), { code: 3001, reason: 'shutdown' });
      ws.close();
    }
    assert.equal((await event(client.events, 'connecting')).code, 0);
    const away = await event(client.events, 'connecting');
    assert.equal(away.code, 3001);
    client.disconnect();
    assert.deepEqual(await within(server.exited, 'the server to end', 15_000), { code: 0, signal: null });
  });
}

alone(
  'while it is stopping, health answers 503 on a connection that is still open and new ones are refused',
  {
    config: testConfig({ shutdown: { timeout: '20s' } }), // who is slow to hang up holds it up, and may be on a busy machine
  },
  async (server) => {
    const sockets = await Promise.all(
      Array.from({ length: 20 }, (_, i) => RawWs.connect(server, server.token(`user-${i}`))),
    );
    const raw = await RawSocket.connect(server.port);
    raw.write('GET /health HTTP/1.1\r\nHost: h\r\n\r\n');
    assert.equal((await raw.response()).status, 200);
    server.signal('SIGTERM');
    await sockets[0].closing();
    sockets[0].close();
    raw.write('GET /health HTTP/1.1\r\nHost: h\r\n\r\n');
    const answer = await raw.response().catch(() => null);
    if (answer) assert.equal(answer.status, 503);
    // Each worker stops listening in its own turn.
    await until(
      () =>
        RawWs.open(server).then(
          (ws) => ws.close(),
          () => true,
        ),
      'new connections to be refused',
    );
    await Promise.all(
      sockets.slice(1).map(async (ws) => {
        assert.equal((await ws.closing()).code, 3001);
        ws.close();
      }),
    );
    raw.close();
    await within(server.exited, 'the server to end', 25_000);
  },
);

alone(
  'a client reconnects by itself to a server that was restarted, and recovers its stream anew',
  {},
  async (server) => {
    const client = await connected(newClient(server.wsUrl(), { token: server.token('ann') }));
    const sub = await subscribed(client, 'plain:restart');
    await server.restart();
    await event(sub.events, 'subscribed');
    await server.api('publish', { channel: 'plain:restart', data: 'after' });
    assert.equal((await event(sub.events, 'publication')).data, 'after');
    client.disconnect();
  },
);

alone(
  'SIGHUP takes over namespaces, origins, token keys and API keys for connections old and new',
  {
    env: { CENTRIFUGO_TOKEN_HMAC_SECRET_KEY: null, CENTRIFUGO_API_KEY: null },
    config: testConfig({ client: { token: { hmac_secret_key: SECRET } }, http_api: { key: API_KEY } }),
  },
  async (server) => {
    const ws = await RawWs.connect(server, server.token('ann'));
    assert.equal((await ws.subscribe('added:a')).error.code, 102);
    await assert.rejects(RawWs.open(server, { headers: { Origin: 'https://app.example' } }), /403/);
    const changed = testConfig({
      client: { token: { hmac_secret_key: 'the next secret' }, allowed_origins: ['https://app.example'] },
      http_api: { key: 'the next API key' },
      channel: { namespaces: [...NAMESPACES, { name: 'added', allow_subscribe_for_client: true }] },
    });
    changed.client.allowed_origins = ['https://app.example'];
    server.writeConfig(changed);
    server.signal('SIGHUP');
    await until(
      async () => (await server.apiAnswer('info', {}, { headers: { 'X-API-Key': 'the next API key' } })).status === 200,
      'the new API key',
    );
    assert.equal((await server.apiAnswer('info', {})).status, 401);
    assert.ok((await ws.subscribe('added:a')).subscribe, 'an old connection sees the new namespace');
    (await RawWs.open(server, { headers: { Origin: 'https://app.example' } })).close();
    const next = await RawWs.connect(server, server.token('ann', {}, 'the next secret'));
    const old = await RawWs.open(server);
    old.send({ connect: { token: server.token('ann') } });
    assert.equal((await old.closing()).code, 3500);
    for (const socket of [ws, next, old]) socket.close();
  },
);

alone('many SIGHUPs one after the other are all survived', {}, async (server) => {
  const ws = await RawWs.connect(server, server.token('ann'));
  for (let i = 0; i < 100; i++) {
    server.signal('SIGHUP');
    await server.health();
  }
  assert.ok((await ws.subscribe('plain:a')).subscribe);
  ws.close();
});

test('SIGTERM while it is starting ends it with status 0', { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'xshathra-start-'));
  const port = String(await freePort());
  const child = spawn(
    process.env.XSHATHRA_BIN,
    ['serve', '--data', join(folder, 'data'), '--address', '127.0.0.1', '--port', port],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const ended = once(child, 'exit');
  await within(once(child.stderr, 'data'), 'its first words');
  child.kill('SIGTERM');
  assert.deepEqual(await within(ended, 'the server to end'), [0, null]);
  rmSync(folder, { recursive: true, force: true });
});

alone('SIGHUP with a broken configuration keeps the old one and says what is wrong', {}, async (server) => {
  const broken = testConfig({ client: { ping_interval: 'soon' } });
  server.writeConfig(broken);
  server.signal('SIGHUP');
  await until(
    () => /ping_interval/.test(server.stderr) && /soon/.test(server.stderr),
    'a log line that names the option and its value',
  );
  const ws = await RawWs.connect(server, server.token('ann'));
  assert.ok((await ws.subscribe('plain:a')).subscribe);
  ws.close();
});

scenario("metrics have Centrifugo's names and count what happened", async (server) => {
  const ws = await RawWs.connect(server, server.token('ann'));
  const channel = `plain:${fresh()}`;
  await ws.subscribe(channel);
  const value = async (name) => {
    const { text } = await server.get('/metrics');
    const line = text.split('\n').find((one) => one.startsWith(name));
    return line ? Number(line.split(' ').at(-1)) : 0;
  };
  const published = 'centrifugo_node_messages_sent_count{channel_namespace="",type="publication"}';
  const before = await value('centrifugo_node_messages_sent_count{');
  await server.api('publish', { channel, data: 1 });
  await ws.push();
  assert.ok((await value('centrifugo_node_num_clients')) >= 1, published);
  assert.ok((await value('centrifugo_node_num_subscriptions')) >= 1);
  assert.ok((await value('centrifugo_node_messages_sent_count{')) >= before);
  const { headers, text } = await server.get('/metrics');
  assert.match(headers.get('content-type'), /^text\/plain/);
  for (const name of ['node_num_clients', 'node_num_users', 'node_num_channels', 'node_build', 'node_action_count']) {
    assert.match(text, new RegExp(`^centrifugo_${name}[ {]`, 'm'), name);
  }
  ws.close();
});

scenario('health answers 200 with JSON', async (server) => {
  const answer = await server.get('/health');
  assert.equal(answer.status, 200);
  assert.deepEqual(answer.json, {});
});

alone(
  'health and metrics do not answer when their options are off',
  async () => {
    const internal = await freePort();
    return {
      config: testConfig({ http_server: { internal_port: String(internal) }, prometheus: { enabled: false } }),
      healthPort: internal,
    };
  },
  async (server) => {
    assert.equal((await fetch(`http://127.0.0.1:${server.healthPort}/metrics`)).status, 404);
  },
);

alone(
  'logs are JSON lines off a terminal, and never hold a secret or a token',
  {
    config: testConfig({ log: { level: 'debug' } }),
  },
  async (server) => {
    const { server_api_key: key } = server.firstRun();
    const token = await server.mint(key, 'ann');
    (await RawWs.connect(server, token)).close();
    const refused = await RawWs.open(server);
    const wrong = server.token('ann', {}, 'another');
    refused.send({ connect: { token: wrong } });
    await refused.closing();
    refused.close();
    await server.stop();
    const lines = server.stderr
      .trim()
      .split('\n')
      .filter((line) => line !== '');
    assert.ok(lines.length > 0);
    for (const line of lines) {
      const { level, time, message } = JSON.parse(line);
      assert.equal(typeof level, 'string', line);
      assert.ok(!Number.isNaN(Date.parse(time)), line);
      assert.equal(typeof message, 'string', line);
    }
    for (const secret of [SECRET, API_KEY, key, token, wrong]) assert.ok(!server.stderr.includes(secret));
  },
);

alone('a second server on the same port is refused with a sentence that names the port', {}, async (server) => {
  const data = join(server.folder, 'other-data');
  const done = await runProgram(
    ['serve', '-c', server.configFile, '--data', data, '--address', '127.0.0.1', '--port', String(server.port)],
    server.env,
  );
  assert.notEqual(done.code, 0);
  assert.ok(done.stderr.includes(String(server.port)), done.stderr);
  // or the keys of the first start would be made, and shown to nobody
  assert.ok(!existsSync(join(data, 'xshathra.db')));
});

test('each command explains itself under --help', { timeout: 60_000 }, async () => {
  for (const args of [
    [],
    ['serve'],
    ['check'],
    ['project'],
    ['project', 'create'],
    ['project', 'list'],
    ['project', 'show'],
    ['project', 'rotate'],
    ['project', 'revoke'],
    ['project', 'archive'],
  ]) {
    const done = await runProgram([...args, '--help']);
    assert.equal(done.code, 0, `${args.join(' ')} --help: ${done.stderr}`);
    assert.ok(done.stdout.includes(args.at(-1) ?? 'serve'), `${args.join(' ')}: ${done.stdout}`);
  }
});

test(
  'an unknown command is refused with status 2 or 1 and the names of those that are',
  { timeout: 60_000 },
  async () => {
    const done = await runProgram(['sevre']);
    assert.notEqual(done.code, 0);
    assert.match(done.stderr, /sevre/);
    assert.match(done.stderr, /serve/);
  },
);

// check and serve refuse or accept the same files: [configuration, what the sentence must name, more environment].
const refusedConfigs = {
  'a duration that is none': [{ client: { ping_interval: 'soon' } }, [/client\.ping_interval/, /soon/]],
  'a pong time-out that is not below the ping interval': [
    { client: { ping_interval: '5s', pong_timeout: '5s' } },
    [/pong_timeout/],
  ],
  'a namespace with a bad name': [{ channel: { namespaces: [{ name: 'a b' }] } }, [/a b/]],
  'a namespace given twice': [{ channel: { namespaces: [{ name: 'aa' }, { name: 'aa' }] } }, [/aa/]],
  'recovery without history': [
    { channel: { namespaces: [{ name: 'aa', force_recovery: true }] } },
    [/force_recovery|history/],
  ],
  'a port out of range': [{ http_server: { port: 70000 } }, [/http_server\.port/, /70000/]],
  'a string for a boolean': [{ health: { enabled: 'perhaps' } }, [/health\.enabled/, /perhaps/]],
  'a bad regular expression': [{ channel: { namespaces: [{ name: 'aa', channel_regex: '(' }] } }, [/channel_regex/]],
  'broken JSON': ['{"client": {', [/config\.json/]],
  'an option that decides who may do what and is not built': [
    { client: { proxy: { connect: { enabled: true, endpoint: 'http://127.0.0.1:1' } } } },
    [/client\.proxy\.connect/],
  ],
  'another engine that is not built': [{ engine: { type: 'redis' } }, [/engine\.type/, /redis/]],
  'TLS without a certificate': [{ http_server: { tls: { enabled: true } } }, [/http_server\.tls\.cert_pem/]],
  'old and new names of one secret that differ': [
    { client: { token: { hmac_secret_key: '' } } },
    [/CENTRIFUGO_TOKEN_HMAC_SECRET_KEY/],
    {
      CENTRIFUGO_TOKEN_HMAC_SECRET_KEY: 'a-secret-of-some-length',
      CENTRIFUGO_CLIENT_TOKEN_HMAC_SECRET_KEY: 'another-of-some-length',
    },
  ],
};
for (const [what, [config, says, env = {}]] of Object.entries(refusedConfigs)) {
  test(`${what} stops check and serve with a sentence that names it`, { timeout: 60_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'xshathra-check-'));
    const file = join(folder, 'config.json');
    writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config));
    for (const args of [
      ['check', '-c', file],
      [
        'serve',
        '-c',
        file,
        '--data',
        join(folder, 'data'),
        '--address',
        '127.0.0.1',
        '--port',
        String(await freePort()),
      ],
    ]) {
      const done = await runProgram(args, { ...process.env, ...env });
      assert.notEqual(done.code, 0, `${args[0]} accepted it`);
      const said = done.stderr + done.stdout;
      for (const pattern of says) assert.match(said, pattern);
      for (const secret of Object.values(env)) assert.ok(!said.includes(secret), 'a secret is in the message');
    }
    rmSync(folder, { recursive: true });
  });
}

test(
  'an unknown option is a warning with the nearest known name, and an error under --strict',
  { timeout: 60_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'xshathra-check-'));
    const file = join(folder, 'config.json');
    writeFileSync(file, JSON.stringify({ client: { pong_timeuot: '3s' } }));
    const lenient = await runProgram(['check', '-c', file]);
    assert.equal(lenient.code, 0, lenient.stderr);
    assert.match(lenient.stderr + lenient.stdout, /pong_timeuot/);
    assert.match(lenient.stderr + lenient.stdout, /client\.pong_timeout/);
    const strict = await runProgram(['check', '-c', file, '--strict']);
    assert.notEqual(strict.code, 0);
    assert.match(strict.stderr + strict.stdout, /pong_timeuot/);
    rmSync(folder, { recursive: true });
  },
);

alone(
  'options by environment win over the file, durations and lists included',
  {
    env: {
      CENTRIFUGO_CLIENT_PING_INTERVAL: '7s',
      CENTRIFUGO_CLIENT_PONG_TIMEOUT: '2s',
      CENTRIFUGO_CLIENT_ALLOWED_ORIGINS: 'https://a.example https://b.example',
    },
  },
  async (server) => {
    const ws = await RawWs.connect(server, server.token('ann'), { headers: { Origin: 'https://b.example' } });
    assert.equal(ws.connected.ping, 7);
    await assert.rejects(RawWs.open(server, { headers: { Origin: 'http://localhost:3000' } }), /403/);
    ws.close();
  },
);

alone(
  'the secrets may have their v6 names',
  {
    env: {
      CENTRIFUGO_TOKEN_HMAC_SECRET_KEY: null,
      CENTRIFUGO_API_KEY: null,
      CENTRIFUGO_CLIENT_TOKEN_HMAC_SECRET_KEY: SECRET,
      CENTRIFUGO_HTTP_API_KEY: API_KEY,
    },
  },
  async (server) => {
    (await RawWs.connect(server, server.token('ann'))).close();
    await server.api('info');
  },
);

alone(
  'the previous token key is accepted beside the new one',
  {
    config: testConfig({ client: { token: { hmac_previous_secret_key: 'the previous secret' } } }),
  },
  async (server) => {
    (await RawWs.connect(server, server.token('ann'))).close();
    (await RawWs.connect(server, server.token('ann', {}, 'the previous secret'))).close();
  },
);

scenario("files in the data folder are their owner's alone", async (server) => {
  for (const name of ['first-run.txt', 'control.sock']) {
    assert.equal(statSync(join(server.data, name)).mode & 0o077, 0, name);
  }
});
