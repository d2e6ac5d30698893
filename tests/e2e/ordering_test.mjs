// Order is the recovery protocol: with four workers, many publishers and clients that come, go and recover, every stream
// is gapless, free of duplicates and in order. ./dev test runs it on the delayed broker too, ./dev test tsan under the
// thread sanitizer.
import { strict as assert } from 'node:assert';
import { suite, fresh } from './lib/suite.mjs';
import { newClient, newSubscription, connected, event } from './lib/client.mjs';
import { testConfig } from './lib/server.mjs';
import { RawWs } from './lib/raw_ws.mjs';
import { TcpProxy } from './lib/tcp_proxy.mjs';
import { until } from './lib/wait.mjs';

// A client that is kept away for long on a busy machine may miss more than the 300 publications of the default.
const scenario = suite({
  workers: 4,
  config: testConfig({ client: { recovery_max_publication_limit: 20_000 } }),
});

const CHANNELS = 3;
const PUBLISHERS_PER_CHANNEL = 4;
const PUBLISHES = 250; // of each publisher
const CLIENTS = 12;
const CUTS = 15; // of each client's connection
const LONG = { timeout: 240_000 };
const FINISH_MS = 120_000;

// The publishes of one publisher, one after the other; each carries publisher and number.
async function publisher(server, channel, who) {
  for (let n = 1; n <= PUBLISHES; n++) await server.api('publish', { channel, data: { who, n } });
}

// Checks one stream as it arrives: offsets by one, each publisher's numbers by one.
class Stream {
  numbers = new Map();

  constructor(name, offset) {
    this.name = name;
    this.offset = offset;
  }

  take({ offset, data }) {
    assert.equal(offset, this.offset + 1, `${this.name}: offset ${offset} after ${this.offset}`);
    this.offset = offset;
    const last = this.numbers.get(data.who);
    if (last !== undefined)
      assert.equal(data.n, last + 1, `${this.name}: publisher ${data.who} says ${data.n} after ${last}`);
    this.numbers.set(data.who, data.n);
  }
}

scenario(
  'clients whose sockets are cut again and again hear every publication once and in order',
  async (server) => {
    const channels = Array.from({ length: CHANNELS }, () => `long:${fresh()}`);
    const failures = [];
    const listeners = await Promise.all(
      Array.from({ length: CLIENTS }, async (_, i) => {
        const proxy = await TcpProxy.to(server.port);
        const client = await connected(
          newClient(server.wsUrl(undefined, proxy.port), { token: server.token(`user-${i}`) }),
        );
        const streams = channels.map((channel) => {
          const stream = new Stream(`client ${i}, ${channel}`, 0);
          const sub = client.newSubscription(channel, { minResubscribeDelay: 10, maxResubscribeDelay: 50 });
          sub.on('subscribed', (ctx) => {
            if (ctx.wasRecovering && !ctx.recovered) failures.push(`${stream.name}: not recovered`);
          });
          sub.on('publication', (pub) => {
            try {
              stream.take(pub);
            } catch (error) {
              failures.push(error.message);
            }
          });
          sub.subscribe();
          stream.ready = sub.ready();
          return stream;
        });
        await Promise.all(streams.map((stream) => stream.ready));
        return { proxy, client, streams };
      }),
    );

    const cutting = listeners.map(async ({ proxy, client }, i) => {
      for (let round = 0; round < CUTS; round++) {
        proxy.cut();
        await until(() => client.state !== 'connected', `client ${i} to notice the cut`, 20_000);
        proxy.reopen();
        await client.ready(20_000);
      }
    });
    const writing = channels.flatMap((channel) =>
      Array.from({ length: PUBLISHERS_PER_CHANNEL }, (_, who) => publisher(server, channel, who)),
    );
    await Promise.all([...writing, ...cutting]);

    const total = PUBLISHERS_PER_CHANNEL * PUBLISHES;
    await until(
      () => failures.length > 0 || listeners.every(({ streams }) => streams.every((stream) => stream.offset === total)),
      'every client to have heard everything',
      FINISH_MS,
    );
    assert.deepEqual(failures, []);
    for (const { proxy, client } of listeners) {
      client.disconnect();
      await proxy.close();
    }
  },
  LONG,
);

scenario(
  'clients that come and go in the middle of a stream begin where their position says, without gap or repetition',
  async (server) => {
    const channel = `long:${fresh()}`;
    let writing = true;
    const writers = Promise.all(
      Array.from({ length: PUBLISHERS_PER_CHANNEL }, (_, who) => publisher(server, channel, who)),
    ).finally(() => (writing = false));
    const visitor = async (who) => {
      let visits = 0;
      while (writing) {
        const ws = await RawWs.connect(server, server.token(`visitor-${who}`));
        const { subscribe } = await ws.subscribe(channel);
        const stream = new Stream(`visit ${visits} of ${who}`, subscribe.offset ?? 0);
        for (let heard = 0; heard < 10 && writing; heard++) {
          const push = await ws.push(5000).catch(() => null);
          if (push === null) break; // the writers have finished meanwhile
          stream.take(push.pub);
        }
        ws.close();
        visits += 1;
        // What it missed since comes back in one piece.
        const back = await RawWs.connect(server, server.token(`visitor-${who}`));
        const again = await back.subscribe(channel, { recover: true, offset: stream.offset, epoch: subscribe.epoch });
        if (again.subscribe.recovered) for (const pub of again.subscribe.publications ?? []) stream.take(pub);
        else assert.fail(`${stream.name} did not recover`);
        back.close();
      }
      return visits;
    };
    const visits = await Promise.all([0, 1, 2, 3].map(visitor));
    await writers;
    assert.ok(
      visits.every((count) => count > 0),
      `visits: ${visits}`,
    );
  },
  LONG,
);

scenario(
  "publications of channels without history reach every steady client once and in each publisher's order",
  async (server) => {
    const channel = `plain:${fresh()}`;
    const sockets = await Promise.all(
      Array.from({ length: CLIENTS }, async (_, i) => {
        const ws = await RawWs.connect(server, server.token(`user-${i}`));
        await ws.subscribe(channel);
        return ws;
      }),
    );
    const writers = Promise.all(
      Array.from({ length: PUBLISHERS_PER_CHANNEL }, (_, who) => publisher(server, channel, who)),
    );
    await Promise.all(
      sockets.map(async (ws, i) => {
        const numbers = new Map();
        for (let heard = 0; heard < PUBLISHERS_PER_CHANNEL * PUBLISHES; heard++) {
          const { who, n } = (await ws.push()).pub.data;
          assert.equal(n, (numbers.get(who) ?? 0) + 1, `client ${i}, publisher ${who}`);
          numbers.set(who, n);
        }
        ws.close();
      }),
    );
    await writers;
  },
  LONG,
);

scenario(
  'all subscribers see the publications of many publishers in one and the same order',
  async (server) => {
    const channel = `plain:${fresh()}`;
    const sockets = await Promise.all(
      Array.from({ length: CLIENTS }, async (_, i) => {
        const ws = await RawWs.connect(server, server.token(`user-${i}`));
        await ws.subscribe(channel);
        return ws;
      }),
    );
    const total = PUBLISHERS_PER_CHANNEL * PUBLISHES;
    const writers = Promise.all(
      Array.from({ length: PUBLISHERS_PER_CHANNEL }, (_, who) => publisher(server, channel, who)),
    );
    const orders = await Promise.all(
      sockets.map(async (ws) => {
        const order = [];
        while (order.length < total) {
          const { who, n } = (await ws.push()).pub.data;
          order.push(`${who}:${n}`);
        }
        ws.close();
        return order.join(' ');
      }),
    );
    await writers;
    assert.equal(new Set(orders).size, 1, 'two subscribers saw different orders');
  },
  LONG,
);

scenario(
  "a publish by a client is heard by others in the order of the client's commands",
  async (server) => {
    const channel = `chat:${fresh()}`;
    const client = await connected(newClient(server.wsUrl(), { token: server.token('speaker') }));
    const sub = newSubscription(client, channel);
    sub.subscribe();
    await event(sub.events, 'subscribed');
    const ears = await Promise.all(
      [0, 1, 2, 3].map(async (i) => {
        const ws = await RawWs.connect(server, server.token(`ear-${i}`));
        await ws.subscribe(channel);
        return ws;
      }),
    );
    const saying = Promise.all(Array.from({ length: 200 }, (_, n) => sub.publish({ n })));
    for (const ws of ears) {
      for (let n = 0; n < 200;) {
        const push = await ws.push();
        if (!push.pub) continue; // joins
        assert.equal(push.pub.data.n, n);
        n += 1;
      }
      ws.close();
    }
    await saying;
    client.disconnect();
  },
  LONG,
);
