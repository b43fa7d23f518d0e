// A rolling update, as an orchestrator does it: a new one is ready before an old one goes, and the old
// one is told to stop only when no new connection comes to it any more. Nobody notices.

import assert from 'node:assert/strict';
import net from 'node:net';
import { describe, test } from 'node:test';
import { Follower } from './event_stream.mjs';
import { clientOf, newRoom, ready, scaled, withWorld } from './harness.mjs';

const REPLICAS = 2;
const READERS = scaled(20, 6);
const WRITERS = 4;
const WRITTEN_MIN = 40; // between one step of the update and the next
const TEST_MS = 120_000;
const TTL_S = 600;

/** One address for several: who connects is given to one of those that are on the list, and stays there. */
class Balancer {
  endpoints = [];
  #next = 0;

  async start(world) {
    const { url } = await world.fakeServer((client) => {
      this.#next += 1;
      const server = net.connect({ host: '127.0.0.1', port: this.endpoints[this.#next % this.endpoints.length].port });
      for (const [end, other] of [[client, server], [server, client]]) {
        end.setNoDelay(true);
        end.pipe(other);
        end.on('error', () => other.destroy());
        end.on('close', () => other.destroy());
      }
    });
    this.url = url;
    return this;
  }

  async add(starting) {
    const service = await starting;
    await ready(service);
    this.endpoints.push(service);
  }

  /** Starts a new one for each there is, one at a time; `step` comes between. */
  async replaceAll(start, step) {
    for (const old of [...this.endpoints]) {
      await this.add(start());
      this.endpoints.splice(this.endpoints.indexOf(old), 1);
      await step();
      await old.stop();
      await step();
    }
  }
}

/** Writers that go on until they are told to stop. An answer other than 201 fails them. */
class Writers {
  accepted = [];
  #over = false;
  #waiting = [];

  constructor(api, room) {
    this.done = Promise.all(Array.from({ length: WRITERS }, async () => {
      while (!this.#over) {
        const { id } = await api.create(room, { message: 'a', ttl: TTL_S });
        this.accepted.push(id);
        for (const wake of this.#waiting.splice(0)) wake();
      }
    }));
    // It is looked at by `more` and `stop`, whichever comes next.
    this.done.catch(() => {});
  }

  /** Waits until some more have been accepted. */
  async more(count = WRITTEN_MIN) {
    const enough = this.accepted.length + count;
    while (this.accepted.length < enough) {
      await Promise.race([this.done, new Promise((resolve) => this.#waiting.push(resolve))]);
    }
  }

  async stop() {
    this.#over = true;
    await this.done;
  }
}

async function underUpdate(world, update) {
  const { url: storeUrl } = await world.redis();
  const services = await new Balancer().start(world);
  const gateways = await new Balancer().start(world);
  const startService = () => world.messageService({ STORE_URL: storeUrl });
  const startGateway = () => world.gateway(services.url);
  for (let count = 0; count < REPLICAS; count += 1) await services.add(startService());
  for (let count = 0; count < REPLICAS; count += 1) await gateways.add(startGateway());

  const room = newRoom();
  const readers = Array.from({ length: READERS }, () => new Follower([gateways], room));
  const writers = new Writers(clientOf({ url: gateways.url, name: 'web-gateway' }), room);
  try {
    for (const reader of readers) await reader.has(1);
    await update({
      services: () => services.replaceAll(startService, () => writers.more()),
      gateways: () => gateways.replaceAll(startGateway, () => writers.more()),
    });
    await writers.stop();
    const accepted = [...writers.accepted].sort();
    for (const reader of readers) {
      await reader.has(accepted.length);
      assert.deepEqual([...reader.order].sort(), accepted, 'each message once');
      assert.deepEqual(reader.openings.slice(1).filter((name) => name !== 'resumed'), [], 'all go on where they were');
      assert.equal(reader.goneBefore.size, 0);
    }
    return readers;
  } finally {
    await Promise.all(readers.map((reader) => reader.close()));
  }
}

describe('a rolling update under traffic loses no message, refuses none and repeats none', () => {
  test('of the message services: readers notice nothing', withWorld(async (world) => {
    const readers = await underUpdate(world, ({ services }) => services());
    for (const { openings } of readers) assert.equal(openings.length, 1);
  }, TEST_MS));

  test('of the gateways: readers come back at another', withWorld(async (world) => {
    const readers = await underUpdate(world, ({ gateways }) => gateways());
    for (const { openings } of readers) assert.ok(openings.length >= 2, `${openings.length}`);
  }, TEST_MS));
});
