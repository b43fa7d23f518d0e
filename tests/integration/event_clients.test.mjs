// The event-stream clients that people use, at the gateway, while everything behind and below them
// dies and comes back: none misses a message, none is told one twice, none is lost for good.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { withEventClients } from './event_clients.mjs';
import { openEvents } from './event_stream.mjs';
import { clientOf, freePort, newRoom, ready, sleep, until, withWorld } from './harness.mjs';

const TTL_S = 300;
const BACK_MS = 30_000;
const TEST_MS = 110_000;
const SCENARIOS_AT_ONCE = 4;
/** How long something stays away: longer than a client's first `retry:`. */
const AWAY_MS = 3500;

/** A gateway, a message service and Redis, each with a port that it has again after its death. */
class House {
  constructor(world) {
    this.world = world;
    this.room = newRoom();
    this.posted = [];
  }

  async start({ durable = false, gatewayEnv = {} } = {}) {
    this.redis = await this.world.redis({
      port: await freePort(), config: durable ? ['--appendonly', 'yes', '--appendfsync', 'always'] : [],
    });
    const ports = { service: String(await freePort()), gateway: String(await freePort()) };
    this.env = {
      service: { STORE_URL: this.redis.tcpUrl, PORT: ports.service },
      gateway: {
        MESSAGE_SERVICE_URL: `http://127.0.0.1:${ports.service}`, PORT: ports.gateway,
        RATE_LIMIT: 'off', ...gatewayEnv,
      },
    };
    this.base = `http://127.0.0.1:${ports.gateway}`;
    await this.startService();
    await this.startGateway();
    await ready(this.gateway);
    return this;
  }

  async startService() {
    this.service = await this.world.service('message-service', this.env.service);
  }

  async startGateway() {
    this.gateway = await this.world.service('web-gateway', this.env.gateway);
  }

  /** Sends until it is accepted; the same key each time, so that it is stored once. */
  async post(text, at = this.gateway) {
    const key = `message-${this.posted.length}`;
    await until(`${text} is accepted`, async () => {
      const answer = await clientOf(at).postTo(this.room, { message: text, ttl: TTL_S },
        { 'Idempotency-Key': key }).catch(() => undefined);
      if (answer) assert.ok([201, 204, 503, 504].includes(answer.status), answer.text);
      return answer?.status < 300;
    }, BACK_MS);
    this.posted.push(text);
  }
}

/** Each client has seen all that was posted, once and in order, by `openings`. */
function assertSeen(house, clients, openings) {
  for (const client of clients) {
    assert.deepEqual(client.order, house.posted, client.name);
    if (openings) assert.deepEqual(client.openings, openings, client.name);
  }
}

/** Runs `trouble` in the life of four connected clients, and sees that all went on. */
const through = (options, trouble, openings) => withWorld(async (world) => {
  const house = await new House(world).start(options);
  await house.post('before');
  await withEventClients(house.base, house.room, async (clients, each) => {
    await each((client) => client.shows(['before'], BACK_MS));
    await house.post('live');
    await each((client) => client.shows(['live'], BACK_MS));
    await trouble(house, each);
    await house.post('after');
    await each((client) => client.shows(['after'], BACK_MS));
    assertSeen(house, clients, openings);
  });
}, TEST_MS);

describe('the event-stream clients of npm', { concurrency: SCENARIOS_AT_ONCE }, () => {
  test('get a snapshot, each message, and its end', withWorld(async (world) => {
    const house = await new House(world).start();
    await withEventClients(house.base, house.room, async (clients, each) => {
      await each((client) => client.until('a snapshot', () => client.openings.length > 0));
      for (const text of ['one', 'two\nthree', '四']) await house.post(text);
      await each((client) => client.shows(house.posted));
      assertSeen(house, clients, ['snapshot']);
      const short = await clientOf(house.gateway).create(house.room, { message: 'short', ttl: 1 });
      await each((client) => client.until('the end', () => client.told.includes('expired')));
      for (const { live } of clients) assert.ok(!live.has(short.id));
    });
  }, TEST_MS));

  test('resume after the gateway was killed', through({}, async (house) => {
    await house.gateway.kill();
    await house.post('meanwhile', house.service);
    await sleep(AWAY_MS);
    await house.startGateway();
  }, ['snapshot', 'resumed']));

  test('resume after the gateway was stopped', through({}, async (house, each) => {
    await house.gateway.stop();
    await each((client) => client.until('stopping', () => client.told.includes('stopping')));
    await house.post('meanwhile', house.service);
    await house.startGateway();
  }, ['snapshot', 'resumed']));

  test('stay while the message service is killed and comes back', through({}, async (house) => {
    const other = await house.world.messageService({ STORE_URL: house.redis.tcpUrl });
    await house.service.kill();
    await house.post('meanwhile', other);
    await sleep(AWAY_MS);
    await house.startService();
  }, ['snapshot']));

  test('stay while Redis is killed and comes back with all that it had', through({ durable: true }, async (house) => {
    await house.redis.stop();
    await sleep(AWAY_MS);
    await house.redis.start();
  }, ['snapshot']));

  test('stay while Redis is killed and comes back with nothing', through({}, async (house, each) => {
    await house.redis.stop();
    await sleep(AWAY_MS);
    await house.redis.start();
    await each((client) => client.until('nothing is left', () => client.live.size === 0, BACK_MS));
  }, ['snapshot']));

  test('resume after all three were killed', through({ durable: true }, async (house) => {
    await Promise.all([house.gateway.kill(), house.service.kill(), house.redis.stop()]);
    await house.startGateway();
    await sleep(AWAY_MS);
    await house.startService();
    await sleep(AWAY_MS);
    await house.redis.start();
  }, ['snapshot', 'resumed']));

  test('connect while the message service is away, and get a snapshot once it is back', withWorld(async (world) => {
    const house = await new House(world).start();
    await house.post('before');
    await house.service.kill();
    await withEventClients(house.base, house.room, async (clients, each) => {
      await sleep(AWAY_MS);
      await house.startService();
      await each((client) => client.shows(['before'], BACK_MS));
      await house.post('after');
      await each((client) => client.shows(['after'], BACK_MS));
      assertSeen(house, clients);
    });
  }, TEST_MS));

  test('connect while Redis is away, and get a snapshot once it is back', withWorld(async (world) => {
    const house = await new House(world).start({ durable: true });
    await house.post('before');
    await house.redis.stop();
    await withEventClients(house.base, house.room, async (clients, each) => {
      await sleep(AWAY_MS);
      await house.redis.start();
      await each((client) => client.shows(['before'], BACK_MS));
      await house.post('after');
      await each((client) => client.shows(['after'], BACK_MS));
      assertSeen(house, clients);
    });
  }, TEST_MS));

  test('come back when the gateway was full', withWorld(async (world) => {
    const house = await new House(world).start({ gatewayEnv: { MAX_CONNECTIONS: '4' } });
    const others = await Promise.all(Array.from({ length: 4 }, () => openEvents(house.gateway, newRoom())));
    await withEventClients(house.base, house.room, async (clients, each) => {
      await each((client) => client.until('full', () => client.openings[0] === 'full'));
      for (const other of others) other.close();
      await house.post('after');
      await each((client) => client.shows(['after'], BACK_MS));
      assertSeen(house, clients);
    });
  }, TEST_MS));
});
