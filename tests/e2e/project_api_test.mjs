// The contract for backends: the three endpoints, their limits, and errors that say what to change.
import { strict as assert } from 'node:assert';
import { suite, fresh } from './lib/suite.mjs';
import { claimsOf } from './lib/token.mjs';
import { RawWs } from './lib/raw_ws.mjs';

const scenario = suite();

// The error object of a refusal, after checking status and form.
function refused(answer, status, says) {
  assert.equal(answer.status, status, answer.text);
  assert.match(answer.headers.get('content-type'), /^application\/json/);
  const { error } = answer.json;
  assert.match(error.code, /^[a-z_]+$/);
  assert.equal(typeof error.message, 'string');
  if (says) assert.match(error.message, says);
  return error;
}

const good = {
  token: { userId: 'ann' },
  'subscription-token': { userId: 'ann', channel: 'public:a' },
  publish: { channel: 'public:a', data: 1 },
};

for (const endpoint of Object.keys(good)) {
  for (const scheme of ['apikey', 'Bearer', 'ApiKey']) {
    scenario(`${endpoint} takes the key as "Authorization: ${scheme}"`, async (server) => {
      const answer = await server.post(`/api/realtime/${endpoint}`, good[endpoint], {
        Authorization: `${scheme} ${server.firstRun().server_api_key}`,
      });
      assert.equal(answer.status, 200, answer.text);
    });
  }

  scenario(`${endpoint} without a key is 401`, async (server) => {
    refused(await server.project(endpoint, good[endpoint]), 401);
  });

  scenario(`${endpoint} with an unknown key is 401 and does not repeat the key`, async (server) => {
    const answer = await server.project(
      endpoint,
      good[endpoint],
      'sk_kaaaaaaaaaa_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    );
    refused(answer, 401);
    assert.ok(!answer.text.includes('AAAAAAAA'));
  });

  scenario(`${endpoint} with a client key is 403`, async (server) => {
    refused(await server.project(endpoint, good[endpoint], server.firstRun().client_api_key), 403, /server/);
  });

  scenario(`${endpoint} by GET is 405 with Allow`, async (server) => {
    const answer = await server.get(`/api/realtime/${endpoint}`);
    refused(answer, 405);
    assert.match(answer.headers.get('allow'), /POST/);
  });

  scenario(`${endpoint} refuses an unknown field by its name`, async (server) => {
    const answer = await server.project(
      endpoint,
      { ...good[endpoint], ttlSecond: 60 },
      server.firstRun().server_api_key,
    );
    assert.ok([400, 422].includes(answer.status), answer.text);
    refused(answer, answer.status, /ttlSecond/);
  });

  for (const [what, body, status] of [
    ['no JSON', '{"userId"', 400],
    ['nothing', '', 400],
    ['two values', '{} {}', 400],
    ['an array', '[]', 422],
  ]) {
    scenario(`${endpoint} with ${what} as its body is ${status}`, async (server) => {
      refused(await server.project(endpoint, body, server.firstRun().server_api_key), status);
    });
  }

  scenario(`${endpoint} with a body far too large is 413`, async (server) => {
    const answer = await server
      .project(endpoint, { ...good[endpoint], data: 'x'.repeat(40_000_000) }, server.firstRun().server_api_key)
      .catch((error) => error);
    // A server that answers early may end the connection while the client still writes.
    if (!(answer instanceof Error)) refused(answer, 413);
    assert.equal(await server.health(), 200);
  });
}

scenario('an unknown endpoint is 404', async (server) => {
  refused(await server.project('tokens', {}, server.firstRun().server_api_key), 404);
});

scenario('a form instead of JSON is 415', async (server) => {
  const answer = await server.post('/api/realtime/token', 'userId=ann', {
    'Content-Type': 'application/x-www-form-urlencoded',
    Authorization: `apikey ${server.firstRun().server_api_key}`,
  });
  refused(answer, 415);
});

scenario('a token is for 900 seconds unless told', async (server) => {
  const { server_api_key: key } = server.firstRun();
  const { json } = await server.project('token', { userId: 'ann' }, key);
  assert.deepEqual(Object.keys(json).sort(), ['expiresInSeconds', 'token']);
  assert.equal(json.expiresInSeconds, 900);
  const claims = claimsOf(json.token);
  assert.equal(claims.exp - claims.iat, 900);
  assert.equal(claims.channels, undefined);
  assert.equal(claims.info, undefined);
});

for (const [ttl, status] of [
  [29, 422],
  [30, 200],
  [3600, 200],
  [3601, 422],
  [0, 422],
  [-1, 422],
  [30.5, 422],
  ['60', 422],
  [true, 422],
  [1e30, 422],
]) {
  for (const endpoint of ['token', 'subscription-token']) {
    scenario(`${endpoint} with ttlSeconds ${JSON.stringify(ttl)} is ${status}`, async (server) => {
      const answer = await server.project(
        endpoint,
        { ...good[endpoint], ttlSeconds: ttl },
        server.firstRun().server_api_key,
      );
      if (status === 200) {
        assert.equal(answer.json.expiresInSeconds, ttl, answer.text);
        return;
      }
      assert.ok([400, 422].includes(answer.status), answer.text);
      const error = refused(answer, answer.status, /ttlSeconds/);
      assert.match(error.message, /30/);
      assert.match(error.message, /3600/);
    });
  }
}

for (const [endpoint, field, value] of [
  ['token', 'userId', undefined],
  ['token', 'userId', 7],
  ['token', 'userId', ''],
  ['token', 'userId', null],
  ['token', 'channels', 'public:a'],
  ['token', 'channels', [1]],
  ['token', 'info', 'text'],
  ['token', 'info', [1]],
  ['subscription-token', 'userId', undefined],
  ['subscription-token', 'channel', undefined],
  ['subscription-token', 'channel', ''],
  ['subscription-token', 'channel', 7],
  ['subscription-token', 'info', 3],
  ['publish', 'channel', undefined],
  ['publish', 'channel', ''],
  ['publish', 'channel', 7],
  ['publish', 'data', undefined],
  ['publish', 'tags', 'x'],
  ['publish', 'tags', { a: 1 }],
  ['publish', 'skip_history', 'yes'],
  ['publish', 'version', -1],
  ['publish', 'idempotency_key', 5],
]) {
  scenario(
    `${endpoint} with ${field} = ${JSON.stringify(value) ?? 'nothing'} is refused and names the field`,
    async (server) => {
      const answer = await server.project(
        endpoint,
        { ...good[endpoint], [field]: value },
        server.firstRun().server_api_key,
      );
      assert.ok([400, 422].includes(answer.status), `${answer.status} ${answer.text}`);
      refused(answer, answer.status, new RegExp(field));
    },
  );
}

scenario('a field given twice is refused and named', async (server) => {
  const answer = await server.project('token', '{"userId":"ann","userId":"bob"}', server.firstRun().server_api_key);
  assert.ok([400, 422].includes(answer.status), answer.text);
  refused(answer, answer.status, /userId/);
});

scenario('a publish to an unknown namespace is refused and names the channel', async (server) => {
  const answer = await server.project('publish', { channel: 'nowhere:a', data: 1 }, server.firstRun().server_api_key);
  assert.ok([404, 422].includes(answer.status), answer.text);
  refused(answer, answer.status, /nowhere/);
});

scenario("publish answers the engine's publish result", async (server) => {
  const { server_api_key: key } = server.firstRun();
  const channel = `public:${fresh()}`;
  const answer = await server.project(
    'publish',
    { channel, data: { n: 1 }, tags: { a: 'b' }, idempotency_key: 'once' },
    key,
  );
  assert.equal(answer.status, 200, answer.text);
  const result = answer.json.result ?? answer.json;
  assert.equal(result.offset, 1);
  assert.ok(result.epoch);
  const again = await server.project('publish', { channel, data: { n: 1 }, idempotency_key: 'once' }, key);
  assert.deepEqual(again.json, answer.json);
});

scenario('publish takes b64data', async (server) => {
  const channel = `plain:${fresh()}`;
  const ws = await RawWs.connect(server, server.token('ann'));
  await ws.subscribe(channel);
  const b64data = Buffer.from('{"from":"base64"}').toString('base64');
  const answer = await server.project('publish', { channel, b64data }, server.firstRun().server_api_key);
  assert.equal(answer.status, 200, answer.text);
  assert.deepEqual((await ws.push()).pub.data, { from: 'base64' });
  ws.close();
});

scenario('user names of any language travel through a token unharmed', async (server) => {
  const userId = 'Zoë "quoted" \\ 名前 \u0001 🙂';
  const token = await server.mint(server.firstRun().server_api_key, userId);
  assert.equal(claimsOf(token).sub, userId);
  const channel = `chat:${fresh()}`;
  const ws = await RawWs.connect(server, token);
  await ws.subscribe(channel);
  const { presence } = (await ws.call({ presence: { channel } })).presence;
  assert.deepEqual(
    Object.values(presence).map((info) => info.user),
    [userId],
  );
  ws.close();
});
