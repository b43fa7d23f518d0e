// What one client address may have open at the gateway, and who is a client.

import assert from 'node:assert/strict';
import net from 'node:net';
import { describe, test } from 'node:test';
import { ANY, askEvents, withReaders } from './event_stream.mjs';
import { parseMetrics } from './exposition.mjs';
import {
  assertProblem, clientOf, freePort, newRoom, raw, rawStatus, until, withWorld,
} from './harness.mjs';

const LIMITED = { TRUSTED_PROXIES: '192.0.2.1' }; // then 127.0.0.1 is a client
const BEHIND = { TRUSTED_PROXIES: '127.0.0.1' };
const from = (address) => ({ 'X-Forwarded-For': address });
const refused = async (gateway, limit) => parseMetrics((await clientOf(gateway).get('/metrics')).text)
  .value('tempmessenger_client_refused_total', { limit });
const warnings = (service, word) => service.logLines().map((line) => JSON.parse(line))
  .filter(({ level, message }) => level === 'warning' && message.includes(word));

/** Asks for a stream; its answer, and what it was sent once it ended. */
async function ask(open, gateway, room, headers) {
  const reader = open.keep(await askEvents(gateway, { room, headers }));
  await until('an event or the end', () => reader.end || reader.events.length > 0);
  return reader;
}

describe('streams', () => {
  test('so many a client, no more; one that ends makes room', withWorld(async (world) => {
    const { gateway } = await world.stack({ gatewayEnv: { ...LIMITED, CLIENT_MAX_STREAMS: '2' } });
    const room = newRoom();
    await withReaders(async (open) => {
      const first = await open(gateway, room);
      await open(gateway, room);
      const third = await ask(open, gateway, room);
      assert.equal(third.status, 200);
      assert.deepEqual(third.events.map(({ name, data }) => [name, data]), [['full', { retry_after: 10 }]]);
      assert.deepEqual(third.retries, ['10000']);
      await third.over();
      const other = await ask(open, gateway, room, ANY);
      assert.equal(other.status, 429);
      assert.equal(other.headers['retry-after'], '10');
      assertProblem({ status: other.status, headers: other.headers, text: other.text, json: () => other.json() },
        429, 'rate-limited');
      assert.equal(await refused(gateway, 'streams'), 2);
      first.close();
      await until('its place is free', async () => (await ask(open, gateway, room)).events[0].name === 'snapshot');
      await until('the log tells', () => warnings(gateway, 'over a limit').length > 0);
      assert.equal(warnings(gateway, 'over a limit').length, 1, 'told once');
      assert.equal(warnings(gateway, 'over a limit')[0].setting, 'CLIENT_MAX_STREAMS');
      assert.match(warnings(gateway, 'over a limit')[0].message, /TRUSTED_PROXIES/);
    });
  }));

  test('behind a trusted proxy each client has its own, and an IPv6 client is its /64', withWorld(async (world) => {
    const { gateway } = await world.stack({ gatewayEnv: { ...BEHIND, CLIENT_MAX_STREAMS: '1' } });
    const room = newRoom();
    const firstOf = async (open, address) => (await ask(open, gateway, room, from(address))).events[0].name;
    await withReaders(async (open) => {
      assert.equal(await firstOf(open, '198.51.100.1'), 'snapshot');
      assert.equal(await firstOf(open, '198.51.100.2'), 'snapshot');
      assert.equal(await firstOf(open, '198.51.100.1'), 'full');
      assert.equal(await firstOf(open, '10.0.0.1'), 'snapshot');
      assert.equal(await firstOf(open, '10.0.0.1'), 'full', 'a private address is a client where proxies are named');
      assert.equal(await firstOf(open, '2001:db8::1'), 'snapshot');
      assert.equal(await firstOf(open, '2001:db8::2'), 'full');
      assert.equal(await firstOf(open, '2001:db8:0:1::2'), 'snapshot');
      // The proxy itself is no client.
      for (let i = 0; i < 3; i += 1) assert.equal(await firstOf(open, '127.0.0.1'), 'snapshot');
    });
  }));

  for (const [what, env] of [['off', { ...LIMITED, CLIENT_MAX_STREAMS: 'off' }],
    ['a local address, where no proxy is named', { CLIENT_MAX_STREAMS: '1' }]]) {
    test(`no limit: ${what}`, withWorld(async (world) => {
      const { gateway } = await world.stack({ gatewayEnv: env });
      const room = newRoom();
      await withReaders(async (open) => {
        for (let i = 0; i < 5; i += 1) await open(gateway, room);
      });
      assert.equal(await refused(gateway, 'streams'), 0);
    }));
  }
});

describe('connections', () => {
  /** Connects; whether the connection is still there after it answered, or `closed`. */
  const connect = (port) => new Promise((resolve) => {
    const socket = net.connect({ port, host: '127.0.0.1' });
    socket.on('error', () => {});
    socket.on('close', () => resolve({ socket, state: 'closed' }));
    socket.on('data', () => resolve({ socket, state: 'open' }));
    socket.on('connect', () => socket.write('GET /livez HTTP/1.1\r\nHost: a\r\n\r\n'));
  });

  test('one beyond is closed when it is made; streams count', withWorld(async (world) => {
    const { gateway } = await world.stack({ gatewayEnv: { ...LIMITED, CLIENT_MAX_CONNECTIONS: '3' } });
    const sockets = [];
    await withReaders(async (open) => {
      const reader = await until('a place for a stream', async () => {
        const asked = await askEvents(gateway, { room: 'a' }).catch(() => undefined);
        return asked && open.keep(asked);
      });
      await reader.first();
      for (const expected of ['open', 'open', 'closed', 'closed']) {
        const { socket, state } = await connect(gateway.port);
        sockets.push(socket);
        assert.equal(state, expected);
      }
      reader.close();
      await until('the place of the stream is free', async () => {
        const { socket, state } = await connect(gateway.port);
        sockets.push(socket);
        return state === 'open';
      });
      for (const socket of sockets) socket.destroy();
      await until('the counts are right again', async () => await refused(gateway, 'connections').catch(() => 0) >= 2);
      await until('the log tells', () => warnings(gateway, 'over a limit').length > 0);
      assert.equal(warnings(gateway, 'over a limit')[0].setting, 'CLIENT_MAX_CONNECTIONS');
    });
  }));

  test('a local address is not held to it where no proxy is named', withWorld(async (world) => {
    const { gateway } = await world.stack({ gatewayEnv: { CLIENT_MAX_CONNECTIONS: '1' } });
    const made = await Promise.all(Array.from({ length: 5 }, () => connect(gateway.port)));
    for (const { socket, state } of made) {
      assert.equal(state, 'open');
      socket.destroy();
    }
  }));
});

describe('rooms that are not open', () => {
  test('so many a client, no more, by every way of asking; those that are open are free', withWorld(async (world) => {
    const { gateway } = await world.stack({ gatewayEnv: { ...LIMITED, ROOM_OPEN_LIMIT: '3/h' } });
    const api = clientOf(gateway);
    const rooms = Array.from({ length: 4 }, newRoom);
    await withReaders(async (open) => {
      assert.equal((await api.get(`/rooms/${rooms[0]}/messages`)).status, 200);
      assert.equal((await api.get(`/rooms/${rooms[1]}`)).status, 200);
      await open(gateway, rooms[2]);
      for (const path of ['/messages', '', '/messages/0123456789abcdef0123456789abcdef']) {
        const answer = await api.get(`/rooms/${rooms[3]}${path}`);
        assertProblem(answer, 429, 'rate-limited');
        assert.ok(Number(answer.headers['retry-after']) > 1000, 'an hour has room for three');
      }
      const stream = await ask(open, gateway, rooms[3]);
      assert.equal(stream.status, 200);
      assert.equal(stream.events[0].name, 'full');
      assert.equal(Number(stream.retries[0]), 1000 * stream.events[0].data.retry_after);
      assert.equal((await ask(open, gateway, rooms[3], { Accept: 'text/*' })).status, 429);
      assert.equal(await refused(gateway, 'rooms'), 5);
      for (const room of rooms.slice(0, 3)) {
        assert.equal((await api.get(`/rooms/${room}/messages`)).status, 200);
        await open(gateway, room);
      }
      assert.equal((await api.postTo(rooms[3], { message: 'a' })).status, 204, 'a POST opens no room');
      await until('the log tells', () => warnings(gateway, 'over a limit').length > 0);
      assert.equal(warnings(gateway, 'over a limit').length, 1);
    });
  }));

  test('off is off', withWorld(async (world) => {
    const { gateway } = await world.stack({ gatewayEnv: { ...LIMITED, ROOM_OPEN_LIMIT: 'off' } });
    const answers = await Promise.all(Array.from({ length: 40 }, () =>
      clientOf(gateway).get(`/rooms/${newRoom()}/messages`)));
    assert.ok(answers.every(({ status }) => status === 200));
  }));
});

test('X-Forwarded-For of an address that is not trusted is told of once', withWorld(async (world) => {
  const { gateway } = await world.stack({ gatewayEnv: { RATE_LIMIT: '20/s' } });
  const api = clientOf(gateway);
  for (let i = 0; i < 3; i += 1) await api.post('/messages', { message: 'a' }, from(`192.0.2.${i}`));
  await until('the log tells', () => warnings(gateway, 'X-Forwarded-For').length > 0);
  await gateway.stop();
  const told = warnings(gateway, 'X-Forwarded-For');
  assert.equal(told.length, 1);
  assert.equal(told[0].client, '127.0.0.1');
  assert.match(told[0].message, /TRUSTED_PROXIES/);
}));

describe('a stream that is asked for as EventSource does', () => {
  test('is open before its room is known, and begins when it is', withWorld(async (world) => {
    const port = await freePort();
    const gateway = await world.gateway({ url: `http://127.0.0.1:${port}` });
    const room = newRoom();
    await withReaders(async (open) => {
      const reader = open.keep(await askEvents(gateway, { room }));
      assert.equal(reader.status, 200);
      await until('a comment', () => reader.comments.length > 0, 15_000);
      assert.equal(reader.events.length, 0);
      const other = await askEvents(gateway, { room, headers: ANY });
      assert.equal(other.status, 503);
      other.close();
      const service = await world.messageService({ PORT: String(port) });
      await reader.first(20_000);
      assert.equal(reader.events[0].name, 'snapshot');
      assert.equal(reader.retries.length, 1);
      const made = await clientOf(service).create(room, 'a');
      await reader.until('a message', () => reader.shown.has(made.id));
    });
  }));

  test('no place: full, and the end', withWorld(async (world) => {
    const { gateway } = await world.stack({ gatewayEnv: { MAX_CONNECTIONS: '1' } });
    await withReaders(async (open) => {
      await open(gateway, 'a');
      const reader = await ask(open, gateway, 'a');
      assert.equal(reader.status, 200);
      assert.deepEqual(reader.events.map(({ name, data }) => [name, data]), [['full', { retry_after: 5 }]]);
      assert.deepEqual(reader.retries, ['5000']);
      assert.equal(reader.headers['content-encoding'], 'identity');
      assert.equal(reader.headers['cache-control'], 'no-store, no-transform');
      assert.equal(reader.headers.connection, 'close');
      await reader.over();
      assert.equal((await ask(open, gateway, 'a', ANY)).status, 503);
      assert.equal((await ask(open, gateway, 'a', { Accept: 'text/event-stream;q=0' })).status, 503);
    });
  }));

  test('what is wrong with the request stays an error', withWorld(async (world) => {
    const { gateway } = await world.stack();
    for (const path of ['/rooms/A!/events', '/events?limit=0', '/events?limit=x']) {
      const reader = await askEvents(gateway, { path });
      assert.equal(reader.status, 400, path);
      reader.close();
    }
    assert.equal(rawStatus(await raw(gateway.port,
      'DELETE /events HTTP/1.1\r\nHost: a\r\nAccept: text/event-stream\r\nConnection: close\r\n\r\n')), 405);
  }));
});
