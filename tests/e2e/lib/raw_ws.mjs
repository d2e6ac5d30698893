// WebSocket and the client protocol spoken by hand over one RawSocket.
import { randomBytes, createHash } from 'node:crypto';
import { RawSocket } from './raw_http.mjs';

export const OP = { CONTINUATION: 0, TEXT: 1, BINARY: 2, CLOSE: 8, PING: 9, PONG: 10 };

export function upgradeRequest({
  path = '/connection/websocket',
  key = randomBytes(16).toString('base64'),
  headers = {},
} = {}) {
  const lines = {
    Host: 'localhost',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': key,
    'Sec-WebSocket-Version': '13',
    ...headers,
  };
  const text = Object.entries(lines)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => `${name}: ${value}\r\n`);
  return `GET ${path} HTTP/1.1\r\n${text.join('')}\r\n`;
}

export const acceptKey = (key) =>
  createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');

export function frame(opcode, payload = '', { fin = true, mask = true, rsv = 0, length = undefined } = {}) {
  const body = Buffer.from(payload);
  const size = length ?? body.length;
  const head = [(fin ? 0x80 : 0) | (rsv << 4) | opcode];
  const bit = mask ? 0x80 : 0;
  if (size < 126) head.push(bit | size);
  else if (size < 65536) head.push(bit | 126, size >> 8, size & 255);
  else {
    const wide = Buffer.alloc(8);
    wide.writeBigUInt64BE(BigInt(size));
    head.push(bit | 127, ...wide);
  }
  if (!mask) return Buffer.concat([Buffer.from(head), body]);
  const key = randomBytes(4);
  const masked = Buffer.from(body.map((byte, i) => byte ^ key[i % 4]));
  return Buffer.concat([Buffer.from(head), key, masked]);
}

export const closeBody = (code, reason = '') =>
  Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]);

// The frame at the front of the bytes (a server's, never masked), or undefined when it is not all there.
function parseFrame(bytes) {
  if (bytes.length < 2) return undefined;
  if (bytes[1] & 0x80) throw new Error('the server sent a masked frame');
  let size = bytes[1] & 0x7f;
  let at = 2;
  if (size === 126) {
    if (bytes.length < 4) return undefined;
    size = bytes.readUInt16BE(2);
    at = 4;
  } else if (size === 127) {
    if (bytes.length < 10) return undefined;
    size = Number(bytes.readBigUInt64BE(2));
    at = 10;
  }
  if (bytes.length < at + size) return undefined;
  return {
    fin: (bytes[0] & 0x80) !== 0,
    rsv: (bytes[0] >> 4) & 7,
    opcode: bytes[0] & 15,
    payload: bytes.subarray(at, at + size),
    length: at + size,
  };
}

export class RawWs {
  #id = 0;
  #lines = []; // protocol objects that came in a batch and are not taken yet
  pongs = true; // answer the server's pings by itself

  static async open(server, options = {}) {
    const ws = new RawWs();
    ws.raw = await RawSocket.connect(options.port ?? server.port);
    ws.raw.write(upgradeRequest(options));
    ws.handshake = await ws.raw.response({ headOnly: true });
    if (ws.handshake.status !== 101) throw new Error(`no upgrade: ${ws.handshake.status}`);
    return ws;
  }

  // Opens and says connect; answers the connection, with its connect result in .connected.
  static async connect(server, token, options = {}) {
    const ws = await RawWs.open(server, options);
    const reply = await ws.call({ connect: { ...(token === undefined ? {} : { token }), ...options.connect } });
    if (reply.error) throw Object.assign(new Error(`connect: ${reply.error.code} ${reply.error.message}`), reply.error);
    ws.connected = reply.connect;
    return ws;
  }

  write(bytes) {
    this.raw.write(bytes);
    return this;
  }

  // Takes the next frame; null at the end of the connection.
  async frame(ms) {
    const found = await this.raw.await(
      (received, ended) => parseFrame(received) ?? (ended ? null : undefined),
      'a frame',
      ms,
    );
    if (found) this.raw.received = this.raw.received.subarray(found.length);
    return found;
  }

  // The next protocol object (reply, push or ping); {close: {code, reason}} for a close frame, null at the end.
  async next(ms) {
    for (;;) {
      if (this.#lines.length > 0) {
        const object = this.#lines.shift();
        if (Object.keys(object).length === 0 && this.pongs) {
          this.write(frame(OP.TEXT, '{}'));
          continue;
        }
        return object;
      }
      const got = await this.frame(ms);
      if (got === null) return null;
      if (got.opcode === OP.CLOSE) {
        const code = got.payload.length >= 2 ? got.payload.readUInt16BE(0) : 1005;
        return { close: { code, reason: got.payload.subarray(2).toString() } };
      }
      if (got.opcode === OP.TEXT)
        this.#lines.push(
          ...got.payload
            .toString()
            .split('\n')
            .map((line) => JSON.parse(line)),
        );
    }
  }

  // Sends a command with the next id.
  send(command) {
    this.#id += 1;
    this.write(frame(OP.TEXT, JSON.stringify({ id: this.#id, ...command })));
    return this.#id;
  }

  // Sends a command and answers its reply; what arrives before it is kept in .pushes.
  pushes = [];
  async call(command, ms) {
    const id = this.send(command);
    return this.reply(id, ms);
  }

  async reply(id, ms) {
    for (;;) {
      const object = await this.next(ms);
      if (object === null) throw new Error('the connection ended before the reply');
      if (object.close)
        throw Object.assign(new Error(`closed with ${object.close.code} ${object.close.reason}`), object.close);
      if (object.id === id) return object;
      if (object.push) this.pushes.push(object.push);
    }
  }

  // The next push, kept or new.
  async push(ms) {
    if (this.pushes.length > 0) return this.pushes.shift();
    for (;;) {
      const object = await this.next(ms);
      if (object === null) throw new Error('the connection ended before the push');
      if (object.close)
        throw Object.assign(new Error(`closed with ${object.close.code} ${object.close.reason}`), object.close);
      if (object.push) return object.push;
    }
  }

  async subscribe(channel, options = {}) {
    return this.call({ subscribe: { channel, ...options } });
  }

  // Waits for the close frame, skipping all before it.
  async closing(ms) {
    for (;;) {
      const object = await this.next(ms);
      if (object === null) throw new Error('the connection ended without a close frame');
      if (object.close) return object.close;
    }
  }

  close() {
    this.raw.close();
  }
}
