// HTTP spoken by hand, so that a test decides every byte.
import net from 'node:net';
import { within } from './wait.mjs';

// A TCP connection that remembers all it received and when it ended.
export class RawSocket {
  received = Buffer.alloc(0);
  ended = false;
  #watchers = new Set();

  static connect(port) {
    const raw = new RawSocket();
    raw.socket = net.connect({ port, host: '127.0.0.1', noDelay: true, allowHalfOpen: true });
    raw.socket.on('data', (data) => {
      raw.received = Buffer.concat([raw.received, data]);
      raw.#wake();
    });
    const end = () => {
      raw.ended = true;
      raw.endedAt ??= Date.now();
      raw.#wake();
    };
    raw.socket.on('end', end);
    raw.socket.on('close', end);
    raw.socket.on('error', end);
    return within(
      new Promise((resolve, reject) => {
        raw.socket.once('connect', () => resolve(raw));
        raw.socket.once('error', reject);
      }),
      'a TCP connection',
    );
  }

  #wake() {
    for (const watcher of this.#watchers) watcher();
  }

  write(bytes) {
    if (!this.socket.destroyed && this.socket.writable) this.socket.write(bytes);
    return this;
  }

  // Waits until test(received, ended) answers something other than undefined.
  async await(test, what, ms) {
    let watcher;
    const met = new Promise((resolve) => {
      watcher = () => {
        const answer = test(this.received, this.ended);
        if (answer !== undefined) resolve(answer);
      };
      this.#watchers.add(watcher);
      watcher();
    });
    return within(
      met,
      `${what} (so far: ${JSON.stringify(this.received.toString('latin1').slice(0, 300))})`,
      ms,
    ).finally(() => this.#watchers.delete(watcher));
  }

  // Everything until the server ends the connection.
  toEnd(ms) {
    return this.await((received, ended) => (ended ? received : undefined), 'the end of the connection', ms);
  }

  // Takes the next response off the front; headOnly for answers to HEAD.
  async response({ headOnly = false, ms } = {}) {
    const found = await this.await(
      (received, ended) => {
        const answer = parseResponse(received, ended, headOnly);
        return answer ?? (ended ? null : undefined);
      },
      'a response',
      ms,
    );
    if (found === null)
      throw new Error(
        `the connection ended without a whole response: ${JSON.stringify(this.received.toString('latin1'))}`,
      );
    this.received = this.received.subarray(found.length);
    return found;
  }

  close() {
    this.socket.destroy();
  }
}

// The response at the front of the bytes, or undefined when it is not all there.
export function parseResponse(bytes, ended, headOnly = false) {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [first, ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const match = /^HTTP\/1\.1 (\d{3}) ?(.*)$/.exec(first);
  if (!match) throw new Error(`not a status line: ${JSON.stringify(first)}`);
  const headers = {};
  for (const line of lines) {
    const colon = line.indexOf(':');
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim();
  }
  const answer = { status: Number(match[1]), headers, length: end + 4, body: '' };
  if (headOnly || answer.status < 200 || answer.status === 204) return answer;
  if (headers['content-length'] !== undefined) {
    const size = Number(headers['content-length']);
    if (bytes.length < end + 4 + size) return undefined;
    answer.body = bytes.subarray(end + 4, end + 4 + size).toString();
    answer.length += size;
    return answer;
  }
  if (!ended) return undefined;
  answer.body = bytes.subarray(end + 4).toString();
  answer.length = bytes.length;
  return answer;
}
