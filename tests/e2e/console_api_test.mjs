// The console's API: who may ask what, and what strangers cannot do.
import { strict as assert } from 'node:assert';
import { suite, alone, fresh } from './lib/suite.mjs';
import { newClient, connected, subscribed, event } from './lib/client.mjs';
import { Person, PASSWORD } from './lib/console.mjs';

const scenario = suite();
let owner;
const people = {};

async function cast(server) {
  if (owner) return;
  owner = await Person.owner(server);
  people.project = (await owner.must('POST', '/projects', { name: 'Shop' })).id;
  for (const role of ['viewer', 'developer', 'admin', 'owner'])
    people[role] = await owner.invite(people.project, role, `${role}@example.com`);
  people.stranger = new Person(server);
  const elsewhere = (await owner.must('POST', '/projects', { name: 'Elsewhere' })).id;
  people.outsider = await owner.invite(elsewhere, 'owner', 'outsider@example.com');
}

scenario('the set-up link makes the owner once, and no account comes from anywhere else', async (server) => {
  const [token] = /inv_[\w-]+/.exec(server.firstRun().text);
  await cast(server);
  const again = await new Person(server).post('/setup', { token, email: 'x@example.com', name: 'X', password: PASSWORD });
  assert.equal(again.status, 404);
  assert.equal(again.body.error.code, 'not_found');
  assert.deepEqual((await new Person(server).get('/setup')).body, { needed: false });
  assert.equal((await owner.get('/session')).body.account.instance_owner, true);
});

// What each role gets: the status for stranger, outsider, viewer, developer, admin, owner.
const TABLE = [
  ['GET', '/projects/P', undefined, [401, 404, 200, 200, 200, 200]],
  ['PATCH', '/projects/P', { allowed_origins: ['https://shop.example'] }, [401, 404, 403, 403, 200, 200]],
  ['DELETE', '/projects/P', { confirm: 'not its name' }, [401, 404, 403, 403, 403, 422]],
  ['POST', '/projects/P/archive', {}, [401, 404, 403, 403, 403, 200]],
  ['POST', '/projects/P/restore', {}, [401, 404, 403, 403, 403, 200]],
  ['GET', '/projects/P/keys', undefined, [401, 404, 200, 200, 200, 200]],
  ['POST', '/projects/P/keys', { kind: 'server', name: 'ci' }, [401, 404, 403, 403, 201, 201]],
  ['POST', '/projects/P/keys/rotate', { kind: 'server' }, [401, 404, 403, 403, 201, 201]],
  ['DELETE', '/projects/P/keys/knone', undefined, [401, 404, 403, 403, 404, 404]],
  ['GET', '/projects/P/members', undefined, [401, 404, 200, 200, 200, 200]],
  ['PATCH', '/projects/P/members/acc_none', { role: 'viewer' }, [401, 404, 403, 403, 404, 404]],
  ['DELETE', '/projects/P/members/acc_none', undefined, [401, 404, 403, 403, 404, 404]],
  ['GET', '/projects/P/invites', undefined, [401, 404, 403, 403, 200, 200]],
  ['POST', '/projects/P/invites', { role: 'owner' }, [401, 404, 403, 403, 403, 201]],
  ['DELETE', '/projects/P/invites/inv_none', undefined, [401, 404, 403, 403, 404, 404]],
  ['GET', '/projects/P/audit', undefined, [401, 404, 403, 403, 200, 200]],
  ['GET', '/audit', undefined, [401, 403, 403, 403, 403, 403]],
  ['POST', '/projects/P/engine/presence', { channel: 'public:a' }, [401, 404, 200, 200, 200, 200]],
  ['POST', '/projects/P/engine/history', { channel: 'public:a' }, [401, 404, 200, 200, 200, 200]],
  ['POST', '/projects/P/engine/channels', {}, [401, 404, 200, 200, 200, 200]],
  ['POST', '/projects/P/engine/publish', { channel: 'public:a', data: 1 }, [401, 404, 403, 200, 200, 200]],
  ['POST', '/projects/P/engine/disconnect', { user: 'nobody' }, [401, 404, 403, 200, 200, 200]],
  ['POST', '/projects/P/engine/batch', {}, [401, 404, 404, 404, 404, 404]],
  ['POST', '/projects/P/realtime/token', { userId: 'ann' }, [401, 404, 403, 200, 200, 200]],
  ['GET', '/projects/P/connections', undefined, [401, 404, 200, 200, 200, 200]],
  ['GET', '/projects/P/connections/none', undefined, [401, 404, 404, 404, 404, 404]],
  ['GET', '/projects/P/channels', undefined, [401, 404, 200, 200, 200, 200]],
  ['GET', '/projects/P/overview', undefined, [401, 404, 200, 200, 200, 200]],
  ['POST', '/projects/P/live-token', {}, [401, 404, 200, 200, 200, 200]],
  ['GET', '/projects/P/namespaces', undefined, [401, 404, 200, 200, 200, 200]],
  ['PUT', '/projects/P/namespaces', { namespaces: [] }, [401, 404, 403, 403, 200, 200]],
  ['GET', '/schema/namespace', undefined, [401, 200, 200, 200, 200, 200]],
  ['GET', '/nodes', undefined, [401, 200, 200, 200, 200, 200]],
  ['GET', '/projects', undefined, [401, 200, 200, 200, 200, 200]],
  ['GET', '/session', undefined, [401, 200, 200, 200, 200, 200]],
];

scenario('each role may do what its row says, and a stranger nothing', async (server) => {
  await cast(server);
  const wrong = [];
  for (const [method, path, body, expected] of TABLE) {
    const who = ['stranger', 'outsider', 'viewer', 'developer', 'admin', 'owner'];
    for (const [i, name] of who.entries()) {
      const { status, body: answer } = await people[name].call(method, path.replace('/P', `/${people.project}`), body);
      if (status !== expected[i]) wrong.push(`${name} ${method} ${path}: ${status}, not ${expected[i]}: ${JSON.stringify(answer)}`);
    }
  }
  assert.deepEqual(wrong, []);
});

scenario('a project that one has no part in looks like one that is not there', async (server) => {
  await cast(server);
  const hidden = await people.outsider.get(`/projects/${people.project}`);
  const missing = await people.outsider.get('/projects/proj_none');
  const shape = (answer) => [answer.status, answer.body.error.message.replace(/"[^"]*"/, '""')];
  assert.deepEqual(shape(hidden), shape(missing));
  const { projects } = await people.outsider.must('GET', '/projects');
  assert.deepEqual(projects.map(({ name }) => name), ['Elsewhere']);
});

scenario('a change with a cookie needs the CSRF token, and no page of another origin gets through', async (server) => {
  await cast(server);
  const create = (headers) => owner.post('/projects', { name: fresh('forged') }, headers);
  for (const token of [null, '', 'x', `${owner.csrf}x`]) {
    const answer = await create({ 'x-xshathra-csrf': token });
    assert.equal(answer.status, 403);
    assert.equal(answer.body.error.code, 'csrf_failed');
  }
  for (const origin of ['https://evil.example', 'null', `http://127.0.0.1:${server.port}.evil.example`]) {
    const answer = await create({ origin });
    assert.equal(answer.body.error.code, 'origin_refused');
    assert.equal((await new Person(server).post('/login', { email: 'a@b', password: PASSWORD }, { origin })).status, 403);
  }
  const other = new Person(server);
  await other.signIn(owner.email);
  assert.equal((await owner.post('/projects', { name: 'x' }, { 'x-xshathra-csrf': other.csrf })).status, 403);
  assert.equal((await create({ origin: null })).status, 201);
});

scenario('the cookie is kept from scripts and other sites, and is another one after each sign-in', async (server) => {
  await cast(server);
  const person = new Person(server);
  person.cookie = 'ses_chosen-by-somebody-else-before-the-sign-in-00';
  const first = await person.post('/login', { email: owner.email, password: PASSWORD });
  assert.match(first.cookie, /^xshathra_session=ses_[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=7776000$/);
  assert.equal(first.headers.get('cache-control'), 'no-store');
  const before = person.cookie;
  await person.signIn(owner.email);
  assert.notEqual(person.cookie, before);
  const out = await person.post('/logout');
  assert.match(out.cookie, /^xshathra_session=; .*Max-Age=0$/);
  const gone = new Person(server);
  gone.cookie = before;
  assert.equal((await gone.get('/session')).status, 200); // the other browser goes on
});

scenario('signing out everywhere, and a new password, end the other sessions at once', async (server) => {
  await cast(server);
  const here = people.developer;
  const other = new Person(server);
  await other.signIn(here.email);
  const { sessions } = await here.must('GET', '/sessions');
  assert.equal(sessions.filter(({ current }) => current).length, 1);
  assert.equal((await here.must('POST', '/sessions/sign-out-everywhere')).ended, sessions.length - 1);
  assert.equal((await other.get('/session')).status, 401);
  await other.signIn(here.email);
  const wrong = await here.call('PATCH', '/account', { password: 'a new password', current_password: 'nope nope nope' });
  assert.equal(wrong.status, 403);
  assert.equal(wrong.body.error.field, 'current_password');
  await here.must('PATCH', '/account', { password: 'a new password', current_password: PASSWORD, name: 'Dev' });
  assert.equal((await other.get('/session')).status, 401);
  assert.equal((await other.signIn(here.email, 'a new password')).body.account.name, 'Dev');
});

scenario('an access token works without a cookie, but not on the account itself', async (server) => {
  await cast(server);
  const { token, id } = await people.admin.must('POST', '/access-tokens', { name: 'ci' });
  const script = new Person(server);
  script.bearer = token;
  assert.equal((await script.get('/session')).body.csrf, undefined);
  assert.equal((await script.post(`/projects/${people.project}/keys`, { kind: 'client' })).status, 201);
  for (const [method, path] of [['GET', '/access-tokens'], ['PATCH', '/account'], ['GET', '/sessions'], ['POST', '/logout']])
    assert.equal((await script.call(method, path, method === 'GET' ? undefined : {})).status, 403, path);
  await people.admin.must('DELETE', `/access-tokens/${id}`);
  assert.equal((await script.get('/session')).status, 401);
});

scenario('a made key works at once, a revoked one no more, and a key is never shown again', async (server) => {
  await cast(server);
  const path = `/projects/${people.project}/keys`;
  const made = await people.admin.must('POST', path, { kind: 'server', name: 'worker', expires_in_seconds: 3600 });
  assert.equal((await server.project('token', { userId: 'x' }, made.server_api_key)).status, 200);
  const { keys } = await people.viewer.must('GET', path);
  const [key] = keys.filter(({ key_id }) => key_id === made.server_key_id);
  assert.equal(key.name, 'worker');
  assert.equal(key.state, 'ending');
  assert.ok(!JSON.stringify(keys).includes(made.server_api_key));
  await people.admin.must('DELETE', `${path}/${made.server_key_id}`);
  assert.equal((await server.project('token', { userId: 'x' }, made.server_api_key)).status, 403);
  const { entries } = await people.admin.must('GET', `/projects/${people.project}/audit?what=revoke&limit=1`);
  assert.equal(entries[0].who, 'admin@example.com');
  assert.ok(entries[0].what.includes(made.server_key_id));
});

scenario('a key with scopes and a prefix does that and nothing more, and shows when it was used', async (server) => {
  await cast(server);
  const path = `/projects/${people.project}/keys`;
  const made = await people.admin.must('POST', path, { kind: 'server', name: 'chat bot', scopes: ['publish'], channel_prefix: 'chat:' });
  const key = made.server_api_key;
  const code = async (name, body) => {
    const { status, json } = await server.project(name, body, key);
    return status === 200 ? 200 : `${status} ${json.error.code}`;
  };
  assert.equal(await code('publish', { channel: 'chat:1', data: 1 }), 200);
  assert.equal(await code('publish', { channel: 'public:1', data: 1 }), '403 channel_not_allowed');
  assert.equal(await code('publish', { channel: 'cha', data: 1 }), '403 channel_not_allowed');
  assert.equal(await code('token', { userId: 'x' }), '403 insufficient_scope');
  assert.equal(await code('subscription-token', { userId: 'x', channel: 'chat:1' }), '403 insufficient_scope');
  const minter = await people.admin.must('POST', path, { kind: 'server', scopes: ['tokens', 'read'], channel_prefix: 'chat:' });
  const mint = (name, body) => server.project(name, body, minter.server_api_key);
  assert.equal((await mint('token', { userId: 'x', channels: ['chat:1'] })).status, 200);
  assert.equal((await mint('token', { userId: 'x', channels: ['chat:1', 'public:1'] })).json.error.code, 'channel_not_allowed');
  assert.equal((await mint('subscription-token', { userId: 'x', channel: 'public:1' })).json.error.code, 'channel_not_allowed');
  assert.equal((await mint('publish', { channel: 'chat:1', data: 1 })).json.error.code, 'insufficient_scope');
  const shown = async () => (await people.viewer.must('GET', path)).keys.find(({ key_id }) => key_id === made.server_key_id);
  assert.deepEqual([(await shown()).scopes, (await shown()).channel_prefix], [['publish'], 'chat:']);
  let row;
  do row = await shown();
  while (row.last_used_at === 0); // it is written every few seconds
  assert.ok(Math.abs(row.last_used_at - Date.now() / 1000) < 60);
  for (const [body, field] of [
    [{ kind: 'server', scopes: ['all'] }, 'scopes'],
    [{ kind: 'client', scopes: ['publish'] }, 'scopes'],
    [{ kind: 'client', channel_prefix: 'x' }, 'channel_prefix'],
    [{ kind: 'server', channel_prefix: 'x'.repeat(65) }, 'channel_prefix'],
  ]) {
    const answer = await people.admin.post(path, body);
    assert.deepEqual([answer.status, answer.body.error.field], [422, field]);
  }
});

scenario("a project's own namespaces are checked by name and place, and are in force at once for it alone", async (server) => {
  await cast(server);
  const { admin, viewer, developer, project } = people;
  const path = `/projects/${project}/namespaces`;
  assert.deepEqual((await viewer.must('GET', path)).namespaces, []);
  const { token } = await developer.must('POST', `/projects/${project}/realtime/token`, { userId: 'ns' });
  const client = await connected(newClient(server.wsUrl(), { token }));
  const tryOne = (channel) =>
    new Promise((resolve) => {
      const sub = client.newSubscription(channel);
      const end = (answer) => (resolve(answer), sub.removeAllListeners(), client.removeSubscription(sub));
      sub.on('subscribed', () => end('in'));
      sub.on('unsubscribed', ({ code }) => end(code));
      sub.subscribe();
    });
  assert.equal(await tryOne('board:1'), 102);
  assert.equal(await tryOne('plain:1'), 'in');
  const own = [{ name: 'board', allow_subscribe_for_client: true, history_size: 3, history_ttl: '60s' }, { name: 'plain' }];
  const answer = await admin.must('PUT', path, { namespaces: own });
  assert.deepEqual([answer.namespaces, answer.effective], [own, true]);
  assert.equal(await tryOne('board:1'), 'in');
  assert.equal(await tryOne('plain:1'), 103); // replaced, for this project
  assert.deepEqual((await viewer.must('GET', path)).namespaces, own);
  const elsewhere = await connected(newClient(server.wsUrl(), { token: server.token('x') }));
  const foreign = elsewhere.newSubscription('board:1');
  const refused = new Promise((resolve) => foreign.on('unsubscribed', resolve));
  foreign.subscribe();
  assert.equal((await refused).code, 102);
  for (const [namespaces, field, words] of [
    [[{ name: 'aa', history_size: 5 }], 'namespaces[0].history_ttl', 'needs both history_size and history_ttl'],
    [[{ name: 'aa' }, { name: 'bb', force_recovery_mode: 'all' }], 'namespaces[1].force_recovery_mode', '"stream" or "cache"'],
    [[{ name: 'aa', presense: true }], 'namespaces[0].presense', 'did you mean "channel.namespaces[0].presence"'],
    [[{ name: 'a b' }], 'namespaces[0].name', 'allowed'],
    [[{}], 'namespaces[0].name', ''],
    [[{ name: 'aa', publish_proxy_enabled: true }], 'namespaces[0].publish_proxy_enabled', ''],
    [[{ name: 'aa' }, { name: 'aa' }], 'namespaces[1].name', ''],
    [{ name: 'aa' }, 'namespaces', 'array'],
    [[7], 'namespaces[0]', 'not an object'],
  ]) {
    const bad = await admin.call('PUT', path, { namespaces });
    assert.deepEqual([bad.status, bad.body.error.field], [422, field], JSON.stringify(bad.body));
    assert.ok(bad.body.error.message.includes(words), bad.body.error.message);
  }
  assert.deepEqual((await viewer.must('GET', path)).namespaces, own);
  await admin.must('PUT', path, { namespaces: [] });
  assert.equal(await tryOne('board:1'), 102);
  assert.equal(await tryOne('plain:1'), 'in');
});

scenario('the form of a namespace is made from the table that checks it', async (server) => {
  await cast(server);
  const { options } = await people.viewer.must('GET', '/schema/namespace');
  const byName = Object.fromEntries(options.map((option) => [option.name, option]));
  assert.deepEqual(byName.history_ttl.type, 'duration');
  assert.equal(byName.presence.default, false);
  assert.deepEqual(byName.force_recovery_mode.allowed, ['', 'stream', 'cache']);
  for (const { name, help } of options) assert.ok(help.length > 10, name);
});

scenario('the playground of a developer: a token, a publication, presence, and the history of it', async (server) => {
  await cast(server);
  const { developer, project } = people;
  const { token } = await developer.must('POST', `/projects/${project}/realtime/token`, { userId: 'tester' });
  const client = await connected(newClient(server.wsUrl(), { token }));
  const channel = `public:${fresh()}`;
  const sub = await subscribed(client, channel);
  const published = await developer.must('POST', `/projects/${project}/engine/publish`, { channel, data: { text: 'hi' } });
  assert.equal(published.result.offset, 1);
  assert.deepEqual((await event(sub.events, 'publication')).data, { text: 'hi' });
  const { result } = await developer.must('POST', `/projects/${project}/engine/presence`, { channel });
  assert.deepEqual(Object.values(result.presence).map(({ user }) => user), ['tester']);
  const history = await people.viewer.must('POST', `/projects/${project}/engine/history`, { channel, limit: 10 });
  assert.deepEqual(history.result.publications.map(({ data }) => data), [{ text: 'hi' }]);
  const inDefault = await server.api('presence', { channel });
  assert.deepEqual(inDefault.presence, {}); // another space
});

scenario('bodies and parameters that are wrong are refused by name', async (server) => {
  await cast(server);
  const rows = [
    ['/projects', '{', 400, 'malformed_json', undefined],
    ['/projects', '[]', 422, 'invalid_body', undefined],
    ['/projects', { nam: 'x' }, 422, 'unknown_field', undefined],
    ['/projects', '{"name":"a","name":"b"}', 422, 'repeated_field', undefined],
    ['/projects', { name: 7 }, 422, 'invalid_value', 'name'],
    ['/projects', { name: '' }, 422, 'invalid_name', 'name'],
    ['/projects', { name: 'x'.repeat(101) }, 422, 'invalid_name', 'name'],
    [`/projects/${people.project}/keys`, { kind: 'both' }, 422, 'invalid_value', 'kind'],
    [`/projects/${people.project}/invites`, { role: 'king' }, 422, 'invalid_value', 'role'],
    [`/projects/${people.project}/invites`, { role: 'viewer', email: 'nobody' }, 422, 'invalid_value', 'email'],
    [`/projects/${people.project}/keys/rotate`, { kind: 'server', grace_seconds: 99999999 }, 422, 'invalid_grace', 'grace_seconds'],
  ];
  for (const [path, body, status, code, field] of rows) {
    const answer = await owner.post(path, body);
    assert.deepEqual([answer.status, answer.body.error.code, answer.body.error.field], [status, code, field], JSON.stringify(body));
  }
  const bad = await owner.get(`/projects/${people.project}/audit?limit=9999`);
  assert.deepEqual([bad.status, bad.body.error.field], [422, 'limit']);
  assert.equal((await owner.call('PUT', '/session', {})).status, 405);
  assert.equal((await owner.get('/nothing/here')).status, 404);
  assert.equal((await owner.get('/projects/%ff%00/keys')).status, 404);
});

alone('deleting a project takes its name typed, and then its keys and people are gone', {}, async (server) => {
  const boss = await Person.owner(server);
  const made = await boss.must('POST', '/projects', { name: 'Short lived' });
  const member = await boss.invite(made.id, 'admin', 'm@example.com');
  assert.equal((await boss.call('DELETE', `/projects/${made.id}`, { confirm: 'short lived' })).body.error.code, 'not_confirmed');
  await boss.must('DELETE', `/projects/${made.id}`, { confirm: 'Short lived' });
  assert.equal((await server.project('token', { userId: 'x' }, made.server_api_key)).status, 401);
  assert.deepEqual((await member.must('GET', '/projects')).projects, []);
  const { projects } = await boss.must('GET', '/projects');
  const [standard] = projects;
  assert.equal((await boss.call('DELETE', `/projects/${standard.id}`, { confirm: standard.name })).status, 409);
});

alone('failed sign-ins are slowed down, by account and by address', {}, async (server) => {
  const boss = await Person.owner(server);
  const stranger = new Person(server);
  const statuses = [];
  // a slow machine may let the first pause of one second pass, but each next one is twice as long
  for (let i = 0; i < 12 && statuses.at(-1) !== 429; i++) statuses.push((await stranger.signIn(boss.email, 'wrong wrong wrong')).status);
  assert.ok(statuses.slice(0, 5).every((status) => status === 401));
  assert.equal(statuses.at(-1), 429);
  const refused = await stranger.signIn('somebody@example.com');
  assert.equal(refused.status, 429);
  assert.ok(refused.body.error.retry_after_seconds >= 1);
  assert.equal((await boss.get('/session')).status, 200); // who is in stays in
});

alone('accounts and sessions are there after a restart', {}, async (server) => {
  const boss = await Person.owner(server);
  const { id } = await boss.must('POST', '/projects', { name: 'Kept' });
  await server.restart();
  boss.base = `http://127.0.0.1:${server.port}/api/console`;
  const { projects } = await boss.must('GET', '/projects');
  assert.ok(projects.some((project) => project.id === id));
  assert.equal((await new Person(server).get('/setup')).body.needed, false);
});
