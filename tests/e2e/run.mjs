// Runs the *_test.mjs files beside it, or of the folder XSH_TEST_FOLDER (or those whose name starts with an argument) on
// node's own test runner, prints one line a test, and leaves "PASSED FAILED" in the file named by XSH_COUNT_FILE.
import { run } from 'node:test';
import { readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FILE_TIMEOUT_MS = 300_000;
const FILES_AT_ONCE = 2;

const here = process.env.XSH_TEST_FOLDER ?? dirname(fileURLToPath(import.meta.url));
const wanted = process.argv.slice(2);
const files = readdirSync(here)
  .filter((name) => name.endsWith('_test.mjs'))
  .filter((name) => wanted.length === 0 || wanted.some((start) => name.startsWith(start)))
  .sort()
  .map((name) => join(here, name));
if (files.length === 0) {
  console.error(`no end-to-end test is called ${wanted.join(', ')}`);
  process.exit(2);
}
if (!process.env.XSHATHRA_BIN) {
  console.error('XSHATHRA_BIN must name the program under test');
  process.exit(2);
}

const colour = process.stdout.isTTY && !process.env.NO_COLOR;
const paint = (code, text) => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
let passed = 0;
let failed = 0;

// Older runners report each file as a test of its own around the tests in it.
const isFile = (data) =>
  files.some(
    (file) =>
      data.name === file || data.name === file.slice(process.cwd().length + 1) || data.name === `file://${file}`,
  );
let failedInFile = false;

const stream = run({ files, concurrency: FILES_AT_ONCE, timeout: FILE_TIMEOUT_MS });
stream.on('test:pass', (data) => {
  if (isFile(data)) {
    failedInFile = false;
    return;
  }
  passed += 1;
  const ms = Math.round(data.details?.duration_ms ?? 0);
  console.log(`${paint(32, 'ok')}   ${data.name}${ms > 1000 ? ` (${(ms / 1000).toFixed(1)} s)` : ''}`);
});
stream.on('test:fail', (data) => {
  if (isFile(data)) {
    // The file itself fails when it could not be loaded or its process died; otherwise its tests have been counted.
    if (!failedInFile) {
      failed += 1;
      console.log(`${paint(31, 'FAIL')} ${data.name}: ${data.details?.error?.cause ?? data.details?.error}`);
    }
    failedInFile = false;
    return;
  }
  failed += 1;
  failedInFile = true;
  console.log(`${paint(31, 'FAIL')} ${data.name}`);
  const error = data.details?.error;
  const cause = error?.cause?.stack ?? error?.cause ?? error?.stack ?? error;
  console.log(String(cause).replace(/^/gm, '     '));
});
stream.on('test:stdout', (data) => process.stdout.write(data.message));
stream.on('test:stderr', (data) => process.stderr.write(data.message));
stream.on('end', () => {
  console.log(`end to end: ${passed} well, ${failed} not`);
  if (process.env.XSH_COUNT_FILE) writeFileSync(process.env.XSH_COUNT_FILE, `${passed} ${failed}\n`);
  process.exit(failed === 0 && passed > 0 ? 0 : 1);
});
stream.resume();
