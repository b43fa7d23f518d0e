// The page without a script: what the server renders, its form, its static files, its security.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  assertCommonHeaders, clientOf, newRoom, onEveryStore, request, until,
} from './harness.mjs';

const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' };
const form = (members) => new URLSearchParams(members).toString();

/** The text of the page's messages, as a browser would show it. */
function shownTexts(html) {
  const list = /<ol[^>]*id="messages"[^>]*>([\s\S]*?)<\/ol>/.exec(html);
  assert.ok(list, 'the page has its list');
  return [...list[1].matchAll(/class="text"[^>]*>([\s\S]*?)<\//g)].map(([, text]) => unescape(text));
}

function unescape(text) {
  assert.doesNotMatch(text, /[<>]/);
  const named = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };
  return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (_, hex, decimal, name) => {
    if (hex) return String.fromCodePoint(parseInt(hex, 16));
    if (decimal) return String.fromCodePoint(Number(decimal));
    assert.ok(named[name], `&${name};`);
    return named[name];
  });
}

onEveryStore('the page', (stack) => {
  const api = () => clientOf(stack.gateway);

  test('is HTML with the headers of the contract', async () => {
    for (const path of ['/', '/rooms/lobby', `/rooms/${newRoom()}`]) {
      const answer = await api().get(path);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers['content-type'], 'text/html; charset=utf-8');
      assert.equal(answer.headers['cache-control'], 'no-store');
      assertCommonHeaders(answer);
      assert.match(answer.text, /^<!doctype html>/i);
    }
  });

  test('has a policy that allows only its own', async () => {
    const { headers } = await api().get('/');
    assert.equal(headers['cross-origin-opener-policy'], 'same-origin');
    assert.equal(headers['x-frame-options'], 'DENY');
    const policy = headers['content-security-policy'];
    const directives = new Map(policy.split(';').map((part) => part.trim()).filter((part) => part !== '')
      .map((part) => [part.split(/\s+/)[0], part.split(/\s+/).slice(1)]));
    assert.deepEqual(directives.get('default-src'), ["'none'"]);
    assert.deepEqual(directives.get('frame-ancestors'), ["'none'"]);
    assert.deepEqual(directives.get('base-uri'), ["'none'"]);
    assert.deepEqual(directives.get('require-trusted-types-for'), ["'script'"]);
    assert.deepEqual(directives.get('form-action'), ["'self'"]);
    assert.doesNotMatch(policy, /unsafe-|\*|https?:|data:|blob:/);
    for (const [name, sources] of directives) {
      if (name.endsWith('-src')) {
        assert.ok(sources.every((source) => source === "'self'" || source === "'none'"), name);
      }
    }
  });

  test('has no script or style of its own in it', async () => {
    const { text } = await api().get('/');
    for (const [tag] of text.matchAll(/<script\b[^>]*>/g)) assert.match(tag, /\ssrc="/);
    assert.doesNotMatch(text, /<style\b|\sstyle="|\son\w+="|javascript:/i);
  });

  test('shows the live messages to the letter', async () => {
    const room = newRoom();
    const texts = ['plain', '<script>alert(1)</script>', '#hash', '{{message}}', '{{{message}}}', '{{#x}}',
      '{{/messages}}', '{{> x}}', '</li></ol>', '&lt;b&gt; &amp;', '"quoted" \'too\'', '<!-- x', ']]>', '\u200ba',
      '</textarea><script>1</script>', 'a\n  b', '😀'];
    for (const text of texts) await api().create(room, { message: text, author: text.replace('\n', '').slice(0, 40) });
    const { text } = await api().get(`/rooms/${room}`);
    assert.deepEqual(shownTexts(text), texts);
    assert.equal([...text.matchAll(/<li[^>]*\sdata-id="[0-9a-f]{32}"/g)].length, texts.length);
    assert.doesNotMatch(text, /<script>|<b>/);
  });

  test('shows only its room, and not what has expired', async () => {
    const room = newRoom();
    await api().create(room, { message: 'short', ttl: 1 });
    await api().create(room, { message: 'long', ttl: 60 });
    assert.deepEqual(shownTexts((await api().get(`/rooms/${room}`)).text), ['short', 'long']);
    await until('the short one is gone', async () =>
      shownTexts((await api().get(`/rooms/${room}`)).text).length === 1, 5000);
    assert.deepEqual(shownTexts((await api().get(`/rooms/${newRoom()}`)).text), []);
  });

  test('its form sends and comes back', async () => {
    for (const [path, room] of [['/', 'lobby'], [`/rooms/${newRoom()}`]]) {
      const answer = await api().post(path, form({ message: `from ${path}` }), FORM);
      assert.equal(answer.status, 303);
      assert.equal(new URL(answer.headers.location, `${stack.gateway.url}${path}`).pathname, path);
      assertCommonHeaders(answer);
      const page = await api().get(path);
      assert.ok(shownTexts(page.text).includes(`from ${path}`), room);
    }
  });

  test('its form reads what browsers send', async () => {
    const room = newRoom();
    const texts = ['a b+c&d=e%f', 'é😀', '#x', 'line\r\nbreak', '<b>"x"</b>', '%zz', ' x '];
    for (const text of texts) {
      const answer = await api().post(`/rooms/${room}`, form({ message: text }), FORM);
      assert.equal(answer.status, 303, text);
    }
    // Browsers send each line break of a text area as CR LF, whatever was typed.
    assert.deepEqual((await api().list(room)).map(({ message }) => message),
      texts.map((text) => text.replaceAll('\r\n', '\n')));
  });

  test('its form keeps author and lifetime', async () => {
    const room = newRoom();
    await api().post(`/rooms/${room}`, form({ message: 'a', author: 'Ada', ttl: '30' }), FORM);
    const [message] = await api().list(room);
    assert.equal(message.author, 'Ada');
    assert.equal(Date.parse(message.expires_at) - Date.parse(message.created_at), 30_000);
  });

  test('empty fields of its form that need not be filled are as none', async () => {
    const room = newRoom();
    assert.equal((await api().post(`/rooms/${room}`, form({ message: 'a', author: '', ttl: '' }), FORM)).status, 303);
    assert.equal((await api().list(room))[0].author, undefined);
  });

  const wrong = [
    ['no message', '', 400], ['another field', 'text=a', 400], ['an empty message', 'message=', 422],
    ['a blank message', 'message=+%0d%0a', 422], ['a NUL', 'message=a%00b', 422],
    ['a long message', `message=${'a'.repeat(4097)}`, 413],
    ['a body of a megabyte', `message=${'a'.repeat(1024 * 1024)}`, 413],
    ['a wrong lifetime', 'message=a&ttl=0', 422], ['a lifetime that is none', 'message=a&ttl=x', 422],
    ['a long author', `message=a&author=${'b'.repeat(41)}`, 422],
  ];
  for (const [name, body, status] of wrong) {
    test(`its form refuses ${name}`, async () => {
      const room = newRoom();
      const answer = await api().post(`/rooms/${room}`, body, FORM);
      assert.equal(answer.status, status);
      assert.deepEqual(await api().list(room), []);
    });
  }

  test('its form refuses bytes that are not UTF-8', async () => {
    const room = newRoom();
    const answer = await api().post(`/rooms/${room}`, 'message=a%ff', FORM);
    assert.ok([400, 422].includes(answer.status), `${answer.status}`);
    assert.deepEqual(await api().list(room), []);
  });

  test('its static files are its own, with ETag and to be cached', async () => {
    const { text } = await api().get('/');
    const files = [...text.matchAll(/<(?:script|link|img)\b[^>]*\s(?:src|href)="([^"]+)"/g)].map(([, url]) => url);
    assert.ok(files.length >= 2, 'a script and a style');
    for (const file of files) {
      assert.match(file, /^\/static\//);
      const answer = await api().get(file);
      assert.equal(answer.status, 200, file);
      assertCommonHeaders(answer);
      assert.match(answer.headers['content-type'], /javascript|css|svg|icon|png|manifest/);
      assert.match(answer.headers['cache-control'], /max-age|no-cache/);
      assert.ok(answer.bytes.length > 0);
      const again = await api().get(file, { 'If-None-Match': answer.headers.etag });
      assert.equal(again.status, 304);
      assert.equal(again.bytes.length, 0);
      const head = await api().request({ method: 'HEAD', path: file });
      assert.equal(head.status, 200);
      assert.equal(head.bytes.length, 0);
      assert.equal(head.headers.etag, answer.headers.etag);
      assert.equal((await api().request({ method: 'POST', path: file })).status, 405);
    }
  });

  test('the message service has no page', async () => {
    for (const path of ['/', '/rooms/lobby', '/static/x']) {
      assert.equal((await request(stack.service.url, { path })).status, 404);
    }
  });
});
