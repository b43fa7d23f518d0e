// GET …/messages, one message, expiry, entity tags, HEAD, OPTIONS, health and konnichiwa.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  allowed, assertCommonHeaders, assertMessage, assertProblem, Client, newRoom, onEveryService,
  onEveryStore, SERVICES, until,
} from './harness.mjs';

onEveryService('reading', (api) => {
  test('an empty room is an empty array', async () => {
    const answer = await api.get(`/rooms/${newRoom()}/messages`);
    assert.equal(answer.status, 200);
    assert.equal(answer.text.trim(), '[]');
    assert.equal(answer.headers['content-type'].split(';')[0], 'application/json');
    assert.equal(answer.headers['cache-control'], 'no-store');
    assertCommonHeaders(answer);
  });

  test('lists the soonest to expire first', async () => {
    const room = newRoom();
    for (const ttl of [300, 50, 200, 100, 86400, 60]) await api.create(room, { message: `${ttl}`, ttl });
    assert.deepEqual((await api.list(room)).map(({ message }) => message),
      ['50', '60', '100', '200', '300', '86400']);
  });

  test('lists in the order of acceptance where lifetimes are the same', async () => {
    const room = newRoom();
    const sent = [...Array(30).keys()].map((number) => `message ${number}`);
    for (const text of sent) await api.create(room, text);
    assert.deepEqual((await api.list(room)).map(({ message }) => message), sent);
  });

  test('limit lists those that were accepted last, whatever their ends', async () => {
    const room = newRoom();
    for (const ttl of [300, 50, 200, 100]) await api.create(room, { message: `${ttl}`, ttl });
    const texts = async (query) => (await api.get(`/rooms/${room}/messages?${query}`)).json()
      .map(({ message }) => message);
    assert.deepEqual(await texts('limit=1'), ['100']);
    assert.deepEqual(await texts('limit=2'), ['100', '200']);
    assert.deepEqual(await texts('limit=4'), ['50', '100', '200', '300']);
    assert.deepEqual(await texts('limit=1000'), ['50', '100', '200', '300']);
  });

  test('before lists what was accepted before a message', async () => {
    const room = newRoom();
    const made = [];
    for (const ttl of [300, 50, 200, 100]) made.push(await api.create(room, { message: `${ttl}`, ttl }));
    const texts = async (query) => (await api.get(`/rooms/${room}/messages?${query}`)).json()
      .map(({ message }) => message);
    assert.deepEqual(await texts(`limit=2&before=${made[3].id}`), ['50', '200']);
    assert.deepEqual(await texts(`before=${made[1].id}`), ['300']);
    assert.deepEqual(await texts(`before=${made[0].id}`), []);
    assert.deepEqual(await texts(`limit=5&before=${'0'.repeat(32)}`), []);
  });

  for (const query of ['limit=', 'limit=0', 'limit=1001', 'limit=1a', 'limit=-1', 'limit=+1', 'limit=%31%30%30%31',
    `limit=${'1'.repeat(40)}`, 'before=', 'before=nope', `before=${'0'.repeat(33)}`]) {
    test(`${query} is malformed`, async () => {
      assertProblem(await api.get(`/rooms/${newRoom()}/messages?${query}`), 400, 'bad-request');
    });
  }

  test('a long list is whole, and comes piece by piece', async () => {
    const room = newRoom();
    const text = 'x'.repeat(2000);
    for (let i = 0; i < 210; i += 1) await api.create(room, { message: `${i} ${text}`, ttl: 300 });
    const answer = await api.get(`/rooms/${room}/messages`);
    assert.equal(answer.headers['transfer-encoding'], 'chunked');
    assert.deepEqual(answer.json().map(({ message }) => parseInt(message, 10)), [...Array(210).keys()]);
    const again = await api.get(`/rooms/${room}/messages`, { 'If-None-Match': answer.headers.etag });
    assert.equal(again.status, 304);
  });

  test('lists whole messages', async () => {
    const room = newRoom();
    await api.create(room, { message: 'a', author: 'Ada', ttl: 10 });
    await api.create(room, { message: 'b', ttl: 20 });
    const [first, second] = await api.list(room);
    assertMessage(first, { room, text: 'a', author: 'Ada', lifetimeMs: 10_000 });
    assertMessage(second, { room, text: 'b', lifetimeMs: 20_000 });
  });

  test('expires_in counts down and never over the lifetime', async () => {
    const room = newRoom();
    const made = await api.create(room, 'a');
    let last = made.expires_in;
    await until('expires_in is less', async () => {
      const { expires_in: left } = (await api.find(room, made.id)).json();
      assert.ok(left <= last);
      last = left;
      return left <= made.expires_in - 5;
    });
  });

  test('reads one message', async () => {
    const room = newRoom();
    const made = await api.create(room, { message: 'a', author: 'Ada' });
    const answer = await api.find(room, made.id);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['content-type'].split(';')[0], 'application/json');
    assert.equal(answer.headers['cache-control'], 'no-store');
    assertCommonHeaders(answer);
    assertMessage(answer.json(), { room, text: 'a', author: 'Ada' });
  });

  test('a message is in no other room', async () => {
    const [room, other] = [newRoom(), newRoom()];
    const made = await api.create(room, 'a');
    assertProblem(await api.find(other, made.id), 404, 'message-not-found',
      `Message not found: ${made.id}`);
    assert.deepEqual(await api.list(other), []);
  });

  test('an expired message is gone from everywhere, and not before its time', async () => {
    const room = newRoom();
    const sent = Date.now();
    const made = await api.create(room, { message: 'short', ttl: 1 });
    const kept = await api.create(room, { message: 'long', ttl: 30 });
    assert.deepEqual((await api.list(room)).map(({ id }) => id), [made.id, kept.id]);
    await until('it is gone', async () => (await api.find(room, made.id)).status === 404, 5000, 5);
    assert.ok(Date.now() - sent >= 1000, 'gone before its time');
    assert.deepEqual((await api.list(room)).map(({ id }) => id), [kept.id]);
    assertProblem(await api.find(room, made.id), 404, 'message-not-found',
      `Message not found: ${made.id}`);
    assert.equal((await api.find(room, kept.id)).status, 200);
  });

  test('a room whose last message expired is empty again', async () => {
    const room = newRoom();
    await api.create(room, { message: 'a', ttl: 1 });
    await until('it is empty', async () => (await api.list(room)).length === 0, 5000);
    await api.create(room, 'b');
    assert.equal((await api.list(room)).length, 1);
  });
});

onEveryService('entity tags', (api) => {
  const get = (room, headers) => api.get(`/rooms/${room}/messages`, headers);

  test('the list carries a weak one that changes with the set', async () => {
    const room = newRoom();
    const empty = (await get(room)).headers.etag;
    assert.match(empty, /^W\/"[^"]+"$/);
    await api.create(room, { message: 'a', ttl: 1 });
    const one = (await get(room)).headers.etag;
    assert.match(one, /^W\/"[^"]+"$/);
    await api.create(room, 'b');
    const two = (await get(room)).headers.etag;
    await until('the first is gone', async () => (await api.list(room)).length === 1, 5000);
    const three = (await get(room)).headers.etag;
    assert.equal(new Set([empty, one, two, three]).size, 4);
  });

  test('the same set has the same one', async () => {
    const room = newRoom();
    await api.create(room, 'a');
    const { etag } = (await get(room)).headers;
    for (let tries = 0; tries < 5; tries += 1) assert.equal((await get(room)).headers.etag, etag);
  });

  test('If-None-Match gets 304 without a body', async () => {
    const room = newRoom();
    await api.create(room, 'a');
    const { etag } = (await get(room)).headers;
    for (const condition of [etag, etag.slice(2), `"x", ${etag}`, `W/"y",${etag} ,"z"`, '*']) {
      const answer = await get(room, { 'If-None-Match': condition });
      assert.equal(answer.status, 304, condition);
      assert.equal(answer.bytes.length, 0);
      assert.equal(answer.headers.etag, etag);
      assert.equal(answer.headers['cache-control'], 'no-store');
    }
  });

  test('another one gets the list', async () => {
    const room = newRoom();
    const { etag } = (await get(room)).headers;
    await api.create(room, 'a');
    for (const condition of [etag, '"x"', '', 'nonsense', `"${'x'.repeat(1000)}"`, 'W/', ',,,']) {
      const answer = await get(room, { 'If-None-Match': condition });
      assert.equal(answer.status, 200, condition);
      assert.equal(answer.json().length, 1);
    }
  });

  test('an expiry ends a match', async () => {
    const room = newRoom();
    await api.create(room, { message: 'a', ttl: 1 });
    const { etag } = (await get(room)).headers;
    assert.equal((await get(room, { 'If-None-Match': etag })).status, 304);
    const answer = await until('a change', async () => {
      const fresh = await get(room, { 'If-None-Match': etag });
      return fresh.status === 200 && fresh;
    }, 5000);
    assert.deepEqual(answer.json(), []);
  });
});

onEveryService('the other methods', (api) => {
  test('HEAD answers as GET without the body', async () => {
    const room = newRoom();
    const made = await api.create(room, 'a');
    const targets = [`/rooms/${room}/messages`, `/rooms/${room}/messages/${made.id}`, '/messages',
      '/livez', '/readyz', '/konnichiwa', ...(api.isGateway ? ['/', `/rooms/${room}`] : [])];
    for (const target of targets) {
      const get = await api.get(target);
      const head = await api.request({ method: 'HEAD', path: target });
      assert.equal(head.status, 200, target);
      assert.equal(head.bytes.length, 0);
      assertCommonHeaders(head);
      for (const name of ['content-type', 'cache-control', 'etag']) {
        assert.equal(head.headers[name], get.headers[name], `${name} of ${target}`);
      }
    }
  });

  test('HEAD of what is not there is 404 without a body', async () => {
    for (const target of ['/nothing', `/messages/${'0'.repeat(32)}`]) {
      const answer = await api.request({ method: 'HEAD', path: target });
      assert.equal(answer.status, 404);
      assert.equal(answer.bytes.length, 0);
    }
  });

  test('HEAD heeds If-None-Match', async () => {
    const path = `/rooms/${newRoom()}/messages`;
    const { etag } = (await api.get(path)).headers;
    const answer = await api.request({ method: 'HEAD', path, headers: { 'If-None-Match': etag } });
    assert.equal(answer.status, 304);
  });

  test('OPTIONS answers 204 with Allow', async () => {
    const reading = ['GET', 'HEAD', 'OPTIONS'];
    const both = ['GET', 'HEAD', 'OPTIONS', 'POST'];
    const table = [['/messages', both], ['/rooms/a/messages', both],
      [`/messages/${'0'.repeat(32)}`, reading], [`/rooms/a/messages/${'0'.repeat(32)}`, reading],
      ['/livez', reading], ['/readyz', reading], ['/konnichiwa', reading],
      ...(api.isGateway ? [['/', both], ['/rooms/a', both]] : [])];
    for (const [target, methods] of table) {
      const answer = await api.request({ method: 'OPTIONS', path: target });
      assert.equal(answer.status, 204, target);
      assert.equal(answer.bytes.length, 0);
      assert.deepEqual(allowed(answer), methods, target);
      assertCommonHeaders(answer);
    }
  });
});

onEveryService('health', (api) => {
  for (const path of ['/livez', '/readyz']) {
    test(path, async () => {
      const answer = await api.get(path);
      assert.equal(answer.status, 200);
      assert.deepEqual(answer.json(), { status: 'ok' });
      assert.equal(answer.headers['content-type'].split(';')[0], 'application/json');
      assertCommonHeaders(answer);
    });
  }

  test('konnichiwa', async () => {
    const answer = await api.get('/konnichiwa');
    assert.equal(answer.status, 200);
    assert.equal(answer.text, 'Konnichiwa!');
    assert.equal(answer.headers['content-type'].split(';')[0], 'text/plain');
    assertCommonHeaders(answer);
  });
});

onEveryStore('between the two services', (stack) => {
  const pairs = [SERVICES, [...SERVICES].reverse()];
  for (const [from, to] of pairs) {
    test(`what is sent to the ${from} is read from the ${to}`, async () => {
      const room = newRoom();
      const sender = new Client(stack.of(from).url, from);
      const reader = new Client(stack.of(to).url, to);
      const made = await sender.create(room, { message: 'a', author: 'Ada' });
      const list = await until('it shows', async () => {
        const found = await reader.list(room);
        return found.length === 1 && found;
      });
      assert.equal(list[0].id, made.id);
      assertMessage(list[0], { room, text: 'a', author: 'Ada' });
      assert.equal((await reader.find(room, made.id)).status, 200);
    });
  }

  test('both tell the same times', async () => {
    const room = newRoom();
    const gateway = new Client(stack.gateway.url, 'web-gateway');
    const service = new Client(stack.service.url, 'message-service');
    await gateway.create(room, { message: 'a', ttl: 5 });
    const [mine] = await gateway.list(room);
    const [theirs] = await service.list(room);
    assert.equal(mine.created_at, theirs.created_at);
    assert.equal(mine.expires_at, theirs.expires_at);
  });
});
