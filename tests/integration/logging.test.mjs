// A log that nobody reads: lines are dropped and counted, and the service goes on.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import {
  clientOf, scaled, sendAll, SERVICES, STOP_TIMEOUT_MS, within, withWorld,
} from './harness.mjs';

/** Several times as many lines as a socket and its reader's buffer hold. */
const REQUESTS = scaled(6000, 4000);

async function dropped(api) {
  const { text } = await api.get('/metrics');
  return Number(/^tempmessenger_log_lines_dropped_total (\d+)$/m.exec(text)[1]);
}

describe('a log that nobody reads', () => {
  for (const name of SERVICES) {
    test(`does not hold up the ${name}`, withWorld(async (world) => {
      const stack = await world.stack();
      const service = stack.of(name);
      const api = clientOf(service);
      assert.equal(await dropped(api), 0);
      service.child.stderr.pause();
      try {
        const paths = Array.from({ length: REQUESTS }, (_, i) => `/nothing/${i}`);
        await sendAll(service, paths, async (client, path) => {
          assert.equal((await client.get(path)).status, 404);
        });
        assert.ok(await dropped(api) > REQUESTS / 4, String(await dropped(api)));
        const ended = once(service.child, 'exit');
        service.signal('SIGTERM');
        assert.deepEqual(await within(STOP_TIMEOUT_MS, `${name} ends`, ended), [0, null]);
      } finally {
        service.child.stderr.resume();
      }
    }));
  }
});
