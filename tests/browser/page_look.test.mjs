// How the page looks: on every width, in every scheme, for everyone. With SCREENSHOTS=<folder> it
// also takes the pictures of docs/.

import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';
import { TEMPLATE_DIR } from '../integration/harness.mjs';
import { shows } from './harness.mjs';
import { assertNoSideways, assertQuiet, problem, SCHEMES, send, stateIs, WIDTHS, withPage } from './page_tools.mjs';

const WEIGHT_MAX = 60 * 1024;
const TARGET_MIN_PX = 24;
const AXE_RULES = { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] };
const axeSource = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const STORY = [
  { message: 'Backup done. 42 GB in 11 min.', author: 'backup', ttl: 600 },
  { message: 'Lunch at one? The usual place, https://example.org/menu (they have soup).', author: 'Ada', ttl: 120 },
  { message: 'Deploying 2.4 now, please hold merges.\nI will shout when it is through.', author: 'Grace', ttl: 3600 },
  { message: 'holding', ttl: 120 },
  { message: 'The meeting is in the room on the left today.', author: 'Edsger', ttl: 86400 },
  { message: 'coming!', author: 'Ada', ttl: 45 },
];

async function axe(page, what) {
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate((rules) => globalThis.axe.run(document, rules), AXE_RULES);
  assert.deepEqual(violations.map(({ id, nodes }) => `${what}: ${id}: ${nodes.map(({ html, failureSummary }) =>
    `${html} ${failureSummary}`).join(' | ')}`), []);
}

async function assertTargets(page) {
  const small = await page.evaluate((least) => {
    const isText = (element) => element.closest('.text, .sheet p, .reloads'); // links in running text
    return [...document.querySelectorAll('a, button, input, select, textarea, summary')]
      .filter((element) => element.checkVisibility() && !isText(element))
      .map((element) => ({ html: element.outerHTML.slice(0, 80), box: element.getBoundingClientRect() }))
      .filter(({ box }) => box.width < least || box.height < least).map(({ html }) => html);
  }, TARGET_MIN_PX);
  assert.deepEqual(small, []);
}

async function picture(page, name) {
  if (!process.env.SCREENSHOTS) return;
  await page.waitForTimeout(400);
  await page.screenshot({ path: path.join(process.env.SCREENSHOTS, `${name}.png`) });
}

const states = [
  ['messages', async () => {}],
  ['rooms', (page) => page.click('.rooms summary')],
  ['share', (page) => page.click('#share summary')],
  ['help', (page) => page.click('#help summary')],
  ['failed', async (page, proxy) => {
    proxy.answer = ({ method }) => (method === 'POST'
      ? problem(429, 'rate-limited', 'Too many', { 'Retry-After': '60' }) : undefined);
    await send(page, 'Did anyone see this one?');
    await page.locator('#messages > li.failed').waitFor();
    proxy.answer = () => undefined;
  }],
];

for (const width of WIDTHS) {
  for (const colorScheme of SCHEMES) {
    test(`every state at ${width} px, ${colorScheme}`, withPage(async ({ api, proxy, open }) => {
      const room = 'ops';
      const { page, complaints } = await open(`/rooms/${room}`,
        { viewport: { width, height: width === 360 ? 720 : 760 }, colorScheme });
      await stateIs(page, 'live', 'polling');
      await page.selectOption('[name=ttl]', '60');
      await axe(page, 'empty');
      await picture(page, `empty-${width}-${colorScheme}`);
      for (const message of STORY) await api.create(room, message);
      await shows(page, STORY.map(({ message }) => message));
      for (const [name, enter] of states) {
        await enter(page, proxy);
        await page.waitForTimeout(300);
        await axe(page, name);
        await assertNoSideways(page);
        await assertTargets(page);
        await picture(page, `${name}-${width}-${colorScheme}`);
        await page.keyboard.press('Escape');
      }
      assert.deepEqual(complaints.filter((complaint) => !/429/.test(complaint)), []);
    }));
  }
}

test('forced colours', withPage(async ({ api, room, open }) => {
  for (const message of STORY) await api.create(room, message);
  for (const colorScheme of SCHEMES) {
    const { page, complaints } = await open(`/rooms/${room}`, { forcedColors: 'active', colorScheme });
    await stateIs(page, 'live', 'polling');
    await axe(page, `forced ${colorScheme}`);
    const line = await page.locator('.fuse i').first().evaluate((element) => getComputedStyle(element).backgroundColor);
    assert.match(line, colorScheme === 'light' ? /rgb\(0, 0, 0\)/ : /rgb\(255, 255, 255\)/);
    await picture(page, `forced-${colorScheme}`);
    assertQuiet(complaints);
  }
}));

test('from a small phone to a wall, and enlarged', withPage(async ({ api, room, open }) => {
  for (const message of STORY) await api.create(room, message);
  await api.create(room, { message: 'w'.repeat(500), author: 'w'.repeat(40), ttl: 600 });
  const { page, complaints } = await open(`/rooms/${room}`);
  for (const width of [320, 360, 480, 768, 1024, 1920, 3840]) {
    await page.setViewportSize({ width, height: 600 });
    await assertNoSideways(page);
    const text = await page.locator('.text').first().boundingBox();
    assert.ok(text.width <= 720, 'lines that can be read');
  }
  await page.setViewportSize({ width: 640, height: 640 });
  await page.evaluate(() => { document.documentElement.style.fontSize = '200%'; });
  await assertNoSideways(page);
  assertQuiet(complaints);
}));

test('a long room name fits', withPage(async ({ open }) => {
  const { page, complaints } = await open(`/rooms/${'m'.repeat(64)}`, { viewport: { width: 360, height: 640 } });
  await assertNoSideways(page);
  await assertTargets(page);
  assert.equal(await page.locator('#help summary').isVisible(), true);
  assertQuiet(complaints);
}));

test('all of it weighs less than 60 KB, and comes from here', withPage(async ({ room, proxy, open }) => {
  const folder = path.join(TEMPLATE_DIR, 'static');
  const files = [...(await readdir(folder)).map((name) => path.join(folder, name)),
    ...(await readdir(TEMPLATE_DIR)).filter((name) => name.endsWith('.html')).map((name) => path.join(TEMPLATE_DIR, name))];
  const sizes = await Promise.all(files.map(async (file) => (await readFile(file)).length));
  const weight = sizes.reduce((sum, size) => sum + size, 0);
  assert.ok(weight < WEIGHT_MAX, `${weight} bytes`);
  const { page, complaints } = await open(`/rooms/${room}`);
  await stateIs(page, 'live', 'polling');
  for (const link of await page.locator('link[href], script[src]').evaluateAll((all) => all.map((one) => one.href || one.src))) {
    assert.equal(new URL(link).origin, proxy.url);
    assert.equal((await page.request.get(link)).status(), 200, link);
  }
  const manifest = await (await page.request.get(`${proxy.url}/static/page.webmanifest`)).json();
  for (const { src } of manifest.icons) assert.equal((await page.request.get(`${proxy.url}${src}`)).status(), 200, src);
  assertQuiet(complaints);
}));
