// `xshathra bench`, the load generator, on a real server: what it counts is what happened.
import { strict as assert } from 'node:assert';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, SECRET, testConfig } from './lib/server.mjs';
import { alone } from './lib/suite.mjs';
import { nowSeconds, sign } from './lib/token.mjs';
import { until, within } from './lib/wait.mjs';

const folder = mkdtempSync(join(tmpdir(), 'xshathra-load-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));

const config = testConfig({
  websocket: { compression: true, compression_min_size: 1 },
  channel: {
    namespaces: [
      { name: 'load', allow_subscribe_for_client: true, allow_publish_for_client: true },
      { name: 'quiet', allow_subscribe_for_client: true },
    ],
  },
});

// Runs the load; answers its status, its JSON and what it wrote beside.
async function load(url, options, env = {}, onChild = () => {}) {
  const args = ['bench', url, '--json', ...options];
  const child = spawn(process.env.XSHATHRA_BIN, args, {
    env: { ...process.env, XSHATHRA_BENCH_TOKEN_SECRET: SECRET, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (text) => (out += text));
  child.stderr.on('data', (text) => (err += text));
  const ended = new Promise((resolve) => child.once('close', resolve));
  onChild(child);
  const status = await within(ended, 'the load to end', 60_000);
  return { status, err, result: out ? JSON.parse(out) : null };
}

const plan = ['-c', '50', '--channels', '5', '--channel', 'load:', '-r', '100', '-d', '1s', '--ramp', '100ms'];

alone('every publish of a load reaches all ten subscribers of its channel, in either encoding and compressed', { config }, async (server) => {
  for (const how of [[], ['--protobuf'], ['--deflate'], ['--protobuf', '--deflate']]) {
    const { status, result, err } = await load(server.wsUrl(), [...plan, ...how]);
    assert.equal(status, 0, `${how}: ${err} ${JSON.stringify(result)}`);
    assert.equal(result.connected, 50);
    assert.equal(result.published, 100);
    assert.equal(result.acknowledged, 100);
    assert.equal(result.delivered, 1000);
    assert.equal(result.deliveries_due, 1000);
    assert.equal(result.delivery_ms.count, 1000);
    assert.ok(result.delivery_ms.p50 > 0 && result.delivery_ms.p50 <= result.delivery_ms['p99.9']);
    assert.deepEqual(result.errors, []);
  }
});

alone('connections of a load with several channels each are in all of them', { config }, async (server) => {
  const options = ['-c', '6', '--channels', '4', '--subscriptions', '2', '--channel', 'load:', '-d', '30s'];
  const running = load(server.wsUrl(), options, {}, async (child) => {
    await until(
      async () => {
        const { channels } = await server.api('channels');
        const counts = [0, 1, 2, 3].map((i) => channels[`load:${i}`]?.num_clients);
        return counts.every((count) => count === 3);
      },
      'three of the six connections in each of the four channels',
      20_000,
    );
    child.kill('SIGINT');
  });
  const { status, result } = await running;
  assert.equal(status, 1);
  assert.equal(result.ended_early, true);
  assert.equal(result.connected, 6);
});

alone('what a server refuses is counted by its reason', { config }, async (server) => {
  const refused = await load(server.wsUrl(), ['-c', '3', '--channel', 'quiet:', '-r', '10', '-d', '500ms']);
  assert.equal(refused.status, 1);
  assert.equal(refused.result.refused, 5);
  assert.deepEqual(refused.result.errors, [{ text: 'error 103: permission denied', count: 5 }]);

  const unknown = await load(server.wsUrl(), ['-c', '3', '--channel', 'nowhere:', '-d', '0s']);
  assert.deepEqual(unknown.result.errors, [{ text: 'error 102: unknown channel', count: 3 }]);
  assert.equal(unknown.result.failed, 3);

  const wrong = { XSHATHRA_BENCH_TOKEN_SECRET: 'not-the-secret' };
  const strangers = await load(server.wsUrl(), ['-c', '2', '-d', '0s'], wrong);
  assert.deepEqual(strangers.result.errors, [{ text: 'closed with 3500: invalid token', count: 2 }]);
  assert.ok(!JSON.stringify(strangers).includes('not-the-secret'));
});

alone('a load takes its tokens from a file, and its secret too', { config }, async (server) => {
  const tokens = join(folder, 'tokens');
  writeFileSync(tokens, ['ann', 'bob'].map((sub) => `${sign({ sub, exp: nowSeconds() + 600 }, SECRET)}\r\n\n`).join(''));
  const secret = join(folder, 'secret');
  writeFileSync(secret, `${SECRET}\n`);
  for (const who of [['--token-file', tokens], ['--secret-file', secret]]) {
    const { status, result, err } = await load(server.wsUrl(), ['-c', '5', '--channel', 'load:', '-d', '0s', ...who], {
      XSHATHRA_BENCH_TOKEN_SECRET: 'wrong',
    });
    assert.equal(status, 0, `${who}: ${err} ${JSON.stringify(result)}`);
  }
});

const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
async function withTls() {
  const names = ['-subj', '/CN=load', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  execFileSync('openssl', ['req', '-x509', ...curve, '-days', '2', '-keyout', key, '-out', cert, ...names], {
    stdio: 'ignore',
  });
  const healthPort = await freePort();
  const tls = { enabled: true, cert_pem: cert, key_pem: key };
  const http_server = { internal_port: String(healthPort), tls, tls_external: true };
  return { healthPort, config: { ...config, http_server: { ...config.http_server, ...http_server } } };
}

alone('a load over wss believes a certificate only when it has a reason to', withTls, async (server) => {
  const url = server.wsUrl().replace('ws:', 'wss:');
  const refused = await load(url, ['-c', '2', '-d', '0s']);
  assert.equal(refused.status, 1);
  assert.match(refused.result.errors[0].text, /self.signed certificate/i);
  for (const trust of [{ options: ['--insecure'], env: {} }, { options: [], env: { SSL_CERT_FILE: cert } }]) {
    const { status, result, err } = await load(url, [...plan, ...trust.options], trust.env);
    assert.equal(status, 0, `${err} ${JSON.stringify(result)}`);
    assert.equal(result.delivered, 1000);
  }
});
