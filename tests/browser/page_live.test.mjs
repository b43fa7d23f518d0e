// The page's connection: one stream for all tabs of a browser, whatever the browser offers, and what
// happens where streams fail.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shows } from './harness.mjs';
import { assertQuiet, stateIs, until, withPage } from './page_tools.mjs';

const TABS = 12;
const isEvents = ({ url }) => url.endsWith('/events');

const noWorker = () => { delete globalThis.SharedWorker; };
const noWorkerNoLocks = () => {
  delete globalThis.SharedWorker;
  delete Navigator.prototype.locks;
};

async function openTabs(open, path, count, options) {
  const tabs = [await open(path, options)];
  while (tabs.length < count) tabs.push(await open(path, { context: tabs[0].context }));
  return tabs;
}

for (const [what, init] of [['a shared worker', undefined], ['a lock', noWorker]]) {
  test(`${TABS} tabs share one stream by ${what}`, withPage(async ({ api, room, proxy, open }) => {
    const tabs = await openTabs(open, `/rooms/${room}`, TABS, { init });
    await Promise.all(tabs.map(({ page }) => stateIs(page, 'live')));
    await api.create(room, { message: 'to all', ttl: 60 });
    await api.create(room, { message: 'for a moment', ttl: 3 });
    await Promise.all(tabs.map(({ page }) => shows(page, ['to all', 'for a moment'])));
    assert.equal(proxy.streams.size, 1);
    assert.equal(proxy.count(/GET \/rooms\/[\w-]+\/messages$/), 0, 'nobody polls');
    await Promise.all(tabs.map(({ page }) => shows(page, ['to all'])));
    for (const { complaints } of tabs) assertQuiet(complaints);
  }));
}

for (const [how, leave] of [
  ['closes', (page) => page.close()],
  ['crashes', (page) => page.goto('chrome://crash').catch(() => {})],
]) {
  for (const [what, init] of [['a shared worker', undefined], ['a lock', noWorker]]) {
    test(`with ${what} the others go on when the first tab ${how}`, withPage(
      async ({ api, room, proxy, open }) => {
        const [first, ...others] = await openTabs(open, `/rooms/${room}`, 4, { init });
        await Promise.all(others.map(({ page }) => stateIs(page, 'live')));
        await leave(first.page);
        await api.create(room, 'right after');
        await Promise.all(others.map(({ page }) => shows(page, ['right after'])));
        await until('one stream', () => proxy.streams.size === 1);
        await api.create(room, 'later');
        await Promise.all(others.map(({ page }) => shows(page, ['right after', 'later'])));
      }));
  }
}

test('where there is neither, as over plain HTTP, a tab has a stream of its own', withPage(
  async ({ api, room, proxy, open }) => {
    const tabs = await openTabs(open, `/rooms/${room}`, 2, { init: noWorkerNoLocks });
    await Promise.all(tabs.map(({ page }) => stateIs(page, 'live')));
    await api.create(room, 'hello');
    await Promise.all(tabs.map(({ page }) => shows(page, ['hello'])));
    assert.equal(proxy.streams.size, 2);
    for (const { complaints } of tabs) assertQuiet(complaints);
  }));

test('many rooms leave connections for everything else', withPage(async ({ api, room, proxy, open }) => {
  const rooms = Array.from({ length: 8 }, (_, i) => `${room}-${i}`);
  const tabs = [await open(`/rooms/${rooms[0]}`)];
  for (const name of rooms.slice(1)) tabs.push(await open(`/rooms/${name}`, { context: tabs[0].context }));
  await Promise.all(tabs.map(({ page }) => stateIs(page, 'live', 'polling')));
  await until('three streams', () => proxy.streams.size === 3);
  for (const name of rooms) await api.create(name, `only in ${name}`);
  await Promise.all(tabs.map(({ page }, i) => shows(page, [`only in ${rooms[i]}`])));
  await tabs[0].page.reload();
  await shows(tabs[0].page, [`only in ${rooms[0]}`]);
}));

test('a stream that breaks is taken up again, and nothing is missed or shown twice', withPage(
  async ({ api, room, proxy, open }) => {
    const { page } = await open(`/rooms/${room}`);
    await stateIs(page, 'live');
    await api.create(room, 'before');
    await shows(page, ['before']);
    for (const stream of proxy.streams) stream.cut();
    await api.create(room, 'meanwhile');
    await stateIs(page, 'live');
    await shows(page, ['before', 'meanwhile']);
    const [, again] = proxy.requests.filter(isEvents);
    assert.ok(again.headers['last-event-id'], 'it says where it was');
  }));

test('where streams are refused it asks each second, and takes up a stream when it can', withPage(
  async ({ api, room, proxy, open }) => {
    proxy.answer = (request) => (isEvents(request) ? { status: 503, headers: { 'Retry-After': '1' } } : undefined);
    const { page } = await open(`/rooms/${room}`);
    await stateIs(page, 'polling');
    await api.create(room, { message: 'polled', ttl: 3 });
    await shows(page, ['polled']);
    await shows(page, []);
    const polls = proxy.requests.filter(({ url }) => url.endsWith('/messages'));
    assert.ok(polls.some(({ headers }) => headers['if-none-match']), 'with If-None-Match');
    proxy.answer = () => undefined;
    await stateIs(page, 'live');
  }));

test('where streams are full it asks each second, and takes up a stream when it is time', withPage(
  async ({ api, room, proxy, open }) => {
    const full = 'retry: 2000\nevent: full\ndata: {"retry_after":2}\n\n';
    let asked = 0;
    proxy.answer = (request) => {
      if (!isEvents(request)) return undefined;
      asked += 1;
      return { status: 200, headers: { 'Content-Type': 'text/event-stream' }, body: full };
    };
    const { page, complaints } = await open(`/rooms/${room}`);
    await stateIs(page, 'polling');
    await api.create(room, { message: 'polled', ttl: 300 });
    await shows(page, ['polled']);
    await until('another try', () => asked >= 2);
    proxy.answer = () => undefined;
    await stateIs(page, 'live');
    assertQuiet(complaints);
  }));

test('it says when the room may be out of date, and when it is right again', withPage(
  async ({ world, api, room, stack, open }) => {
    await api.create(room, { message: 'known', ttl: 300 });
    const { page, complaints } = await open(`/rooms/${room}`);
    await stateIs(page, 'live');
    const { port } = stack.service;
    await stack.service.kill();
    await stateIs(page, 'stale');
    assert.match(await page.locator('#state').textContent(), /not up to date/);
    await shows(page, ['known']);
    await world.messageService({ PORT: String(port) });
    await stateIs(page, 'live');
    assertQuiet(complaints);
  }));

test('a stream that says nothing is not waited for', withPage(async ({ api, room, proxy, open }) => {
  proxy.answer = (request) => (isEvents(request) ? new Promise(() => {}) : undefined);
  const { page } = await open(`/rooms/${room}`);
  await api.create(room, { message: 'all the same', ttl: 300 });
  await shows(page, ['all the same'], 20_000);
}));

test('it says when the server is away, keeps what it knows, and comes back', withPage(
  async ({ api, room, proxy, open }) => {
    await api.create(room, { message: 'known', ttl: 300 });
    const { page } = await open(`/rooms/${room}`);
    await stateIs(page, 'live');
    proxy.answer = () => 'cut';
    proxy.cutAll();
    await stateIs(page, 'away');
    assert.match(await page.locator('#state').textContent(), /no connection/);
    await shows(page, ['known']);
    await api.create(room, { message: 'missed', ttl: 300 });
    proxy.answer = () => undefined;
    await stateIs(page, 'live');
    await shows(page, ['known', 'missed']);
  }));

test('a page that was left and come back to is up to date', withPage(async ({ api, room, open }) => {
  const { page, complaints } = await open(`/rooms/${room}`);
  await stateIs(page, 'live');
  await page.goto(`${new URL(page.url()).origin}/rooms/${room}-other`);
  await api.create(room, { message: 'meanwhile', ttl: 300 });
  await page.goBack();
  await shows(page, ['meanwhile']);
  await stateIs(page, 'live');
  await api.create(room, { message: 'then', ttl: 300 });
  await shows(page, ['meanwhile', 'then']);
  assertQuiet(complaints);
}));
