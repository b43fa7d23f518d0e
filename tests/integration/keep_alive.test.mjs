// The comment that keeps a quiet stream alive, at both services and on both stores at once.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ANY, askEvents, withReaders } from './event_stream.mjs';
import { newRoom, SERVICES, STORES, until, withWorld } from './harness.mjs';

const COMMENT_EVERY_MS = 15_000;
const LATE_MS = 300;
// A first comment is written into the void, the next one shows that it is one.
const NOTICED_WITHIN_MS = 35_000;

describe('quiet streams', { concurrency: true }, () => {
  test('a comment line comes at least every 15 s', withWorld((world) => withReaders(async (open) => {
    const readers = [];
    for (const store of STORES) {
      const stack = await world.stack({ store });
      for (const name of SERVICES) readers.push(await open(stack.of(name), newRoom()));
    }
    await Promise.all(readers.map(async (reader) => {
      const quietSince = performance.now();
      await reader.until('a comment', () => reader.comments.length > 0, COMMENT_EVERY_MS + LATE_MS);
      const took = reader.comments[0].at - quietSince;
      assert.ok(took <= COMMENT_EVERY_MS + LATE_MS, `${took} ms`);
      assert.ok(reader.parser.isBetweenEvents, 'an event cut by a comment');
      assert.equal(reader.events.length, 1);
    }));
  })));

  test('a stream that nothing happens on notices that its reader has left', withWorld(async (world) => {
    const places = 5;
    const env = { MAX_CONNECTIONS: String(places) };
    await Promise.all(SERVICES.map(async (name) => {
      const stack = await world.stack(name === 'web-gateway' ? { gatewayEnv: env } : { env });
      const service = stack.of(name);
      const room = newRoom();
      for (let count = 0; count < places; count += 1) {
        const reader = await askEvents(service, { room, headers: ANY });
        assert.equal(reader.status, 200);
        reader.reset();
      }
      await until('there is room again', async () => {
        const answer = await askEvents(service, { room, headers: ANY });
        answer.close();
        return answer.status === 200;
      }, NOTICED_WITHIN_MS, 200);
    }));
  }));
});
