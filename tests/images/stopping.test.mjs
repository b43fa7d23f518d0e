// Starting in any order, going on without the other side, and stopping under load, as containers on a
// network with names.

import assert from 'node:assert/strict';
import { chmod, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { before, describe, test } from 'node:test';
import { clientOf, sleep, until } from '../integration/harness.mjs';
import { podman, prepare, SETUP_TIMEOUT_MS, Stream, withYard } from './engine.mjs';

const STREAMS = 500;
const WRITERS = 4;
const WRITTEN_MIN = 100;
const GRACE_S = 15;
const GRACE_MS = GRACE_S * 1000;
const STORE_URL = 'redis://redis:6379';
const UPSTREAM = 'http://message-service:8001';
const TTL_S = 600;
const ROUNDS = 10;
const LAST_ANSWERS_MS = 2000;
const OPEN_TIMEOUT_MS = 20_000;

before(() => prepare({ redis: true }), { timeout: SETUP_TIMEOUT_MS });

const names = { 'message-service': 'message service', 'web-gateway': 'web gateway' };
const client = (box) => clientOf({ url: box.url, name: box.name.includes('web-gateway') ? 'web-gateway' : 'message-service' });

/** The lines of the log that speak of trouble. */
async function troubles(box) {
  return (await box.entries()).filter(({ level }) => level === 'warning' || level === 'error');
}

/** Alive and not ready, however often it is asked; and its log says so once, before anybody asks. */
async function staysUnready(box) {
  await until(`${box.name} says what is missing`, async () => (await troubles(box)).length > 0);
  await box.alive();
  for (let round = 0; round < ROUNDS; round += 1) {
    assert.equal(await box.status('/readyz'), 503, box.name);
    await sleep(100);
  }
  assert.equal(await box.status('/livez'), 200);
  const lines = await troubles(box);
  assert.equal(lines.length, 1, `${box.name}: ${JSON.stringify(lines)}`);
}

describe('whatever the order of starting', () => {
  test('each is alive at once, ready when its neighbour is there, and says what is missing once', withYard(async (yard) => {
    const network = await yard.network();
    // The name of its upstream does not resolve.
    const gateway = await yard.service('web-gateway', { network, env: { MESSAGE_SERVICE_URL: UPSTREAM } });
    await staysUnready(gateway);
    // Nor does the name of its store.
    const service = await yard.service('message-service',
      { network, alias: 'message-service', env: { STORE_URL } });
    await staysUnready(service);
    await yard.redis({ network });
    for (const box of [service, gateway]) await box.ready();
    const api = client(gateway);
    assert.equal((await api.post('/messages', { message: 'at last' })).status, 204);
    assert.deepEqual((await api.list('lobby')).map(({ message }) => message), ['at last']);
  }));

  test('a store at an address that nobody has yet: ready when somebody has it', withYard(async (yard) => {
    const network = await yard.network();
    const { stdout } = await podman(['network', 'inspect', network]);
    const address = JSON.parse(stdout)[0].subnets[0].subnet.replace(/\d+\/24$/, '200');
    const service = await yard.service('message-service', { network, env: { STORE_URL: `redis://${address}:6379` } });
    await staysUnready(service);
    await yard.redis({ network, flags: ['--ip', address] });
    await service.ready();
  }));

  test('a token that is refused: alive, not ready, one line, and well by itself when it is the right one', withYard(async (yard) => {
    const network = await yard.network();
    const start = (token) => yard.service('message-service', { network, alias: 'message-service', env: { SERVICE_TOKEN: token } });
    const other = await start('another');
    await other.ready();
    const gateways = [];
    for (const env of [{}, { SERVICE_TOKEN: 'right' }]) {
      gateways.push(await yard.service('web-gateway', { network, env: { MESSAGE_SERVICE_URL: UPSTREAM, ...env } }));
      await staysUnready(gateways.at(-1));
    }
    await other.stop();
    await start('right');
    await gateways[1].ready();
    assert.equal((await client(gateways[1]).post('/messages', { message: 'at last' })).status, 204);
    assert.equal(await gateways[0].status('/readyz'), 503);
  }));

  test('secrets that come late: ends with status 3 and one line, and is well once it is started with them', withYard(async (yard) => {
    const network = await yard.network();
    await yard.redis({ network, command: ['redis-server', '--save', '', '--requirepass', 'right'] });
    const folder = await yard.folder();
    await chmod(folder, 0o755);
    const flags = ['--volume', `${folder}:/run/secrets:ro`];
    const token = { SERVICE_TOKEN_FILE: '/run/secrets/service_token' };
    const parts = {
      'message-service': { network, flags, alias: 'message-service', env: { STORE_URL_FILE: '/run/secrets/store_url', ...token } },
      'web-gateway': { network, flags, env: { MESSAGE_SERVICE_URL: UPSTREAM, ...token } },
    };
    for (const [name, options] of Object.entries(parts)) {
      const box = await yard.service(name, options);
      assert.equal((await podman(['wait', box.name])).stdout.trim(), '3', name);
      assert.match(await box.logs(), /^[^\n]*_FILE: "\/run\/secrets\/[a-z_]+" is missing or empty\n$/);
    }
    await writeFile(path.join(folder, 'store_url'), 'redis://:right@redis:6379\n');
    await writeFile(path.join(folder, 'service_token'), 'a-token\n');
    const service = await yard.service('message-service', parts['message-service']);
    const gateway = await yard.service('web-gateway', parts['web-gateway']);
    for (const box of [service, gateway]) await box.ready();
    assert.equal((await client(gateway).post('/messages', { message: 'at last' })).status, 204);
    assert.equal(await service.status('/messages'), 401);
  }));

  test('a password that is refused: alive, not ready, one line without it, and well by itself when it is the right one', withYard(async (yard) => {
    const network = await yard.network();
    const redis = await yard.redis({ network, command: ['redis-server', '--save', '', '--requirepass', 'another'] });
    const service = await yard.service('message-service', { network, env: { STORE_URL: 'redis://:hunter2@redis:6379' } });
    await staysUnready(service);
    assert.doesNotMatch(await service.logs(), /hunter2/);
    const changed = await redis.exec('redis-cli', '--no-auth-warning', '-a', 'another', 'config', 'set', 'requirepass', 'hunter2');
    assert.match(changed.stdout, /^OK/);
    await service.ready();
    assert.doesNotMatch(await service.logs(), /hunter2/);
  }));
});

/** Writers that go on until they are told to stop; what was acknowledged is kept. */
function write(api) {
  const writing = { over: false, accepted: [] };
  writing.done = Promise.all([...Array(WRITERS).keys()].map(async (writer) => {
    for (let count = 0; !writing.over; count += 1) {
      const text = `${writer}-${count}`;
      const answer = await api.post('/messages', { message: text, ttl: TTL_S }).catch(() => undefined);
      if (answer !== undefined && answer.status < 300) writing.accepted.push(text);
      else await sleep(20);
    }
  }));
  return writing;
}

/** Readers of the lobby. The first opens the room: of a crowd that finds it closed some may get 503. */
async function openStreams(yard, box) {
  const streams = [];
  yard.onClose(() => streams.forEach((stream) => stream.close()));
  const opened = () => streams.every((stream) => {
    assert.ok(stream.status === undefined || stream.status === 200, `a stream got ${stream.status}`);
    return stream.open;
  });
  for (const count of [1, STREAMS]) {
    while (streams.length < count) streams.push(new Stream(box.url));
    await until(`${count} streams are open`, opened, OPEN_TIMEOUT_MS, 50).catch((error) => {
      const closed = streams.filter(({ open }) => !open);
      error.message += `\n${closed.length} are not, such as ${closed[0].status}: ${closed[0].text.slice(0, 200)}`;
      throw error;
    });
  }
  return streams;
}

/** A new message service on the same Redis has them all. */
async function assertKept(yard, network, texts) {
  const fresh = await yard.service('message-service', { network, env: { STORE_URL } });
  await fresh.ready();
  const kept = new Set((await client(fresh).list('lobby')).map(({ message }) => message));
  assert.deepEqual(texts.filter((text) => !kept.has(text)), []);
}

describe(`a stop signal with ${STREAMS} open streams`, () => {
  for (const which of ['message-service', 'web-gateway']) {
    test(`ends the ${names[which]} within its grace period, and no acknowledged message is lost`, withYard(async (yard) => {
      const network = await yard.network();
      await yard.redis({ network });
      const service = await yard.service('message-service', { network, alias: 'message-service', env: { STORE_URL } });
      const gateway = await yard.service('web-gateway',
        { network, env: { MESSAGE_SERVICE_URL: UPSTREAM, RATE_LIMIT: 'off' } });
      await gateway.ready();
      const box = which === 'web-gateway' ? gateway : service;
      const streams = await openStreams(yard, box);
      const writing = write(client(box));
      await until('some is written', () => writing.accepted.length >= WRITTEN_MIN);
      const { code, ms } = await box.stop(GRACE_S);
      writing.over = true;
      // What is still under way has no answer and is in nobody's count.
      await Promise.race([writing.done, sleep(LAST_ANSWERS_MS)]);
      assert.equal(code, 0, await box.logs());
      assert.ok(ms < GRACE_MS, `${ms} ms`);
      assert.deepEqual([...new Set(await Promise.all(streams.map(({ ended }) => ended)))], ['end']);
      for (const { text } of streams) assert.match(text, /^event: stopping$/m);
      await assertKept(yard, network, writing.accepted);
    }));
  }

  test('ends both at once as well, and no acknowledged message is lost', withYard(async (yard) => {
    const network = await yard.network();
    await yard.redis({ network });
    const service = await yard.service('message-service', { network, alias: 'message-service', env: { STORE_URL } });
    const gateway = await yard.service('web-gateway',
      { network, env: { MESSAGE_SERVICE_URL: UPSTREAM, RATE_LIMIT: 'off' } });
    await gateway.ready();
    await openStreams(yard, gateway);
    const writing = write(client(gateway));
    await until('some is written', () => writing.accepted.length >= WRITTEN_MIN);
    const ends = await Promise.all([service.stop(GRACE_S), gateway.stop(GRACE_S)]);
    writing.over = true;
    await Promise.race([writing.done, sleep(LAST_ANSWERS_MS)]);
    for (const { code, ms } of ends) assert.ok(code === 0 && ms < GRACE_MS, `${code}, ${ms} ms`);
    await assertKept(yard, network, writing.accepted);
  }));
});
