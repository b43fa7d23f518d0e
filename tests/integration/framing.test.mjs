// The head of a request, byte by byte, at both services: what is ambiguous gets `400 bad-request`
// and a closed connection, and what is only unusual is served.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newRoom, onEveryService, raw, rawStatus, withWorld } from './harness.mjs';

const HOST = 'Host: a\r\n';
const get = (lines, target = '/livez', version = 'HTTP/1.1') => `GET ${target} ${version}\r\n${lines}\r\n`;
const post = (lines, body) => `POST /rooms/framing/messages HTTP/1.1\r\n${HOST}${lines}\r\n${body}`;
const BODY = '{"message":"smuggled"}';
const CHUNKED = `${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`;
const LENGTH = `Content-Length: ${BODY.length}\r\n`;

const refused = {
  'two equal Content-Lengths': post(LENGTH + LENGTH, BODY),
  'two different Content-Lengths in two spellings': post(`${LENGTH}content-length: 0\r\n`, BODY),
  'a Content-Length beside a Transfer-Encoding': post(`${LENGTH}Transfer-Encoding: chunked\r\n`, CHUNKED),
  'a Transfer-Encoding beside a Content-Length': post(`transfer-encoding: chunked\r\n${LENGTH}`, CHUNKED),
  'another coding before chunked': post('Transfer-Encoding: gzip, chunked\r\n', CHUNKED),
  'another coding than chunked': post('Transfer-Encoding: identity\r\n', BODY),
  'an empty coding': post('Transfer-Encoding:\r\n', BODY),
  'chunked twice in a line': post('Transfer-Encoding: chunked, chunked\r\n', CHUNKED),
  'chunked in two lines': post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', CHUNKED),
  'chunked with a blank behind it': post('Transfer-Encoding: chunked \r\n', CHUNKED),
  'no Host': get(''),
  'two Hosts': get(`${HOST}${HOST}`),
  'two Hosts in two spellings': get(`${HOST}hOST: b\r\n`),
  'an empty Host': get('Host:\r\n'),
  'a blank Host': get('Host: \t\r\n'),
  'a Host with a blank in it': get('Host: a b\r\n'),
  'a Host with a user': get('Host: user@a\r\n'),
  'a Host with a path': get('Host: a/b\r\n'),
  'a Host with a port that is none': get('Host: a:80x\r\n'),
  'a Host with a bracket left open': get('Host: [::1\r\n'),
  'a Host of empty brackets': get('Host: []\r\n'),
  'a port without a Host': get('Host: :80\r\n'),
  'a header name with a bracket': get(`${HOST}A(b: c\r\n`),
  'a header name of a byte beyond ASCII': get(`${HOST}A\xe9: c\r\n`),
  'an empty header name': get(`${HOST}: c\r\n`),
  'white space before the colon': get(`${HOST}A : b\r\n`),
  'a tab before the colon': get(`${HOST}A\t: b\r\n`),
  'a folded line': get(`${HOST}A: b\r\n c\r\nD: e\r\n`),
  'a folded last line': get(`${HOST}A: b\r\n\tc\r\n`),
  'a line that begins with a blank, first of all': get(` A: b\r\n${HOST}`),
  'a folded Content-Length': post(`Content-Length:\r\n ${BODY.length}\r\n`, BODY),
  'a control character in a value': get(`${HOST}A: b\x01\r\n`),
  'DEL in a value': get(`${HOST}A: b\x7f\r\n`),
  'a lone CR in a value': get(`${HOST}A: b\rc: d\r\n`),
  'a NUL in a value': get(`${HOST}A: b\0zz\r\nC: d\r\n`),
  'a NUL in the last value': get(`${HOST}A: b\0zz\r\n`),
  'a NUL at the end of a value': get(`${HOST}A: b\0\r\nC: d\r\n`),
  'a NUL at the end of the last value': get(`${HOST}A: b\0\r\n`),
  'a NUL behind a good token': get(`${HOST}Authorization: Bearer secret\0zz\r\n`, '/messages'),
  'a NUL in the target': get(HOST, '/livez\0x'),
  'a NUL in the query': get(HOST, '/livez?a=\0b'),
  'a control character in the target': get(HOST, '/livez\x01'),
  'a tab in the query': get(HOST, '/livez?a\tb'),
  'DEL in the target': get(HOST, '/livez\x7f'),
  'a blank in the target': get(HOST, '/livez /messages'),
  'a target of another scheme': get(HOST, 'ftp://a/livez'),
  'a target of a scheme that begins like HTTP': get(HOST, 'httpx://a/livez'),
};

const served = {
  'an ordinary head': get(HOST),
  'lines that end in LF alone': 'GET /livez HTTP/1.1\nHost: a\nB: c\n\n',
  'no Host in HTTP/1.0': get('', '/livez', 'HTTP/1.0'),
  'a Host with an underscore and a port': get('Host: my_host.example:8000\r\n'),
  'a Host of IPv6': get('Host: [::1]:8000\r\n'),
  'white space around a Host': get('Host: \t a \t\r\n'),
  'empty values': get(`${HOST}A:\r\nB: \r\nC:\t\r\n`),
  'a tab and bytes beyond ASCII in a value': get(`${HOST}A: b\tc\xe9\r\n`),
  'two lines of one name': get(`${HOST}A: b\r\na: c\r\n`),
  'a head of eight thousand bytes': get(`${HOST}A: ${'a'.repeat(4000)}\r\nB: ${'b'.repeat(4000)}\r\nC: d\r\n`),
  'an absolute target': get(HOST, 'http://a/livez'),
  'an absolute target in capitals, over TLS': get(HOST, 'HTTPS://a/livez?b'),
  'a NUL that is encoded in the query': get(HOST, '/livez?a=%00'),
};

onEveryService('framing', (api) => {
  for (const [name, bytes] of Object.entries(refused)) {
    test(`${name} is refused, and the connection closed`, async () => {
      // A second request on the same connection is not looked at.
      const answer = await raw(api.port, Buffer.from(`${bytes}GET /openapi.json HTTP/1.1\r\n${HOST}\r\n`, 'latin1'));
      assert.equal(rawStatus(answer), 400, answer.slice(0, 200));
      assert.match(answer, /\r\nContent-Type: application\/problem\+json\r\n/i);
      assert.match(answer, /\r\nConnection: close\r\n/i);
      assert.match(answer, /"type":"urn:tempmessenger:problem:bad-request"/);
      assert.equal(answer.split('HTTP/1.1 ').length, 2, 'one answer');
    });
  }
  for (const [name, bytes] of Object.entries(served)) {
    test(`${name} is served`, async () => {
      const answer = await raw(api.port, Buffer.from(bytes, 'latin1'), { enough: /\r\n\r\n\{.*\}/ });
      assert.equal(rawStatus(answer), 200, answer.slice(0, 200));
    });
  }
  test('heads that come in pieces are judged whole', async () => {
    for (const cut of [1, 3, 20, 30]) {
      const bytes = get(`${HOST}A: b\0zz\r\nC: d\r\n`);
      const answer = await raw(api.port, [bytes.slice(0, cut), bytes.slice(cut)]);
      assert.equal(rawStatus(answer), 400);
    }
  });
  test('an encoded NUL does not end a path', async () => {
    for (const path of ['/metrics%00x', '/livez%00', '/metrics%2500']) {
      assert.equal((await api.get(path)).status, 404, path);
    }
  });
  test('nothing of a refused request is stored', async () => {
    assert.deepEqual(await api.list('framing'), []);
  });
  test('an empty Last-Event-ID is none, and the one in the query counts', async () => {
    const room = newRoom();
    await api.create(room, 'a');
    const first = await raw(api.port, get(HOST, `/rooms/${room}/events`), { enough: /\nid: \d+/ });
    const [, id] = /\nid: (\d+)/.exec(first);
    for (const header of ['', 'Last-Event-ID:\r\n', 'Last-Event-ID: \t\r\n']) {
      const again = await raw(api.port, get(HOST + header, `/rooms/${room}/events?last_event_id=${id}`),
        { enough: /\nevent: \w+/ });
      assert.match(again, /\nevent: resumed\n/, header);
    }
  });
  test('values lose the white space at their ends', async () => {
    const answer = await raw(api.port, get(`${HOST}x-REQUEST-id: \t mine \t \r\n`), { enough: /\r\n\r\n\{.*\}/ });
    assert.match(answer, /\r\nX-Request-Id: mine\r\n/i);
  });
});

test('a token with blanks around it is the token, and with a NUL behind it is none', withWorld(async (world) => {
  const { port } = await world.messageService({ SERVICE_TOKEN: 'secret' });
  const ask = async (value) => rawStatus(await raw(port,
    get(`${HOST}Connection: close\r\nAuthorization: ${value}\r\n`, '/messages')));
  assert.equal(await ask('Bearer secret'), 200);
  assert.equal(await ask('Bearer secret \t'), 200);
  assert.equal(await ask('Bearer secret\0zz'), 400);
  assert.equal(await ask('Bearer secretzz'), 401);
}));
