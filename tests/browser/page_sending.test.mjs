// Sending from the page: what was typed is never lost, and never posted twice.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accepted, shows } from './harness.mjs';
import { assertQuiet, problem, send, stateIs, withPage } from './page_tools.mjs';

const BOX = '#compose textarea[name=message]';
const isPost = ({ method }) => method === 'POST';
const texts = async (api, room) => (await api.list(room)).map(({ message }) => message);

test('Enter sends, Shift+Enter breaks the line, and the field grows', withPage(async ({ api, room, open }) => {
  const { page, complaints } = await open(`/rooms/${room}`);
  await page.focus(BOX);
  const height = () => page.locator(BOX).evaluate((box) => box.getBoundingClientRect().height);
  const before = await height();
  await page.keyboard.type('one');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('two');
  await page.keyboard.press('Shift+Enter');
  await page.keyboard.type('three');
  assert.ok(await height() > before + 30);
  await page.keyboard.press('Enter');
  await accepted(page, 1);
  await shows(page, ['one\ntwo\nthree']);
  assert.equal(await page.inputValue(BOX), '');
  assert.equal(await height(), before);
  assert.deepEqual(await texts(api, room), ['one\ntwo\nthree']);
  assertQuiet(complaints);
}));

test('nothing is sent while a word is being composed, or where there is nothing', withPage(
  async ({ room, proxy, open }) => {
    const { page, complaints } = await open(`/rooms/${room}`);
    await page.fill(BOX, 'ni');
    await page.locator(BOX).dispatchEvent('keydown', { key: 'Enter', isComposing: true, bubbles: true });
    assert.equal(await page.inputValue(BOX), 'ni');
    await send(page, '  \n ');
    await page.locator('#note', { hasText: 'nothing to send' }).waitFor();
    assert.equal(proxy.count(/^POST/), 0);
    assertQuiet(complaints);
  }));

const CONTROLS = String.fromCharCode(...Array.from({ length: 32 }, (_, i) => i), 0x7f,
  ...Array.from({ length: 32 }, (_, i) => 0x80 + i));

/** As a paste does: at the caret, with an `input` event. */
const paste = (page, text) => page.keyboard.insertText(text);

test('control characters are dropped on paste, from the name too, and the caret stays', withPage(
  async ({ api, room, open }) => {
    const { page, complaints } = await open(`/rooms/${room}`);
    await page.fill(BOX, 'before after');
    await page.locator(BOX).evaluate((box) => box.setSelectionRange(7, 7));
    await paste(page, `\u001b[31mred\u0007\tx\n${CONTROLS.replace(/[\t\n\r]/g, '')} `);
    await page.keyboard.type('here ');
    assert.equal(await page.inputValue(BOX), 'before [31mred\tx\n here after');
    await page.focus('#compose [name=author]');
    for (const piece of CONTROLS.match(/[^]{1,30}/g)) await paste(page, piece.replace(/[\n\r]/g, ''));
    await paste(page, 'A\u202ed\u2066\u061ca');
    assert.equal(await page.inputValue('#compose [name=author]'), 'Ada');
    await page.focus(BOX);
    await page.keyboard.press('Enter');
    await accepted(page, 1);
    assert.deepEqual((await api.list(room)).map(({ message, author }) => [message, author]),
      [['before [31mred\tx\n here after', 'Ada']]);
    assertQuiet(complaints);
  }));

test('lifetime and name are sent, and remembered on the device', withPage(async ({ api, room, open }) => {
  const { page, context, complaints } = await open(`/rooms/${room}`);
  await page.selectOption('[name=ttl]', '600');
  await page.fill('[name=author]', 'Ada');
  await send(page, 'hello');
  await accepted(page, 1);
  await shows(page, ['hello']);
  const [message] = await api.list(room);
  assert.equal(message.author, 'Ada');
  assert.equal(Date.parse(message.expires_at) - Date.parse(message.created_at), 600_000);
  await page.close();
  const again = await open(`/rooms/${room}-b`, { context });
  assert.equal(await again.page.inputValue('[name=ttl]'), '600');
  assert.equal(await again.page.inputValue('[name=author]'), 'Ada');
  assertQuiet(complaints);
}));

test('a text shows at once as being sent, and once when it was', withPage(async ({ api, room, proxy, open }) => {
  const { page, complaints } = await open(`/rooms/${room}`);
  await stateIs(page, 'live', 'polling');
  let go;
  proxy.answer = (request) => (isPost(request) ? new Promise((resolve) => { go = resolve; }) : undefined);
  await send(page, 'slow');
  await page.locator('#messages .sending', { hasText: 'sending' }).waitFor();
  await shows(page, ['slow']);
  go(undefined);
  await page.locator('#messages > li[data-id]').waitFor();
  await page.waitForTimeout(1500);
  await shows(page, ['slow']);
  assert.equal(await page.locator('.sending').count(), 0);
  assert.equal((await api.list(room)).length, 1);
  assertQuiet(complaints);
}));

test('a message that comes back before its answer does shows once', withPage(async ({ api, room, proxy, open }) => {
  const { page } = await open(`/rooms/${room}`);
  await stateIs(page, 'live', 'polling');
  proxy.answer = async (request) => {
    if (!isPost(request)) return undefined;
    await api.post(request.url, request.body, { 'Idempotency-Key': request.headers['idempotency-key'] });
    await new Promise((resolve) => { setTimeout(resolve, 2500); });
    return undefined;
  };
  await page.evaluate(() => {
    globalThis.most = 0;
    new MutationObserver(() => {
      globalThis.most = Math.max(globalThis.most, document.querySelectorAll('#messages > li').length);
    }).observe(document.getElementById('messages'), { childList: true });
  });
  await send(page, 'once');
  await page.locator('#messages > li[data-id]').waitFor();
  await page.waitForTimeout(3000);
  assert.equal(await page.evaluate(() => globalThis.most), 1);
  await shows(page, ['once']);
}));

test('several in a row arrive in their order', withPage(async ({ api, room, open }) => {
  const { page, complaints } = await open(`/rooms/${room}`);
  const all = Array.from({ length: 8 }, (_, i) => `number ${i}`);
  for (const text of all) await send(page, text);
  await accepted(page, all.length);
  await shows(page, all);
  assert.deepEqual(await texts(api, room), all);
  assertQuiet(complaints);
}));

const failures = [
  ['the network fails', () => 'cut', /cannot be reached/],
  ['the service is away', () => problem(503, 'unavailable', 'Not available', { 'Retry-After': '1' }), /not available/],
  ['it answers late', () => problem(504, 'timeout', 'No answer came'), /not available/],
  ['it is too long', () => problem(413, 'too-large', 'too large'), /too long/],
  ['it is refused', () => problem(422, 'invalid-message', 'Because of <b>'), /Because of <b>/],
];
for (const [what, answer, reason] of failures) {
  test(`where ${what} the text stays and is sent again under the same key`, withPage(
    async ({ api, room, proxy, open }) => {
      const { page } = await open(`/rooms/${room}`);
      proxy.answer = (request) => (isPost(request) ? answer() : undefined);
      await send(page, 'precious');
      const li = page.locator('#messages > li.failed');
      await li.waitFor();
      assert.match(await li.locator('.sending').textContent(), reason);
      assert.equal(await page.inputValue(BOX), '');
      await page.waitForFunction(() => getComputedStyle(document.querySelector('.failed')).opacity === '1');
      proxy.answer = () => undefined;
      await li.getByRole('button', { name: 'Try again' }).click();
      await page.locator('#messages > li[data-id]').waitFor();
      await shows(page, ['precious']);
      assert.deepEqual(await texts(api, room), ['precious']);
      const keys = proxy.requests.filter(isPost).map(({ headers }) => headers['idempotency-key']);
      assert.ok(keys.length >= 2); // browsers try again by themselves where a kept connection broke
      assert.equal(new Set(keys).size, 1);
      assert.match(keys[0], /^[0-9a-f]{32}$/);
    }));
}

test('an answer that was lost on its way does not make it two', withPage(async ({ api, room, proxy, open }) => {
  const { page } = await open(`/rooms/${room}`);
  proxy.answer = async (request) => {
    if (!isPost(request)) return request.url.endsWith('/events') || request.url.endsWith('/messages') ? 'cut' : undefined;
    await api.post(request.url, request.body, { 'Idempotency-Key': request.headers['idempotency-key'] });
    return 'cut';
  };
  proxy.cutAll();
  await send(page, 'once');
  const li = page.locator('#messages > li.failed');
  await li.waitFor();
  proxy.answer = (request) => (isPost(request) ? undefined : 'cut');
  await li.getByRole('button', { name: 'Try again' }).click();
  await page.locator('#messages > li[data-id]').waitFor();
  assert.deepEqual(await texts(api, room), ['once']);
}));

test('429 says when, and lets nobody try before', withPage(async ({ room, proxy, open }) => {
  const { page } = await open(`/rooms/${room}`);
  proxy.answer = (request) => (isPost(request)
    ? problem(429, 'rate-limited', 'Too many', { 'Retry-After': '2' }) : undefined);
  await send(page, 'eager');
  const again = page.getByRole('button', { name: 'Try again' });
  await again.waitFor();
  assert.match(await page.locator('.sending').textContent(), /in 2 s/);
  assert.equal(await again.isDisabled(), true);
  proxy.answer = () => undefined;
  await page.waitForFunction(() => !document.querySelector('.sending button').disabled);
  await again.click();
  await page.locator('#messages > li[data-id]').waitFor();
}));

test('what failed can be edited or thrown away', withPage(async ({ room, proxy, open }) => {
  const { page } = await open(`/rooms/${room}`);
  proxy.answer = (request) => (isPost(request) ? 'cut' : undefined);
  await send(page, 'one');
  await page.getByRole('button', { name: 'Edit' }).click();
  assert.equal(await page.inputValue(BOX), 'one');
  assert.equal(await page.evaluate(() => document.activeElement.name), 'message');
  await shows(page, []);
  await send(page, 'two');
  await page.getByRole('button', { name: 'Discard' }).click();
  await shows(page, []);
}));

test('drafts and what failed outlive a reload', withPage(async ({ room, proxy, open }) => {
  const { page } = await open(`/rooms/${room}`);
  proxy.answer = (request) => (isPost(request) ? 'cut' : undefined);
  await send(page, 'failed');
  await page.locator('#messages > li.failed').waitFor();
  await page.fill(BOX, 'half a sent');
  proxy.answer = () => undefined;
  await page.reload();
  assert.equal(await page.inputValue(BOX), 'half a sent');
  await shows(page, ['failed']);
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.locator('#messages > li[data-id]').waitFor();
  await page.reload();
  await shows(page, ['failed']);
  assert.equal(await page.locator('#messages > li.failed').count(), 0);
}));

test('all of it works by keyboard, with the focus to be seen', withPage(async ({ room, open }) => {
  const { page, complaints } = await open(`/rooms/${room}`);
  await send(page, 'https://example.org/');
  await page.locator('#messages > li[data-id]').waitFor();
  await page.evaluate(() => document.activeElement.blur());
  const reached = [];
  for (let i = 0; i < 11; i += 1) {
    await page.keyboard.press('Tab');
    reached.push(await page.evaluate(() => {
      const element = document.activeElement;
      const { outlineStyle, outlineWidth } = getComputedStyle(element);
      if (outlineStyle === 'none' || parseFloat(outlineWidth) < 2) return `${element.outerHTML} without a focus ring`;
      return element.name || element.id || element.className || element.closest('details, li')?.className
        || element.localName;
    }));
  }
  for (const place of ['home', 'panel rooms', 'panel', 'log', 'message', 'send', 'ttl', 'author']) {
    assert.ok(reached.includes(place), `${place} in ${reached}`);
  }
  await page.focus('.rooms summary');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await page.keyboard.type('Ops  Team');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/rooms/ops-team');
  await page.focus('#help summary');
  await page.keyboard.press('Space');
  assert.equal(await page.locator('#help .sheet').isVisible(), true);
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('#help .sheet').isVisible(), false);
  assert.equal(await page.evaluate(() => document.activeElement.localName), 'summary');
  assertQuiet(complaints);
}));
