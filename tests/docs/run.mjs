// Follows the README and the pages of docs/ as a reader does: every example of a page is run, in its order, against the
// real program. A block is run unless its first line says "not-run" and why. Leaves "PASSED FAILED" in XSH_COUNT_FILE.
//
// After the language a first line may say: background (it goes on, while the rest of the page is read), browser (code of a
// page that prints what is published), serves: PORT (it answers there), expects: error (the answer is one), needs: PROGRAM.
// A json block after an example shows what it prints: members and types must be the same.
import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { tmpdir } from 'node:os';
import { blocksOf } from './blocks.mjs';
import { ChatPage } from './chat_page.mjs';
import { Reader, has, root } from './reader.mjs';
import { freePort } from '../e2e/lib/server.mjs';
import { TcpProxy } from '../e2e/lib/tcp_proxy.mjs';
import { until, within } from '../e2e/lib/wait.mjs';

if (!process.env.XSHATHRA_BIN) {
  console.error('XSHATHRA_BIN must name the program under test');
  process.exit(2);
}
const count = { passed: 0, failed: 0 };

async function check(name, body) {
  try {
    await body();
    count.passed += 1;
    console.log(`ok   ${name}`);
  } catch (error) {
    count.failed += 1;
    console.log(`FAIL ${name}\n${String(error.stack ?? error).replace(/^/gm, '     ')}`);
  }
}

const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md',
  ...readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`),
  ...readdirSync(join(root, 'docs/decisions')).filter((name) => name.endsWith('.md')).map((name) => `docs/decisions/${name}`)];

// ---- examples ----

function sameShape(got, shown, path = 'the answer') {
  assert.equal(typeof got, typeof shown, path);
  if (Array.isArray(shown)) {
    assert.ok(Array.isArray(got) && got.length > 0, path);
    sameShape(got[0], shown[0], `${path}[0]`);
  } else if (shown !== null && typeof shown === 'object') {
    assert.deepEqual(Object.keys(got).sort(), Object.keys(shown).sort(), path);
    for (const name of Object.keys(shown)) sameShape(got[name], shown[name], `${path}.${name}`);
  }
}

// An answer of the server in what a block printed is an error only where the page says so.
function checkPrinted(block, printed) {
  const isError = /"error":/.test(printed);
  assert.equal(isError, block.expects === 'error', printed);
  if (block.expected) sameShape(JSON.parse(printed), block.expected);
}

async function runBlock(reader, block) {
  if (block.flags.includes('background')) {
    await reader.background(block.text);
  } else if (block.flags.includes('browser')) {
    const [, channel] = /newSubscription\('([^']+)'/.exec(block.text);
    await reader.browser(block.text, channel);
  } else if (block.language === 'sh') {
    checkPrinted(block, await reader.shell(block.text));
  } else if (block.serves) {
    const port = reader.ports.get(block.serves);
    const child = await reader.keepRunning(reader.spawn('node', [reader.file('block.mjs', reader.adapted(block.text))]), port);
    const answer = await fetch(`http://127.0.0.1:${port}/token`, { method: 'POST' });
    assert.match((await answer.json()).token, /^ey/);
    await reader.end(child);
  } else if (block.language === 'js') {
    checkPrinted(block, await reader.run('node', [reader.file('block.mjs', reader.adapted(block.text))]));
  } else {
    checkPrinted(block, await reader.run('python3', [reader.file('block.py', reader.adapted(block.text))]));
  }
}

async function readPage(page) {
  const blocks = blocksOf(join(root, page));
  const runnable = blocks.filter((block) => block['not-run'] === undefined);
  if (runnable.length === 0) return;
  const reader = await Reader.start();
  for (const block of blocks) {
    const name = `${page}: the ${block.language} block of line ${block.line}`;
    const needs = block.needs ?? (block.language === 'python' ? 'python3' : 'sh');
    if (block['not-run'] !== undefined) console.log(`     ${name} is not run: ${block['not-run']}`);
    else if (!(await has(needs))) console.log(`     ${name} is not run: there is no ${needs} here`);
    else await check(name, () => runBlock(reader, block));
  }
  await check(`${page}: the server it was read with ends well`, () => reader.close());
}

// ---- the walk of the README ----

// The program on a terminal of its own, as ./dev run starts it; answers what it shows at its first start.
async function firstStartOnATerminal() {
  const folder = mkdtempSync(join(tmpdir(), 'xshathra-terminal-'));
  const port = await freePort();
  const command = `exec "${resolve(process.env.XSHATHRA_BIN)}" serve -c centrifugo/config.json --data "${folder}/data" --address 127.0.0.1 --port ${port} --workers 2`;
  const child = spawn('script', ['-qec', command, '/dev/null'], { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = new Promise((done) => child.once('close', done));
  let shown = '';
  child.stdout.on('data', (data) => (shown += data));
  await until(() => /serving/.test(shown), 'the server to be there');
  return {
    port,
    text: shown.replaceAll('\r', ''),
    hidden: existsSync(join(folder, 'data/first-run.txt')),
    pressCtrlC() {
      child.stdin.write('\x03');
      return within(closed, 'the server to end', 20_000);
    },
    remove() {
      child.kill(); // its terminal goes, and what ran there
      rmSync(folder, { recursive: true });
    },
  };
}

async function hasTerminals() {
  if (!(await has('script'))) return false;
  const child = spawn('script', ['-qec', 'true', '/dev/null'], { stdio: 'ignore' });
  return (await new Promise((done) => child.once('close', done))) === 0;
}

async function walkOnATerminal() {
  const server = await firstStartOnATerminal();
  try {
    const readme = readFileSync(join(root, 'README.md'), 'utf8');
    const shownThere = /```text\n([\s\S]*?)```/.exec(readme)[1];
    for (const line of shownThere.split('\n').filter((text) => text !== '')) {
      const start = line.replace(/(sk|ck|proj)_….*/, '$1_').replace('3001', String(server.port));
      assert.ok(server.text.includes(start), `the README shows "${line}", the terminal showed:\n${server.text}`);
    }
    assert.equal(server.hidden, false, 'what the terminal showed is in no file');
    const lines = server.text.split('\n').filter((line) => line.trimStart().startsWith('curl '));
    assert.equal(lines.length, 3, server.text);
    for (const line of lines) {
      const answer = JSON.parse(await printedBy(line));
      assert.ok(answer.token || answer.result?.offset === 1, line);
    }
    assert.equal(await server.pressCtrlC(), 0);
  } finally {
    server.remove();
  }
}

// What a line prints when it is pasted into a shell.
async function printedBy(line) {
  const child = spawn('sh', ['-c', line], { stdio: ['ignore', 'pipe', 'ignore'] });
  let printed = '';
  child.stdout.on('data', (data) => (printed += data));
  await new Promise((done) => child.once('close', done));
  return printed;
}

async function walkInABrowser() {
  const reader = await Reader.start();
  const publish = (text) => reader.server.project('publish', { channel: 'public:room_1', data: { text } }, reader.keys.server_api_key);
  await reader.background('node examples/backend.mjs # :8080');
  const origin = `http://localhost:${reader.ports.get('8080')}`;
  const html = await (await fetch(`http://127.0.0.1:${reader.ports.get('8080')}/`)).text();
  ChatPage.integrityIsRight(html);

  const line = await TcpProxy.to(reader.server.port);
  const alice = new ChatPage(html, origin, line.port);
  await alice.connect(await reader.server.mint(reader.keys.server_api_key, 'alice'));
  await alice.shows('public:room_1 listening');
  await publish('hello');
  await alice.shows('hello');

  const guest = new ChatPage(html, origin, reader.server.port);
  await guest.connect(); // by the backend that served the page
  await guest.shows('chat:room_1 listening');
  await alice.shows('guest-1 came');
  alice.say('<b>hi</b>');
  await guest.shows('alice: <b>hi</b>');

  const lost = new ChatPage(html, 'http://elsewhere.example', reader.server.port);
  lost.tryToConnect(reader.keys.server_api_key);
  await lost.shows('that is the server key, which belongs into no page: ask /api/realtime/token for a token with it', 'state');
  lost.tryToConnect('alice');
  await lost.shows('that is no token: a token has three parts with a dot between them, such as eyJ….eyJ….xyz', 'state');
  lost.tryToConnect('');
  await lost.shows('there is no token: paste one, or serve this page with "node backend.mjs" (POST /token answered nothing)');
  lost.tryToConnect(JSON.stringify({ token: await reader.server.mint(reader.keys.server_api_key, 'lost') }));
  await lost.shows('does it let in pages of http://elsewhere.example?');
  lost.disconnect();

  line.cut();
  await publish('while alice was away');
  line.reopen();
  await alice.shows('public:room_1 back, and nothing was missed');
  await alice.shows('while alice was away');
  await reader.server.restart();
  await alice.shows('public:room_1 back, but some messages are gone');
  for (const page of [alice, guest]) page.disconnect();
  await line.close();
  await reader.close();
}

// ---- links ----

const anchorOf = (heading) => heading.toLowerCase().replace(/[^\w\- ]/g, '').replaceAll(' ', '-');

function linksLeadSomewhere(page) {
  const text = readFileSync(join(root, page), 'utf8').replace(/```[\s\S]*?```/g, '');
  for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
    if (/^https?:/.test(target)) continue;
    const [path, anchor] = target.split('#');
    const file = path === '' ? join(root, page) : join(root, dirname(page), path);
    assert.ok(existsSync(file), `${page} links to ${target}`);
    if (!anchor) continue;
    const anchors = [...readFileSync(file, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading));
    assert.ok(anchors.includes(anchor), `${page} links to ${target}, whose headings are ${anchors.join(', ')}`);
  }
}

// ---- the code ----

// All source in one string, and the folders each may include.
const source = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name);
const filesBelow = (folder) => readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
  (entry.isDirectory() ? filesBelow(join(folder, entry.name)) : [join(folder, entry.name)]));

// docs/architecture.md names files, functions and types: each is there.
function architectureNamesWhatIsThere() {
  const text = readFileSync(join(root, 'docs/architecture.md'), 'utf8').replace(/```[\s\S]*?```/g, '');
  const words = new Set(filesBelow(join(root, 'src')).flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/\w+/g)].map(([word]) => word)));
  const missing = [...text.matchAll(/`([^`]+)`/g)].flatMap(([, name]) => {
    if (/[<…]/.test(name) || name === 'CMakeLists.txt') return [];
    if (/^(src|tests|docs|console|cmake)\//.test(name)) return existsSync(join(root, name)) ? [] : [name];
    if (!/^[\w.>-]+( [\w]+)?$/.test(name)) return [];
    return name.split(/[^\w]+/).every((word) => words.has(word)) ? [] : [name];
  });
  assert.equal(missing.length, 0, `named in docs/architecture.md, and not in the tree: ${missing.join(', ')}`);
}

// Its table of folders says what the build enforces.
function folderTableIsTrue() {
  const text = readFileSync(join(root, 'docs/architecture.md'), 'utf8');
  const rows = new Map([...text.matchAll(/^\| `(\w+)` \| [^|]+ \| ([^|]*)\|$/gm)].map(([, folder, deps]) => [folder, deps.trim()]));
  assert.deepEqual([...rows.keys()].sort(), [...source].sort());
  for (const [folder, deps] of rows) {
    const [, named = ''] = /xsh_library\(\w+(?: DEPS ([\w ]+?))?(?: LIBS .*)?\)/.exec(readFileSync(join(root, 'src', folder, 'CMakeLists.txt'), 'utf8'));
    if (deps !== 'nearly all') assert.equal(deps, named.split(' ').filter((name) => name !== '').join(', '), `what src/${folder}/CMakeLists.txt names, as the page has it`);
  }
}

await check('docs/architecture.md: every file and name in it is in the code', architectureNamesWhatIsThere);
await check('docs/architecture.md: its table of folders is what the build enforces', folderTableIsTrue);
for (const page of pages) await check(`${page}: its links lead somewhere`, () => linksLeadSomewhere(page));
if (await hasTerminals()) {
  await check('README.md: the first start shows keys and three lines of curl that work as they are; Ctrl-C ends with status 0', walkOnATerminal);
} else {
  console.log('     README.md: the first start is not tried on a terminal: no terminal is to be had here');
}
await check('README.md: from keys to a message in the chat page', walkInABrowser);
for (const page of pages) await readPage(page);

console.log(`docs: ${count.passed} well, ${count.failed} not`);
if (process.env.XSH_COUNT_FILE) writeFileSync(process.env.XSH_COUNT_FILE, `${count.passed} ${count.failed}\n`);
process.exit(count.failed === 0 && count.passed > 0 ? 0 : 1);
