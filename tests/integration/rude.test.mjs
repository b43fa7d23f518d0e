// Readers who leave without a word, in the middle of anything and by the hundred; readers who never
// read; and a service that stops while all of them are there.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import net from 'node:net';
import { describe, test } from 'node:test';
import { ANY, askEvents, EventReader, withReaders } from './event_stream.mjs';
import {
  clientOf, newRoom, request, SANITIZED, scaled, sendAll, SERVICES, sleep, STORES, until, withWorld,
} from './harness.mjs';

const RUDE = 1000;
const WAVE = 125;
const STREAMS = 200;
const MEMORY_GROWTH_MAX_KB = 24 * 1024;
const TEST_MS = 110_000;
const NOTICED_WITHIN_MS = 35_000;

const ids = (messages) => messages.map(({ id }) => id);

async function residentKb(service) {
  const status = await readFile(`/proc/${service.child.pid}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)[1]);
}

const openFiles = async (service) => (await readdir(`/proc/${service.child.pid}/fd`)).length;

/** A connection that does `act(socket)` and then is gone, as `leave` says. */
function rudely(port, act, leave) {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1' });
    socket.on('error', () => {});
    socket.on('close', resolve);
    socket.on('connect', () => act(socket, () => {
      if (leave === 'reset' && socket.resetAndDestroy) socket.resetAndDestroy();
      else socket.destroy();
    }));
  });
}

// Of the ways of leaving below.
const HALF_A_REQUEST = [1, 2, 4, 5];

/** Ways of leaving, each with what is sent before it: `done` leaves. */
function manners(room) {
  const get = `GET /rooms/${room}/events HTTP/1.1\r\nHost: a\r\n`;
  const post = `POST /rooms/${room}/messages HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n`;
  const afterData = (times) => (socket, done) => {
    let left = times;
    socket.write(`${get}\r\n`);
    socket.on('data', () => {
      left -= 1;
      if (left === 0) done();
    });
    socket.on('end', done);
    setTimeout(done, 2000).unref();
  };
  return [
    (socket, done) => done(),
    (socket, done) => socket.write('GE', done),
    (socket, done) => socket.write(get, done),
    (socket, done) => socket.write(`${get}\r\n`, done),
    (socket, done) => socket.write(`${post}Content-Length: 1000\r\n\r\n{"message":`, done),
    (socket, done) => socket.write(`${post}Transfer-Encoding: chunked\r\n\r\n5\r\n{"m`, done),
    (socket, done) => socket.write(`${get}\r\n${get}\r\n${get}\r\n`, done),
    afterData(1),
    afterData(2),
    afterData(3),
    (socket, done) => {
      afterData(2)(socket, done);
      socket.pause();
      setTimeout(done, 30).unref();
    },
    (socket, done) => {
      // Says that it will send no more, and then leaves all the same.
      socket.end(`${get}\r\n`);
      setTimeout(done, 30).unref();
    },
  ];
}

/** Half a request and then an orderly end may be kept until the idle timeout, as a slow sender's is;
 * what was reset is gone at once. So that files can be counted, those leave with a reset. */
async function wave(service, room, size, at) {
  const ways = manners(room);
  await Promise.all(Array.from({ length: size }, (_, number) => {
    const way = (at + number) % ways.length;
    const leave = HALF_A_REQUEST.includes(way) || number % 3 !== 0 ? 'reset' : 'destroy';
    return rudely(service.port, ways[way], leave);
  }));
}

/** Sends messages until told to stop; the ids that were made. */
function writing(service, room, pauseMs = 5) {
  const state = { over: false, made: [] };
  state.done = (async () => {
    const api = clientOf(service);
    while (!state.over) {
      const { id } = await api.create(room, { message: `message ${state.made.length}`, ttl: 3 });
      state.made.push(id);
      if (pauseMs > 0) await sleep(pauseMs);
    }
  })();
  state.done.catch(() => {});
  state.stop = async () => {
    state.over = true;
    await state.done;
    return state.made;
  };
  return state;
}

for (const store of STORES) {
  for (const name of SERVICES) {
    test(`${RUDE} abrupt disconnects while events flow: the ${name} is well [${store}]`, withWorld(async (world) => {
      const limit = WAVE + 20;
      const env = { MAX_CONNECTIONS: String(limit), LOG_LEVEL: 'warning' };
      const stack = await world.stack({ store }).then(async (made) => {
        // One with the limit, in the place of the stack's own.
        const service = name === 'message-service'
          ? await world.messageService({ STORE_URL: store === 'redis' ? made.redis.url : 'memory:', ...env, LOG_LEVEL: 'info' })
          : await world.gateway(made.service, { ...env, LOG_LEVEL: 'info' });
        return { ...made, service };
      });
      const { service } = stack;
      const room = newRoom();
      await withReaders(async (open) => {
        const reader = await open(service, room);
        const writer = writing(service, room);
        await wave(service, room, WAVE, 0);
        const before = await residentKb(service);
        for (let sent = WAVE; sent < RUDE; sent += WAVE) await wave(service, room, WAVE, sent / WAVE);
        const made = await writer.stop();
        await reader.until('all', () => reader.shown.size >= made.length);
        assert.deepEqual(ids(reader.messages), made);
        assert.ok(!reader.end);
        assert.equal((await request(service.url, { path: '/livez' })).status, 200);

        // All places but the reader's are free again: as many streams as there may be.
        const readers = [];
        await until('the places are free', async () => {
          await clientOf(service).create(room, 'x');
          while (readers.length < limit - 1) {
            const answer = await askEvents(service, { room, headers: ANY });
            if (answer.status !== 200) return false;
            readers.push(open.keep(answer));
          }
          return true;
        }, NOTICED_WITHIN_MS, 100);
        assert.equal((await askEvents(service, { room, headers: ANY })).status, 503);
        for (const one of readers) one.close();
        await until('their files are closed', async () => {
          await clientOf(service).create(room, 'x');
          return (await openFiles(service)) < 40;
        }, NOTICED_WITHIN_MS, 100);
        if (!SANITIZED) {
          const grown = (await residentKb(service)) - before;
          assert.ok(grown < MEMORY_GROWTH_MAX_KB, `${grown} KB more`);
        }
      });
    }, TEST_MS));
  }
}

for (const name of SERVICES) {
  describe(`${name} and its readers`, () => {
    test('one who never reads is left behind, and the others get all at once', withWorld(async (world) => {
      const stack = await world.stack({ env: { ROOM_MAX_MESSAGES: '100000', ROOM_MAX_BYTES: '64MiB' } });
      const service = stack.of(name);
      const room = newRoom();
      await withReaders(async (open) => {
        const deaf = new EventReader(service.url, { room, keepRaw: false });
        await deaf.open();
        await deaf.first();
        deaf.incoming.socket.pause();
        const good = await open(service, room, { keepRaw: false });
        const before = await residentKb(service);
        // More than the kernel's buffers on both sides and the service's own can hold together.
        const text = 'x'.repeat(4000);
        const count = scaled(4000, 1500);
        let slowest = 0;
        const made = await sendAll(service, Array.from({ length: count }), async (api) => {
          const { id } = await api.create(room, { message: text, ttl: 2 });
          const at = performance.now();
          await good.until('it is here', () => good.shown.has(id));
          slowest = Math.max(slowest, performance.now() - at);
          return id;
        }, 8);
        assert.equal(good.shown.size, made.length);
        assert.ok(slowest < scaled(1000, 5000), `one came after ${slowest} ms`);
        if (!SANITIZED) {
          const grown = (await residentKb(service)) - before;
          assert.ok(grown < 100 * 1024, `${grown} KB more`);
        }
        // Where it reads at last it gets a beginning without gaps, and then the end.
        const order = ids(good.messages);
        deaf.incoming.socket.resume();
        if (!SANITIZED) {
          await deaf.over();
          const got = ids(deaf.messages);
          assert.ok(got.length > 0 && got.length < order.length, `${got.length} of ${order.length}`);
        }
        deaf.close();
        deaf.assertSound();
        assert.deepEqual(ids(deaf.messages), order.slice(0, deaf.messages.length), 'a gap');
      });
    }, TEST_MS));

    for (const signal of ['SIGTERM', 'SIGINT']) {
      test(`${signal}: ${STREAMS} streams are told, end, and so does it`, withWorld(async (world) => {
        const timeoutMs = 5000;
        const stack = await world.stack(name === 'web-gateway'
          ? { gatewayEnv: { SHUTDOWN_TIMEOUT: '5s' } } : { env: { SHUTDOWN_TIMEOUT: '5s' } });
        const service = stack.of(name);
        const rooms = [newRoom(), newRoom(), newRoom()];
        await withReaders(async (open) => {
          const readers = [];
          for (let count = 0; count < STREAMS; count += 1) readers.push(await open(service, rooms[count % 3]));
          const start = performance.now();
          service.signal(signal);
          await Promise.all(readers.map((reader) => reader.over(timeoutMs)));
          for (const reader of readers) {
            assert.equal(reader.end.how, 'ended', 'cut in the middle');
            const last = reader.events.at(-1);
            assert.equal(last.name, 'stopping');
            assert.deepEqual(last.data, {});
            assert.equal(last.id, undefined);
          }
          await service.stop();
          assert.ok(performance.now() - start < timeoutMs, `${performance.now() - start} ms`);
        });
      }));
    }

    test('it stops while writers write and readers do not read', withWorld(async (world) => {
      const stack = await world.stack(name === 'web-gateway'
        ? { gatewayEnv: { SHUTDOWN_TIMEOUT: '2s' } } : { env: { SHUTDOWN_TIMEOUT: '2s' } });
      const service = stack.of(name);
      const room = newRoom();
      const deaf = [];
      for (let count = 0; count < 20; count += 1) {
        const reader = new EventReader(service.url, { room });
        await reader.open();
        await reader.first();
        reader.incoming.socket.pause();
        deaf.push(reader);
      }
      const text = 'x'.repeat(4000);
      let over = false;
      const writers = Array.from({ length: 4 }, async () => {
        while (!over) {
          const answer = await clientOf(service).postTo(room, { message: text, ttl: 1 }).catch(() => undefined);
          if (!answer) return;
        }
      });
      await sleep(scaled(1000, 500));
      const start = performance.now();
      await service.stop();
      const took = performance.now() - start;
      over = true;
      await Promise.all(writers);
      for (const reader of deaf) reader.close();
      assert.ok(took < scaled(4000, 8000), `${took} ms`);
    }));

    test('it stops time after time, whatever its workers are at', withWorld(async (world) => {
      const upstream = await world.messageService();
      for (let round = 0; round < 12; round += 1) {
        const service = name === 'web-gateway' ? await world.gateway(upstream) : await world.messageService();
        await withReaders(async (open) => {
          const readers = [];
          for (let count = 0; count < 8; count += 1) readers.push(await open(service, newRoom()));
          const asking = Array.from({ length: 8 }, () => request(service.url, { path: '/livez' }).catch(() => {}));
          await asking[round % 8];
          await service.stop();
          await Promise.all([...asking, ...readers.map((reader) => reader.over())]);
        });
      }
    }));

    test('nothing comes behind stopping', withWorld(async (world) => {
      const stack = await world.stack({ store: 'redis' });
      const other = await world.messageService({ STORE_URL: stack.redis.url });
      const service = stack.of(name);
      const room = newRoom();
      await withReaders(async (open) => {
        const readers = [];
        for (let count = 0; count < 40; count += 1) readers.push(await open(service, room));
        const writers = [writing(other, room, 0), writing(other, room, 0), writing(other, room, 0)];
        await readers[0].count('message', 20);
        await service.stop();
        for (const writer of writers) await writer.stop();
        for (const reader of readers) {
          await reader.over();
          assert.equal(reader.named('stopping').length, 1);
          assert.equal(reader.events.at(-1).name, 'stopping');
        }
      });
    }));

    test('it stops while readers come and go', withWorld(async (world) => {
      const service = (await world.stack()).of(name);
      const room = newRoom();
      let over = false;
      let waves = 0;
      const comers = Array.from({ length: 10 }, async (_, at) => {
        const ways = manners(room);
        while (!over) {
          await rudely(service.port, ways[(at + waves) % ways.length], 'reset');
          waves += 1;
        }
      });
      const writer = writing(service, room);
      await until('they come and go', () => waves > 100);
      await service.stop();
      over = true;
      await Promise.all(comers);
      await writer.stop().catch(() => {});
    }));
  });
}

// libmicrohttpd's loop takes 128 events at a time (libcommon/http/epoll_wait.c).
describe('a crowd that asks at one moment', () => {
  const ASKED = 'GET /livez HTTP/1.1\r\nHost: a\r\n\r\n';

  for (const name of SERVICES) {
    for (const crowd of [127, 128, 129, 256, 384]) {
      test(`${name}: all ${crowd} are answered, though nothing else happens`, withWorld(async (world) => {
        // One thread, which finds all of them when it wakes.
        const service = await world.service(name, { HTTP_THREADS: '1' });
        const sockets = [];
        world.onClose(() => sockets.forEach((socket) => socket.destroy()));
        let answers = 0;
        for (let i = 0; i < crowd; i += 1) {
          const socket = net.connect({ port: service.port, host: '127.0.0.1' });
          sockets.push(socket);
          await once(socket, 'connect');
          socket.once('data', () => {
            answers += 1;
          });
        }
        // The last one's answer tells that it is done with accepting them.
        assert.equal((await request(service.url, { path: '/livez' })).status, 200);
        service.freeze();
        await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.write(ASKED, resolve))));
        service.thaw();
        await until('all are answered', () => answers === crowd);
      }));
    }
  }
});
