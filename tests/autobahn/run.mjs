// Autobahn's cases against ws_echo, which is src/ws and nothing above it, driven by kosoku. Arguments: the sections,
// 1 to 7 and 10 unless told, "all" for every one. XSH_ECHO names ws_echo; XSH_CLIENTS the folder of
// tests/clients/install.sh; XSH_COUNT_FILE gets "PASSED FAILED".
//
// A case passes with OK, NON-STRICT or INFORMATIONAL. It fails with anything else, unless known_faults.txt says that
// this is kosoku's own fault. Batches are small and each has a time-out, because a large one was seen to hang.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { freePort } from '../e2e/lib/server.mjs';
import { until, within } from '../e2e/lib/wait.mjs';

// How many cases each batch has, so that none is left out unseen.
const QUICK = { '1.*': 16, '2.*': 11, '3.*': 7, '4.*': 10, '5.*': 20, '6.*': 145, '7.*': 37, '10.*': 1 };
const LONG = {
  '9.1.*': 6,
  '9.2.*': 6,
  '9.3.*': 9,
  '9.4.*': 9,
  '9.5.*': 6,
  '9.6.*': 6,
  '9.7.*': 6,
  '9.8.*': 6,
  '12.1.*': 18,
  '12.2.*': 18,
  '12.3.*': 18,
  '12.4.*': 18,
  '12.5.*': 18,
  '13.1.*': 18,
  '13.2.*': 18,
  '13.3.*': 18,
  '13.4.*': 18,
  '13.5.*': 18,
  '13.6.*': 18,
  '13.7.*': 18,
};
const QUICK_MS = 60_000;
const LONG_MS = 300_000;
const PASSES = ['OK', 'NON-STRICT', 'INFORMATIONAL'];

if (!process.env.XSH_ECHO) {
  console.error('XSH_ECHO must name the program ws_echo');
  process.exit(2);
}
const installed = resolve(process.env.XSH_CLIENTS ?? 'build/clients');
const kosoku = join(installed, 'venv/bin/kosoku');
const count = { passed: 0, failed: 0, known: 0 };

function finish() {
  console.log(`autobahn: ${count.passed} well, ${count.failed} not, ${count.known} known faults of the tool`);
  if (process.env.XSH_COUNT_FILE) writeFileSync(process.env.XSH_COUNT_FILE, `${count.passed} ${count.failed}\n`);
  process.exit(count.failed === 0 ? 0 : 1);
}

function pass(name, how) {
  count.passed += 1;
  console.log(`ok   autobahn: ${name}${how === 'OK' ? '' : ` (${how})`}`);
}

function fail(name, why) {
  count.failed += 1;
  console.log(`FAIL autobahn: ${name}: ${why}`);
}

// {case: {result, reason}}. A paragraph of the file is a reason, "result: TEXT" and "cases: …".
function readKnownFaults() {
  const known = new Map();
  const text = readFileSync(new URL('known_faults.txt', import.meta.url), 'utf8');
  for (const paragraph of text.split('\n\n')) {
    const [, result] = /^result: (.*)$/m.exec(paragraph);
    const [, cases] = /^cases: ([^]*)$/m.exec(paragraph);
    const reason = paragraph.slice(0, paragraph.indexOf('\nresult:')).replaceAll('\n', ' ');
    for (const name of cases.split(/\s+/).filter(Boolean)) known.set(name, { result, reason });
  }
  return known;
}

const known = readKnownFaults();

function judge(name, folder, { behavior, behaviorClose, reportfile }) {
  const report = JSON.parse(readFileSync(join(folder, reportfile), 'utf8'));
  const passes = PASSES.includes(behavior) && PASSES.includes(behaviorClose);
  if (passes) pass(name, behavior);
  else if (behavior === 'ERROR' && known.get(name)?.result === report.result) {
    count.known += 1;
    console.log(`known autobahn: ${name}: ${known.get(name).reason}`);
  } else fail(name, `${behavior}, close ${behaviorClose}: ${report.result} ${report.resultClose}`);
}

async function runBatch(pattern, cases, port, ms) {
  const folder = mkdtempSync(join(tmpdir(), 'xshathra-autobahn-'));
  const args = ['-p', String(cpus().length), '-o', folder, '-i', pattern, `ws://127.0.0.1:${port}`];
  const child = spawn(kosoku, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += text));
  // What it prints counts the cases that failed; its status says no more than the reports do.
  await within(once(child, 'close'), `the cases ${pattern}`, ms).catch((error) => {
    child.kill('SIGKILL');
    fail(pattern, `${error.message}; kosoku said: ${said}`);
  });
  const index = join(folder, 'index.json');
  const [reports] = existsSync(index) ? Object.values(JSON.parse(readFileSync(index, 'utf8'))) : [{}];
  const names = Object.keys(reports).sort((a, b) => a.localeCompare(b, undefined, { numeric: true }));
  if (names.length !== cases) fail(pattern, `${names.length} cases were run, not ${cases}; kosoku said: ${said}`);
  for (const name of names) judge(name, folder, reports[name]);
  rmSync(folder, { recursive: true, force: true });
}

const canConnect = (port) =>
  new Promise((done) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.on('connect', () => done(true)).on('error', () => done(false));
    socket.on('connect', () => socket.destroy());
  });

const lack = join(installed, 'lacks-autobahn');
if (existsSync(lack) || !existsSync(kosoku)) {
  const why = existsSync(lack)
    ? readFileSync(lack, 'utf8').trim()
    : 'kosoku is not installed: ./dev test autobahn does it';
  console.log(`skip autobahn: everything: ${why}`);
  if (process.env.CI) fail('kosoku is installed', why);
  finish();
}

const sections = process.argv.slice(2);
const isWanted = (pattern) =>
  sections.length === 0 || sections[0] === 'all' || sections.includes(pattern.split('.')[0]);
const port = await freePort();
const echo = spawn(process.env.XSH_ECHO, [String(port)], { stdio: ['ignore', 'ignore', 'pipe'] });
process.on('exit', () => echo.kill('SIGTERM'));
let complaints = ''; // a sanitizer's, of any of its processes
echo.stderr.on('data', (text) => (complaints += text));
await until(() => canConnect(port), 'ws_echo to listen');
for (const [pattern, cases] of Object.entries(QUICK))
  if (isWanted(pattern)) await runBatch(pattern, cases, port, QUICK_MS);
for (const [pattern, cases] of Object.entries(LONG))
  if (sections.length > 0 && isWanted(pattern)) await runBatch(pattern, cases, port, LONG_MS);
if (complaints !== '') fail('ws_echo has nothing to say', complaints);
finish();
