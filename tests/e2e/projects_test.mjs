// Projects are tenants: spaces that never meet, keys that are rotated and revoked under load of clients, archiving.
import { strict as assert } from 'node:assert';
import { statSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { suite, alone, fresh } from './lib/suite.mjs';
import { newClient, connected, subscribed, event } from './lib/client.mjs';
import { RawWs } from './lib/raw_ws.mjs';
import { freePort, runProgram } from './lib/server.mjs';
import { until } from './lib/wait.mjs';

const scenario = suite();
const KEY_FIELDS = ['client_api_key', 'client_key_id', 'id', 'name', 'server_api_key', 'server_key_id'];

const statusOf = async (server, key) => (await server.project('token', { userId: 'x' }, key)).status;
const byClientKey = (server, key) =>
  RawWs.connect(server, undefined, { path: `/realtime/connection/websocket?key=${key}` });

scenario('two projects with the same channel and user names never hear each other', async (server) => {
  const one = await server.createProject(fresh('one'));
  const two = await server.createProject(fresh('two'));
  const channel = `public:${fresh()}`;
  const hear = async (project) => {
    const client = await connected(
      newClient(server.wsUrl(), { token: await server.mint(project.server_api_key, 'ann') }),
    );
    return { client, sub: await subscribed(client, channel) };
  };
  const [a, b] = [await hear(one), await hear(two)];
  const say = (project, data) => server.project('publish', { channel, data }, project.server_api_key);
  for (let n = 0; n < 5; n++) {
    assert.equal((await say(one, `one ${n}`)).status, 200);
    assert.equal((await say(two, `two ${n}`)).status, 200);
    await server.api('publish', { channel, data: `default ${n}` });
  }
  for (let n = 0; n < 5; n++) {
    const first = await event(a.sub.events, 'publication');
    const second = await event(b.sub.events, 'publication');
    assert.equal(first.data, `one ${n}`);
    assert.equal(second.data, `two ${n}`);
    assert.equal(first.offset, n + 1);
    assert.equal(second.offset, n + 1);
  }
  assert.equal(Object.keys((await a.sub.presence()).clients).length, 1);
  assert.deepEqual(
    (await a.sub.history({ limit: 100 })).publications.map((pub) => pub.data),
    [0, 1, 2, 3, 4].map((n) => `one ${n}`),
  );
  assert.notEqual((await a.sub.history({ limit: 0 })).epoch, (await b.sub.history({ limit: 0 })).epoch);
  a.client.disconnect();
  b.client.disconnect();
});

scenario("the engine API reaches a project's space by X-Xshathra-Project only", async (server) => {
  const project = await server.createProject(fresh('one'));
  const channel = `public:${fresh()}`;
  const ws = await RawWs.connect(server, await server.mint(project.server_api_key, 'ann'));
  await ws.subscribe(channel);
  await server.api('publish', { channel, data: 'of space 0' });
  await server.api('publish', { channel, data: 'of the project' }, { project: project.id });
  assert.equal((await ws.push()).pub.data, 'of the project');
  const names = async (options) => Object.keys((await server.api('channels', { pattern: channel }, options)).channels);
  assert.deepEqual(await names({ project: project.id }), [channel]);
  assert.deepEqual(await names({}), []);
  await server.api('disconnect', { user: 'ann' });
  await server.api('publish', { channel, data: 'still here' }, { project: project.id });
  assert.equal((await ws.push()).pub.data, 'still here');
  await server.api('disconnect', { user: 'ann' }, { project: project.id });
  assert.equal((await ws.closing()).code, 3503);
  ws.close();
});

scenario('an unknown project in X-Xshathra-Project is refused', async (server) => {
  const answer = await server.apiAnswer(
    'publish',
    { channel: 'public:a', data: 1 },
    { project: 'proj_aaaaaaaaaaaaaaaa' },
  );
  assert.ok(answer.status === 404 || answer.json?.error, `${answer.status} ${answer.text}`);
});

scenario('create prints id, name, keys and key ids, and the keys work at once', async (server) => {
  const name = fresh('made');
  const made = await server.createProject(name);
  assert.deepEqual(Object.keys(made).sort(), KEY_FIELDS);
  assert.equal(made.name, name);
  assert.match(made.id, /^proj_/);
  assert.match(made.server_api_key, /^sk_/);
  assert.match(made.client_api_key, /^ck_/);
  assert.equal(await statusOf(server, made.server_api_key), 200);
  (await byClientKey(server, made.client_api_key)).close();
});

scenario('list and show name a project and its key ids, never a key', async (server) => {
  const made = await server.createProject(fresh('shown'));
  const listed = (await server.projects()).find((project) => project.id === made.id);
  assert.equal(listed.name, made.name);
  const done = await server.cli('project', 'show', made.id, '--data', server.data, '--json');
  assert.equal(done.code, 0, done.stderr);
  assert.equal(JSON.parse(done.stdout).id, made.id);
  assert.ok(done.stdout.includes(made.server_key_id));
  assert.ok(done.stdout.includes(made.client_key_id));
  assert.ok(!done.stdout.includes(made.server_api_key) && !done.stdout.includes(made.client_api_key));
});

scenario('rotation with a grace keeps the old server key beside the new one, and connections stay', async (server) => {
  const project = await server.createProject(fresh('rotated'));
  const channel = `public:${fresh()}`;
  const client = await connected(
    newClient(server.wsUrl(), { token: await server.mint(project.server_api_key, 'ann') }),
  );
  const sub = await subscribed(client, channel);
  const next = await server.projectCommand('rotate', project.id, '--which', 'server', '--grace', '24h');
  assert.equal(next.id, project.id);
  assert.match(next.server_api_key, /^sk_/);
  assert.notEqual(next.server_api_key, project.server_api_key);
  for (const key of [project.server_api_key, next.server_api_key]) {
    assert.equal((await server.project('publish', { channel, data: key.slice(0, 8) }, key)).status, 200);
    assert.equal((await event(sub.events, 'publication')).data, key.slice(0, 8));
  }
  assert.equal(client.state, 'connected');
  client.disconnect();
});

scenario('rotation with grace 0 refuses the old server key as soon as the command returns', async (server) => {
  const project = await server.createProject(fresh('rotated'));
  const next = await server.projectCommand('rotate', project.id, '--which', 'server', '--grace', '0s');
  assert.equal(await statusOf(server, project.server_api_key), 403);
  assert.equal(await statusOf(server, next.server_api_key), 200);
});

scenario('a rotated key stops at the end of its grace', async (server) => {
  const project = await server.createProject(fresh('rotated'));
  await server.projectCommand('rotate', project.id, '--which', 'server', '--grace', '1s');
  await until(async () => (await statusOf(server, project.server_api_key)) === 403, 'the grace to end');
});

scenario(
  'revoking a server key refuses requests at once, while tokens already minted still connect',
  async (server) => {
    const project = await server.createProject(fresh('revoked'));
    const token = await server.mint(project.server_api_key, 'ann');
    await server.projectCommand('revoke', project.id, project.server_key_id);
    const answer = await server.project('token', { userId: 'ann' }, project.server_api_key);
    assert.equal(answer.status, 403, answer.text);
    (await RawWs.connect(server, token)).close();
  },
);

scenario('revoking a client key closes its connections with 3503, and no others', async (server) => {
  const project = await server.createProject(fresh('revoked'));
  const withKey = await Promise.all(Array.from({ length: 6 }, () => byClientKey(server, project.client_api_key)));
  const withToken = await RawWs.connect(server, await server.mint(project.server_api_key, 'ann'));
  const next = await server.projectCommand('rotate', project.id, '--which', 'client');
  const withNext = await byClientKey(server, next.client_api_key);
  await server.projectCommand('revoke', project.id, project.client_key_id);
  for (const ws of withKey) {
    assert.equal((await ws.closing()).code, 3503);
    ws.close();
  }
  for (const ws of [withToken, withNext]) {
    assert.ok((await ws.subscribe(`open:${fresh()}`)).subscribe);
    ws.close();
  }
  await assert.rejects(byClientKey(server, project.client_api_key));
});

scenario('archiving a project closes its connections with 3500 and refuses its keys and tokens', async (server) => {
  const project = await server.createProject(fresh('archived'));
  const token = await server.mint(project.server_api_key, 'ann');
  const client = await connected(newClient(server.wsUrl(), { token }));
  const keyed = await byClientKey(server, project.client_api_key);
  const other = await RawWs.connect(server, server.token('ann'));
  await server.projectCommand('archive', project.id);
  assert.equal((await event(client.events, 'disconnected')).code, 3500);
  assert.ok((await keyed.closing()).code >= 3500);
  keyed.close();
  const late = await RawWs.open(server);
  late.send({ connect: { token } });
  assert.equal((await late.closing()).code, 3500);
  late.close();
  const answer = await server.project('token', { userId: 'ann' }, project.server_api_key);
  assert.ok([401, 403].includes(answer.status), answer.text);
  assert.ok((await other.subscribe(`plain:${fresh()}`)).subscribe);
  other.close();
});

scenario('the Default project cannot be archived', async (server) => {
  const { id } = await server.defaultProject();
  const done = await server.cli('project', 'archive', id, '--data', server.data);
  assert.notEqual(done.code, 0);
  assert.match(done.stderr, /Default/i);
  assert.equal(await statusOf(server, server.firstRun().server_api_key), 200);
});

for (const [what, args, says] of [
  ['an unknown project', ['show', 'proj_aaaaaaaaaaaaaaaa'], /proj_aaaaaaaaaaaaaaaa/],
  ['an empty name', ['create', ''], /name/i],
  ['an unknown key', ['revoke', 'DEFAULT', 'kaaaaaaaaaa'], /kaaaaaaaaaa/],
  ['an unknown kind of key', ['rotate', 'DEFAULT', '--which', 'both'], /both/],
  ['a grace that is no duration', ['rotate', 'DEFAULT', '--which', 'server', '--grace', 'soon'], /soon/],
  ['an unknown option', ['list', '--jsno'], /jsno/],
  ['an unknown command', ['frobnicate'], /frobnicate/],
]) {
  scenario(`the command line refuses ${what} and names it`, async (server) => {
    const { id } = await server.defaultProject();
    const done = await server.cli(
      'project',
      ...args.map((arg) => (arg === 'DEFAULT' ? id : arg)),
      '--data',
      server.data,
    );
    assert.notEqual(done.code, 0);
    assert.match(done.stderr, says);
  });
}

scenario("the first start leaves the Default project's keys in first-run.txt for its owner only", async (server) => {
  const first = server.firstRun();
  assert.ok(first.server_api_key && first.client_api_key);
  assert.equal(statSync(join(server.data, 'first-run.txt')).mode & 0o777, 0o600);
  assert.equal((await server.defaultProject()).id, first.id);
  assert.ok(!server.stderr.includes(first.server_api_key) && !server.stdout.includes(first.server_api_key));
  assert.ok(!server.stderr.includes(first.client_api_key) && !server.stdout.includes(first.client_api_key));
});

alone('projects, keys and archiving outlive a restart', {}, async (server) => {
  const kept = await server.createProject('kept');
  const gone = await server.createProject('gone');
  await server.projectCommand('archive', gone.id);
  const token = await server.mint(kept.server_api_key, 'ann');
  await server.restart();
  assert.equal(await statusOf(server, kept.server_api_key), 200);
  assert.ok([401, 403].includes(await statusOf(server, gone.server_api_key)));
  (await RawWs.connect(server, token)).close();
  assert.equal((await server.projects()).filter((project) => project.name === 'Default').length, 1);
});

alone('the command line works on the data folder when no server runs', {}, async (server) => {
  const before = await server.createProject('before');
  await server.stop();
  const made = await server.createProject('offline');
  await server.projectCommand('revoke', before.id, before.server_key_id);
  await server.launch();
  assert.equal(await statusOf(server, made.server_api_key), 200);
  assert.equal(await statusOf(server, before.server_api_key), 403);
});

alone('a second server on the same data folder is refused', {}, async (server) => {
  const done = await runProgram(
    [
      'serve',
      '-c',
      server.configFile,
      '--data',
      server.data,
      '--address',
      '127.0.0.1',
      '--port',
      String(await freePort()),
    ],
    server.env,
  );
  assert.notEqual(done.code, 0);
  assert.ok(done.stderr.includes(server.data), done.stderr);
  assert.equal(await server.health(), 200);
});

alone(
  'without secrets in the environment they are made at the first start, and stay',
  {
    env: { CENTRIFUGO_TOKEN_HMAC_SECRET_KEY: null, CENTRIFUGO_API_KEY: null },
  },
  async (server) => {
    const { server_api_key: key } = server.firstRun();
    const token = await server.mint(key, 'ann');
    (await RawWs.connect(server, token)).close();
    assert.equal((await server.apiAnswer('info', {})).status, 401);
    await server.restart();
    (await RawWs.connect(server, token)).close();
    assert.ok(existsSync(server.data));
    assert.equal(statSync(server.data).mode & 0o077, 0, "the data folder is its owner's alone");
  },
);
