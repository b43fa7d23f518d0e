// The page without a script, in two languages, shared and explained.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { accepted, shows } from './harness.mjs';
import { assertQuiet, stateIs, withPage } from './page_tools.mjs';

const jsQR = createRequire(import.meta.url)('jsqr');

test('without a script: read, send, choose a lifetime, give a name', withPage(async ({ api, room, open }) => {
  await api.create(room, { message: 'there\nbefore', author: 'Ada', ttl: 600 });
  const { page, complaints } = await open(`/rooms/${room}`, { javaScriptEnabled: false });
  assert.match(await page.locator('#messages > li').textContent(), /Ada\s+\d\d:\d\d UTC[\s\S]*10 min/);
  await page.fill('#compose textarea', 'from a form\nof two lines');
  await page.selectOption('[name=ttl]', '3600');
  await page.fill('[name=author]', 'Bob');
  await page.click('#compose button[type=submit]');
  await shows(page, ['there\nbefore', 'from a form\nof two lines']);
  const sent = (await api.list(room)).find(({ author }) => author === 'Bob');
  assert.equal(sent.message, 'from a form\nof two lines');
  assert.equal(Date.parse(sent.expires_at) - Date.parse(sent.created_at), 3_600_000);
  assertQuiet(complaints);
}));

test('without a script it shows the newest, reloads itself, and can be paused for writing', withPage(
  async ({ api, room, open }) => {
    for (let i = 0; i < 40; i += 1) await api.create(room, { message: `number ${i}`, ttl: 600 });
    const { page } = await open(`/rooms/${room}`, { javaScriptEnabled: false });
    const last = await page.locator('#messages > li').last().boundingBox();
    const log = await page.locator('#log').boundingBox();
    assert.ok(last.y + last.height <= log.y + log.height + 1, 'the newest is in view');
    const { text } = await api.get(`/rooms/${room}`);
    const [, seconds] = /<noscript><meta http-equiv="refresh" content="(\d+)"><\/noscript>/.exec(text);
    assert.ok(Number(seconds) >= 15, 'slow enough to write a line');
    assert.equal(await page.locator('meta[http-equiv=refresh]').count(), 1);
    await page.locator('.reloads a').click();
    await page.waitForURL(({ search }) => search === '?pause=1');
    assert.equal(await page.locator('meta[http-equiv=refresh]').count(), 0);
    assert.match(await page.locator('.reloads').textContent(), /paused/);
    await page.locator('.reloads a').click();
    await page.waitForURL(({ search }) => search === '');
    assert.equal(await page.locator('meta[http-equiv=refresh]').count(), 1);
  }));

test('with a script it does not reload', withPage(async ({ room, open }) => {
  const { page } = await open(`/rooms/${room}`);
  assert.equal(await page.locator('meta[http-equiv=refresh]').count(), 0);
}));

for (const javaScriptEnabled of [true, false]) {
  test(`a room is opened by its name, ${javaScriptEnabled ? 'with' : 'without'} a script`, withPage(
    async ({ room, open }) => {
      const { page } = await open(`/rooms/${room}`, { javaScriptEnabled });
      await page.click('.rooms summary');
      await page.fill('#room-name', `${room}-next`);
      await page.click('#rooms button');
      await page.waitForURL(`**/rooms/${room}-next`);
      assert.match(await page.title(), new RegExp(`${room}-next`));
    }));
}

const languages = [
  ['en', ['en', 'en-US,en;q=0.9', 'de', '', '*', 'zh;q=0.1,en', 'zh;q=0', 'nonsense;;q=,']],
  ['zh-Hans', ['zh', 'zh-CN', 'ZH-cn,en;q=0.8', 'zh-Hans-CN', 'zh-TW', 'de,zh;q=0.2', 'en;q=0.3, zh;q=0.4']],
];
for (const [lang, headers] of languages) {
  test(`${lang} for those who ask for it`, withPage(async ({ api, room }) => {
    for (const header of headers) {
      const { text } = await api.get(`/rooms/${room}`, { 'Accept-Language': header });
      assert.match(text, new RegExp(`<html lang="${lang}">`), header);
    }
  }));
}

test('in Chinese everything is, from both sides', withPage(async ({ api, room, open }) => {
  await api.create(room, { message: 'a', ttl: 600 });
  const { page, complaints } = await open(`/rooms/${room}`, { locale: 'zh-CN' });
  await stateIs(page, 'live', 'polling');
  assert.equal(await page.getByRole('button', { name: '发送' }).isVisible(), true);
  assert.match(await page.locator('#state').textContent(), /实时|每秒更新/);
  assert.equal(await page.locator('.count').textContent(), '10 分钟');
  assert.deepEqual(await page.locator('[name=ttl] option').evaluateAll((options) => options.map(
    (option) => option.textContent).filter((name) => !/^[\d ]*[\u4e00-\u9fff]+$/.test(name))), []);
  const english = await page.evaluate(() => {
    for (const panel of document.querySelectorAll('details')) panel.open = true;
    return document.body.innerText.replace(/curl[^\n]*|https?:\S*|TempMessenger|Enter|Shift|lobby|a–z/g, '')
      .match(/[A-Za-z]{3,}/g)?.filter((word) => !document.body.dataset.room.includes(word)) ?? [];
  });
  assert.deepEqual(english, []);
  assertQuiet(complaints);
}));

test('the choices are those of the page, and each is accepted', withPage(async ({ room, open }) => {
  const { page } = await open(`/rooms/${room}`);
  const values = await page.locator('[name=ttl] option').evaluateAll((options) => options.map(({ value }) => value));
  assert.deepEqual(values.filter((value) => value !== ''), ['10', '60', '600', '3600', '86400']);
  for (const value of values) {
    await page.selectOption('[name=ttl]', value);
    await page.fill('#compose textarea', `for ${value}`);
    await page.keyboard.press('Enter');
  }
  await accepted(page, values.length);
  await shows(page, values.map((value) => `for ${value}`));
}));

test('help has commands with the right host and room', withPage(async ({ api, room, proxy, open }) => {
  const { host } = new URL(proxy.url);
  for (const javaScriptEnabled of [true, false]) {
    const { page } = await open(`/rooms/${room}`, { javaScriptEnabled });
    await page.click('#help summary');
    assert.deepEqual(await page.locator('code').allInnerTexts(), [
      `curl -H 'Content-Type: text/plain' -d 'backup done' http://${host}/rooms/${room}/messages`,
      `curl -N http://${host}/rooms/${room}/events`]);
    assert.match(await page.locator('#help').textContent(), /choose a longer lifetime/);
  }
  for (const odd of ["x'; rm -rf ~", 'a b', '<b>', 'a/b', 'x'.repeat(300)]) {
    const { status, text } = await api.get(`/rooms/${room}`, { Host: odd });
    if (status === 200) assert.ok(!text.includes(`http://${odd}`) && text.includes('http://localhost:8000'), odd);
  }
}));

test('the link can be copied, and read from the QR code', withPage(async ({ room, proxy, open }) => {
  const link = `${proxy.url}/rooms/${room}`;
  const { page, context, complaints } = await open(`/rooms/${room}`);
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.click('#share summary');
  assert.equal(await page.inputValue('#link'), link);
  await page.click('#copy');
  await page.locator('#copy', { hasText: 'Copied' }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), link);
  const code = page.getByRole('img', { name: /QR code/ });
  await code.waitFor();
  assert.equal(decode(await rowsOf(code)), link);
  assertQuiet(complaints);
}));

test('QR codes of every length up to their largest are read as they were written', withPage(
  async ({ room, open }) => {
    const { page } = await open(`/rooms/${room}`);
    const base = 'https://例え.jp/rooms/'.repeat(20);
    const texts = Array.from({ length: 180 }, (_, i) => base.slice(0, i + 1))
      .filter((text) => Buffer.byteLength(text) <= 213);
    const codes = await page.evaluate(async (all) => {
      const { qrCode } = await import('/static/qr.js');
      return all.map((text) => qrCode(text));
    }, [...texts, 'x'.repeat(213), 'x'.repeat(214)]);
    assert.equal(codes.pop(), undefined, 'over its largest');
    assert.equal(decode(codes.pop()), 'x'.repeat(213));
    assert.equal(new Set(codes.map((rows) => rows.length)).size, 10, 'every version');
    codes.forEach((rows, i) => assert.equal(decode(rows), texts[i]));
  }));

const rowsOf = (code) => code.evaluate((svg) => {
  const quiet = 4;
  const size = svg.viewBox.baseVal.width - 2 * quiet;
  const rows = Array.from({ length: size }, () => new Array(size).fill(0));
  for (const [, x, y] of svg.querySelector('path').getAttribute('d').matchAll(/M(\d+) (\d+)h1v1h-1z/g)) {
    rows[y - quiet][x - quiet] = 1;
  }
  return rows;
});

/** What a reader sees that knows nothing of how it was made. */
function decode(rows) {
  const scale = 4;
  const quiet = 4;
  const side = (rows.length + 2 * quiet) * scale;
  const pixels = new Uint8ClampedArray(side * side * 4).fill(255);
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) {
      const isDark = rows[Math.floor(y / scale) - quiet]?.[Math.floor(x / scale) - quiet] === 1;
      if (isDark) pixels.fill(0, (y * side + x) * 4, (y * side + x) * 4 + 3);
    }
  }
  return (jsQR.default ?? jsQR)(pixels, side, side)?.data;
}
