// Each metric, provoked by what it counts and read back from /metrics.
import { strict as assert } from 'node:assert';
import { alone, suite, fresh } from './lib/suite.mjs';
import { newClient, connected } from './lib/client.mjs';
import { RawWs, OP, frame } from './lib/raw_ws.mjs';
import { testConfig } from './lib/server.mjs';
import { until } from './lib/wait.mjs';

const open = { allow_subscribe_for_client: true };
const history = { history_size: 10, history_ttl: '60s', force_recovery: true };
const config = testConfig({
  prometheus: { enabled: true, recovered_publications_histogram: true },
  channel: {
    namespaces: [
      { name: 'plain', ...open },
      { name: 'hist', ...open, ...history, allow_history_for_client: true },
      { name: 'cache', ...open, ...history, force_recovery_mode: 'cache' },
      { name: 'chat', ...open, presence: true, join_leave: true, force_push_join_leave: true,
        allow_presence_for_subscriber: true, allow_publish_for_subscriber: true },
      { name: 'closed' },
    ],
  },
});
const scenario = suite({ config });

// All samples: "name{labels in order}" -> number. Labels that are empty are left out, as Prometheus does.
async function samples(server) {
  const { text } = await server.get('/metrics');
  const found = new Map();
  for (const line of text.split('\n')) {
    const match = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line);
    if (!match) continue;
    const labels = [...(match[2] ?? '').matchAll(/(\w+)="([^"]*)"/g)].filter(([, , value]) => value !== '');
    const key = labels.map(([, name, value]) => `${name}=${value}`).sort().join(',');
    found.set(`${match[1].replace(/^centrifugo_/, '')}{${key}}`, Number(match[3]));
  }
  return found;
}

// What body() adds to each sample; waits until the wanted ones have grown by exactly so much.
async function grows(server, wanted, body) {
  const before = await samples(server);
  await body();
  const same = () => Object.keys(wanted).every((key) => grown[key] === wanted[key]);
  let grown;
  await until(
    async () => {
      const after = await samples(server);
      grown = Object.fromEntries(Object.keys(wanted).map((key) => [key, (after.get(key) ?? 0) - (before.get(key) ?? 0)]));
      return same();
    },
    'the metrics to grow',
  ).catch((error) => {
    if (!grown || same()) throw error;
    assert.deepEqual(grown, wanted);
  });
}

const action = (name) => `node_action_count{action=${name}}`;
const connect = (server, user = fresh('user'), options = {}) => RawWs.connect(server, server.token(user), options);

scenario('actions: connections, subscriptions and what a broker is asked for them', async (server) => {
  const [hist, cache, chat] = [`hist:${fresh()}`, `cache:${fresh()}`, `chat:${fresh()}`];
  let kept;
  const { epoch } = await server.api('publish', { channel: hist, data: 1 });
  await server.api('publish', { channel: cache, data: 1 });
  await grows(server, {
    [action('add_client')]: 2, [action('remove_client')]: 1, [action('add_subscription')]: 5, [action('remove_subscription')]: 3,
    [action('broker_subscribe')]: 5, [action('broker_unsubscribe')]: 3, [action('add_presence')]: 1,
    [action('remove_presence')]: 1, [action('history')]: 4, [action('history_stream_top')]: 2,
    [action('history_recover')]: 1, [action('history_recover_cache')]: 1,
  }, async () => {
    const ws = await connect(server);
    await ws.subscribe(hist);
    await ws.call({ unsubscribe: { channel: hist } });
    await ws.subscribe(hist, { recover: true, offset: 0, epoch });
    await ws.subscribe(cache, { recover: true });
    await ws.subscribe(chat);
    await ws.call({ unsubscribe: { channel: chat } });
    const other = await connect(server);
    await other.subscribe(`hist:${fresh()}`);
    other.close();
    kept = ws; // subscribed until all is counted
  });
  kept.close();
});

scenario('actions: presence, history and survey of clients and of the server API', async (server) => {
  const [hist, chat] = [`hist:${fresh()}`, `chat:${fresh()}`];
  const ws = await connect(server);
  await ws.subscribe(hist);
  await ws.subscribe(chat);
  await grows(server, {
    [action('presence')]: 2, [action('presence_stats')]: 2, [action('history')]: 2, [action('history_remove')]: 1,
    [action('survey')]: 1, 'node_survey_duration_seconds_count{op=channels}': 1,
    'node_survey_duration_seconds_histogram_count{op=channels}': 1,
  }, async () => {
    await ws.call({ presence: { channel: chat } });
    await server.api('presence', { channel: chat });
    await ws.call({ presence_stats: { channel: chat } });
    await server.api('presence_stats', { channel: chat });
    await ws.call({ history: { channel: hist, limit: 1 } });
    await server.api('history', { channel: hist, limit: 1 });
    await server.api('history_remove', { channel: hist });
    await server.api('channels', {});
  });
  ws.close();
});

scenario('gauges of the node, and its build', async (server) => {
  const [ann, channel] = [fresh('ann'), `plain:${fresh()}`];
  const sockets = [await connect(server, ann), await connect(server, ann), await connect(server)];
  for (const ws of sockets) await ws.subscribe(channel);
  await sockets[0].subscribe(`plain:${fresh()}`);
  const wanted = { num_clients: 3, num_users: 2, num_subscriptions: 4, num_channels: 2, num_nodes: 1 };
  await until(async () => {
    const now = await samples(server);
    return Object.entries(wanted).every(([name, value]) => now.get(`node_${name}{}`) === value);
  }, `the gauges to be ${JSON.stringify(wanted)}`);
  const { nodes } = await server.api('info');
  assert.equal((await samples(server)).get(`node_build{version=${nodes[0].version}}`), 1);
  for (const ws of sockets) ws.close();
});

// on one worker: a message is received on each that has subscribers
alone('messages sent and received, the time of broadcasts and how old they are', { config, workers: 1 }, async (server) => {
  const channel = `chat:${fresh()}`;
  const first = await connect(server);
  await first.subscribe(channel);
  await first.push(); // its own join
  const second = await connect(server); // a late broker makes the leave known when the first has left
  await second.subscribe(channel);
  await second.push();
  await first.push();
  await grows(server, {
    'node_messages_sent_count{type=publication}': 2, 'node_messages_received_count{type=publication}': 2,
    'node_messages_sent_count{type=join}': 1, 'node_messages_received_count{type=join}': 1,
    'node_messages_sent_count{type=leave}': 1, 'node_messages_received_count{type=leave}': 1,
    'node_broadcast_duration_seconds_count{type=publication}': 2, 'node_broadcast_duration_seconds_count{type=join}': 1,
  }, async () => {
    await server.api('publish', { channel, data: 1 });
    await first.call({ publish: { channel, data: 2 } });
    await first.call({ unsubscribe: { channel } });
    await first.subscribe(channel);
  });
  const after = await samples(server);
  assert.ok(after.get('node_pub_sub_lag_seconds_count{}') >= 2);
  assert.ok(after.get('node_pub_sub_lag_seconds_bucket{le=10}') >= 2);
  assert.ok(after.has('node_broadcast_duration_seconds_bucket{le=1e-06,type=publication}'));
  first.close();
  second.close();
});

scenario('commands: how long they take and what errors they get', async (server) => {
  const duration = (method) => `client_command_duration_seconds_count{method=${method}}`;
  const inHistogram = (method) => `client_command_duration_seconds_histogram_count{method=${method}}`;
  await grows(server, {
    [duration('connect')]: 2, [duration('subscribe')]: 2, [duration('publish')]: 1, [duration('presence')]: 1,
    [duration('presence_stats')]: 1, [duration('history')]: 1, [duration('rpc')]: 1, [duration('send')]: 1,
    [duration('refresh')]: 1, [duration('sub_refresh')]: 1, [duration('unsubscribe')]: 1,
    [inHistogram('connect')]: 2, [inHistogram('subscribe')]: 2, [inHistogram('send')]: 1,
    'client_num_reply_errors{code=103,method=subscribe}': 1, 'client_num_reply_errors{code=108,method=history}': 1,
    'client_num_reply_errors{code=108,method=rpc}': 1,
  }, async () => {
    const channel = `chat:${fresh()}`;
    const user = fresh('user');
    const ws = await connect(server, user);
    await ws.subscribe(channel);
    assert.equal((await ws.subscribe(`closed:${fresh()}`)).error.code, 103);
    await ws.call({ publish: { channel, data: 1 } });
    await ws.call({ presence: { channel } });
    await ws.call({ presence_stats: { channel } });
    assert.equal((await ws.call({ history: { channel } })).error.code, 108);
    assert.equal((await ws.call({ rpc: { method: 'none' } })).error.code, 108);
    await ws.call({ refresh: { token: server.token(user) } });
    await ws.call({ sub_refresh: { channel, token: 'x' } }).catch(() => {}); // closes with 3500
    ws.close();
    const again = await connect(server);
    await again.call({ unsubscribe: { channel } });
    again.write(frame(OP.TEXT, JSON.stringify({ send: { data: 1 } })));
    assert.equal((await again.closing()).code, 3508);
    again.close();
  });
});

scenario('summaries have the quantiles 0.5, 0.99 and 0.999', async (server) => {
  const ws = await connect(server);
  await server.api('publish', { channel: `plain:${fresh()}`, data: 1 });
  const now = await samples(server);
  for (const quantile of ['0.5', '0.99', '0.999']) {
    for (const name of ['client_command_duration_seconds{method=connect', 'api_command_duration_seconds{method=publish,protocol=http']) {
      const value = now.get(`${name},quantile=${quantile}}`);
      assert.ok(value > 0 && value < 10, `${name} ${quantile}: ${value}`);
    }
  }
  ws.close();
});

scenario('what the server ends: unsubscribes, disconnects and close frames by code', async (server) => {
  await grows(server, {
    'client_num_server_unsubscribes{code=2000}': 1, 'client_num_server_disconnects{code=3503}': 1,
    'client_num_server_disconnects{code=3501}': 1, 'transport_outgoing_close_count{code=3503,transport=websocket}': 1,
    'transport_outgoing_close_count{code=3501,transport=websocket}': 1,
  }, async () => {
    const user = fresh('user');
    const channel = `plain:${fresh()}`;
    const ws = await connect(server, user);
    await ws.subscribe(channel);
    await server.api('unsubscribe', { user, channel });
    assert.equal((await ws.push()).unsubscribe.code, 2000);
    await server.api('disconnect', { user });
    assert.equal((await ws.closing()).code, 3503);
    const bad = await connect(server);
    bad.write(frame(OP.TEXT, '{"id":5}'));
    assert.equal((await bad.closing()).code, 3501);
    ws.close();
    bad.close();
  });
});

scenario('recoveries by success and by whether they brought anything, and how much they brought', async (server) => {
  const channel = `hist:${fresh()}`;
  let epoch;
  for (let data = 1; data <= 3; data++) ({ epoch } = await server.api('publish', { channel, data }));
  const recover = (yes, has) => `client_recover{has_recovered_publications=${has},recovered=${yes}}`;
  await grows(server, {
    [recover('yes', 'yes')]: 2, [recover('yes', 'no')]: 1, [recover('no', 'no')]: 1,
    'client_recovered_publications_count{}': 3, 'client_recovered_publications_sum{}': 4,
    'client_recovered_publications_bucket{le=0}': 1, 'client_recovered_publications_bucket{le=1}': 2,
    'client_recovered_publications_bucket{le=3}': 3,
  }, async () => {
    for (const [offset, of] of [[0, epoch], [2, epoch], [3, epoch], [1, 'other']]) {
      const ws = await connect(server);
      await ws.subscribe(channel, { recover: true, offset, epoch: of });
      ws.close();
    }
  });
});

alone('the time between a ping and its pong', {
  config: testConfig({ client: { ping_interval: '1s', pong_timeout: '500ms' } }),
}, async (server) => {
  const ws = await connect(server);
  const key = 'client_ping_pong_duration_seconds_count{transport=websocket}';
  const before = (await samples(server)).get(key) ?? 0;
  assert.equal(ws.connected.ping, 1);
  const answering = ws.next(5000).catch(() => null); // answers pings by itself
  await until(async () => ((await samples(server)).get(key) ?? 0) > before, 'a pong to be counted');
  ws.close();
  await answering;
});

scenario('connections by the name and version of their client, and subscriptions, which are never counted as accepted', async (server) => {
  const accepted = (labels) => `client_connections_accepted{${labels},transport=websocket}`;
  const inflight = (labels) => `client_connections_inflight{${labels},transport=websocket}`;
  const anonymous = 'client_name=unnamed,client_version=unversioned';
  const named = 'client_name=unregistered,client_version=unregistered';
  const known = 'client_name=unregistered,client_version=unversioned';
  const sockets = [];
  await until(async () => (await samples(server)).get('node_num_clients{}') === 0, 'the connections before to be gone');
  await grows(server, {
    [accepted(anonymous)]: 1, [accepted(named)]: 1, [accepted(known)]: 1, [inflight(anonymous)]: 1, [inflight(named)]: 1,
    [inflight(known)]: 1, 'client_subscriptions_inflight{client_name=unnamed}': 1,
    'client_subscriptions_inflight{client_name=unregistered}': 2,
  }, async () => {
    sockets.push(await connect(server));
    sockets.push(await connect(server, fresh('user'), { connect: { name: 'swift', version: '1.2.3' } }));
    for (const ws of sockets) await ws.subscribe(`plain:${fresh()}`);
    const js = await connected(newClient(server.wsUrl(), { token: server.token('js') })); // says its name and no version
    const sub = js.newSubscription(`plain:${fresh()}`);
    sub.subscribe();
    await sub.ready();
    sockets.push({ close: () => js.disconnect() });
  });
  for (const ws of sockets) ws.close();
  await until(async () => (await samples(server)).get('client_subscriptions_inflight{client_name=unnamed}') === 0, 'them to go');
  assert.ok(![...(await samples(server)).keys()].some((key) => key.startsWith('client_subscriptions_accepted')));
});

scenario('messages of the transport and their bytes, by kind of frame', async (server) => {
  const of = (way, kind) => `transport_messages_${way}{frame_type=${kind},transport=websocket}`;
  const bytes = (way, kind) => `transport_messages_${way}_size{frame_type=${kind},transport=websocket}`;
  const channel = `plain:${fresh()}`;
  const ws = await connect(server);
  const subscribe = JSON.stringify({ id: 2, subscribe: { channel } });
  const answer = JSON.stringify({ id: 2, subscribe: {} });
  const push = JSON.stringify({ push: { channel, pub: { data: 'x' } } });
  await grows(server, {
    [of('received', 'subscribe')]: 1, [bytes('received', 'subscribe')]: subscribe.length, [of('sent', 'subscribe')]: 1,
    [bytes('sent', 'subscribe')]: answer.length, [of('sent', 'push_publication')]: 2,
    [bytes('sent', 'push_publication')]: 2 * push.length, [of('received', 'send')]: 1,
  }, async () => {
    await ws.subscribe(channel);
    for (let i = 0; i < 2; i++) {
      await server.api('publish', { channel, data: 'x' });
      await ws.push();
    }
    ws.write(frame(OP.TEXT, JSON.stringify({ send: { data: {} } })));
  });
  ws.close();
  const other = await connect(server);
  await grows(server, { [of('sent', 'rpc')]: 1 }, async () => {
    assert.equal((await other.call({ rpc: { method: 'none' } })).error.code, 108); // an error is a reply, too
  });
  await grows(server, { [of('sent', 'push_join')]: 1, [of('sent', 'presence')]: 1, [of('received', 'presence')]: 1 }, async () => {
    const chat = `chat:${fresh()}`;
    await other.subscribe(chat);
    await other.push();
    await other.call({ presence: { channel: chat } });
  });
  other.close();
});

scenario('publishes that were suppressed, by reason', async (server) => {
  const channel = `hist:${fresh()}`;
  await grows(server, {
    'broker_publish_suppressed_count{reason=idempotency}': 1, 'broker_publish_suppressed_count{reason=version}': 2,
  }, async () => {
    for (let i = 0; i < 2; i++) await server.api('publish', { channel, data: 1, idempotency_key: 'once' });
    for (const version of [5, 5, 4, 6]) await server.api('publish', { channel, data: 1, version });
  });
});

scenario('calls of the server API: how many, how long, and what errors', async (server) => {
  const channel = `plain:${fresh()}`;
  await grows(server, {
    'api_command_duration_seconds_count{method=publish,protocol=http}': 3,
    'api_command_duration_seconds_histogram_count{method=publish,protocol=http}': 3,
    'api_command_duration_seconds_count{method=broadcast,protocol=http}': 1,
    'api_command_duration_seconds_count{method=info,protocol=http}': 1,
    'api_command_errors_total{error=102,method=publish,protocol=http}': 1,
    'api_command_errors_total{error=107,method=publish,protocol=http}': 1,
    'api_command_errors_total{error=108,method=presence,protocol=http}': 1,
  }, async () => {
    await server.api('publish', { channel, data: 1 });
    await server.apiAnswer('publish', { channel: 'nowhere:a', data: 1 });
    await server.apiAnswer('publish', { channel });
    await server.api('broadcast', { channels: [channel], data: 1 });
    await server.apiAnswer('presence', { channel });
    await server.api('info');
  });
});

scenario('the process: its time, memory, files and start', async (server) => {
  const now = await samples(server);
  const process = (name) => now.get(`process_${name}{}`);
  assert.ok(process('cpu_seconds_total') > 0);
  assert.ok(process('open_fds') > 5 && process('open_fds') < process('max_fds'));
  assert.ok(Math.abs(process('resident_memory_bytes') - server.memory()) < 64 << 20);
  assert.ok(process('virtual_memory_bytes') > process('resident_memory_bytes'));
  assert.ok(process('virtual_memory_max_bytes') > 0);
  assert.ok(Math.abs(process('start_time_seconds') - Date.now() / 1000) < 300);
  assert.ok(process('network_receive_bytes_total') > 0 && process('network_transmit_bytes_total') > 0);
});

scenario('the text is well formed: each family once, with help and type before its samples', async (server) => {
  const { text, headers } = await server.get('/metrics');
  assert.equal(headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  const seen = new Set();
  let family;
  for (const line of text.trimEnd().split('\n')) {
    const type = /^# TYPE (\w+) (counter|gauge|summary|histogram)$/.exec(line);
    if (type) {
      assert.ok(!seen.has(type[1]), `${type[1]} comes twice`);
      seen.add((family = type[1]));
    } else if (!line.startsWith('# HELP ')) {
      assert.match(line, new RegExp(`^${family}(_bucket|_sum|_count)?(\\{[^{}]*\\})? \\S+$`));
    }
  }
});

alone('without its option there is no histogram of recovered publications', {
  config: testConfig({ channel: { namespaces: [{ name: 'hist', ...open, ...history }] } }),
}, async (server) => {
  const ws = await connect(server);
  await ws.subscribe('hist:a', { recover: true });
  const now = await samples(server);
  assert.equal(now.get('client_recover{has_recovered_publications=no,recovered=yes}'), 1);
  assert.ok(![...now.keys()].some((key) => key.startsWith('client_recovered_publications')));
  ws.close();
});

alone('a connection above client.connection_limit is counted', { config: testConfig({ client: { connection_limit: 1 } }) }, async (server) => {
  const ws = await connect(server);
  await grows(server, { 'node_client_connection_limit{}': 2 }, async () => {
    for (let i = 0; i < 2; i++) await assert.rejects(() => RawWs.open(server), /503/);
  });
  ws.close();
});

alone('info shows what the counters did in the last node.info_metrics_aggregate_interval', {
  config: testConfig({ node: { info_metrics_aggregate_interval: '2s' } }),
}, async (server) => {
  const metrics = async () => (await server.api('info')).nodes[0].metrics;
  const added = 'centrifugo.node.action_count.action.add_client';
  assert.equal((await metrics()).items[added], 0, 'all is zero before the first interval is over');
  const ws = await connect(server);
  await until(async () => (await metrics()).items[added] === 1, 'the connect to be in an interval');
  const { interval, items } = await metrics();
  assert.equal(interval, 2);
  assert.equal(items['centrifugo.node.num_clients'], 1);
  assert.ok(items['centrifugo.client.command_duration_seconds.quantile.99.method.connect'] > 0);
  await until(async () => (await metrics()).items[added] === 0, 'the next interval, in which nobody connects');
  assert.equal((await metrics()).items['centrifugo.node.num_clients'], 1, 'a gauge is no difference');
  ws.close();
});

alone('requests by path, method and status, with prometheus.instrument_http_handlers', {
  config: testConfig({ prometheus: { enabled: true, instrument_http_handlers: true } }),
}, async (server) => {
  const requests = (method, path, status) => `node_incoming_http_requests_total{method=${method},path=${path},status=${status}}`;
  await grows(server, {
    [requests('GET', '/connection/websocket', 101)]: 1, [requests('GET', '/connection/websocket', 400)]: 1,
    [requests('POST', '/api/publish', 200)]: 2, [requests('POST', '/api/publish', 401)]: 1, [requests('POST', '/api', 200)]: 1,
    [requests('OTHER', '/health', 405)]: 1,
  }, async () => {
    (await connect(server)).close();
    await server.get('/connection/websocket');
    for (let i = 0; i < 2; i++) await server.api('publish', { channel: 'plain:a', data: i });
    await server.apiAnswer('publish', {}, { headers: { 'X-API-Key': 'wrong' } });
    await server.post('/api', { method: 'info', params: {} }, { 'X-API-Key': server.env.CENTRIFUGO_API_KEY });
    await server.request('FOO', '/health');
    await server.get('/nobody/serves/this');
    await server.apiAnswer('no-method', {});
  });
  const paths = new Set([...(await samples(server)).keys()].map((key) => /^node_incoming.*path=([^,]*)/.exec(key)?.[1]).filter(Boolean));
  assert.deepEqual([...paths].sort(), ['/api', '/api/publish', '/connection/websocket', '/health', '/metrics']);
});

alone('without that option requests are not counted', { config: testConfig({}) }, async (server) => {
  await server.get('/health');
  assert.ok(![...(await samples(server)).keys()].some((key) => key.startsWith('node_incoming_http')));
});
