// What the store loses, and how both services tell their readers of it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withReaders } from './event_stream.mjs';
import {
  assertProblem, clientOf, newRoom, scaled, SERVICES, sleep, until, withWorld,
} from './harness.mjs';

const RECOVERY_MS = 10_000;
const ids = (messages) => messages.map(({ id }) => id);

/** Makes the message services list again what they watch. */
const resync = (redis) => redis.command('CLIENT', 'KILL', 'TYPE', 'pubsub');

/** A reader at each service. */
const readBoth = async (open, stack, room) => [await open(stack.service, room), await open(stack.gateway, room)];

/** Both readers have a, b and c, which are returned. */
async function fill(stack, room, readers) {
  const made = [];
  for (const text of ['a', 'b', 'c']) made.push(await clientOf(stack.gateway).create(room, text));
  for (const reader of readers) await reader.count('message', 3);
  return made;
}

/** At neither service is a stream resumed at one of these ids: it gets a snapshot of `messages`. */
async function assertSnapshots(open, stack, room, lastEventIds, messages) {
  for (const lastEventId of lastEventIds) {
    for (const name of SERVICES) {
      const late = await open(stack.of(name), room, { lastEventId });
      assert.equal(late.events[0].name, 'snapshot', `${name} with an id of before`);
      assert.deepEqual(ids(late.events[0].data), ids(messages));
    }
  }
}

describe('what the store has lost', () => {
  test('all of it: deleted, once each, and an old id gets a snapshot', withWorld(async (world) => {
    const stack = await world.stack({ store: 'redis' });
    const room = newRoom();
    await withReaders(async (open) => {
      const readers = await readBoth(open, stack, room);
      const made = await fill(stack, room, readers);
      const oldIds = readers[0].named('message').map(({ id }) => id);
      await stack.redis.command('FLUSHALL');
      await resync(stack.redis);
      for (const reader of readers) {
        const events = await reader.count('deleted', 3, RECOVERY_MS);
        assert.deepEqual(new Set(events.map(({ data }) => data.id)), new Set(ids(made)));
        for (const { data } of events) assert.deepEqual(Object.keys(data), ['id']);
      }
      for (const name of SERVICES) assert.deepEqual(await clientOf(stack.of(name)).list(room), []);
      await assertSnapshots(open, stack, room, oldIds, []);
      const fresh = await clientOf(stack.gateway).create(room, 'd');
      for (const reader of readers) {
        await reader.until('the new one', () => reader.shown.has(fresh.id));
        assert.equal(reader.named('deleted').length, 3);
      }
      await assertSnapshots(open, stack, room, oldIds, [fresh]);
    });
  }));

  test('one of it: that one is deleted, and no other', withWorld(async (world) => {
    const stack = await world.stack({ store: 'redis' });
    const room = newRoom();
    await withReaders(async (open) => {
      const readers = await readBoth(open, stack, room);
      const made = await fill(stack, room, readers);
      await stack.redis.command('DEL', `tempmessenger:{${room}}:message:${made[1].id}`);
      await resync(stack.redis);
      for (const reader of readers) await reader.of('deleted', made[1].id, RECOVERY_MS);
      const last = await clientOf(stack.service).create(room, 'd');
      for (const reader of readers) {
        await reader.until('the new one', () => reader.shown.has(last.id));
        assert.equal(reader.named('deleted').length, 1);
      }
      for (const name of SERVICES) {
        assert.deepEqual(ids(await clientOf(stack.of(name)).list(room)), ids([made[0], made[2], last]));
      }
    });
  }));

  test('nothing of it: a resync alone is not seen by anyone', withWorld(async (world) => {
    const stack = await world.stack({ store: 'redis' });
    const room = newRoom();
    await withReaders(async (open) => {
      const readers = await readBoth(open, stack, room);
      const made = [];
      for (let round = 0; round < 10; round += 1) {
        made.push(await clientOf(stack.gateway).create(room, `message ${round}`));
        await resync(stack.redis);
      }
      for (const reader of readers) {
        await reader.count('message', 10, RECOVERY_MS);
        assert.deepEqual(ids(reader.messages), ids(made));
        assert.equal(reader.events.length, 11);
      }
    });
  }));
});

describe('while Redis is away', () => {
  test('streams stay, what is known ends at its time, and all goes on after', withWorld(async (world) => {
    const stack = await world.stack({ store: 'redis' });
    const room = newRoom();
    await withReaders(async (open) => {
      const readers = await readBoth(open, stack, room);
      const short = await clientOf(stack.gateway).create(room, { message: 'short', ttl: 1.5 });
      for (const reader of readers) await reader.count('message', 1);
      await stack.redis.stop();
      assertProblem(await clientOf(stack.service).postTo(room, { message: 'x' }), 503, 'unavailable');
      assertProblem(await clientOf(stack.gateway).postTo(room, { message: 'x' }), 503, 'unavailable');
      assert.deepEqual(ids(await clientOf(stack.gateway).list(room)), [short.id]);
      for (const reader of readers) await reader.of('expired', short.id);
      await stack.redis.start();
      const made = await until('a POST is taken', async () => {
        const answer = await clientOf(stack.gateway).postTo(room, { message: 'after' },
          { Prefer: 'return=representation' });
        return answer.status === 201 && answer.json();
      }, RECOVERY_MS);
      for (const reader of readers) {
        await reader.until('the new one', () => reader.shown.has(made.id));
        assert.ok(!reader.end, 'a stream ended');
      }
    });
  }));

  test('frozen: health and the gateway\'s rooms are answered', withWorld(async (world) => {
    const stack = await world.stack({ store: 'redis', env: { STORE_TIMEOUT: '500ms' } });
    const room = newRoom();
    await withReaders(async (open) => {
      const readers = await readBoth(open, stack, room);
      const kept = await clientOf(stack.gateway).create(room, 'a');
      for (const reader of readers) await reader.count('message', 1);
      stack.redis.freeze();
      await sleep(100);
      const start = performance.now();
      assert.equal((await clientOf(stack.service).get('/livez')).status, 200);
      assert.deepEqual(ids(await clientOf(stack.gateway).list(room)), [kept.id]);
      assert.ok(performance.now() - start < scaled(500, 2000));
      const answer = await clientOf(stack.gateway).postTo(room, { message: 'b' }, { 'Idempotency-Key': 'once' });
      assertProblem(answer, answer.status, answer.status === 504 ? 'timeout' : 'unavailable');
      stack.redis.thaw();
      await until('it is taken', async () => (await clientOf(stack.gateway).postTo(room,
        { message: 'b' }, { 'Idempotency-Key': 'once' })).status === 204, RECOVERY_MS);
      for (const reader of readers) {
        await reader.count('message', 2, RECOVERY_MS);
        assert.deepEqual(reader.messages.map(({ message }) => message), ['a', 'b']);
      }
    });
  }));

  test('a room that the message service does not watch yet is 503, and comes by itself', withWorld(async (world) => {
    const redis = await world.redis();
    const service = await world.messageService({ STORE_URL: redis.url });
    const room = newRoom();
    await redis.stop();
    const answer = await clientOf(service).get(`/rooms/${room}/events`);
    assertProblem(answer, 503, 'unavailable');
    await redis.start();
    await withReaders(async (open) => {
      await until('it opens', () => open(service, room).catch(() => false), RECOVERY_MS);
    });
  }));
});

describe('a message service that hangs', () => {
  const ASKERS = 640; // ten for each thread that may wait
  const UPSTREAM_TIMEOUT_MS = 2000;

  test('keeps nobody waiting for those who wait before, and none who need not', withWorld(async (world) => {
    const stack = await world.stack({ gatewayEnv: { UPSTREAM_TIMEOUT: `${UPSTREAM_TIMEOUT_MS}ms` } });
    const api = clientOf(stack.gateway);
    const room = newRoom();
    const { id } = await api.create(room, 'known');
    assert.deepEqual(ids(await api.list(room)), [id]);
    stack.service.freeze();
    try {
      const start = performance.now();
      let done = false;
      const asked = Promise.all(Array.from({ length: ASKERS }, () => api.get(`/rooms/${newRoom()}/messages`)));
      const over = asked.then(() => { done = true; });
      while (!done) {
        assert.equal((await api.get('/livez')).status, 200);
        assert.deepEqual(ids(await api.list(room)), [id]);
        await sleep(50);
      }
      await over;
      for (const answer of await asked) assertProblem(answer, 503, 'unavailable');
      // One after the other the threads would need ten times the timeout.
      const tookMs = performance.now() - start;
      assert.ok(tookMs < 5 * UPSTREAM_TIMEOUT_MS, `${tookMs} ms`);
    } finally {
      stack.service.thaw();
    }
  }, 60_000));
});
