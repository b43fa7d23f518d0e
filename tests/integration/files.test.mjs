// A process that is out of files: what it has goes on, what is new is refused at once, no time is
// spent on it, and all is well when there are files again.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import { describe, test } from 'node:test';
import { withReaders } from './event_stream.mjs';
import {
  assertProblem, BIN_DIR, clientOf, newRoom, request, scaled, SERVICES, sleep, TEMPLATE_DIR, until,
  within, withWorld,
} from './harness.mjs';

const CROWD = 40;
const WATCHED_MS = 1000;
const CPU_MAX_MS = scaled(150, 400);
const RECOVERY_MS = 15_000;
const FILES = 4096;
const START_MAX_MS = 20_000;

function limitFiles(service, files) {
  execFileSync('prlimit', ['--pid', String(service.child.pid), `--nofile=${files}:`]);
}

/** No file more from here on: a new one gets the lowest free number. */
function takeFiles(service) {
  const used = new Set(readdirSync(`/proc/${service.child.pid}/fd`).map(Number));
  let free = 0;
  while (used.has(free)) free += 1;
  limitFiles(service, free);
}

function cpuMs(service) {
  const fields = readFileSync(`/proc/${service.child.pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Takes the files that became free while they were counted: connects until it is refused. */
async function takeTheRest(service) {
  const taken = [];
  for (;;) {
    const socket = net.connect(service.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n');
    const isRefused = await Promise.race([
      new Promise((resolve) => { socket.once('close', () => resolve(true)); }),
      new Promise((resolve) => { socket.once('data', () => resolve(false)); }),
    ]);
    if (isRefused) return taken;
    taken.push(socket);
  }
}

/** Calls `body(api)` while `service` has no file left; `api` has a connection from before. */
async function outOfFiles(service, body) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  const api = clientOf(service, agent);
  assert.equal((await api.get('/livez')).status, 200);
  takeFiles(service);
  const taken = await within(RECOVERY_MS, 'one is refused', takeTheRest(service));
  try {
    await body(api);
    const before = cpuMs(service);
    await sleep(WATCHED_MS);
    const spent = cpuMs(service) - before;
    assert.ok(spent < CPU_MAX_MS, `${spent} ms of CPU time in ${WATCHED_MS} ms`);
    assert.equal((await api.get('/livez')).status, 200);
  } finally {
    limitFiles(service, FILES);
    agent.destroy();
    for (const socket of taken) socket.destroy();
  }
}

const refused = (port) => new Promise((resolve) => {
  const socket = net.connect(port, '127.0.0.1');
  socket.on('error', () => {});
  socket.on('close', resolve);
  socket.resume();
});

const metricOf = async (api, name) =>
  Number(new RegExp(`^${name} (\\d+)$`, 'm').exec((await api.get('/metrics')).text)[1]);
const metric = (service, name) => metricOf(clientOf(service), name);

for (const name of SERVICES) {
  describe(`${name} without a file left`, () => {
    for (const readers of [0, 4]) {
      test(`refuses connections, with ${readers} streams open`, withWorld(async (world) => {
        const stack = await world.stack();
        const service = stack.of(name);
        await withReaders(async (open) => {
          for (let count = 0; count < readers; count += 1) await open(service, newRoom());
          let before;
          await outOfFiles(service, async (api) => {
            before = await metricOf(api, 'tempmessenger_http_connections_refused_total');
            await within(RECOVERY_MS, 'all are refused',
              Promise.all(Array.from({ length: CROWD }, () => refused(service.port))));
          });
          for (let count = 0; count < CROWD; count += 1) {
            assert.equal((await request(service.url, { path: '/livez' })).status, 200);
          }
          const after = await metric(service, 'tempmessenger_http_connections_refused_total');
          assert.equal(after - before, CROWD);
        });
      }));
    }

    test('ends a new stream at its beginning, and goes on with those that are there', withWorld(async (world) => {
      const service = (await world.stack()).of(name);
      const room = newRoom();
      await withReaders(async (open) => {
        const reader = await open(service, room);
        const socket = net.connect(service.port, '127.0.0.1');
        await once(socket, 'connect');
        socket.write('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n');
        await once(socket, 'data');
        let sent;
        await outOfFiles(service, async (api) => {
          socket.resume();
          socket.write(`GET /rooms/${room}/events HTTP/1.1\r\nHost: a\r\n\r\n`);
          await within(RECOVERY_MS, 'the end of the stream', once(socket, 'close'));
          sent = await api.create(room, 'to those who are here');
        });
        await reader.until('the message', () => reader.shown.has(sent.id));
        await until('its place is free', async () =>
          await metric(service, 'tempmessenger_event_streams') === 1);
        const late = await open(service, room);
        assert.deepEqual(late.events[0].data.map(({ id }) => id), [sent.id]);
      });
    }));

    test('starts with few files, or says why not', withWorld(async () => {
      for (let files = 4; files < 40; files += scaled(2, 6)) await startWith(name, files);
    }));
  });
}

/** A service that is to start with so many files: it listens and stops, or ends by itself with a
 * status of its own and a line of its log. */
async function startWith(name, files) {
  const env = { PATH: process.env.PATH, PORT: '0', LOG_FORMAT: 'json', TEMPLATE_DIR };
  const child = spawn('prlimit', [`--nofile=${files}`, path.join(BIN_DIR, name)],
    { env, stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (data) => {
    log += data;
    if (log.includes('"listening"')) child.kill('SIGTERM');
  });
  const [code] = await within(START_MAX_MS, `${name} with ${files} files ends`, once(child, 'close'))
    .finally(() => child.kill('SIGKILL'));
  if (log.includes('error while loading shared libraries')) return;
  assert.notEqual(code, null, `${files} files: ${log}`);
  assert.notEqual(log, '', `${files} files`);
  assert.equal(code === 0, log.includes('"listening"'), `${files} files: ${code} ${log}`);
}

test('message-service: Redis cannot be reached without a file, and is when there is one', withWorld(async (world) => {
  const stack = await world.stack({ store: 'redis', env: { STORE_TIMEOUT: '500ms' } });
  const room = newRoom();
  await withReaders(async (open) => {
    const reader = await open(stack.service, room);
    await outOfFiles(stack.service, async (api) => {
      await stack.redis.stop();
      await until('it is missed', async () => (await api.postTo(room, { message: 'lost' })).status === 503);
      // A connection that is just being tried gives its file back.
      takeFiles(stack.service);
      await stack.redis.start();
      await until('no file is left for a connection', async () => {
        takeFiles(stack.service);
        return (await api.postTo(room, { message: 'lost' })).status === 503;
      });
    });
    const sent = await until('a message is taken', async () => {
      const answer = await clientOf(stack.service).postTo(room, { message: 'kept' });
      return answer.status === 201 && answer.json();
    }, RECOVERY_MS);
    await reader.until('the message', () => reader.shown.has(sent.id), RECOVERY_MS);
  });
}));

test('web-gateway: the message service cannot be reached without a file, and is when there is one', withWorld(async (world) => {
  const stack = await world.stack();
  const room = newRoom();
  await outOfFiles(stack.gateway, async (api) => {
    assertProblem(await api.get(`/rooms/${room}/messages`), 503, 'unavailable');
  });
  await until('it is', async () =>
    (await clientOf(stack.gateway).get(`/rooms/${room}/messages`)).status === 200, RECOVERY_MS);
}));
