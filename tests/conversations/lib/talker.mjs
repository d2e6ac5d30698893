// One client connection of a conversation: it writes commands in the form of the run, and hands over what comes one by one.
import { RawSocket } from '../../e2e/lib/raw_http.mjs';
import { RawWs, OP, closeBody, frame, upgradeRequest } from '../../e2e/lib/raw_ws.mjs';
import { decodeReplies, encodeCommands } from './protobuf.mjs';

const soon = () => new Promise((resolve) => setImmediate(resolve));

// The text that an object of a JSON connection came as.
export const texts = new WeakMap();

export const isPing = (object) => Object.keys(object).length === 0;

export class Talker {
  #arrived = [];
  #lastId = 0;
  unanswered = []; // ids of commands, in the order they were sent
  connected = false;
  over = false;

  constructor(form) {
    this.form = form;
    this.binary = form.encoding === 'protobuf';
  }

  // Opens the WebSocket and answers the handshake.
  async open(port, { path = '/connection/websocket', headers = {} } = {}) {
    this.ws = new RawWs();
    this.ws.raw = await RawSocket.connect(port);
    const protocol = this.binary && !/protobuf/.test(path) ? { 'Sec-WebSocket-Protocol': 'centrifuge-protobuf' } : {};
    await this.write(Buffer.from(upgradeRequest({ path, headers: { ...protocol, ...headers } })));
    const handshake = await this.ws.raw.response({ headOnly: true });
    if (handshake.status !== 101) this.over = true;
    return handshake;
  }

  // Writes bytes as the run's form wants them: together, or each by itself.
  async write(bytes) {
    if (this.form.feed !== 'split') {
      this.ws.raw.write(bytes);
      return;
    }
    for (let at = 0; at < bytes.length; at++) {
      this.ws.raw.write(bytes.subarray(at, at + 1));
      await soon();
    }
  }

  // One WebSocket message; in fragments of one byte where the form wants that.
  async message(body) {
    const bytes = Buffer.from(body);
    const opcode = this.binary ? OP.BINARY : OP.TEXT;
    if (this.form.feed !== 'fragments' || bytes.length < 2) return this.write(frame(opcode, bytes));
    const parts = [];
    for (let at = 0; at < bytes.length; at++) {
      parts.push(frame(at === 0 ? opcode : OP.CONTINUATION, bytes.subarray(at, at + 1), { fin: at === bytes.length - 1 }));
    }
    return this.write(Buffer.concat(parts));
  }

  // Gives a command the next id, unless it has one of its own or is a pong or a `send`.
  number(command) {
    if ('id' in command || isPing(command) || command.send) {
      if (command.id) this.unanswered.push(command.id);
      return command;
    }
    this.#lastId += 1;
    this.unanswered.push(this.#lastId);
    return { id: this.#lastId, ...command };
  }

  // Commands that share one message.
  send(commands) {
    return this.message(this.binary ? encodeCommands(commands) : commands.map((one) => JSON.stringify(one)).join('\n'));
  }

  closes(code, reason) {
    return this.write(frame(OP.CLOSE, closeBody(code, reason)));
  }

  // The next reply, push or ping; {close} of a close frame, {end: true} when TCP ended without one.
  async next(ms) {
    while (this.#arrived.length === 0) {
      const got = await this.ws.frame(ms);
      if (got === null) {
        this.over = true;
        return { end: true };
      }
      if (got.opcode === OP.CLOSE) {
        this.over = true;
        const code = got.payload.length >= 2 ? got.payload.readUInt16BE(0) : 1005;
        return { close: { code, reason: got.payload.subarray(2).toString() } };
      }
      if (got.opcode === OP.PING || got.opcode === OP.PONG) continue;
      if (got.opcode !== (this.binary ? OP.BINARY : OP.TEXT)) throw new Error(`a frame with opcode ${got.opcode} came`);
      this.#arrived.push(...this.#decode(got.payload));
    }
    return this.#arrived.shift();
  }

  #decode(payload) {
    if (this.binary) return decodeReplies(payload);
    return payload
      .toString()
      .split('\n')
      .map((line) => {
        const object = JSON.parse(line);
        texts.set(object, line);
        return object;
      });
  }

  // The next one that is no ping, unless pings are wanted; a ping passed over is answered.
  async take({ pings = false, ms }) {
    for (;;) {
      const object = await this.next(ms);
      if (pings || !isPing(object)) return object;
      await this.send([{}]);
    }
  }

  leave() {
    this.over = true;
    this.ws?.raw?.close();
  }
}
