// An unmodified centrifuge-js client, with its events in queues.
import { Centrifuge } from 'centrifuge';
import WebSocket from 'ws';
import { Queue, within } from './wait.mjs';

// Clients that a test made and must not leave behind.
const open = new Set();

// A client; `options` go to centrifuge-js. Its events are in client.events: {name, ctx}. Class: of centrifuge-js, JSON's unless told.
export function newClient(url, options = {}, Class = Centrifuge) {
  const client = new Class(url, {
    websocket: WebSocket,
    minReconnectDelay: 20,
    maxReconnectDelay: 100,
    timeout: 10_000,
    ...options,
  });
  client.events = new Queue();
  for (const name of [
    'connecting',
    'connected',
    'disconnected',
    'error',
    'publication',
    'subscribed',
    'subscribing',
    'unsubscribed',
    'join',
    'leave',
  ]) {
    client.on(name, (ctx) => client.events.push({ name, ctx }));
  }
  open.add(client);
  return client;
}

export async function connected(client) {
  client.connect();
  await within(client.ready(), 'the client to be connected');
  return client;
}

// A subscription whose events are in sub.events: {name, ctx}; resolves when it is subscribed.
export async function subscribed(client, channel, options = {}) {
  const sub = newSubscription(client, channel, options);
  sub.subscribe();
  sub.first = (
    await sub.events.takeWhere((event) => {
      if (event.name === 'unsubscribed') throw new Error(`unsubscribed: ${event.ctx.code} ${event.ctx.reason}`);
      return event.name === 'subscribed';
    }, `${channel} to be subscribed`)
  ).ctx;
  return sub;
}

export function newSubscription(client, channel, options = {}) {
  const sub = client.newSubscription(channel, { minResubscribeDelay: 20, maxResubscribeDelay: 100, ...options });
  sub.events = new Queue();
  for (const name of ['subscribing', 'subscribed', 'unsubscribed', 'publication', 'join', 'leave', 'error']) {
    sub.on(name, (ctx) => sub.events.push({ name, ctx }));
  }
  return sub;
}

export const event = (queue, name, ms) =>
  queue.takeWhere((item) => item.name === name, `the event "${name}"`, ms).then((item) => item.ctx);

// Ends every client that is still open; to be called when a file's tests are over.
export function endClients() {
  for (const client of open) {
    client.removeAllListeners();
    client.disconnect();
  }
  open.clear();
}
