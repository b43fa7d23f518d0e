// POST …/messages: what is accepted, how it is answered, and that it is kept to the letter.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import {
  assertProblem, assertAccepted, assertCommonHeaders, assertMessage, clientOf, newRoom, onEveryService, onEveryStore,
  request, until,
} from './harness.mjs';

const MESSAGE_MAX_BYTES = 4096;

const texts = {
  'plain words': 'hello',
  'text that begins with a number sign': '#hello',
  'a script tag': '<script>alert(1)</script>',
  'template syntax': '{{message}} {{{x}}} {{#a}}{{/a}} {% x %} ${x}',
  'quotes and backslashes': '"\'\\/`\\n',
  'white space kept at both ends': '  \t a \n\r\n ',
  'the control characters that break lines and columns': 'a\tb\nc\rd',
  'format directives': '%s%n%x%%',
  'two, three and four bytes a character': 'é漢😀𝄞',
  'combining and joined characters': 'e\u0301 👩‍👩‍👧‍👦 \u202eabc',
  'line separators': 'a\u2028b\u2029c',
  'the replacement character and a byte order mark inside': 'a\ufffd\ufeffb',
  'noncharacters': 'a\uffff\ufdd0b',
  'what looks like a header': 'x\r\nSet-Cookie: a=b\r\n\r\n',
};

onEveryService('sending', (api) => {
  test('answers as the contract says and makes a whole message', async () => {
    const room = newRoom();
    const answer = await api.postTo(room, { message: 'hello' });
    assertAccepted(api, answer);
    assertCommonHeaders(answer);
    const location = new URL(answer.headers.location, `${api.base}/rooms/${room}/messages`);
    assert.equal(location.origin, api.base);
    const found = await api.get(location.pathname);
    assert.equal(found.status, 200);
    assertMessage(found.json(), { room, text: 'hello' });
    if (api.isGateway) {
      assert.equal(answer.bytes.length, 0);
      return;
    }
    assert.equal(answer.headers['content-type'].split(';')[0], 'application/json');
    assertMessage(answer.json(), { room, text: 'hello' });
    assert.equal(answer.json().id, found.json().id);
  });

  test('Prefer: return=representation gets 201 and the message', async () => {
    const room = newRoom();
    for (const prefer of ['return=representation', 'return="representation"', 'Return=representation ', 'respond-async, return=representation']) {
      const answer = await api.postTo(room, { message: 'hello' }, { Prefer: prefer });
      assert.equal(answer.status, 201);
      assert.ok(answer.headers.location.endsWith(answer.json().id));
      assertMessage(answer.json(), { room, text: 'hello' });
    }
  });

  test('Prefer: return=minimal changes nothing', async () => {
    const answer = await api.postTo(newRoom(), { message: 'a' }, { Prefer: 'return=minimal' });
    assertAccepted(api, answer);
  });

  for (const [name, text] of Object.entries(texts)) {
    test(`keeps ${name}`, async () => {
      const room = newRoom();
      const made = await api.create(room, text);
      assertMessage(made, { room, text });
      assertMessage((await api.list(room))[0], { room, text });
      assertMessage((await api.find(room, made.id)).json(), { room, text });
    });
  }

  test('reads escapes of JSON', async () => {
    const room = newRoom();
    const answer = await api.postTo(room, '{"message":"\\u0041\\ud83d\\ude00\\/\\\\\\n\\r\\t"}');
    assertAccepted(api, answer);
    assert.equal((await api.list(room))[0].message, 'A😀/\\\n\r\t');
  });

  test('takes a message of exactly the maximum', async () => {
    const room = newRoom();
    for (const text of ['a'.repeat(MESSAGE_MAX_BYTES), 'é'.repeat(MESSAGE_MAX_BYTES / 2),
      '😀'.repeat(MESSAGE_MAX_BYTES / 4), '\t'.repeat(MESSAGE_MAX_BYTES - 1) + 'x']) {
      assertMessage(await api.create(room, text), { room, text });
    }
    assert.equal((await api.list(room)).length, 4);
  });

  test('takes one visible character', async () => {
    const room = newRoom();
    assertMessage(await api.create(room, ' x'), { room, text: ' x' });
  });

  test('takes a lifetime at and between its limits', async () => {
    const room = newRoom();
    for (const [ttl, lifetimeMs] of [[1, 1000], [1.5, 1500], [60, 60_000], [3.6e3, 3_600_000],
      [86399.999, 86_399_999], [86400, 86_400_000]]) {
      assertMessage(await api.create(room, { message: 'x', ttl }), { room, text: 'x', lifetimeMs });
    }
  });

  test('keeps an author', async () => {
    const room = newRoom();
    for (const author of ['Ada', 'é'.repeat(40), '😀'.repeat(40), 'a'.repeat(40), '<b>#{{x}}', ' a ']) {
      const made = await api.create(room, { message: 'x', author });
      assertMessage(made, { room, text: 'x', author });
      assertMessage((await api.find(room, made.id)).json(), { room, text: 'x', author });
    }
  });

  test('ignores other members', async () => {
    const room = newRoom();
    const body = '{"id":"0","x":{"y":[1,null,true,"z"]},"message":"a","room":"other","created_at":1}';
    assertAccepted(api, await api.postTo(room, body));
    assertMessage((await api.list(room))[0], { room, text: 'a' });
  });

  test('ignores numbers in other members, however large', async () => {
    const room = newRoom();
    for (const number of ['1e400', '-1e400', '123456789012345678901234567890', '1e-400']) {
      assertAccepted(api, await api.postTo(room, `{"message":"a","x":${number}}`));
    }
  });

  test('takes white space around and inside the object', async () => {
    assertAccepted(api, await api.postTo(newRoom(), ' \r\n\t{ "message" \n:\t"a" , "ttl" : 6e1 }\n'));
  });

  for (const type of ['application/json; charset=utf-8', 'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x', 'application/octet-stream', 'nonsense', 'text/html']) {
    test(`reads JSON whatever the type says: ${type}`, async () => {
      const room = newRoom();
      assertAccepted(api, await api.postTo(room, { message: 'a=b&c+d%20' }, { 'Content-Type': type }));
      assert.equal((await api.list(room))[0].message, 'a=b&c+d%20');
    });
  }

  test('reads JSON without any Content-Type', async () => {
    const room = newRoom();
    const answer = await api.request({
      method: 'POST', path: `/rooms/${room}/messages`, body: '{"message":"a"}',
      headers: { 'Content-Length': 15 },
    });
    assertAccepted(api, answer);
    assert.equal((await api.list(room))[0].message, 'a');
  });

  for (const type of ['text/plain', 'text/plain; charset=utf-8', 'Text/Plain;charset=UTF-8']) {
    test(`takes the body itself as the message: ${type}`, async () => {
      const room = newRoom();
      const text = '{"message": "not read as JSON"}\n é';
      assertAccepted(api, await api.postTo(room, text, { 'Content-Type': type }));
      assertMessage((await api.list(room))[0], { room, text });
    });
  }

  test('takes a plain text of exactly the maximum', async () => {
    const room = newRoom();
    const text = 'a'.repeat(MESSAGE_MAX_BYTES);
    assertAccepted(api, await api.postTo(room, text, { 'Content-Type': 'text/plain' }));
    assert.equal((await api.list(room))[0].message, text);
  });

  test('takes a chunked body', async () => {
    const room = newRoom();
    const answer = await api.request({
      method: 'POST', path: `/rooms/${room}/messages`, body: '{"message":"a"}',
      headers: { 'Transfer-Encoding': 'chunked', 'Content-Type': 'application/json' },
    });
    assertAccepted(api, answer);
    assert.equal((await api.list(room))[0].message, 'a');
  });

  test('a POST is visible at once to who made it', async () => {
    const room = newRoom();
    for (let count = 1; count <= 20; count += 1) {
      const answer = await api.postTo(room, { message: `message ${count}` });
      assertAccepted(api, answer);
      assert.equal((await api.list(room)).length, count);
      assert.equal((await api.get(new URL(answer.headers.location, api.base).pathname)).status, 200);
    }
  });

  test('twenty at the same time are twenty messages', async () => {
    const room = newRoom();
    const numbers = [...Array(20).keys()];
    const answers = await Promise.all(numbers.map((n) => api.postTo(room, { message: `m${n}` })));
    for (const answer of answers) assertAccepted(api, answer);
    const list = await api.list(room);
    assert.deepEqual(list.map(({ message }) => message).sort(), numbers.map((n) => `m${n}`).sort());
    assert.equal(new Set(list.map(({ id }) => id)).size, 20);
  });
});

onEveryService('an idempotency key', (api) => {
  const send = (room, key, body) =>
    api.postTo(room, body, { 'Idempotency-Key': key, Prefer: 'return=representation' });

  for (const [name, key] of [['a short one', 'k'], ['the longest', 'x'.repeat(64)],
    ['a quoted one', '"8e03978e-40d5-43dd-bc93-6894a57f9324"'], ['of odd characters', '!#$%&\'()*+,-./:;<=>?@[]^_`{|}~']]) {
    test(`makes a repeat safe: ${name}`, async () => {
      const room = newRoom();
      const first = await send(room, key, { message: 'a', author: 'Ada', ttl: 30 });
      const second = await send(room, key, { message: 'a', author: 'Ada', ttl: 30 });
      assert.equal(first.status, 201, first.text);
      assert.equal(second.status, 201, second.text);
      const { expires_in: before, ...one } = first.json();
      const { expires_in: later, ...other } = second.json();
      assert.deepEqual(other, one);
      assert.ok(later <= before);
      assert.equal(second.headers.location, first.headers.location);
      assert.equal((await api.list(room)).length, 1);
    });
  }

  test('is the same quoted or not', async () => {
    const room = newRoom();
    const first = await send(room, 'same-key', { message: 'a' });
    const second = await send(room, '"same-key"', { message: 'a' });
    assert.equal(second.json().id, first.json().id);
  });

  test('is a matter of one room', async () => {
    const [room, other] = [newRoom(), newRoom()];
    const first = await send(room, 'k', { message: 'a' });
    const second = await send(other, 'k', { message: 'b' });
    assert.equal(second.status, 201);
    assert.notEqual(second.json().id, first.json().id);
  });

  test('is free again when the message has expired', async () => {
    const room = newRoom();
    const first = await send(room, 'k', { message: 'a', ttl: 1 });
    const later = await until('another message', async () => {
      const answer = await send(room, 'k', { message: 'a', ttl: 1 });
      assert.equal(answer.status, 201, answer.text);
      return answer.json().id !== first.json().id && answer;
    }, 5000);
    assert.ok(Date.parse(later.json().created_at) >= Date.parse(first.json().expires_at) - 1);
  });

  test('sent ten times at once makes one message', async () => {
    const room = newRoom();
    const answers = await Promise.all([...Array(10)].map(() => send(room, 'k', { message: 'a' })));
    for (const answer of answers) assert.equal(answer.status, 201, answer.text);
    assert.equal(new Set(answers.map((answer) => answer.json().id)).size, 1);
    assert.equal((await api.list(room)).length, 1);
  });

  test('out of its grammar is refused, and stores nothing', async () => {
    // Node sends the last two as single bytes, which are no UTF-8.
    for (const key of ['', 'x'.repeat(65), 'a b', '""', 'x'.repeat(2000), 'caf\u00e9', '\u00ff']) {
      const room = newRoom();
      const answer = await send(room, key, { message: 'a' });
      assertProblem(answer, 422, 'invalid-message', /1 to 64 visible ASCII/);
      assert.deepEqual(await api.list(room), [], JSON.stringify(key));
    }
  });
});

onEveryStore('the tutorial\'s own command', (stack) => {
  test('works as it stands', async () => {
    const run = promisify(execFile);
    const curl = (...args) => run('curl', ['-sS', '--max-time', '10', ...args]).catch((error) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    const url = `${stack.gateway.url}/messages`;
    const sent = await curl('-w', '%{http_code}', '-d', '{"message": "foo"}',
      '-H', 'Content-Type: application/json', '-X', 'POST', url);
    // The same bytes where the machine has no curl.
    if (sent === undefined) {
      const answer = await request(stack.gateway.url, {
        method: 'POST', path: '/messages', body: '{"message": "foo"}',
        headers: { 'Content-Type': 'application/json', 'Content-Length': 18, Accept: '*/*' },
      });
      assert.equal(answer.status, 204);
    } else {
      assert.equal(sent.stdout, '204');
    }
    const list = await clientOf(stack.gateway).list('lobby');
    assertMessage(list.at(-1), { room: 'lobby', text: 'foo' });
  });
});
