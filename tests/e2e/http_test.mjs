// HTTP/1.1 over raw sockets: keep-alive, pipelining, bodies, and everything that must be refused.
import { strict as assert } from 'node:assert';
import { randomBytes } from 'node:crypto';
import { suite } from './lib/suite.mjs';
import { RawSocket } from './lib/raw_http.mjs';
import { RawWs } from './lib/raw_ws.mjs';
import { API_KEY } from './lib/server.mjs';

const scenario = suite();

// Time enough to answer all that one peer asked, and what the server may hold of it: the tests run it with sanitizers,
// whose own bookkeeping is most of this.
const HOLDING_MS = 3000;
const HELD_MAX = 64 << 20;

const call = (body, headers = '') =>
  `POST /api/publish HTTP/1.1\r\nHost: h\r\nX-API-Key: ${API_KEY}\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const publish = (data, headers) => call(JSON.stringify({ channel: 'plain:http', data }), headers);

scenario('one connection serves many requests', async (server) => {
  const raw = await RawSocket.connect(server.port);
  for (let i = 0; i < 20; i++) {
    raw.write(publish(i));
    assert.equal((await raw.response()).body, '{"result":{}}');
  }
  raw.close();
});

scenario('pipelined requests are answered in order', async (server) => {
  const raw = await RawSocket.connect(server.port);
  const channel = 'long:pipelined';
  const one = (n) => call(JSON.stringify({ channel, data: n }));
  raw.write(Array.from({ length: 200 }, (_, n) => one(n)).join(''));
  for (let n = 1; n <= 200; n++) {
    const answer = await raw.response();
    assert.equal(JSON.parse(answer.body).result.offset, n);
  }
  raw.close();
});

scenario('a request sent byte by byte is understood', async (server) => {
  const raw = await RawSocket.connect(server.port);
  for (const byte of Buffer.from(publish('slow'))) raw.write(Buffer.from([byte]));
  assert.equal((await raw.response()).status, 200);
  raw.close();
});

scenario('a chunked body is understood, with extensions and trailers, in any pieces', async (server) => {
  const body = JSON.stringify({ channel: 'plain:http', data: 'chunked' });
  const head = `POST /api/publish HTTP/1.1\r\nHost: h\r\nX-API-Key: ${API_KEY}\r\nTransfer-Encoding: chunked\r\n\r\n`;
  for (const size of [1, 3, 1000]) {
    const raw = await RawSocket.connect(server.port);
    raw.write(head);
    for (let at = 0; at < body.length; at += size) {
      const piece = body.slice(at, at + size);
      raw.write(`${piece.length.toString(16)};name=value\r\n${piece}\r\n`);
    }
    raw.write('0\r\nTrailer: x\r\n\r\n');
    assert.equal((await raw.response()).body, '{"result":{}}');
    raw.write(publish('next'));
    assert.equal((await raw.response()).status, 200);
    raw.close();
  }
});

scenario('Expect: 100-continue is answered before the body', async (server) => {
  const raw = await RawSocket.connect(server.port);
  const whole = publish('expected', 'Expect: 100-continue\r\n');
  const end = whole.indexOf('\r\n\r\n') + 4;
  raw.write(whole.slice(0, end));
  assert.equal((await raw.response({ headOnly: true })).status, 100);
  raw.write(whole.slice(end));
  assert.equal((await raw.response()).status, 200);
  raw.close();
});

scenario('HEAD is answered like GET without a body', async (server) => {
  const raw = await RawSocket.connect(server.port);
  raw.write('HEAD /health HTTP/1.1\r\nHost: h\r\n\r\n');
  const head = await raw.response({ headOnly: true });
  assert.equal(head.status, 200);
  raw.write('GET /health HTTP/1.1\r\nHost: h\r\n\r\n');
  const get = await raw.response();
  assert.equal(head.headers['content-length'], get.headers['content-length']);
  raw.close();
});

scenario('OPTIONS on a known path names what it allows', async (server) => {
  const raw = await RawSocket.connect(server.port);
  raw.write('OPTIONS /api/realtime/token HTTP/1.1\r\nHost: h\r\n\r\n');
  const answer = await raw.response();
  assert.ok([200, 204].includes(answer.status), `status ${answer.status}`);
  assert.match(answer.headers.allow ?? answer.headers['access-control-allow-methods'] ?? '', /POST/);
  raw.close();
});

scenario('an unknown path is 404 as JSON, a wrong method 405 with Allow', async (server) => {
  const missing = await server.get('/no/such/path');
  assert.equal(missing.status, 404);
  assert.match(missing.headers.get('content-type'), /^application\/json/);
  assert.equal(missing.json.error.code, 'not_found');
  const wrong = await server.request('DELETE', '/health');
  assert.equal(wrong.status, 405);
  assert.match(wrong.headers.get('allow'), /GET/);
});

const AT_ANY_TIME = ['with the head', 'after the head', 'after the answer'];
for (const [what, path, key, status, times] of [
  ['a wrong key', '/api/publish', 'wrong', 401, AT_ANY_TIME],
  ['no project key', '/api/realtime/publish', 'wrong', 401, AT_ANY_TIME],
  ['an unknown path', '/no/such/path', API_KEY, 404, AT_ANY_TIME.slice(0, 2)], // answered when the body is there
]) {
  for (const when of times) {
    scenario(`a POST refused for ${what}, its body sent ${when}, does not disturb the next request`, async (server) => {
      const raw = await RawSocket.connect(server.port);
      const body = '{"channel":"plain:http","data":1}';
      for (let round = 0; round < 10; round++) {
        const refusedHead = `POST ${path} HTTP/1.1\r\nHost: h\r\nX-API-Key: ${key}\r\nContent-Length: ${body.length}\r\n\r\n`;
        if (when === 'with the head') raw.write(refusedHead + body);
        else raw.write(refusedHead);
        if (when === 'after the head') {
          await new Promise((resolve) => setImmediate(resolve)); // a packet of its own
          raw.write(body);
        }
        assert.equal((await raw.response()).status, status);
        if (when === 'after the answer') raw.write(body);
        raw.write(publish(round));
        assert.equal((await raw.response()).body, '{"result":{}}', `round ${round}`);
      }
      raw.close();
    });
  }
}

scenario('Connection: close ends the connection after the answer', async (server) => {
  const raw = await RawSocket.connect(server.port);
  raw.write(publish('last', 'Connection: close\r\n'));
  assert.match((await raw.toEnd()).toString(), /^HTTP\/1\.1 200 .*"result":\{\}/s);
  raw.close();
});

scenario('an answer that is owed is not spoiled by what follows Connection: close', async (server) => {
  for (const after of ['\0\0\0garbage', 'GET / HTTP/9.9\r\n\r\n', publish('not served')]) {
    const raw = await RawSocket.connect(server.port);
    raw.write(publish('last', 'Connection: close\r\n') + after);
    const got = (await raw.toEnd()).toString();
    assert.equal(got.match(/HTTP\/1\.1/g).length, 1, got);
    assert.match(got, /"result":\{\}/);
    raw.close();
  }
});

scenario('HTTP/1.0 without keep-alive is answered and ended', async (server) => {
  const raw = await RawSocket.connect(server.port);
  raw.write('GET /health HTTP/1.0\r\n\r\n');
  assert.match((await raw.toEnd()).toString(), /^HTTP\/1\.1 200 /);
  raw.close();
});

const head = `POST /api/publish HTTP/1.1\r\nHost: h\r\nX-API-Key: ${API_KEY}\r\n`;
const refusedRequests = {
  'two lengths that differ': `${head}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`,
  'a length given twice': `${head}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`,
  'a list of lengths': `${head}Content-Length: 5, 5\r\n\r\nhello`,
  'both a length and chunks': `${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'a length of 2^63+1': `${head}Content-Length: 9223372036854775809\r\n\r\n`,
  'a length of 2^64': `${head}Content-Length: 18446744073709551616\r\n\r\n`,
  'a negative length': `${head}Content-Length: -1\r\n\r\n`,
  'a signed length': `${head}Content-Length: +5\r\n\r\nhello`,
  'a length in hexadecimal': `${head}Content-Length: 0x5\r\n\r\nhello`,
  'two Host lines': 'GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n',
  'no Host line': 'GET /health HTTP/1.1\r\n\r\n',
  'no version': 'GET /health\r\n\r\n',
  'HTTP/2.0 in the request line': 'GET /health HTTP/2.0\r\nHost: h\r\n\r\n',
  'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'a bare LF': 'GET /health HTTP/1.1\nHost: h\n\n',
  'a bare CR in a header': 'GET /health HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n',
  'a folded header': 'GET /health HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n',
  'a space before a colon': 'GET /health HTTP/1.1\r\nHost : h\r\n\r\n',
  'a NUL in a header': 'GET /health HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n',
  'a header without a colon': 'GET /health HTTP/1.1\r\nHost: h\r\nnonsense\r\n\r\n',
  'an empty header name': 'GET /health HTTP/1.1\r\nHost: h\r\n: x\r\n\r\n',
  'two spaces in the request line': 'GET  /health HTTP/1.1\r\nHost: h\r\n\r\n',
  'an unknown transfer coding': `${head}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
  'a chunk size that is no number': `${head}Transfer-Encoding: chunked\r\n\r\nzz\r\n`,
  'an empty chunk size': `${head}Transfer-Encoding: chunked\r\n\r\n\r\n`,
  'a chunk size with a space': `${head}Transfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n`,
  'a chunk size beyond 64 bits': `${head}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n`,
  'a chunk without CRLF after it': `${head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello0\r\n\r\n`,
  'a TLS hello': Buffer.from('16030100c8010000c40303', 'hex'),
  'a request line of 100 KB': `GET /${'x'.repeat(100_000)} HTTP/1.1\r\nHost: h\r\n\r\n`,
  'headers of 200 KB': `GET /health HTTP/1.1\r\nHost: h\r\n${'X-Filler: 0123456789\r\n'.repeat(10_000)}\r\n`,
};
for (const [what, bytes] of Object.entries(refusedRequests)) {
  scenario(`${what} is refused and the connection ends`, async (server) => {
    const raw = await RawSocket.connect(server.port);
    raw.write(bytes);
    if (what === 'a TLS hello') raw.socket.end('\r\n\r\n');
    const got = (await raw.toEnd(15_000)).toString();
    if (got !== '') assert.match(got, /^HTTP\/1\.1 (4\d\d|50[15]) /);
    assert.equal((got.match(/^HTTP\/1\.1/gm) ?? []).length <= 1, true, got);
    raw.close();
    assert.equal(await server.health(), 200);
  });
}

scenario('a request smuggled behind a refused one is never carried out', async (server) => {
  const ws = await RawWs.connect(server, server.token('ann'));
  await ws.subscribe('plain:smuggled');
  const hidden = call(JSON.stringify({ channel: 'plain:smuggled', data: 'hidden' }));
  for (const bytes of [
    `${head}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
    `${head}Content-Length: 0\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
    `${head}Transfer-Encoding: chunked\r\n\r\n0\r\n${hidden}`,
    `GET /health HTTP/1.1\r\nHost: h\r\nX: y\n\r\n${hidden}`,
  ]) {
    const raw = await RawSocket.connect(server.port);
    raw.write(bytes);
    raw.socket.end();
    await raw.toEnd();
    raw.close();
  }
  await server.api('publish', { channel: 'plain:smuggled', data: 'mark' });
  assert.equal((await ws.push()).pub.data, 'mark');
  ws.close();
});

scenario('a connection that is closed in the middle of a body is forgotten', async (server) => {
  for (const cut of [10, 60, 120, 160]) {
    const raw = await RawSocket.connect(server.port);
    raw.write(publish('x'.repeat(200)).slice(0, cut));
    raw.socket.resetAndDestroy();
  }
  assert.equal(await server.health(), 200);
});

scenario('a peer that asks much and reads nothing makes the server hold little', async (server) => {
  const before = server.memory();
  const raw = await RawSocket.connect(server.port);
  raw.socket.pause();
  raw.write('GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n'.repeat(20_000));
  const end = Date.now() + HOLDING_MS;
  while (Date.now() < end) {
    assert.ok(
      server.memory() - before < HELD_MAX,
      `${Math.round((server.memory() - before) / 1e6)} MB held for one peer`,
    );
    assert.equal(await server.health(), 200);
  }
  raw.close();
});

scenario('random bytes never hurt the server', async (server) => {
  for (let i = 0; i < 50; i++) {
    const raw = await RawSocket.connect(server.port);
    raw.write(randomBytes(1 + i * 20));
    raw.socket.end();
    await raw.toEnd();
    raw.close();
  }
  assert.equal(await server.health(), 200);
});

scenario('a request with any one byte replaced by any of the awkward ones never hurts the server', async (server) => {
  const whole = Buffer.from(publish('x', 'Expect: 100-continue\r\nCookie: a=b\r\n'));
  const awkward = [0x00, 0x0a, 0x0d, 0x20, 0x3a, 0x7f, 0xff];
  const jobs = [...whole.keys()].flatMap((at) => awkward.map((byte) => [at, byte]));
  const worker = async () => {
    for (let job = jobs.shift(); job; job = jobs.shift()) {
      const bytes = Buffer.from(whole);
      bytes[job[0]] = job[1];
      const raw = await RawSocket.connect(server.port);
      raw.write(bytes);
      raw.socket.end();
      await raw.toEnd(20_000);
      raw.close();
    }
  };
  await Promise.all(Array.from({ length: 20 }, worker));
  assert.equal(await server.health(), 200);
});
