// A log that nobody reads, or that cannot be written: lines are dropped and counted, and the service
// goes on.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import {
  BIN_DIR, clientOf, freePort, request, scaled, sendAll, SERVICES, START_TIMEOUT_MS,
  STOP_TIMEOUT_MS, TEMPLATE_DIR, until, within, withWorld,
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

/** What standard error may be, each opened in a folder of the test's own. */
const STDERRS = {
  'a pipe that nobody reads': (folder) => {
    const pipe = path.join(folder, 'log');
    execFileSync('mkfifo', [pipe]);
    return openSync(pipe, 'r+'); // both of its ends
  },
  'a full disk': () => openSync('/dev/full', 'w'),
  closed: () => undefined,
};

/** A service with this as its standard error. */
async function startWithStderr(world, name, stderr) {
  const port = await freePort();
  const env = { PATH: process.env.PATH, PORT: String(port), LOG_FORMAT: 'json', TEMPLATE_DIR, RATE_LIMIT: 'off' };
  const child = spawn('sh', ['-c', stderr === undefined ? 'exec "$0" 2>&-' : 'exec "$0"', path.join(BIN_DIR, name)],
    { env, stdio: ['ignore', 'ignore', stderr ?? 'ignore'] });
  world.onClose(() => child.kill('SIGKILL'));
  const service = { name, child, url: `http://127.0.0.1:${port}` };
  await until(`${name} listens`, () =>
    request(service.url, { path: '/livez' }).then(({ status }) => status === 200, () => false), START_TIMEOUT_MS);
  return service;
}

describe('a log that cannot be written', () => {
  for (const name of SERVICES) {
    for (const [what, open] of Object.entries(STDERRS)) {
      test(`${what}: does not hold up the ${name}`, withWorld(async (world) => {
        const stderr = open(await world.folder());
        const service = await startWithStderr(world, name, stderr);
        if (stderr !== undefined) world.onClose(() => closeSync(stderr));
        const paths = Array.from({ length: scaled(2000, 1000) }, (_, i) => `/nothing/${i}`);
        await sendAll(service, paths, async (client, target) => {
          assert.equal((await client.get(target)).status, 404);
        });
        // What is closed is /dev/null, which takes all.
        assert.equal(await dropped(clientOf(service)) > 100, stderr !== undefined);
        const ended = once(service.child, 'exit');
        service.child.kill('SIGTERM');
        assert.deepEqual(await within(STOP_TIMEOUT_MS, `${name} ends`, ended), [0, null]);
      }));
    }
  }
});
