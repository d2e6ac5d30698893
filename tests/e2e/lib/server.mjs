// The program under test: one process with a configuration, a data folder and secrets of its own.
import { spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync, readFileSync, rmSync, existsSync } from 'node:fs';
import net from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { strict as assert } from 'node:assert';
import { sign, nowSeconds } from './token.mjs';
import { until, within } from './wait.mjs';

const START_MS = 20_000;
const STOP_MS = 20_000;
const CLI_MS = 20_000;
const SANITIZER =
  /AddressSanitizer|LeakSanitizer|ThreadSanitizer|UndefinedBehaviorSanitizer|runtime error:|assertion failed/i;

export const SECRET = 'the-secret-that-end-to-end-tests-share';
export const API_KEY = 'the-engine-api-key-of-end-to-end-tests';

// Namespaces for every kind of permission that the tests need.
export const NAMESPACES = [
  {
    name: 'public',
    allow_subscribe_for_client: true,
    history_size: 10,
    history_ttl: '300s',
    force_recovery: true,
    presence: true,
    allow_presence_for_subscriber: true,
    allow_history_for_subscriber: true,
  },
  { name: 'private', history_size: 10, history_ttl: '300s', force_recovery: true },
  {
    name: 'chat',
    allow_subscribe_for_client: true,
    allow_publish_for_subscriber: true,
    presence: true,
    join_leave: true,
    force_push_join_leave: true,
    allow_presence_for_subscriber: true,
  },
  { name: 'open', allow_subscribe_for_client: true, allow_subscribe_for_anonymous: true },
  { name: 'plain', allow_subscribe_for_client: true },
  { name: 'users', allow_user_limited_channels: true },
  {
    name: 'long',
    allow_subscribe_for_client: true,
    history_size: 20000,
    history_ttl: '300s',
    force_recovery: true,
    allow_history_for_client: true,
  },
];

export function testConfig(changes = {}) {
  const config = {
    client: { allowed_origins: ['http://localhost:*', 'http://127.0.0.1:*'] },
    channel: { namespaces: NAMESPACES },
    health: { enabled: true },
    prometheus: { enabled: true },
    ...changes,
  };
  config.client = { allowed_origins: ['http://localhost:*', 'http://127.0.0.1:*'], ...changes.client };
  return config;
}

// Below the ports that the kernel gives to clients, and in a block of this process's own: a port handed out by the kernel
// can be handed out again, to a test file beside this one, before the server has it.
const PORTS_FROM = 10_000;
const PORT_BLOCKS = 200;
const PORTS_IN_BLOCK = 100;
let portsTaken = 0;

export async function freePort() {
  for (;;) {
    const port = PORTS_FROM + (process.pid % PORT_BLOCKS) * PORTS_IN_BLOCK + (portsTaken++ % PORTS_IN_BLOCK);
    const probe = net.createServer().listen(port, '127.0.0.1');
    const free = await Promise.race([
      once(probe, 'listening').then(() => true),
      once(probe, 'error').then(() => false),
    ]).catch(() => false);
    if (!free) continue;
    probe.close();
    await once(probe, 'close');
    return port;
  }
}

const running = new Set();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export class Server {
  stderr = '';
  stdout = '';

  // config: an object, or the path of a file; workers: 2 unless told; env: more environment (null takes one away);
  // healthPort: where /health answers, when that is not the public port; askHealth: how, when not by plain HTTP.
  static async start({
    config = testConfig(),
    workers = 2,
    env = {},
    args = [],
    data = undefined,
    healthPort = undefined,
    askHealth = undefined,
  } = {}) {
    const server = new Server();
    server.folder = mkdtempSync(join(tmpdir(), 'xshathra-e2e-'));
    server.data = data ?? join(server.folder, 'data');
    server.configFile = typeof config === 'string' ? config : join(server.folder, 'config.json');
    if (typeof config !== 'string') server.writeConfig(config);
    server.port = await freePort();
    server.healthPort = healthPort ?? server.port;
    server.askHealth = askHealth;
    server.workers = workers;
    server.args = args;
    server.env = {
      ...process.env,
      CENTRIFUGO_TOKEN_HMAC_SECRET_KEY: SECRET,
      CENTRIFUGO_API_KEY: API_KEY,
      ASAN_OPTIONS: 'detect_leaks=1:abort_on_error=0',
      UBSAN_OPTIONS: 'print_stacktrace=1',
      TSAN_OPTIONS: 'halt_on_error=0:second_deadlock_stack=1',
      ...env,
    };
    for (const name of Object.keys(server.env)) if (server.env[name] === null) delete server.env[name];
    await server.launch();
    return server;
  }

  writeConfig(config) {
    writeFileSync(this.configFile, JSON.stringify(config, null, 2));
  }

  // Starts the process on the port and folder of before, and waits until it is healthy.
  async launch() {
    const args = [
      'serve',
      '-c',
      this.configFile,
      '--data',
      this.data,
      '--address',
      '127.0.0.1',
      '--port',
      String(this.port),
      '--workers',
      String(this.workers),
      ...this.args,
    ];
    this.child = spawn(process.env.XSHATHRA_BIN, args, { env: this.env, stdio: ['ignore', 'pipe', 'pipe'] });
    const child = this.child;
    running.add(child);
    this.stderr = '';
    child.stdout.on('data', (text) => (this.stdout += text));
    child.stderr.on('data', (text) => (this.stderr += text));
    this.exited = new Promise((resolve) =>
      child.once('close', (code, signal) => {
        running.delete(child);
        this.exit = { code, signal };
        resolve(this.exit);
      }),
    );
    this.exit = null;
    await until(
      async () => {
        if (this.exit)
          throw new Error(`the server ended at once with ${JSON.stringify(this.exit)}:\n${this.stderr}${this.stdout}`);
        return (await this.health()) === 200 && existsSync(join(this.data, 'first-run.txt'));
      },
      'the server to be healthy and to have left its keys',
      START_MS,
    );
  }

  async health() {
    try {
      if (this.askHealth) return await this.askHealth(this.healthPort);
      return (await fetch(`http://127.0.0.1:${this.healthPort}/health`)).status;
    } catch {
      return 0;
    }
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  wsUrl(path = '/realtime/connection/websocket', port = this.port) {
    return `ws://127.0.0.1:${port}${path}`;
  }

  // ---- HTTP ----

  async request(method, path, { body, headers = {} } = {}) {
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const response = await within(
      fetch(this.url + path, { method, body: text, headers, redirect: 'manual' }),
      `${method} ${path}`,
    );
    const answer = { status: response.status, headers: response.headers, text: await response.text() };
    try {
      answer.json = JSON.parse(answer.text);
    } catch {
      answer.json = undefined;
    }
    return answer;
  }

  get(path, options) {
    return this.request('GET', path, options);
  }

  post(path, body, headers = {}) {
    return this.request('POST', path, { body, headers: { 'Content-Type': 'application/json', ...headers } });
  }

  // A call of the engine's server API that must succeed; answers its result.
  async api(method, body = {}, { project, headers = {}, prefix = '/api' } = {}) {
    const answer = await this.apiAnswer(method, body, { project, headers, prefix });
    assert.equal(answer.status, 200, `${method}: ${answer.text}`);
    assert.equal(answer.json?.error, undefined, `${method}: ${answer.text}`);
    return answer.json.result;
  }

  apiAnswer(method, body = {}, { project, headers = {}, prefix = '/api' } = {}) {
    return this.post(`${prefix}/${method}`, body, {
      'X-API-Key': API_KEY,
      ...(project ? { 'X-Xshathra-Project': project } : {}),
      ...headers,
    });
  }

  // A call of the project API with a project's server key.
  project(endpoint, body, key) {
    return this.post(`/api/realtime/${endpoint}`, body, key ? { Authorization: `apikey ${key}` } : {});
  }

  // Mints a connection token through the project API, as a backend does.
  async mint(key, userId, more = {}) {
    const answer = await this.project('token', { userId, ...more }, key);
    assert.equal(answer.status, 200, answer.text);
    return answer.json.token;
  }

  async mintSubscription(key, userId, channel, more = {}) {
    const answer = await this.project('subscription-token', { userId, channel, ...more }, key);
    assert.equal(answer.status, 200, answer.text);
    return answer.json.token;
  }

  // Signs a connection token as a backend that shares the engine's secret.
  token(user, claims = {}, secret = SECRET, alg = 'HS256') {
    return sign({ sub: user, exp: nowSeconds() + 300, ...claims }, secret, alg);
  }

  // ---- command line ----

  async cli(...args) {
    return runProgram(args, this.env);
  }

  // A `project` command on this server's folder that must succeed; answers its JSON.
  async projectCommand(...args) {
    const done = await this.cli('project', ...args, '--data', this.data, '--json');
    assert.equal(done.code, 0, `project ${args.join(' ')}: ${done.stderr}${done.stdout}`);
    return done.stdout.trim() === '' ? undefined : JSON.parse(done.stdout);
  }

  createProject(name) {
    return this.projectCommand('create', name);
  }

  async projects() {
    const listed = await this.projectCommand('list');
    return Array.isArray(listed) ? listed : listed.projects;
  }

  async defaultProject() {
    return (await this.projects()).find((project) => project.name === 'Default');
  }

  // The Default project's keys as the first start left them for the operator.
  firstRun() {
    const text = readFileSync(join(this.data, 'first-run.txt'), 'utf8');
    return {
      text,
      id: /proj_[A-Za-z0-9_-]+/.exec(text)?.[0],
      server_api_key: /sk_[A-Za-z0-9_.-]+/.exec(text)?.[0],
      client_api_key: /ck_[A-Za-z0-9_.-]+/.exec(text)?.[0],
    };
  }

  // ---- the end ----

  signal(name) {
    this.child.kill(name);
  }

  // The resident memory of the process, in bytes (Linux).
  memory() {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${this.child.pid}/status`, 'utf8'))[1]) * 1024;
  }

  // Ends it as an operator does; it must leave with status 0 and nothing from a sanitizer.
  async stop(signal = 'SIGTERM') {
    if (!this.exit) this.signal(signal);
    const exit = await within(this.exited, `the server to end; it said:\n${this.stderr}`, STOP_MS).catch((error) => {
      this.child.kill('SIGKILL');
      throw error;
    });
    assert.equal(SANITIZER.exec(this.stderr), null, this.stderr);
    assert.deepEqual(exit, { code: 0, signal: null }, this.stderr);
    return exit;
  }

  // Stops and starts again with the same port and data.
  async restart() {
    await this.stop();
    await this.launch();
  }

  async end() {
    try {
      await this.stop();
    } finally {
      if (existsSync(this.folder)) rmSync(this.folder, { recursive: true, force: true });
    }
  }
}

// Runs the program with arguments to its end.
export async function runProgram(args, env = process.env, { input, ms = CLI_MS } = {}) {
  const child = spawn(process.env.XSHATHRA_BIN, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
  running.add(child);
  child.stdin.end(input);
  const done = { stdout: '', stderr: '' };
  child.stdout.on('data', (text) => (done.stdout += text));
  child.stderr.on('data', (text) => (done.stderr += text));
  const [code, signal] = await within(once(child, 'close'), `xshathra ${args.join(' ')}`, ms).catch((error) => {
    child.kill('SIGKILL');
    throw error;
  });
  running.delete(child);
  assert.equal(SANITIZER.exec(done.stderr), null, done.stderr);
  return { ...done, code, signal };
}
