// GET …/events to the letter: what a stream begins with, what it brings and with which ids, how it
// is resumed, and what is refused.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ANY, askEvents, isAfter, openEvents, withReaders } from './event_stream.mjs';
import {
  allowed, assertCommonHeaders, assertMessage, assertProblem, Client, clientOf, createAll, newRoom,
  onEveryService, onEveryStore, raw, SERVICES, STORES, until, withWorld,
} from './harness.mjs';

// So that a test need not wait a second for an end.
const SHORT_LIVES = { env: { MESSAGE_TTL_MIN: '100ms' } };

const ids = (messages) => messages.map(({ id }) => id);
const withoutTime = (messages) => messages.map(({ expires_in: _, ...rest }) => rest);

/** What a stream of `room` begins with, for one who has `lastEventId`. */
async function opening(api, room, options) {
  const reader = await openEvents(api, room, options);
  try {
    const first = reader.events[0];
    if (first.name === 'resumed') {
      await reader.until('all that was missed', () => reader.events.length > first.data.missed);
    }
    reader.assertSound();
    return { ...first, messages: reader.messages, reader };
  } finally {
    reader.close();
  }
}

onEveryService('the stream', (api) => {
  test('has the headers of the contract', () => withReaders(async (open) => {
    const reader = await open(api, newRoom(), { headers: { 'X-Request-Id': 'mine' } });
    assertCommonHeaders(reader);
    assert.equal(reader.headers['content-type'].split(';')[0], 'text/event-stream');
    assert.equal(reader.headers['cache-control'], 'no-store, no-transform');
    assert.equal(reader.headers['x-accel-buffering'], 'no');
    assert.equal(reader.headers['x-request-id'], 'mine');
    assert.equal(reader.headers['content-length'], undefined);
  }));

  test('begins with retry, of 1000 to 3000 ms and not the same for all', () => withReaders(async (open) => {
    const seen = new Set();
    for (let count = 0; count < 8; count += 1) {
      const reader = await open(api, newRoom());
      const line = /^retry: ?(\d+)\r?\n/.exec(reader.text);
      assert.ok(line, JSON.stringify(reader.text.slice(0, 100)));
      assert.equal(reader.retries.length, 1);
      assert.ok(Number(line[1]) >= 1000 && Number(line[1]) <= 3000, line[1]);
      seen.add(line[1]);
    }
    assert.ok(seen.size > 1, `always ${[...seen]}`);
  }));

  test('of an empty room is an empty snapshot with an id', () => withReaders(async (open) => {
    const reader = await open(api, newRoom());
    const [first] = reader.events;
    assert.equal(first.name, 'snapshot');
    assert.deepEqual(first.data, []);
    assert.ok(first.id.length > 0);
  }));

  test('begins with a snapshot: the list, whole, in its order', () => withReaders(async (open) => {
    const room = newRoom();
    await api.create(room, { message: 'third', ttl: 50 });
    await api.create(room, { message: 'first', author: 'Ada', ttl: 30 });
    await api.create(room, { message: 'second', ttl: 40 });
    const { events: [first] } = await until('all are in it', async () => {
      const reader = await open(api, room);
      return reader.events[0].data.length === 3 && reader;
    });
    assert.equal(first.name, 'snapshot');
    assertMessage(first.data[0], { room, text: 'first', author: 'Ada', lifetimeMs: 30_000 });
    assertMessage(first.data[1], { room, text: 'second', lifetimeMs: 40_000 });
    assertMessage(first.data[2], { room, text: 'third', lifetimeMs: 50_000 });
    assert.deepEqual(withoutTime(first.data), withoutTime(await api.list(room)));
  }));

  test('brings each new message once, whole, with increasing ids', () => withReaders(async (open) => {
    const room = newRoom();
    const reader = await open(api, room);
    const made = [];
    for (let count = 0; count < 10; count += 1) {
      made.push(await api.create(room, { message: `message ${count}`, author: 'Ada', ttl: 60 - count }));
    }
    const events = await reader.count('message', 10);
    assert.deepEqual(ids(reader.messages), ids(made));
    events.forEach(({ data, id }, at) => {
      assertMessage(data, { room, text: `message ${at}`, author: 'Ada', lifetimeMs: (60 - at) * 1000 });
      assert.ok(isAfter(id, at > 0 ? events[at - 1].id : reader.events[0].id), id);
    });
  }));

  test('/events is that of the lobby', () => withReaders(async (open) => {
    const reader = await open(api, undefined, { path: '/events' });
    const other = await open(api, 'lobby');
    const made = await api.create('lobby', 'to the lobby');
    await reader.until('it comes', () => ids(reader.messages).includes(made.id));
    await other.until('it comes', () => ids(other.messages).includes(made.id));
  }));

  test('brings nothing of another room', () => withReaders(async (open) => {
    const [room, other] = [newRoom(), newRoom()];
    const reader = await open(api, room);
    await api.create(other, 'not for you');
    const made = await api.create(room, 'for you');
    await reader.count('message', 1);
    assert.deepEqual(ids(reader.messages), [made.id]);
  }));

  const texts = {
    'line breaks': 'a\nb\r\nc\rd', 'fields of an event stream': 'x\n\ndata: y\nevent: expired\nid: 1\n\n: z',
    'line separators': 'a\u2028b\u2029c', 'a byte order mark': '\ufeffa\ufeff',
    'all kinds of characters': '日本語 😀 ا é \\ " \' </script> <!-- & \u202e\u200b',
    'four thousand bytes': 'é'.repeat(2000),
  };
  for (const [name, text] of Object.entries(texts)) {
    test(`brings ${name} as they were sent`, () => withReaders(async (open) => {
      const room = newRoom();
      const reader = await open(api, room);
      await api.create(room, text);
      const [{ data }] = await reader.count('message', 1);
      assert.equal(data.message, text);
      assert.equal((await opening(api, room)).data[0].message, text);
    }));
  }

  test('tells of each end with the id alone, at its time', () => withReaders(async (open) => {
    const room = newRoom();
    const reader = await open(api, room);
    const made = await api.create(room, { message: 'short', ttl: 0.2 });
    const kept = await api.create(room, { message: 'long', ttl: 60 });
    const { data, wall } = await reader.of('expired', made.id);
    assert.deepEqual(data, { id: made.id });
    assert.ok(wall >= Date.parse(made.expires_at), 'before its time');
    assert.deepEqual(reader.named('expired').length, 1);
    assert.deepEqual(ids(await api.list(room)), [kept.id]);
    assert.deepEqual(ids((await opening(api, room)).data), [kept.id]);
  }));

  test('tells of the end of what the snapshot held', () => withReaders(async (open) => {
    const room = newRoom();
    const made = await api.create(room, { message: 'short', ttl: 0.4 });
    await api.list(room);
    const reader = await open(api, room);
    await reader.of('expired', made.id);
    assert.deepEqual(ids(reader.events[0].data), [made.id]);
  }));

  test('a repeat with the same key is no second event', () => withReaders(async (open) => {
    const room = newRoom();
    const reader = await open(api, room);
    for (let count = 0; count < 3; count += 1) {
      await api.create(room, 'once', { 'Idempotency-Key': `key-${room}` });
    }
    const last = await api.create(room, 'last');
    await reader.until('the last', () => ids(reader.messages).includes(last.id));
    assert.deepEqual(reader.messages.map(({ message }) => message), ['once', 'last']);
  }));

  test('streams opened among many writes miss nothing and double nothing', () => withReaders(async (open) => {
    const room = newRoom();
    const count = 300;
    const bodies = Array.from({ length: count }, (_, at) => `message ${at}`);
    const sending = createAll({ url: api.base, name: api.name }, room, bodies, 4);
    const readers = [];
    while (readers.length < 20) readers.push(await open(api, room));
    const made = new Set(ids(await sending));
    for (const reader of readers) {
      await reader.until('all are there', () => reader.shown.size >= count);
      assert.deepEqual(reader.shown, made);
    }
    const order = ids(readers[0].messages);
    for (const reader of readers) {
      const own = ids(reader.messages);
      assert.deepEqual(own, order.slice(order.length - own.length), 'all in one order');
    }
  }));

  test('is served to HTTP/1.0 too', async () => {
    const room = newRoom();
    await api.create(room, 'for old clients');
    const answer = await raw(api.port, `GET /rooms/${room}/events HTTP/1.0\r\n\r\n`,
      { enough: /for old clients.*\n\n$/ });
    assert.match(answer, /^HTTP\/1\.[01] 200 /);
    assert.match(answer, /\r\n\r\nretry: ?\d+\n/);
    assert.match(answer, /event: ?snapshot\n/);
    assert.match(answer, /for old clients/);
  });
}, SHORT_LIVES);

onEveryService('resuming', (api) => {
  /** A room with four messages, and the ids of their events. */
  async function filledRoom() {
    const room = newRoom();
    const reader = await openEvents(api, room);
    const made = [];
    for (const text of ['a', 'b', 'c', 'd']) made.push(await api.create(room, text));
    const eventIds = (await reader.count('message', 4)).map(({ id }) => id);
    reader.close();
    return { room, made, eventIds, emptyId: reader.events[0].id };
  }

  const ways = {
    'the header': (id) => ({ lastEventId: id }),
    'the query': (id) => ({ query: `?last_event_id=${encodeURIComponent(id)}` }),
    'the query among others': (id) => ({ query: `?a=b&last_event_id=${id}&c=last_event_id=1` }),
  };
  for (const [way, options] of Object.entries(ways)) {
    test(`with ${way} brings exactly the rest`, async () => {
      const { room, made, eventIds } = await filledRoom();
      for (let at = 0; at < 4; at += 1) {
        const { name, data, messages, reader } = await opening(api, room, options(eventIds[at]));
        assert.equal(name, 'resumed');
        assert.deepEqual(data, { missed: 3 - at });
        assert.deepEqual(ids(messages), ids(made.slice(at + 1)));
        assert.deepEqual(reader.named('message').map(({ id }) => id), eventIds.slice(at + 1));
      }
    });
  }

  test('with the id of an empty snapshot brings all', async () => {
    const { room, made, emptyId } = await filledRoom();
    const { name, data, messages } = await opening(api, room, { lastEventId: emptyId });
    assert.equal(name, 'resumed');
    assert.deepEqual(data, { missed: 4 });
    assert.deepEqual(ids(messages), ids(made));
  });

  test('an empty room with the id of its snapshot misses nothing', async () => {
    const room = newRoom();
    const { id } = await opening(api, room);
    const { name, data } = await opening(api, room, { lastEventId: id });
    assert.equal(name, 'resumed');
    assert.deepEqual(data, { missed: 0 });
  });

  test('with the id of a snapshot misses nothing', async () => {
    const { room } = await filledRoom();
    const { id } = await opening(api, room);
    const { name, data } = await opening(api, room, { lastEventId: id });
    assert.equal(name, 'resumed');
    assert.deepEqual(data, { missed: 0 });
  });

  test('goes on with what is new', () => withReaders(async (open) => {
    const { room, eventIds } = await filledRoom();
    const reader = await open(api, room, { lastEventId: eventIds[2] });
    const fresh = await api.create(room, 'e');
    await reader.count('message', 2);
    assert.deepEqual(reader.messages.map(({ message }) => message), ['d', 'e']);
    assert.equal(reader.messages[1].id, fresh.id);
    assert.ok(isAfter(reader.events.at(-1).id, eventIds[3]));
  }));

  test('does not count or bring what has expired meanwhile', async () => {
    const room = newRoom();
    const watching = await openEvents(api, room);
    await api.create(room, 'seen');
    const [{ id: lastEventId }] = await watching.count('message', 1);
    const short = await api.create(room, { message: 'short', ttl: 0.2 });
    const long = await api.create(room, { message: 'long', ttl: 60 });
    await watching.of('expired', short.id);
    watching.close();
    const { data, messages } = await opening(api, room, { lastEventId });
    assert.deepEqual(data, { missed: 1 });
    assert.deepEqual(ids(messages), [long.id]);
  });

  test('is possible where all that was seen and missed has expired', async () => {
    const room = newRoom();
    const watching = await openEvents(api, room);
    const made = await api.create(room, { message: 'short', ttl: 0.2 });
    const [{ id: lastEventId }] = await watching.count('message', 1);
    await watching.of('expired', made.id);
    watching.close();
    const { name, data } = await opening(api, room, { lastEventId });
    assert.equal(name, 'resumed');
    assert.deepEqual(data, { missed: 0 });
  });

  test('the header, which a browser keeps up to date, goes before the query', async () => {
    const { room, eventIds } = await filledRoom();
    const { name, data } = await opening(api, room,
      { lastEventId: eventIds[2], query: `?last_event_id=${eventIds[0]}` });
    assert.equal(name, 'resumed');
    assert.deepEqual(data, { missed: 1 });
  });

  describe('with what is no id of this room gets a snapshot', () => {
    const digits = (id, change) => change(BigInt(id)).toString().padStart(id.length, '0');
    const cases = {
      nothing: () => '', zero: () => '0', 'a small number': () => '1', 'a negative number': () => '-1',
      'a word': () => 'nonsense', null: () => 'null', undefined: () => 'undefined',
      'an object': () => '{"id":1}', 'a message\'s id': ({ made }) => made[0].id,
      'zeros of its length': ({ eventIds }) => '0'.repeat(eventIds[0].length),
      'nines of its length': ({ eventIds }) => '9'.repeat(eventIds[0].length),
      'a number too large for 64 bits': () => '18446744073709551616',
      'a number too large for anything': () => '9'.repeat(400),
      'one of its length plus a digit': ({ eventIds }) => `${eventIds[0]}0`,
      'one with a digit before it': ({ eventIds }) => `0${eventIds[0]}`,
      'one cut short': ({ eventIds }) => eventIds[0].slice(0, -1),
      'its first half': ({ eventIds }) => eventIds[0].slice(0, eventIds[0].length / 2),
      'one with a letter': ({ eventIds }) => `${eventIds[0].slice(0, -1)}x`,
      'one with a sign': ({ eventIds }) => `+${eventIds[0].slice(1)}`,
      'one with a point': ({ eventIds }) => `${eventIds[0]}.0`,
      'two of them': ({ eventIds }) => `${eventIds[0]},${eventIds[1]}`,
      'in quotes': ({ eventIds }) => `"${eventIds[0]}"`,
      'one whose end is changed': ({ eventIds }) => digits(eventIds[0], (id) => (id % 2n ? id - 1n : id + 1n)),
      'one of the far future': ({ eventIds }) => `9${eventIds[0].slice(1)}`,
      'other digits': () => '١٢٣'.repeat(8).slice(0, 26), 'control characters': () => '\u0001\u0002\t',
      'a format': () => '%s%n%x', 'a line break': () => 'a\nid: 5', '3,000 characters': () => 'x'.repeat(3000),
      '3,000 digits': () => '1'.repeat(3000),
    };
    for (const [name, make] of Object.entries(cases)) {
      test(name, async () => {
        const { room, made, eventIds } = await filledRoom();
        const id = make({ made, eventIds });
        const tries = [{ query: `?last_event_id=${encodeURIComponent(id)}` }];
        // What a header cannot hold is for the query alone.
        if (/^[\t\x20-\x7e]*$/.test(id)) tries.push({ lastEventId: id });
        for (const options of tries) {
          const got = await opening(api, room, options);
          assert.equal(got.name, 'snapshot', JSON.stringify(options).slice(0, 100));
          assert.deepEqual(ids(got.data), ids(made));
        }
      });
    }

    test('one of another room', async () => {
      const [{ room, made }, other] = [await filledRoom(), await filledRoom()];
      for (const id of other.eventIds) {
        const { name, data } = await opening(api, room, { lastEventId: id });
        assert.equal(name, 'snapshot');
        assert.deepEqual(ids(data), ids(made));
      }
    });

    test('that of another empty room', async () => {
      const { room, made } = await filledRoom();
      const { id } = await opening(api, newRoom());
      const { name, data } = await opening(api, room, { lastEventId: id });
      assert.equal(name, 'snapshot');
      assert.deepEqual(ids(data), ids(made));
    });

    test('odd queries', async () => {
      const { room, made, eventIds } = await filledRoom();
      const odd = ['?last_event_id', '?last_event_id=', '?last_event_id=%', '?last_event_id=%zz',
        '?last_event_id=%00', `?last_event_id=${eventIds[0]}%00`, `?last_event_id=${eventIds[0]}%20`,
        '?last_event_id=%ff%fe', `?LAST_EVENT_ID=${eventIds[0]}`, `?xlast_event_id=${eventIds[0]}`,
        `?last_event_idx=${eventIds[0]}`, '?', '?&&&', '?=', `?${'a=b&'.repeat(500)}`];
      for (const query of odd) {
        const { name, data } = await opening(api, room, { query });
        assert.equal(name, 'snapshot', query.slice(0, 60));
        assert.deepEqual(ids(data), ids(made));
      }
    });

    test('bytes in a header that are no text', async () => {
      const { room } = await filledRoom();
      const head = `GET /rooms/${room}/events HTTP/1.1\r\nHost: a\r\nLast-Event-ID: `;
      const answer = await raw(api.port, Buffer.concat([Buffer.from(head),
        Buffer.from([0xff, 0xfe, 0x80]), Buffer.from('\r\n\r\n')]), { enough: /snapshot\n/ });
      assert.match(answer, /^HTTP\/1\.1 200 /);
      assert.match(answer, /event: ?snapshot\n/);
    });
  });
}, SHORT_LIVES);

onEveryService('asking for a stream', (api) => {
  for (const target of ['/events', `/rooms/${newRoom()}/events`]) {
    test(`HEAD ${target} answers with the headers and ends`, async () => {
      const answer = await api.request({ method: 'HEAD', path: target });
      assert.equal(answer.status, 200);
      assert.equal(answer.bytes.length, 0);
      assertCommonHeaders(answer);
      assert.equal(answer.headers['content-type'].split(';')[0], 'text/event-stream');
      assert.equal(answer.headers['cache-control'], 'no-store, no-transform');
      assert.equal(answer.headers['x-accel-buffering'], 'no');
    });

    test(`OPTIONS ${target} answers 204 with Allow`, async () => {
      const answer = await api.request({ method: 'OPTIONS', path: target });
      assert.equal(answer.status, 204);
      assert.deepEqual(allowed(answer), ['GET', 'HEAD', 'OPTIONS']);
      assertCommonHeaders(answer);
    });

    for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
      test(`${method} ${target} is 405 with Allow`, async () => {
        const answer = await api.request({ method, path: target });
        assertProblem(answer, 405, 'method-not-allowed');
        assert.deepEqual(allowed(answer), ['GET', 'HEAD', 'OPTIONS']);
      });
    }
  }

  test('of an invalid room is 400', async () => {
    for (const room of ['A', '-a', 'a_b', 'a'.repeat(65), '%20', 'a%00', '%C3%A4']) {
      assertProblem(await api.get(`/rooms/${room}/events`), 400, 'invalid-room');
    }
    const head = await api.request({ method: 'HEAD', path: '/rooms/A/events' });
    assert.equal(head.status, 400);
    assert.equal(head.bytes.length, 0);
  });

  test('of what is below or beside it is 404', async () => {
    for (const target of ['/events/1', '/rooms/a/events/1', '/event', '/rooms//events']) {
      const answer = await api.get(target);
      assert.ok(answer.status === 404 || answer.status === 400, `${target}: ${answer.status}`);
    }
  });

  test('any Accept and any query gets one', async () => {
    for (const headers of [{ Accept: 'text/plain' }, { Accept: '*/*' }, { Accept: 'application/json' }]) {
      const { name } = await opening(api, newRoom(), { headers });
      assert.equal(name, 'snapshot');
    }
  });
});

onEveryStore('between the two services', (stack) => {
  for (const [from, to] of [SERVICES, [...SERVICES].reverse()]) {
    test(`an id of the ${from} means the same at the ${to}`, async () => {
      const room = newRoom();
      const [sender, reader] = [from, to].map((name) => new Client(stack.of(name).url, name));
      const watching = await openEvents(sender, room);
      const made = [];
      for (let count = 0; count < 4; count += 1) made.push(await sender.create(room, `${count}`));
      const eventIds = (await watching.count('message', 4)).map(({ id }) => id);
      watching.close();
      for (let at = 0; at < 4; at += 1) {
        const got = await opening(reader, room, { lastEventId: eventIds[at] });
        assert.equal(got.name, 'resumed');
        assert.deepEqual(ids(got.messages), ids(made.slice(at + 1)));
        assert.deepEqual(got.reader.named('message').map(({ id }) => id), eventIds.slice(at + 1));
      }
      const empty = await opening(reader, room, { lastEventId: watching.events[0].id });
      assert.deepEqual(empty.data, { missed: 4 });
    });
  }

  test('both streams bring the same with the same ids', () => withReaders(async (open) => {
    const room = newRoom();
    const readers = [await open(stack.gateway, room), await open(stack.service, room)];
    const [gateway, service] = [clientOf(stack.gateway), clientOf(stack.service)];
    for (let count = 0; count < 20; count += 1) await (count % 2 ? gateway : service).create(room, `${count}`);
    const [left, right] = await Promise.all(readers.map((reader) => reader.count('message', 20)));
    assert.deepEqual(left.map(({ id, data }) => [id, data.id, data.message, data.expires_at]),
      right.map(({ id, data }) => [id, data.id, data.message, data.expires_at]));
  }));
});

describe('SERVICE_TOKEN', () => {
  test('is asked of streams at the message service, and the gateway has it', withWorld(async (world) => {
    const service = await world.messageService({ SERVICE_TOKEN: 'secret' });
    const api = clientOf(service);
    for (const headers of [{}, { Authorization: 'Bearer wrong' }, { Authorization: 'secret' }]) {
      assertProblem(await api.get('/events', headers), 401, 'unauthorized');
      assertProblem(await api.get(`/events?last_event_id=1`, headers), 401, 'unauthorized');
    }
    const { name } = await opening(api, newRoom(), { headers: { Authorization: 'Bearer secret' } });
    assert.equal(name, 'snapshot');
    const gateway = await world.gateway(service, { SERVICE_TOKEN: 'secret' });
    await withReaders(async (open) => {
      const room = newRoom();
      const reader = await open(gateway, room);
      await clientOf(gateway).create(room, 'a');
      await reader.count('message', 1);
    });
  }));
});

for (const store of STORES) {
  describe(`MAX_CONNECTIONS [${store}]`, () => {
    for (const name of SERVICES) {
      test(`one stream more is 503 at the ${name}, and a freed one makes room`, withWorld(async (world) => {
        const limit = { MAX_CONNECTIONS: '3' };
        const stack = await world.stack(
          name === 'web-gateway' ? { store, gatewayEnv: limit } : { store, env: limit });
        const service = stack.of(name);
        const api = clientOf(service);
        await withReaders(async (open) => {
          const room = newRoom();
          const readers = [];
          for (let count = 0; count < 3; count += 1) readers.push(await open(service, room));
          for (const refused of [room, newRoom()]) {
            const answer = await askEvents(service, { room: refused, headers: ANY });
            assertProblem(answer, 503, 'unavailable');
          }
          assert.equal((await api.get('/livez')).status, 200);
          assert.equal((await api.get('/readyz')).status, 200);
          await api.create(room, 'still');
          assert.equal((await api.list(room)).length, 1);
          for (const reader of readers) await reader.count('message', 1);
          readers[1].close();
          // Events are what shows the service that its reader has left.
          await until('there is room again', async () => {
            await api.create(room, 'more');
            const answer = await askEvents(service, { room, headers: ANY });
            if (answer.status === 200) return open.keep(answer).first();
            assertProblem(answer, 503, 'unavailable');
            return false;
          });
          assertProblem(await askEvents(service, { room, headers: ANY }), 503, 'unavailable');
        });
      }));
    }
  });
}
