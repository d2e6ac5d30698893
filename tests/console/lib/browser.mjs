// The system's Chromium, driven by Playwright, and what the tests of the pages share.
import { strict as assert } from 'node:assert';
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const CANDIDATES = [process.env.CHROMIUM_BIN, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
export const WAIT_MS = 15_000;
export const SIZES = { desktop: { width: 1280, height: 860 }, phone: { width: 390, height: 844 } };

export async function launch() {
  const executablePath = CANDIDATES.find((path) => path && existsSync(path));
  assert.ok(executablePath, 'no Chromium is installed (CHROMIUM_BIN may name one)');
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

// A page of a browser profile of its own. Whatever the pages complain about, the policy's refusals among it, is a fault.
export async function newPage(browser, server, { size = 'desktop', scheme = 'light' } = {}) {
  const context = await browser.newContext({
    viewport: SIZES[size],
    colorScheme: scheme,
    baseURL: server.url,
    reducedMotion: 'reduce',
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  context.setDefaultTimeout(WAIT_MS);
  const page = await context.newPage();
  page.faults = [];
  page.on('pageerror', (error) => page.faults.push(`error: ${error.message}`));
  page.on('console', (message) => {
    // Refused calls are shown to the reader; Chromium logs each of them, too.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) page.faults.push(message.text());
  });
  return page;
}

// Takes the session of a person of tests/e2e/lib/console.mjs over, without the sign-in page.
export async function signInAs(page, person) {
  await page.context().addCookies([
    { name: 'xshathra_session', value: person.cookie, url: `http://127.0.0.1:${person.server.port}`, httpOnly: true, sameSite: 'Lax' },
  ]);
}

// Opens a page and waits until it has what it shows.
export async function open(page, path) {
  await page.goto(path);
  await settled(page);
}

export async function settled(page) {
  await page.locator('h1').first().waitFor();
  await page.waitForFunction(() => !document.querySelector('.skeleton'));
}
