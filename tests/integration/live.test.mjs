// The gateway's live copy of a room: its own writes at once, others' within 100 ms, and all of it
// served on while the message service is away, hangs or talks nonsense.

import assert from 'node:assert/strict';
import http from 'node:http';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { ANY, askEvents, percentile, withReaders } from './event_stream.mjs';
import {
  assertAccepted, assertProblem, clientOf, createAll, freePort, newRoom, ready, scaled, sendAll,
  STORES, until, WAIT_TIMEOUT_MS, within, withWorld, World,
} from './harness.mjs';

const SERVICE_URL_MAX = 2048;
const SHOWS_WITHIN_MS = scaled(100, 500);
const AT_ONCE_MS = scaled(500, 2000);
const RECOVERY_MS = 10_000;

const ids = (messages) => messages.map(({ id }) => id);

async function timed(action) {
  const start = performance.now();
  const result = await action();
  return { result, ms: performance.now() - start };
}

async function pageShows(api, room, text) {
  const answer = await api.get(`/rooms/${room}`);
  assert.equal(answer.status, 200, answer.text);
  return answer.text.includes(text);
}

for (const store of STORES) {
  describe(`own writes [${store}]`, () => {
    test('are in the very next list, page and single read, and once in each stream', withWorld(async (world) => {
      const { gateway } = await world.stack({ store });
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      const api = clientOf(gateway, agent);
      const room = newRoom();
      const rounds = scaled(500, 150);
      await withReaders(async (open) => {
        const reader = await open(gateway, room);
        const made = [];
        for (let round = 0; round < rounds; round += 1) {
          const text = `message ${round} of ${room}.`;
          const sent = await api.create(room, { message: text, ttl: 2 });
          made.push(sent.id);
          const listed = (await api.list(room)).filter(({ id }) => id === sent.id);
          assert.equal(listed.length, 1, `round ${round}: in the list`);
          assert.equal((await api.find(room, sent.id)).status, 200, `round ${round}: alone`);
          assert.ok(await pageShows(api, room, text), `round ${round}: on the page`);
        }
        await reader.until('all', () => reader.shown.size >= rounds);
        assert.deepEqual(ids(reader.messages), made);
      });
      agent.destroy();
    }));

    test('are seen by concurrent writers too', withWorld(async (world) => {
      const { gateway } = await world.stack({ store });
      const room = newRoom();
      await withReaders(async (open) => {
        const reader = await open(gateway, room);
        const items = Array.from({ length: scaled(400, 100) }, (_, at) => at);
        const made = await sendAll(gateway, items, async (api, at) => {
          const sent = await api.create(room, { message: `message ${at}`, ttl: 60 });
          assert.equal((await api.find(room, sent.id)).status, 200);
          return sent.id;
        }, 8);
        await reader.until('all', () => reader.shown.size >= made.length);
        assert.deepEqual(new Set(ids(reader.messages)), new Set(made));
        assert.equal((await clientOf(gateway).list(room)).length, made.length);
      });
    }));

    test('in a room that nobody has asked for are there for the first who does', withWorld(async (world) => {
      const api = clientOf((await world.stack({ store })).gateway);
      for (let round = 0; round < 20; round += 1) {
        const room = newRoom();
        const { id } = await api.create(room, 'first');
        const answers = [() => api.list(room), () => api.find(room, id).then((answer) => [answer.json()]),
          () => api.get(`/rooms/${room}`).then(({ text }) => [{ id: text.includes('first') && id }])];
        assert.deepEqual(ids(await answers[round % 3]()), [id], `round ${round}`);
      }
    }));

    test('by the page\'s form are on the page that it leads to', withWorld(async (world) => {
      const api = clientOf((await world.stack({ store })).gateway);
      const room = newRoom();
      for (let round = 0; round < 20; round += 1) {
        const sent = await api.post(`/rooms/${room}`, `message=form+${round}.`,
          { 'Content-Type': 'application/x-www-form-urlencoded' });
        assert.equal(sent.status, 303);
        assert.ok(await pageShows(api, room, `form ${round}.`), `round ${round}`);
      }
    }));
  });

  describe(`others' writes [${store}]`, () => {
    test(`at the message service show on the gateway within ${SHOWS_WITHIN_MS} ms`, withWorld(async (world) => {
      const { gateway, service } = await world.stack({ store });
      const [api, direct] = [clientOf(gateway), clientOf(service)];
      const room = newRoom();
      await withReaders(async (open) => {
        const reader = await open(gateway, room);
        const took = { list: [], event: [] };
        for (let round = 0; round < 50; round += 1) {
          const { id } = await direct.create(room, { message: `message ${round}`, ttl: 60 });
          const accepted = performance.now();
          await until('it shows', async () => (await api.find(room, id)).status === 200, WAIT_TIMEOUT_MS, 1);
          took.list.push(performance.now() - accepted);
          await reader.until('its event', () => reader.shown.has(id));
          took.event.push(reader.events.at(-1).at - accepted);
        }
        for (const [what, times] of Object.entries(took)) {
          const ms = percentile(times, 0.96);
          assert.ok(ms <= SHOWS_WITHIN_MS, `${what}: ${ms} ms`);
        }
      });
    }));
  });
}

test('another gateway\'s writes show within the same time', withWorld(async (world) => {
  const redis = await world.redis();
  const services = [await world.messageService({ STORE_URL: redis.url }),
    await world.messageService({ STORE_URL: redis.url })];
  const gateways = [await world.gateway(services[0]), await world.gateway(services[1])];
  await Promise.all(gateways.map(ready));
  const [one, other] = gateways.map((gateway) => clientOf(gateway));
  const room = newRoom();
  await other.list(room);
  const took = [];
  for (let round = 0; round < 50; round += 1) {
    const { id } = await one.create(room, { message: `message ${round}`, ttl: 60 });
    const { ms } = await timed(() => until('it shows',
      async () => (await other.find(room, id)).status === 200, WAIT_TIMEOUT_MS, 1));
    took.push(ms);
  }
  assert.ok(percentile(took, 0.96) <= SHOWS_WITHIN_MS, `${percentile(took, 0.96)} ms`);
}));

/** The statuses of `targets`, asked for in one moment over connections that are there already. */
async function atOnce(service, targets) {
  const sockets = await Promise.all(targets.map(() => new Promise((resolve, reject) => {
    const socket = net.connect({ port: service.port, host: '127.0.0.1' }, () => resolve(socket));
    socket.once('error', reject);
  })));
  try {
    return await within(WAIT_TIMEOUT_MS, 'all answers', Promise.all(sockets.map((socket, at) =>
      new Promise((resolve) => {
        let text = '';
        socket.on('data', (data) => {
          text += data;
          const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1];
          if (status) resolve(Number(status));
        });
        socket.on('close', () => resolve(0));
        socket.write(`GET ${targets[at]} HTTP/1.1\r\nHost: a\r\n\r\n`);
      }))));
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

describe('what is first asked for', () => {
  const READERS = 100;
  const cases = {
    'one room by many is there for all': () => Array(READERS).fill(`/rooms/${newRoom()}/messages`),
    'one stream by many opens for all': () => Array(READERS).fill(`/rooms/${newRoom()}/events`),
    'one page by many is there for all': () => Array(READERS).fill(`/rooms/${newRoom()}`),
    'many rooms in one moment are there': () =>
      Array.from({ length: READERS }, () => `/rooms/${newRoom()}/messages`),
    'many streams in one moment open': () =>
      Array.from({ length: READERS }, () => `/rooms/${newRoom()}/events`),
  };
  for (const store of STORES) {
    for (const [name, targets] of Object.entries(cases)) {
      test(`${name} [${store}]`, withWorld(async (world) => {
        const { gateway } = await world.stack({ store });
        for (let round = 0; round < 3; round += 1) {
          const statuses = await atOnce(gateway, targets());
          const others = statuses.filter((status) => status !== 200);
          assert.equal(others.length, 0, `${others.length} of ${READERS} got ${[...new Set(others)]}`);
        }
      }));
    }
  }
});

describe('while the message service is away', () => {
  /** A stack whose message service can be killed and brought back. */
  async function stack(world, { store = 'redis', gatewayEnv = {} } = {}) {
    const redis = store === 'redis' ? await world.redis() : undefined;
    const env = { PORT: String(await freePort()), STORE_URL: redis ? redis.url : 'memory:' };
    const start = () => world.messageService(env);
    const service = await start();
    const gateway = await world.gateway(service, gatewayEnv);
    await ready(gateway);
    return { redis, service, gateway, start };
  }

  test('known rooms are served on and go on ending, others are 503 at once', withWorld(async (world) => {
    const { service, gateway } = await stack(world);
    const api = clientOf(gateway);
    const room = newRoom();
    await withReaders(async (open) => {
      const watching = await open(gateway, room);
      const short = await api.create(room, { message: 'short', ttl: 2 });
      const long = await api.create(room, { message: 'long', ttl: 60 });
      await watching.count('message', 2);
      await service.kill();
      assert.deepEqual(ids(await api.list(room)), ids([short, long]));
      assert.ok(await pageShows(api, room, 'short'));
      assert.equal((await api.find(room, short.id)).status, 200);
      assertProblem(await api.find(room, '0'.repeat(32)), 404, 'message-not-found');
      const late = await open(gateway, room);
      assert.deepEqual(ids(late.events[0].data), ids([short, long]));
      const resumed = await open(gateway, room, { lastEventId: watching.named('message')[0].id });
      assert.deepEqual(resumed.events[0].data, { missed: 1 });

      for (const ask of [() => api.get(`/rooms/${newRoom()}/messages`), () => api.get(`/rooms/${newRoom()}/events`),
        () => api.postTo(room, { message: 'x' }), () => api.find(newRoom(), short.id)]) {
        const { result, ms } = await timed(ask);
        assertProblem(result, 503, 'unavailable');
        assert.ok(ms <= AT_ONCE_MS, `${ms} ms`);
      }
      const page = await timed(() => api.get(`/rooms/${newRoom()}`, { Accept: 'text/html' }));
      assert.equal(page.result.status, 503);
      assert.match(page.result.headers['retry-after'] ?? '', /^[1-9]\d*$/);
      assert.ok(page.ms <= AT_ONCE_MS, `${page.ms} ms`);

      for (const reader of [watching, late]) await reader.of('expired', short.id);
      assert.deepEqual(ids(await api.list(room)), [long.id]);
      assertProblem(await api.find(room, short.id), 404, 'message-not-found');
      assert.ok(!(await pageShows(api, room, 'short')));
      assert.ok(!watching.end, 'a stream ended');
    });
  }));

  test('and is back: nothing is doubled, what was missed comes once', withWorld(async (world) => {
    const { redis, service, gateway, start } = await stack(world);
    const other = await world.messageService({ STORE_URL: redis.url });
    const api = clientOf(gateway);
    const room = newRoom();
    await withReaders(async (open) => {
      const reader = await open(gateway, room);
      const made = [await api.create(room, 'before')];
      await reader.count('message', 1);
      await service.kill();
      for (let count = 0; count < 10; count += 1) {
        made.push(await clientOf(other).create(room, `meanwhile ${count}`));
      }
      await start();
      const { ms } = await timed(() => reader.count('message', 11));
      assert.ok(ms <= RECOVERY_MS, `${ms} ms`);
      made.push(await until('a POST is taken again', async () => {
        const answer = await api.postTo(room, { message: 'after' }, { Prefer: 'return=representation' });
        return answer.status === 201 && answer.json();
      }, RECOVERY_MS));
      await reader.count('message', 12);
      assert.deepEqual(ids(reader.messages), ids(made));
      assert.deepEqual(ids(await api.list(room)), ids(made));
      assert.equal(reader.named('deleted').length, 0);
      assert.ok(!reader.end, 'the stream ended');
    });
  }));

  test('many times: the stream stays, each message comes once and in order', withWorld(async (world) => {
    const { service, gateway, start } = await stack(world);
    const api = clientOf(gateway);
    const room = newRoom();
    let current = service;
    await withReaders(async (open) => {
      const reader = await open(gateway, room);
      const made = [];
      for (let round = 0; round < 4; round += 1) {
        made.push(await until('a POST is taken', async () => {
          const answer = await api.postTo(room, { message: `round ${round}` }, { Prefer: 'return=representation' });
          return answer.status === 201 && answer.json();
        }, RECOVERY_MS));
        await (round % 2 ? current.kill() : current.stop());
        current = await start();
      }
      await reader.count('message', 4, RECOVERY_MS);
      assert.deepEqual(ids(reader.messages), ids(made));
    });
  }));

  test('with its memory gone, what was lost is deleted', withWorld(async (world) => {
    const { service, gateway, start } = await stack(world, { store: 'memory' });
    const api = clientOf(gateway);
    const room = newRoom();
    await withReaders(async (open) => {
      const reader = await open(gateway, room);
      const made = [await api.create(room, 'a'), await api.create(room, 'b')];
      await reader.count('message', 2);
      const { id: oldId } = reader.named('message')[0];
      await service.kill();
      await start();
      for (const { id } of made) await reader.of('deleted', id);
      assert.deepEqual(await api.list(room), []);
      const fresh = await until('a POST is taken', async () => {
        const answer = await api.postTo(room, { message: 'c' }, { Prefer: 'return=representation' });
        return answer.status === 201 && answer.json();
      }, RECOVERY_MS);
      await reader.until('the new one', () => reader.shown.has(fresh.id));
      const late = await open(gateway, room, { lastEventId: oldId });
      assert.equal(late.events[0].name, 'snapshot');
      assert.deepEqual(ids(late.events[0].data), [fresh.id]);
    });
  }));

  test('an orderly stop does not end the gateway\'s streams', withWorld(async (world) => {
    const { service, gateway, start } = await stack(world);
    const room = newRoom();
    await withReaders(async (open) => {
      const reader = await open(gateway, room);
      await service.stop();
      await start();
      await clientOf(gateway).create(room, 'a');
      await reader.count('message', 1);
      assert.equal(reader.named('stopping').length, 0);
    });
  }));

  test('frozen: a POST is 504, rooms are served on, and all is well when it goes on', withWorld(async (world) => {
    const { service, gateway } = await stack(world, { gatewayEnv: { UPSTREAM_TIMEOUT: '500ms' } });
    const api = clientOf(gateway);
    const room = newRoom();
    await withReaders(async (open) => {
      const reader = await open(gateway, room);
      const first = await api.create(room, 'a');
      await reader.count('message', 1);
      service.freeze();
      const { result, ms } = await timed(() => api.postTo(room, { message: 'b' }, { 'Idempotency-Key': 'once' }));
      assertProblem(result, 504, 'timeout');
      assert.ok(ms < 500 * 3 + AT_ONCE_MS, `${ms} ms`);
      const list = await timed(() => api.list(room));
      assert.deepEqual(ids(list.result), [first.id]);
      assert.ok(list.ms <= AT_ONCE_MS, `${list.ms} ms`);
      service.thaw();
      await until('it is taken', async () => (await api.postTo(room, { message: 'b' },
        { 'Idempotency-Key': 'once' })).status === 204, RECOVERY_MS);
      await reader.count('message', 2);
      await api.create(room, 'c');
      await reader.count('message', 3);
      assert.deepEqual(reader.messages.map(({ message }) => message), ['a', 'b', 'c']);
    });
  }));

  test('the gateway may be there first, and a reader waits for it', withWorld(async (world) => {
    const port = await freePort();
    const gateway = await world.gateway(`http://127.0.0.1:${port}`);
    const api = clientOf(gateway);
    assertProblem(await api.get('/readyz'), 503, 'unavailable');
    const room = newRoom();
    assertProblem(await askEvents(gateway, { room, headers: ANY }), 503, 'unavailable');
    const service = await world.messageService({ PORT: String(port) });
    await withReaders(async (open) => {
      // The room's feed comes back by itself; nobody needs to ask again and again to have it so.
      const reader = open.keep(await until('the stream opens', async () => {
        const answer = await askEvents(gateway, { room, headers: ANY });
        return answer.status === 200 && answer;
      }, RECOVERY_MS));
      await reader.first();
      assert.equal((await api.get('/readyz')).status, 200);
      await clientOf(service).create(room, 'a');
      await reader.count('message', 1);
    });
  }));
});

const ID = 'bf87d4b3fefc49f39b7dd50e6d693ae8';

function message(room, { id = ID, text = 'hello' } = {}) {
  const now = Date.now();
  return {
    id, room, message: text, created_at: new Date(now).toISOString(),
    expires_at: new Date(now + 60_000).toISOString(), expires_in: 60_000,
  };
}

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n';
const event = (name, data, id) =>
  `${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;

// What real streams begin with, to make nonsense of.
async function sample(world) {
  const service = await world.messageService();
  const room = newRoom();
  await clientOf(service).create(room, 'sample');
  let eventId;
  await withReaders(async (open) => {
    [{ id: eventId }] = (await open(service, room)).events;
  });
  return { eventId };
}

describe('a feed that sends nonsense', { concurrency: 8 }, () => {
  // One gateway for all cases, each of which is a room: its feeds begin with nonsense until `good`.
  const world = new World();
  const rooms = new Map();
  let gateway;
  let known;
  before(async () => {
    known = await sample(world);
    const upstream = await world.fakeServer((socket) => {
      let head = '';
      socket.on('data', (data) => {
        head += data;
        if (!head.includes('\r\n\r\n')) return;
        const feed = /^GET \/rooms\/([^/]+)\/events HTTP\/1\.1\r\n/.exec(head);
        head = '';
        if (!feed) { // the gateway's own question whether anybody is here
          socket.end();
          return;
        }
        const [, name] = feed;
        const room = rooms.get(name);
        room.feeds += 1;
        if (!room.good) socket.end(room.make({ room: name, ...known }));
        else socket.write(HEAD + event('snapshot', [message(name)], known.eventId));
      });
    });
    gateway = await world.gateway(upstream, { UPSTREAM_TIMEOUT: '1s' });
  });
  after(() => world.close());

  const cases = {
    'nothing at all': () => '',
    'no HTTP': () => 'nonsense\r\n\r\n',
    'an error': () => 'HTTP/1.1 500 Oops\r\nContent-Length: 3\r\n\r\nno\n',
    'a redirect': () => 'HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n',
    HTML: () => 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<h1>hello</h1>\n\n',
    'a type that only begins so': ({ eventId }) =>
      `HTTP/1.1 200 OK\r\nContent-Type: text/event-streams\r\n\r\n${event('snapshot', [], eventId)}`,
    'no type': ({ eventId }) => `HTTP/1.1 200 OK\r\n\r\n${event('snapshot', [], eventId)}`,
    'an end before the beginning': () => HEAD,
    'a snapshot that is an object': ({ eventId }) => HEAD + event('snapshot', {}, eventId),
    'a snapshot cut short': ({ eventId }) => HEAD + event('snapshot', '[{"id":', eventId),
    'a snapshot without id': () => HEAD + event('snapshot', []),
    'a snapshot with an odd id': () => HEAD + event('snapshot', [], 'nonsense'),
    'a snapshot of nothings': ({ eventId }) => HEAD + event('snapshot', [null, 1, 'a'], eventId),
    'a message without members': ({ eventId }) => HEAD + event('snapshot', [{}], eventId),
    'a message with an odd id': ({ eventId, room }) =>
      HEAD + event('snapshot', [{ ...message(room), id: '../../etc' }], eventId),
    'a message of another room': ({ eventId }) => HEAD + event('snapshot', [message('elsewhere')], eventId),
    'a message that never ends': ({ eventId, room }) =>
      HEAD + event('snapshot', [{ ...message(room), expires_in: 1e300 }], eventId),
    'a message that ended before it began': ({ eventId, room }) =>
      HEAD + event('snapshot', [{ ...message(room), expires_in: -5 }], eventId),
    'a message before the snapshot': ({ eventId, room }) => HEAD + event('message', message(room), eventId),
    'resumed with a word': () => HEAD + event('resumed', { missed: 'many' }),
    'resumed with less than nothing': () => HEAD + event('resumed', { missed: -1 }),
    'resumed with too many': () => HEAD + event('resumed', { missed: 1e15 }),
    'a second snapshot': ({ eventId }) => HEAD + event('snapshot', [], eventId) + event('snapshot', [], eventId),
    'a message that is none, after a good snapshot': ({ eventId }) =>
      HEAD + event('snapshot', [], eventId) + event('message', 'hello', eventId),
    'deleted without id, after a good snapshot': ({ eventId }) =>
      HEAD + event('snapshot', [], eventId) + event('deleted', {}),
    'bytes that are no UTF-8': ({ eventId, room }) => {
      const [start, end] = (HEAD + event('snapshot', [message(room)], eventId)).split('hello');
      return Buffer.concat([Buffer.from(start), Buffer.from([0xff, 0xfe]), Buffer.from(end)]);
    },
    'a line without end': () => `${HEAD}event: ${'x'.repeat(100_000)}`,
    'a NUL in a name': () => `${HEAD}event: snap\0shot\ndata: []\n\n`,
  };

  for (const [name, make] of Object.entries(cases)) {
    test(`${name}: cut, begun again, logged once, and well when the feed is`, async () => {
      const api = clientOf(gateway);
      const room = newRoom();
      const state = { make, feeds: 0, good: false };
      rooms.set(room, state);
      const first = await api.get(`/rooms/${room}/messages`);
      if (first.status !== 200) assertProblem(first, first.status, first.status === 504 ? 'timeout' : 'unavailable');
      else assert.deepEqual(first.json(), []);
      const start = performance.now();
      await until('it tries again', () => state.feeds >= 4, RECOVERY_MS);
      const tries = `${state.feeds} tries in ${performance.now() - start} ms`;
      const lost = () => gateway.logLines()
        .filter((line) => line.includes('room feed lost') && line.includes(`"${room}"`));
      await until('it is logged', () => lost().length > 0);
      assert.equal(lost().length, 1, lost().join('\n'));
      assert.ok(state.feeds <= 12, tries);
      state.good = true;
      await until('the room is there', async () => {
        const answer = await api.get(`/rooms/${room}/messages`);
        return answer.status === 200 && answer.json().length === 1;
      }, RECOVERY_MS * 2, 100);
      assert.equal((await api.get(`/rooms/${room}`)).status, 200);
      assert.equal(lost().length, 1);
    });
  }
});

describe('a feed that goes wrong', () => {
  test('does not take from readers what they have', withWorld(async (world) => {
    const room = newRoom();
    const { eventId } = await sample(world);
    const kept = message(room);
    let feeds = 0;
    const upstream = await world.fakeServer((socket) => {
      socket.on('data', () => {
        feeds += 1;
        const good = HEAD + event('snapshot', [kept], eventId);
        if (feeds === 3) socket.write(good);
        else socket.end(good + event('message', 'nonsense', eventId));
      });
    });
    const gateway = await world.gateway(upstream);
    await withReaders(async (open) => {
      const reader = await open(gateway, room);
      assert.deepEqual(ids(reader.events[0].data), [ID]);
      await until('it tries again', () => feeds >= 3, RECOVERY_MS);
      assert.deepEqual(ids(await clientOf(gateway).list(room)), [ID]);
      assert.equal(reader.events.length, 1, 'something came of it');
      assert.ok(!reader.end);
    });
  }));

  test('without end does not fill the memory', withWorld(async (world) => {
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    const limit = 600;
    let sent = 0;
    const upstream = await world.fakeServer((socket) => socket.once('data', () => {
      socket.write(`${HEAD}event: snapshot\ndata: ["`);
      const more = () => {
        while (!socket.destroyed && sent < limit) {
          sent += 1;
          if (!socket.write(chunk)) return;
        }
      };
      socket.on('drain', more);
      more();
    }));
    const gateway = await world.gateway(upstream, { UPSTREAM_TIMEOUT: '2s' });
    const answer = await clientOf(gateway).get(`/rooms/${newRoom()}/messages`);
    assert.ok(answer.status >= 500, `${answer.status}`);
    assert.ok(sent < limit, 'it read all of it');
  }));
});

describe('what the gateway tells upstream', () => {
  test('of a feed: what it wants, who it is, and no more', withWorld(async (world) => {
    const seen = [];
    const upstream = await world.fakeHttp((incoming, response) => {
      seen.push(incoming);
      response.writeHead(404);
      response.end();
    });
    const gateway = await world.gateway(upstream, { SERVICE_TOKEN: 'secret' });
    await clientOf(gateway).get('/rooms/a/messages', { Cookie: 'a=b', Authorization: 'Bearer stolen' });
    const { method, headers } = seen.find(({ url }) => url === '/rooms/a/events');
    assert.equal(method, 'GET');
    assert.equal(headers.authorization, 'Bearer secret');
    assert.match(headers.accept, /text\/event-stream/);
    assert.equal(headers.cookie, undefined);
  }));

  test('of a request: its id and its trace', withWorld(async (world) => {
    const seen = [];
    const upstream = await world.fakeHttp((incoming, response) => {
      seen.push(incoming);
      response.writeHead(200, { 'Content-Type': 'text/plain' });
      response.end('Konnichiwa!');
    });
    const api = clientOf(await world.gateway(upstream));
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
    assert.equal((await api.get('/konnichiwa', { 'X-Request-Id': 'mine', traceparent: `00-${trace}-00f067aa0ba902b7-01` })).status, 200);
    // It asks once on its own account too.
    const { headers } = seen.find(({ url, headers: sent }) => url === '/konnichiwa' && sent.traceparent);
    assert.equal(headers['x-request-id'], 'mine');
    assert.match(headers.traceparent, new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`));
  }));

  test('under the longest URL that it takes', withWorld(async (world) => {
    const seen = [];
    const upstream = await world.fakeHttp((incoming, response) => {
      seen.push(incoming.url);
      response.writeHead(200, { 'Content-Type': 'text/plain' });
      response.end('Konnichiwa!');
    });
    const path = `/${'x'.repeat(SERVICE_URL_MAX - upstream.url.length - 1)}`;
    const api = clientOf(await world.gateway(upstream.url + path));
    const room = 'r'.repeat(64);
    assert.equal((await api.get('/konnichiwa')).text, 'Konnichiwa!');
    assert.equal((await api.get(`/rooms/${room}/messages`)).status, 503, 'what came is no feed');
    assert.ok(seen.includes(`${path}/konnichiwa`));
    assert.ok(seen.includes(`${path}/rooms/${room}/events`));
    const longer = await world.run('web-gateway', { MESSAGE_SERVICE_URL: `${upstream.url}${path}x` });
    assert.equal(longer.code, 2);
  }));

  test('of one room: one stream, however many readers it has', withWorld(async (world) => {
    const { service, gateway } = await world.stack();
    const room = newRoom();
    await withReaders(async (open) => {
      const readers = [];
      for (let count = 0; count < 20; count += 1) readers.push(await open(gateway, room));
      await clientOf(gateway).create(room, 'a');
      await Promise.all(readers.map((reader) => reader.count('message', 1)));
      await gateway.stop();
      for (const reader of readers) await reader.over();
    });
    // A stream's line in the log comes when it has ended, and events are what shows that it has.
    await until('it is logged', async () => {
      await clientOf(service).create(room, 'b');
      return service.stderr.includes(`/rooms/${room}/events`);
    });
    const lines = service.logLines().filter((line) => line.includes(`/rooms/${room}/events`));
    assert.equal(lines.length, 1, lines.join('\n'));
  }));
});
