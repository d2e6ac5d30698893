// The first hour of a team, in a real browser against the real server.
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connected, endClients, newClient, subscribed } from '../e2e/lib/client.mjs';
import { PASSWORD, Person } from '../e2e/lib/console.mjs';
import { Server } from '../e2e/lib/server.mjs';
import { launch, newPage, open, settled } from './lib/browser.mjs';
import { totp } from './lib/totp.mjs';

const config = new URL('../../centrifugo/config.json', import.meta.url).pathname;
const TEST_MS = 60_000;
let server, browser, page, project, key;
const step = (name, body) => test(name, { timeout: TEST_MS }, body);
const button = (name, where = page) => where.getByRole('button', { name, exact: true });

before(async () => {
  server = await Server.start({ config });
  browser = await launch();
  page = await newPage(browser, server);
});
after(async () => {
  endClients();
  await browser?.close();
});

step('the set-up link of the first start makes the owner and signs in', async () => {
  await open(page, '/login');
  await page.getByText('This console waits for its owner').waitFor();
  const [token] = /inv_[\w-]+/.exec(readFileSync(join(server.data, 'first-run.txt'), 'utf8'));
  await page.goto('about:blank');
  await open(page, `/setup#${token}`);
  await page.getByLabel('Your name').fill('Olga Owner');
  await page.getByLabel('E-mail').fill('olga@example.com');
  await page.getByLabel('Password').fill(PASSWORD);
  await button("Create the owner's account").click();
  await page.waitForURL('**/dashboard');
  await page.getByRole('heading', { name: 'Projects' }).waitFor();
});

step('a new project shows its keys once, to copy, with lines for .env', async () => {
  await button('New project').click();
  await page.getByLabel('Name').fill('Shop');
  await button('Create').click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Copy them now').waitFor();
  await button('Copy server key').click();
  key = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(key, /^sk_/);
  assert.equal(await dialog.locator('[data-copy="server key"]').textContent(), key);
  await button('Copy .env lines').click();
  const env = await page.evaluate(() => navigator.clipboard.readText());
  assert.ok(env.includes(`XSHATHRA_SERVER_API_KEY=${key}\n`), env);
  assert.ok(env.includes(`NEXT_PUBLIC_XSHATHRA_REALTIME_URL=${server.wsUrl()}`), env);
  await button('I have copied them').click();
  await page.waitForURL('**/projects/proj_*');
  project = /proj_\w+/.exec(page.url())[0];
  await settled(page);
  assert.equal(await page.getByText(key).count(), 0);
});

step('the copied key publishes and mints tokens', async () => {
  assert.equal((await server.project('publish', { channel: 'public:room_1', data: { text: 'by curl' } }, key)).status, 200);
  assert.ok(await server.mint(key, 'ann'));
});

step('in the playground a cut wire is mended, and nothing was missed', async () => {
  await open(page, `/projects/${project}/playground`);
  await button('Connect').click();
  await page.getByText(/^connected as/).waitFor();
  await button('Subscribe').click();
  await page.getByText(/^subscribed to public:room_1/).waitFor();
  const messages = page.getByRole('list', { name: 'Messages' });
  await page.getByLabel('Message (JSON)').fill('{"text":"first"}');
  await button('Publish as a backend').click();
  await messages.getByText('"first"').waitFor();
  await button('Cut the wire').click();
  await page.getByLabel('Message (JSON)').fill('{"text":"while away"}');
  await button('Publish as a backend').click();
  await messages.getByText(/published on the server at offset/).waitFor();
  assert.equal(await messages.getByText('"while away"').count(), 0);
  await button('Mend the wire').click();
  await messages.getByText(/back, and nothing was missed/).waitFor();
  await messages.getByText('"while away"').waitFor();
  const frames = await page.getByRole('list', { name: 'Frames' }).textContent();
  assert.match(frames, /"recovered":true/);
  assert.doesNotMatch(frames, /"token":"[^"]{20}/);
});

step('the history of the channel is listed, and a message is published from its page', async () => {
  await open(page, `/projects/${project}/channels/${encodeURIComponent('public:room_1')}`);
  await page.getByText('"while away"').waitFor();
  await page.getByLabel('Data (JSON)').fill('{"text":"from its page"}');
  await button('Publish').click();
  await page.getByText('"from its page"').waitFor();
});

step('what strangers call themselves and send is text on every page', async () => {
  const evil = '<img src=x onerror="document.title=1">';
  const channel = `public:${evil}`;
  await server.project('publish', { channel, data: { [evil]: evil } }, key);
  await open(page, `/projects/${project}/channels/${encodeURIComponent(channel)}`);
  assert.equal(await page.locator('h1').textContent(), channel);
  await page.locator('.json-string').first().waitFor();
  assert.equal(await page.locator('main img').count(), 0);
  await page.goto(`/projects/${project}/members`);
});

step('a viewer comes by invite, sees the keys and may not rotate them', async () => {
  await open(page, `/projects/${project}/members`);
  await button('Invite').click();
  await page.getByLabel('Role', { exact: true }).selectOption('viewer');
  await button('Make the link').click();
  const link = await page.locator('[data-copy="invite link"]').textContent();
  await button('I have copied it').click();

  const guest = await newPage(browser, server, { size: 'phone', scheme: 'dark' });
  await open(guest, link);
  await guest.getByLabel('Your name').fill('Victor');
  await guest.getByLabel('E-mail').fill('victor@example.com');
  await guest.getByLabel('Password').fill(PASSWORD);
  await button('Create your account', guest).click();
  await guest.waitForURL(`**/projects/${project}`);
  await open(guest, `/projects/${project}/keys`);
  await guest.getByText('You are viewer of this project').waitFor();
  assert.equal(await button('Rotate', guest).count(), 0);
  const status = await guest.evaluate(async (id) => {
    const { csrf } = await (await fetch('/api/console/session')).json();
    const answer = await fetch(`/api/console/projects/${id}/keys/rotate`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Xshathra-CSRF': csrf },
      body: '{"kind":"server"}',
    });
    return answer.status;
  }, project);
  assert.equal(status, 403);
  assert.deepEqual(guest.faults, []);
  await guest.context().close();
});

step('a connection is seen live: on the overview, in the list with its SDK, and in the event stream', async () => {
  const watch = await newPage(browser, server);
  await watch.context().addCookies(await page.context().cookies());
  await open(watch, `/projects/${project}/events`);
  await watch.getByText('live', { exact: true }).waitFor();
  await open(page, `/projects/${project}`);
  const connections = page.locator('.stat').filter({ hasText: 'Connections' }).locator('dd').first();
  await connections.getByText('0', { exact: true }).waitFor();

  const client = newClient(server.wsUrl(), { token: await server.mint(key, 'seen') });
  await connected(client);
  await subscribed(client, 'public:room_1');
  await connections.getByText('1', { exact: true }).waitFor();
  const events = watch.getByRole('list', { name: 'Events' });
  await events.getByRole('listitem').filter({ hasText: 'subscribe' }).filter({ hasText: 'seen' }).first().waitFor();
  await open(page, `/projects/${project}/connections`);
  await page.getByLabel('is', { exact: true }).fill('seen');
  await button('Search').click();
  const row = page.getByRole('row').filter({ hasText: 'seen' });
  await row.getByRole('cell', { name: 'js', exact: true }).waitFor();
  await row.getByRole('button').click();
  await page.getByRole('dialog').getByRole('link', { name: 'public:room_1' }).waitFor();
  await page.getByRole('button', { name: 'Disconnect' }).click();
  await page.getByRole('dialog', { name: 'Disconnect this client?' }).getByRole('button', { name: 'Disconnect' }).click();
  await events.getByRole('listitem').filter({ hasText: 'disconnect' }).first().waitFor();
  await page.getByText('No connection with this user').waitFor();
  client.disconnect();
  assert.deepEqual(watch.faults, []);
  await watch.context().close();
});

step('a rotated key goes on for the overlap, which the page counts down', async () => {
  await open(page, `/projects/${project}/keys`);
  await button('Rotate').click();
  await page.getByLabel('Overlap').selectOption('3600');
  await page.getByRole('dialog').getByRole('button', { name: 'Rotate' }).click();
  const fresh = await page.locator('[data-copy="server key"]').textContent();
  await button('I have copied them').click();
  await page.getByText(/ends in 59 min/).waitFor();
  for (const one of [key, fresh]) assert.ok(await server.mint(one, 'ann'));
});

step('a revoked key is refused from that moment, as the event stream tells', async () => {
  const watch = await newPage(browser, server);
  await watch.context().addCookies(await page.context().cookies());
  await open(watch, `/projects/${project}/events`);
  await watch.getByText('live', { exact: true }).waitFor();
  const row = page.getByRole('row').filter({ hasText: 'ends in' });
  await row.getByRole('button', { name: 'Revoke' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await page.getByText('revoked just now').waitFor();
  const answer = await server.project('publish', { channel: 'public:room_1', data: 1 }, key);
  assert.equal(answer.status, 403);
  assert.equal(answer.json.error.code, 'revoked_key');
  const refusal = watch.getByRole('listitem').filter({ hasText: 'api refused' }).first();
  await refusal.getByText(/has been revoked/).first().waitFor();
  await watch.context().close();
});

step('the audit log tells who did it, and is filtered', async () => {
  await open(page, `/projects/${project}/audit`);
  await page.getByLabel('Who').fill('victor@example.com');
  await button('Filter').click();
  await page.getByText('olga@example.com').first().waitFor({ state: 'detached' });
  await button('Show all').click();
  await page.getByText('olga@example.com').first().waitFor();
});

step('a namespace of the project is made from the schema, checked, and in force at once', async () => {
  await open(page, `/projects/${project}/settings`);
  await button('Add a namespace').click();
  await page.getByRole('textbox', { name: 'Name' }).last().fill('or:ders');
  await page.getByLabel('history_size').fill('5');
  await button('Save namespaces').click();
  await page.getByRole('alert').waitFor();
  await page.getByRole('textbox', { name: 'Name' }).last().fill('orders');
  await page.getByLabel('history_ttl').fill('60s');
  await page.getByLabel('allow_subscribe_for_client').check();
  await button('Save namespaces').click();
  await page.getByText('history_size: 5').waitFor();
  await button('Save namespaces').waitFor({ state: 'detached' });
  await open(page, `/projects/${project}/channels/${encodeURIComponent('orders:1')}`);
  await button('Publish').click();
  await page.getByText('#1', { exact: true }).waitFor();
});

step('a project is deleted only when its name is typed', async () => {
  const owner = new Person(server);
  await owner.signIn('olga@example.com');
  const { id } = await owner.must('POST', '/projects', { name: 'Throw away' });
  await open(page, `/projects/${id}/settings`);
  await button('Delete').click();
  const go = button('Delete for good');
  assert.ok(await go.isDisabled());
  await page.getByRole('dialog').getByRole('textbox').fill('Throw away');
  await go.click();
  await page.waitForURL('**/dashboard');
  await page.getByRole('link', { name: /^Shop/ }).waitFor();
  assert.equal(await page.getByRole('link', { name: /^Throw away/ }).count(), 0);
});

step('an authenticator app is set up by QR code, and asked for at the next sign-in', async () => {
  await open(page, '/account');
  await button('Turn on').click();
  assert.ok((await page.locator('.qr path').getAttribute('d')).length > 1000);
  const secret = await page.locator('[data-copy="secret"]').textContent();
  await page.getByLabel('The six digits that the app shows').fill(totp(secret));
  await page.getByRole('dialog').getByRole('button', { name: 'Turn on' }).click();
  await page.getByText('Keep these recovery codes').waitFor();
  const [recovery] = await page.locator('.codes code').allTextContents();
  await button('I have kept them').click();
  await button('Sign out').click();
  await page.waitForURL('**/login');

  await page.getByLabel('E-mail').fill('olga@example.com');
  await page.getByLabel('Password').fill('not the password');
  await button('Sign in').click();
  await page.getByRole('alert').waitFor();
  await page.getByLabel('Password').fill(PASSWORD);
  await button('Sign in').click();
  await page.getByLabel('Code from your authenticator app').fill(recovery);
  await button('Confirm').click();
  await page.waitForURL('**/dashboard');
});

step('the docs are searched, and their examples name this host', async () => {
  const reader = await newPage(browser, server, { size: 'phone' });
  await open(reader, '/docs');
  await reader.getByLabel('Search the docs').fill('subscription-token');
  await reader.locator('.results a').first().click();
  await reader.waitForURL('**/docs/backend**');
  await reader.getByRole('heading', { level: 1, name: 'For backends' }).waitFor();
  const text = await reader.locator('article').textContent();
  assert.ok(text.includes(`${server.url}/api/realtime/token`));
  assert.ok(!text.includes('127.0.0.1:3001/'));
  assert.deepEqual(reader.faults, []);
  await reader.context().close();
});

step('light and dark are switched by hand, and stay so', async () => {
  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await open(page, '/dashboard');
  const light = await background();
  for (let i = 0; i < 2; i += 1) await page.getByRole('button', { name: /^Appearance/ }).click();
  assert.notEqual(await background(), light);
  const dark = await background();
  await page.reload();
  await settled(page);
  assert.equal(await background(), dark);
});

step('all pages are reached by keyboard, and a dialog gives the focus back', async () => {
  await open(page, '/dashboard');
  await page.keyboard.press('Tab');
  assert.equal(await page.evaluate(() => document.activeElement.textContent), 'Skip to the page');
  await button('New project').focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  assert.ok(await page.getByLabel('Name').evaluate((input) => input === document.activeElement));
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  assert.ok(await button('New project').evaluate((one) => one === document.activeElement));
});

step('no page complained, and the server ends with status 0 and without a word from a sanitizer', async () => {
  assert.deepEqual(page.faults, []);
  await browser.close();
  await server.end();
});

