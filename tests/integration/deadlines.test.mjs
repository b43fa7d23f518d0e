// What is given a time: requests that come byte by byte, and readers who take nothing. All of them
// wait beside each other, since the times are long.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { describe, test } from 'node:test';
import { clientOf, createAll, newRoom, SERVICES, until, withWorld } from './harness.mjs';

const REQUEST_MS = 30_000;
const STALL_MS = 30_000;
// A connection without a request is kept for 60 s, which is another thing.
const LATEST_MS = 55_000;
const DRIP_MS = 500;
const TEST_MS = 100_000;

const metric = async (service, name) =>
  Number(new RegExp(`^${name} (\\d+)$`, 'm').exec((await clientOf(service).get('/metrics')).text)[1]);

/** Sends `bytes` one after the other until the connection is closed; what came, and after how long. */
async function drip(port, begin, bytes) {
  const socket = net.connect(port, '127.0.0.1');
  const start = performance.now();
  let answer = '';
  socket.on('error', () => {});
  socket.on('data', (data) => {
    answer += data;
  });
  const closed = once(socket, 'close');
  await once(socket, 'connect');
  socket.write(begin);
  let at = 0;
  const timer = setInterval(() => {
    if (socket.writable && at < bytes.length) socket.write(bytes[at]);
    at += 1;
  }, DRIP_MS);
  await closed;
  clearInterval(timer);
  return { answer, tookMs: performance.now() - start };
}

const HEAD = 'GET /livez HTTP/1.1\r\nHost: a\r\n';
const POST = 'POST /messages HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n';

/** Requests that never become whole: what is sent at once, and what in drips. */
const SLOW_REQUESTS = {
  'no byte at all': ['', ''],
  'a line': ['', `${HEAD}${'x'.repeat(1000)}`],
  'a head': [HEAD, 'X-Slow: '.padEnd(1000, 'x')],
  'a body': [`${POST}Content-Length: 1000\r\n\r\n`, 'x'.repeat(1000)],
  'a chunk': [`${POST}Transfer-Encoding: chunked\r\n\r\n3E8\r\n`, 'x'.repeat(1000)],
  'a second request': [`${HEAD}\r\n`, `${HEAD}${'x'.repeat(1000)}`],
};

describe('what takes too long', { concurrency: true }, () => {
  for (const name of SERVICES) {
    test(`${name}: a request that is not whole in time loses its connection`, withWorld(async (world) => {
      const service = (await world.stack()).of(name);
      await Promise.all(Object.entries(SLOW_REQUESTS).map(async ([what, [begin, rest]]) => {
        const { answer, tookMs } = await drip(service.port, begin, rest);
        if (what === 'a second request') assert.match(answer, /^HTTP\/1\.1 200 /, what);
        else assert.doesNotMatch(answer, /^HTTP\/1\.1 2/, what);
        assert.ok(tookMs >= REQUEST_MS - 1000, `${what}: closed after ${tookMs} ms`);
        assert.ok(tookMs < LATEST_MS, `${what}: closed after ${tookMs} ms`);
      }));
      assert.equal(await metric(service, 'tempmessenger_http_requests_overdue_total'),
        Object.keys(SLOW_REQUESTS).length);
    }, TEST_MS));

    test(`${name}: a reader who takes nothing of a large room is cut off`, withWorld(async (world) => {
      const stack = await world.stack();
      const service = stack.of(name);
      const room = newRoom();
      // More than the kernel takes on both sides.
      const text = 'x'.repeat(4000);
      await createAll(stack.service, room, Array.from({ length: 500 }, () => ({ message: text, ttl: 300 })));
      const deaf = net.connect(service.port, '127.0.0.1');
      world.onClose(() => deaf.destroy());
      deaf.on('error', () => {});
      deaf.pause();
      const streams = () => metric(service, 'tempmessenger_event_streams');
      deaf.write(`GET /rooms/${room}/events HTTP/1.1\r\nHost: a\r\n\r\n`);
      const start = performance.now();
      await until('it is there', async () => await streams() === 1);
      await until('it is cut off', async () => await streams() === 0, LATEST_MS, 200);
      const tookMs = performance.now() - start;
      assert.ok(tookMs > STALL_MS - 1000, `after ${tookMs} ms`);
    }, TEST_MS));
  }
});
