// The file of a secret that is missing when a service starts: the start ends with a status of its own
// and one line, and whoever started it tries again.

import assert from 'node:assert/strict';
import { rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { Client, clientOf, request, SERVICES, until, withWorld } from './harness.mjs';

const MISSING = 3;
const WRONG = 2;
const TOKEN = 'a-token-for-two';
const bearer = { Authorization: `Bearer ${TOKEN}` };

/** As an orchestrator puts it there: whole, or not at all. */
async function put(file, text) {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

for (const name of SERVICES) {
  describe(`${name} without its token`, () => {
    for (const [what, content] of [['missing', undefined], ['empty', ''], ['a line break alone', '\n']]) {
      test(`ends with status 3 and one line where the file is ${what}`, withWorld(async (world) => {
        const file = path.join(await world.folder(), 'token');
        if (content !== undefined) await writeFile(file, content);
        const line = `${name}: SERVICE_TOKEN_FILE: "${file}" is missing or empty\n`;
        for (const [env, args] of [[{ SERVICE_TOKEN_FILE: file }, []], [{}, ['--service-token-file', file]]]) {
          assert.deepEqual(await world.run(name, env, args),
            { code: MISSING, signal: null, stdout: '', stderr: line });
        }
      }));
    }

    test('ends with status 2 where trying again is of no use', withWorld(async (world) => {
      const folder = await world.folder();
      for (const file of ['', folder, '/dev/null/token']) {
        const { code, stderr } = await world.run(name, { SERVICE_TOKEN_FILE: file });
        assert.equal(code, WRONG, file);
        assert.equal(stderr, `${name}: SERVICE_TOKEN_FILE: "${file}" cannot be read\n`);
      }
      const file = path.join(folder, 'token');
      await writeFile(file, 'two words');
      const { code, stderr } = await world.run(name, { SERVICE_TOKEN_FILE: file });
      assert.equal(code, WRONG);
      assert.match(stderr, /^[a-z-]+: SERVICE_TOKEN: the value is not [^\n]*\n$/);
      assert.ok(!stderr.includes('two words'));
    }));

    test('starts when the file is there', withWorld(async (world) => {
      const env = { SERVICE_TOKEN_FILE: path.join(await world.folder(), 'token') };
      assert.equal((await world.run(name, env)).code, MISSING);
      await put(env.SERVICE_TOKEN_FILE, `${TOKEN}\n`);
      const service = await world.service(name, env);
      assert.equal((await request(service.url, { path: '/livez' })).status, 200);
    }));
  });
}

test('the two secrets of the message service', withWorld(async (world) => {
  const redis = await world.redis();
  const folder = await world.folder();
  const env = { SERVICE_TOKEN_FILE: path.join(folder, 'token'), STORE_URL_FILE: path.join(folder, 'url') };
  await put(env.SERVICE_TOKEN_FILE, TOKEN);
  assert.deepEqual(await world.run('message-service', env), {
    code: MISSING, signal: null, stdout: '',
    stderr: `message-service: STORE_URL_FILE: "${env.STORE_URL_FILE}" is missing or empty\n`,
  });
  await put(env.STORE_URL_FILE, redis.url);
  const service = await world.messageService(env);
  const api = new Client(service.url, 'message-service');
  assert.equal((await api.get('/messages')).status, 401);
  assert.equal((await api.get('/messages', bearer)).status, 200);
  const gateway = clientOf(await world.gateway(service, { SERVICE_TOKEN_FILE: env.SERVICE_TOKEN_FILE }));
  await until('the gateway is ready', async () => (await gateway.get('/readyz')).status === 200);
  await gateway.create('lobby', { message: 'hello' });
}));

test('a file of any other setting has to be there', withWorld(async (world) => {
  const file = path.join(await world.folder(), 'nothing');
  for (const variable of ['MESSAGE_TTL_FILE', 'HTTP_THREADS_FILE', 'STORE_PREFIX_FILE']) {
    const { code, stderr } = await world.run('message-service', { [variable]: file });
    assert.equal(code, WRONG, variable);
    assert.equal(stderr, `message-service: ${variable}: "${file}" cannot be read\n`);
  }
}));
