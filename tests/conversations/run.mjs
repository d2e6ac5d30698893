// Plays the scenarios of the tables (*.talk) beside this file, each in every form. README.md explains the language.
//
//   node run.mjs [FILE…] [--only WORDS] [--form NAME] [--against-binary PATH | --against URL [--server NAME]
//                [--against-api-key KEY] [--against-secret SECRET]] [--rows] [--print-config]
//
// XSHATHRA_BIN is the program under test; XSH_COUNT_FILE gets "PASSED FAILED". With --against… each conversation is held
// with a second server too, and what differs is printed. Ends with 1 when a scenario fails or differs without a reason in
// differences.txt.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { configOf, readTable } from './lib/table.mjs';
import { Names, fill } from './lib/value.mjs';
import { formsOf, play } from './lib/play.mjs';
import { API_KEY, SECRET, serverAt, startOurs, startTheirs, wholeConfig } from './lib/servers.mjs';
import { differences, readDocumented } from './lib/compare.mjs';

const SERVERS_AT_ONCE = 2;
const CONVERSATIONS_AT_ONCE = 24;
const MAX_SHOWN = 12;

const here = dirname(fileURLToPath(import.meta.url));
const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string' },
    form: { type: 'string' },
    against: { type: 'string' },
    'against-binary': { type: 'string' },
    'against-api-key': { type: 'string', default: API_KEY },
    'against-secret': { type: 'string', default: SECRET },
    server: { type: 'string', default: 'common' },
    rows: { type: 'boolean', default: false },
    'print-config': { type: 'boolean', default: false },
  },
});
const comparing = options.against !== undefined || options['against-binary'] !== undefined;

const colour = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code, text) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
const nameOf = (scenario) => `${scenario.file}: ${scenario.name}`;

// ---- what there is ----

function readAll() {
  const servers = new Map();
  const scenarios = [];
  for (const file of readdirSync(here).filter((name) => name.endsWith('.talk')).sort()) {
    const table = readTable(file, readFileSync(join(here, file), 'utf8'));
    for (const [name, server] of table.servers) {
      if (servers.has(name)) throw new Error(`${file}: a server "${name}" is there already`);
      servers.set(name, server);
    }
    scenarios.push(...table.scenarios);
  }
  const names = scenarios.map(nameOf);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice) throw new Error(`there are two scenarios "${twice}"`);
  return { servers, scenarios };
}

function chosen(scenarios) {
  return scenarios
    .filter(({ file }) => positionals.length === 0 || positionals.some((start) => file.startsWith(start)))
    .filter(({ name }) => !options.only || name.includes(options.only))
    .filter(({ server }) => !options.against || server === options.server);
}

// ---- playing ----

// Calls work(item) for all items, so many at a time.
async function inTurns(items, atOnce, work) {
  const left = items.slice();
  const turn = async () => {
    while (left.length > 0) await work(left.shift());
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, turn));
}

const seconds = (scenario) => scenario.steps.reduce((sum, step) => sum + (step.seconds ?? 0), 0);

let serial = process.pid * 1000;

async function holdConversation({ scenario, form }, ours, theirs) {
  serial += 1;
  const name = serial.toString(36);
  const [mine, other] = await Promise.all([
    play(scenario, ours, form, name),
    theirs && !scenario.flags.has('ours only') ? play(scenario, theirs, form, name) : null,
  ]);
  const theirFit = other ? `\n  the other server ${other.wrong ? `does not fit either: ${other.wrong}` : 'fits'}` : '';
  if (mine.wrong) scenario.wrong.push([form.name, mine.wrong + theirFit]);
  else if (other?.wrong) scenario.differs.push([form.name, `the other server does not fit ${other.wrong}`]);
  else if (other) {
    const found = differences(mine.said, other.said);
    if (found.length > 0) scenario.differs.push([form.name, found.join('\n  ')]);
  }
  scenario.forms += 1;
}

const startOther = (config) => {
  if (options.against) return serverAt(options.against, { apiKey: options['against-api-key'], secret: options['against-secret'] });
  return options['against-binary'] ? startTheirs(options['against-binary'], config) : null;
};

const configFor = (name, servers) => configOf(name, servers, (value) => fill(value, new Names('', SECRET)));

async function playAllOn(name, scenarios, servers) {
  const started = [];
  try {
    const config = configFor(name, servers);
    started.push(await startOurs(config));
    if (comparing) started.push(await startOther(config));
    const jobs = scenarios
      .flatMap((scenario) => formsOf(scenario).map((form) => ({ scenario, form })))
      .filter(({ form }) => !options.form || form.name === options.form)
      .sort((one, other) => seconds(other.scenario) - seconds(one.scenario));
    await inTurns(jobs, CONVERSATIONS_AT_ONCE, (job) => holdConversation(job, ...started));
  } catch (error) {
    scenarios[0].wrong.push([`server ${name}`, error.stack]);
  }
  for (const server of started) {
    await Promise.resolve(server.end()).catch((error) => scenarios[0].wrong.push([`server ${name}`, error.stack]));
  }
}

// ---- telling ----

const shown = (found) => {
  const [[form, text]] = found;
  const forms = found.length === 1 ? form : `${form} and ${found.length - 1} more forms`;
  return `     (${forms})\n${text.split('\n').slice(0, MAX_SHOWN).join('\n')}`.replace(/\n/g, '\n     ');
};

function tell(scenarios, documented) {
  const sum = { passed: 0, failed: 0, documented: 0 };
  for (const scenario of scenarios) {
    const meant = documented.get(nameOf(scenario));
    if (scenario.wrong.length > 0) {
      console.log(`${paint(31, 'FAIL')} ${nameOf(scenario)}\n${shown(scenario.wrong)}`);
      sum.failed += 1;
    } else if (scenario.differs.length > 0 && !meant) {
      console.log(`${paint(31, 'DIFF')} ${nameOf(scenario)}\n${shown(scenario.differs)}`);
      sum.failed += 1;
    } else if (comparing && meant && scenario.differs.length === 0 && !scenario.flags.has('ours only')) {
      console.log(`${paint(31, 'SAME')} ${nameOf(scenario)}\n     differences.txt has it, but nothing differs`);
      sum.failed += 1;
    } else {
      console.log(`${paint(32, 'ok')}   ${nameOf(scenario)}`);
      sum.passed += 1;
      if (meant) sum.documented += 1;
    }
  }
  return sum;
}

async function main() {
  const { servers, scenarios: all } = readAll();
  const scenarios = chosen(all);
  if (options.rows) {
    console.log([...new Set(scenarios.flatMap(({ rows }) => rows))].sort().join('\n'));
    return 0;
  }
  if (options['print-config']) {
    console.log(JSON.stringify(wholeConfig(configFor(options.server, servers)), null, 2));
    return 0;
  }
  if (scenarios.length === 0) throw new Error('no scenario is called that');
  if (!process.env.XSHATHRA_BIN) throw new Error('XSHATHRA_BIN must name the program under test');
  for (const scenario of scenarios) Object.assign(scenario, { wrong: [], differs: [], forms: 0 });
  const byServer = Map.groupBy
    ? Map.groupBy(scenarios, ({ server }) => server)
    : scenarios.reduce((map, one) => map.set(one.server, [...(map.get(one.server) ?? []), one]), new Map());
  await inTurns([...byServer], SERVERS_AT_ONCE, ([name, mine]) => playAllOn(name, mine, servers));
  const documented = readDocumented(join(here, 'differences.txt'));
  const known = new Set(all.map(nameOf));
  const undocumented = all.find((scenario) => scenario.flags.has('ours only') && !documented.has(nameOf(scenario)));
  if (undocumented) throw new Error(`differences.txt does not say why "${nameOf(undocumented)}" is "ours only"`);
  for (const name of documented.keys()) if (!known.has(name)) throw new Error(`differences.txt: there is no scenario "${name}"`);
  const sum = tell(scenarios, documented);
  const held = scenarios.reduce((count, { forms }) => count + forms, 0);
  const skipped = options.against ? `; ${all.length - scenarios.length} scenarios need another server than "${options.server}"` : '';
  const differing = comparing ? `, ${sum.documented} differ for a documented reason` : '';
  console.log(`conversations: ${sum.passed} well, ${sum.failed} not${differing} (${held} held)${skipped}`);
  if (process.env.XSH_COUNT_FILE) writeFileSync(process.env.XSH_COUNT_FILE, `${sum.passed} ${sum.failed}\n`);
  return sum.failed === 0 ? 0 : 1;
}

process.exitCode = await main().catch((error) => {
  console.error(error.message);
  return 2;
});
