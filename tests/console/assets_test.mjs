// How the server hands out the console's files, and that what is committed was built from what is committed.
import { strict as assert } from 'node:assert';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { current, recorded } from '../../console/scripts/hash.mjs';
import { Server } from '../e2e/lib/server.mjs';
import { suite } from '../e2e/lib/suite.mjs';
import http from 'node:http';

const scenario = suite({ config: new URL('../../centrifugo/config.json', import.meta.url).pathname });
const dist = new URL('../../console/dist/', import.meta.url).pathname;
const script = readdirSync(`${dist}assets`).find((name) => name.startsWith('index-') && name.endsWith('.js'));
const FIRST_LOAD_MAX = 150 * 1024;

// Raw, so that nothing is decompressed on the way.
function ask(server, path, headers = {}, method = 'GET') {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port: server.port, path, method, headers }, (response) => {
      const parts = [];
      response.on('data', (part) => parts.push(part));
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) }));
    });
    request.on('error', reject).end();
  });
}

test('console/dist was built from the committed sources and lockfile, and nobody changed it by hand', () => {
  assert.equal(current(), recorded(), 'run `./dev console` and commit what it changes');
});

scenario('each page of the console is index.html, asked for again each time', async (server) => {
  const index = readFileSync(`${dist}index.html`, 'utf8');
  for (const path of ['/', '/login', '/setup', '/invite', '/dashboard', '/account', '/audit', '/projects/proj_x', '/projects/proj_x/keys', '/docs', '/docs/backend']) {
    const answer = await ask(server, path);
    assert.equal(answer.status, 200, path);
    assert.equal(answer.body.toString(), index, path);
    assert.equal(answer.headers['content-type'], 'text/html; charset=utf-8');
    assert.equal(answer.headers['cache-control'], 'no-cache');
  }
});

scenario('no page may run or style anything but our own files, nor be framed', async (server) => {
  const { headers } = await ask(server, '/');
  const policy = headers['content-security-policy'];
  for (const part of ["default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'", "base-uri 'none'"])
    assert.ok(policy.includes(part), part);
  assert.doesNotMatch(policy, /unsafe/);
  assert.equal(headers['x-content-type-options'], 'nosniff');
  assert.equal(headers['referrer-policy'], 'same-origin');
  const html = (await ask(server, '/')).body.toString();
  assert.doesNotMatch(html, /<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=/);
});

scenario('a file with a hash in its name is kept for good', async (server) => {
  const { status, headers } = await ask(server, `/assets/${script}`);
  assert.equal(status, 200);
  assert.match(headers['content-type'], /^text\/javascript/);
  assert.equal(headers['cache-control'], 'public, max-age=31536000, immutable');
});

scenario('who takes gzip gets gzip, who does not gets it plain', async (server) => {
  const plain = await ask(server, `/assets/${script}`);
  const packed = await ask(server, `/assets/${script}`, { 'accept-encoding': 'br, gzip;q=0.8' });
  assert.equal(packed.headers['content-encoding'], 'gzip');
  assert.match(packed.headers.vary, /accept-encoding/i);
  assert.ok(packed.body.length < plain.body.length / 2);
  assert.deepEqual(gunzipSync(packed.body), plain.body);
  assert.notEqual(packed.headers.etag, plain.headers.etag);
  for (const header of ['gzip;q=0', 'br', 'identity, gzip; q=0.000']) {
    const answer = await ask(server, `/assets/${script}`, { 'accept-encoding': header });
    assert.equal(answer.headers['content-encoding'], undefined, header);
  }
});

scenario('who has the newest one already is told so', async (server) => {
  const { headers } = await ask(server, '/');
  for (const tag of [headers.etag, `W/${headers.etag}`, `"other", ${headers.etag}`, '*']) {
    const answer = await ask(server, '/dashboard', { 'if-none-match': tag });
    assert.equal(answer.status, 304, tag);
    assert.equal(answer.body.length, 0);
    assert.equal(answer.headers.etag, headers.etag);
  }
  assert.equal((await ask(server, '/', { 'if-none-match': '"other"' })).status, 200);
});

scenario('HEAD tells what GET would, and nothing else is allowed', async (server) => {
  const get = await ask(server, '/');
  const head = await ask(server, '/', {}, 'HEAD');
  assert.equal(head.body.length, 0);
  assert.equal(head.headers['content-length'], get.headers['content-length']);
  for (const method of ['POST', 'PUT', 'DELETE']) {
    const answer = await ask(server, '/dashboard', {}, method);
    assert.equal(answer.status, 405);
    assert.match(answer.headers.allow, /GET/);
  }
});

scenario('what is no page and no file is 404, and the product\'s own paths are as before', async (server) => {
  for (const path of ['/assets/none.js', '/index', '/projects', '/assets/../index.html', '/no/such/path'])
    assert.equal((await ask(server, path)).status, 404, path);
  assert.equal((await ask(server, '/health')).status, 200);
  assert.equal((await ask(server, '/realtime/health')).status, 200);
  assert.equal((await ask(server, '/api/console/setup')).headers['content-type'], 'application/json');
});

test('a path that the configuration names goes before a page of the same name', async () => {
  const server = await Server.start({
    config: { health: { enabled: true, handler_prefix: '/login' }, client: { allowed_origins: ['*'] } },
    askHealth: async (port) => (await fetch(`http://127.0.0.1:${port}/login`)).status,
  });
  try {
    assert.equal((await ask(server, '/login')).body.toString(), '{}');
  } finally {
    await server.end();
  }
});

scenario('the first load is at most 150 KB compressed', async (server) => {
  const html = (await ask(server, '/')).body.toString();
  const files = [...html.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map((found) => found[1]);
  const sizes = await Promise.all(['/', ...files].map(async (path) => (await ask(server, path, { 'accept-encoding': 'gzip' })).body.length));
  const sum = sizes.reduce((a, b) => a + b, 0);
  assert.ok(files.length >= 3);
  assert.ok(sum <= FIRST_LOAD_MAX, `${sum} bytes`);
});

scenario('the documentation is served as it is in the repository', async (server) => {
  const index = (await ask(server, '/docs/source/index.txt')).body.toString().trim().split('\n');
  for (const page of ['README.md', 'docs/backend.md', 'docs/operations.md']) {
    assert.ok(index.includes(page), page);
    const answer = await ask(server, `/docs/source/${page}`);
    assert.equal(answer.body.toString(), readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8'));
  }
});
