// The console's API attacked: races, floods, forged requests, and what must not be seen.
import { strict as assert } from 'node:assert';
import { request } from 'node:http';
import { connect } from 'node:net';
import { alone, fresh, suite } from './lib/suite.mjs';
import { Person, PASSWORD } from './lib/console.mjs';
import { testConfig } from './lib/server.mjs';

const scenario = suite();
let owner;
async function cast(server) {
  owner ??= await Person.owner(server);
}

const count = (answers, status) => answers.filter((answer) => answer.status === status).length;

alone('wrong passwords that are tried all at once do not pass the limit together', {}, async (server) => {
  const boss = await Person.owner(server);
  const tries = Array.from({ length: 30 }, (_, i) => new Person(server).signIn(boss.email, `wrong wrong ${i}`));
  const answers = await Promise.all(tries);
  assert.ok(count(answers, 401) >= 5 && count(answers, 401) <= 8, `${count(answers, 401)} tries`); // a second may pass
  assert.equal(count(answers, 401) + count(answers, 429), 30);
});

alone('the right password after wrong ones leaves the count of them in the audit', {}, async (server) => {
  const boss = await Person.owner(server);
  for (let i = 0; i < 3; i++) await new Person(server).signIn(boss.email, 'wrong wrong wrong');
  assert.equal((await new Person(server).signIn(boss.email)).status, 200);
  const { entries } = await boss.must('GET', '/audit?what=failed');
  assert.match(entries[0].what, /^3 failed tries/);
});

alone(
  'a flood of sign-ins from everywhere is answered at once, and leaves the rest of the server usable',
  { config: testConfig({ trusted_proxies: ['127.0.0.1'] }) },
  async (server) => {
    const boss = await Person.owner(server);
    const from = (i) => ({ 'x-forwarded-for': `10.${i >> 8}.${i & 255}.1` });
    const flood = Array.from({ length: 200 }, (_, i) =>
      new Person(server).post('/login', { email: `nobody${i}@example.com`, password: PASSWORD }, from(i)),
    );
    assert.equal((await boss.get('/session')).status, 200);
    await boss.must('POST', '/projects', { name: 'In the middle of it' }); // a policy for all workers
    const answers = await Promise.all(flood);
    assert.equal(count(answers, 401) + count(answers, 503), 200);
    assert.ok(count(answers, 503) > 0, 'nothing was refused');
    assert.equal((await new Person(server).post('/login', { email: boss.email, password: PASSWORD }, from(1))).status, 200);
  },
);

alone(
  'a peer cannot choose its address by a line of its own above that of the proxy',
  { config: testConfig({ trusted_proxies: ['127.0.0.1'] }) },
  async (server) => {
    await Person.owner(server);
    const statuses = [];
    for (let i = 0; i < 9; i++) {
      const body = JSON.stringify({ email: `v${i}@example.com`, password: PASSWORD });
      statuses.push(await raw(server, [
        'POST /api/console/login HTTP/1.1', `Host: 127.0.0.1:${server.port}`, `X-Forwarded-For: 10.0.0.${i}`,
        'X-Forwarded-For: 192.0.2.9', 'Content-Type: application/json', `Content-Length: ${body.length}`, 'Connection: close',
      ], body).then((text) => Number(text.split(' ')[1])));
    }
    assert.ok(statuses.includes(429), statuses.join());
  },
);

// The whole answer to bytes on a connection of their own.
function raw(server, head, body = '') {
  return new Promise((resolve, reject) => {
    const socket = connect(server.port, '127.0.0.1', () => socket.write(`${head.join('\r\n')}\r\n\r\n${body}`));
    let text = '';
    socket.on('data', (bytes) => (text += bytes)).on('close', () => resolve(text)).on('error', reject);
  });
}

scenario('a form of another page is no JSON, whatever is in it', async (server) => {
  await cast(server);
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', 'application/jsonp', '']) {
    const answer = await new Person(server).post('/login', { email: owner.email, password: PASSWORD }, { 'content-type': type, origin: null });
    assert.deepEqual([answer.status, answer.body.error?.code], [415, 'unsupported_media_type'], type);
  }
  const charset = { 'content-type': 'Application/JSON; charset=utf-8' };
  assert.equal((await new Person(server).post('/login', { email: owner.email, password: PASSWORD }, charset)).status, 200);
});

scenario('who is signed in joins nothing by a forged request', async (server) => {
  await cast(server);
  const { id } = await owner.must('POST', '/projects', { name: 'Trap' });
  const victim = await owner.invite(id, 'viewer', `${fresh('victim')}@example.com`);
  const { token } = await owner.must('POST', `/projects/${id}/invites`, { role: 'developer' });
  const forged = await victim.post(`/invites/${token}/accept`, {}, { 'x-xshathra-csrf': null, origin: null });
  assert.deepEqual([forged.status, forged.body.error.code], [403, 'csrf_failed']);
  assert.equal((await victim.post(`/invites/${token}/accept`, {})).status, 200);
});

scenario('an admin who was removed does not come back by a link made before', async (server) => {
  await cast(server);
  const { id } = await owner.must('POST', '/projects', { name: 'Guarded' });
  const admin = await owner.invite(id, 'admin', `${fresh('admin')}@example.com`);
  const { token } = await admin.must('POST', `/projects/${id}/invites`, { role: 'admin' });
  await owner.must('DELETE', `/projects/${id}/members/${admin.id}`);
  assert.equal((await admin.get(`/projects/${id}`)).status, 404);
  assert.equal((await admin.post(`/invites/${token}/accept`, {})).status, 404);
});

scenario('of many who open one link at once, one joins', async (server) => {
  await cast(server);
  const { id } = await owner.must('POST', '/projects', { name: 'Raced' });
  const { token } = await owner.must('POST', `/projects/${id}/invites`, { role: 'viewer' });
  const join = (i) => new Person(server).post(`/invites/${token}/accept`, { email: `${fresh('racer')}@example.com`, name: `R${i}`, password: PASSWORD });
  const answers = await Promise.all(Array.from({ length: 6 }, (_, i) => join(i)));
  assert.equal(count(answers, 200), 1);
  assert.equal(count(answers, 404), 5);
  assert.equal((await owner.must('GET', `/projects/${id}/members`)).members.length, 2);
});

scenario('a new password ends access tokens, and a sign-in that began before it', async (server) => {
  await cast(server);
  const { id } = await owner.must('POST', '/projects', { name: 'Changed' });
  const person = await owner.invite(id, 'developer', `${fresh('changed')}@example.com`);
  const { token } = await person.must('POST', '/access-tokens', { name: 'ci' });
  const script = new Person(server);
  script.bearer = token;
  assert.equal((await script.get('/session')).status, 200);
  await person.must('PATCH', '/account', { password: 'another password', current_password: PASSWORD });
  assert.equal((await script.get('/session')).status, 401);
  assert.equal((await person.get('/session')).status, 200);
});

scenario('no answer is kept or guessed at, also not one that comes from elsewhere', async (server) => {
  await cast(server);
  const { id } = await owner.must('POST', '/projects', { name: 'Headers' });
  const answers = [
    await owner.get('/session'), await owner.get('/nothing'), await new Person(server).get('/session'),
    await owner.post(`/projects/${id}/realtime/token`, { userId: 'x' }),
    await owner.post(`/projects/${id}/engine/publish`, { channel: 'public:x', data: 1 }),
    await owner.post(`/projects/${id}/engine/presence`, {}),
  ];
  for (const { headers, status } of answers) {
    assert.equal(headers.get('cache-control'), 'no-store', status);
    assert.equal(headers.get('x-content-type-options'), 'nosniff', status);
  }
  const { entries } = await owner.must('GET', `/projects/${id}/audit?what=token`);
  assert.equal(entries[0].what, 'realtime token from the console');
});

scenario('paths, bodies and headers that are no good are refused with a word, and nothing else happens', async (server) => {
  await cast(server);
  const host = `Host: 127.0.0.1:${server.port}`;
  const paths = ['/projects/%00', '/projects/%2e%2e', '/projects/..%2f..', '/projects/%252e', '/projects/%', '/projects/%zz',
    '/projects//keys', '//projects', '/invites/%00/accept', '/projects/\\', `/projects/${'x'.repeat(3000)}`, '/projects/%ff%fe', ''];
  for (const path of paths) {
    const text = await raw(server, [`GET /api/console${path} HTTP/1.1`, host, `Cookie: xshathra_session=${owner.cookie}`, 'Connection: close']);
    assert.match(text, /^HTTP\/1\.1 4\d\d /, path);
  }
  const deep = await owner.post('/projects', '['.repeat(30000));
  assert.ok([400, 422].includes(deep.status), String(deep.status));
  const long = await owner.post('/projects', `{"name":"${'x'.repeat(70000)}"}`).catch((error) => error);
  assert.ok(long.status === 413 || long instanceof Error);
  for (const name of ['a\u0000b', 'a\nb', 'a\u202eb', 'x'.repeat(1000)]) {
    const renamed = await owner.call('PATCH', '/account', { name });
    assert.ok(renamed.status >= 400 && renamed.status < 500, JSON.stringify(name));
  }
  assert.equal((await owner.must('GET', '/session')).account.name, 'Olga Owner');
});

scenario('a session or token of somebody else is not there', async (server) => {
  await cast(server);
  const { id } = await owner.must('POST', '/projects', { name: 'Ids' });
  const other = await owner.invite(id, 'owner', `${fresh('ids')}@example.com`);
  const { sessions } = await owner.must('GET', '/sessions');
  const made = await owner.must('POST', '/access-tokens', { name: 'mine' });
  const elsewhere = await owner.must('POST', '/projects', { name: 'Not theirs' });
  const invite = await owner.must('POST', `/projects/${elsewhere.id}/invites`, { role: 'viewer' });
  for (const path of [`/sessions/${sessions[0].id}`, `/access-tokens/${made.id}`, `/projects/${id}/keys/${elsewhere.server_key_id}`,
    `/projects/${id}/invites/${invite.id}`, `/projects/${elsewhere.id}/invites/${invite.id}`])
    assert.equal((await other.call('DELETE', path)).status, 404, path);
  assert.equal((await owner.get(`/invites/${invite.token}`)).status, 200);
});

alone('people who hang up at once, and a stop with calls in every state, leave nothing behind', {}, async (server) => {
  const boss = await Person.owner(server);
  const body = JSON.stringify({ email: boss.email, password: PASSWORD });
  const hangUp = (path, text) => new Promise((resolve) => {
    const sent = request({ port: server.port, host: '127.0.0.1', path: `/api/console${path}`, method: 'POST', agent: false,
      headers: { 'content-type': 'application/json', 'content-length': text.length, cookie: `xshathra_session=${boss.cookie}`, 'x-xshathra-csrf': boss.csrf } });
    sent.on('error', resolve).on('close', resolve);
    sent.end(text, () => setImmediate(() => sent.destroy()));
  });
  for (let round = 0; round < 5; round++)
    await Promise.all(Array.from({ length: 100 }, (_, i) => hangUp(i % 2 ? '/projects' : '/login', i % 2 ? '{"name":"gone"}' : body)));
  assert.equal((await boss.get('/session')).status, 200);
  for (let i = 0; i < 40; i++) {
    void new Person(server).signIn(`x${i}@example.com`).catch(() => {});
    void boss.post('/projects', { name: `p${i}` }).catch(() => {});
    void boss.call('PATCH', '/account', { password: 'a new password', current_password: PASSWORD }).catch(() => {});
  }
  await boss.get('/setup'); // some of these are on their way now
});
