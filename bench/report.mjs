#!/usr/bin/env node
// Writes what was measured into docs/performance.md: a table for each part, between the lines "<!-- results -->" and
// "<!-- end of results -->", and plots into docs/plots. Of each question the newest result counts.
//
// Usage: node bench/report.mjs [RESULTS.jsonl...]      (default: build/release/bench/results.jsonl)
//   --note TEXT   a sentence under the machine: under what circumstances
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { barPlot, linePlot } from './lib/plot.mjs';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const page = join(root, 'docs/performance.md');

const workers = (n) => (n === '1' ? '1 worker' : `${n} workers`);

// What stands in which table, in which words.
const TABLES = [
  ['Memory and CPU of idle connections', {
    idle_memory_no_channel: 'an idle connection without a channel',
    idle_memory: 'an idle connection with a channel of its own',
    idle_memory_10_channels: 'an idle connection with ten channels of its own',
    idle_cpu: 'an idle connection, pinged every 25 s',
  }],
  ['Connecting', {
    connect: 'a connect: upgrade, JWT, connect, subscribe',
    connect_rate: 'connects a second',
    recovery_50: 'a connect that recovers 50 publications',
    storm_cpu: 'a reconnect, 15,000 at once',
    storm_seconds: 'until all 15,000 are back',
    storm_p50: 'until a client is back, p50',
    storm_p99: 'until a client is back, p99',
  }],
  ['Fan-out: a delivery', {
    fanout_10_single: '10 subscribers, one publish at a time',
    fanout_10_burst_16: '10 subscribers, bursts of 16',
    fanout_100_single: '100 subscribers, one at a time',
    fanout_100_burst_16: '100 subscribers, bursts of 16',
    fanout_single: '1,000 subscribers, one at a time',
    fanout_burst_16: '1,000 subscribers, bursts of 16',
    fanout_10000_single: '10,000 subscribers, one at a time',
    fanout_10000_burst_16: '10,000 subscribers, bursts of 16',
    fanout_protobuf_single: '1,000 in Protobuf, one at a time',
    fanout_protobuf_burst_16: '1,000 in Protobuf, bursts of 16',
    fanout_deflate_single: '1,000 compressed, one at a time',
    fanout_deflate_burst_16: '1,000 compressed, bursts of 16',
    fanout_tls_single: '1,000 over TLS, one at a time (the bare loop has no TLS)',
    fanout_tls_burst_16: '1,000 over TLS, bursts of 16 (the bare loop has no TLS)',
  }],
  ['Publishing to one subscriber', {
    publish_single: 'HTTP API, one request at a time on 8 connections',
    publish_pipelined_16: 'the same, 16 requests pipelined',
    publish_history: 'as the first, with history and recovery',
    publish_batch_16: 'batch API, 16 publishes in a request',
    publish_by_client: 'by a client, over its WebSocket',
    publish_500_per_s: 'at 500 a second',
    publish_2000_per_s: 'at 2,000 a second',
    publish_8000_per_s: 'at 8,000 a second',
  }],
  ['Publish to delivery', Object.fromEntries(
    [['latency_500', '500'], ['latency', '2,000'], ['latency_8000', '8,000']].flatMap(([name, rate]) =>
      ['p50', 'p99', 'p99.9'].map((q) => [`${name}_${q}`, `${rate} a second, ${q}`])),
  )],
  ['One channel beside another, presence', {
    isolation_p50: 'a small channel beside a fan-out to 10,000 without a pause, p50',
    isolation_p99: 'the same, p99',
    presence_10000: 'presence of a channel with 10,000 members',
  }],
  ['Growth with workers (the client shares the machine)', Object.fromEntries(
    ['1', '2', '4'].flatMap((n) => [
      [`growth_fanout_workers_${n}`, `${workers(n)}: a delivery, 1,000 subscribers`],
      [`growth_publish_workers_${n}`, `${workers(n)}: a publish, 16 pipelined on 8 connections`],
      [`growth_rate_workers_${n}`, `${workers(n)}: publishes a second`],
    ]),
  )],
];

function readResults(files) {
  const results = {};
  for (const file of files) {
    for (const line of readFileSync(file, 'utf8').split('\n')) {
      if (!line.startsWith('{')) continue;
      const result = JSON.parse(line);
      results[result.bench] = result;
    }
  }
  return results;
}

const shown = (value) => (value === undefined ? '–' : value >= 10000 ? Math.round(value).toLocaleString('en') : String(+value.toPrecision(3)));
const shownTarget = (r) => {
  if (r.target === undefined) return '';
  const bound = `${r.unit.includes('a second') && !r.unit.includes('CPU') ? '≥' : '≤'} ${r.target}`;
  return `${bound}: ${r.met ? 'met' : '**missed**'}`;
};

function table([title, rows], results) {
  const lines = Object.entries(rows).filter(([name]) => results[name]).map(([name, words]) => {
    const r = results[name];
    const limit = r.client_is_bottleneck ? ' (client at its limit)' : '';
    return `| ${words}${limit} | ${r.unit.split(', ')[0]} | ${shown(r.ours)} | ${shown(r.floor)} | ${shown(r.ratio)} | ${shown(r.centrifugo)} | ${shownTarget(r)} |`;
  });
  if (lines.length === 0) return '';
  return `### ${title}\n\n| | unit | Xshathra | bare loop | ratio | Centrifugo | target |\n| --- | --- | ---: | ---: | ---: | ---: | --- |\n${lines.join('\n')}\n`;
}

// Series over a growing number: [{ name, points: [[x, y], …] }].
function series(results, pick, names) {
  return ['ours', 'floor', 'centrifugo']
    .map((side) => ({
      name: { ours: 'Xshathra', floor: 'bare loop', centrifugo: 'Centrifugo' }[side],
      points: names.map(([x, name]) => [x, pick(results[name]?.[side])]).filter(([, y]) => y !== undefined),
    }))
    .filter(({ points }) => points.length > 1);
}

function plots(results) {
  const folder = join(root, 'docs/plots');
  mkdirSync(folder, { recursive: true });
  const same = (y) => y;
  const made = [];
  const add = (file, title, svg) => {
    if (!svg) return;
    writeFileSync(join(folder, file), svg);
    made.push(`![${title}](plots/${file})\n`);
  };
  for (const [kind, words] of [['single', 'publishes one at a time'], ['burst_16', 'bursts of 16']]) {
    const names = [[10, `fanout_10_${kind}`], [100, `fanout_100_${kind}`], [1000, `fanout_${kind}`], [10000, `fanout_10000_${kind}`]];
    const title = `CPU of a delivery by subscribers of the channel, ${words} (µs)`;
    add(`fanout_${kind}.svg`, title, linePlot(title, series(results, same, names), { logX: true }));
  }
  const title = 'Resident memory of an idle connection by its channels (KB)';
  add('memory.svg', title, linePlot(title, series(results, same, [[0, 'idle_memory_no_channel'], [1, 'idle_memory'], [10, 'idle_memory_10_channels']])
    .filter(({ name }) => name !== 'bare loop'), { logY: true }));
  const rateTitle = 'Publishes a second by workers, the client beside them';
  add('growth.svg', rateTitle, linePlot(rateTitle, series(results, same, [1, 2, 4].map((n) => [n, `growth_rate_workers_${n}`]))
    .filter(({ name }) => name !== 'bare loop')));
  const ratioTitle = 'CPU of Xshathra and Centrifugo as multiples of the bare loop';
  const bars = [['connect', 'connect'], ['fanout_single', 'delivery'], ['fanout_burst_16', 'delivery in bursts'], ['publish_single', 'publish'],
    ['publish_pipelined_16', 'publish, pipelined'], ['publish_history', 'publish, history'], ['publish_by_client', 'publish by client']]
    .filter(([name]) => results[name]?.floor)
    .map(([name, label]) => ({ label, values: [results[name].ratio, results[name].centrifugo && results[name].centrifugo / results[name].floor] }));
  add('ratios.svg', ratioTitle, barPlot(ratioTitle, ['Xshathra', 'Centrifugo'], bars));
  return made.join('\n');
}

function main() {
  const words = process.argv.slice(2);
  const noteAt = words.indexOf('--note');
  const note = noteAt >= 0 ? words.splice(noteAt, 2)[1] : '';
  const results = readResults(words.length ? words : [join(root, 'build/release/bench/results.jsonl')]);
  const newest = Object.values(results).sort((a, b) => (a.at < b.at ? 1 : -1))[0];
  if (!newest) throw new Error('there are no results; run ./dev bench first');
  const head = `Machine: ${newest.machine}. Build: ${newest.build}. Last measured: ${newest.at.slice(0, 10)}.${note ? ` ${note}` : ''}\n`;
  const body = [head, ...TABLES.map((each) => table(each, results)), plots(results)].filter(Boolean).join('\n');
  const text = readFileSync(page, 'utf8');
  const [begin, end] = ['<!-- results -->', '<!-- end of results -->'];
  const from = text.indexOf(begin) + begin.length;
  const to = text.indexOf(end);
  if (from < begin.length || to < from) throw new Error(`${page} has no place for results`);
  writeFileSync(page, `${text.slice(0, from)}\n\n${body}\n${text.slice(to)}`);
  console.log(`${page}: ${Object.keys(results).length} results`);
}

main();
