// Three gateways, three message services, one Redis: every reader gets every message once, all in
// one order, whoever writes where, wherever a reader moves, and whatever dies meanwhile.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Follower, withReaders } from './event_stream.mjs';
import { clientOf, freePort, newRoom, ready, scaled, sleep, until, withWorld } from './harness.mjs';

const REPLICAS = 3;
const WRITERS_EACH = 4;
const MESSAGES_EACH = scaled(40, 15);
const TTL_S = 300;
const GIVE_UP_MS = 40_000;
const TEST_MS = 110_000;
const HOP_MS = 150;

const ids = (messages) => messages.map(({ id }) => id);

/** Six processes that can be killed and started again on the ports that they had. */
class Cluster {
  constructor(world) {
    this.world = world;
    this.nodes = [];
  }

  async start({ appendonly = false } = {}) {
    const port = await freePort();
    this.redis = await this.world.redis({
      port, config: appendonly ? ['--appendonly', 'yes', '--appendfsync', 'always'] : [],
    });
    for (let count = 0; count < REPLICAS; count += 1) {
      const service = await this.#add('message-service', { STORE_URL: this.redis.tcpUrl });
      await this.#add('web-gateway', { MESSAGE_SERVICE_URL: service.url, RATE_LIMIT: 'off' });
    }
    await Promise.all(this.gateways.map(ready));
    return this;
  }

  async #add(name, env) {
    const node = { name, env: { ...env, PORT: String(await freePort()) } };
    node.url = `http://127.0.0.1:${node.env.PORT}`;
    this.nodes.push(node);
    await this.restart(node);
    return node;
  }

  async restart(node) {
    node.process = await this.world.service(node.name, node.env);
  }

  async killAndRestart(node, awayMs) {
    await node.process.kill();
    await sleep(awayMs);
    await this.restart(node);
  }

  get gateways() {
    return this.nodes.filter(({ name }) => name === 'web-gateway');
  }

  get services() {
    return this.nodes.filter(({ name }) => name === 'message-service');
  }
}

/** Writers at every process. Each sends until it is accepted, with one key for one message, so that
 * a try whose answer was lost is not sent twice. */
class Writers {
  constructor(cluster, room, { each = MESSAGES_EACH, pauseMs = 0, writers = WRITERS_EACH } = {}) {
    this.accepted = new Map(); // text: the id
    this.refused = []; // why, for each try that was not accepted
    this.total = cluster.nodes.length * writers * each;
    this.done = Promise.all(cluster.nodes.flatMap((node, at) => Array.from({ length: writers },
      (_, writer) => this.#write(node, room, `${at}.${writer}`, each, pauseMs))));
    this.done.catch(() => {});
  }

  async #write(node, room, writer, each, pauseMs) {
    for (let number = 0; number < each; number += 1) {
      const text = `${writer}.${number}`;
      const end = Date.now() + GIVE_UP_MS;
      for (;;) {
        const id = await this.#try(node, room, text);
        if (id) {
          this.accepted.set(text, id);
          break;
        }
        assert.ok(Date.now() < end, `${text} at ${node.name} was never accepted`);
        await sleep(20);
      }
      if (pauseMs > 0) await sleep(pauseMs * (0.5 + Math.random()));
    }
  }

  async #try(node, room, text) {
    let answer;
    try {
      answer = await clientOf(node).postTo(room, { message: text, ttl: TTL_S },
        { 'Idempotency-Key': text, Prefer: 'return=representation' });
    } catch (error) {
      this.refused.push(`${node.name}: ${error.message}`);
      return undefined;
    }
    if (answer.status === 201) return answer.json().id;
    assert.ok([503, 504].includes(answer.status), `${answer.status}: ${answer.text}`);
    this.refused.push(`${node.name}: ${answer.text}`);
    return undefined;
  }
}

/** What all readers must agree upon in the end. */
async function assertAgreement(cluster, room, writers, readers) {
  await writers.done;
  const { total, accepted } = writers;
  assert.equal(accepted.size, total);
  const expected = new Set(accepted.values());
  assert.equal(expected.size, total, 'two messages became one');

  // Numbers are what all agree upon: a fresh list at each process is in their order.
  let order;
  for (const node of cluster.nodes) {
    const list = await until(`${node.name} lists all`, async () => {
      const answer = await clientOf(node).get(`/rooms/${room}/messages`).catch(() => undefined);
      if (answer?.status !== 200) return false;
      const found = answer.json();
      assert.ok(found.length <= total, `${found.length} of ${total}`);
      return found.length === total && found;
    });
    assert.deepEqual(new Set(ids(list)), expected, `the list of the ${node.name}`);
  }
  const eventIds = new Map();
  for (const [at, reader] of readers.entries()) {
    const own = reader.order ?? ids(reader.messages);
    const name = `reader ${at}`;
    if (reader.has) await reader.has(total, GIVE_UP_MS);
    else await reader.until('all messages', () => reader.shown.size >= total, GIVE_UP_MS);
    const seen = reader.order ?? ids(reader.messages);
    assert.equal(seen.length, total, `${name}: ${seen.length} messages of ${total}`);
    assert.equal(new Set(seen).size, total, `${name}: some came twice`);
    assert.deepEqual(new Set(seen), expected, `${name}: others came`);
    order ??= seen;
    assert.deepEqual(seen, order, `${name}: another order than reader 0`);
    assert.deepEqual(reader.faults, [], name);
    assert.ok(own.length <= seen.length);
    const given = reader.eventIds ?? new Map(reader.named('message').map((event) => [event.data.id, event.id]));
    for (const [message, eventId] of given) {
      if (!eventIds.has(message)) eventIds.set(message, eventId);
      assert.equal(eventId, eventIds.get(message), `${name}: another id for the same message`);
    }
  }
}

/** Followers: one that stays at each process, and some that hop between all of them. */
async function follow(cluster, room, { hoppers = 6 } = {}) {
  const staying = cluster.nodes.map((node) => new Follower([node], room));
  const hopping = Array.from({ length: hoppers }, (_, at) =>
    new Follower([...cluster.nodes.slice(at % 6), ...cluster.nodes.slice(0, at % 6)], room, { hopMs: HOP_MS }));
  const all = [...staying, ...hopping];
  await Promise.all(all.map((follower) => follower.connected()));
  return { staying, hopping, all };
}

async function withFollowers(cluster, room, body, options) {
  const followers = await follow(cluster, room, options);
  try {
    await body(followers);
  } finally {
    await Promise.all(followers.all.map((follower) => follower.close()));
  }
}

describe('six processes over one Redis', () => {
  test('every reader gets every message once, all in one order', withWorld(async (world) => {
    const cluster = await new Cluster(world).start();
    const room = newRoom();
    await withReaders(async (open) => {
      const readers = [];
      for (const node of [...cluster.nodes, ...cluster.nodes]) readers.push(await open(node, room));
      const writers = new Writers(cluster, room);
      await assertAgreement(cluster, room, writers, readers);
      // Where too many calls wait at one moment 503 is the right answer, but a rare one.
      assert.ok(writers.refused.length <= writers.total / 50, writers.refused.join('\n'));
      for (const reader of readers) assert.ok(!reader.end, 'a stream ended');
    });
  }, TEST_MS));

  test('a reader that moves to another replica gets exactly the rest', withWorld(async (world) => {
    const cluster = await new Cluster(world).start();
    const room = newRoom();
    await withFollowers(cluster, room, async ({ hopping, all }) => {
      const writers = new Writers(cluster, room, { pauseMs: 100, each: scaled(30, 15) });
      await assertAgreement(cluster, room, writers, all);
      for (const { openings } of hopping) {
        assert.ok(openings.length > 5, `${openings.length} hops`);
        assert.deepEqual(openings.slice(1).filter((name) => name !== 'resumed'), [],
          'a snapshot, for one whose id was good');
      }
    }, { hoppers: 12 });
  }, TEST_MS));

  test('ends are told by all, once', withWorld(async (world) => {
    const cluster = await new Cluster(world).start();
    const room = newRoom();
    await withReaders(async (open) => {
      const readers = [];
      for (const node of cluster.nodes) readers.push(await open(node, room));
      const made = await Promise.all(cluster.nodes.flatMap((node) => [1, 1.3, 1.6].map((ttl) =>
        clientOf(node).create(room, { message: `${ttl}`, ttl }))));
      for (const reader of readers) {
        const events = await reader.count('expired', made.length);
        assert.deepEqual(new Set(events.map(({ data }) => data.id)), new Set(ids(made)));
      }
    });
  }, TEST_MS));
});

describe('deaths in the middle', () => {
  const busy = { pauseMs: 60, each: scaled(40, 20), writers: 2 };

  async function throughIt(world, trouble, options = {}) {
    const cluster = await new Cluster(world).start(options);
    const room = newRoom();
    await withFollowers(cluster, room, async (followers) => {
      const writers = new Writers(cluster, room, busy);
      await followers.all[0].has(20);
      await trouble(cluster, followers);
      await assertAgreement(cluster, room, writers, followers.all);
      for (const { openings } of followers.all) {
        assert.deepEqual(openings.slice(1).filter((name) => name !== 'resumed'), [],
          'a snapshot, for one whose id was good');
      }
      for (const { goneBefore } of followers.all) assert.equal(goneBefore.size, 0, 'deleted or expired');
    });
  }

  test('kill -9 of a message service', withWorld((world) => throughIt(world, async (cluster) => {
    await cluster.killAndRestart(cluster.services[0], 300);
    await cluster.killAndRestart(cluster.services[1], 0);
  }), TEST_MS));

  test('kill -9 of a gateway', withWorld((world) => throughIt(world, async (cluster) => {
    await cluster.killAndRestart(cluster.gateways[0], 300);
    await cluster.killAndRestart(cluster.gateways[1], 0);
  }), TEST_MS));

  test('an orderly stop of one after the other', withWorld((world) => throughIt(world, async (cluster) => {
    for (const node of cluster.nodes) {
      await node.process.stop();
      await cluster.restart(node);
    }
  }), TEST_MS));

  test('kill -9 of Redis, which had written all down', withWorld((world) => throughIt(world, async (cluster) => {
    await cluster.redis.stop();
    await sleep(300);
    await cluster.redis.start();
  }, { appendonly: true }), TEST_MS));

  test('kill -9 of all seven', withWorld((world) => throughIt(world, async (cluster) => {
    await Promise.all([cluster.redis.stop(), ...cluster.nodes.map((node) => node.process.kill())]);
    await cluster.redis.start();
    await Promise.all(cluster.nodes.map((node) => cluster.restart(node)));
  }, { appendonly: true }), TEST_MS));

  test('CLIENT PAUSE for 1.5 s', withWorld((world) => throughIt(world, async (cluster) => {
    await cluster.redis.command('CLIENT', 'PAUSE', '1500', 'ALL');
  }), TEST_MS));

  test('SIGSTOP of Redis for 1.5 s', withWorld((world) => throughIt(world, async (cluster) => {
    cluster.redis.freeze();
    await sleep(1500);
    cluster.redis.thaw();
  }), TEST_MS));

  test('the connections to Redis are cut again and again', withWorld((world) => throughIt(world, async (cluster) => {
    for (let round = 0; round < 8; round += 1) {
      await cluster.redis.command('CLIENT', 'KILL', 'TYPE', round % 2 ? 'pubsub' : 'normal', 'SKIPME', 'yes');
      await sleep(100);
    }
  }), TEST_MS));
});
