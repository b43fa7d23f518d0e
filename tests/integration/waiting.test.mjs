// A secret that is not there when a service starts: it is alive, not ready, says so once, and starts
// when the secret comes.

import assert from 'node:assert/strict';
import { rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import {
  assertProblem, Client, clientOf, request, SERVICES, sleep, STOP_TIMEOUT_MS, until, withWorld,
} from './harness.mjs';

const LOOKS_MS = 2500;
const TOKEN = 'a-token-for-two';
const bearer = { Authorization: `Bearer ${TOKEN}` };

/** The service with a token that will be in `file`. */
async function start(world, name, env = {}) {
  const file = path.join(await world.folder(), 'token');
  const upstream = name === 'web-gateway' ? { MESSAGE_SERVICE_URL: 'http://127.0.0.1:9' } : {};
  const service = await world.service(name, { SERVICE_TOKEN_FILE: file, ...upstream, ...env });
  return { service, file, api: clientOf(service) };
}

/** As an orchestrator puts it there: whole, or not at all. */
async function put(file, text) {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

const entries = (service, message) => service.logLines().map((line) => JSON.parse(line))
  .filter((entry) => entry.message === message);
const waits = (service) => entries(service, 'waiting to start');
const started = (service) => until('it starts', () => entries(service, 'listening').length === 1);

for (const name of SERVICES) {
  describe(`${name} without its token`, () => {
    test('is alive, is not ready and answers 503 for what it will know', withWorld(async (world) => {
      const { api } = await start(world, name);
      const alive = await api.get('/livez');
      assert.equal(alive.status, 200);
      assert.deepEqual(alive.json(), { status: 'ok' });
      for (const target of ['/readyz', '/messages', '/rooms/a/events', '/rooms/a/messages/1', '/konnichiwa']) {
        const answer = await api.get(target);
        assertProblem(answer, 503, 'unavailable', /starting/);
        assert.ok(Number(answer.headers['retry-after']) >= 1, target);
      }
      assertProblem(await api.post('/messages', { message: 'a' }), 503, 'unavailable');
      assertProblem(await api.get('/nowhere'), 404, 'not-found');
      const options = await request(api.base, { method: 'OPTIONS', path: '/messages' });
      assert.equal(options.status, 204);
      assert.equal((await request(api.base, { method: 'HEAD', path: '/livez' })).status, 200);
    }));

    test('says so once, and who asks makes no difference', withWorld(async (world) => {
      const { service, file, api } = await start(world, name);
      const end = Date.now() + LOOKS_MS;
      while (Date.now() < end) {
        assert.equal((await api.get('/readyz')).status, 503);
        await sleep(100);
      }
      assert.deepEqual(waits(service).map(({ level, missing }) => [level, missing]),
        [['warning', `SERVICE_TOKEN_FILE: "${file}" is not there yet, or empty`]]);
      const troubles = service.logLines().map((line) => JSON.parse(line)).filter(({ level }) => level !== 'info');
      assert.equal(troubles.length, 1);
    }));

    test('waits while the file is empty, and starts on the same port when it is filled', withWorld(async (world) => {
      const { service, file, api } = await start(world, name);
      await writeFile(file, '');
      const end = Date.now() + LOOKS_MS / 2;
      while (Date.now() < end) {
        assert.equal((await api.get('/readyz')).status, 503);
        await sleep(100);
      }
      await put(file, `${TOKEN}\n`);
      await started(service);
      assert.equal(entries(service, 'listening')[0].port, service.port);
      assert.equal((await api.get('/livez')).status, 200);
      assert.equal(waits(service).length, 1);
    }));

    test('ends with status 0 when it is told to', withWorld(async (world) => {
      const { service } = await start(world, name);
      const begin = Date.now();
      await service.stop();
      assert.ok(Date.now() - begin < STOP_TIMEOUT_MS / 2);
      assert.equal(entries(service, 'stopping').length, 1);
      assert.equal(entries(service, 'listening').length, 0);
    }));

    test('ends with status 2 and one line when the secret turns out to be wrong', withWorld(async (world) => {
      const { service, file } = await start(world, name);
      service.expectedToDie = true;
      await put(file, 'two words');
      assert.deepEqual(await service.wait(), { code: 2, signal: null });
      const [line, ...more] = entries(service, 'cannot start');
      assert.deepEqual(more, []);
      assert.match(line.reason, /^SERVICE_TOKEN: the value is not /);
      assert.ok(!service.stderr.includes('two words'));
    }));

    test('is found alive by --healthcheck', withWorld(async (world) => {
      const { service, file } = await start(world, name);
      const { code, stdout } = await world.run(name,
        { SERVICE_TOKEN_FILE: file, PORT: String(service.port) }, ['--healthcheck']);
      assert.equal(stdout, `${name}: alive\n`);
      assert.equal(code, 0);
    }));

    test('does not wait where another setting is wrong, or the port is taken', withWorld(async (world) => {
      const { service, file } = await start(world, name);
      const wrong = await world.run(name, { SERVICE_TOKEN_FILE: file, HTTP_THREADS: 'x' });
      assert.equal(wrong.code, 2);
      assert.match(wrong.stderr, /^[a-z-]+: HTTP_THREADS: "x" is not [^\n]*\n$/);
      const taken = await world.run(name, { SERVICE_TOKEN_FILE: file, PORT: String(service.port), LOG_FORMAT: 'json' });
      assert.equal(taken.code, 2);
      assert.match(taken.stderr, /cannot listen/);
    }));
  });
}

describe('when the secrets come', () => {
  test('the message service asks for the token from its first answer on', withWorld(async (world) => {
    const { service, file, api } = await start(world, 'message-service');
    await put(file, TOKEN);
    const statuses = new Set();
    await until('it is ready', async () => {
      const answer = await api.get('/messages').catch(() => undefined);
      if (answer) statuses.add(answer.status);
      return answer?.status === 401;
    });
    assert.ok([...statuses].every((status) => status === 503 || status === 401), [...statuses].join());
    assert.equal((await api.get('/messages', bearer)).status, 200);
    await started(service);
  }));

  test('both services find each other, whichever has its own first', withWorld(async (world) => {
    for (const order of [[0, 1], [1, 0]]) {
      const service = await start(world, 'message-service');
      const gateway = await start(world, 'web-gateway', { MESSAGE_SERVICE_URL: service.service.url });
      const both = [service, gateway];
      for (const at of order) {
        await put(both[at].file, TOKEN);
        await started(both[at].service);
      }
      await until('the gateway is ready', async () => (await gateway.api.get('/readyz')).status === 200);
      await gateway.api.create('lobby', { message: `hello ${order}` });
      assert.equal((await gateway.api.list('lobby')).length, 1);
    }
  }));

  test('two that are missing are named one after the other', withWorld(async (world) => {
    const redis = await world.redis();
    const url = path.join(await world.folder(), 'url');
    const { service, file } = await start(world, 'message-service', { STORE_URL_FILE: url });
    await put(file, TOKEN);
    await until('the second is named', () => waits(service).length === 2);
    await put(url, redis.url);
    await started(service);
    assert.deepEqual(waits(service).map(({ missing }) => missing.split(':')[0]),
      ['SERVICE_TOKEN_FILE', 'STORE_URL_FILE']);
    const api = new Client(service.url, 'message-service');
    assert.equal((await api.get('/readyz')).status, 200);
    assert.equal((await api.get('/messages', bearer)).status, 200);
  }));

  test('a file of any other setting has to be there', withWorld(async (world) => {
    const file = path.join(await world.folder(), 'nothing');
    for (const variable of ['MESSAGE_TTL_FILE', 'HTTP_THREADS_FILE', 'STORE_PREFIX_FILE']) {
      const { code, stderr } = await world.run('message-service', { [variable]: file });
      assert.equal(code, 2, variable);
      assert.equal(stderr, `message-service: ${variable}: "${file}" cannot be read\n`);
    }
  }));
});
