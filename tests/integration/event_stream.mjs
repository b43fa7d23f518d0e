// Readers of event streams, over plain sockets' HTTP: what came is kept byte for byte and event for
// event, each with the time at which it came.
//
// An EventReader is one connection and judges it by the contract as it reads: `faults` names what
// was wrong. A Follower is what a browser's EventSource is: it connects again, with the id of the
// last event, to the same or to another replica.

import assert from 'node:assert/strict';
import http from 'node:http';
import { REQUEST_TIMEOUT_MS, WAIT_TIMEOUT_MS, within } from './harness.mjs';

const RAW_MAX_BYTES = 64 * 1024 * 1024;

/** Whether event id `a` comes after `b`: ids are opaque, but increase. */
export function isAfter(a, b) {
  return a.length === b.length ? a > b : a.length > b.length;
}

/** Cuts a stream into events as the HTML standard says. */
class EventParser {
  #rest = '';
  #event = {};
  #data = [];

  constructor({ event, comment, retry }) {
    this.on = { event, comment, retry };
  }

  feed(text) {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop();
    for (const line of lines) this.#line(line.endsWith('\r') ? line.slice(0, -1) : line);
  }

  get isBetweenEvents() {
    return this.#rest === '' && this.#data.length === 0 && Object.keys(this.#event).length === 0;
  }

  #line(line) {
    if (line === '') return this.#dispatch();
    if (line.startsWith(':')) return this.on.comment(line);
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.#data.push(value);
    else if (field === 'event') this.#event.name = value;
    else if (field === 'id') this.#event.id = value;
    else if (field === 'retry') this.on.retry(value);
    return undefined;
  }

  #dispatch() {
    const event = { name: 'message', ...this.#event, data: this.#data.join('\n') };
    const isEvent = this.#data.length > 0;
    this.#event = {};
    this.#data = [];
    if (isEvent) this.on.event(event);
  }
}

/** Those who wait for something to become true, asked whenever something has happened. */
class Waiters {
  #waiting = new Set();

  wait(what, probe, timeoutMs, state) {
    const found = probe();
    if (found) return Promise.resolve(found);
    let entry;
    const promise = new Promise((resolve, reject) => {
      entry = () => {
        try {
          const result = probe();
          if (result) resolve(result);
          return Boolean(result);
        } catch (error) {
          reject(error);
          return true;
        }
      };
      this.#waiting.add(entry);
    });
    return within(timeoutMs, what, promise).catch((error) => {
      error.message += `\n${state()}`;
      throw error;
    }).finally(() => this.#waiting.delete(entry));
  }

  poke() {
    for (const entry of this.#waiting) if (entry()) this.#waiting.delete(entry);
  }
}

const brief = ({ name, id, data }) => `${name} ${id ?? '-'} ${JSON.stringify(data).slice(0, 120)}`;

/** One connection to a room's events. */
export class EventReader {
  #waiters = new Waiters();
  #outgoing;
  #rawBytes = 0;

  constructor(base, { room, path, lastEventId, query = '', headers = {}, keepRaw = true }) {
    this.base = base;
    this.room = room;
    this.path = path ?? `/rooms/${room}/events${query}`;
    this.lastEventId = lastEventId;
    this.keepRaw = keepRaw;
    this.events = []; // { name, id, data, at, wall }
    this.comments = []; // { text, at }
    this.retries = [];
    this.chunks = [];
    this.faults = [];
    this.live = new Map(); // by id, what this reader knows to be live
    this.shown = new Set(); // the ids of all messages that came on this connection
    this.gone = new Set(); // of all that expired or were deleted
    this.startedAt = performance.now();
    const opening = lastEventId === undefined ? {} : { 'Last-Event-ID': lastEventId };
    this.headersSent = { Accept: 'text/event-stream', ...opening, ...headers };
  }

  /** Connects; resolves once the answer's head is there, and the body too where it is no stream. */
  async open() {
    const { hostname, port } = new URL(this.base);
    const parser = new EventParser({
      event: (event) => this.#take(event),
      comment: (text) => this.comments.push({ text, at: performance.now() }),
      retry: (value) => this.retries.push(value),
    });
    this.parser = parser;
    this.ended = new Promise((resolve) => {
      this.#end = (how) => {
        if (this.end) return;
        this.end = { how, at: performance.now() };
        resolve(this.end);
        this.#waiters.poke();
      };
    });
    const answered = new Promise((resolve, reject) => {
      this.#outgoing = http.request({
        hostname, port, path: this.path, headers: this.headersSent, agent: false,
      }, (incoming) => {
        this.status = incoming.statusCode;
        this.headers = incoming.headers;
        this.incoming = incoming;
        incoming.on('error', () => this.#end('broken'));
        incoming.on('end', () => this.#end('ended'));
        incoming.on('close', () => this.#end('broken'));
        if (this.status === 200) {
          const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
          incoming.on('data', (chunk) => this.#data(chunk, decoder));
          resolve();
        } else {
          incoming.on('data', (chunk) => this.chunks.push(chunk));
          this.ended.then(resolve);
        }
      });
      this.#outgoing.on('error', (error) => {
        this.#end('broken');
        reject(error);
      });
      this.#outgoing.end();
    });
    try {
      await within(REQUEST_TIMEOUT_MS, `an answer to ${this.path}`, answered);
    } catch (error) {
      this.close();
      throw error;
    }
    return this;
  }

  #end = () => {};

  #data(chunk, decoder) {
    this.now = { at: performance.now(), wall: Date.now() };
    this.#rawBytes += chunk.length;
    if (this.keepRaw && this.#rawBytes < RAW_MAX_BYTES) this.chunks.push(chunk);
    try {
      this.parser.feed(decoder.decode(chunk, { stream: true }));
    } catch (error) {
      this.faults.push(`not UTF-8: ${error.message}`);
    }
    this.#waiters.poke();
  }

  #take({ name, id, data }) {
    const event = { name, id, ...this.now };
    try {
      event.data = JSON.parse(data);
    } catch {
      this.faults.push(`not JSON: ${name} ${data.slice(0, 200)}`);
      return;
    }
    this.#judge(event);
    if (id !== undefined) this.lastEventId = id;
    this.events.push(event);
    this.onEvent?.(event);
  }

  #fault(event, what) {
    if (this.faults.length < 20) this.faults.push(`${what}: ${brief(event)}`);
  }

  #judge(event) {
    const { name, id } = event;
    const isFirst = this.events.length === 0;
    if (!(isFirst && ['full', 'stopping'].includes(name))
      && (name === 'snapshot' || name === 'resumed') !== isFirst) this.#fault(event, 'out of place');
    if ((id !== undefined) !== (name === 'snapshot' || name === 'message')) {
      this.#fault(event, 'an id, or none');
    }
    if (id !== undefined && this.givenId !== undefined && !isAfter(id, this.givenId)) {
      this.#fault(event, `not after ${this.givenId}`);
    }
    if (id !== undefined) this.givenId = id;
    if (this.stopping) this.#fault(event, 'after stopping');
    const judge = {
      snapshot: () => event.data.forEach((message) => this.#show(event, message)),
      message: () => this.#show(event, event.data),
      expired: () => this.#drop(event),
      deleted: () => this.#drop(event),
      resumed: () => {
        const keys = Object.keys(event.data);
        if (keys.length !== 1 || !Number.isInteger(event.data.missed)) this.#fault(event, 'odd');
      },
      full: () => {
        this.full = event.data;
      },
      stale: () => this.#empty(event),
      fresh: () => this.#empty(event),
      stopping: () => {
        this.stopping = true;
        this.#empty(event);
      },
    }[name];
    if (judge) judge();
    else this.#fault(event, 'unknown');
  }

  #show(event, message) {
    if (this.shown.has(message.id)) this.#fault(event, `${message.id} a second time`);
    if (this.gone.has(message.id)) this.#fault(event, `${message.id} after its end`);
    if (this.room !== undefined && message.room !== this.room) this.#fault(event, 'of another room');
    this.shown.add(message.id);
    this.live.set(message.id, message);
  }

  #empty(event) {
    if (Object.keys(event.data).length !== 0) this.#fault(event, 'odd');
  }

  #drop(event) {
    const { id } = event.data;
    if (Object.keys(event.data).length !== 1) this.#fault(event, 'odd');
    if (this.gone.has(id)) this.#fault(event, 'gone a second time');
    const message = this.live.get(id);
    if (event.name === 'expired' && message) {
      event.lateMs = event.wall - Date.parse(message.expires_at);
      if (event.lateMs < 0) this.#fault(event, `${-event.lateMs} ms before its time`);
    }
    this.gone.add(id);
    this.live.delete(id);
  }

  get raw() {
    return Buffer.concat(this.chunks);
  }

  get text() {
    return this.raw.toString('utf8');
  }

  json() {
    return JSON.parse(this.text);
  }

  get bytes() {
    return this.raw;
  }

  named(name) {
    return this.events.filter((event) => event.name === name);
  }

  /** The messages that came as events of their own, in their order. */
  get messages() {
    return this.named('message').map(({ data }) => data);
  }

  /** Waits until `probe` says something true, which is the result; ends early with the stream. */
  until(what, probe, timeoutMs = WAIT_TIMEOUT_MS) {
    return this.#waiters.wait(what, () => {
      const result = probe(this);
      if (!result && this.end) throw new Error(`${what}: the stream is over (${this.end.how})`);
      return result;
    }, timeoutMs, () => `${this.base}${this.path}: ${this.status}, ${this.events.length} events, ` +
      `last ${this.events.length > 0 ? brief(this.events.at(-1)) : '-'}`);
  }

  first(timeoutMs) {
    return this.until('the first event', () => this.events[0], timeoutMs);
  }

  count(name, count, timeoutMs) {
    return this.until(`${count} × ${name}`, () => {
      const found = this.named(name);
      return found.length >= count && found;
    }, timeoutMs);
  }

  /** The event that says `name` of the message `id`. */
  of(name, id, timeoutMs) {
    return this.until(`${name} of ${id}`,
      () => this.events.find((event) => event.name === name && event.data.id === id), timeoutMs);
  }

  async over(timeoutMs = WAIT_TIMEOUT_MS) {
    return within(timeoutMs, 'the end of the stream', this.ended);
  }

  assertSound() {
    assert.deepEqual(this.faults, [], `${this.base}${this.path}`);
  }

  close() {
    this.#outgoing?.destroy();
    this.#end('closed');
  }

  /** Leaves as a crash would, with a reset. */
  reset() {
    this.#end('closed');
    const socket = this.#outgoing?.socket;
    if (socket?.resetAndDestroy) socket.resetAndDestroy();
    else this.#outgoing?.destroy();
  }
}

/** Opens a stream that is expected to be one, and waits for its first event. */
export async function openEvents(service, room, options = {}) {
  const reader = new EventReader(service.url ?? service.base, { room, ...options });
  await reader.open();
  try {
    assert.equal(reader.status, 200, reader.text);
    await reader.first();
  } catch (error) {
    reader.close();
    throw error;
  }
  return reader;
}

/** Not what EventSource sends: the gateway refuses a stream by a status then. */
export const ANY = { Accept: '*/*' };

/** Asks for a stream that may be refused; the answer in either case. */
export const askEvents = (service, options) =>
  new EventReader(service.url ?? service.base, options).open();

/** The same for a test's body, which closes all that it opened: `withReaders(async (open) => …)`. */
export async function withReaders(body) {
  const opened = [];
  const open = async (service, room, options) => {
    const reader = await openEvents(service, room, options);
    opened.push(reader);
    return reader;
  };
  open.keep = (reader) => {
    opened.push(reader);
    return reader;
  };
  try {
    await body(open);
    for (const reader of opened) reader.assertSound?.();
  } finally {
    for (const reader of opened) reader.close();
  }
}

/** A reader that connects again whenever it must, and hops when told to. */
export class Follower {
  #waiters = new Waiters();
  #closed = false;
  #at = 0;

  constructor(services, room, { retryMs = 50, hopMs } = {}) {
    this.services = services;
    this.room = room;
    this.retryMs = retryMs;
    this.hopMs = hopMs;
    this.order = []; // the ids of the messages, as they came
    this.eventIds = new Map(); // of the messages, where they came as events
    this.goneBefore = new Map(); // id: how, of what was told as expired or deleted
    this.openings = []; // the name of the first event of each connection
    this.faults = [];
    this.running = this.#run();
  }

  async #run() {
    while (!this.#closed) {
      const service = this.services[this.#at % this.services.length];
      try {
        await this.#connect(service);
      } catch {
        // A service that is away, or has just gone: it is what a follower is for.
      }
      this.reader?.close();
      if (this.#closed) return;
      if (this.services.length > 1) this.#at += 1;
      await new Promise((resolve) => setTimeout(resolve, this.hopMs ? 0 : this.retryMs));
    }
  }

  async #connect(service) {
    const reader = new EventReader(service.url,
      { room: this.room, lastEventId: this.lastEventId, keepRaw: false });
    this.reader = reader;
    reader.onEvent = (event) => this.#take(event);
    await reader.open();
    if (reader.status !== 200) return;
    let timer;
    const hop = new Promise((resolve) => {
      if (this.hopMs) timer = setTimeout(resolve, this.hopMs * (0.5 + Math.random()));
    });
    await Promise.race([hop, reader.ended]);
    clearTimeout(timer);
    this.faults.push(...reader.faults);
    this.lastEventId = reader.lastEventId;
  }

  #take(event) {
    if (event.name === 'snapshot' || event.name === 'resumed') {
      this.openings.push(event.name);
      if (event.name === 'snapshot') {
        const known = new Set(this.order);
        const fresh = event.data.filter(({ id }) => !known.has(id));
        // A first snapshot lists by end; with one lifetime that is the order of acceptance.
        for (const { id } of fresh) this.order.push(id);
      }
    } else if (event.name === 'message') {
      this.order.push(event.data.id);
      this.eventIds.set(event.data.id, event.id);
    } else if (event.name === 'expired' || event.name === 'deleted') {
      this.goneBefore.set(event.data.id, event.name);
    }
    if (event.id !== undefined) this.lastEventId = event.id;
    this.#waiters.poke();
  }

  until(what, probe, timeoutMs = WAIT_TIMEOUT_MS) {
    return this.#waiters.wait(what, () => probe(this), timeoutMs,
      () => `${this.order.length} messages, openings ${this.openings.join(' ').slice(-400)}`);
  }

  has(count, timeoutMs) {
    return this.until(`${count} messages`, () => this.order.length >= count, timeoutMs);
  }

  connected() {
    return this.until('connected', () => this.openings.length > 0);
  }

  async close() {
    this.#closed = true;
    this.reader?.close();
    await this.running;
  }
}

export const lateness = (readers) => readers
  .flatMap((reader) => reader.named('expired'))
  .map(({ lateMs }) => lateMs)
  .filter((ms) => ms !== undefined);

/** The value below which `share` of them are. */
export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)];
}

