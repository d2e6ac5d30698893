// Leads every SDK through the scenarios, in both encodings, and prints a line a test. Arguments: parts of names; a test
// that has all of them in its name is run. XSH_CLIENTS names the folder of tests/clients/install.sh; XSH_COUNT_FILE
// gets "PASSED FAILED"; XSH_CLIENTS_WAITING=1 runs also what waits; XSH_CLIENTS_TRACE=1 shows what the drivers say.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Server } from '../e2e/lib/server.mjs';
import { within } from '../e2e/lib/wait.mjs';
import { Driver } from './lib/driver.mjs';
import { Stage, configOf, readScenarios } from './lib/scenario.mjs';

const ENCODINGS = ['json', 'protobuf'];
const SCENARIO_MS = 30_000;
const AT_ONCE = 3; // scenarios of one SDK in one encoding

if (!process.env.XSHATHRA_BIN) {
  console.error('XSHATHRA_BIN must name the program under test');
  process.exit(2);
}
const installed = resolve(process.env.XSH_CLIENTS ?? 'build/clients');
const driverFile = (path) => fileURLToPath(new URL(`drivers/${path}`, import.meta.url));
const SDKS = {
  js: [process.execPath, driverFile('js/driver.mjs')],
  python: [join(installed, 'venv/bin/python'), driverFile('python/driver.py')],
  go: [join(installed, 'go-driver')],
};

const wanted = process.argv.slice(2);
const nameOf = (one, sdk, encoding) => `${one.name} (${sdk}, ${encoding})`;
const isWanted = (name) => wanted.every((part) => name.includes(part));
const runsWaiting = process.env.XSH_CLIENTS_WAITING === '1';
const colour = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code, text) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
const count = { passed: 0, failed: 0 };

async function check(name, body) {
  const begin = Date.now();
  try {
    await body();
    count.passed += 1;
    const ms = Date.now() - begin;
    console.log(`${paint(32, 'ok')}   clients: ${name}${ms > 1000 ? ` (${(ms / 1000).toFixed(1)} s)` : ''}`);
  } catch (error) {
    count.failed += 1;
    console.log(`${paint(31, 'FAIL')} clients: ${name}\n${String(error.stack ?? error).replace(/^/gm, '     ')}`);
  }
}

async function play(one, server, driver, encoding, config) {
  const stage = new Stage(server, driver, encoding, config);
  let wrong;
  await within(one.body(stage), 'the scenario to end', SCENARIO_MS).catch((error) => (wrong = error));
  await stage.end().catch((error) => (wrong ??= error));
  if (wrong) throw wrong;
}

async function playAll(scenarios, server, driver, encoding, config) {
  const left = scenarios.filter((one) => one.sdks?.includes(driver.sdk) ?? true);
  const next = async () => {
    for (let one = left.shift(); one; one = left.shift()) {
      const scenario = one;
      const name = nameOf(one, driver.sdk, encoding);
      if (isWanted(name)) await check(name, () => play(scenario, server, driver, encoding, config));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
}

// Why the SDK cannot be driven here, or undefined.
function lackOf(sdk) {
  const why = join(installed, `lacks-${sdk}`);
  if (existsSync(why)) return readFileSync(why, 'utf8').trim();
  return existsSync(SDKS[sdk].at(0)) ? undefined : 'it is not installed: ./dev test clients does it';
}

async function startDrivers() {
  const drivers = [];
  for (const sdk of Object.keys(SDKS)) {
    const lack = lackOf(sdk);
    if (lack === undefined) {
      drivers.push(await Driver.start(sdk, SDKS[sdk]));
      continue;
    }
    console.log(`skip clients: everything of ${sdk}: ${lack}`);
    if (process.env.CI) await check(`${sdk} is installed`, () => Promise.reject(new Error(lack)));
  }
  return drivers;
}

const all = await readScenarios();
const waiting = all.filter((one) => one.waits && !runsWaiting);
for (const one of waiting) console.log(`wait clients: ${one.name}: ${one.waits}`);
const namesOf = (one) => Object.keys(SDKS).flatMap((sdk) => ENCODINGS.map((encoding) => nameOf(one, sdk, encoding)));
const scenarios = all.filter((one) => !waiting.includes(one) && namesOf(one).some(isWanted));
const config = configOf(scenarios);
const server = await Server.start({ config });
const drivers = await startDrivers();
for (const { about } of drivers) console.log(`driving ${about.sdk} ${about.version}`);
await Promise.all(
  drivers.flatMap((driver) => ENCODINGS.map((encoding) => playAll(scenarios, server, driver, encoding, config))),
);
await Promise.all(drivers.map((driver) => driver.stop()));
await check('the server ends with status 0 and without a word from a sanitizer', () => server.end());

console.log(`clients: ${count.passed} well, ${count.failed} not`);
if (process.env.XSH_COUNT_FILE) writeFileSync(process.env.XSH_COUNT_FILE, `${count.passed} ${count.failed}\n`);
process.exit(count.failed === 0 && count.passed > 1 ? 0 : 1);
