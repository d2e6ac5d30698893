// Stands between a client and the server, so that a test can cut the server's side of the socket.
import net from 'node:net';
import { once } from 'node:events';

export class TcpProxy {
  #server;
  #pairs = new Set();
  #open = true;
  bytesToClients = 0;

  static async to(port) {
    const proxy = new TcpProxy();
    proxy.#server = net.createServer((client) => proxy.#accept(client, port));
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get port() {
    return this.#server.address().port;
  }

  #accept(client, port) {
    client.on('error', () => {});
    if (!this.#open) {
      client.destroy();
      return;
    }
    const upstream = net.connect(port, '127.0.0.1');
    const pair = { client, upstream };
    this.#pairs.add(pair);
    upstream.on('error', () => client.destroy());
    upstream.on('data', (bytes) => (this.bytesToClients += bytes.length));
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ]) {
      from.on('close', () => {
        to.destroy();
        this.#pairs.delete(pair);
      });
      from.pipe(to);
    }
  }

  // Resets every connection on both sides and refuses new ones until reopen().
  cut() {
    this.#open = false;
    for (const { client, upstream } of this.#pairs) {
      upstream.resetAndDestroy?.();
      upstream.destroy();
      client.destroy();
    }
    this.#pairs.clear();
  }

  reopen() {
    this.#open = true;
  }

  async close() {
    this.cut();
    this.#server.close();
  }
}
