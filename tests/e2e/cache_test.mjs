// Recovery in cache mode: at most the latest publication, which is what a dashboard or a price wants.
import { strict as assert } from 'node:assert';
import { suite, fresh } from './lib/suite.mjs';
import { RawWs } from './lib/raw_ws.mjs';
import { testConfig } from './lib/server.mjs';

const cached = {
  allow_subscribe_for_client: true, history_size: 3, history_ttl: '60s', force_recovery: true, force_recovery_mode: 'cache',
};
const scenario = suite({
  config: testConfig({ channel: { namespaces: [{ name: 'price', ...cached }, { name: 'auto', ...cached, auto_cache_recover: true }] } }),
});

async function reading(server) {
  return RawWs.connect(server, server.token('ann'));
}

scenario('recovering from nothing brings the latest publication only', async (server) => {
  const channel = `price:${fresh()}`;
  for (let data = 1; data <= 5; data++) await server.api('publish', { channel, data });
  const ws = await reading(server);
  const { subscribe } = await ws.subscribe(channel, { recover: true });
  assert.equal(subscribe.recovered, true);
  assert.equal(subscribe.was_recovering, true);
  assert.deepEqual(subscribe.publications.map((p) => [p.data, p.offset]), [[5, 5]]);
  ws.close();
});

scenario('whoever stands at the latest publication gets nothing twice', async (server) => {
  const channel = `price:${fresh()}`;
  const result = await server.api('publish', { channel, data: 1 });
  const ws = await reading(server);
  const { subscribe } = await ws.subscribe(channel, { recover: true, offset: result.offset, epoch: result.epoch });
  assert.equal(subscribe.recovered, true);
  assert.equal(subscribe.publications, undefined);
  ws.close();
});

scenario('a lost or foreign position still gets the latest publication', async (server) => {
  const channel = `price:${fresh()}`;
  for (let data = 1; data <= 9; data++) await server.api('publish', { channel, data });
  const ws = await reading(server);
  const { subscribe } = await ws.subscribe(channel, { recover: true, offset: 1, epoch: 'foreign' });
  assert.equal(subscribe.recovered, true);
  assert.deepEqual(subscribe.publications.map((p) => p.data), [9]);
  ws.close();
});

scenario('an empty cache is not recovered', async (server) => {
  const channel = `price:${fresh()}`;
  const ws = await reading(server);
  const { subscribe } = await ws.subscribe(channel, { recover: true });
  assert.equal(subscribe.recovered, undefined);
  assert.equal(subscribe.publications, undefined);
  await server.api('publish', { channel, data: 'live' });
  assert.equal((await ws.push()).pub.data, 'live');
  ws.close();
});

scenario('auto_cache_recover brings it to a client that did not ask', async (server) => {
  const channel = `auto:${fresh()}`;
  await server.api('publish', { channel, data: 'latest' });
  const ws = await reading(server);
  const { subscribe } = await ws.subscribe(channel);
  assert.equal(subscribe.recovered, true);
  assert.equal(subscribe.was_recovering, true);
  assert.deepEqual(subscribe.publications.map((p) => p.data), ['latest']);
  ws.close();
});
