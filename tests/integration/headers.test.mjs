// Headers in and out: request ids, traces, caching, rate limits, origins; and what is logged.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  assertAccepted, assertCommonHeaders, assertProblem, clientOf, newRoom, onEveryService,
  onEveryStore, raw, rawStatus, until, withWorld,
} from './harness.mjs';

const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736';

onEveryService('headers', (api, name, stack) => {
  for (const id of ['a', 'A-b_c.9', 'x'.repeat(64)]) {
    test(`X-Request-Id ${id} is kept`, async () => {
      const answer = await api.get('/livez', { 'X-Request-Id': id });
      assert.equal(answer.headers['x-request-id'], id);
    });
  }

  for (const id of ['', 'x'.repeat(65), 'a b', 'a/b', 'a"b', '<b>', '%41', 'é', 'a,b']) {
    test(`X-Request-Id ${JSON.stringify(id)} is replaced`, async () => {
      const answer = await api.get('/livez', { 'X-Request-Id': id });
      assert.notEqual(answer.headers['x-request-id'], id);
      assertCommonHeaders(answer);
    });
  }

  test('each request without an id gets one of its own', async () => {
    const ids = new Set();
    for (let count = 0; count < 10; count += 1) ids.add((await api.get('/livez')).headers['x-request-id']);
    assert.equal(ids.size, 10);
  });

  test('errors carry the id too', async () => {
    for (const path of ['/nothing', '/messages/abc', '/rooms/A/messages']) {
      const answer = await api.get(path, { 'X-Request-Id': 'mine' });
      assert.equal(answer.headers['x-request-id'], 'mine');
    }
  });

  test('what shows messages is not to be stored', async () => {
    const room = newRoom();
    const made = await api.create(room, 'a');
    const answers = [
      await api.postTo(room, { message: 'a' }, { Prefer: 'return=representation' }),
      await api.get(`/rooms/${room}/messages`), await api.find(room, made.id), await api.get('/messages'),
      ...(api.isGateway ? [await api.get('/'), await api.get(`/rooms/${room}`)] : []),
    ];
    for (const answer of answers) assert.equal(answer.headers['cache-control'], 'no-store');
  });

  test('every answer has the security headers', async () => {
    const room = newRoom();
    for (const answer of [await api.get('/livez'), await api.get('/messages'), await api.get('/nothing'),
      await api.get('/konnichiwa'), await api.postTo(room, { message: 'a' }), await api.postTo(room, '{}'),
      await api.request({ method: 'OPTIONS', path: '/messages' }),
      await api.request({ method: 'DELETE', path: '/messages' })]) {
      assertCommonHeaders(answer);
    }
  });

  test('each request is a line of JSON with its id and trace, and never a message\'s text', async () => {
    const room = newRoom();
    const id = `trace-me-${name}-${process.pid}-${room}`;
    const secret = `nobody-logs-this-${room}`;
    const headers = {
      'X-Request-Id': id, traceparent: `00-${TRACE_ID}-00f067aa0ba902b7-01`,
    };
    await api.postTo(room, { message: secret, author: `${secret}-author` }, headers);
    await api.postTo(room, `{"message":"${secret}"`, headers);
    await api.get(`/rooms/${room}/messages`, headers);
    const services = api.isGateway ? [stack.gateway, stack.service] : [stack.service];
    for (const service of services) {
      await until(`${service.name} logs the request`, () =>
        service.logLines().some((line) => line.includes(id) && line.includes(TRACE_ID)));
      for (const line of service.logLines()) JSON.parse(line);
      assert.ok(!service.stderr.includes(secret), 'a text was logged');
    }
  });

  for (const trace of ['', 'nonsense', `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`, 'x'.repeat(3000),
    `ff-${TRACE_ID}-00f067aa0ba902b7-01`]) {
    test(`a traceparent out of its grammar does no harm: ${trace.slice(0, 40)}`, async () => {
      assert.equal((await api.get('/messages', { traceparent: trace })).status, 200);
    });
  }
});

onEveryStore('log injection', (stack) => {
  test('a line break in a path or header makes no line of its own', async () => {
    for (const api of [clientOf(stack.service), clientOf(stack.gateway)]) {
      await api.get('/nothing%0a{"message":"forged"}%0d%0a', { 'User-Agent': '{"forged":1}"\\' });
    }
    for (const service of [stack.service, stack.gateway]) {
      for (const line of service.logLines()) assert.notEqual(JSON.parse(line).message, 'forged');
    }
  });
}, { stores: ['memory'] });

describe('rate limit', () => {
  const POLICY = /^"[^"]+";q=5;w=1(;|$)/;
  const LIMIT = /^"[^"]+";r=\d+(;t=\d+)?$/;
  const limited = async (world, env = {}) => {
    const service = await world.messageService();
    return clientOf(await world.gateway(service, { RATE_LIMIT: '5/s', ...env }));
  };
  const burst = (api, count, headers = () => ({})) => Promise.all([...Array(count).keys()]
    .map((index) => api.post('/messages', { message: 'a' }, headers(index))));
  const tally = (answers, status) => answers.filter((answer) => answer.status === status).length;

  test('answers to writes tell the policy and what is left', withWorld(async (world) => {
    const api = await limited(world);
    const answers = [await api.post('/messages', { message: 'a' }), await api.post('/messages', '{}'),
      await api.post('/', 'message=a', { 'Content-Type': 'application/x-www-form-urlencoded' })];
    for (const answer of answers) {
      assert.match(answer.headers['ratelimit-policy'], POLICY);
      assert.match(answer.headers.ratelimit, LIMIT);
      const name = /^"[^"]+"/;
      assert.equal(answer.headers.ratelimit.match(name)[0], answer.headers['ratelimit-policy'].match(name)[0]);
    }
  }));

  test('what is over is refused and not stored, and later it goes on', withWorld(async (world) => {
    const api = await limited(world);
    const answers = await burst(api, 40);
    const refused = answers.filter(({ status }) => status !== 204);
    assert.ok(refused.length > 0, 'some are refused');
    assert.ok(tally(answers, 204) >= 5, 'the limit itself is granted');
    for (const answer of refused) {
      assertProblem(answer, 429, 'rate-limited');
      assert.match(answer.headers['ratelimit-policy'], POLICY);
      assert.match(answer.headers.ratelimit, /;r=0/);
    }
    assert.equal((await api.list('lobby')).length, tally(answers, 204));
    await until('it goes on', async () => (await api.post('/messages', { message: 'b' })).status === 204,
      5000, 100);
  }));

  test('the page\'s form is counted too', withWorld(async (world) => {
    const api = await limited(world);
    const answers = await Promise.all([...Array(40)].map(() =>
      api.post('/', 'message=a', { 'Content-Type': 'application/x-www-form-urlencoded' })));
    assert.ok(tally(answers, 429) > 0);
  }));

  test('reading is not limited', withWorld(async (world) => {
    const api = await limited(world);
    const answers = await Promise.all([...Array(40)].map(() => api.get('/messages')));
    assert.equal(tally(answers, 200), 40);
  }));

  test('off is off', withWorld(async (world) => {
    const api = await limited(world, { RATE_LIMIT: 'off' });
    assert.equal(tally(await burst(api, 60), 204), 60);
  }));

  test('X-Forwarded-For of a stranger changes nothing', withWorld(async (world) => {
    const api = await limited(world);
    const answers = await burst(api, 40, (index) => ({ 'X-Forwarded-For': `192.0.2.${index}` }));
    assert.ok(tally(answers, 429) > 0);
  }));

  test('behind a trusted proxy each client has its own', withWorld(async (world) => {
    const api = await limited(world, { TRUSTED_PROXIES: '127.0.0.1' });
    const answers = await burst(api, 40, (index) => ({ 'X-Forwarded-For': `192.0.2.${index}` }));
    assert.equal(tally(answers, 204), 40);
    const one = await burst(api, 40, () => ({ 'X-Forwarded-For': '198.51.100.1' }));
    assert.ok(tally(one, 429) > 0);
  }));

  test('what a client writes in front of the proxy\'s own entry is not believed', withWorld(async (world) => {
    const api = await limited(world, { TRUSTED_PROXIES: '127.0.0.1' });
    const answers = await burst(api, 40, (index) => ({ 'X-Forwarded-For': `192.0.2.${index}, 198.51.100.9` }));
    assert.ok(tally(answers, 429) > 0);
  }));

  test('nor in another line of another spelling', withWorld(async (world) => {
    const api = await limited(world, { TRUSTED_PROXIES: '127.0.0.1' });
    const lines = (index) => `x-forwarded-for: 192.0.2.${index}\r\nX-Forwarded-For: 198.51.100.9\r\n`;
    const statuses = await Promise.all([...Array(40).keys()].map(async (index) => rawStatus(await raw(api.port,
      `POST /messages HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 15\r\n${lines(index)}\r\n{"message":"a"}`))));
    assert.ok(statuses.includes(429), `${statuses}`);
  }));
});

describe('origins', () => {
  const send = (api, origin, path = '/messages') => {
    const form = path === '/messages' ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' };
    return api.post(path, path === '/messages' ? { message: 'a' } : 'message=a',
      { ...(origin === undefined ? {} : { Origin: origin }), ...form });
  };

  test('a foreign one changes nothing', withWorld(async (world) => {
    const api = clientOf(await world.gateway(await world.messageService()));
    const port = new URL(api.base).port;
    for (const origin of ['http://evil.example', 'https://evil.example', 'null', `http://127.0.0.1:${port}0`,
      'http://127.0.0.1', `http://127.0.0.1:${port}.evil.example`, `http://evil.example:${port}`,
      `http://127.0.0.1:${port}@evil.example`, 'nonsense', '*', 'http://\u00e9vil.example', '']) {
      for (const path of ['/messages', '/rooms/a/messages', '/', '/rooms/a']) {
        assertProblem(await send(api, origin, path), 403, 'cross-origin');
      }
    }
    assert.deepEqual(await api.list('lobby'), []);
    assert.deepEqual(await api.list('a'), []);
  }));

  test('this host, or none, may', withWorld(async (world) => {
    const api = clientOf(await world.gateway(await world.messageService()));
    assertAccepted(api, await send(api, api.base));
    assertAccepted(api, await send(api, undefined));
    assert.equal((await send(api, api.base, '/')).status, 303);
  }));

  test('those of ALLOWED_ORIGINS may', withWorld(async (world) => {
    const api = clientOf(await world.gateway(await world.messageService(),
      { ALLOWED_ORIGINS: 'https://one.example,http://two.example:8080' }));
    assertAccepted(api, await send(api, 'https://one.example'));
    assertAccepted(api, await send(api, 'http://two.example:8080'));
    assertAccepted(api, await send(api, api.base));
    for (const origin of ['http://one.example', 'https://one.example.org', 'https://sub.one.example',
      'http://two.example', 'https://one.example,http://two.example:8080', 'https://one.example:444']) {
      assertProblem(await send(api, origin), 403, 'cross-origin');
    }
  }));

  test('reading does not depend on it', withWorld(async (world) => {
    const api = clientOf(await world.gateway(await world.messageService()));
    for (const path of ['/messages', '/', '/livez']) {
      assert.equal((await api.get(path, { Origin: 'http://evil.example' })).status, 200);
    }
  }));
});
