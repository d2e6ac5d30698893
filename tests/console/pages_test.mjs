// Every page, in light and dark, on a desk and in a hand: axe finds nothing serious, nothing is wider than the screen, and
// nothing breaks the Content-Security-Policy.
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { Person } from '../e2e/lib/console.mjs';
import { Server } from '../e2e/lib/server.mjs';
import { launch, newPage, open, settled, signInAs } from './lib/browser.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TEST_MS = 120_000;
const LOOKS = [
  ['desktop', 'light'],
  ['phone', 'dark'],
];
let server, browser, owner, full, blank, invite;

before(async () => {
  server = await Server.start({ config: new URL('../../centrifugo/config.json', import.meta.url).pathname });
  browser = await launch();
  owner = await Person.owner(server);
  full = (await owner.must('POST', '/projects', { name: 'Full of a very long name that somebody thought was good to have' })).id;
  blank = (await owner.must('POST', '/projects', { name: 'Blank' })).id;
  await owner.invite(full, 'viewer', 'victor@example.com');
  invite = (await owner.must('POST', `/projects/${full}/invites`, { role: 'developer' })).token;
  await owner.must('POST', `/projects/${full}/keys/rotate`, { kind: 'server', grace_seconds: 7200 });
  await owner.must('POST', '/access-tokens', { name: 'deploy script' });
  for (let i = 0; i < 3; i += 1)
    await owner.must('POST', `/projects/${full}/engine/publish`, { channel: 'public:room_1', data: { text: `${i}`, more: { a: [1, 2] } } });
});
after(async () => browser?.close());

const click = (name) => (page) => page.getByRole('button', { name, exact: true }).first().click();
const PAGES = [
  ['sign-in', () => '/login', { anybody: true }],
  ['a used set-up link', () => '/setup#inv_x', { anybody: true }],
  ['an invite', () => `/invite#${invite}`, { anybody: true }],
  ['an invite that is gone', () => '/invite#inv_none', { anybody: true }],
  ['the docs', () => '/docs', { anybody: true }],
  ['the longest page of the docs', () => '/docs/operations', { anybody: true }],
  ['the API reference', () => '/docs/api', { anybody: true }],
  ['the projects', () => '/dashboard'],
  ['a new project', () => '/dashboard', { act: click('New project') }],
  ['an overview', () => `/projects/${full}`],
  ['keys', () => `/projects/${full}/keys`],
  ['a rotation', () => `/projects/${full}/keys`, { act: click('Rotate') }],
  ['connections', () => `/projects/${full}/connections`],
  ['channels', () => `/projects/${full}/channels`],
  ['no channels', () => `/projects/${blank}/channels`],
  ['a channel', () => `/projects/${full}/channels/${encodeURIComponent('public:room_1')}`],
  ['the event stream', () => `/projects/${full}/events`],
  ['the playground', () => `/projects/${full}/playground`],
  ['members', () => `/projects/${full}/members`],
  ['a new invite', () => `/projects/${full}/members`, { act: click('Invite') }],
  ['settings', () => `/projects/${full}/settings`],
  ['a deletion', () => `/projects/${blank}/settings`, { act: click('Delete') }],
  ['an audit log', () => `/projects/${full}/audit`],
  ['the audit of all', () => '/audit'],
  ['the account', () => '/account'],
  ['a project that is not there', () => '/projects/none'],
];

async function look(page, name, path, act) {
  await page.goto('about:blank'); // two places of one page differ in the part after # only
  await open(page, path);
  if (act) await act(page);
  await settled(page);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `${name} is ${wide} px too wide`);
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() =>
    globalThis.axe.run(document, { resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] }),
  );
  const serious = violations.filter((one) => ['serious', 'critical'].includes(one.impact));
  const told = serious.map((one) => `${one.id}: ${one.help}\n${one.nodes.map((node) => `   ${node.html} ${node.failureSummary}`).slice(0, 3).join('\n')}`);
  assert.equal(told.join('\n'), '', `${name} (${path})`);
}

for (const [size, scheme] of LOOKS) {
  for (const anybody of [true, false]) {
    const pages = PAGES.filter(([, , more = {}]) => Boolean(more.anybody) === anybody);
    test(`${size}, ${scheme}: axe finds nothing serious ${anybody ? 'before the sign-in' : 'on any page'}, and each page fits`, { timeout: TEST_MS }, async () => {
      const page = await newPage(browser, server, { size, scheme });
      if (!anybody) await signInAs(page, owner);
      for (const [name, path, { act } = {}] of pages) await look(page, name, path(), act);
      assert.deepEqual(page.faults, []);
      await page.context().close();
    });
  }
}

test('the server of these pages ends with status 0 and without a word from a sanitizer', { timeout: TEST_MS }, async () => {
  await browser.close();
  await server.end();
});
