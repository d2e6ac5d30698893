// Pictures of every page: node tests/console/screens.mjs FOLDER [PATTERN], with XSHATHRA_BIN. CUT=1: only
// the first screen. For eyes, not for the tests.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Centrifuge } from '../e2e/node_modules/centrifuge/build/index.mjs';
import WebSocket from '../e2e/node_modules/ws/wrapper.mjs';
import { Person } from '../e2e/lib/console.mjs';
import { Server } from '../e2e/lib/server.mjs';
import { launch, newPage, open, settled, signInAs, SIZES } from './lib/browser.mjs';

const [folder = 'screens', only = ''] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const server = await Server.start({ config: new URL('../../centrifugo/config.json', import.meta.url).pathname });
const browser = await launch();
const COMBINATIONS = [
  ['desktop', 'light'],
  ['desktop', 'dark'],
  ['phone', 'light'],
  ['phone', 'dark'],
];

async function shoot(name, path, person, act = async () => {}) {
  if (!new RegExp(only).test(name)) return;
  for (const [size, scheme] of COMBINATIONS) {
    if (scheme === 'dark' && size === 'phone' && !process.env.ALL) continue;
    const page = await newPage(browser, server, { size, scheme });
    if (person) await signInAs(page, person);
    try {
      await open(page, path);
      await act(page);
      await page.waitForTimeout(250);
      const modal = (await page.locator('dialog[open]').count()) > 0;
      await page.screenshot({ path: join(folder, `${name}-${size}-${scheme}.png`), fullPage: !modal && !process.env.CUT, ...(process.env.CUT ? { clip: { x: 0, y: 0, width: SIZES[size].width, height: 720 } } : {}) });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      if (wide > 0) console.log(`${name} ${size}: ${wide} px too wide`);
    } catch (error) {
      console.log(`${name} ${size} ${scheme}: ${error.message}`);
      await page.screenshot({ path: join(folder, `${name}-${size}-${scheme}.png`) });
    }
    for (const fault of page.faults) console.log(`${name} ${size} ${scheme}: ${fault}`);
    await page.context().close();
  }
}

const [token] = /inv_[\w-]+/.exec(readFileSync(join(server.data, 'first-run.txt'), 'utf8'));
await shoot('login-waiting', '/login');
await shoot('setup', `/setup#${token}`);
const owner = await Person.owner(server);
await shoot('setup-done', `/setup#${token}`);
await shoot('login', '/login');
await shoot('login-wrong', '/login', null, async (page) => {
  await page.getByLabel('E-mail').fill('olga@example.com');
  await page.getByLabel('Password').fill('not the password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').waitFor();
});
await shoot('dashboard-few', '/dashboard', owner);
const shop = await owner.must('POST', '/projects', { name: 'Shop, production' });
const empty = await owner.must('POST', '/projects', { name: 'Blank slate' });
const names = ['Shop, staging', 'Delivery tracker', 'A name that somebody made really very long, to see how the pages take it'];
for (const name of names) await owner.must('POST', '/projects', { name });
const old = await owner.must('POST', '/projects', { name: 'Last year' });
await owner.must('POST', `/projects/${old.id}/archive`);
const p = `/projects/${shop.id}`;
const e = `/projects/${empty.id}`;
await owner.invite(shop.id, 'developer', 'dora@example.com');
const viewer = await owner.invite(shop.id, 'viewer', 'victor@example.com');
await owner.invite(shop.id, 'admin', 'adam@example.com');
const { token: inviteToken } = await owner.must('POST', `${p}/invites`, { role: 'viewer' });
await owner.must('POST', `${p}/keys`, { kind: 'server', name: 'billing service', expires_in_seconds: 86400 * 90 });
await owner.must('POST', `${p}/keys/rotate`, { kind: 'client', grace_seconds: 7200 });
const { keys } = await owner.must('GET', `${p}/keys`);
await owner.must('DELETE', `${p}/keys/${keys.at(-1).key_id}`);
await owner.must('POST', '/access-tokens', { name: 'deploy script' });

const clients = [];
for (const user of ['alice', 'bob', 'carol', '<b>mallory</b>']) {
  const minted = await owner.must('POST', `${p}/realtime/token`, { userId: user, info: { name: user } });
  const client = new Centrifuge(server.wsUrl(), { token: minted.token, websocket: WebSocket });
  for (const channel of ['public:room_1', 'chat:lobby', `public:${user}`]) client.newSubscription(channel).subscribe();
  client.connect();
  await client.ready();
  clients.push(client);
}
for (let i = 0; i < 30; i += 1)
  await owner.must('POST', `${p}/engine/publish`, {
    channel: 'public:room_1',
    data: { text: `message ${i}`, price: { amount: i * 3.5, currency: 'EUR' }, lines: ['a', 'b'], html: '<img src=x onerror=alert(1)>' },
  });

await shoot('dashboard', '/dashboard', owner);
await shoot('dashboard-create', '/dashboard', owner, async (page) => {
  await page.getByRole('button', { name: 'New project' }).click();
  await page.getByLabel('Name').fill('Chat');
});
await shoot('dashboard-keys', '/dashboard', owner, async (page) => {
  await page.getByRole('button', { name: 'New project' }).click();
  await page.getByLabel('Name').fill('Chat');
  await page.getByRole('button', { name: 'Create' }).click();
  await page.getByText('Copy them now').waitFor();
});
await shoot('overview', p, owner, (page) => page.waitForTimeout(4500));
await shoot('overview-empty', e, owner, (page) => page.waitForTimeout(500));
await shoot('keys', `${p}/keys`, owner);
await shoot('keys-viewer', `${p}/keys`, viewer);
await shoot('keys-rotate', `${p}/keys`, owner, (page) => page.getByRole('button', { name: 'Rotate' }).click());
await shoot('connections', `${p}/connections`, owner);
await shoot('connections-empty', `${e}/connections`, owner);
await shoot('connection', `${p}/connections`, owner, async (page) => {
  await page.locator('tbody button').first().click();
  await settled(page);
});
await shoot('channels', `${p}/channels`, owner);
await shoot('channels-empty', `${e}/channels`, owner);
await shoot('channel', `${p}/channels/${encodeURIComponent('public:room_1')}`, owner, (page) => page.waitForTimeout(300));
await shoot('channel-none', `${p}/channels/nothing`, owner, (page) => page.waitForTimeout(300));
await shoot('events', `${p}/events`, owner, async (page) => {
  await page.waitForTimeout(800);
  for (let i = 0; i < 6; i += 1)
    await owner.must('POST', `${p}/engine/publish`, { channel: 'public:room_1', data: { i } });
  await page.waitForTimeout(600);
});
await shoot('playground-empty', `${p}/playground`, owner);
await shoot('playground', `${p}/playground`, owner, async (page) => {
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
  await page.getByText(/^connected as/).waitFor();
  await page.getByRole('button', { name: 'Subscribe', exact: true }).click();
  await page.getByText(/^subscribed to/).waitFor();
  await page.getByRole('button', { name: 'Publish as a backend' }).click();
  await page.waitForTimeout(300);
  await page.getByRole('button', { name: 'Cut the wire' }).click();
  await page.getByRole('button', { name: 'Publish as a backend' }).click();
  await page.waitForTimeout(300);
  await page.getByRole('button', { name: 'Mend the wire' }).click();
  await page.getByText(/nothing was missed/).waitFor();
});
await shoot('members', `${p}/members`, owner);
await shoot('members-invite', `${p}/members`, owner, (page) => page.getByRole('button', { name: 'Invite' }).click());
await shoot('settings', `${p}/settings`, owner);
await shoot('settings-namespace', `${p}/settings`, owner, async (page) => {
  await page.getByRole('button', { name: 'Add a namespace' }).click();
});
await shoot('settings-delete', `${e}/settings`, owner, (page) => page.getByRole('button', { name: 'Delete' }).click());
await shoot('audit', `${p}/audit`, owner);
await shoot('audit-all', '/audit', owner);
await shoot('account', '/account', owner);
await shoot('account-totp', '/account', owner, async (page) => {
  await page.getByRole('button', { name: 'Turn on' }).click();
  await page.locator('.qr').waitFor();
});
await shoot('invite', `/invite#${inviteToken}`);
await shoot('invite-signed-in', `/invite#${inviteToken}`, owner);
await shoot('docs', '/docs');
await shoot('docs-backend', '/docs/backend', owner);
await shoot('docs-api', '/docs/api');
await shoot('docs-search', '/docs', null, async (page) => {
  await page.getByLabel('Search the docs').fill('token');
  await page.locator('.results a').first().waitFor();
});
await shoot('not-found', '/projects/none', owner);
await shoot('menu', p, owner, async (page) => {
  const menu = page.getByRole('button', { name: 'Menu' });
  if (await menu.isVisible()) await menu.click();
});
for (const client of clients) client.disconnect();
await browser.close();
await server.end();
process.exit(0);
