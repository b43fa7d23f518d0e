// How messages are shown, come and go.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shows } from './harness.mjs';
import { assertNoSideways, assertQuiet, stateIs, watchShifts, WIDTHS, withPage } from './page_tools.mjs';

const A_YEAR_MS = 365 * 24 * 3600 * 1000;

/** The device believes it is another year. */
const wrongClock = (offset) => {
  const real = Date;
  globalThis.Date = class extends real {
    constructor(...given) {
      super(...(given.length > 0 ? given : [real.now() + offset]));
    }

    static now() {
      return real.now() + offset;
    }
  };
};

test('messages stand in the order in which they were sent, whatever their lifetimes', withPage(
  async ({ api, room, open }) => {
    await api.create(room, { message: 'first', ttl: 600 });
    await api.create(room, { message: 'second', ttl: 20 });
    const { page, complaints } = await open(`/rooms/${room}`);
    await stateIs(page, 'live', 'polling');
    await api.create(room, { message: 'third', ttl: 3600 });
    await api.create(room, { message: 'fourth', ttl: 30 });
    await shows(page, ['first', 'second', 'third', 'fourth']);
    await page.reload();
    await shows(page, ['first', 'second', 'third', 'fourth']);
    assertQuiet(complaints);
  }));

test('a message has its author, its time and what it has left', withPage(async ({ api, room, open }) => {
  const { page, complaints } = await open(`/rooms/${room}`);
  const sent = await api.create(room, { message: 'hello', author: 'Ada', ttl: 600 });
  await shows(page, ['hello']);
  const li = page.locator('#messages > li');
  assert.equal(await li.locator('.author').textContent(), 'Ada');
  assert.equal(await li.locator('.sent').getAttribute('datetime'), sent.created_at);
  assert.match(await li.locator('.sent').textContent(), /^\d\d:\d\d$/);
  assert.equal(await li.locator('.count').textContent(), '10 min');
  assertQuiet(complaints);
}));

for (const years of [-1, 1]) {
  test(`a device whose clock is wrong by ${years} year shows and drops messages in time`, withPage(
    async ({ api, room, open, proxy }) => {
      const { page, complaints } = await open(`/rooms/${room}`, { init: `(${wrongClock})(${years * A_YEAR_MS})` });
      await stateIs(page, 'live', 'polling');
      const before = await api.create(room, { message: 'there before', ttl: 15 });
      await page.reload();
      await stateIs(page, 'live', 'polling');
      const sent = await api.create(room, { message: 'new', ttl: 50 });
      await shows(page, ['there before', 'new']);
      const seconds = /^(\d+) s$/.exec(await page.locator('.count').last().textContent())?.[1];
      const least = Math.floor((Date.parse(sent.expires_at) - Date.now()) / 1000);
      assert.ok(seconds >= least && seconds <= 50, `${seconds} s, of at least ${least}`);
      assertQuiet(complaints);
      proxy.answer = () => 'cut'; // the server cannot say that it is gone
      proxy.cutAll();
      await shows(page, ['new'], 30_000);
      assert.ok(Date.now() >= Date.parse(before.expires_at), 'not before its end');
    }));
}

test('a message is gone at its deadline although the network is', withPage(async ({ api, room, open, proxy }) => {
  const { page } = await open(`/rooms/${room}`);
  await stateIs(page, 'live', 'polling');
  await api.create(room, { message: 'short', ttl: 10 });
  await api.create(room, { message: 'long', ttl: 60 });
  await shows(page, ['short', 'long']);
  proxy.answer = () => 'cut';
  proxy.cutAll();
  await shows(page, ['long'], 20_000);
}));

test('a message fades before its end, and its line burns down', withPage(async ({ api, room, open }) => {
  const { page } = await open(`/rooms/${room}`);
  await stateIs(page, 'live', 'polling');
  await api.create(room, { message: 'short', ttl: 15 });
  /** How the message looks in the first frame in which it burns, or fades; `share` is the line's own time. */
  const lookWhen = async (wanted) => (await page.waitForFunction((state) => {
    const li = document.querySelector('#messages > li');
    const line = li?.querySelector('.fuse i');
    const [burning] = line?.getAnimations() ?? [];
    const opacity = li && Number(getComputedStyle(li.querySelector('.text')).opacity);
    const dying = li?.classList.contains('dying');
    if (!burning || (state === 'fading' && !(opacity < 1 && dying))) return null;
    const { left, width } = li.getBoundingClientRect();
    return {
      opacity, dying,
      burnt: 1 - (line.getBoundingClientRect().right - left) / width,
      share: burning.currentTime / burning.effect.getTiming().duration,
    };
  }, wanted, { timeout: 20_000 })).jsonValue();
  const early = await lookWhen('burning');
  const late = await lookWhen('fading');
  for (const { burnt, share } of [early, late]) assert.ok(Math.abs(burnt - share) < 0.02, `${burnt} burnt of ${share}`);
  assert.ok(early.burnt < late.burnt);
  assert.ok(late.share > 0.6, `fading at ${late.share}`);
  assert.ok(early.opacity === 1 || early.share > 0.6, `${early.opacity} at ${early.share}`);
}));

test('links can be followed, and say nothing of where they were', withPage(async ({ api, room, open }) => {
  const text = 'see https://example.org/a_(b)?q=1&r=<2>, or (http://example.org/x). Not javascript:alert(1), '
    + 'ftp://example.org, https://\u202egro.live, www.example.org\nhttps://例え.jp/路?x=y。';
  await api.create(room, text);
  const { page, complaints } = await open(`/rooms/${room}`);
  await api.create(room, text);
  await shows(page, [text, text]);
  for (const li of await page.locator('#messages > li').all()) {
    const links = await li.locator('a').evaluateAll((found) => found.map((link) => [
      link.textContent, link.getAttribute('href'), link.rel, link.childElementCount]));
    assert.deepEqual(links, ['https://example.org/a_(b)?q=1&r=', 'http://example.org/x', 'https://例え.jp/路?x=y']
      .map((href) => [href, href, 'noopener noreferrer nofollow', 0]));
  }
  assertQuiet(complaints);
}));

for (const width of WIDTHS) {
  test(`breaks are kept, and nothing is too wide or too long at ${width} px`, withPage(
    async ({ api, room, open }) => {
      const long = 'x'.repeat(4000);
      await api.create(room, { message: long, author: 'y'.repeat(40) });
      await api.create(room, 'one\ntwo\n\nfour');
      await api.create(room, { message: '\n'.repeat(3000) + 'end', author: 'a' + '\u0301'.repeat(39) });
      await api.create(room, `a${'\u0301'.repeat(2000)}`);
      await api.create(room, `https://example.org/${'z'.repeat(2000)}`);
      const { page, complaints } = await open(`/rooms/${room}`, { viewport: { width, height: 720 } });
      await stateIs(page, 'live', 'polling');
      await assertNoSideways(page);
      const heights = await page.locator('#messages .text').evaluateAll(
        (texts) => texts.map((text) => text.getBoundingClientRect().height));
      assert.ok(heights.every((height) => height <= 300 || width === 360), `${heights}`);
      assert.ok(heights[1] > 80 && heights[1] < 120, `four lines are ${heights[1]} px`);
      const fold = page.locator('#messages > li').nth(2).locator('button');
      assert.equal(await fold.getAttribute('aria-expanded'), 'false');
      await fold.click();
      assert.equal(await fold.getAttribute('aria-expanded'), 'true');
      assert.equal(await page.locator('#messages .text').first().textContent(), long);
      await assertNoSideways(page);
      assertQuiet(complaints);
    }));
}

test('nothing shifts when messages come and go', withPage(async ({ api, room, open }) => {
  for (let i = 0; i < 5; i += 1) await api.create(room, { message: `there ${i}`, ttl: i === 1 ? 20 : 120 });
  const { page, complaints } = await open(`/rooms/${room}`, { init: watchShifts });
  await page.reload(); // a window takes its size only once it is there
  await stateIs(page, 'live', 'polling');
  for (let i = 0; i < 6; i += 1) await api.create(room, { message: `new ${i}\nof two lines`, ttl: i % 2 ? 12 : 120 });
  await page.waitForFunction(() => document.querySelectorAll('#messages > li').length === 11);
  await page.waitForFunction(() => document.querySelectorAll('#messages > li').length === 7, undefined,
    { timeout: 40_000 });
  await page.waitForTimeout(400);
  const shifts = await page.evaluate(() => globalThis.shifts);
  assert.ok(shifts < 0.05, `layout shifts add up to ${shifts}`);
  assertQuiet(complaints);
}));

test('the list follows the newest for those at its end, and says what is new to others', withPage(
  async ({ api, room, open }) => {
    for (let i = 0; i < 40; i += 1) await api.create(room, { message: `there ${i}`, ttl: i < 3 ? 7 : 600 });
    const { page, complaints } = await open(`/rooms/${room}`);
    await stateIs(page, 'live', 'polling');
    const isShown = (text) => page.locator('#messages .text', { hasText: text }).evaluate((element) => {
      const box = element.getBoundingClientRect();
      const log = document.getElementById('log').getBoundingClientRect();
      return box.top >= log.top && box.bottom <= log.bottom;
    });
    await page.waitForFunction(() => document.querySelectorAll('#messages > li').length >= 37);
    assert.equal(await isShown('there 39'), true);
    await api.create(room, 'newest 1');
    await page.locator('#messages .text', { hasText: 'newest 1' }).waitFor();
    await page.waitForTimeout(400);
    assert.equal(await isShown('newest 1'), true);
    assert.equal(await page.locator('#newer').isVisible(), false);

    await page.evaluate(() => document.querySelectorAll('#messages > li')[12].scrollIntoView({ block: 'start' }));
    const place = () => page.locator('#messages .text', { hasText: 'there 15' }).evaluate(
      (element) => Math.round(element.getBoundingClientRect().top));
    await page.waitForTimeout(100);
    const before = await place();
    await api.create(room, 'newest 2');
    await api.create(room, 'newest 3');
    await page.locator('#newer', { hasText: '2 new messages' }).waitFor();
    await page.waitForFunction(() => !document.getElementById('messages').textContent.includes('there 0'));
    await page.waitForTimeout(400);
    assert.ok(Math.abs(await place() - before) <= 1, 'the reader is not moved');
    await page.locator('#newer').click();
    await page.locator('#newer').waitFor({ state: 'hidden' });
    assert.equal(await isShown('newest 3'), true);
    assertQuiet(complaints);
  }));

test('only additions are announced, and the focus stays where it is', withPage(async ({ api, room, open }) => {
  const { page, complaints } = await open(`/rooms/${room}`);
  const log = page.locator('#log');
  assert.equal(await log.getAttribute('role'), 'log');
  assert.equal(await log.getAttribute('aria-relevant'), 'additions');
  await page.focus('#compose textarea');
  await page.evaluate(() => {
    globalThis.records = [];
    new MutationObserver((list) => globalThis.records.push(...list)).observe(
      document.getElementById('messages'), { childList: true });
  });
  await api.create(room, { message: 'one', ttl: 8 });
  await api.create(room, { message: 'two', ttl: 60 });
  await shows(page, ['one', 'two']);
  await shows(page, ['two'], 20_000);
  assert.equal(await page.evaluate(() => globalThis.records.flatMap((record) => [...record.addedNodes]).length), 2);
  assert.equal(await page.locator('#messages .left').getAttribute('role'), 'timer');
  assert.equal(await page.locator('#messages .fuse').getAttribute('aria-hidden'), 'true');
  assert.equal(await page.evaluate(() => document.activeElement.name), 'message');
  assertQuiet(complaints);
}));

test('who asked for less motion gets none that glides or fades', withPage(async ({ api, room, open }) => {
  await api.create(room, { message: 'here', ttl: 60 });
  const { page } = await open(`/rooms/${room}`, { reducedMotion: 'reduce' });
  await stateIs(page, 'live', 'polling');
  await api.create(room, { message: 'new', ttl: 60 });
  await shows(page, ['here', 'new']);
  const easings = await page.evaluate(() => document.getAnimations().map(({ effect }) => [
    effect.target.parentNode.className, effect.getTiming().easing]));
  assert.ok(easings.length > 0);
  for (const [where, easing] of easings) {
    assert.equal(where, 'fuse');
    assert.match(easing, /^steps/);
  }
}));
