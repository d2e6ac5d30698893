// Where the server's memory is: the metrics by part, and the command that shows them.
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { alone, suite, fresh } from './lib/suite.mjs';
import { testConfig } from './lib/server.mjs';
import { RawWs } from './lib/raw_ws.mjs';
import { until } from './lib/wait.mjs';

const scenario = suite();
const sanitized = /__(asan|tsan|ubsan)_/.test(readFileSync(process.env.XSHATHRA_BIN, 'latin1'));

async function parts(server) {
  const done = await server.cli('doctor', 'memory', '--url', server.url, '--json');
  assert.equal(done.code, 0, done.stderr);
  const answer = JSON.parse(done.stdout);
  return { ...answer, of: Object.fromEntries(answer.parts.map((part) => [part.part, part])) };
}

scenario('doctor memory counts connections and subscriptions, and forgets those that have gone', async (server) => {
  const before = await parts(server);
  const clients = await Promise.all(Array.from({ length: 50 }, () => RawWs.connect(server, server.token(fresh('user')))));
  for (const ws of clients) await ws.subscribe(`plain:${fresh('memory')}`);
  const held = await parts(server);
  for (const part of ['connections', 'subscriptions', 'channels', 'users'])
    assert.equal(held.of[part].objects - before.of[part].objects, 50, part);
  for (const part of ['subscriptions', 'channels', 'users'])
    assert.ok(held.of[part].bytes - before.of[part].bytes > 50 * 64, part);
  for (const ws of clients) ws.close();
  await until(async () => {
    const after = await parts(server);
    return ['subscriptions', 'channels', 'users'].every((part) => after.of[part].bytes === before.of[part].bytes);
  }, 'the parts to be as large as before');
});

scenario('what a history holds is counted until it is removed', async (server) => {
  const channel = `long:${fresh('memory')}`;
  const before = await parts(server);
  const data = 'x'.repeat(1000);
  for (let i = 0; i < 100; i++) await server.api('publish', { channel, data });
  const full = await parts(server);
  assert.ok(full.of.history.bytes - before.of.history.bytes > 100 * 1000);
  await server.api('history_remove', { channel });
  const removed = await parts(server);
  assert.ok(removed.of.history.bytes - before.of.history.bytes < 10 * 1000);
  assert.ok(removed.of.output_queues.bytes - before.of.output_queues.bytes < 10 * 1000);
});

alone('the parts add up to the resident memory within 10 percent', {}, async (server, t) => {
  const clients = await Promise.all(Array.from({ length: 100 }, () => RawWs.connect(server, server.token(fresh('user')))));
  const data = 'x'.repeat(10_000);
  for (let i = 0; i < 1000; i++) await server.api('publish', { channel: 'long:memory', data });
  const { sum, resident } = await parts(server);
  for (const ws of clients) ws.close();
  assert.ok(sum > 10_000_000);
  if (sanitized) {
    t.diagnostic('not compared with the resident memory: a sanitizer has memory of its own in this build');
    return;
  }
  assert.ok(Math.abs(sum / resident - 1) < 0.1, `parts: ${sum}, resident: ${resident}`);
  assert.ok(Math.abs(server.memory() / resident - 1) < 0.1, `the server says ${resident}`);
});

scenario('doctor memory prints a table for people', async (server) => {
  const done = await server.cli('doctor', 'memory', '--url', `${server.url}/metrics`);
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stdout, /^part +memory +share +count +each\n/);
  assert.match(done.stdout, /\nconnections +[0-9.]+ KB/);
  assert.match(done.stdout, /\nresident \(RSS\) +[0-9.]+ KB\n/);
});

alone(
  'where metrics are off, doctor memory says how they are switched on',
  { config: testConfig({ prometheus: { enabled: false } }) },
  async (server) => {
    const done = await server.cli('doctor', 'memory', '--url', server.url);
    assert.equal(done.code, 1);
    assert.match(done.stderr, /"prometheus"/);
  },
);
