// What the gateway sends upstream, seen by a server in the message service's place, and what it
// makes of odd answers.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  assertAccepted, assertProblem, clientOf, newRoom, request, until, withWorld,
} from './harness.mjs';

const ID = 'bf87d4b3fefc49f39b7dd50e6d693ae8';
const KEY = /^"?[\x21-\x7e]{1,64}"?$/;

function message(room) {
  const now = Date.now();
  return {
    id: ID, room, message: 'hello', created_at: new Date(now).toISOString(),
    expires_at: new Date(now + 60_000).toISOString(), expires_in: 60_000,
  };
}

/** Answers as the message service does. */
function answer(incoming, response) {
  const room = /^\/rooms\/([^/]+)/.exec(incoming.url)?.[1] ?? 'lobby';
  const json = (status, body, headers = {}) => {
    response.writeHead(status, { 'Content-Type': 'application/json', ...headers });
    response.end(JSON.stringify(body));
  };
  if (incoming.method === 'POST') {
    return json(201, message(room), { Location: `/rooms/${room}/messages/${ID}` });
  }
  if (incoming.url.endsWith('/messages')) return json(200, [message(room)], { ETag: 'W/"1-a"' });
  if (incoming.url === '/konnichiwa') {
    response.writeHead(200, { 'Content-Type': 'text/plain' });
    return response.end('Konnichiwa!');
  }
  return json(200, { status: 'ok' });
}

async function withUpstream(world, handler = answer, env = {}) {
  const seen = [];
  const upstream = await world.fakeHttp((incoming, response) => {
    seen.push(incoming);
    handler(incoming, response, seen);
  });
  const gateway = await world.gateway(upstream, { UPSTREAM_TIMEOUT: '1s', ...env });
  return { api: clientOf(gateway), seen, posts: () => seen.filter(({ method }) => method === 'POST') };
}

test('a POST goes up with its id, trace, token and an idempotency key', withWorld(async (world) => {
  const { api, posts } = await withUpstream(world, answer, { SERVICE_TOKEN: 'secret' });
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
  assertAccepted(api, await api.post('/messages', { message: 'hello' }, {
    'X-Request-Id': 'mine', traceparent: `00-${trace}-00f067aa0ba902b7-01`, tracestate: 'a=1, b=2',
  }));
  const [{ headers, body }] = posts();
  assert.equal(headers['x-request-id'], 'mine');
  assert.match(headers.traceparent, new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`));
  assert.equal(headers.tracestate, 'a=1, b=2');
  assert.equal(headers.authorization, 'Bearer secret');
  assert.match(headers['idempotency-key'], KEY);
  assert.equal(JSON.parse(body).message, 'hello');
}));

test('a tracestate goes up beside a traceparent alone', withWorld(async (world) => {
  const { api, posts } = await withUpstream(world);
  assertAccepted(api, await api.post('/messages', { message: 'hello' }, { traceparent: 'x', tracestate: 'a=1' }));
  assert.equal(posts()[0].headers.tracestate, undefined);
}));

test('two POSTs have two keys, and a client\'s own is passed on', withWorld(async (world) => {
  const { api, posts } = await withUpstream(world);
  await api.post('/messages', { message: 'hello' });
  await api.post('/messages', { message: 'hello' });
  await api.post('/messages', { message: 'hello' }, { 'Idempotency-Key': 'client-key' });
  const keys = posts().map(({ headers }) => headers['idempotency-key'].replaceAll('"', ''));
  assert.notEqual(keys[0], keys[1]);
  assert.equal(keys[2], 'client-key');
}));

test('the page\'s form has a key too', withWorld(async (world) => {
  const { api, posts } = await withUpstream(world);
  const sent = await api.post('/', 'message=a', { 'Content-Type': 'application/x-www-form-urlencoded' });
  assert.equal(sent.status, 303);
  assert.match(posts()[0].headers['idempotency-key'], KEY);
}));

test('a client\'s own credentials and cookies stay here', withWorld(async (world) => {
  const { api, posts } = await withUpstream(world);
  await api.post('/messages', { message: 'a' }, { Authorization: 'Bearer stolen', Cookie: 'a=b' });
  assert.equal(posts()[0].headers.authorization, undefined);
  assert.equal(posts()[0].headers.cookie, undefined);
}));

test('connections are kept alive', withWorld(async (world) => {
  const sockets = new Set();
  const { api } = await withUpstream(world, (incoming, response) => {
    sockets.add(incoming.socket);
    answer(incoming, response);
  });
  for (let count = 0; count < 10; count += 1) await api.post('/messages', { message: 'a' });
  assert.ok(sockets.size <= 4, `${sockets.size} connections for 10 calls`);
}));

test('a connection that breaks in a POST is tried again with the same key', withWorld(async (world) => {
  const { api, posts } = await withUpstream(world, (incoming, response, seen) => {
    const first = seen.filter(({ method }) => method === 'POST').length === 1;
    if (incoming.method === 'POST' && first) return incoming.socket.destroy();
    return answer(incoming, response);
  });
  assertAccepted(api, await api.post('/messages', { message: 'a' }));
  const [one, other] = posts();
  assert.equal(posts().length, 2);
  assert.equal(one.headers['idempotency-key'], other.headers['idempotency-key']);
  assert.equal(String(one.body), String(other.body));
}));

test('it is tried again once, not for ever', withWorld(async (world) => {
  const { api, posts } = await withUpstream(world, (incoming) => incoming.socket.destroy());
  assertProblem(await api.post('/messages', { message: 'a' }), 503, 'unavailable');
  assert.ok(posts().length <= 2, `${posts().length} tries`);
}));

test('a kept connection that was closed meanwhile is no error', withWorld(async (world) => {
  const { api } = await withUpstream(world, (incoming, response) => {
    answer(incoming, response);
    setTimeout(() => incoming.socket.destroy(), 30);
  });
  for (let count = 0; count < 5; count += 1) {
    assertAccepted(api, await api.post('/messages', { message: 'a' }));
    await until('the connection is closed', () => new Promise((resolve) => {
      setTimeout(() => resolve(true), 50);
    }));
  }
}));

test('what can be refused here does not go up', withWorld(async (world) => {
  const { api, posts } = await withUpstream(world);
  await api.post('/messages', '{');
  await api.post('/messages', '{}');
  await api.post('/messages', { message: 'a' }, { Origin: 'http://evil.example' });
  await api.post('/rooms/BAD/messages', { message: 'a' });
  await api.post('/messages', 'x'.repeat(1024 * 1024));
  assert.equal(posts().length, 0);
}));

test('an upstream that hangs is 504 within UPSTREAM_TIMEOUT', withWorld(async (world) => {
  const upstream = await world.fakeServer(() => {});
  const api = clientOf(await world.gateway(upstream, { UPSTREAM_TIMEOUT: '500ms' }));
  for (const send of [() => api.get(`/rooms/${newRoom()}/messages`),
    () => api.post('/messages', { message: 'a' }), () => api.get('/konnichiwa')]) {
    const start = Date.now();
    const got = await send();
    // After a timeout it may refuse at once for a moment, as the store's callers do.
    assertProblem(got, got.status, got.status === 503 ? 'unavailable' : 'timeout');
    assert.ok(Date.now() - start < 3000, `${Date.now() - start} ms`);
  }
}));

test('the first call to an upstream that hangs is 504', withWorld(async (world) => {
  const upstream = await world.fakeServer(() => {});
  const api = clientOf(await world.gateway(upstream, { UPSTREAM_TIMEOUT: '300ms' }));
  assertProblem(await api.post('/messages', { message: 'a' }), 504, 'timeout');
}));

test('an upstream that stops in the middle of its answer is bounded too', withWorld(async (world) => {
  const upstream = await world.fakeServer((socket) => {
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n['));
  });
  const api = clientOf(await world.gateway(upstream, { UPSTREAM_TIMEOUT: '300ms' }));
  const got = await api.get(`/rooms/${newRoom()}/messages`);
  assert.ok(got.status === 504 || got.status === 503, `${got.status}`);
}));

test('many calls to an upstream that hangs are all answered, and health goes on', withWorld(async (world) => {
  const upstream = await world.fakeServer(() => {});
  const api = clientOf(await world.gateway(upstream, { UPSTREAM_TIMEOUT: '1s' }));
  const start = Date.now();
  const waiting = Promise.allSettled([...Array(50)].map(() => api.post('/messages', { message: 'a' })));
  const health = await Promise.allSettled([...Array(5)].map(() => api.get('/livez')));
  for (const { value, reason } of health) {
    assert.ifError(reason);
    assert.equal(value.status, 200);
  }
  for (const { value, reason } of await waiting) {
    assert.ifError(reason);
    assertProblem(value, value.status, value.status === 503 ? 'unavailable' : 'timeout');
  }
  // A worker that waits holds up its neighbours, but not one after the other for each caller.
  assert.ok(Date.now() - start < 4000, `${Date.now() - start} ms`);
}));

const odd = {
  'bytes that are no HTTP': 'nonsense\r\n\r\n',
  'nothing': '',
  'HTML with 200': 'HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 4\r\n\r\n<h1>',
  'JSON cut short': 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n[{',
  'an object for a list': 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}',
  'a message that is none':
    'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n[{"id":1}]',
  'an internal error':
    'HTTP/1.1 500 Oops\r\nContent-Type: text/plain\r\nContent-Length: 17\r\n\r\n/srv/secret.c:127',
  'a redirect': 'HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n',
};

for (const [name, bytes] of Object.entries(odd)) {
  test(`an upstream that answers ${name} is no crash and shows nothing of it`, withWorld(async (world) => {
    const upstream = await world.fakeServer((socket) => socket.once('data', () => socket.end(bytes)));
    const api = clientOf(await world.gateway(upstream, { UPSTREAM_TIMEOUT: '500ms' }));
    for (const got of [await api.get(`/rooms/${newRoom()}/messages`),
      await api.post('/messages', { message: 'a' }), await api.get(`/messages/${ID}`)]) {
      assert.ok([500, 502, 503, 504].includes(got.status), `${got.status}: ${got.text}`);
      assert.equal(got.headers['content-type'], 'application/problem+json');
      assert.ok(!got.text.includes('secret'));
    }
    assert.equal((await api.get('/livez')).status, 200);
  }));
}

test('an upstream answer without end does not fill the memory', withWorld(async (world) => {
  const chunk = Buffer.alloc(1024 * 1024, 'x');
  let sent = 0;
  const upstream = await world.fakeServer((socket) => socket.once('data', () => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n["');
    const more = () => {
      while (!socket.destroyed && sent < 512) {
        sent += 1;
        if (!socket.write(chunk)) return;
      }
    };
    socket.on('drain', more);
    more();
  }));
  const api = clientOf(await world.gateway(upstream, { UPSTREAM_TIMEOUT: '2s' }));
  const got = await api.get(`/messages/${ID}`);
  assert.ok(got.status >= 500, `${got.status}`);
  assert.ok(sent < 512, 'it read all 512 MB');
}));

test('konnichiwa is fetched from the message service', withWorld(async (world) => {
  const { api, seen } = await withUpstream(world);
  assert.equal((await api.get('/konnichiwa')).text, 'Konnichiwa!');
  assert.ok(seen.some(({ url }) => url === '/konnichiwa'));
}));

test('a Location of the gateway works there', withWorld(async (world) => {
  const service = await world.messageService();
  const gateway = await world.gateway(service);
  const sent = await clientOf(gateway).postTo('a', { message: 'x' });
  const { pathname } = new URL(sent.headers.location, gateway.url);
  assert.equal((await request(gateway.url, { path: pathname })).json().message, 'x');
}));
