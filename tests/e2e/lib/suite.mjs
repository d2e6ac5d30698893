// One server for all tests of a file, ended by its last test; names that no other test uses.
import { before, test } from 'node:test';
import { Server } from './server.mjs';
import { endClients } from './client.mjs';

const TEST_MS = 60_000;

let serial = 0;
// A name no other test of this process uses: of a user, or the rest of a channel.
export const fresh = (word = 'x') => `${word}-${process.pid}-${(serial += 1)}`;

// suite(options): starts the server before the first test. Answers a function `scenario(name, body)`; body gets the server.
export function suite(options = {}) {
  const state = {};
  before(async () => {
    state.server = await Server.start(typeof options === 'function' ? await options() : options);
  });
  // A test and no hook, because not every runner counts a hook that fails. Asked for after the file has been read, so
  // that it is the last.
  setImmediate(() =>
    test(
      'the server of these tests ends with status 0 and without a word from a sanitizer',
      { timeout: TEST_MS },
      async () => {
        endClients();
        await state.server.end();
      },
    ),
  );
  return (name, body, more = {}) => test(name, { timeout: TEST_MS, ...more }, (t) => body(state.server, t));
}

// A scenario with a server of its own.
export function alone(name, options, body, more = {}) {
  test(name, { timeout: TEST_MS, ...more }, async (t) => {
    const server = await Server.start(typeof options === 'function' ? await options() : options);
    try {
      await body(server, t);
    } catch (error) {
      endClients();
      await server.end().catch(() => {}); // what went wrong first is what the reader needs
      throw error;
    }
    endClients();
    await server.end();
  });
}
