// TLS on the listeners (rows CF-20, CF-29, CF-37, CF-38, CF-227): https and wss, with certificates made by openssl on
// the spot.
import { test } from 'node:test';
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import tls from 'node:tls';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import WebSocket from 'ws';
import { API_KEY, freePort, runProgram, testConfig } from './lib/server.mjs';
import { alone } from './lib/suite.mjs';
import { connected, event, newClient, subscribed } from './lib/client.mjs';
import { until, within } from './lib/wait.mjs';

const HEAD_TIMEOUT_MS = 10_000;
const CURVE = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

const folder = mkdtempSync(join(tmpdir(), 'xshathra-tls-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

const openssl = (...args) => execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'ignore'] });

// A self-signed certificate for 127.0.0.1: files, and their text.
function selfSigned(name) {
  const cert = join(folder, `${name}.pem`);
  const key = join(folder, `${name}.key`);
  const names = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost'];
  openssl('req', '-x509', ...CURVE, '-days', '2', '-keyout', key, '-out', cert, ...names);
  return { cert, key, certText: readFileSync(cert, 'utf8'), keyText: readFileSync(key, 'utf8') };
}

// A certificate of that authority.
function signedBy(authority, name) {
  const cert = join(folder, `${name}.pem`);
  const key = join(folder, `${name}.key`);
  const request = join(folder, `${name}.csr`);
  openssl('req', '-new', ...CURVE, '-keyout', key, '-out', request, '-subj', `/CN=${name}`);
  const signer = ['-CA', authority.cert, '-CAkey', authority.key, '-CAcreateserial'];
  openssl('x509', '-req', '-in', request, ...signer, '-days', '2', '-out', cert);
  return { cert, key, certText: readFileSync(cert, 'utf8'), keyText: readFileSync(key, 'utf8') };
}

const first = selfSigned('first');
const second = selfSigned('second');
const inner = selfSigned('inner');
const member = signedBy(inner, 'member');

// One request on a connection of its own: status, text and the certificate that the server showed.
async function request(port, path, { method = 'GET', body, headers = {}, ...options } = {}) {
  const sent = https.request({ host: '127.0.0.1', port, path, method, headers, agent: false, ...options });
  sent.end(body);
  const [answer] = await within(once(sent, 'response'), `${method} ${path}`);
  const shown = answer.socket.getPeerCertificate();
  let text = '';
  for await (const piece of answer) text += piece;
  return { status: answer.statusCode, text, name: shown.subject?.CN };
}

const api = (port, method, body, options) =>
  request(port, `/api/${method}`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'Content-Type': 'application/json', 'X-API-Key': API_KEY },
    ...options,
  });

// The WebSocket of a client that trusts these certificates.
const trusting = (...ca) =>
  class extends WebSocket {
    constructor(url, protocols) {
      super(url, protocols, { ca });
    }
  };

const secureUrl = (server) => `wss://127.0.0.1:${server.port}/realtime/connection/websocket`;

const live = { cert: join(folder, 'live.pem'), key: join(folder, 'live.key') };
function goLive(pair) {
  copyFileSync(pair.cert, live.cert);
  copyFileSync(pair.key, live.key);
}

const external = await freePort();
alone(
  'https and wss serve API and clients, and SIGHUP takes new certificates while a client stays connected',
  () => {
    goLive(first);
    return {
      config: testConfig({
        http_server: {
          internal_port: String(external),
          tls: { enabled: true, cert_pem: live.cert, key_pem: live.key },
          tls_external: true,
        },
        http_api: { external: true },
      }),
      healthPort: external,
    };
  },
  async (server) => {
    const stalled = net.connect(server.port, '127.0.0.1');
    const stalledEnd = once(stalled, 'close');
    const stalledFrom = Date.now();
    stalled.on('error', () => {});
    stalled.resume();
    const ca = first.certText;
    const client = newClient(secureUrl(server), {
      token: server.token('ann'),
      websocket: trusting(first.certText, second.certText),
    });
    await connected(client);
    const sub = await subscribed(client, 'public:tls');
    const send = async (data, options) => {
      const answer = await api(server.port, 'publish', { channel: 'public:tls', data }, options);
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual((await event(sub.events, 'publication')).data, data);
      return answer;
    };
    assert.equal((await send({ n: 1 }, { ca })).name, 'first');
    await send({ large: 'x'.repeat(400_000) }, { ca });

    goLive(second);
    server.signal('SIGHUP');
    await until(
      async () => (await request(server.port, '/none', { rejectUnauthorized: false })).name === 'second',
      'the new certificate',
    );
    assert.equal((await send({ n: 2 }, { ca: second.certText })).name, 'second');

    copyFileSync(first.key, live.key);
    server.signal('SIGHUP');
    await until(() => server.stderr.includes('reload refused'), 'the reload to be refused');
    assert.match(server.stderr, /key_pem is not the key of the certificate/);
    assert.equal((await send({ n: 3 }, { ca: second.certText })).name, 'second');
    assert.equal(client.events.rest().filter((item) => item.name === 'connecting').length, 1, 'it stayed connected');

    await within(stalledEnd, 'a handshake that never began to be ended', 2 * HEAD_TIMEOUT_MS);
    assert.ok(Date.now() - stalledFrom >= HEAD_TIMEOUT_MS - 1000);
  },
);

alone(
  'plain HTTP on a TLS port is answered with 400, and TLS 1.1 with an alert',
  {
    config: testConfig({
      http_server: {
        tls: {
          enabled: true,
          cert_pem: first.certText,
          key_pem: Buffer.from(first.keyText).toString('base64'),
        },
      },
    }),
    askHealth: async (port) => (await request(port, '/health', { ca: first.certText })).status,
  },
  async (server) => {
    const answer = await server.get('/health');
    assert.equal(answer.status, 400);
    assert.equal(answer.text, 'Client sent an HTTP request to an HTTPS server.\n');
    const old = tls.connect({
      host: '127.0.0.1',
      port: server.port,
      rejectUnauthorized: false,
      minVersion: 'TLSv1.1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    });
    const [error] = await within(once(old, 'error'), 'the refusal');
    assert.match(String(error.code), /PROTOCOL_VERSION|UNSUPPORTED/);
    const good = tls.connect({ host: '127.0.0.1', port: server.port, ca: first.certText, ALPNProtocols: ['http/1.1'] });
    await within(once(good, 'secureConnect'), 'TLS');
    assert.equal(good.alpnProtocol, 'http/1.1');
    good.destroy();
  },
);

const own = await freePort();
alone(
  'the internal port has a certificate of its own and asks clients for theirs',
  {
    config: testConfig({
      http_server: {
        internal_port: String(own),
        tls: { enabled: true, cert_pem: first.cert, key_pem: first.key },
        internal_tls: { enabled: true, cert_pem: inner.cert, key_pem: inner.key, client_ca_pem: inner.cert },
      },
    }),
    healthPort: own,
    askHealth: async (port) =>
      (await request(port, '/health', { ca: inner.certText, cert: member.certText, key: member.keyText })).status,
  },
  async (server) => {
    const pair = { cert: member.certText, key: member.keyText };
    const answer = await api(own, 'info', {}, { ca: inner.certText, ...pair });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(answer.name, 'inner');
    const refused = /certificate|unknown|reset|hang up/i;
    await assert.rejects(api(own, 'info', {}, { ca: inner.certText }), refused);
    const stranger = { cert: second.certText, key: second.keyText };
    await assert.rejects(api(own, 'info', {}, { ca: inner.certText, ...stranger }), refused);
    assert.equal((await request(server.port, '/api/info', { ca: first.certText })).name, 'first');
  },
);

alone(
  'the certificate is for both ports when nothing else is said',
  async () => {
    const port = await freePort();
    return {
      config: testConfig({
        http_server: { internal_port: String(port), tls: { enabled: true, cert_pem: first.cert, key_pem: first.key } },
      }),
      healthPort: port,
      askHealth: async (at) => (await request(at, '/health', { ca: first.certText })).status,
    };
  },
  async (server) => {
    assert.equal((await request(server.healthPort, '/health', { ca: first.certText })).name, 'first');
    assert.equal((await request(server.port, '/health', { ca: first.certText })).name, 'first');
  },
);

test(
  'a key of another certificate stops check and serve with a sentence that says so',
  { timeout: 60_000 },
  async () => {
    const file = join(folder, 'mismatch.json');
    const config = { http_server: { tls: { enabled: true, cert_pem: first.cert, key_pem: second.key } } };
    writeFileSync(file, JSON.stringify(config));
    const listen = ['--address', '127.0.0.1', '--port', String(await freePort())];
    for (const args of [
      ['check', '-c', file],
      ['serve', '-c', file, '--data', join(folder, 'data'), ...listen],
    ]) {
      const done = await runProgram(args);
      assert.notEqual(done.code, 0);
      assert.match(done.stderr + done.stdout, /http_server\.tls.*key_pem is not the key of the certificate/);
    }
  },
);
