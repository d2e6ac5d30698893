// The list of scenarios, and what each is given: a server, clients of one SDK in one encoding, names of its own.
import { strict as assert } from 'node:assert';
import { readdirSync } from 'node:fs';
import { Server } from '../../e2e/lib/server.mjs';
import { TcpProxy } from '../../e2e/lib/tcp_proxy.mjs';
import { nowSeconds } from '../../e2e/lib/token.mjs';
import { DrivenClient } from './driver.mjs';

const PATH = '/connection/websocket';
const folder = new URL('../scenarios/', import.meta.url);

const list = [];

// scenario(name, body) or scenario(name, more, body). more.sdks: those that have words for it, all unless told;
// more.waits: why it is not run yet; more.namespaces: what the configuration needs for it beside NAMESPACES.
export function scenario(name, ...rest) {
  const body = rest.pop();
  list.push({ name, body, ...rest[0] });
}

export async function readScenarios() {
  const files = readdirSync(folder).filter((file) => file.endsWith('.mjs'));
  for (const file of files.sort()) await import(new URL(file, folder));
  return list;
}

export const stream = { history_size: 10, history_ttl: '300s', force_recovery: true };
export const open = { allow_subscribe_for_client: true };
const seen = { presence: true, allow_presence_for_subscriber: true };

export const NAMESPACES = [
  { name: 'room', ...open, ...stream, ...seen, allow_publish_for_subscriber: true, allow_history_for_subscriber: true },
  { name: 'plain', ...open },
  {
    name: 'asked',
    ...open,
    ...seen,
    history_size: 10,
    history_ttl: '300s',
    allow_positioning: true,
    allow_recovery: true,
    join_leave: true,
  },
  { name: 'read', ...open, history_size: 10, history_ttl: '300s', allow_history_for_subscriber: true },
  { name: 'private', ...stream, ...seen, join_leave: true, force_push_join_leave: true },
  { name: 'told', ...open, ...seen, join_leave: true, force_push_join_leave: true },
  { name: 'cache', ...open, ...stream, force_recovery_mode: 'cache' },
  { name: 'last', ...open, ...stream, force_recovery_mode: 'cache', auto_cache_recover: true },
  { name: 'tagged', ...open, ...stream, allow_tags_filter: true },
];

export const CHANNELS_OF_A_CLIENT = 4;

export function configOf(scenarios) {
  return {
    client: {
      allowed_origins: ['*'],
      channel_limit: CHANNELS_OF_A_CLIENT,
      expired_close_delay: '1s',
      expired_sub_close_delay: '1s',
      subscribe_to_user_personal_channel: { enabled: true, personal_channel_namespace: 'private' },
    },
    rpc: { ping: { enabled: true } },
    channel: { namespaces: [...NAMESPACES, ...new Set(scenarios.flatMap((one) => one.namespaces ?? []))] },
    health: { enabled: true },
  };
}

let names = 0;

// What a scenario is given, as `t`.
export class Stage {
  #ends = [];

  constructor(server, driver, encoding, config) {
    Object.assign(this, { server, driver, encoding, config });
    this.user = this.fresh('user');
  }

  // A name that no other scenario has.
  fresh(word) {
    names += 1;
    return `${word}-${names}`;
  }

  channel(namespace) {
    return `${namespace}:${this.fresh('channel')}`;
  }

  api(method, body) {
    return this.server.api(method, body);
  }

  // Publishes these one after the other.
  async publish(channel, ...values) {
    for (const data of values) await this.api('publish', { channel, data });
  }

  // A connection token of t.user that is good for that many seconds; claims may say otherwise.
  token(claims = {}, seconds = 300) {
    return this.server.token(this.user, { exp: nowSeconds() + seconds, ...claims });
  }

  subscriptionToken(channel, claims = {}, seconds = 300) {
    return this.token({ channel, ...claims }, seconds);
  }

  // A wire between clients and the server that can be cut.
  async wire() {
    const proxy = await TcpProxy.to(this.server.port);
    this.#ends.push(() => proxy.close());
    return proxy;
  }

  // A client that has not connected yet. token: undefined for the usual one, null for none. answers.token is a function
  // that makes what getToken gets; when it is there, but undefined, getToken is refused.
  async client({ token = this.token(), answers = {}, port = this.server.port, path = PATH } = {}) {
    const client = new DrivenClient(this.driver, answers);
    this.#ends.push(() => client.end());
    const url = `ws://127.0.0.1:${port}${path}`;
    await client.do('new', { url, encoding: this.encoding, token: token ?? undefined, getToken: 'token' in answers });
    return client;
  }

  async connected(options) {
    return (await this.client(options)).connected();
  }

  // A server of this scenario's own, in the place of the shared one.
  async ownServer() {
    const server = await Server.start({ config: this.config });
    this.#ends.push(() => server.end());
    this.server = server;
    return server;
  }

  // The last first: clients go before the server that they are on.
  async end() {
    let first;
    for (const end of this.#ends.reverse()) await end().catch((error) => (first ??= error));
    if (first) throw first;
  }
}

// ---- what scenarios check again and again ----

// The next publications of the channel carry these values, in this order.
export async function hears(client, channel, ...values) {
  const heard = [];
  for (const value of values) {
    const pub = await client.event('publication', channel);
    assert.deepEqual(pub.data, value);
    heard.push(pub);
  }
  return heard;
}

// The call fails with this code of the server.
export async function refused(call, code) {
  await assert.rejects(call, (error) => {
    assert.equal(error.code, code, `${error.code} ${error.message}`);
    return true;
  });
}
