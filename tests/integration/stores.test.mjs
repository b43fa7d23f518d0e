// What the stores promise beyond the answers: what is in Redis, what survives, and what happens
// when Redis is away, frozen, restarted or has forgotten its scripts.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  assertAccepted, assertMessage, assertProblem, clientOf, freePort, newRoom, ready, until, withWorld,
} from './harness.mjs';

const STATUS_UNAVAILABLE = 503;
const STATUS_TIMEOUT = 504;

describe('memory:', () => {
  test('is the default, and empty after a restart', withWorld(async (world) => {
    const first = await world.messageService();
    await clientOf(first).create('lobby', 'a');
    await first.stop();
    const second = await world.messageService();
    assert.deepEqual(await clientOf(second).list('lobby'), []);
  }));
});

describe('redis', () => {
  const over = async (world, redis, env = {}) =>
    clientOf(await world.messageService({ STORE_URL: redis.url, ...env }));

  test('holds messages over a restart of the service', withWorld(async (world) => {
    const redis = await world.redis();
    const first = await world.messageService({ STORE_URL: redis.url });
    const made = await clientOf(first).create('a', { message: 'kept', author: 'Ada' });
    await first.stop();
    const api = await over(world, redis);
    assertMessage((await api.list('a'))[0], { room: 'a', text: 'kept', author: 'Ada' });
    assert.equal((await api.find('a', made.id)).json().created_at, made.created_at);
  }));

  test('is shared by any number of services', withWorld(async (world) => {
    const redis = await world.redis();
    const [one, other] = [await over(world, redis), await over(world, redis)];
    const room = newRoom();
    const ids = [];
    for (let count = 0; count < 10; count += 1) {
      ids.push((await (count % 2 ? one : other).create(room, `message ${count}`)).id);
    }
    for (const api of [one, other]) assert.deepEqual((await api.list(room)).map(({ id }) => id), ids);
    const first = await one.create(room, 'same', { 'Idempotency-Key': 'k' });
    const second = await other.create(room, 'same', { 'Idempotency-Key': 'k' });
    assert.equal(second.id, first.id);
  }));

  test('the keys are those of the design, under the prefix, and all of a message end', withWorld(async (world) => {
    const redis = await world.redis();
    const api = await over(world, redis, { STORE_PREFIX: 'mine' });
    const made = await api.create('a', { message: 'x', ttl: 30 }, { 'Idempotency-Key': 'k' });
    const keys = (await redis.command('KEYS', '*')).split('\n').filter((key) => key !== '').sort();
    assert.deepEqual(keys, ['mine:{a}:event', 'mine:{a}:idempotency:k', 'mine:{a}:index',
      'mine:{a}:sizes', `mine:{a}:message:${made.id}`].sort());
    for (const key of keys.filter((name) => name !== 'mine:{a}:event')) {
      const left = Number(await redis.command('PTTL', key));
      assert.ok(left > 0 && left <= 31_000, `${key}: ${left}`);
    }
  }));

  test('nothing but the room\'s counter is left when all has expired', withWorld(async (world) => {
    const redis = await world.redis();
    const api = await over(world, redis);
    for (let count = 0; count < 5; count += 1) {
      await api.create('a', { message: 'x', ttl: 1 }, { 'Idempotency-Key': `k${count}` });
    }
    await until('the keys are gone', async () => {
      const keys = (await redis.command('KEYS', '*')).split('\n').filter((key) => key !== '');
      return keys.every((key) => key.endsWith(':event'));
    }, 10_000, 100);
  }));

  test('two prefixes do not mix', withWorld(async (world) => {
    const redis = await world.redis();
    const one = await over(world, redis, { STORE_PREFIX: 'one' });
    const other = await over(world, redis, { STORE_PREFIX: 'other' });
    await one.create('a', 'x');
    assert.deepEqual(await other.list('a'), []);
  }));

  test('a store that forgot its scripts is told them again', withWorld(async (world) => {
    const redis = await world.redis();
    const api = await over(world, redis);
    await api.create('a', 'one');
    await redis.command('SCRIPT', 'FLUSH');
    await api.create('a', 'two');
    await redis.command('SCRIPT', 'FLUSH');
    assert.equal((await api.list('a')).length, 2);
  }));

  test('redis:// with host, port, database and password', withWorld(async (world) => {
    const port = await freePort();
    const redis = await world.redis({ port, config: ['--requirepass', 'p%ss word'] });
    const cli = (...args) => redis.command('-a', 'p%ss word', '--no-auth-warning', ...args);
    const api = await over(world, { url: `redis://:p%25ss%20word@127.0.0.1:${port}/3` });
    await api.create('a', 'x');
    assert.equal((await api.list('a')).length, 1);
    assert.equal(await cli('DBSIZE'), '0');
    assert.notEqual(await cli('-n', '3', 'DBSIZE'), '0');
  }));

  test('redis:// with a user', withWorld(async (world) => {
    const port = await freePort();
    const redis = await world.redis({ port });
    await redis.command('ACL', 'SETUSER', 'ada', 'on', '>lovelace', '~*', '&*', '+@all');
    await redis.command('ACL', 'SETUSER', 'default', 'off');
    const api = await over(world, { url: `redis://ada:lovelace@127.0.0.1:${port}` });
    await api.create('a', 'x');
    assert.equal((await api.get('/readyz')).status, 200);
  }));

  test('a wrong password is 503, and nothing of it is shown or logged', withWorld(async (world) => {
    const port = await freePort();
    await world.redis({ port, config: ['--requirepass', 'right'] });
    const service = await world.messageService({ STORE_URL: `redis://:hunter2@127.0.0.1:${port}` });
    const api = clientOf(service);
    assertProblem(await api.get('/messages'), STATUS_UNAVAILABLE, 'unavailable');
    assert.equal((await api.get('/readyz')).status, STATUS_UNAVAILABLE);
    assert.ok(!service.stderr.includes('hunter2'));
  }));

  test('many at once find a connection each', withWorld(async (world) => {
    const api = await over(world, await world.redis());
    const answers = await Promise.all([...Array(60).keys()].map((count) => (count % 3
      ? api.get('/rooms/a/messages') : api.postTo('a', { message: 'x' }))));
    for (const answer of answers) assert.ok(answer.status === 200 || answer.status === 201, answer.text);
    assert.equal((await api.list('a')).length, 20);
  }));
});

describe('redis is away', () => {
  test('answers 503 with Retry-After at both services, and goes on when it is back', withWorld(async (world) => {
    const stack = await world.stack({ store: 'redis' });
    const clients = [clientOf(stack.service), clientOf(stack.gateway)];
    await clients[0].create('a', 'x');
    await stack.redis.stop();
    for (const api of clients) {
      const room = newRoom();
      assertProblem(await api.get(`/rooms/${room}/messages`), STATUS_UNAVAILABLE, 'unavailable');
      assertProblem(await api.postTo(room, { message: 'a' }), STATUS_UNAVAILABLE, 'unavailable');
      assertProblem(await api.find(room, '0'.repeat(32)), STATUS_UNAVAILABLE, 'unavailable');
      assert.equal((await api.get('/livez')).status, 200);
    }
    assert.equal((await clients[0].get('/readyz')).status, STATUS_UNAVAILABLE);
    // What needs no store is refused as ever.
    for (const api of clients) {
      assertProblem(await api.postTo('a', '{}'), 400, 'no-message');
      assertProblem(await api.get('/nothing'), 404, 'not-found');
    }
    await stack.redis.start();
    for (const api of clients) {
      await until(`${api.name} goes on`, async () => (await api.postTo('b', { message: 'y' })).status < 300,
        10_000, 50);
      assert.equal((await api.get('/readyz')).status, 200);
    }
    assert.equal((await clients[1].list('b')).length, 2);
  }));

  test('a service starts without it and is ready when it comes', withWorld(async (world) => {
    const redis = await world.redis();
    await redis.stop();
    const service = await world.messageService({ STORE_URL: redis.url });
    const api = clientOf(service);
    assert.equal((await api.get('/livez')).status, 200);
    assert.equal((await api.get('/readyz')).status, STATUS_UNAVAILABLE);
    await redis.start();
    await ready(service);
    assertAccepted(api, await api.postTo('a', { message: 'x' }));
  }));

  test('one that is frozen is an error in bounded time, and nobody waits behind it', withWorld(async (world) => {
    const redis = await world.redis();
    const service = await world.messageService({ STORE_URL: redis.url, STORE_TIMEOUT: '300ms' });
    const api = clientOf(service);
    await api.create('a', 'x');
    redis.freeze();
    const start = Date.now();
    const answers = await Promise.all([...Array(20)].map(() => api.get('/rooms/a/messages')));
    for (const answer of answers) {
      assert.ok([STATUS_UNAVAILABLE, STATUS_TIMEOUT].includes(answer.status), `${answer.status}`);
      assertProblem(answer, answer.status, answer.status === STATUS_TIMEOUT ? 'timeout' : 'unavailable');
    }
    assert.ok(answers.some(({ status }) => status === STATUS_TIMEOUT), 'who asked first waited');
    assert.ok(Date.now() - start < 8000, `${Date.now() - start} ms`);
    assert.equal((await api.get('/livez')).status, 200);
    redis.thaw();
    await until('it goes on', async () => (await api.get('/rooms/a/messages')).status === 200, 10_000, 50);
    assert.equal((await api.list('a')).length, 1);
  }));

  test('connections that Redis closed are replaced without an error', withWorld(async (world) => {
    const redis = await world.redis();
    const api = clientOf(await world.messageService({ STORE_URL: redis.url }));
    for (let round = 0; round < 5; round += 1) {
      await api.create('a', `message ${round}`);
      await redis.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
      assert.equal((await api.list('a')).length, round + 1);
    }
  }));

  test('what Redis holds that is no message of ours is no crash', withWorld(async (world) => {
    const redis = await world.redis();
    const service = await world.messageService({ STORE_URL: redis.url });
    const api = clientOf(service);
    const id = 'a'.repeat(32);
    for (const content of ['nonsense', '{}', '[]', '', '{"id":5}', '\u00ff']) {
      await redis.command('SET', `tempmessenger:{a}:message:${id}`, content, 'PX', '60000');
      await redis.command('ZADD', 'tempmessenger:{a}:index', String(Date.now() + 60_000), id);
      await api.find('a', id);
      await api.get('/rooms/a/messages');
    }
    await redis.command('SET', 'tempmessenger:{b}:index', 'not a sorted set');
    await api.get('/rooms/b/messages');
    assert.equal((await api.get('/livez')).status, 200);
    assert.equal((await api.get('/rooms/c/messages')).status, 200);
  }));
});
