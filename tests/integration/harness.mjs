// What the integration tests stand on: real processes, started on free ports and always stopped,
// and an HTTP client that hides nothing.
//
// A World owns what a test or a suite starts. Closing it stops everything, the last started first,
// and fails where a service did not end with status 0 or a sanitizer had something to say.
// All waits are bounded.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const BIN_DIR = path.resolve(process.env.BIN_DIR ?? path.join(root, 'build/release/bin'));
export const TEMPLATE_DIR = path.join(root, 'templates');

/** Under a sanitizer everything takes longer: counts are smaller there and limits of time wider. */
export const SANITIZED = process.env.TEST_SCALE === 'small' || /asan|tsan/.test(BIN_DIR);
export const scaled = (full, sanitized) => (SANITIZED ? sanitized : full);

export const START_TIMEOUT_MS = 20_000;
export const STOP_TIMEOUT_MS = 20_000;
export const REQUEST_TIMEOUT_MS = 15_000;
export const WAIT_TIMEOUT_MS = 15_000;
export const TEST_TIMEOUT_MS = 60_000;
const OUTPUT_MAX_BYTES = 16 * 1024 * 1024;

const SANITIZER_REPORT =
  /ERROR: AddressSanitizer|WARNING: ThreadSanitizer|LeakSanitizer|runtime error:|FATAL: ThreadSanitizer/;

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Rejects with `what` where `promise` takes longer than `ms`. */
export function within(ms, what, promise) {
  let timer;
  const timeout = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms);
  });
  return Promise.race([promise, timeout]).finally(() => clearTimeout(timer));
}

/** Calls `probe` until it returns something true, which is the result. */
export async function until(what, probe, timeoutMs = WAIT_TIMEOUT_MS, pauseMs = 20) {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const result = await probe();
    if (result) return result;
    if (Date.now() >= end) throw new Error(`${what}: not within ${timeoutMs} ms`);
    await sleep(pauseMs);
  }
}

// Whatever ends this process takes the children with it.
const living = new Set();
process.on('exit', () => {
  for (const child of living) child.kill('SIGKILL');
});
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.once(signal, () => process.exit(1));

/** What each thread of a process is doing, as far as the kernel tells. */
function threadsOf(pid) {
  const read = (task, file) => {
    try {
      return readFileSync(`/proc/${pid}/task/${task}/${file}`, 'utf8').trim();
    } catch {
      return '?';
    }
  };
  try {
    return readdirSync(`/proc/${pid}/task`).map((task) => {
      const state = read(task, 'stat').replace(/^.*\) (.) .*$/s, '$1');
      return `thread ${task} ${state}, in ${read(task, 'wchan')}, system call ${read(task, 'syscall')}`;
    }).join('\n');
  } catch {
    return '';
  }
}

/** A child process with its output. */
class Program {
  constructor(command, args, env) {
    this.name = path.basename(command);
    this.stdout = '';
    this.stderr = '';
    this.child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    living.add(this.child);
    this.child.stdout.on('data', (data) => {
      if (this.stdout.length < OUTPUT_MAX_BYTES) this.stdout += data;
    });
    this.child.stderr.on('data', (data) => {
      if (this.stderr.length < OUTPUT_MAX_BYTES) this.stderr += data;
    });
    this.running = true;
    // 'close' comes after the output has ended, so nothing of it is missed.
    this.ended = new Promise((resolve) => {
      this.child.once('error', (error) => this.#end(resolve, { error }));
      this.child.once('close', (code, signal) => this.#end(resolve, { code, signal }));
    });
  }

  #end(resolve, result) {
    this.running = false;
    living.delete(this.child);
    this.result = result;
    resolve(result);
  }

  /** Returns when all of its threads have come to a stop, which is not at once. */
  freeze() {
    this.signal('SIGSTOP');
    const tasks = `/proc/${this.child.pid}/task`;
    const limit = Date.now() + 5000;
    const state = (task) => /\) (.) /.exec(readFileSync(`${tasks}/${task}/stat`, 'utf8'))[1];
    while (!readdirSync(tasks).every((task) => state(task) === 'T')) {
      assert.ok(Date.now() < limit, 'the process does not stop');
    }
  }

  signal(name) {
    if (this.running) this.child.kill(name);
  }

  /** Waits for the end; kills what does not end in time. */
  async wait(timeoutMs = STOP_TIMEOUT_MS) {
    try {
      return await within(timeoutMs, `${this.name} ends`, this.ended);
    } catch (error) {
      error.message += `\n${threadsOf(this.child.pid)}\n${tail(this.stderr)}`;
      this.signal('SIGKILL');
      throw error;
    }
  }
}

const tail = (text, length = 4000) => (text.length > length ? `…${text.slice(-length)}` : text);

function assertNoReport({ name, stderr }) {
  const at = stderr.search(SANITIZER_REPORT);
  assert.ok(at < 0, `${name}: a sanitizer reports: ${stderr.slice(at, at + 4000)}`);
}

/** Only what the tests name, and what the sanitizers are told: nothing of the caller's shell. */
function cleanEnvironment(env) {
  const kept = {};
  for (const name of ['PATH', 'HOME', 'ASAN_OPTIONS', 'UBSAN_OPTIONS', 'TSAN_OPTIONS', 'LSAN_OPTIONS']) {
    if (process.env[name] !== undefined) kept[name] = process.env[name];
  }
  return { ...kept, ...env };
}

/** One of the two services, listening. */
class Service extends Program {
  constructor(name, args, env) {
    super(path.join(BIN_DIR, name), args, cleanEnvironment(env));
    this.expectedToDie = false;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  logLines() {
    return this.stderr.split('\n').filter((line) => line !== '');
  }

  async #listening() {
    const find = () => {
      for (const line of this.logLines()) {
        let entry;
        try {
          entry = JSON.parse(line);
        } catch {
          continue;
        }
        if (entry.message === 'listening' && entry.port > 0) return entry.port;
      }
      return undefined;
    };
    this.port = await until(`${this.name} listens`, () => {
      if (!this.running) {
        throw new Error(`${this.name} ended: ${JSON.stringify(this.result)}\n${tail(this.stderr)}`);
      }
      return find();
    }, START_TIMEOUT_MS, 10).catch((error) => {
      error.message += `\n${tail(this.stderr)}`;
      throw error;
    });
  }

  async listen() {
    try {
      await this.#listening();
    } catch (error) {
      this.signal('SIGKILL');
      await this.ended;
      throw error;
    }
    return this;
  }

  thaw() {
    this.signal('SIGCONT');
  }

  /** Stops as an operator would and checks that it went well. Once; then nothing to do. */
  async stop(signal = 'SIGTERM') {
    this.thaw();
    this.signal(signal);
    await this.wait();
    if (this.stopped) return;
    this.stopped = true;
    this.assertClean();
  }

  /** Ends it as a crash would. */
  async kill() {
    this.expectedToDie = true;
    this.signal('SIGKILL');
    await this.wait();
  }

  assertClean() {
    assertNoReport(this);
    if (this.expectedToDie) return;
    assert.deepEqual(this.result, { code: 0, signal: null },
      `${this.name} ended oddly:\n${tail(this.stderr)}`);
  }
}

/** A Redis of one's own. */
class Redis {
  constructor(folder, { port, config = [] }) {
    this.folder = folder;
    this.socket = path.join(folder, 'redis.sock');
    this.port = port;
    this.config = config;
  }

  get url() {
    return `unix://${this.socket}`;
  }

  get tcpUrl() {
    return `redis://127.0.0.1:${this.port}`;
  }

  async start() {
    const args = ['--port', String(this.port), '--bind', '127.0.0.1', '--unixsocket', this.socket,
      '--dir', this.folder, '--save', '', '--appendonly', 'no', '--daemonize', 'no', ...this.config];
    this.program = new Program('redis-server', args, cleanEnvironment({}));
    await until('redis-server answers', async () => {
      if (!this.program.running) throw new Error(`redis-server ended:\n${this.program.stdout}`);
      try {
        return /PONG|NOAUTH/.test(await this.command('PING'));
      } catch {
        return false;
      }
    }, START_TIMEOUT_MS);
    return this;
  }

  /** One command by redis-cli; the answer as it prints it. */
  command(...args) {
    return new Promise((resolve, reject) => {
      execFile('redis-cli', ['-s', this.socket, ...args], { timeout: REQUEST_TIMEOUT_MS },
        (error, stdout) => (error ? reject(error) : resolve(stdout.trim())));
    });
  }

  /** Ends it as a crash would; `start` brings it back, with what its configuration has kept. */
  async stop() {
    if (!this.program) return;
    this.program.signal('SIGCONT');
    this.program.signal('SIGKILL');
    await this.program.wait();
  }

  freeze() {
    this.program.freeze();
  }

  thaw() {
    this.program.signal('SIGCONT');
  }
}

/** A port that was free a moment ago. */
export async function freePort() {
  const server = net.createServer();
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export const SERVICES = ['message-service', 'web-gateway'];
export const STORES = ['memory', 'redis'];

/** Calls what is to be called at the end, the last added first, and all of it though some fails. */
export async function closeAll(closers) {
  const errors = [];
  while (closers.length > 0) {
    try {
      await closers.pop()();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}

/** What a test has started. */
export class World {
  #closers = [];
  #runs = [];

  onClose(close) {
    this.#closers.push(close);
  }

  async folder() {
    const folder = await mkdtemp(path.join(tmpdir(), 'tempmessenger-'));
    this.onClose(() => rm(folder, { recursive: true, force: true }));
    return folder;
  }

  async redis(options = {}) {
    const redis = new Redis(await this.folder(), { port: 0, ...options });
    this.onClose(() => redis.stop());
    return redis.start();
  }

  /** Starts a service that is expected to listen. */
  async service(name, env = {}, args = []) {
    const service = new Service(name, args,
      { PORT: '0', LOG_FORMAT: 'json', ...(name === 'web-gateway' ? { TEMPLATE_DIR } : {}), ...env });
    this.onClose(() => service.stop());
    return service.listen();
  }

  messageService(env = {}, args = []) {
    return this.service('message-service', env, args);
  }

  gateway(upstream, env = {}, args = []) {
    const url = typeof upstream === 'string' ? upstream : upstream.url;
    return this.service('web-gateway', { MESSAGE_SERVICE_URL: url, RATE_LIMIT: 'off', ...env }, args);
  }

  /** Runs a program that is expected to end by itself, as with a wrong setting. */
  async run(name, env = {}, args = []) {
    const program = new Program(path.join(BIN_DIR, name), args,
      cleanEnvironment({ PORT: '0', ...(name === 'web-gateway' ? { TEMPLATE_DIR } : {}), ...env }));
    this.#runs.push(program);
    this.onClose(async () => {
      program.signal('SIGKILL');
      await program.wait();
    });
    const result = await program.wait();
    assertNoReport(program);
    return { ...result, stdout: program.stdout, stderr: program.stderr };
  }

  /** Ends what was started last by `run`, in an orderly way. */
  stopRun() {
    const program = this.#runs.pop();
    program.signal('SIGTERM');
    return program.wait();
  }

  /** Both services over one store. */
  async stack({ store = 'memory', env = {}, gatewayEnv = {} } = {}) {
    const redis = store === 'redis' ? await this.redis() : undefined;
    const storeUrl = redis ? redis.url : 'memory:';
    const service = await this.messageService({ STORE_URL: storeUrl, ...env });
    const gateway = await this.gateway(service, gatewayEnv);
    await ready(gateway);
    return { redis, service, gateway, of: (name) => (name === 'web-gateway' ? gateway : service) };
  }

  /** A server of the test's own in the place of a real one. */
  async fakeServer(onConnection) {
    const sockets = new Set();
    const server = net.createServer((socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => {});
      onConnection(socket);
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.onClose(() => new Promise((resolve) => {
      for (const socket of sockets) socket.destroy();
      server.close(resolve);
    }));
    return { url: `http://127.0.0.1:${server.address().port}`, port: server.address().port };
  }

  async fakeHttp(handler) {
    const server = http.createServer((request, response) => {
      const chunks = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', () => {
        request.body = Buffer.concat(chunks);
        handler(request, response);
      });
      request.on('error', () => {});
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    this.onClose(() => new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    }));
    return { url: `http://127.0.0.1:${server.address().port}`, port: server.address().port };
  }

  async close() {
    await closeAll(this.#closers);
  }
}

/** The body of a test with a world of its own: `test('…', withWorld(async (world) => …))`. */
export function withWorld(body, timeoutMs = TEST_TIMEOUT_MS) {
  return async () => {
    const world = new World();
    try {
      await within(timeoutMs, 'the test', body(world));
    } catch (error) {
      await world.close().catch((other) => {
        error.message += `\nand then: ${other.message}`;
      });
      throw error;
    }
    await world.close();
  };
}

/** A suite for each store, with one stack for all of its tests: `define(stack)` gets a stack that
 * is there once tests run. That it ends cleanly is a part of the suite. */
export function onEveryStore(title, define, options = {}) {
  for (const store of options.stores ?? STORES) {
    describe(`${title} [${store}]`, () => {
      const world = new World();
      const stack = { world };
      before(async () => {
        try {
          Object.assign(stack, await world.stack({ store, ...options }));
        } catch (error) {
          await world.close().catch(() => {});
          throw error;
        }
      });
      define(stack, store);
      // A test, since what goes wrong in after() is in no count; after() is for when it was not run.
      test('and then both end cleanly', () => world.close());
      after(() => world.close());
    });
  }
}

/** A suite for each store and, within it, each service: `define(api, name)` gets a client. */
export function onEveryService(title, define, options = {}) {
  onEveryStore(title, (stack) => {
    for (const name of SERVICES) {
      describe(name, () => define(new Client(() => stack.of(name).url, name), name, stack));
    }
  }, options);
}

export async function ready(service) {
  await until(`${service.name} is ready`,
    async () => (await request(service.url, { path: '/readyz' })).status === 200);
}

/** One request on a connection of its own. The path goes out as it is. */
export function request(base, { method = 'GET', path: target = '/', headers = {}, body, agent = false } = {}) {
  const { hostname, port } = new URL(base);
  let outgoing;
  const answered = new Promise((resolve, reject) => {
    outgoing = http.request({ hostname, port, method, path: target, headers, agent }, (incoming) => {
      const chunks = [];
      incoming.on('data', (chunk) => chunks.push(chunk));
      incoming.on('error', reject);
      incoming.on('end', () => {
        const bytes = Buffer.concat(chunks);
        resolve({
          status: incoming.statusCode,
          headers: incoming.headers,
          bytes,
          text: bytes.toString('utf8'),
          json: () => JSON.parse(bytes.toString('utf8')),
        });
        // Where the answer came before all of the body was sent, the rest is of no interest.
        if (!outgoing.writableFinished) outgoing.destroy();
      });
    });
    outgoing.on('error', reject);
    outgoing.setTimeout(REQUEST_TIMEOUT_MS, () => outgoing.destroy(new Error('request timed out')));
    if (body !== undefined) outgoing.write(body);
    outgoing.end();
  });
  return within(REQUEST_TIMEOUT_MS * 2, `${method} ${target}`, answered).catch((error) => {
    outgoing?.destroy(); // its own timeout does not run while it is still connecting
    throw error;
  });
}

/** Sends `bytes` as they are and returns all that comes until the other end closes, until what came
 * has `enough` in it, or until `quietMs` pass; `hangUp` closes right after sending. */
export function raw(port, bytes, { quietMs = 3000, hangUp = false, enough } = {}) {
  return new Promise((resolve) => {
    const chunks = [];
    const socket = net.connect({ port, host: '127.0.0.1' });
    const done = () => {
      clearTimeout(timer);
      socket.destroy();
      resolve(Buffer.concat(chunks).toString('latin1'));
    };
    const timer = setTimeout(done, quietMs);
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      if (enough?.test(Buffer.concat(chunks).toString('latin1'))) done();
    });
    socket.on('close', done);
    socket.on('error', () => {});
    socket.on('connect', () => {
      for (const part of Array.isArray(bytes) ? bytes : [bytes]) socket.write(part);
      if (hangUp) setTimeout(done, 50);
    });
  });
}

/** The status of a raw answer, or undefined where there was none. */
export function rawStatus(answer) {
  const match = /^HTTP\/1\.[01] (\d{3})/.exec(answer);
  return match ? Number(match[1]) : undefined;
}

let rooms = 0;

/** A room that no other test uses. */
export function newRoom() {
  rooms += 1;
  return `room-${process.pid}-${rooms}`;
}

/** The API of one service, as a program would call it. */
export class Client {
  #base;
  #agent;

  /** With an agent, connections are kept and used again; else each request has its own. */
  constructor(base, name, agent = false) {
    this.#base = typeof base === 'function' ? base : () => base;
    this.#agent = agent;
    this.name = name;
    this.isGateway = name === 'web-gateway';
  }

  get base() {
    return this.#base();
  }

  get port() {
    return Number(new URL(this.base).port);
  }

  request(options) {
    return request(this.base, { agent: this.#agent, ...options });
  }

  get(target, headers = {}) {
    return this.request({ path: target, headers });
  }

  /** `body` is an object, sent as JSON, or the body itself, as bytes or a string. */
  post(target, body, headers = {}) {
    const isBody = typeof body === 'string' || Buffer.isBuffer(body);
    const bytes = Buffer.from(isBody ? body : JSON.stringify(body));
    return this.request({
      method: 'POST', path: target, body: bytes,
      headers: { 'Content-Type': 'application/json', 'Content-Length': bytes.length, ...headers },
    });
  }

  postTo(room, body, headers = {}) {
    return this.post(`/rooms/${room}/messages`, body, headers);
  }

  /** Sends and returns the message that was made of it. */
  async create(room, body, headers = {}) {
    const answer = await this.postTo(room, typeof body === 'string' ? { message: body } : body,
      { Prefer: 'return=representation', ...headers });
    assert.equal(answer.status, 201, answer.text);
    return answer.json();
  }

  async list(room) {
    const answer = await this.get(`/rooms/${room}/messages`);
    assert.equal(answer.status, 200, answer.text);
    return answer.json();
  }

  find(room, id) {
    return this.get(`/rooms/${room}/messages/${id}`);
  }
}

export const clientOf = (service, agent) => new Client(service.url, service.name, agent);

const SENDERS = 16;

/** Calls `send` for each of `items`, a few at a time and over kept connections: `send(api, item)`.
 * Resolves to the results, in the order of the items. */
export async function sendAll(service, items, send, senders = SENDERS) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: senders });
  const api = clientOf(service, agent);
  const results = [];
  let next = 0;
  const sender = async () => {
    while (next < items.length) {
      const at = next;
      next += 1;
      results[at] = await send(api, items[at]);
    }
  };
  try {
    await Promise.all(Array.from({ length: senders }, sender));
  } finally {
    agent.destroy();
  }
  return results;
}

/** Sends all of `bodies` to `room`; the messages that were made of them, in the order given. */
export const createAll = (service, room, bodies, senders) =>
  sendAll(service, bodies, (api, body) => api.create(room, body), senders);

const DEFAULT_LIFETIME_MS = 60_000;
const TIMESTAMP = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;
const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;

export function assertAccepted(client, answer) {
  assert.equal(answer.status, client.isGateway ? 204 : 201, answer.text);
}

/** Checks a message of the API whole. */
export function assertMessage(message, { room, text, author, lifetimeMs = DEFAULT_LIFETIME_MS }) {
  const names = ['id', 'room', ...(author === undefined ? [] : ['author']), 'message',
    'created_at', 'expires_at', 'expires_in'];
  assert.deepEqual(Object.keys(message).sort(), names.sort());
  assert.match(message.id, /^[0-9a-f]{32}$/);
  assert.equal(message.room, room);
  assert.equal(message.message, text);
  assert.equal(message.author, author);
  assert.match(message.created_at, TIMESTAMP);
  assert.match(message.expires_at, TIMESTAMP);
  assert.equal(Date.parse(message.expires_at) - Date.parse(message.created_at), lifetimeMs);
  assert.ok(Number.isInteger(message.expires_in), `expires_in ${message.expires_in}`);
  assert.ok(message.expires_in >= 0 && message.expires_in <= lifetimeMs,
    `expires_in ${message.expires_in}`);
}

/** What every answer carries. */
export function assertCommonHeaders(answer) {
  assert.match(answer.headers['x-request-id'] ?? '', REQUEST_ID);
  assert.equal(answer.headers['x-content-type-options'], 'nosniff');
  assert.equal(answer.headers['referrer-policy'], 'no-referrer');
  assert.equal(answer.headers['cross-origin-resource-policy'], 'same-origin');
}

/** Checks an error answer; `detail` is the exact text or a pattern of it. */
export function assertProblem(answer, status, type, detail) {
  assert.equal(answer.status, status, answer.text);
  assertCommonHeaders(answer);
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  const problem = answer.json();
  assert.equal(problem.type, `urn:tempmessenger:problem:${type}`);
  assert.equal(problem.status, status);
  assert.ok(typeof problem.title === 'string' && problem.title !== '', 'a title');
  assert.ok(typeof problem.detail === 'string' && problem.detail !== '', 'a detail');
  if (detail instanceof RegExp) assert.match(problem.detail, detail);
  else if (detail !== undefined) assert.equal(problem.detail, detail);
  if (status === 429 || status === 503) {
    assert.match(answer.headers['retry-after'] ?? '', /^[1-9]\d*$/, 'Retry-After');
  }
  assert.doesNotMatch(problem.detail, /127\.0\.0\.1|localhost|\.sock|redis|curl|\/tmp|\.c:\d/i,
    'nothing internal in an error');
}

/** The methods of an Allow header, sorted. */
export function allowed(answer) {
  return (answer.headers.allow ?? '').split(/\s*,\s*/).filter((method) => method !== '').sort();
}
