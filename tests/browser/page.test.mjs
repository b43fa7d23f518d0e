// The page in a browser: messages come and go by themselves, and every text is only a text.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientOf, newRoom } from '../integration/harness.mjs';
import { accepted, assertQuiet, shows, shownTexts, withBrowser } from './harness.mjs';

const HOSTILE = [
  '<script>window.hacked = 1; alert(1)</script>', '<img src=x onerror="window.hacked = 1">',
  '#begins with a number sign', '# ', '{{message}}', '{{{message}}}', '{{#messages}}', '{{> home}}',
  '</li></ol><script>window.hacked = 1</script>', '</textarea></form>', '&lt;b&gt;&amp;amp;', '<!-- ',
  '"\'`', 'javascript:window.hacked=1', '<svg onload=window.hacked=1>', '\u202egnp.exe', 'a\n  b\tc', '__proto__',
  '${window.hacked=1}', '%3Cscript%3E', '😀 é 漢',
];

/** What of a text may be a name. */
const nameOf = (text) => text.replace(/[\u202e\n\t]/g, '').slice(0, 40);

test('messages appear and vanish by themselves', withBrowser(async ({ stack, open }) => {
  const room = newRoom();
  const api = clientOf(stack.gateway);
  await api.create(room, { message: 'there before', ttl: 60 });
  const { page, complaints } = await open(`/rooms/${room}`);
  await shows(page, ['there before']);
  await api.create(room, { message: 'short', ttl: 3 });
  await api.create(room, { message: 'later', ttl: 90 });
  await shows(page, ['there before', 'short', 'later']);
  await shows(page, ['there before', 'later']);
  assertQuiet(complaints);
}));

test('only what changed is touched', withBrowser(async ({ stack, open }) => {
  const room = newRoom();
  const api = clientOf(stack.gateway);
  const kept = await api.create(room, { message: 'kept', ttl: 60 });
  const { page, complaints } = await open(`/rooms/${room}`);
  await shows(page, ['kept']);
  await page.evaluate(() => {
    window.sameElement = document.querySelector('#messages > li');
  });
  await api.create(room, { message: 'short', ttl: 2 });
  await shows(page, ['kept', 'short']);
  await shows(page, ['kept']);
  assert.equal(await page.evaluate(() => window.sameElement === document.querySelector('#messages > li')), true);
  assert.equal(await page.locator('#messages > li').getAttribute('data-id'), kept.id);
  assertQuiet(complaints);
}));

test('a text in the box is not lost when messages come', withBrowser(async ({ stack, open }) => {
  const room = newRoom();
  const { page, complaints } = await open(`/rooms/${room}`);
  await page.fill('#compose textarea[name=message]', 'half a sent');
  await clientOf(stack.gateway).create(room, 'another');
  await shows(page, ['another']);
  assert.equal(await page.inputValue('#compose textarea[name=message]'), 'half a sent');
  assertQuiet(complaints);
}));

for (const [name, when] of [['already there', 'before'], ['that come while it is open', 'after']]) {
  test(`hostile texts ${name} are shown to the letter and nothing runs`, withBrowser(async ({ stack, open }) => {
    const room = newRoom();
    const api = clientOf(stack.gateway);
    const send = async () => {
      for (const text of HOSTILE) await api.create(room, { message: text, author: nameOf(text) });
    };
    if (when === 'before') await send();
    const { page, complaints } = await open(`/rooms/${room}`);
    if (when === 'after') await send();
    await shows(page, HOSTILE);
    assert.equal(await page.evaluate(() => window.hacked), undefined);
    assert.equal(await page.locator('#messages script, #messages img, #messages svg').count(), 0);
    assertQuiet(complaints);
  }));
}

test('the form sends, and the message shows', withBrowser(async ({ stack, open }) => {
  const room = newRoom();
  const { page, complaints } = await open(`/rooms/${room}`);
  for (const text of ['hello', '#hash', '<b>bold</b>']) {
    await page.fill('#compose textarea[name=message]', text);
    await page.locator('#compose [type=submit], #compose button').first().click();
    await page.locator('#messages .text', { hasText: text }).waitFor();
  }
  await accepted(page, 3);
  await shows(page, ['hello', '#hash', '<b>bold</b>']);
  assert.deepEqual((await clientOf(stack.gateway).list(room)).map(({ message }) => message),
    ['hello', '#hash', '<b>bold</b>']);
  assertQuiet(complaints);
}));

test('the form works with JavaScript disabled', withBrowser(async ({ open }) => {
  const room = newRoom();
  const { page } = await open(`/rooms/${room}`, { javaScriptEnabled: false });
  for (const text of ['hello', '# {{x}} <script>alert(1)</script>']) {
    await page.fill('#compose textarea[name=message]', text);
    await page.locator('#compose [type=submit], #compose button').first().click();
    await page.locator('#messages .text', { hasText: text }).waitFor();
  }
  assert.equal(new URL(page.url()).pathname, `/rooms/${room}`);
  assert.deepEqual(await page.locator('#messages > li .text').allTextContents(),
    ['hello', '# {{x}} <script>alert(1)</script>']);
}));

test('two rooms in two windows do not mix, and two windows of one room agree', withBrowser(async ({ stack, open }) => {
  const [room, other] = [newRoom(), newRoom()];
  const windows = [await open(`/rooms/${room}`), await open(`/rooms/${room}`), await open(`/rooms/${other}`)];
  await clientOf(stack.gateway).create(room, 'a');
  await clientOf(stack.gateway).create(other, 'b');
  await shows(windows[0].page, ['a']);
  await shows(windows[1].page, ['a']);
  await shows(windows[2].page, ['b']);
  for (const { complaints } of windows) assertQuiet(complaints);
}));

test('the lobby is the page at /', withBrowser(async ({ stack, open }) => {
  await clientOf(stack.gateway).create('lobby', 'in the lobby');
  const { page, complaints } = await open('/');
  await shows(page, ['in the lobby']);
  assertQuiet(complaints);
}));

test('it goes on after the message service was away', withBrowser(async ({ world, stack, open }) => {
  const room = newRoom();
  await clientOf(stack.gateway).create(room, { message: 'a', ttl: 600 });
  const { page } = await open(`/rooms/${room}`);
  await shows(page, ['a']);
  const { port } = stack.service;
  await stack.service.kill();
  await page.waitForResponse((response) => response.status() === 503).catch(() => {});
  await world.messageService({ PORT: String(port), STORE_URL: stack.redis.url });
  await clientOf(stack.service).create(room, { message: 'b', ttl: 600 });
  await shows(page, ['a', 'b']);
  assert.equal((await shownTexts(page)).length, 2);
}, { store: 'redis' }));
