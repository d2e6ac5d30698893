// The servers that scenarios are played on: ours, a Centrifugo started with the same configuration, or one at a URL.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Server, freePort } from '../../e2e/lib/server.mjs';
import { until } from '../../e2e/lib/wait.mjs';

export const SECRET = 'the-secret-that-conversations-share';
export const API_KEY = 'the-api-key-that-conversations-share';

const OUR_PATIENCE_MS = 15_000;
const THEIR_PATIENCE_MS = 8_000;
const START_MS = 20_000;

// What every server needs beside the options of its table.
export function wholeConfig(config) {
  const client = { ...config.client };
  client.token = { hmac_secret_key: SECRET, ...client.token };
  const server = { ...config, client, health: { enabled: true, ...config.health } };
  server.http_api = { key: API_KEY, ...config.http_api };
  return server;
}

// A request by hand, so that nothing of it is changed on its way. Answers {status, type, body}: JSON is parsed.
function request(port, method, path, body, headers) {
  const text = body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  const length = text === undefined ? {} : { 'Content-Length': Buffer.byteLength(text) };
  const given = Object.fromEntries(Object.entries({ ...length, ...headers }).filter(([, value]) => value !== null));
  return new Promise((resolve, reject) => {
    const asking = http.request({ host: '127.0.0.1', port, method, path, headers: given, agent: false }, (answer) => {
      let all = '';
      answer.on('data', (part) => (all += part));
      answer.on('end', () => resolve({ status: answer.statusCode, type: answer.headers['content-type'], body: parsed(all) }));
      answer.on('error', reject);
    });
    asking.on('error', reject);
    asking.end(text);
  });
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const reachable = (port, patience, { apiKey = API_KEY, secret = SECRET } = {}) => ({
  port,
  patience,
  apiKey,
  secret,
  request: (verb, path, body, headers) => request(port, verb, path, body, headers),
});

export async function startOurs(config) {
  const server = await Server.start({
    config: wholeConfig(config),
    env: { CENTRIFUGO_TOKEN_HMAC_SECRET_KEY: null, CENTRIFUGO_API_KEY: null },
  });
  return { ...reachable(server.port, OUR_PATIENCE_MS), end: () => server.end() };
}

const children = new Set();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

export async function startTheirs(binary, config) {
  const folder = mkdtempSync(join(tmpdir(), 'conversations-'));
  const port = await freePort();
  const file = join(folder, 'config.json');
  const whole = wholeConfig(config);
  writeFileSync(file, JSON.stringify({ ...whole, http_server: { ...whole.http_server, address: '127.0.0.1', port } }));
  const child = spawn(binary, ['-c', file], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.add(child);
  let output = '';
  child.stdout.on('data', (text) => (output = (output + text).slice(-4000)));
  child.stderr.on('data', (text) => (output = (output + text).slice(-4000)));
  let ended = false;
  child.once('exit', () => {
    ended = true;
    children.delete(child);
  });
  const theirs = reachable(port, THEIR_PATIENCE_MS);
  await until(
    async () => {
      if (ended) throw new Error(`the other server ended at once:\n${output}`);
      return theirs.request('GET', '/health', undefined, {}).then(
        ({ status }) => status === 200,
        () => false,
      );
    },
    'the other server to be healthy',
    START_MS,
  );
  const end = () => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  return { ...theirs, end };
}

// A server that is there already, on this machine.
export function serverAt(url, secrets) {
  return { ...reachable(Number(new URL(url).port || 80), THEIR_PATIENCE_MS, secrets), end: () => {} };
}
