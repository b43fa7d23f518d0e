// The OpenAPI documents: that they are valid, that they hold every path and nothing else, and that
// what the services really answer is what is documented, in both directions.

import { Validator } from '@seriousme/openapi-schema-validator';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { EventReader } from './event_stream.mjs';
import {
  allowed, assertAccepted, assertCommonHeaders, assertProblem, clientOf, newRoom, onEveryService, SERVICES,
  STORES, until, withWorld, World,
} from './harness.mjs';
import { OpenApiDocument, walk } from './openapi_document.mjs';

const URN = 'urn:tempmessenger:problem:';
const source = (name) => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');

/** The routes of a program, as its source has them: { path, methods }. */
const routesOf = (name) => [...source(`${name}/routes.c`).matchAll(/\{\.path = "([^"]+)"([^}]*)\}/g)]
  .map(([, path, rest]) => ({
    path: path.replace(/:(\w+)/g, '{$1}'),
    methods: ['GET', 'POST', 'PUT', 'DELETE'].filter((method) => rest.includes(`.handlers[HTTP_${method}] = `)),
  }));

async function documentOf(api, headers = {}) {
  return new OpenApiDocument((await api.get('/openapi.json', headers)).json());
}

/** Services that differ in what they can be made to answer. */
class Stage {
  constructor(world, name) {
    this.world = world;
    this.isGateway = name === 'web-gateway';
  }

  /** A message service with these settings, or a gateway in front of it with those. */
  async client(env = {}, gatewayEnv = { RATE_LIMIT: '10000/s' }) {
    const service = await this.world.messageService(env);
    return clientOf(this.isGateway ? await this.world.gateway(service, gatewayEnv) : service);
  }

  /** One that finds what is behind it at `port`. */
  async before(port) {
    return clientOf(this.isGateway
      ? await this.world.gateway(`http://127.0.0.1:${port}`, { UPSTREAM_TIMEOUT: '200ms', RATE_LIMIT: '10000/s' })
      : await this.world.messageService({ STORE_URL: `redis://127.0.0.1:${port}`, STORE_TIMEOUT: '200ms' }));
  }
}

const JSON_TYPE = 'application/json';
const FORM_TYPE = 'application/x-www-form-urlencoded';

const fill = (path, values) => path.replace(/\{(\w+)\}/g, (_, name) => values[name]);
const any = () => true;
const isWrite = ({ method }) => method === 'POST';
const isForm = ({ operation }) => operation.requestBody?.$ref?.endsWith('/Form') ?? false;

/** A request that an operation takes, at a room of its own where the path has one. */
function target({ path }, id = '0'.repeat(32)) {
  return fill(path, { room: newRoom(), id, file: 'page.css' });
}

function send(api, operation, path, { body = '{"message":"a"}', type = JSON_TYPE, headers = {} } = {}) {
  if (operation.method === 'GET') return api.get(path, headers);
  return api.post(path, body, { 'Content-Type': type, ...headers });
}

/** The path of an operation at which there is something to be read. */
async function existing(api, operation) {
  if (!operation.path.endsWith('/messages/{id}')) return target(operation);
  const room = operation.path.includes('{room}') ? newRoom() : 'lobby';
  const { id } = await api.create(room, 'here');
  return fill(operation.path, { room, id });
}

/** All answers that tests can have, each with its operation: { operation, answer }. */
class Answers {
  #list = [];
  #stage;
  #document;

  constructor(stage, document) {
    this.#stage = stage;
    this.#document = document;
  }

  get list() {
    return this.#list;
  }

  add(operation, answer) {
    this.#list.push({ operation, answer });
  }

  /** Sends the same to each operation that `picks`, whatever the document says of its answer. */
  async #each(picks, ask) {
    for (const operation of this.#document.operations().filter(picks)) {
      this.add(operation, await ask(operation));
    }
  }

  async collect() {
    const api = await this.#stage.client();
    await this.#good(api);
    await this.#refusedByTheServer(api);
    await this.#refusedBodies(api);
    await this.#limits();
    await this.#outages();
  }

  async #good(api) {
    const isStream = (operation) =>
      this.#document.response(operation, 200)?.value.content?.['text/event-stream'] !== undefined;
    for (const operation of this.#document.operations().filter((one) => !isStream(one))) {
      const path = await existing(api, operation);
      const answer = await send(api, operation, path);
      this.add(operation, answer);
      if (operation.method === 'GET' && answer.headers.etag) {
        this.add(operation, await api.get(path, { 'If-None-Match': answer.headers.etag }));
      }
    }
    await this.#each(isWrite, (operation) =>
      send(api, operation, target(operation), { headers: { Prefer: 'return=representation' } }));
    for (const [body, type] of [['message=a&ttl=&author=', FORM_TYPE], ['a', 'text/plain']]) {
      await this.#each(isForm, (operation) => send(api, operation, target(operation), { body, type }));
    }
    const isPage = ({ path, method }) => path === '/' && method === 'GET';
    for (const room of ['ops', 'OPS']) await this.#each(isPage, () => api.get(`/?room=${room}`));
    for (const file of ['page.js', 'icon.svg', 'icon-180.png', 'favicon.ico', 'page.webmanifest']) {
      await this.#each(({ path }) => path === '/static/{file}', () => api.get(`/static/${file}`));
    }
  }

  async #refusedByTheServer(api) {
    await this.#each(any, (operation) => api.request({ method: 'DELETE', path: target(operation) }));
    const crowd = { 'X-Crowd': 'x'.repeat(11_200) };
    await this.#each(any, (operation) => send(api, operation, target(operation), { headers: crowd }));
    for (const headers of [{}, { Accept: 'text/plain' }]) {
      await this.#each(({ path }) => /\{(id|file)\}$/.test(path), (operation) =>
        api.get(fill(operation.path, { room: newRoom(), id: 'nothing', file: 'nothing.js' }), headers));
    }
    for (const operation of this.#document.operations()) {
      if (!operation.path.includes('{room}')) continue;
      this.add(operation, await send(api, operation, fill(operation.path, { room: 'UP', id: '0'.repeat(32) })));
    }
    const takesLimit = ({ operation }) =>
      operation.parameters?.some(({ $ref }) => $ref === '#/components/parameters/limit') ?? false;
    await this.#each(takesLimit, (operation) => api.get(`${target(operation)}?limit=0`));
    const foreign = { headers: { Origin: 'http://elsewhere.example' } };
    await this.#each(isWrite, (operation) => send(api, operation, target(operation), foreign));
    if (this.#stage.isGateway) return;
    const locked = clientOf(await this.#stage.world.messageService({ SERVICE_TOKEN: 'secret' }));
    await this.#each(any, (operation) => send(locked, operation, target(operation)));
  }

  async #refusedBodies(api) {
    const bodies = ['nonsense', '{}', '{"message":5}', '{"message":"a","ttl":0}', '{"message":"a","author":""}',
      JSON.stringify({ message: 'a'.repeat(4097) })];
    for (const body of bodies) {
      await this.#each(isWrite, (operation) => send(api, operation, target(operation), { body }));
    }
    await this.#each(isWrite, (operation) => send(api, operation, target(operation),
      { headers: { 'Idempotency-Key': 'a b', Accept: 'text/plain' } }));
    await this.#each(isWrite, (operation) => send(api, operation, target(operation),
      { headers: { 'Content-Encoding': 'gzip' } }));
    await this.#each(isWrite, async (operation) => {
      const path = target(operation);
      const headers = { 'Idempotency-Key': `key-of-${operation.operation.operationId}` };
      this.add(operation, await send(api, operation, path, { headers }));
      return send(api, operation, path, { headers, body: '{"message":"b"}' });
    });
  }

  async #limits() {
    const full = await this.#stage.client({ ROOM_MAX_MESSAGES: '1' });
    await this.#each(isWrite, async (operation) => {
      const path = target(operation);
      await send(full, operation, path);
      return send(full, operation, path);
    });
    if (!this.#stage.isGateway) return;
    const slow = await this.#stage.client({}, { RATE_LIMIT: '1/h' });
    await slow.post('/messages', { message: 'a' });
    await this.#each(isWrite, (operation) => send(slow, operation, target(operation)));
    const curious = await this.#stage.client({}, { TRUSTED_PROXIES: '192.0.2.1', ROOM_OPEN_LIMIT: '1/h' });
    await curious.get(`/rooms/${newRoom()}/messages`);
    const opensRooms = (operation) => !isWrite(operation) && this.#document.response(operation, 429) !== undefined;
    await this.#each(opensRooms, (operation) => send(curious, operation, target(operation)));
  }

  async #outages() {
    const gone = await this.#stage.world.fakeServer((socket) => socket.destroy());
    const cut = await this.#stage.before(gone.port);
    await this.#each(any, (operation) => send(cut, operation, target(operation)));
    const silent = await this.#stage.world.fakeServer(() => {});
    const waiting = await this.#stage.before(silent.port);
    await this.#each(any, (operation) => send(waiting, operation, target(operation)));
    // After one that came to nothing the next are refused at once, for a moment.
    const mayTimeOut = (operation) => this.#document.response(operation, 504) !== undefined;
    await this.#each(mayTimeOut, (operation) => until('a timeout', async () => {
      const answer = await send(waiting, operation, target(operation));
      return answer.status === 504 ? answer : undefined;
    }));
  }
}

/** Runs `prepare` before a suite's tests; stops all that runs where it fails, and after them. */
function beforeAll(world, prepare) {
  before(async () => {
    try {
      await prepare();
    } catch (error) {
      await world.close().catch(() => {});
      throw error;
    }
  });
  after(() => world.close());
}

for (const name of SERVICES) {
  describe(`the OpenAPI document of ${name}`, () => {
    const world = new World();
    const stage = new Stage(world, name);
    let api;
    let document;
    beforeAll(world, async () => {
      api = await stage.client();
      document = await documentOf(api);
    });

    test('is valid OpenAPI 3.1', async () => {
      const validator = new Validator();
      const { valid, errors } = await validator.validate(structuredClone(document.json));
      assert.ok(valid, JSON.stringify(errors, null, 2));
      assert.equal(validator.version, '3.1');
    });

    test('has the version of the program, and says which service it is', async () => {
      const { stdout } = await world.run(name, {}, ['--version']);
      assert.equal(stdout, `${name} ${document.json.info.version}\n`);
      assert.equal(document.json.info.title, `TempMessenger ${name.replace('-', ' ')}`);
    });

    test('no reference dangles, and no component is without use', () => {
      const used = new Set(['#/components/responses/Metrics']);
      walk(document.json, (value, names) => {
        if (value.$ref === undefined) return;
        assert.notEqual(document.resolve(value).value, undefined, `${names.join(' ')}: ${value.$ref}`);
        used.add(value.$ref);
      });
      for (const [kind, components] of Object.entries(document.json.components)) {
        if (kind === 'securitySchemes') continue;
        for (const component of Object.keys(components)) {
          assert.ok(used.has(`#/components/${kind}/${component}`), `${kind} ${component}`);
        }
      }
    });

    test('every operation has a summary, a known tag, an id of its own and its path\'s parameters', () => {
      const ids = new Set();
      const tags = new Set(document.json.tags.map((tag) => tag.name));
      for (const { path, operation, parameters } of document.operations()) {
        assert.ok(operation.summary, path);
        assert.ok(operation.tags.every((tag) => tags.has(tag)), path);
        assert.ok(!ids.has(operation.operationId), operation.operationId);
        ids.add(operation.operationId);
        const inPath = parameters.filter((parameter) => parameter.in === 'path').map((parameter) => parameter.name);
        assert.deepEqual(inPath, [...path.matchAll(/\{(\w+)\}/g)].map(([, parameter]) => parameter), path);
      }
    });

    test('every example is one', () => {
      let count = 0;
      const check = (value, names) => {
        count += 1;
        assert.deepEqual(document.faultsOf(value, names), [], names.join(' '));
      };
      walk(document.json, (value, names) => {
        if (value.schema !== undefined) {
          if (value.example !== undefined) check(value.example, [...names, 'schema']);
          for (const { value: example } of Object.values(value.examples ?? {})) check(example, [...names, 'schema']);
        } else if (Array.isArray(value.examples)) {
          for (const example of value.examples) check(example, names);
        }
      });
      assert.ok(count > 20, `${count} examples`);
    });

    test('holds the routes of the program, and no other', () => {
      const inProgram = routesOf(name).flatMap(({ path, methods }) => methods.map((method) => `${method} ${path}`));
      const documented = document.operations().map(({ path, method }) => `${method} ${path}`);
      assert.deepEqual(documented.sort(), inProgram.sort());
    });

    test('each path takes the methods that are documented, and no other', async () => {
      for (const path of Object.keys(document.json.paths)) {
        const methods = document.operations().filter((one) => one.path === path).map(({ method }) => method);
        if (methods.includes('GET')) methods.push('HEAD');
        const answer = await api.request({ method: 'OPTIONS', path: target({ path }) });
        assert.equal(answer.status, 204, path);
        assert.deepEqual(allowed(answer), [...methods, 'OPTIONS'].sort(), path);
      }
    });

    test('a path that is not documented is 404', async () => {
      for (const path of Object.keys(document.json.paths)) {
        assertProblem(await api.get(`${target({ path }).replace(/\/$/, '')}/and/more/yet`), 404, 'not-found');
      }
    });

    test('and then all end cleanly', () => world.close());
  });

  describe(`the answers of ${name}`, () => {
    const world = new World();
    let document;
    let answers;
    beforeAll(world, async () => {
      const stage = new Stage(world, name);
      document = await documentOf(await stage.client());
      answers = new Answers(stage, document);
      await answers.collect();
    });

    test('each is one that is documented, header for header and member for member', () => {
      const faults = answers.list.flatMap(({ operation, answer }) => document.faultsOfAnswer(operation, answer)
        .map((fault) => `${operation.method} ${operation.path} ${answer.status}: ${fault}`));
      assert.deepEqual([...new Set(faults)], []);
    });

    test('each that is documented was seen', () => {
      const seen = new Set(answers.list.map(({ operation, answer }) => document.nameOf(operation, answer)));
      const isUnseen = (answer) => !seen.has(answer)
        // Nobody should ever see the one; the other is a stream, and has a suite of its own.
        && !answer.endsWith(`${URN}internal`) && !/events 200$/.test(answer);
      assert.deepEqual(document.operations().flatMap((operation) => document.answersOf(operation))
        .filter(isUnseen), []);
    });

    test('each problem has the title of its example', () => {
      for (const { operation, answer } of answers.list) {
        if (answer.headers['content-type'] !== 'application/problem+json') continue;
        const problem = answer.json();
        const { examples } = document.response(operation, answer.status).value.content['application/problem+json'];
        assert.equal(problem.title, examples[problem.type.replace(URN, '')].value.title);
      }
    });

    test('and then all end cleanly', () => world.close());
  });
}

test('every problem of the services is in one of the documents', withWorld(async (world) => {
  const inProgram = [...source('libcommon/base/error.h').matchAll(/\bX\(\w+, (\d{3}), "([a-z-]+)"/g)]
    .map(([, status, type]) => `${status} ${URN}${type}`);
  assert.ok(inProgram.length > 10);
  const documented = new Set();
  for (const name of SERVICES) {
    const api = await new Stage(world, name).client();
    const document = await documentOf(api);
    for (const operation of document.operations()) {
      for (const answer of document.answersOf(operation)) {
        const [, problem] = / (\d{3} urn:.*)$/.exec(answer) ?? [];
        if (problem) documented.add(problem);
      }
    }
  }
  assert.deepEqual([...documented].sort(), inProgram.sort());
}));

onEveryService('/openapi.json', (api) => {
  test('is JSON, to be kept and asked about', async () => {
    const answer = await api.get('/openapi.json');
    assert.equal(answer.status, 200);
    assertCommonHeaders(answer);
    assert.equal(answer.headers['content-type'], 'application/json');
    assert.equal(answer.headers['cache-control'], 'no-cache');
    assert.match(answer.headers.etag, /^"[0-9a-f-]+"$/);
    assert.equal(answer.json().openapi, '3.1.0');
  });

  test('If-None-Match gets 304', async () => {
    const { headers: { etag } } = await api.get('/openapi.json');
    for (const match of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const answer = await api.get('/openapi.json', { 'If-None-Match': match });
      assert.equal(answer.status, 304, match);
      assert.equal(answer.text, '');
      assert.equal(answer.headers.etag, etag);
      assert.equal(answer.headers['cache-control'], 'no-cache');
    }
    for (const match of ['"other"', etag.slice(0, -2), '']) {
      assert.equal((await api.get('/openapi.json', { 'If-None-Match': match })).status, 200, match);
    }
  });

  test('HEAD is GET without the body', async () => {
    const { headers, bytes } = await api.get('/openapi.json');
    const answer = await api.request({ method: 'HEAD', path: '/openapi.json' });
    assert.equal(answer.status, 200);
    assert.equal(answer.text, '');
    assert.equal(Number(answer.headers['content-length']), bytes.length);
    for (const name of ['content-type', 'etag', 'cache-control']) assert.equal(answer.headers[name], headers[name]);
  });

  test('takes no other method', async () => {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
      const answer = await api.request({ method, path: '/openapi.json' });
      assertProblem(answer, 405, 'method-not-allowed');
      assert.deepEqual(allowed(answer), ['GET', 'HEAD', 'OPTIONS']);
    }
  });

  describe('what it says of a request', () => {
    let document;
    before(async () => {
      document = await documentOf(api);
    });
    const holds = (value, ...names) => document.faultsOf(value, ['components', ...names]).length === 0;

    for (const room of ['a', '0', 'a-', 'x'.repeat(64), '-a', 'A', 'a_b', 'x'.repeat(65), 'é', 'a.b']) {
      test(`the room ${room.slice(0, 20)} (${room.length})`, async () => {
        const answer = await api.get(`/rooms/${encodeURIComponent(room)}/messages`);
        assert.equal(holds(room, 'schemas', 'Room'), answer.status === 200, answer.text);
        assert.ok([200, 400].includes(answer.status));
      });
    }

    for (const id of ['a', 'A-b_c.9', 'x'.repeat(64), 'x'.repeat(65), 'a b', 'a/b']) {
      test(`X-Request-Id ${id.slice(0, 20)} (${id.length})`, async () => {
        const answer = await api.get('/livez', { 'X-Request-Id': id });
        assert.equal(holds(id, 'parameters', 'X-Request-Id', 'schema'), answer.headers['x-request-id'] === id);
      });
    }

    for (const key of ['k', '"k"', '~'.repeat(64), `"${'~'.repeat(64)}"`, '~'.repeat(65), `"${'~'.repeat(65)}"`,
      '"', '""', '"""', 'a b', 'Ã©']) {
      test(`Idempotency-Key ${key.slice(0, 20)} (${key.length})`, async () => {
        const answer = await api.postTo(newRoom(), { message: 'a' }, { 'Idempotency-Key': key });
        const accepted = answer.status === (api.isGateway ? 204 : 201);
        assert.equal(holds(key, 'parameters', 'Idempotency-Key', 'schema'), accepted, answer.text);
      });
    }

    test('the examples of bodies are accepted', async () => {
      const { content } = document.json.components.requestBodies.Draft;
      const examples = Object.values(content['application/json'].examples).map(({ value }) => value);
      assert.equal(examples.length, 2);
      for (const body of examples) assertAccepted(api, await api.postTo(newRoom(), body));
      assertAccepted(api, await api.postTo(newRoom(), content['text/plain'].example, { 'Content-Type': 'text/plain' }));
    });

    for (const [body, valid] of [
      [{ message: 'a', author: 'b'.repeat(40), ttl: 1, more: null }, true], [{ message: 'a', ttl: 1.5 }, true],
      [{ message: 'a', author: 'b'.repeat(41) }, false], [{ message: 'a', author: '' }, false],
      [{ message: '' }, false], [{ message: null }, false], [{ message: 'a', ttl: '1' }, false],
      [{ message: 'a', ttl: 0 }, false], [{ message: 'a', author: null }, false], [{}, false], [['a'], false]]) {
      test(`the body ${JSON.stringify(body).slice(0, 60)}`, async () => {
        const answer = await api.postTo(newRoom(), body);
        assert.equal(holds(body, 'schemas', 'Draft'), valid);
        assert.equal(answer.status < 300, valid, answer.text);
      });
    }
  });

  test('the events are those of the document, with their data', async () => {
    const document = await documentOf(api);
    const operation = document.operations().find(({ path }) => path === '/rooms/{room}/events');
    const { value: response, names } = document.response(operation, 200);
    const room = newRoom();
    const reader = await new EventReader(api.base, { room }).open();
    await reader.first();
    const { id } = await api.create(room, { message: 'a', ttl: 1 });
    await reader.until('the end of the message', () => reader.named('expired').length > 0);
    reader.close();
    const later = await new EventReader(api.base, { room, lastEventId: reader.lastEventId }).open();
    await later.until('an opening', () => later.events.length > 0);
    later.close();
    const events = [...reader.events, ...later.events];
    assert.deepEqual(events.map(({ name }) => name), ['snapshot', 'message', 'expired', 'resumed']);
    assert.equal(events[2].data.id, id);
    const documented = response.content['text/event-stream']['x-events'];
    for (const { name, id: eventId, data } of events) {
      const at = [...names, 'content', 'text/event-stream', 'x-events', name];
      assert.deepEqual(document.faultsOf(data, [...at, 'data']), [], name);
      assert.equal(eventId !== undefined, documented[name].id, name);
    }
    const answer = { status: reader.status, headers: reader.headers, text: '', bytes: Buffer.alloc(0) };
    assert.deepEqual(document.faultsOfAnswer(operation, answer), []);
  });
}, { stores: [STORES[0]] });

describe('over restarts and with a token', () => {
  test('the same program has the same document', withWorld(async (world) => {
    for (const name of SERVICES) {
      const [one, other] = [await new Stage(world, name).client(), await new Stage(world, name).client()];
      const [first, second] = [await one.get('/openapi.json'), await other.get('/openapi.json')];
      assert.equal(first.headers.etag, second.headers.etag);
      assert.equal(first.text, second.text);
    }
  }));

  test('where SERVICE_TOKEN is set the message service shows it with the token alone', withWorld(async (world) => {
    const api = clientOf(await world.messageService({ SERVICE_TOKEN: 'secret' }));
    assertProblem(await api.get('/openapi.json'), 401, 'unauthorized');
    assertProblem(await api.get('/openapi.json', { Authorization: 'Bearer wrong' }), 401, 'unauthorized');
    const answer = await api.get('/openapi.json', { Authorization: 'Bearer secret' });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['cache-control'], 'no-cache');
  }));

  test('what needs no token is what is open', withWorld(async (world) => {
    const api = clientOf(await world.messageService({ SERVICE_TOKEN: 'secret' }));
    const document = await documentOf(api, { Authorization: 'Bearer secret' });
    for (const operation of document.operations()) {
      const answer = await send(api, operation, target(operation));
      const isOpen = operation.operation.security?.length === 0;
      assert.equal(answer.status === 401, !isOpen, `${operation.method} ${operation.path}`);
    }
  }));

  test('the gateway needs none', withWorld(async (world) => {
    const service = await world.messageService({ SERVICE_TOKEN: 'secret' });
    const api = clientOf(await world.gateway(service, { SERVICE_TOKEN: 'secret' }));
    assert.equal((await api.get('/openapi.json')).status, 200);
    assert.equal((await api.get('/openapi.json')).json().components.securitySchemes, undefined);
  }));
});
