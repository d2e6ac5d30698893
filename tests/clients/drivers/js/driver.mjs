// Drives centrifuge (npm) as the README of tests/clients says.
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';
import { Lines, infoOf } from './words.mjs';

const require = createRequire(new URL('../../../e2e/package.json', import.meta.url));
const BUILDS = { json: require('centrifuge'), protobuf: require('centrifuge/build/protobuf') };
const WebSocket = require('ws');

const RECONNECT = { minReconnectDelay: 20, maxReconnectDelay: 200 };
const RESUBSCRIBE = { minResubscribeDelay: 20, maxResubscribeDelay: 200 };
const EVENTS = [
  'connecting',
  'connected',
  'disconnected',
  'error',
  'subscribing',
  'subscribed',
  'unsubscribed',
  'publication',
  'join',
  'leave',
];

const lines = new Lines();
const clients = new Map();

// A client by its name, with the way its encoding writes payloads.
class Driven {
  constructor({ client, url, encoding, token, getToken }) {
    this.name = client;
    this.isProtobuf = encoding === 'protobuf';
    this.build = BUILDS[encoding];
    this.centrifuge = new this.build.Centrifuge(url, {
      websocket: WebSocket,
      token: token ?? '',
      getToken: getToken ? () => this.ask({ for: 'token' }) : null,
      ...RECONNECT,
    });
    for (const name of EVENTS) this.centrifuge.on(name, (ctx) => this.tell(name, ctx));
  }

  ask(question) {
    // Each build knows its own class only.
    return lines.ask({ client: this.name, ...question }, this.build.UnauthorizedError);
  }

  encode(data) {
    return this.isProtobuf ? new TextEncoder().encode(JSON.stringify(data)) : data;
  }

  decode(data) {
    if (!this.isProtobuf || data === undefined || data === null) return data ?? undefined;
    return data.length === 0 ? undefined : JSON.parse(new TextDecoder().decode(data));
  }

  publication(ctx) {
    const info = infoOf(ctx.info, (data) => this.decode(data));
    return {
      data: this.decode(ctx.data),
      offset: ctx.offset,
      tags: ctx.tags,
      info,
      key: ctx.key,
      removed: ctx.removed,
    };
  }

  tell(event, ctx, sub) {
    const said = { event, client: this.name, channel: ctx.channel, sub };
    if (event === 'publication' || event === 'update') Object.assign(said, this.publication(ctx));
    else if (event === 'sync') said.entries = ctx.entries.map((entry) => this.publication(entry));
    else if (event === 'join' || event === 'leave') said.info = infoOf(ctx.info, (data) => this.decode(data));
    else if (event === 'error') Object.assign(said, { code: ctx.error?.code, message: ctx.error?.message });
    else if (event === 'connected') Object.assign(said, { id: ctx.client, data: this.decode(ctx.data) });
    else if (event === 'subscribed') {
      const { recoverable, positioned, wasRecovering, recovered, streamPosition } = ctx;
      Object.assign(said, {
        recoverable,
        positioned,
        wasRecovering,
        recovered,
        position: streamPosition,
        data: this.decode(ctx.data),
      });
    } else Object.assign(said, { code: ctx.code, reason: ctx.reason });
    lines.say(said);
  }

  subscription(channel) {
    return this.centrifuge.getSubscription(channel);
  }

  subscribe(channel, { token, getToken, getState, map, ...rest } = {}) {
    const known = this.subscription(channel);
    if (known) {
      known.subscribe();
      return;
    }
    const ask = (what) => () => this.ask({ for: what, channel });
    const options = { ...rest, ...RESUBSCRIBE };
    if (token) options.token = token;
    if (getToken) options.getToken = ask('subscription token');
    if (getState) options.getState = ask('state');
    const sub = map
      ? this.centrifuge.newMapSubscription(channel, options)
      : this.centrifuge.newSubscription(channel, options);
    const more = map ? ['sync', 'update'] : ['publication', 'join', 'leave'];
    for (const name of ['subscribing', 'subscribed', 'unsubscribed', 'error', ...more])
      sub.on(name, (ctx) => this.tell(name, { channel, ...ctx }, true));
    sub.subscribe();
  }
}

const commands = {
  new: (command) => void clients.set(command.client, new Driven(command)),
  connect: (c) => c.centrifuge.connect(),
  disconnect: (c) => c.centrifuge.disconnect(),
  subscribe: (c, { channel, options }) => c.subscribe(channel, options),
  unsubscribe: (c, { channel }) => c.subscription(channel).unsubscribe(),
  publish: (c, { channel, key, data }) =>
    key === undefined
      ? c.centrifuge.publish(channel, c.encode(data))
      : c.subscription(channel).publish(key, c.encode(data)),
  remove: (c, { channel, key }) => c.subscription(channel).remove(key),
  async history(c, { channel, limit, since, reverse }) {
    const { publications, offset, epoch } = await c.centrifuge.history(channel, { limit, since, reverse });
    return { publications: publications.map((pub) => c.publication(pub)), offset, epoch };
  },
  async presence(c, { channel }) {
    const { clients: present } = await c.centrifuge.presence(channel);
    const entries = Object.entries(present).map(([id, info]) => [id, infoOf(info, (data) => c.decode(data))]);
    return { clients: Object.fromEntries(entries) };
  },
  async presence_stats(c, { channel }) {
    const { numClients, numUsers } = await c.centrifuge.presenceStats(channel);
    return { numClients, numUsers };
  },
  rpc: async (c, { method, data }) => ({ data: c.decode((await c.centrifuge.rpc(method, c.encode(data))).data) }),
  end(c) {
    c.centrifuge.disconnect();
    clients.delete(c.name);
  },
};

async function obey(command) {
  try {
    const run = commands[command.do];
    const result = await (command.do === 'new' ? run(command) : run(clients.get(command.client), command));
    lines.say({ id: command.id, ok: result ?? {} });
  } catch (error) {
    lines.say({ id: command.id, error: { code: error.code, message: String(error.message ?? error) } });
  }
}

const { version } = require('./package-lock.json').packages['node_modules/centrifuge'];
lines.say({ hello: { sdk: 'centrifuge', version } });
createInterface({ input: process.stdin })
  .on('line', (line) => {
    const said = JSON.parse(line);
    if (said.answer !== undefined) lines.answered(said);
    else obey(said);
  })
  .on('close', () => process.exit(0));
