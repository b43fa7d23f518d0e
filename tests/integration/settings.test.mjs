// Settings: environment, flags and files; defaults in --help; a wrong one stops the start.

import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import {
  assertMessage, assertProblem, Client, clientOf, freePort, newRoom, SERVICES, until, withWorld,
} from './harness.mjs';

const COMMON = {
  BIND_ADDRESS: '127.0.0.1', PORT: '', HTTP_THREADS: '', MAX_CONNECTIONS: '10000', LOG_LEVEL: 'info',
  LOG_FORMAT: '', SHUTDOWN_TIMEOUT: '5s', SERVICE_TOKEN: '',
};
const OWN = {
  'message-service': {
    STORE_URL: 'memory:', STORE_PREFIX: 'tempmessenger', STORE_TIMEOUT: '1s', MESSAGE_TTL: '60s',
    MESSAGE_TTL_MIN: '1s', MESSAGE_TTL_MAX: '1d', MESSAGE_MAX_BYTES: '4096', ROOM_MAX_MESSAGES: '10000',
    ROOM_MAX_BYTES: '8MiB',
  },
  'web-gateway': {
    MESSAGE_SERVICE_URL: 'http://127.0.0.1:8001', UPSTREAM_TIMEOUT: '2s', TEMPLATE_DIR: '',
    RATE_LIMIT: '20/s', CLIENT_MAX_STREAMS: '1024', CLIENT_MAX_CONNECTIONS: '2048',
    ROOM_OPEN_LIMIT: '20/s', TRUSTED_PROXIES: '', ALLOWED_ORIGINS: '',
  },
};
const PORTS = { 'message-service': '8001', 'web-gateway': '8000' };

const flagOf = (variable) => `--${variable.toLowerCase().replaceAll('_', '-')}`;

describe('help and version', () => {
  for (const name of SERVICES) {
    test(`${name} --help lists each setting with its default`, withWorld(async (world) => {
      const { code, stdout, stderr } = await world.run(name, {}, ['--help']);
      assert.equal(code, 0);
      assert.equal(stderr, '');
      for (const [variable, value] of Object.entries({ ...COMMON, ...OWN[name], PORT: PORTS[name] })) {
        assert.ok(stdout.includes(variable), variable);
        assert.ok(stdout.includes(flagOf(variable)), flagOf(variable));
        assert.ok(stdout.includes(value), `${variable}'s default ${value}`);
      }
      const other = SERVICES.find((one) => one !== name);
      for (const variable of Object.keys(OWN[other])) {
        assert.ok(!stdout.includes(flagOf(variable)), `${variable} is the other service's`);
      }
    }));

    test(`${name} --version prints one line`, withWorld(async (world) => {
      const { code, stdout, stderr } = await world.run(name, {}, ['--version']);
      assert.equal(code, 0);
      assert.equal(stderr, '');
      assert.match(stdout, /^[^\n]*\d+\.\d+[^\n]*\n$/);
    }));
  }
});

describe('where a setting comes from', () => {
  const lifetime = async (world, env, args) => {
    const api = clientOf(await world.messageService(env, args));
    const made = await api.create(newRoom(), 'a');
    return Date.parse(made.expires_at) - Date.parse(made.created_at);
  };

  test('the environment', withWorld(async (world) => {
    assert.equal(await lifetime(world, { MESSAGE_TTL: '7s' }), 7000);
  }));

  test('a flag, which goes before the environment', withWorld(async (world) => {
    assert.equal(await lifetime(world, {}, ['--message-ttl', '8s']), 8000);
    assert.equal(await lifetime(world, {}, ['--message-ttl=9s']), 9000);
    assert.equal(await lifetime(world, { MESSAGE_TTL: '7s' }, ['--message-ttl=9s']), 9000);
  }));

  test('a file, whose last line break is not a part of it', withWorld(async (world) => {
    const file = path.join(await world.folder(), 'value');
    for (const content of ['11s', '11s\n']) {
      await writeFile(file, content);
      assert.equal(await lifetime(world, { MESSAGE_TTL_FILE: file }), 11_000);
    }
  }));

  test('a secret from a file', withWorld(async (world) => {
    const file = path.join(await world.folder(), 'token');
    await writeFile(file, 's3cret\n');
    const api = clientOf(await world.messageService({ SERVICE_TOKEN_FILE: file }));
    assertProblem(await api.get('/messages'), 401, 'unauthorized');
    assert.equal((await api.get('/messages', { Authorization: 'Bearer s3cret' })).status, 200);
  }));
});

describe('durations', () => {
  for (const [text, ms] of [['500ms', 500], ['10s', 10_000], ['5m', 300_000], ['2h', 7_200_000],
    ['1d', 86_400_000], ['30', 30_000]]) {
    test(text, withWorld(async (world) => {
      const api = clientOf(await world.messageService({ MESSAGE_TTL: text, MESSAGE_TTL_MIN: '100ms' }));
      const room = newRoom();
      assertMessage(await api.create(room, 'a'), { room, text: 'a', lifetimeMs: ms });
    }));
  }
});

describe('what the settings do', () => {
  test('MESSAGE_TTL_MIN and MESSAGE_TTL_MAX', withWorld(async (world) => {
    const service = await world.messageService({ MESSAGE_TTL_MIN: '2s', MESSAGE_TTL_MAX: '3s', MESSAGE_TTL: '2s' });
    const gateway = await world.gateway(service);
    for (const api of [clientOf(service), clientOf(gateway)]) {
      const room = newRoom();
      for (const ttl of [1.999, 3.001]) {
        assertProblem(await api.postTo(room, { message: 'a', ttl }), 422, 'invalid-ttl', /2.*3/);
      }
      for (const ttl of [2, 3]) await api.create(room, { message: 'a', ttl });
    }
  }));

  test('MESSAGE_MAX_BYTES', withWorld(async (world) => {
    const service = await world.messageService({ MESSAGE_MAX_BYTES: '10' });
    const gateway = await world.gateway(service);
    for (const api of [clientOf(service), clientOf(gateway)]) {
      const room = newRoom();
      await api.create(room, 'a'.repeat(10));
      assertProblem(await api.postTo(room, { message: 'a'.repeat(11) }), 413, 'too-large', /10/);
      assert.equal((await api.list(room)).length, 1);
    }
  }));

  test('LOG_LEVEL=error leaves requests out', withWorld(async (world) => {
    const service = await world.messageService();
    await clientOf(service).get('/livez', { 'X-Request-Id': 'find-me' });
    await until('it is logged at info', () => service.stderr.includes('find-me'));
    // A quiet service does not tell its port: it is given one, and asked until it answers.
    const port = await freePort();
    const quiet = world.run('message-service', { LOG_LEVEL: 'error', PORT: String(port), LOG_FORMAT: 'json' });
    const api = new Client(`http://127.0.0.1:${port}`, 'message-service');
    await until('it answers', () => api.get('/livez').then(() => true, () => false));
    await api.get('/livez', { 'X-Request-Id': 'find-me' });
    await world.stopRun();
    const { code, stderr } = await quiet;
    assert.equal(code, 0);
    assert.equal(stderr, '');
  }));

  test('LOG_FORMAT=text is no JSON; json is the default away from a terminal', withWorld(async (world) => {
    for (const [format, isJson] of [['text', false], [undefined, true]]) {
      const port = await freePort();
      const run = world.run('message-service',
        { PORT: String(port), ...(format ? { LOG_FORMAT: format } : {}) });
      const api = new Client(`http://127.0.0.1:${port}`, 'message-service');
      await until('it answers', () => api.get('/livez').then(() => true, () => false));
      await world.stopRun();
      const { stderr } = await run;
      const [line] = stderr.split('\n');
      assert.equal(line.startsWith('{'), isJson, line);
    }
  }));
});

const WRONG = {
  both: [
    ['PORT', 'abc'], ['PORT', '65536'], ['PORT', '-1'], ['PORT', '80 80'], ['PORT', '8001x'], ['PORT', '1e3'],
    ['HTTP_THREADS', '0'], ['HTTP_THREADS', 'many'], ['HTTP_THREADS', '99999999999999999999'],
    ['MAX_CONNECTIONS', 'x'], ['MAX_CONNECTIONS', '-5'], ['MAX_CONNECTIONS', '0'],
    ['LOG_LEVEL', 'loud'], ['LOG_FORMAT', 'xml'], ['SHUTDOWN_TIMEOUT', 'soon'], ['SHUTDOWN_TIMEOUT', '5 s'],
    ['SHUTDOWN_TIMEOUT', '5w'], ['SHUTDOWN_TIMEOUT', '-5s'], ['SHUTDOWN_TIMEOUT', '99999999999999999999d'],
    ['BIND_ADDRESS', 'not an address'],
  ],
  'message-service': [
    ['STORE_URL', 'mysql://localhost'], ['STORE_URL', 'redis'], ['STORE_URL', 'redis://host:port'],
    ['STORE_URL', 'redis://host:99999'], ['STORE_URL', 'redis://host/x'],
    ['STORE_TIMEOUT', 'never'], ['STORE_TIMEOUT', '-1s'],
    ['MESSAGE_TTL', 'abc'], ['MESSAGE_TTL', '2d'], ['MESSAGE_TTL', '10ms'], ['MESSAGE_TTL_MIN', 'x'],
    ['MESSAGE_TTL_MAX', 'x'], ['MESSAGE_MAX_BYTES', '0'], ['MESSAGE_MAX_BYTES', '-1'],
    ['MESSAGE_MAX_BYTES', '4k'], ['ROOM_MAX_MESSAGES', '-5'], ['ROOM_MAX_MESSAGES', '0'],
    ['ROOM_MAX_MESSAGES', 'x'], ['ROOM_MAX_BYTES', '63KiB'], ['ROOM_MAX_BYTES', '257MiB'],
    ['ROOM_MAX_BYTES', '8MB'],
  ],
  'web-gateway': [
    ['MESSAGE_SERVICE_URL', 'ftp://x'], ['MESSAGE_SERVICE_URL', 'nonsense'],
    ['UPSTREAM_TIMEOUT', 'soon'], ['RATE_LIMIT', 'fast'], ['RATE_LIMIT', '0/s'], ['RATE_LIMIT', '20'],
    ['CLIENT_MAX_STREAMS', '0'], ['CLIENT_MAX_STREAMS', '1000001'], ['CLIENT_MAX_CONNECTIONS', 'none'],
    ['ROOM_OPEN_LIMIT', '0/s'], ['ROOM_OPEN_LIMIT', '20'],
    ['RATE_LIMIT', '-1/s'], ['TRUSTED_PROXIES', 'nonsense'], ['TRUSTED_PROXIES', '10.0.0.0/99'],
    ['ALLOWED_ORIGINS', 'nonsense'], ['ALLOWED_ORIGINS', 'ftp://x y'], ['TEMPLATE_DIR', '/nonexistent'],
  ],
};

function assertRefused({ code, signal, stdout, stderr }, ...parts) {
  assert.equal(signal, null);
  assert.equal(code, 2, stderr);
  assert.equal(stdout, '');
  assert.match(stderr, /^[^\n]+\n$/, `one line, not: ${stderr}`);
  for (const part of parts) assert.ok(stderr.includes(part), `${part} in: ${stderr}`);
}

describe('a wrong setting stops the start with one line and status 2', () => {
  for (const name of SERVICES) {
    for (const [variable, value] of [...WRONG.both, ...WRONG[name]]) {
      test(`${name}: ${variable}=${value}`, withWorld(async (world) => {
        assertRefused(await world.run(name, { [variable]: value }), variable, value);
      }));
    }

    test(`${name}: a flag of a wrong value`, withWorld(async (world) => {
      assertRefused(await world.run(name, {}, ['--log-level=loud']), 'LOG_LEVEL', 'loud');
    }));

    test(`${name}: a flag that is none`, withWorld(async (world) => {
      assertRefused(await world.run(name, {}, ['--no-such-flag']), '--no-such-flag');
      assertRefused(await world.run(name, {}, ['word']), 'word');
    }));

    test(`${name}: a flag without its value`, withWorld(async (world) => {
      const refused = await world.run(name, {}, ['--log-level']);
      assertRefused(refused);
      assert.match(refused.stderr, /log-level|LOG_LEVEL/);
    }));

    test(`${name}: a file that is not there`, withWorld(async (world) => {
      assertRefused(await world.run(name, { HTTP_THREADS_FILE: '/nonexistent/threads' }), 'HTTP_THREADS_FILE');
    }));

    test(`${name}: an empty secret`, withWorld(async (world) => {
      const line = `${name}: SERVICE_TOKEN: the value is not 1 to 512 visible ASCII characters\n`;
      assertRefused(await world.run(name, { SERVICE_TOKEN: '' }), line);
      assertRefused(await world.run(name, {}, ['--service-token', '']), line);
    }));

    test(`${name}: a wrong value from a file`, withWorld(async (world) => {
      const file = path.join(await world.folder(), 'value');
      await writeFile(file, 'loud\n');
      assertRefused(await world.run(name, { LOG_LEVEL_FILE: file }), 'LOG_LEVEL');
    }));
  }

  test('limits that contradict each other', withWorld(async (world) => {
    assertRefused(await world.run('message-service', { MESSAGE_TTL_MIN: '10s', MESSAGE_TTL_MAX: '5s' }),
      'MESSAGE_TTL');
  }));

  test('a secret in a wrong value is not shown', withWorld(async (world) => {
    const { code, stderr } = await world.run('message-service', { STORE_URL: 'redis://user:hunter2@host:bad' });
    assert.equal(code, 2);
    assert.ok(!stderr.includes('hunter2'), stderr);
  }));
});
