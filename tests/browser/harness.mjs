// A real Chromium for the page's tests: Debian's own, driven by playwright-core.

import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';
import { TEST_TIMEOUT_MS, withWorld } from '../integration/harness.mjs';

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];
export const WAIT_MS = 10_000;

/** Opens `path` in a fresh context; whatever the console or a script complains of is in `complaints`. */
async function open(browser, gateway, path, { javaScriptEnabled = true } = {}) {
  const context = await browser.newContext({ javaScriptEnabled });
  context.setDefaultTimeout(WAIT_MS);
  const page = await context.newPage();
  const complaints = [];
  page.on('console', (entry) => complaints.push(`${entry.type()}: ${entry.text()}`));
  page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    return dialog.dismiss();
  });
  page.on('requestfailed', (failed) => {
    if (failed.failure()?.errorText !== 'net::ERR_ABORTED') {
      complaints.push(`failed: ${failed.url()} ${failed.failure()?.errorText}`);
    }
  });
  page.on('request', (sent) => {
    if (!sent.url().startsWith(gateway.url)) complaints.push(`foreign: ${sent.url()}`);
  });
  await page.goto(`${gateway.url}${path}`);
  return { context, page, complaints };
}

/** A test with both services and a browser: `body({ stack, open })`. */
export function withBrowser(body, options = {}) {
  return withWorld(async (world) => {
    const stack = await world.stack(options);
    const browser = await chromium.launch({ executablePath: EXECUTABLE, args: FLAGS, timeout: TEST_TIMEOUT_MS });
    world.onClose(() => browser.close());
    await body({
      world, stack, browser,
      open: (path, openOptions) => open(browser, stack.gateway, path, openOptions),
    });
  }, TEST_TIMEOUT_MS * 2);
}

/** The texts that the page shows, in its order. */
export const shownTexts = (page) => page.locator('#messages > li .text').evaluateAll(
  (elements) => elements.map((element) => element.textContent));

/** Waits until the page shows just these texts. */
export async function shows(page, texts, timeoutMs = WAIT_MS) {
  const end = Date.now() + timeoutMs;
  let shown;
  for (;;) {
    shown = await shownTexts(page);
    if (JSON.stringify(shown) === JSON.stringify(texts)) return;
    if (Date.now() > end) break;
    await page.waitForTimeout(25);
  }
  assert.deepEqual(shown, texts);
}

/** Waits until the service has accepted `count` messages of those that the page shows: one that is
 * still being sent shows too. */
export const accepted = (page, count) => page.waitForFunction(
  (n) => document.querySelectorAll('#messages > li[data-id]').length === n, count);

export function assertQuiet(complaints) {
  assert.deepEqual(complaints, [], 'the console stays empty');
}
