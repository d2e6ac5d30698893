// Deadlines: a peer that stalls in any state, at any byte, is ended on time. The stalls of a table run side by side.
import { strict as assert } from 'node:assert';
import { testConfig, API_KEY } from './lib/server.mjs';
import { suite } from './lib/suite.mjs';
import { RawSocket } from './lib/raw_http.mjs';
import { RawWs, OP, frame, upgradeRequest, closeBody } from './lib/raw_ws.mjs';

const STALE_MS = 2000;
const HEADERS_MS = 10_000;
const BODY_MS = 30_000;
const IDLE_MS = 30_000;
const CLOSING_MS = 5000;
const PONG_MS = 4000 + 1000; // the longest time to the first ping, and the time to answer it
// How late an end may come: timers are coarse, and the machine may be busy.
const SLACK_MS = 4000;

const scenario = suite({
  config: testConfig({ client: { stale_close_delay: `${STALE_MS}ms`, ping_interval: '4s', pong_timeout: '1s' } }),
});

// Opens a socket for each prefix, and asserts that each ends within the deadline and not at once.
async function allEnd(server, prefixes, deadlineMs, earliestMs = 0) {
  const begun = Date.now();
  const late = [];
  const early = [];
  await Promise.all(
    prefixes.map(async (bytes) => {
      const raw = await RawSocket.connect(server.port);
      raw.write(bytes);
      await raw.toEnd(deadlineMs + SLACK_MS).catch(() => late.push(bytes.length));
      if (raw.endedAt - begun < earliestMs) early.push(bytes.length);
      raw.close();
    }),
  );
  assert.deepEqual(late, [], 'still open after its deadline, by bytes sent');
  assert.deepEqual(early, [], 'ended before its deadline, by bytes sent');
}

const prefixesOf = (bytes, from, to) => Array.from({ length: to - from }, (_, i) => bytes.subarray(0, from + i));

const tables = {
  'a peer that stalls at any byte of a handshake is ended when the time for headers is over': async (server) => {
    const bytes = Buffer.from(upgradeRequest());
    await allEnd(server, prefixesOf(bytes, 0, bytes.length), HEADERS_MS, HEADERS_MS / 2);
  },

  'a peer that trickles headers byte by byte is ended all the same': async (server) => {
    const raw = await RawSocket.connect(server.port);
    raw.write('GET /health HTTP/1.1\r\nHost: h\r\nX: ');
    const trickle = setInterval(() => raw.write('y'), 200);
    await raw.toEnd(HEADERS_MS + SLACK_MS).finally(() => clearInterval(trickle));
    raw.close();
  },

  'a peer that stalls at any byte of its first frame is closed as stale': async (server) => {
    const handshake = Buffer.from(upgradeRequest());
    const command = frame(OP.TEXT, JSON.stringify({ id: 1, connect: { token: server.token('ann') } }));
    const whole = Buffer.concat([handshake, command]);
    await allEnd(server, prefixesOf(whole, handshake.length, whole.length), STALE_MS + CLOSING_MS);
  },

  'a connected peer that stalls at any byte of a frame is closed when its pong is due': async (server) => {
    const command = frame(OP.TEXT, JSON.stringify({ id: 2, subscribe: { channel: 'plain:a' } }));
    await Promise.all(
      prefixesOf(command, 0, command.length).map(async (bytes) => {
        const ws = await RawWs.connect(server, server.token('ann'));
        ws.pongs = false;
        ws.write(bytes);
        assert.equal((await ws.closing(PONG_MS + SLACK_MS)).code, 3012, `after ${bytes.length} bytes`);
        await ws.raw.toEnd(CLOSING_MS + SLACK_MS);
        ws.close();
      }),
    );
  },

  'a connected peer that sends an unfinished message and only pongs frames is closed when its pong is due': async (
    server,
  ) => {
    const ws = await RawWs.connect(server, server.token('ann'));
    ws.pongs = false;
    ws.write(frame(OP.TEXT, '{"id":2,', { fin: false }));
    const pongs = setInterval(() => ws.write(frame(OP.PONG, '')), 200);
    assert.equal((await ws.closing(PONG_MS + SLACK_MS).finally(() => clearInterval(pongs))).code, 3012);
    ws.close();
  },

  'a peer that stalls at any byte of a body is ended when the time for bodies is over': async (server) => {
    const body = JSON.stringify({ channel: 'plain:a', data: 1 });
    const whole = Buffer.from(
      `POST /api/publish HTTP/1.1\r\nHost: h\r\nX-API-Key: ${API_KEY}\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await allEnd(server, prefixesOf(whole, whole.length - body.length, whole.length), BODY_MS, HEADERS_MS / 2);
  },

  'a peer that stalls at any byte of a chunked body is ended when the time for bodies is over': async (server) => {
    const start = `POST /api/publish HTTP/1.1\r\nHost: h\r\nX-API-Key: ${API_KEY}\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const whole = Buffer.from(`${start}2;a=b\r\n{}\r\n0\r\nT: x\r\n\r\n`);
    await allEnd(server, prefixesOf(whole, start.length, whole.length), BODY_MS, HEADERS_MS / 2);
  },

  'a peer that trickles a body byte by byte is ended all the same': async (server) => {
    const raw = await RawSocket.connect(server.port);
    raw.write(`POST /api/publish HTTP/1.1\r\nHost: h\r\nX-API-Key: ${API_KEY}\r\nContent-Length: 1000\r\n\r\n`);
    const trickle = setInterval(() => raw.write(' '), 200);
    await raw.toEnd(BODY_MS + SLACK_MS).finally(() => clearInterval(trickle));
    raw.close();
  },

  'a kept connection without a request is ended when the idle time is over': async (server) => {
    const raw = await RawSocket.connect(server.port);
    raw.write('GET /health HTTP/1.1\r\nHost: h\r\n\r\n');
    assert.equal((await raw.response()).status, 200);
    const begun = Date.now();
    await raw.toEnd(IDLE_MS + SLACK_MS);
    assert.ok(raw.endedAt - begun > HEADERS_MS, `after ${raw.endedAt - begun} ms`);
    raw.close();
  },

  'a peer that does not answer a close frame is ended after the time for closing': async (server) => {
    const ws = await RawWs.open(server);
    ws.write(frame(OP.TEXT, 'nonsense'));
    assert.equal((await ws.closing()).code, 3501);
    await ws.raw.toEnd(CLOSING_MS + SLACK_MS);
    ws.close();
  },

  'a peer that goes on sending after a close frame is ended after the time for closing': async (server) => {
    const ws = await RawWs.open(server);
    ws.write(frame(OP.TEXT, 'nonsense'));
    assert.equal((await ws.closing()).code, 3501);
    const chatter = setInterval(() => ws.write(frame(OP.TEXT, '{}')), 50);
    await ws.raw.toEnd(CLOSING_MS + SLACK_MS).finally(() => clearInterval(chatter));
    ws.close();
  },

  'a peer that answers a close frame but keeps its side of TCP open is ended': async (server) => {
    const ws = await RawWs.open(server);
    ws.write(frame(OP.TEXT, 'nonsense'));
    const { code } = await ws.closing();
    ws.write(frame(OP.CLOSE, closeBody(code)));
    await ws.raw.toEnd(CLOSING_MS + SLACK_MS);
    ws.close();
  },

  'a peer that asks much and reads nothing is ended': async (server) => {
    const raw = await RawSocket.connect(server.port);
    raw.socket.pause();
    raw.write('GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n'.repeat(20_000));
    // A reset by the server shows as an error on our writes, an end only to a reader: so read again after the deadline.
    const closed = new Promise((resolve) => raw.socket.once('close', resolve));
    const deadline = new Promise((resolve) => setTimeout(resolve, IDLE_MS + SLACK_MS));
    await Promise.race([closed, deadline]);
    raw.socket.resume();
    await raw.toEnd(SLACK_MS);
    raw.close();
  },
};

scenario(
  'each stalled peer is ended on time',
  async (server, t) => {
    await Promise.all(
      Object.entries(tables).map(([name, body]) => t.test(name, { timeout: 60_000 }, () => body(server))),
    );
  },
  { concurrency: true, timeout: 120_000 },
);

scenario('after all the stalls the server still serves', async (server) => {
  const ws = await RawWs.connect(server, server.token('ann'));
  assert.ok((await ws.subscribe('plain:a')).subscribe);
  ws.close();
});
