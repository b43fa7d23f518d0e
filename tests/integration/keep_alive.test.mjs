// The comment that keeps a quiet stream alive, at both services and on both stores at once.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { withReaders } from './event_stream.mjs';
import { newRoom, SERVICES, STORES, withWorld } from './harness.mjs';

const COMMENT_EVERY_MS = 15_000;
const LATE_MS = 300;

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
