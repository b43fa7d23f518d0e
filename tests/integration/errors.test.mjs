// The error table of the contract, row by row, at both services and on both stores: the exact
// status, type and detail, and that nothing is stored.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  allowed, assertAccepted, assertProblem, newRoom, onEveryService, raw, rawStatus, until,
  withWorld, clientOf, STORES,
} from './harness.mjs';

const MESSAGE_MAX_BYTES = 4096;
const MEGABYTE = 1024 * 1024;

const invalidJson = {
  'an empty body': '',
  'white space': ' \n ',
  'a word': 'nonsense',
  'a form': 'message=foo',
  'an array': '[{"message":"a"}]',
  'a string': '"message"',
  'a number': '5',
  null: 'null',
  true: 'true',
  'an object cut short': '{"message":"a"',
  'a string cut short': '{"message":"a',
  'something behind the object': '{"message":"a"} x',
  'two objects': '{"message":"a"}{"message":"b"}',
  'a comma too many': '{"message":"a",}',
  'single quotes': "{'message':'a'}",
  'a comment': '{"message":"a"/* b */}',
  'a name without quotes': '{message:"a"}',
  'a control character in a string': '{"message":"a\nb"}',
  'an escape that is none': '{"message":"\\x41"}',
  'a number that is none': '{"message":"a","ttl":01}',
  NaN: '{"message":"a","ttl":NaN}',
  'duplicate members': '{"message":"a","message":"b"}',
  'duplicate members by an escape': '{"message":"a","m\\u0065ssage":"b"}',
  'duplicate members that are ignored': '{"message":"a","x":1,"x":1}',
  'a lone high surrogate': '{"message":"\\ud800"}',
  'a lone low surrogate': '{"message":"a\\udc00b"}',
  'very deep nesting': '['.repeat(3000),
};

const invalidUtf8 = {
  'a byte that is none': [0xff],
  'a continuation alone': [0x80],
  'a character cut short': [0xe2, 0x82],
  'an overlong NUL': [0xc0, 0x80],
  'an overlong slash': [0xe0, 0x80, 0xaf],
  'a surrogate': [0xed, 0xa0, 0x80],
  'a character beyond U+10FFFF': [0xf4, 0x90, 0x80, 0x80],
  'five bytes': [0xf8, 0x88, 0x80, 0x80, 0x80],
};

const invalidMessage = {
  'a number': '5', null: 'null', true: 'true', 'an array': '["a"]', 'an object': '{"a":"b"}',
  'nothing in it': '""', 'a space': '" "', 'white space': '" \\t\\r\\n"', NUL: '"\\u0000"',
  'a NUL inside': '"a\\u0000b"', 'a no-break space': '"\\u00a0"', 'an ideographic space': '"\\u3000"',
  'a zero-width space': '"\\u200b"',
};

const invalidTtl = ['0', '-1', '-0', '0.999', '0.0001', '86400.001', '86401', '1e9', '1e308', '1e400',
  '-1e400', '123456789012345678901234567890', '"60"', 'null', 'true', 'false', '[]', '{}', '""'];

const invalidAuthor = {
  'a number': 5, null: null, true: true, 'an array': ['a'], 'an object': {}, 'nothing in it': '',
  'a space': ' ', 'white space': '\u00a0\u3000', '41 characters': 'a'.repeat(41),
  '41 characters of four bytes': '😀'.repeat(41),
};

const point = (code) => `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
const span = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const CONTROLS = [...span(0, 0x1f), ...span(0x7f, 0x9f)];
const TURNING = [0x61c, 0x200e, 0x200f, ...span(0x202a, 0x202e), ...span(0x2066, 0x2069)];

onEveryService('errors', (api) => {
  async function refuses(body, [status, type, detail], headers = {}) {
    const room = newRoom();
    assertProblem(await api.postTo(room, body, headers), status, type, detail);
    assert.deepEqual(await api.list(room), [], 'nothing is stored');
  }
  const INVALID_JSON = [400, 'invalid-json', 'JSON payload expected'];

  describe('invalid-json', () => {
    for (const [name, body] of Object.entries(invalidJson)) {
      test(name, () => refuses(body, INVALID_JSON));
    }
    for (const [name, bytes] of Object.entries(invalidUtf8)) {
      test(`invalid UTF-8: ${name}`, () => refuses(
        Buffer.concat([Buffer.from('{"message":"a'), Buffer.from(bytes), Buffer.from('"}')]), INVALID_JSON));
    }
    test('a NUL byte in the body', () => refuses(Buffer.from('{"message":"a"}\0'), INVALID_JSON));
    test('no body at all', async () => {
      const answer = await api.request({ method: 'POST', path: '/messages' });
      assertProblem(answer, ...INVALID_JSON);
    });
  });

  describe('bodies at the edge of JSON', () => {
    test('a NUL behind a number', () => refuses(Buffer.from('{"message":"a","ttl":5\0}'), INVALID_JSON));
    test('a byte order mark may come first, and only once', async () => {
      assertAccepted(api, await api.postTo(newRoom(), '\ufeff{"message":"a"}'));
      await refuses('\ufeff\ufeff{"message":"a"}', INVALID_JSON);
    });
    test('numbers out of range that are ignored do no harm, however many', async () => {
      const numbers = `[${Array(300).fill('1e999').join()}]`;
      assertAccepted(api, await api.postTo(newRoom(), `{"message":"a","n":${numbers}}`));
    });
  });

  describe('unsupported-encoding', () => {
    const body = '{"message":"a"}';
    for (const encoding of ['gzip', 'identity, gzip', 'x', 'GZIP']) {
      test(encoding, () => refuses(body, [415, 'unsupported-encoding',
        'The body must come as it is, without a Content-Encoding'], { 'Content-Encoding': encoding }));
    }
    for (const encoding of ['identity', 'Identity', ' identity , identity ', '']) {
      test(`"${encoding}" is none`, async () => {
        assertAccepted(api, await api.postTo(newRoom(), body, { 'Content-Encoding': encoding }));
      });
    }
  });

  describe('no-message', () => {
    for (const body of ['{}', '{"ttl":5}', '{"Message":"a"}', '{"text":"a","author":"b"}', '{"":""}']) {
      test(body, () => refuses(body, [400, 'no-message', 'No message given']));
    }
    test('has the title of the contract', async () => {
      assert.deepEqual((await api.postTo(newRoom(), '{}')).json(), {
        type: 'urn:tempmessenger:problem:no-message', title: 'No message given', status: 400,
        detail: 'No message given',
      });
    });
  });

  describe('invalid-message', () => {
    for (const [name, value] of Object.entries(invalidMessage)) {
      test(name, () => refuses(`{"message":${value}}`, [422, 'invalid-message', /message/i]));
    }
    test('every control character but tab and line breaks, named by code point and place', async () => {
      for (const code of CONTROLS.filter((one) => ![9, 10, 13].includes(one))) {
        const text = `é😀${String.fromCodePoint(code)}\u0007`;
        const expected = [422, 'invalid-message', `The message may not contain ${point(code)} (character 3)`];
        await refuses({ message: text }, expected);
        await refuses(text, expected, { 'Content-Type': 'text/plain' });
      }
    });
    test('a blank plain text', () =>
      refuses(' \n', [422, 'invalid-message', /message/i], { 'Content-Type': 'text/plain' }));
    test('a NUL in plain text', () =>
      refuses('a\0b', [422, 'invalid-message', /message/i], { 'Content-Type': 'text/plain' }));
    test('plain text that is not UTF-8 is no server error', async () => {
      const room = newRoom();
      const answer = await api.postTo(room, Buffer.from([0x61, 0xff]), { 'Content-Type': 'text/plain' });
      assert.ok([400, 422].includes(answer.status), `${answer.status}`);
      assert.deepEqual(await api.list(room), []);
    });
    test('an empty plain text is refused', async () => {
      const room = newRoom();
      const answer = await api.postTo(room, '', { 'Content-Type': 'text/plain' });
      assert.ok([400, 422].includes(answer.status), `${answer.status}`);
      assert.deepEqual(await api.list(room), []);
    });
  });

  describe('invalid-ttl', () => {
    for (const ttl of invalidTtl) {
      test(ttl, () => refuses(`{"message":"a","ttl":${ttl}}`, [422, 'invalid-ttl', /\d/]));
    }
  });

  describe('invalid-author', () => {
    for (const [name, author] of Object.entries(invalidAuthor)) {
      test(name, () => refuses({ message: 'a', author }, [422, 'invalid-author', /40/]));
    }
    test('every control character and all that turn direction, named by code point and place', async () => {
      for (const code of [...CONTROLS, ...TURNING]) {
        await refuses({ message: 'a', author: `é😀${String.fromCodePoint(code)}\u0007` },
          [422, 'invalid-author', `The author may not contain ${point(code)} (character 3)`]);
      }
    });
  });

  describe('idempotency-key-reused', () => {
    for (const [name, second] of Object.entries({
      'another message': { message: 'b', author: 'x', ttl: 30 },
      'another author': { message: 'a', author: 'y', ttl: 30 },
      'another lifetime': { message: 'a', author: 'x', ttl: 31 },
    })) {
      test(name, async () => {
        const room = newRoom();
        const headers = { 'Idempotency-Key': 'k' };
        assertAccepted(api, await api.postTo(room, { message: 'a', author: 'x', ttl: 30 }, headers));
        assertProblem(await api.postTo(room, second, headers), 422, 'idempotency-key-reused');
        assert.equal((await api.list(room)).length, 1);
      });
    }
  });

  describe('too-large', () => {
    const TOO_LARGE = [413, 'too-large', /\d/];
    test('one byte over in JSON', () =>
      refuses({ message: 'a'.repeat(MESSAGE_MAX_BYTES + 1) }, [413, 'too-large', /4096/]));
    test('one byte over in two-byte characters', () =>
      refuses({ message: `${'é'.repeat(MESSAGE_MAX_BYTES / 2)}a` }, [413, 'too-large', /4096/]));
    test('one byte over in plain text', () => refuses('a'.repeat(MESSAGE_MAX_BYTES + 1),
      [413, 'too-large', /4096/], { 'Content-Type': 'text/plain' }));
    test('a body of a megabyte', () => refuses({ message: 'a'.repeat(MEGABYTE) }, TOO_LARGE));
    test('a megabyte of white space before the object', () =>
      refuses(`${' '.repeat(MEGABYTE)}{"message":"a"}`, TOO_LARGE));
    test('a megabyte of plain text', () =>
      refuses('a'.repeat(MEGABYTE), TOO_LARGE, { 'Content-Type': 'text/plain' }));
    test('a megabyte of JSON that says it is a form', () => refuses(
      { message: 'a'.repeat(MEGABYTE) }, TOO_LARGE, { 'Content-Type': 'application/x-www-form-urlencoded' }));
    test('a megabyte in chunks', async () => {
      const room = newRoom();
      const answer = await api.request({
        method: 'POST', path: `/rooms/${room}/messages`, body: `{"message":"${'a'.repeat(MEGABYTE)}"}`,
        headers: { 'Transfer-Encoding': 'chunked', 'Content-Type': 'application/json' },
      });
      assertProblem(answer, ...TOO_LARGE);
      assert.deepEqual(await api.list(room), []);
    });
  });

  describe('message-not-found', () => {
    for (const id of ['0'.repeat(32), 'f'.repeat(32), 'abc', '0'.repeat(31), '0'.repeat(33), 'F'.repeat(32)]) {
      test(id, async () => {
        assertProblem(await api.get(`/messages/${id}`), 404, 'message-not-found', `Message not found: ${id}`);
      });
    }
    for (const id of ['%3Cscript%3E', '%00', '%ff', '..%2f..', 'x'.repeat(2000), '%0d%0aa', '%25s%25n', '*']) {
      test(`hostile: ${id.slice(0, 30)}`, async () => {
        const answer = await api.get(`/messages/${id}`);
        assert.equal(answer.status, 404);
        assert.match(answer.json().type, /:(message-)?not-found$/);
        assert.ok(answer.bytes.length < 4096);
      });
    }
  });

  describe('not-found', () => {
    for (const path of ['/nothing', '/messages/a/b', '/message', '/MESSAGES', '/rooms/a/message',
      '/rooms/a/messages/b/c', '/livez/x', '/%2e%2e/etc/passwd', '/../etc/passwd', '/.env', '/%00', '/%ff',
      '/static/../home.html', '/static/%2e%2e/home.html', '/static/..%2fhome.html', '/static/nothing',
      '/static/', '/x?y=z']) {
      test(path, async () => assertProblem(await api.get(path), 404, 'not-found'));
    }
    for (const method of ['POST', 'DELETE', 'PUT']) {
      test(`${method} /nothing`, async () => {
        assertProblem(await api.request({ method, path: '/nothing' }), 404, 'not-found');
      });
    }
  });

  describe('method-not-allowed', () => {
    const reading = ['GET', 'HEAD', 'OPTIONS'];
    const both = ['GET', 'HEAD', 'OPTIONS', 'POST'];
    const table = [
      ['/messages', both, ['PUT', 'DELETE', 'PATCH']],
      ['/rooms/a/messages', both, ['PUT', 'DELETE', 'PATCH']],
      [`/messages/${'0'.repeat(32)}`, reading, ['POST', 'PUT', 'DELETE', 'PATCH']],
      [`/rooms/a/messages/${'0'.repeat(32)}`, reading, ['POST', 'PUT', 'DELETE', 'PATCH']],
      ['/livez', reading, ['POST', 'DELETE']],
      ['/readyz', reading, ['POST', 'DELETE']],
      ['/konnichiwa', reading, ['POST', 'DELETE']],
      ...(api.isGateway ? [['/', both, ['PUT', 'DELETE']], ['/rooms/a', both, ['PUT', 'DELETE']]] : []),
    ];
    for (const [path, methods, wrong] of table) {
      for (const method of wrong) {
        test(`${method} ${path}`, async () => {
          const answer = await api.request({ method, path });
          assertProblem(answer, 405, 'method-not-allowed');
          assert.deepEqual(allowed(answer), methods);
        });
      }
    }
    test('a method that nobody knows', async () => {
      const answer = await raw(api.port, 'BREW /messages HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
      assert.equal(rawStatus(answer), 405);
    });
  });

  describe('Accept: text/plain', () => {
    test('gets the detail alone', async () => {
      const answer = await api.postTo(newRoom(), '{}', { Accept: 'text/plain' });
      assert.equal(answer.status, 400);
      assert.equal(answer.text.trimEnd(), 'No message given');
      assert.equal(answer.headers['content-type'].split(';')[0], 'text/plain');
    });
    test('for what is not there', async () => {
      const answer = await api.get('/messages/abc', { Accept: 'text/plain' });
      assert.equal(answer.status, 404);
      assert.equal(answer.text.trimEnd(), 'Message not found: abc');
    });
    for (const accept of ['*/*', 'application/json', 'text/html', 'application/problem+json', 'nonsense']) {
      test(`${accept} gets the problem`, async () => {
        assertProblem(await api.get('/nothing', { Accept: accept }), 404, 'not-found');
      });
    }
  });

  describe('malformed requests', () => {
    const host = 'Host: a\r\nConnection: close\r\n';
    const requests = {
      'no HTTP at all': '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n',
      'no version': 'GET /messages\r\n\r\n',
      'a version from the future': `GET /messages HTTP/9.9\r\n${host}\r\n`,
      'a path without a slash': `GET messages HTTP/1.1\r\n${host}\r\n`,
      'a NUL in the path': `GET /mess\0ages HTTP/1.1\r\n${host}\r\n`,
      'a path of 100 KB': `GET /${'a'.repeat(100_000)} HTTP/1.1\r\n${host}\r\n`,
      'a header of 100 KB': `GET /messages HTTP/1.1\r\n${host}X-A: ${'a'.repeat(100_000)}\r\n\r\n`,
      'a thousand headers': `GET /messages HTTP/1.1\r\n${host}${'X-A: b\r\n'.repeat(1000)}\r\n`,
      'a Content-Length that is none': `POST /messages HTTP/1.1\r\n${host}Content-Length: x\r\n\r\n{}`,
      'a negative Content-Length': `POST /messages HTTP/1.1\r\n${host}Content-Length: -5\r\n\r\n{}`,
      'a Content-Length beyond numbers':
        `POST /messages HTTP/1.1\r\n${host}Content-Length: 99999999999999999999999\r\n\r\n{}`,
      'chunks that are none':
        `POST /messages HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n`,
      'bytes beyond ASCII in a header': `GET /messages HTTP/1.1\r\n${host}X-Request-Id: \xff\xfe\r\n\r\n`,
      'percent signs that encode nothing': `GET /messages/%zz%4 HTTP/1.1\r\n${host}\r\n`,
      'a query beyond sense': `GET /messages?${'&=%00&&a=b'.repeat(100)} HTTP/1.1\r\n${host}\r\n`,
      'no host': 'GET /messages HTTP/1.1\r\nConnection: close\r\n\r\n',
    };
    for (const [name, bytes] of Object.entries(requests)) {
      test(name, async () => {
        const status = rawStatus(await raw(api.port, Buffer.from(bytes, 'latin1')));
        // 505 is HTTP's own answer to a version that nobody speaks.
        assert.ok(status === undefined || status < 500 || status === 505, `${status}`);
        assert.equal((await api.get('/livez')).status, 200, 'it still serves');
      });
    }

    test('a query of many parts is answered, and holds nothing up', async () => {
      const query = 'a=b&'.repeat(500);
      const answer = await raw(api.port, `GET /messages?${query} HTTP/1.1\r\n${host}\r\n`);
      assert.ok(rawStatus(answer) >= 200 && rawStatus(answer) < 500, `${rawStatus(answer)}`);
    });

    test('a body that never comes whole is not stored', async () => {
      const room = newRoom();
      const head = `POST /rooms/${room}/messages HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n`;
      await raw(api.port, `${head}{"message":"a"}`, { hangUp: true });
      await raw(api.port, head, { hangUp: true });
      assert.deepEqual(await api.list(room), []);
    });
  });
});

for (const store of STORES) {
  describe(`room-full [${store}]`, () => {
    test('the one over the limit is refused, nothing is dropped, and room comes back',
      withWorld(async (world) => {
        const stack = await world.stack({ store, env: { ROOM_MAX_MESSAGES: '3' } });
        for (const api of [clientOf(stack.service), clientOf(stack.gateway)]) {
          const room = newRoom();
          const ids = [];
          const lives = [2, 50, 60];
          for (const ttl of lives) ids.push((await api.create(room, { message: 'a', ttl })).id);
          const over = await api.postTo(room, { message: 'b' });
          assertProblem(over, 429, 'room-full');
          assert.deepEqual((await api.list(room)).map(({ id }) => id), ids);
          assertAccepted(api, await api.postTo(newRoom(), { message: 'elsewhere' }));
          await until('there is room again',
            async () => (await api.postTo(room, { message: 'b' })).status < 300, 6000, 50);
          assert.equal((await api.list(room)).length, 3);
        }
      }));

    test('a repeat with its key is answered although the room is full', withWorld(async (world) => {
      const stack = await world.stack({ store, env: { ROOM_MAX_MESSAGES: '1' } });
      for (const api of [clientOf(stack.service), clientOf(stack.gateway)]) {
        const room = newRoom();
        const headers = { 'Idempotency-Key': 'k' };
        const first = await api.create(room, 'a', headers);
        assert.equal((await api.create(room, 'a', headers)).id, first.id);
      }
    }));
  });
}

describe('unauthorized', () => {
  const token = 'a-secret-token';
  const bearer = (value) => ({ Authorization: `Bearer ${value}` });

  test('each path of the message service but health wants the token', withWorld(async (world) => {
    const service = await world.messageService({ SERVICE_TOKEN: token });
    const api = clientOf(service);
    for (const path of ['/messages', `/messages/${'0'.repeat(32)}`, '/rooms/a/messages', '/konnichiwa']) {
      assertProblem(await api.get(path), 401, 'unauthorized');
    }
    for (const headers of [bearer('wrong'), bearer(`${token}x`), bearer(token.slice(0, -1)), bearer(''),
      { Authorization: token }, { Authorization: `Basic ${token}` }, { Authorization: '' }]) {
      assertProblem(await api.get('/messages', headers), 401, 'unauthorized');
      assertProblem(await api.post('/messages', { message: 'a' }, headers), 401, 'unauthorized');
    }
    assert.equal((await api.get('/messages', bearer(token))).text.trim(), '[]');
    assert.equal((await api.post('/messages', { message: 'a' }, bearer(token))).status, 201);
    assert.equal((await api.get('/livez')).status, 200);
    assert.equal((await api.get('/readyz')).status, 200);
    assert.ok(!service.stderr.includes(token), 'the token is not logged');
  }));

  test('the gateway sends it and asks nobody for it', withWorld(async (world) => {
    const service = await world.messageService({ SERVICE_TOKEN: token });
    const gateway = await world.gateway(service, { SERVICE_TOKEN: token });
    const api = clientOf(gateway);
    assertAccepted(api, await api.post('/messages', { message: 'a' }));
    assert.equal((await api.list('lobby')).length, 1);
    assert.equal((await api.get('/konnichiwa')).text, 'Konnichiwa!');
    assert.ok(!gateway.stderr.includes(token), 'the token is not logged');
  }));

  test('a gateway without it stores nothing', withWorld(async (world) => {
    const service = await world.messageService({ SERVICE_TOKEN: token });
    const gateway = await world.gateway(service);
    const answer = await clientOf(gateway).post('/messages', { message: 'a' });
    assert.ok(answer.status >= 400, `${answer.status}`);
    assert.equal((await clientOf(service).get('/messages', bearer(token))).text.trim(), '[]');
  }));
});
