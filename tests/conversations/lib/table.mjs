// Reads a table (*.talk): servers with their options, and scenarios, each a list of steps. README.md explains the language.
import { parseValue, isWhole, wrap } from './value.mjs';

const REPLIES = ['connect', 'subscribe', 'unsubscribe', 'publish', 'presence', 'presence_stats', 'history', 'rpc', 'refresh', 'sub_refresh'];
const COMMANDS = [...REPLIES, 'send', 'ping'];
const PUSHES = ['pub', 'join', 'leave', 'unsubscribe', 'message', 'subscribe', 'refresh'];
const FLAGS = ['json only', 'protobuf only', 'whole only', 'in turn', 'unsettled', 'ours only'];

// ---- lines ----

// Logical lines {number, indent, text}: without comments, a line with open brackets together with the next ones.
function* logicalLines(source) {
  let open = null;
  for (const [at, raw] of source.split('\n').entries()) {
    const line = raw.trimEnd();
    if (/^\s*(#|$)/.test(line)) continue;
    if (open) open.text += ` ${line.trim()}`;
    else open = { number: at + 1, indent: /^\s*/.exec(line)[0].length, text: line.trim() };
    if (open.indent > 0 && !isWhole(open.text)) continue;
    yield open;
    open = null;
  }
  if (open) yield open;
}

class Line {
  constructor(text) {
    this.rest = text;
  }

  // Takes what the pattern finds at the front.
  take(pattern) {
    const found = new RegExp(`^(?:${pattern.source})`).exec(this.rest);
    if (!found) return null;
    this.rest = this.rest.slice(found[0].length).trimStart();
    return found;
  }

  word(word) {
    return this.take(new RegExp(`${word}(?![\\w-])`)) !== null;
  }

  value() {
    const { value, rest } = parseValue(this.rest);
    this.rest = rest;
    return value;
  }

  // A value when there is one left, else the other.
  valueOr(other) {
    return /^["[{<\d-]|^(true|false|null|[a-z0-9]+\()/.test(this.rest) ? this.value() : other;
  }

  end() {
    if (this.rest !== '') throw new Error(`"${this.rest}" is too much`);
  }
}

// ---- steps ----

function readAnswer(line) {
  if (line.word('error')) {
    const code = Number(line.take(/\d+/)[0]);
    return { status: 200, error: { code, message: line.value() } };
  }
  const status = line.take(/\d{3}(?!\d)/);
  if (!status) return { status: 200, result: line.value() };
  return { status: Number(status[0]), body: line.valueOr(undefined) };
}

function readApi(line) {
  const method = line.take(/[\w/]+/)[0];
  const body = line.valueOr(undefined);
  const headers = line.word('with') ? line.value() : undefined;
  return { act: 'api', method, body, headers };
}

function readHttp(line) {
  const [method] = line.take(/[A-Z]+/);
  const [path] = line.take(/\S+/);
  const body = line.valueOr(undefined);
  const headers = line.word('with') ? line.value() : undefined;
  return { act: 'http', verb: method, path, body, headers };
}

function readSend(line) {
  if (line.word('pong')) return { act: 'send', command: null };
  if (line.word('text')) return { act: 'raw', plain: line.value() };
  if (line.word('hex')) return { act: 'raw', hex: line.value() };
  if (line.word('close')) return { act: 'close', code: Number(line.take(/\d+/)[0]), reason: line.valueOr('') };
  if (line.rest.startsWith('{')) return { act: 'send', whole: line.value() };
  const kind = line.take(/\w+/)?.[0];
  if (!COMMANDS.includes(kind)) throw new Error(`"${kind}" is no command: ${COMMANDS.join(', ')}, pong, text, hex, close or {…}`);
  return { act: 'send', kind, command: line.valueOr(wrap({})) };
}

function readExpect(line) {
  const step = { act: 'expect', anyOrder: line.take(/\*/) !== null };
  if (line.word('ping')) return { ...step, what: 'ping' };
  if (line.word('end')) return { ...step, what: 'end' };
  if (line.word('close')) return { ...step, what: 'close', code: Number(line.take(/\d+/)[0]), reason: line.valueOr('') };
  if (line.word('error')) {
    const code = Number(line.take(/\d+/)[0]);
    return { ...step, what: 'error', code, message: line.value(), temporary: line.word('temporary') };
  }
  if (line.word('text')) return { ...step, what: 'text', exact: line.value() };
  if (line.word('push')) {
    const kind = line.take(/\w+/)?.[0];
    if (!PUSHES.includes(kind)) throw new Error(`"${kind}" is no push: ${PUSHES.join(', ')}`);
    const channel = line.rest.startsWith('"') ? line.value() : undefined;
    return { ...step, what: 'push', kind, channel, body: line.valueOr(wrap({})) };
  }
  if (line.rest.startsWith('{')) return { ...step, what: 'object', body: line.value() };
  const kind = line.take(/\w+/)?.[0];
  if (!REPLIES.includes(kind)) throw new Error(`"${kind}" is no reply: ${REPLIES.join(', ')}, error, push, close, ping, end, text or {…}`);
  return { ...step, what: 'reply', kind, body: line.valueOr(wrap({})) };
}

// `a connects as "x" claims {…} request {…}` is three steps: open, send, expect.
function readConnects(line, at) {
  const user = line.word('as') ? line.value() : undefined;
  const claims = line.word('claims') ? line.value() : undefined;
  const request = line.word('request') ? line.value() : undefined;
  const open = line.word('with') ? line.value() : undefined;
  return [
    { ...at, act: 'open', headers: open },
    { ...at, act: 'send', kind: 'connect', login: { user, claims, request } },
    { ...at, act: 'expect', what: 'connected' },
  ];
}

function readTalk(line, at) {
  if (line.word('connects')) return readConnects(line, at);
  if (line.word('opens')) {
    const path = line.word('at') ? line.value() : undefined;
    const headers = line.word('with') ? line.value() : undefined;
    return [{ ...at, act: 'open', path, headers }];
  }
  if (line.word('is') && line.word('refused')) return [{ ...at, act: 'refused', status: Number(line.take(/\d+/)[0]) }];
  if (line.word('leaves')) return [{ ...at, act: 'leave' }];
  if (line.take(/>/)) return [{ ...at, ...readSend(line) }];
  if (line.take(/</)) return [{ ...at, ...readExpect(line) }];
  throw new Error(`"${line.rest}" is nothing that ${at.who} can do: opens, connects, leaves, > or <`);
}

function readStep(line, at) {
  const times = line.take(/(\d+) times:/);
  if (times) {
    const body = readStep(line, at);
    if (body.some((step) => step.act !== 'api' && step.act !== 'send')) throw new Error('only api and > can be done many times');
    return body.map((step) => ({ ...step, times: Number(times[1]) }));
  }
  const until = line.word('until');
  if (line.word('api')) return [{ ...at, ...readApi(line), until }];
  if (line.word('http')) return [{ ...at, ...readHttp(line), until }];
  const wait = line.take(/wait (\d+(?:\.\d+)?)s (.*)/);
  if (wait) return [{ ...at, act: 'wait', seconds: Number(wait[1]), why: wait[2] }];
  const who = line.take(/[a-z]\w*/)?.[0];
  if (!who) throw new Error(`"${line.rest}" is no step`);
  return readTalk(line, { ...at, who });
}

// ---- files ----

// Merges `value` under a dotted path into the configuration; {…} at the path stays open to further lines.
function setOption(config, path, value) {
  const names = path.split('.');
  const last = names.pop();
  let at = config;
  for (const name of names) at = at[name] ??= {};
  at[last] = value;
}

class Table {
  servers = new Map();
  scenarios = [];
  #server = null;
  #scenario = null;
  #defaultServer = null;

  constructor(file) {
    this.file = file;
  }

  top(text, number) {
    const line = new Line(text);
    this.#server = null;
    if (line.word('server')) {
      const name = line.take(/[\w-]+/)[0];
      this.#server = { name, lines: [], base: line.word('like') ? line.take(/[\w-]+/)[0] : null };
      this.servers.set(name, this.#server);
      line.end();
    } else if (line.word('on')) {
      this.#defaultServer = line.take(/[\w-]+/)[0];
      this.#scenario = null;
      line.end();
    } else if (line.word('scenario')) {
      this.#scenario = { name: line.rest, file: this.file, line: number, rows: [], flags: new Set(), server: this.#defaultServer, steps: [] };
      this.scenarios.push(this.#scenario);
    } else throw new Error(`"${text}" is none of: server NAME, on SERVER, scenario WORDS`);
  }

  option(text) {
    const line = new Line(text.replace(/ # .*$/, ''));
    const path = line.take(/([\w.]+):/)?.[1];
    if (!path) throw new Error(`an option reads "path.of.it: value"`);
    this.#server.lines.push([path, line.value()]);
    line.end();
  }

  step(text, number) {
    const scenario = this.#scenario;
    const line = new Line(text);
    if (line.word('rows')) {
      scenario.rows.push(...line.rest.split(/\s+/));
      return;
    }
    if (line.word('on')) {
      scenario.server = line.rest;
      return;
    }
    if (FLAGS.includes(text)) {
      scenario.flags.add(text);
      return;
    }
    if (line.take(/=/)) {
      const last = scenario.steps.at(-1);
      if (!last || (last.act !== 'api' && last.act !== 'http') || last.answer) throw new Error('"=" stands behind api or http');
      last.answer = readAnswer(line);
      line.end();
      return;
    }
    scenario.steps.push(...readStep(line, { number, text }));
    line.end();
  }

  read(source) {
    for (const { number, indent, text } of logicalLines(source)) {
      try {
        if (indent === 0) this.top(text, number);
        else if (this.#server) this.option(text);
        else if (this.#scenario) this.step(text, number);
        else throw new Error('neither a server nor a scenario is open');
      } catch (error) {
        throw new Error(`${this.file}:${number}: ${error.message}`);
      }
    }
    return this;
  }
}

// The servers and scenarios of a file's text.
export function readTable(file, source) {
  const table = new Table(file).read(source);
  for (const scenario of table.scenarios) {
    const where = `${file}:${scenario.line}`;
    if (!scenario.server) throw new Error(`${where}: the scenario names no server`);
    if (scenario.steps.length === 0) throw new Error(`${where}: the scenario has no steps`);
  }
  return table;
}

// The configuration of a server of the tables, options of the one it is like first.
export function configOf(name, servers, fill) {
  const server = servers.get(name);
  if (!server) throw new Error(`no server is called "${name}": ${[...servers.keys()].join(', ')}`);
  const config = server.base ? configOf(server.base, servers, fill) : {};
  for (const [path, value] of server.lines) setOption(config, path, fill(value));
  return config;
}
