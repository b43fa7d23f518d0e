// Starting, stopping, and the order in which things come and go.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { describe, test } from 'node:test';
import {
  assertAccepted, assertProblem, BIN_DIR, clientOf, freePort, newRoom, ready, request, SERVICES, sleep,
  TEMPLATE_DIR, until, within, withWorld,
} from './harness.mjs';

const STOP_MAX_MS = 8000;
const KEPT = 20;
const KEPT_PAUSE_MS = 20;

/** One of the two, with what it needs to run. */
async function start(world, name, env = {}) {
  if (name === 'message-service') return world.messageService(env);
  return world.gateway(await world.messageService(), env);
}

for (const name of SERVICES) {
  describe(name, () => {
    for (const signal of ['SIGTERM', 'SIGINT']) {
      test(`${signal} ends it with status 0`, withWorld(async (world) => {
        const service = await start(world, name);
        assert.equal((await request(service.url, { path: '/livez' })).status, 200);
        const begin = Date.now();
        await service.stop(signal);
        assert.ok(Date.now() - begin < STOP_MAX_MS, `${Date.now() - begin} ms`);
        await assert.rejects(request(service.url, { path: '/livez' }), /ECONNREFUSED/);
      }));
    }

    test('a signal right after the start ends it too', withWorld(async (world) => {
      const service = await start(world, name);
      service.signal('SIGTERM');
      service.signal('SIGTERM');
      service.signal('SIGINT');
      await service.stop();
    }));

    for (const signal of ['SIGHUP', 'SIGUSR1', 'SIGUSR2']) {
      test(`${signal} does no harm`, withWorld(async (world) => {
        const service = await start(world, name);
        service.signal(signal);
        const api = clientOf(service);
        for (let round = 0; round < KEPT; round += 1) {
          assert.equal((await api.get('/livez')).status, 200);
          await sleep(KEPT_PAUSE_MS);
        }
        await api.create(newRoom(), 'still here');
      }));
    }

    test('idle and half-open connections do not hold it up', withWorld(async (world) => {
      const service = await start(world, name, { SHUTDOWN_TIMEOUT: '1s' });
      const agent = new http.Agent({ keepAlive: true });
      await request(service.url, { path: '/livez', agent });
      const socket = net.connect(service.port, '127.0.0.1');
      socket.on('error', () => {});
      await new Promise((resolve) => socket.once('connect', resolve));
      socket.write('POST /messages HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{');
      const begin = Date.now();
      await service.stop();
      assert.ok(Date.now() - begin < STOP_MAX_MS, `${Date.now() - begin} ms`);
      socket.destroy();
      agent.destroy();
    }));

    test('clients that keep their connections are told to close them', withWorld(async (world) => {
      const service = await start(world, name);
      const talk = async () => {
        const socket = net.connect({ port: service.port, host: '127.0.0.1' });
        world.onClose(() => socket.destroy());
        socket.setEncoding('latin1');
        await once(socket, 'connect');
        const answers = socket[Symbol.asyncIterator]();
        for (let asked = 1; ; asked += 1) {
          socket.write('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n');
          const { value: head = '' } = await answers.next().catch(() => ({}));
          assert.match(head, /^HTTP\/1\.1 200 /, `request ${asked} had no answer`);
          if (/^connection: close\r$/im.test(head)) return asked;
          await sleep(KEPT_PAUSE_MS);
        }
      };
      const talks = [...Array(KEPT)].map(talk);
      await sleep(10 * KEPT_PAUSE_MS);
      await service.stop();
      for (const asked of await Promise.all(talks)) assert.ok(asked > 1);
    }));

    test('stops in order under load', withWorld(async (world) => {
      const service = await start(world, name);
      const api = clientOf(service);
      let over = false;
      const answers = [];
      const load = [...Array(8)].map(async () => {
        while (!over) {
          const answer = await api.postTo('a', { message: 'x' }).catch(() => undefined);
          if (answer === undefined) return;
          answers.push(answer.status);
        }
      });
      await until('some are answered', () => answers.length > 50);
      await service.stop();
      over = true;
      await Promise.all(load);
      for (const status of answers) assert.ok([201, 204, 503].includes(status), `${status}`);
    }));

    test('a port in use stops the start with one line and status 2', withWorld(async (world) => {
      const service = await start(world, name);
      const { code, stdout, stderr } = await world.run(name, { PORT: String(service.port) });
      assert.equal(code, 2, stderr);
      assert.equal(stdout, '');
      assert.match(stderr, /^[^\n]+\n$/);
      assert.ok(stderr.includes(String(service.port)), stderr);
      assert.equal((await request(service.url, { path: '/livez' })).status, 200);
    }));

    test('its port is free again at once', withWorld(async (world) => {
      const port = String(await freePort());
      for (let round = 0; round < 3; round += 1) {
        const service = await start(world, name, { PORT: port });
        assert.equal((await request(service.url, { path: '/livez' })).status, 200);
        await service.stop();
      }
    }));

    test('BIND_ADDRESS is where it listens, and nowhere else', withWorld(async (world) => {
      const service = await start(world, name, { BIND_ADDRESS: '127.0.0.2' });
      const at = (host) => request(`http://${host}:${service.port}`, { path: '/livez' });
      assert.equal((await at('127.0.0.2')).status, 200);
      await assert.rejects(at('127.0.0.1'), /ECONNREFUSED/);
    }));
  });
}

describe('the open-file limit', () => {
  /** The log of a service that starts with so many files and is stopped when it listens. */
  const logWith = async (name, files) => {
    const env = { PATH: process.env.PATH, PORT: '0', LOG_FORMAT: 'json', TEMPLATE_DIR };
    const child = spawn('sh', ['-c', 'ulimit -n "$0" && exec "$1"', String(files), path.join(BIN_DIR, name)],
      { env, stdio: ['ignore', 'ignore', 'pipe'] });
    let log = '';
    child.stderr.on('data', (data) => {
      log += data;
      if (log.includes('"listening"')) child.kill('SIGTERM');
    });
    const [code] = await within(STOP_MAX_MS, `${name} ends`, once(child, 'close')).finally(() => child.kill('SIGKILL'));
    assert.equal(code, 0, log);
    return log.trim().split('\n').map((line) => JSON.parse(line));
  };

  for (const name of SERVICES) {
    test(`${name} warns where it takes fewer connections than MAX_CONNECTIONS, and only there`, async () => {
      const share = name === 'web-gateway' ? 60 : 90;
      const connections = (files) => Math.floor(((files - 128) * share) / 100);
      const enough = Math.ceil((10_256 * 100) / share) + 128;
      assert.equal(connections(enough), 10_256, 'MAX_CONNECTIONS and 256 more');
      const warnings = async (files) => (await logWith(name, files))
        .filter(({ message }) => message === 'the open-file limit is too low for MAX_CONNECTIONS');
      assert.deepEqual(await warnings(enough), []);
      const [warning, ...more] = await warnings(enough - 2);
      assert.deepEqual([warning.level, warning.open_files, warning.connections, more],
        ['warning', enough - 2, connections(enough - 2), []]);
    });
  }
});

describe('what is missing at the start', () => {
  const entries = (service, ...messages) => service.logLines().map((line) => JSON.parse(line))
    .filter(({ message }) => messages.includes(message));
  const NOT_READY = ['not ready', 'request failed'];

  test('the message service says that its store is away, and when it is there, though nobody asks', withWorld(async (world) => {
    const port = await freePort();
    const service = await world.messageService({ STORE_URL: `redis://127.0.0.1:${port}` });
    await until('it says so', () => entries(service, ...NOT_READY).length > 0);
    assert.equal((await request(service.url, { path: '/readyz' })).status, 503);
    await world.redis({ port });
    await until('it says that it is over', () => entries(service, 'available again').length > 0);
    assert.deepEqual(entries(service, ...NOT_READY).map(({ level, message }) => [level, message]),
      [['warning', 'not ready']]);
    assert.equal(entries(service, 'available again').length, 1);
    assert.equal((await request(service.url, { path: '/readyz' })).status, 200);
  }));

  test('the gateway says that its message service is away, and when it is there, though nobody asks', withWorld(async (world) => {
    const port = await freePort();
    const gateway = await world.gateway(`http://127.0.0.1:${port}`);
    await until('it says so', () => entries(gateway, ...NOT_READY).length > 0);
    assert.equal((await request(gateway.url, { path: '/readyz' })).status, 503);
    await world.messageService({ PORT: String(port) });
    await until('it says that it is over', () => entries(gateway, 'available again').length > 0);
    assert.deepEqual(entries(gateway, ...NOT_READY).map(({ level, message }) => [level, message]),
      [['warning', 'not ready']]);
    assert.equal(entries(gateway, 'available again').length, 1);
    assert.equal((await request(gateway.url, { path: '/readyz' })).status, 200);
  }));

  test('a stop does not wait for the question to be answered before it begins', withWorld(async (world) => {
    let asked = false;
    const silent = await world.fakeHttp(() => {
      asked = true;
    });
    const gateway = await world.gateway(silent, { UPSTREAM_TIMEOUT: '3s' });
    await until('it asks', () => asked);
    gateway.signal('SIGTERM');
    await until('it begins to stop', () => entries(gateway, 'stopping').length > 0);
    assert.deepEqual(entries(gateway, ...NOT_READY), [], 'the question is still open');
  }));

  test('a service that finds its neighbour at once says nothing', withWorld(async (world) => {
    const { service, gateway } = await world.stack();
    await clientOf(gateway).create(newRoom(), 'a');
    for (const one of [service, gateway]) assert.deepEqual(entries(one, ...NOT_READY, 'available again'), []);
  }));
});

describe('the gateway and its message service', () => {
  test('the gateway may start first', withWorld(async (world) => {
    const port = await freePort();
    const gateway = await world.gateway(`http://127.0.0.1:${port}`);
    const api = clientOf(gateway);
    assert.equal((await api.get('/livez')).status, 200);
    assert.equal((await api.get('/readyz')).status, 503);
    await world.messageService({ PORT: String(port) });
    await ready(gateway);
    assertAccepted(api, await api.post('/messages', { message: 'a' }));
  }));

  test('while it is away a room that is not known is 503 with Retry-After', withWorld(async (world) => {
    const api = clientOf(await world.gateway(`http://127.0.0.1:${await freePort()}`));
    assertProblem(await api.get(`/rooms/${newRoom()}/messages`), 503, 'unavailable');
    assertProblem(await api.post('/messages', { message: 'a' }), 503, 'unavailable');
    assertProblem(await api.get(`/messages/${'0'.repeat(32)}`), 503, 'unavailable');
    assertProblem(await api.get('/konnichiwa'), 503, 'unavailable');
    assertProblem(await api.post('/messages', '{'), 400, 'invalid-json');
    assert.equal((await api.get('/', { Accept: 'text/html' })).status, 503);
    assert.equal((await api.get('/livez')).status, 200);
  }));

  test('one that crashed and came back is used again', withWorld(async (world) => {
    const port = String(await freePort());
    const first = await world.messageService({ PORT: port });
    const api = clientOf(await world.gateway(first));
    assertAccepted(api, await api.post('/messages', { message: 'a' }));
    await first.kill();
    assertProblem(await api.post('/messages', { message: 'b' }), 503, 'unavailable');
    await world.messageService({ PORT: port });
    await until('it goes on', async () => (await api.post('/messages', { message: 'c' })).status === 204,
      10_000, 50);
  }));

  test('stops in either order', withWorld(async (world) => {
    for (const order of [['service', 'gateway'], ['gateway', 'service']]) {
      const stack = await world.stack();
      for (const which of order) await stack[which].stop();
    }
  }));
});
