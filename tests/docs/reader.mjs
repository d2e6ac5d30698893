// What a reader does with a block: paste it into a shell, run it with node or python, or put it into a page; with the ports
// and keys of the server at hand.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { API_KEY, Server, freePort } from '../e2e/lib/server.mjs';
import { until, within } from '../e2e/lib/wait.mjs';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const RUN_MS = 60_000;
const program = resolve(process.env.XSHATHRA_BIN);

// Says that a program is here; python3 need not be.
export async function has(name) {
  const [code] = await once(spawn('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' }), 'close');
  return code === 0;
}

// Whatever goes wrong, no program outlives this one. Each leads a group of its own: the shell and what it started.
const groups = new Set();
process.on('exit', () => {
  for (const pid of groups) process.kill(-pid, 'SIGKILL');
});

async function portAnswers(port) {
  try {
    await fetch(`http://127.0.0.1:${port}/`);
    return true;
  } catch {
    return false;
  }
}

export class Reader {
  ports = new Map(); // of the page -> free ones
  children = [];

  static async start() {
    const reader = new Reader();
    reader.server = await Server.start({ config: join(root, 'centrifugo/config.json') });
    reader.keys = reader.server.firstRun();
    reader.folder = mkdtempSync(join(tmpdir(), 'xshathra-reader-'));
    symlinkSync(join(root, 'tests/e2e/node_modules'), join(reader.folder, 'node_modules'));
    for (const name of ['examples', 'centrifugo']) symlinkSync(join(root, name), join(reader.folder, name));
    reader.ports.set('3001', reader.server.port);
    for (const port of ['8080', '8081']) reader.ports.set(port, await freePort());
    reader.env = { ...process.env, SERVER_KEY: reader.keys.server_api_key, API_KEY, XSHATHRA_DATA: reader.server.data,
      PORT: String(reader.ports.get('8080')), XSHATHRA_URL: reader.server.url };
    return reader;
  }

  // The page speaks of ports of its own, and leaves out the keys.
  adapted(text) {
    let adapted = text;
    for (const [port, free] of this.ports) adapted = adapted.replaceAll(new RegExp(`\\b${port}\\b`, 'g'), String(free));
    return adapted.replaceAll('build/release/xshathra', program)
      .replaceAll('sk_…', this.keys.server_api_key).replaceAll('ck_…', this.keys.client_api_key).replaceAll('proj_…', this.keys.id);
  }

  // Starts a program in the reader's folder; its output gathers in child.said.
  spawn(command, args) {
    const child = spawn(command, args, { cwd: this.folder, env: this.env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    child.said = '';
    child.printed = '';
    child.stdout.on('data', (data) => (child.printed += data));
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (child.said += data));
    groups.add(child.pid);
    child.closed = new Promise((done) => child.once('close', (code) => {
      groups.delete(child.pid);
      child.left = true;
      done(code);
    }));
    this.children.push(child);
    return child;
  }

  end(child) {
    if (!child.left) process.kill(-child.pid, 'SIGTERM');
    return child.closed;
  }

  file(name, text) {
    const path = join(this.folder, name);
    writeFileSync(path, text);
    return path;
  }

  // Runs to its end; answers what it printed.
  async run(command, args) {
    const child = this.spawn(command, args);
    const code = await within(child.closed, `${command} to end; it said:\n${child.said}`, RUN_MS);
    if (code !== 0) throw new Error(`it left with status ${code} and said:\n${child.said}`);
    return child.printed;
  }

  shell(text) {
    return this.run('sh', ['-eu', this.file('block.sh', this.adapted(text))]);
  }

  // Something that goes on, until the last block of the page.
  async keepRunning(child, port) {
    await until(async () => {
      if (child.left) throw new Error(`it ended at once and said:\n${child.said}`);
      return portAnswers(port);
    }, 'the port to answer');
    return child;
  }

  async background(text) {
    const page = /8080|8081/.exec(text)?.[0] ?? '8080';
    // One server after the other on the page's port.
    if (this.behind) await this.end(this.behind);
    this.behind = await this.keepRunning(this.spawn('sh', ['-eu', this.file('background.sh', this.adapted(text))]), this.ports.get(page));
  }

  // Code of a page runs in node with what a browser has: a WebSocket that names its origin, and a backend behind relative URLs.
  async browser(text, channel) {
    const backend = await this.backend();
    const prelude = `import WebSocket from 'ws';
globalThis.WebSocket = class extends WebSocket {
  constructor(url, protocols) { super(url, protocols, { origin: 'http://localhost:8080' }); }
};
const network = globalThis.fetch;
globalThis.fetch = (path, options) => network(new URL(path, 'http://127.0.0.1:${backend.address().port}'), options);
`;
    this.file('prelude.mjs', prelude);
    const child = this.spawn('node', [this.file('page.mjs', `import './prelude.mjs';\n${this.adapted(text)}`)]);
    try {
      await this.hear(child, channel);
    } finally {
      await this.end(child);
      backend.close();
    }
  }

  async hear(child, channel) {
    await until(async () => {
      if (child.left) throw new Error(`it ended and said:\n${child.said}`);
      await this.server.project('publish', { channel, data: { text: 'heard in the page' } }, this.keys.server_api_key);
      return child.said.includes('heard in the page');
    }, 'the page to print what is published', 20_000);
  }

  // The routes that the pages' snippets ask.
  async backend() {
    const backend = createServer(async (request, response) => {
      let body = '';
      for await (const piece of request) body += piece;
      const { channel } = JSON.parse(body || '{}');
      const made = await this.server.project(request.url.slice(1), { userId: 'alice', channel }, this.keys.server_api_key);
      response.writeHead(made.status).end(made.text);
    });
    backend.listen(0, '127.0.0.1');
    await once(backend, 'listening');
    return backend;
  }

  async close() {
    for (const child of this.children) if (!child.left) await this.end(child);
    await this.server.end();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
