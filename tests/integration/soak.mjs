// A soak: rooms, messages and readers come and go through both services and a real Redis, and each
// reader is held against what was accepted: every message of its room once, in order, and its end in
// time. Beside it runs the memory of both services.
//
// Each room has one writer, which waits for each answer, so the room's order is known: messages are
// numbered in their text. What a reader may miss is only what had expired before it came.
//
// `node tests/integration/soak.mjs SECONDS` is script/soak; soak.test.mjs is the short form.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { EventReader, percentile } from './event_stream.mjs';
import { parseMetrics } from './exposition.mjs';
import { clientOf, newRoom, SANITIZED, scaled, sleep, until, withWorld } from './harness.mjs';

const ROOMS = scaled(24, 8); // at one time
const ROOM_LIFE_MS = [2000, 8000];
const TTL_S = scaled([2, 4], [5, 8]);
const TEXT_MAX = 4000;
const PAUSE_MS = [10, 250]; // between two messages of a room
/** Every so many rooms one is loud: its slow readers fall far behind and may be cut off. */
const LOUD_EVERY = 12;
const LOUD_PAUSE_MS = [30, 60];
const LOUD_MESSAGES = 150; // 7 MB
const LOUD_TEXT = 48_000;
/** How long a slow reader reads nothing. */
const SLOWNESS_MS = [100, 1500];
const LOUD_SLOWNESS_MS = [2000, 6000];
/** How late an end may come, by the median and at most: a busy machine is late, but not always. */
const LATE_MEDIAN_MAX_MS = scaled(250, 2500);
const LATE_MAX_MS = 10_000;
const WAIT_MS = 30_000;
const FAULTS_MAX = 20;
const SAMPLE_MS = 250;
const REPORT_MS = 60_000;

/** A level is a median over a tenth of the run. In less time than this, memory still warms up: a
 * gateway keeps a room for 60 s, and the allocator's arenas fill for minutes. */
const LEVEL_MIN_S = 600;
const LEVEL_GROWTH_MAX = 0.05;
/** What a short run is held to instead. */
const RSS_MAX_MIB = 96;

const between = ([low, high]) => low + Math.random() * (high - low);
const pick = (items) => items[Math.floor(Math.random() * items.length)];
const median = (values) => percentile(values, 0.5);
const numberOf = ({ message }) => Number.parseInt(message, 10);

/** What all share: the services, the counts and what went wrong. */
class Soak {
  constructor(seconds, stack) {
    this.stack = stack;
    this.seconds = seconds;
    this.endAt = Date.now() + seconds * 1000;
    this.counts = {
      rooms: 0, readers: 0, connections: 0, resumed: 0, cut: 0, messages: 0, deliveries: 0, ends: 0,
    };
    this.lateMs = [];
    this.faults = [];
    this.samples = { 'message-service': [], 'web-gateway': [] };
  }

  get over() {
    return Date.now() >= this.endAt || this.faults.length > 0;
  }

  fault(what) {
    if (this.faults.length < FAULTS_MAX) this.faults.push(what);
  }

  ended(lateMs) {
    this.counts.ends += 1;
    // A sample of them, so that the soak's own memory does not grow with its length.
    if (this.lateMs.length < 100_000) this.lateMs.push(lateMs);
    else this.lateMs[Math.floor(Math.random() * this.lateMs.length)] = lateMs;
  }

  async run(say) {
    const watch = setInterval(() => this.#sample(), SAMPLE_MS);
    const report = setInterval(() => say(this.line()), REPORT_MS);
    try {
      await Promise.all(Array.from({ length: ROOMS }, () => this.#rooms()));
      if (this.faults.length === 0) await this.#assertEmpty();
    } finally {
      clearInterval(watch);
      clearInterval(report);
    }
    if (this.faults.length > 0) return;
    const lateMs = median(this.lateMs);
    if (lateMs > LATE_MEDIAN_MAX_MS) this.fault(`half of all ends are late by ${lateMs} ms`);
    const isLong = this.seconds >= LEVEL_MIN_S;
    if (!SANITIZED) this.#assertLevels(isLong); // a sanitizer keeps what is freed
  }

  async #rooms() {
    while (!this.over) {
      const room = new Room(this, this.counts.rooms % LOUD_EVERY === LOUD_EVERY - 1);
      this.counts.rooms += 1;
      await room.live().catch((error) => this.fault(`${room.name}: ${error.stack}`));
    }
  }

  /** When all are gone the gateway knows of no reader, and Redis of no message. */
  async #assertEmpty() {
    const metrics = async (service) => parseMetrics((await clientOf(service).get('/metrics')).text);
    await until('the gateway has no reader', async () =>
      (await metrics(this.stack.gateway)).value('tempmessenger_event_streams') === 0, WAIT_MS);
    await until('Redis has no message', async () =>
      (await this.stack.redis.command('KEYS', '*:message:*')) === '', WAIT_MS);
    for (const service of [this.stack.gateway, this.stack.service]) {
      this.counts.cut += (await metrics(service)).value('tempmessenger_event_streams_dropped_total');
    }
  }

  #sample() {
    const at = Date.now();
    for (const [name, samples] of Object.entries(this.samples)) {
      const status = readFileSync(`/proc/${this.stack.of(name).child.pid}/status`, 'utf8');
      samples.push({ at, mib: Number(/VmRSS:\s+(\d+)/.exec(status)[1]) / 1024 });
    }
  }

  /** The medians of the middle tenth of the run and of its last. */
  levels(name) {
    const level = (from, to) => {
      const [low, high] = [from, to].map((share) => this.endAt - (1 - share) * this.seconds * 1000);
      return median(this.samples[name].filter(({ at }) => at >= low && at <= high).map(({ mib }) => mib));
    };
    const [middle, end] = [level(0.45, 0.55), level(0.9, 1)];
    return { middle, end, growth: end / middle - 1 };
  }

  #assertLevels(isLong) {
    for (const name of Object.keys(this.samples)) {
      const { end, growth } = this.levels(name);
      if (isLong ? growth > LEVEL_GROWTH_MAX : end > RSS_MAX_MIB) {
        this.fault(`${name}: ${end.toFixed(1)} MiB, ${(growth * 100).toFixed(1)} % more than in the middle`);
      }
    }
  }

  line() {
    const now = Object.entries(this.samples).map(([name, samples]) =>
      `${name} ${samples.at(-1)?.mib.toFixed(1)} MiB`);
    const left = Math.max(0, Math.round((this.endAt - Date.now()) / 1000));
    const counts = Object.entries(this.counts).map(([name, count]) => `${count} ${name}`);
    return `${left} s left: ${counts.join(', ')}; ${now.join(', ')}`;
  }

  summary() {
    const late = this.lateMs.length > 0 ? [0.5, 0.99, 1].map((share) => percentile(this.lateMs, share)) : [];
    const levels = Object.keys(this.samples).map((name) => {
      const { middle, end, growth } = this.levels(name);
      return `${name}: ${middle.toFixed(2)} MiB in the middle, ${end.toFixed(2)} at the end ` +
        `(${(growth * 100).toFixed(1)} %)`;
    });
    return [this.line(), `ends are late by ${late.join(', ')} ms (median, p99, most)`, ...levels].join('\n');
  }
}

/** A room from its first message to the end of its last. */
class Room {
  constructor(soak, loud) {
    this.soak = soak;
    this.name = newRoom();
    this.loud = loud;
    this.sent = []; // by its number: when it expires
    this.isOpen = true;
  }

  async live() {
    const seats = Object.keys(VISITS).map((kind) => this.#seat(kind));
    try {
      await this.#write();
    } finally {
      this.isOpen = false;
      await Promise.all(seats);
    }
  }

  async #write() {
    const api = clientOf(this.soak.stack.gateway);
    const endAt = Date.now() + between(ROOM_LIFE_MS);
    const goesOn = this.loud ? () => this.sent.length < LOUD_MESSAGES : () => Date.now() < endAt;
    while (goesOn() && !this.soak.over) {
      // Small ones are the most, and there is one of each size.
      const size = this.loud ? LOUD_TEXT : Math.floor(TEXT_MAX ** Math.random());
      const message = await api.create(this.name, {
        message: `${this.sent.length} ${'x'.repeat(size)}`, ttl: Number(between(TTL_S).toFixed(3)),
      });
      this.sent.push(Date.parse(message.expires_at));
      this.soak.counts.messages += 1;
      await sleep(between(this.loud ? LOUD_PAUSE_MS : PAUSE_MS));
    }
  }

  /** One reader after the other, each in the same way. */
  async #seat(kind) {
    while (this.isOpen) {
      const reader = new Reader(this);
      this.soak.counts.readers += 1;
      try {
        await VISITS[kind](reader);
      } catch (error) {
        this.soak.fault(`${this.name} at the ${reader.service?.name}, ${kind}: ${error.message}`);
        return;
      } finally {
        reader.leave(kind === 'rude');
      }
      await sleep(between([0, 200]));
    }
  }
}

/** A reader of one room over one connection or several, and all that it may hold against it. */
class Reader {
  constructor(room) {
    this.room = room;
    this.soak = room.soak;
    this.next = 0; // all messages below are accounted for
    this.shown = new Map(); // by id: when it expires, of those whose end is still to come
    this.lastEventId = undefined;
    this.delayed = false; // by its own slowness
  }

  fault(what) {
    this.soak.fault(`${this.room.name} at the ${this.service.name}: ${what}`);
  }

  async enter() {
    // Three in four read at the gateway, as people do.
    this.service = pick([this.soak.stack.gateway, this.soak.stack.gateway, this.soak.stack.gateway,
      this.soak.stack.service]);
    this.resumes = this.lastEventId !== undefined;
    this.askedAt = Date.now();
    this.soak.counts.connections += 1;
    this.stream = new EventReader(this.service.url,
      { room: this.room.name, lastEventId: this.lastEventId, keepRaw: false });
    this.stream.onEvent = (event) => this.#take(event);
    await this.stream.open();
    if (this.stream.status !== 200) throw new Error(`${this.stream.status}: ${this.stream.text}`);
    await this.stream.first(WAIT_MS);
  }

  leave(rudely = false) {
    if (!this.stream) return;
    this.lastEventId = this.stream.lastEventId;
    for (const fault of this.stream.faults) this.fault(fault);
    if (rudely) this.stream.reset();
    else this.stream.close();
    this.#assertNoneOverdue();
    this.stream = undefined;
  }

  #assertNoneOverdue() {
    if (this.delayed) return;
    for (const [id, expiresAt] of this.shown) {
      const lateMs = Date.now() - expiresAt;
      if (lateMs > LATE_MAX_MS) this.fault(`${id} ended ${lateMs} ms ago, without a word`);
    }
  }

  #take(event) {
    const take = {
      snapshot: () => this.#open(event, event.data),
      resumed: () => this.#open(event),
      message: () => this.#message(event),
      expired: () => this.#expired(event),
    }[event.name];
    if (take) take();
    else this.fault(`${event.name}, which nothing was the reason for`);
  }

  #open({ name, wall }, messages = []) {
    this.openedAt = wall;
    if ((name === 'resumed') !== this.resumes) this.fault(`${name} for ${this.lastEventId}`);
    if (name === 'resumed') {
      this.soak.counts.resumed += 1;
      for (const [id, expiresAt] of this.shown) if (expiresAt <= wall) this.shown.delete(id);
      return;
    }
    // What the gateway has posted but not yet received from the message service follows as events.
    const numbers = new Set(messages.map(numberOf));
    this.next = Math.max(0, ...[...numbers].map((number) => number + 1));
    for (let number = 0; number < this.next; number += 1) {
      if (!numbers.has(number)) this.#missed(number, wall);
      else this.#judgeEnd(number);
    }
    for (const message of messages) this.#show(message);
  }

  /** A deadline is as exact as the fastest delivery of late: on a busy machine some milliseconds off. */
  #judgeEnd(number) {
    const lateMs = this.askedAt - this.room.sent[number];
    if (lateMs >= LATE_MEDIAN_MAX_MS) this.fault(`${number} was shown ${lateMs} ms after its end`);
  }

  /** A message that did not come has to have expired before the reader came; before a reader that
   * reads slowly came to it, too. */
  #mayMiss(number, now) {
    return this.room.sent[number] <= (this.delayed ? now : this.openedAt);
  }

  #missed(number, now) {
    if (this.#mayMiss(number, now)) return;
    this.fault(`${number} did not come, ${this.room.sent[number] - now} ms before its end`);
  }

  #show(message) {
    this.shown.set(message.id, Date.parse(message.expires_at));
    this.soak.counts.deliveries += 1;
  }

  #message({ data: message, wall }) {
    const number = numberOf(message);
    if (number < this.next) this.fault(`${number} where ${this.next} was next`);
    for (let missed = this.next; missed < number; missed += 1) this.#missed(missed, wall);
    this.next = number + 1;
    this.#show(message);
  }

  #expired({ data, wall, lateMs = wall - this.shown.get(data.id) }) {
    // One that expired while the reader was coming may be told or not.
    if (!this.shown.delete(data.id)) return;
    if (lateMs < 0) this.fault(`${data.id} ended ${-lateMs} ms before its time`);
    if (this.delayed) return;
    this.soak.ended(lateMs);
    if (lateMs > LATE_MAX_MS) this.fault(`the end of ${data.id} is ${lateMs} ms late`);
  }

  /** Reads on while the room is open; false where the stream ended before. */
  async stay(ms = Infinity) {
    const endAt = Date.now() + ms;
    while (this.room.isOpen && Date.now() < endAt) {
      if (this.stream.end) return false;
      await sleep(20);
    }
    return !this.stream.end;
  }

  /** Reads until all that was sent has come, and its end. */
  async finish() {
    await this.stream.until(`${this.room.name}: ${this.room.sent.length} messages and their ends`, () => {
      if (this.shown.size > 0) return false;
      const now = Date.now();
      for (let number = this.next; number < this.room.sent.length; number += 1) {
        if (!this.#mayMiss(number, now)) return false;
      }
      return true;
    }, WAIT_MS);
  }
}

/** Reads a little and pauses a lot, until the room closes or the service has had enough. */
async function readSlowly(reader) {
  while (reader.room.isOpen && !reader.stream.end) {
    reader.stream.incoming.pause();
    await sleep(between(reader.room.loud ? LOUD_SLOWNESS_MS : SLOWNESS_MS));
    reader.stream.incoming.resume();
    await sleep(5);
  }
  reader.stream.incoming.resume();
}

/** The kinds of readers, by how they come and go. */
const VISITS = {
  async faithful(reader) {
    await reader.enter();
    if (!await reader.stay()) throw new Error('the stream ended');
    await reader.finish();
  },

  async polite(reader) {
    await reader.enter();
    await reader.stay(between([0, 1500]));
  },

  async rude(reader) {
    await reader.enter();
    await reader.stay(between([0, 1500]));
  },

  async returning(reader) {
    await reader.enter();
    while (await reader.stay(between([50, 1000])) && reader.room.isOpen) {
      reader.leave(Math.random() < 0.5);
      await sleep(between([0, 1000]));
      await reader.enter();
    }
    await reader.finish();
  },

  /** One that is cut off comes back for the rest. */
  async slow(reader) {
    reader.delayed = true;
    for (;;) {
      await reader.enter();
      await readSlowly(reader);
      try {
        await reader.finish();
        return;
      } catch (error) {
        if (reader.stream.end?.how === 'closed' || !reader.stream.end) throw error;
      }
      reader.leave();
    }
  },

  async mute(reader) {
    reader.delayed = true;
    await reader.enter();
    reader.stream.incoming.pause();
    await reader.stay();
    reader.leave(true);
  },
};

/** Soaks for so many seconds; rejects where anything was wrong. */
export const soak = (seconds, say) => withWorld(async (world) => {
  const gatewayEnv = { CLIENT_MAX_STREAMS: 'off', CLIENT_MAX_CONNECTIONS: 'off', ROOM_OPEN_LIMIT: 'off' };
  const env = { MESSAGE_MAX_BYTES: String(LOUD_TEXT + TEXT_MAX) };
  const run = new Soak(seconds, await world.stack({ store: 'redis', env, gatewayEnv }));
  await run.run(say);
  if (run.faults.length > 0) throw new Error([...run.faults, run.line()].join('\n'));
  say(run.summary());
}, seconds * 1000 + 4 * WAIT_MS)();

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const seconds = Number(process.argv[2]);
  await soak(seconds, console.log).catch((error) => {
    console.error(error.message);
    process.exitCode = 1;
  });
}
