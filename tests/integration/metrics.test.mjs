// GET /metrics of both services: the format to the letter, that every number moves with what it
// counts, that it is answered whatever is away, and that docs/metrics.md lists what there is.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import net from 'node:net';
import { describe, test } from 'node:test';
import { ANY, askEvents, withReaders } from './event_stream.mjs';
import { parseMetrics } from './exposition.mjs';
import {
  allowed, assertCommonHeaders, assertProblem, clientOf, createAll, newRoom, onEveryService, ready,
  scaled, SERVICES, STORES, until, withWorld,
} from './harness.mjs';

const AT_ONCE_MS = scaled(500, 3000);
/** How long a call may hang where it is to hang while others are answered. */
const HANG_S = scaled(2, 8);
const HANG = `${HANG_S}s`;
const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
const TEXT_MAX = 256 * 1024;
const REQUESTS = 'tempmessenger_http_requests_total';
const DURATION = 'tempmessenger_http_request_duration_seconds';
const LATENESS = 'tempmessenger_expiry_lateness_seconds';

async function scrape(api) {
  const answer = await api.get('/metrics');
  assert.equal(answer.status, 200, answer.text);
  return parseMetrics(answer.text);
}

/** How much a sample, or the sum of several, has grown with `action`. */
async function growth(api, action, ...wanted) {
  const before = await scrape(api);
  await action();
  const after = await scrape(api);
  return wanted.map(([name, labels]) => after.value(name, labels) - before.value(name, labels));
}

const shows = (api, name, value, labels) => until(`${name} is ${value}`,
  async () => (await scrape(api)).value(name, labels) === value);

describe('the reader of the format', () => {
  const HEAD = '# HELP process_x X.\n# TYPE process_x gauge\n';
  const HISTOGRAM = '# HELP process_h H.\n# TYPE process_h histogram\n';
  const good = {
    nothing: HEAD,
    'a number': `${HEAD}process_x 5\n`,
    labels: `${HEAD}process_x{a="1",b="\\"\\\\\\n"} 0.5\nprocess_x{a="2",b=""} -1\n`,
    'a histogram': `${HISTOGRAM}process_h_bucket{le="1"} 1\nprocess_h_bucket{le="+Inf"} 2\nprocess_h_sum 5\nprocess_h_count 2\n`,
  };
  for (const [name, text] of Object.entries(good)) test(`takes ${name}`, () => parseMetrics(text));
  const bad = {
    'an end without a line feed': `${HEAD}process_x 5`,
    'an empty line': `${HEAD}\nprocess_x 5\n`,
    'a sample without a family': 'process_x 5\n',
    'a family without a type': '# HELP process_x X.\nprocess_x 5\n',
    'a family without help': '# TYPE process_x gauge\nprocess_x 5\n',
    'a type before its help': '# TYPE process_x gauge\n# HELP process_x X.\n',
    'an unknown type': '# HELP process_x X.\n# TYPE process_x number\n',
    'a family twice': `${HEAD}process_x 5\n${HEAD}`,
    'a sample of another family': `${HEAD}process_y 5\n`,
    'a sample twice': `${HEAD}process_x{a="1",b="2"} 5\nprocess_x{b="2",a="1"} 6\n`,
    'a label twice': `${HEAD}process_x{a="1",a="2"} 5\n`,
    'an open label': `${HEAD}process_x{a="1} 5\n`,
    'an odd escape': `${HEAD}process_x{a="\\t"} 5\n`,
    'a comma too many': `${HEAD}process_x{a="1",} 5\n`,
    'empty braces': `${HEAD}process_x{} 5\n`,
    'two spaces': `${HEAD}process_x  5\n`,
    'no value': `${HEAD}process_x \n`,
    'a value that is none': `${HEAD}process_x 5,0\n`,
    'a timestamp': `${HEAD}process_x 5 1795366126037\n`,
    'a carriage return': `${HEAD}process_x 5\r\n`,
    'a counter without _total': '# HELP process_x X.\n# TYPE process_x counter\n',
    'a gauge with _total': '# HELP process_x_total X.\n# TYPE process_x_total gauge\n',
    'a counter below zero': '# HELP process_x_total X.\n# TYPE process_x_total counter\nprocess_x_total -1\n',
    'a foreign name': '# HELP go_threads X.\n# TYPE go_threads gauge\n',
    'buckets that shrink': `${HISTOGRAM}process_h_bucket{le="1"} 3\nprocess_h_bucket{le="+Inf"} 2\nprocess_h_sum 5\nprocess_h_count 2\n`,
    'bounds out of order': `${HISTOGRAM}process_h_bucket{le="2"} 1\nprocess_h_bucket{le="1"} 2\nprocess_h_bucket{le="+Inf"} 2\nprocess_h_sum 5\nprocess_h_count 2\n`,
    'no last bucket': `${HISTOGRAM}process_h_bucket{le="1"} 2\nprocess_h_sum 5\nprocess_h_count 2\n`,
    'a count that is not the last bucket': `${HISTOGRAM}process_h_bucket{le="+Inf"} 2\nprocess_h_sum 5\nprocess_h_count 3\n`,
    'no sum': `${HISTOGRAM}process_h_bucket{le="+Inf"} 2\nprocess_h_count 2\n`,
    'a histogram with a bare sample': `${HISTOGRAM}process_h 2\n`,
  };
  for (const [name, text] of Object.entries(bad)) test(`refuses ${name}`, () => assert.throws(() => parseMetrics(text)));
});

onEveryService('metrics', (api, name, stack) => {
  test('are Prometheus\' text', async () => {
    const answer = await api.get('/metrics');
    assert.equal(answer.status, 200);
    assertCommonHeaders(answer);
    assert.equal(answer.headers['content-type'], CONTENT_TYPE);
    assert.equal(answer.headers['cache-control'], 'no-store');
    parseMetrics(answer.text);
  });

  test('HEAD, OPTIONS and other methods are as everywhere', async () => {
    const head = await api.request({ method: 'HEAD', path: '/metrics' });
    assert.equal(head.status, 200);
    assert.equal(head.headers['content-type'], CONTENT_TYPE);
    assert.equal(head.text, '');
    const options = await api.request({ method: 'OPTIONS', path: '/metrics' });
    assert.equal(options.status, 204);
    assert.deepEqual(allowed(options), ['GET', 'HEAD', 'OPTIONS']);
    for (const method of ['POST', 'PUT', 'DELETE']) {
      const answer = await api.request({ method, path: '/metrics' });
      assertProblem(answer, 405, 'method-not-allowed');
      assert.deepEqual(allowed(answer), ['GET', 'HEAD', 'OPTIONS']);
    }
    for (const path of ['/metrics/', '/metrics/x', '//metrics', '/%6detrics', '/METRICS']) {
      assertProblem(await api.get(path), 404, 'not-found');
    }
    assert.equal((await api.get('/metrics?x=y')).status, 200);
  });

  test('say which program this is', async () => {
    const { samples } = (await scrape(api)).families.get('tempmessenger_build_info');
    assert.equal(samples.length, 1);
    assert.equal(samples[0].value, 1);
    const { stdout } = await stack.world.run(name, {}, ['--version']);
    assert.equal(stdout, `${samples[0].labels.service} ${samples[0].labels.version}\n`);
    assert.equal(samples[0].labels.service, name);
  });

  test('say what the kernel says of the process', async () => {
    const { pid } = stack.of(name).child;
    const metrics = await scrape(api);
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const limit = /Max open files\s+(\d+)/.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))[1];
    assert.equal(metrics.value('process_threads'), Number(/Threads:\s+(\d+)/.exec(status)[1]));
    assert.equal(metrics.value('process_max_fds'), Number(limit));
    const resident = Number(/VmRSS:\s+(\d+)/.exec(status)[1]) * 1024;
    const told = metrics.value('process_resident_memory_bytes');
    assert.ok(told > resident / 2 && told < resident * 2, `${told}, not ${resident}`);
    const files = metrics.value('process_open_fds');
    assert.ok(files >= 5 && files < 500, `${files}`);
    const age = Date.now() / 1000 - metrics.value('process_start_time_seconds');
    assert.ok(age > -1 && age < 600, `${age} s`);
    assert.ok(metrics.value('process_cpu_seconds_total') > 0);
    assert.equal((await scrape(api)).value('process_start_time_seconds'), metrics.value('process_start_time_seconds'));
  });

  test('count requests by pattern, method and status', async () => {
    const room = newRoom();
    const id = '0'.repeat(32);
    const made = api.isGateway ? '204' : '201';
    const grown = await growth(api, async () => {
      await api.postTo(room, { message: 'a' });
      await api.postTo(room, { message: 'b' });
      await api.postTo(room, '{}');
      await api.get(`/rooms/${room}/messages`);
      await api.get('/messages');
      await api.find(room, id);
      await api.request({ method: 'HEAD', path: `/rooms/${room}/messages` });
      await api.request({ method: 'OPTIONS', path: `/rooms/${room}/messages` });
      await api.request({ method: 'DELETE', path: `/rooms/${room}/messages` });
    }, ...[['POST', made], ['POST', '400'], ['GET', '200'], ['HEAD', '200'], ['OPTIONS', '204'], ['DELETE', '405']]
      .map(([method, status]) => [REQUESTS, { route: '/rooms/:room/messages', method, status }]),
    [REQUESTS, { route: '/messages', method: 'GET', status: '200' }],
    [REQUESTS, { route: '/rooms/:room/messages/:id', method: 'GET', status: '404' }],
    [`${DURATION}_count`, { route: '/rooms/:room/messages', method: 'POST' }],
    [`${DURATION}_count`, { route: '/rooms/:room/messages' }],
    [REQUESTS, { route: '/metrics' }], [REQUESTS, {}]);
    assert.deepEqual(grown, [2, 1, 1, 1, 1, 1, 1, 1, 3, 7, 1, 10]);
  });

  test('time what they count', async () => {
    const [sum] = await growth(api, () => api.postTo(newRoom(), { message: 'a' }),
      [`${DURATION}_sum`, { route: '/rooms/:room/messages', method: 'POST' }]);
    assert.ok(sum > 0 && sum < 5, `${sum} s`);
  });

  test('all that is not found shares one label, and nothing of a client is in any', async () => {
    const mark = `mark${process.pid}x`;
    const before = await scrape(api);
    for (let count = 0; count < 40; count += 1) {
      await api.get(`/${mark}-${count}`, { 'X-Request-Id': mark, 'User-Agent': mark });
      await api.get(`/rooms/${mark}-${count}/messages/${mark}`);
      await api.request({ method: `M${count % 5}`, path: `/${mark}` }).catch(() => {});
    }
    await api.postTo(`${mark}-0`, { message: mark, author: mark }, { 'Idempotency-Key': mark });
    const answer = await api.get('/metrics');
    assert.ok(!answer.text.includes(mark), 'a word of a client\'s');
    assert.ok(answer.text.length < TEXT_MAX, `${answer.text.length} bytes`);
    const after = parseMetrics(answer.text);
    const missing = (metrics) => metrics.value(REQUESTS, { route: 'none', method: 'GET', status: '404' });
    assert.equal(missing(after) - missing(before), 40);
    assert.ok(after.sampleCount - before.sampleCount < 100, `${after.sampleCount - before.sampleCount} more`);
  });

  test('count event streams as they are, and do not time them', async () => {
    const room = newRoom();
    await withReaders(async (open) => {
      await shows(api, 'tempmessenger_event_streams', 0);
      const [opened, timed] = await growth(api, () => open(stack.of(name), room),
        [REQUESTS, { route: '/rooms/:room/events', method: 'GET', status: '200' }],
        [`${DURATION}_count`, { route: '/rooms/:room/events' }]);
      assert.deepEqual([opened, timed], [1, 0]);
      const reader = await open(stack.of(name), room);
      const metrics = await scrape(api);
      // At the message service the gateway's feeds are streams too.
      const streams = metrics.value('tempmessenger_event_streams');
      assert.equal(streams, 2);
      assert.ok(metrics.value('tempmessenger_live_rooms') >= 1);
      reader.close();
      await until('it is noticed', async () => {
        await api.postTo(room, { message: 'is somebody there?' });
        return (await scrape(api)).value('tempmessenger_event_streams') === 1;
      });
    });
  });

  test('are valid, and no counter goes back, while all is busy', async () => {
    const room = newRoom();
    let busy = true;
    const work = Promise.all([...Array(4).keys()].map(async () => {
      while (busy) {
        await api.postTo(room, { message: 'a', ttl: 1 });
        await api.get(`/rooms/${room}/messages`);
      }
    }));
    let last = new Map();
    for (let round = 0; round < scaled(40, 15); round += 1) {
      const metrics = await scrape(api);
      const counters = new Map();
      for (const { type, samples } of metrics.families.values()) {
        if (type === 'gauge') continue;
        for (const { name: sample, labels, value } of samples) counters.set(sample + JSON.stringify(labels), value);
      }
      for (const [key, value] of last) assert.ok(counters.get(key) >= value, `${key} goes back`);
      last = counters;
    }
    busy = false;
    await work;
  });
});

for (const store of STORES) {
  for (const name of SERVICES) {
    describe(`numbers of ${name} [${store}]`, () => {
      test('messages live and expire, and how late that is told', withWorld(async (world) => {
        const service = (await world.stack({ store })).of(name);
        const api = clientOf(service);
        const room = newRoom();
        await withReaders(async (open) => {
          const reader = await open(service, room);
          const { id } = await api.create(room, { message: 'a', ttl: 2 });
          await api.create(room, { message: 'b', ttl: 600 });
          await reader.count('message', 2);
          const before = await scrape(api);
          assert.equal(before.value('tempmessenger_live_messages'), 2);
          assert.equal(before.value('tempmessenger_live_rooms'), 1);
          assert.equal(before.value('tempmessenger_messages_expired_total'), 0);
          assert.equal(before.value(`${LATENESS}_count`), 0);
          await reader.of('expired', id);
          const after = await scrape(api);
          assert.equal(after.value('tempmessenger_live_messages'), 1);
          assert.equal(after.value('tempmessenger_messages_expired_total'), 1);
          assert.equal(after.value(`${LATENESS}_count`), 1);
          assert.ok(after.value(`${LATENESS}_sum`) < 2, `${after.value(`${LATENESS}_sum`)} s late`);
        });
      }));

      test('readers who are refused', withWorld(async (world) => {
        const limit = { MAX_CONNECTIONS: '2' };
        const mine = name === 'web-gateway' ? { gatewayEnv: limit } : { env: limit };
        const service = (await world.stack({ store, ...mine })).of(name);
        const api = clientOf(service);
        const room = newRoom();
        assert.equal((await scrape(api)).value('tempmessenger_event_streams_max'), 2);
        await withReaders(async (open) => {
          await open(service, room);
          await open(service, room);
          assert.equal((await scrape(api)).value('tempmessenger_event_streams_refused_total'), 0);
          const refused = await askEvents(service, { room, headers: ANY });
          assertProblem({ ...refused, text: refused.text, json: () => refused.json() }, 503, 'unavailable');
          const metrics = await scrape(api);
          assert.equal(metrics.value('tempmessenger_event_streams_refused_total'), 1);
          assert.equal(metrics.value('tempmessenger_event_streams'), 2);
          assert.equal(metrics.value(REQUESTS, { route: '/rooms/:room/events', status: '503' }), 1);
        });
      }));
    });
  }

  describe(`numbers of the store [${store}]`, () => {
    const call = (kind, outcome) => ['tempmessenger_store_calls_total', { kind, outcome }];

    test('calls by kind and outcome, and messages accepted', withWorld(async (world) => {
      const { service } = await world.stack({ store, env: { ROOM_MAX_MESSAGES: '2' } });
      const api = clientOf(service);
      const room = newRoom();
      const grown = await growth(api, async () => {
        const { id } = await api.create(room, { message: 'a' }, { 'Idempotency-Key': 'k' });
        await api.create(room, { message: 'a' }, { 'Idempotency-Key': 'k' });
        assert.equal((await api.postTo(room, { message: 'b' }, { 'Idempotency-Key': 'k' })).status, 422);
        await api.create(room, 'c');
        assert.equal((await api.postTo(room, { message: 'd' })).status, 429);
        assert.equal((await api.postTo(room, '{}')).status, 400);
        await api.list(room);
        assert.equal((await api.find(room, id)).status, 200);
        assert.equal((await api.find(room, '0'.repeat(32))).status, 404);
        assert.equal((await api.get('/readyz')).status, 200);
      }, ['tempmessenger_messages_accepted_total'], call('save', 'ok'), call('save', 'idempotency-key-reused'),
      call('save', 'room-full'), call('list', 'ok'), call('find', 'ok'), call('find', 'message-not-found'),
      call('check', 'ok'), ['tempmessenger_store_calls_total'], ['tempmessenger_store_call_duration_seconds_count'],
      ['tempmessenger_store_call_duration_seconds_count', { kind: 'save' }],
      [REQUESTS, { route: '/rooms/:room/messages', status: '429' }]);
      assert.deepEqual(grown, [2, 3, 1, 1, 1, 1, 1, 1, 9, 9, 5, 1]);
      assert.equal((await scrape(api)).value('tempmessenger_store_up'), 1);
    }));
  });
}

describe('a token', () => {
  test('is not needed, counts where it is missing, and is not told', withWorld(async (world) => {
    const token = 'a-secret-nobody-reads';
    const stack = await world.stack({ env: { SERVICE_TOKEN: token }, gatewayEnv: { SERVICE_TOKEN: token } });
    for (const name of SERVICES) {
      const api = clientOf(stack.of(name));
      for (const headers of [{}, { Authorization: 'Bearer wrong' }]) {
        const answer = await api.get('/metrics', headers);
        assert.equal(answer.status, 200);
        assert.ok(!answer.text.includes(token));
      }
      assert.equal((await api.request({ method: 'OPTIONS', path: '/metrics' })).status, 204);
    }
    const api = clientOf(stack.service);
    const [refused] = await growth(api, () => api.get('/messages'), [REQUESTS, { route: '/messages', status: '401' }]);
    assert.equal(refused, 1);
  }));
});

describe('slow readers', () => {
  for (const name of SERVICES) {
    test(`${name} counts those that it drops`, withWorld(async (world) => {
      const stack = await world.stack({ env: { ROOM_MAX_BYTES: '32MiB' } });
      const service = stack.of(name);
      const api = clientOf(service);
      const room = newRoom();
      const text = 'x'.repeat(4096);
      const socket = net.connect({ port: service.port, host: '127.0.0.1' });
      let answered = false;
      socket.on('error', () => {});
      socket.once('data', () => {
        answered = true;
        socket.pause();
      });
      socket.write(`GET /rooms/${room}/events HTTP/1.1\r\nHost: x\r\n\r\n`);
      await until('the stream is open', () => answered);
      await withReaders(async (open) => {
        const quick = await open(service, room, { keepRaw: false });
        // More than the kernel's buffers and the queue can hold.
        const count = 3500;
        // A part at a time, so that only the reader who does not read falls behind.
        const part = 250;
        for (let sent = part; sent <= count; sent += part) {
          await createAll(stack.service, room, Array(part).fill({ message: text, ttl: 600 }));
          await quick.count('message', sent, 30_000);
        }
        socket.on('data', () => {});
        socket.resume();
        await shows(api, 'tempmessenger_event_streams_dropped_total', 1);
        socket.destroy();
      });
    }));
  }
});

describe('the rate limit', () => {
  test('is seen as status 429', withWorld(async (world) => {
    const stack = await world.stack({ gatewayEnv: { RATE_LIMIT: '2/h' } });
    const api = clientOf(stack.gateway);
    for (let count = 0; count < 5; count += 1) await api.post('/messages', { message: 'a' });
    const metrics = await scrape(api);
    assert.equal(metrics.value(REQUESTS, { route: '/messages', method: 'POST', status: '204' }), 2);
    assert.equal(metrics.value(REQUESTS, { route: '/messages', method: 'POST', status: '429' }), 3);
    assert.equal(metrics.value('tempmessenger_upstream_calls_total', { kind: 'post' }), 2);
  }));
});

/** Scrapes, and that at once. */
async function scrapeAtOnce(api) {
  const start = performance.now();
  const metrics = await scrape(api);
  const ms = performance.now() - start;
  assert.ok(ms < AT_ONCE_MS, `${ms} ms`);
  return metrics;
}

describe('while the store is away', () => {
  test('both answer; the service says so until it is back', withWorld(async (world) => {
    const { redis, service, gateway } = await world.stack({ store: 'redis' });
    const [api, gate] = [clientOf(service), clientOf(gateway)];
    await api.create('a', 'x');
    assert.equal((await scrape(api)).value('tempmessenger_store_up'), 1);
    await redis.stop();
    const [failed, timed] = await growth(api, () => api.postTo('a', { message: 'x' }),
      ['tempmessenger_store_calls_total', { kind: 'save', outcome: 'unavailable' }],
      ['tempmessenger_store_call_duration_seconds_count', { kind: 'save' }]);
    assert.deepEqual([failed, timed], [1, 0]);
    assert.equal((await scrapeAtOnce(api)).value('tempmessenger_store_up'), 0);
    await gate.postTo('a', { message: 'x' });
    const metrics = await scrapeAtOnce(gate);
    // It is the store that is away, not the message service.
    assert.equal(metrics.value('tempmessenger_upstream_up'), 1);
    assert.equal(metrics.value('tempmessenger_upstream_calls_total', { kind: 'post', outcome: 'unavailable' }), 1);
    await redis.start();
    await ready(service);
    assert.equal((await scrape(api)).value('tempmessenger_store_up'), 1);
  }));

  test('a service that never had one answers', withWorld(async (world) => {
    const redis = await world.redis();
    await redis.stop();
    const api = clientOf(await world.messageService({ STORE_URL: redis.url }));
    await scrapeAtOnce(api);
    await api.get('/readyz');
    assert.equal((await scrapeAtOnce(api)).value('tempmessenger_store_up'), 0);
  }));

  test('a call that hangs holds nobody up', withWorld(async (world) => {
    let asked = 0;
    const silent = await world.fakeServer((socket) => socket.once('data', () => {
      asked += 1;
    }));
    const api = clientOf(await world.messageService({
      STORE_URL: `redis://127.0.0.1:${silent.port}`, STORE_TIMEOUT: HANG, HTTP_THREADS: '2',
    }));
    // The service asks on its own account when it starts.
    await until('the first call is under way', () => asked === 1);
    const call = api.get('/messages');
    await until('the second call is under way', () => asked === 2);
    for (let round = 0; round < 5; round += 1) {
      const metrics = await scrapeAtOnce(api);
      assert.equal(metrics.value(REQUESTS, { route: '/messages' }), 0, 'the call is still under way');
    }
    assert.equal((await call).status, 504);
    const metrics = await scrapeAtOnce(api);
    assert.equal(metrics.value('tempmessenger_store_calls_total', { kind: 'list', outcome: 'timeout' }), 1);
    assert.equal(metrics.value('tempmessenger_store_up'), 0);
  }));
});

describe('while the message service is away', () => {
  const feeds = (metrics) => ['connected', 'disconnected']
    .map((state) => metrics.value('tempmessenger_room_feeds', { state }));

  test('the gateway answers, and says so until it is back', withWorld(async (world) => {
    const { redis, service, gateway } = await world.stack({ store: 'redis' });
    const api = clientOf(gateway);
    assert.deepEqual(feeds(await scrape(api)), [0, 0]);
    await api.list('a');
    await api.list('b');
    // A room may be listed a moment before its feed counts as connected.
    await until('both feeds are connected', async () => feeds(await scrape(api))[0] === 2);
    const before = await scrape(api);
    assert.deepEqual(feeds(before), [2, 0]);
    assert.equal(before.value('tempmessenger_live_rooms'), 2);
    assert.equal(before.value('tempmessenger_upstream_up'), 1);
    const { port } = service;
    await service.stop();
    await until('the feeds are lost', async () => feeds(await scrape(api))[1] === 2);
    await api.postTo('a', { message: 'x' });
    const metrics = await scrapeAtOnce(api);
    assert.deepEqual(feeds(metrics), [0, 2]);
    assert.equal(metrics.value('tempmessenger_upstream_up'), 0);
    assert.equal(metrics.value('tempmessenger_upstream_calls_total', { kind: 'post', outcome: 'unavailable' }), 1);
    await world.messageService({ STORE_URL: redis.url, PORT: String(port) });
    await until('the feeds are back', async () => feeds(await scrape(api))[0] === 2, 20_000);
    await until('a post goes through', async () => (await api.postTo('a', { message: 'x' })).status === 204);
    assert.equal((await scrape(api)).value('tempmessenger_upstream_up'), 1);
  }));

  test('a call that hangs holds nobody up, and is a timeout', withWorld(async (world) => {
    let asked = false;
    const silent = await world.fakeHttp(({ method }) => {
      asked ||= method === 'POST';
    });
    const api = clientOf(await world.gateway(silent, { UPSTREAM_TIMEOUT: HANG, HTTP_THREADS: '2' }));
    const post = api.postTo('a', { message: 'x' });
    await until('the call is under way', () => asked);
    for (let round = 0; round < 5; round += 1) {
      const metrics = await scrapeAtOnce(api);
      assert.equal(metrics.value(REQUESTS, { method: 'POST' }), 0, 'the call is still under way');
    }
    assert.equal((await post).status, 504);
    const metrics = await scrapeAtOnce(api);
    assert.equal(metrics.value('tempmessenger_upstream_calls_total', { kind: 'post', outcome: 'timeout' }), 1);
    assert.ok(metrics.value('tempmessenger_upstream_call_duration_seconds_sum', { kind: 'post' }) >= HANG_S);
    assert.equal(metrics.value('tempmessenger_upstream_up'), 0);
  }));

  test('calls are counted by kind', withWorld(async (world) => {
    const { gateway } = await world.stack();
    const api = clientOf(gateway);
    const upstream = (kind, outcome) => ['tempmessenger_upstream_calls_total', { kind, outcome }];
    const grown = await growth(api, async () => {
      await api.create('a', 'x');
      await api.postTo('a', { message: 'x', ttl: 0 });
      await api.get('/konnichiwa');
      for (let round = 0; round < 5; round += 1) await api.get('/readyz');
    }, upstream('post', 'ok'), upstream('post', 'invalid-ttl'), upstream('konnichiwa', 'ok'));
    assert.deepEqual(grown, [1, 1, 1]);
    // At the start it asks on its own account, and may be asked meanwhile; after that it knows.
    const checks = (await scrape(api)).value(...upstream('check', 'ok'));
    assert.ok(checks === 1 || checks === 2, `${checks}`);
  }));
});

describe('docs/metrics.md', () => {
  const page = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
  const rowsUnder = (heading) => {
    const start = page.indexOf(`\n## ${heading}\n`);
    assert.ok(start >= 0, heading);
    const end = page.indexOf('\n## ', start + 1);
    return page.slice(start, end).split('\n').filter((line) => /^\| `[a-z]+_/.test(line)).map((line) => {
      const [family, type, labels] = line.split('|').slice(1).map((cell) => cell.trim().replaceAll('`', ''));
      return { family, type, labels: labels.split(', ').filter((label) => label !== '').sort() };
    });
  };

  for (const [name, heading] of [['message-service', 'The message service'], ['web-gateway', 'The gateway']]) {
    test(`lists exactly what ${name} tells, with types and labels`, withWorld(async (world) => {
      const service = (await world.stack()).of(name);
      const api = clientOf(service);
      await api.create('a', 'x');
      const { families } = await scrape(api);
      const rows = [...rowsUnder('Both services'), ...rowsUnder(heading)];
      assert.deepEqual(rows.map(({ family }) => family).sort(), [...families.keys()].sort());
      for (const { family, type, labels } of rows) {
        const { type: told, samples } = families.get(family);
        assert.equal(type, told, family);
        assert.ok(samples.length > 0, `${family} has a sample`);
        for (const sample of samples) {
          assert.deepEqual(Object.keys(sample.labels).filter((label) => label !== 'le').sort(), labels, family);
        }
      }
    }));
  }

  test('speaks of no family that there is not', () => {
    const known = new Set(['Both services', 'The message service', 'The gateway'].flatMap(rowsUnder).map(({ family }) => family));
    for (const [name] of page.matchAll(/\b(?:tempmessenger|process)_[a-z_]+/g)) {
      assert.ok(known.has(name.replace(/_(bucket|sum|count)$/, '')), name);
    }
  });

  test('names the buckets that there are', withWorld(async (world) => {
    const api = clientOf(await world.messageService());
    const bounds = (await scrape(api)).select(`${LATENESS}_bucket`).map(({ labels }) => labels.le)
      .filter((le) => le !== '+Inf').map(Number);
    const named = /10 s:\n([\d., ]+) ms, ([\d., ]+) s\./.exec(page);
    const list = (text, unit) => text.split(', ').map((value) => (Number(value) * unit) / 1000);
    assert.deepEqual([...list(named[1], 1), ...list(named[2], 1000)], bounds);
  }));
});

test('METRICS_TOKEN alone opens the metrics of both services, and nothing else', withWorld(async (world) => {
  const both = { SERVICE_TOKEN: 'shared', METRICS_TOKEN: 'measured' };
  const stack = await world.stack({ env: both, gatewayEnv: both });
  const bearer = (token) => ({ Authorization: `Bearer ${token}` });
  for (const name of SERVICES) {
    const api = clientOf(stack.of(name));
    for (const headers of [{}, bearer('shared'), bearer('measuredx'), bearer(''), { Authorization: 'measured' }]) {
      const answer = await api.get('/metrics', headers);
      assertProblem(answer, 401, 'unauthorized');
      assert.match(answer.headers['www-authenticate'], /^Bearer/);
    }
    const answer = await api.get('/metrics', bearer('measured'));
    assert.equal(answer.status, 200);
    assert.match(answer.text, /^# HELP /);
    assert.equal((await api.get('/livez')).status, 200);
  }
  const service = clientOf(stack.of('message-service'));
  assertProblem(await service.get('/messages', bearer('measured')), 401, 'unauthorized');
}));
