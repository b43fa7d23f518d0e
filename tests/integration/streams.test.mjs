// Event streams byte for byte, over plain sockets: what comes before, after and instead of their
// chunks, and how they end.

import assert from 'node:assert/strict';
import net from 'node:net';
import { describe, test } from 'node:test';
import {
  clientOf, createAll, newRoom, raw, scaled, SERVICES, until, withWorld,
} from './harness.mjs';

const CROWD = scaled(4000, 1000);
const CROWD_AT_ONCE = 100;
const STOP_MS = 10_000;
const TEST_MS = 110_000;
const MANY_MESSAGES = 300; // more than are rendered in one piece

/** A connection that keeps what comes, as text. */
class Wire {
  constructor(port) {
    this.text = '';
    this.closed = false;
    this.socket = net.connect(port, '127.0.0.1');
    this.socket.setEncoding('latin1');
    this.socket.on('data', (data) => {
      this.text += data;
    });
    this.socket.on('error', (error) => {
      this.error = error;
    });
    this.socket.on('close', () => {
      this.closed = true;
    });
  }

  get body() {
    const at = this.text.indexOf('\r\n\r\n');
    return at < 0 ? '' : this.text.slice(at + 4);
  }

  get head() {
    return this.text.slice(0, this.text.indexOf('\r\n\r\n') + 4);
  }

  has(what) {
    return until(`${what} has come`, () => this.text.includes(what));
  }

  /** The end of the connection, which is an orderly one. */
  async end() {
    await until('the end', () => this.closed);
    assert.equal(this.error, undefined);
  }
}

/** The bytes in the chunks of `body`, which ends with the last of them. */
function dechunk(body) {
  let text = '';
  for (let rest = body; ;) {
    const [line, size] = /^([0-9A-Fa-f]+)\r\n/.exec(rest) ?? assert.fail(`no chunk: ${rest.slice(0, 40)}`);
    const length = Number.parseInt(size, 16);
    text += rest.slice(line.length, line.length + length);
    rest = rest.slice(line.length + length);
    assert.equal(rest.slice(0, 2), '\r\n');
    rest = rest.slice(2);
    if (length === 0) {
      assert.equal(rest, '', 'behind the last chunk');
      return text;
    }
  }
}

const isEvents = (text) => /^retry: \d+\n(([a-z]+: [^\n]*|:)\n|\n)*$/.test(text);

/** Opens a stream with these bytes, sends a message, and stops the service. */
async function streamToItsEnd(world, name, request, afterwards = () => {}) {
  const service = (await world.stack()).of(name);
  const room = newRoom();
  const wire = new Wire(service.port);
  wire.socket.write(request(room));
  await wire.has('snapshot');
  await afterwards(wire);
  await clientOf(service).create(room, 'to all');
  await wire.has('to all');
  await service.stop();
  await wire.end();
  return wire;
}

const assertWhole = (events) => {
  assert.ok(isEvents(events), events);
  assert.match(events, /\nevent: message\ndata: [^\n]*"to all"[^\n]*\n\n/);
  assert.match(events, /event: stopping\ndata: \{\}\n\n$/);
};

for (const name of SERVICES) {
  describe(`a stream of the ${name}`, () => {
    test('to HTTP/1.0 is its events and nothing else', withWorld(async (world) => {
      const wire = await streamToItsEnd(world, name, (room) => `GET /rooms/${room}/events HTTP/1.0\r\n\r\n`);
      assert.doesNotMatch(wire.head, /transfer-encoding/i);
      assertWhole(wire.body);
    }));

    test('to HTTP/1.1 is in chunks to its end', withWorld(async (world) => {
      const wire = await streamToItsEnd(world, name, (room) => `GET /rooms/${room}/events HTTP/1.1\r\nHost: a\r\n\r\n`);
      assert.match(wire.head, /\r\ntransfer-encoding: chunked\r\n/i);
      assert.match(wire.head, /\r\nconnection: close\r\n/i);
      assertWhole(dechunk(wire.body));
    }));

    test('does not mind what its reader sends behind the request', withWorld(async (world) => {
      const more = 'GET /livez HTTP/1.1\r\nHost: a\r\n\r\n';
      const wire = await streamToItsEnd(world, name,
        (room) => `GET /rooms/${room}/events HTTP/1.1\r\nHost: a\r\n\r\n${more}`,
        ({ socket }) => new Promise((resolve) => socket.write(more.repeat(100), resolve)));
      assertWhole(dechunk(wire.body));
    }));

    test('may come behind other answers on its connection', withWorld(async (world) => {
      const wire = await streamToItsEnd(world, name, (room) => 'GET /livez HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(3)
        + `GET /rooms/${room}/events HTTP/1.1\r\nHost: a\r\n\r\n`);
      const stream = wire.text.lastIndexOf('HTTP/1.1 200 OK\r\n');
      assert.equal(wire.text.slice(0, stream).split('{"status":"ok"}').length, 4);
      assertWhole(dechunk(wire.text.slice(wire.text.indexOf('\r\n\r\n', stream) + 4)));
    }));

    test(`ends in order with ${CROWD} others at a stop`, withWorld(async (world) => {
      const gatewayEnv = { CLIENT_MAX_STREAMS: 'off', CLIENT_MAX_CONNECTIONS: 'off' };
      const service = (await world.stack({ gatewayEnv })).of(name);
      const wires = [];
      world.onClose(() => wires.forEach(({ socket }) => socket.destroy()));
      const rooms = Array.from({ length: 10 }, newRoom);
      while (wires.length < CROWD) {
        const more = Array.from({ length: CROWD_AT_ONCE }, () => new Wire(service.port));
        for (const { socket } of more) {
          socket.write(`GET /rooms/${rooms[wires.length % 10]}/events HTTP/1.1\r\nHost: a\r\n\r\n`);
        }
        await Promise.all(more.map((wire) => wire.has('snapshot')));
        wires.push(...more);
      }
      const start = performance.now();
      await service.stop();
      const tookMs = performance.now() - start;
      for (const wire of wires) {
        await wire.end();
        assert.match(dechunk(wire.body), /event: stopping\ndata: \{\}\n\n$/);
      }
      assert.ok(tookMs < STOP_MS, `${tookMs} ms`);
    }, TEST_MS));
  });

  describe(`HEAD at the ${name}`, () => {
    const paths = ['/events', '/messages', ...(name === 'web-gateway' ? ['/'] : [])];

    for (const many of [false, true]) {
      test(`is answered with a head alone, ${many ? 'many messages' : 'none'} in the room`, withWorld(async (world) => {
        const service = (await world.stack()).of(name);
        if (many) await createAll(service, 'lobby', Array.from({ length: MANY_MESSAGES }, () => 'x'.repeat(500)));
        for (const path of paths) {
          const answer = await raw(service.port, `HEAD ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
          assert.match(answer, /^HTTP\/1\.1 200 /, path);
          assert.equal(answer.slice(answer.indexOf('\r\n\r\n')), '\r\n\r\n', path);
          // What is asked for next on the same connection is answered, or the connection ends.
          const two = await raw(service.port, `HEAD ${path} HTTP/1.1\r\nHost: a\r\n\r\nGET /livez HTTP/1.0\r\n\r\n`);
          assert.match(two, /^HTTP\/1\.1 200 [^]*?\r\n\r\n(HTTP\/1\.[01] 200 [^]*\r\n\r\n\{"status":"ok"\})?$/, path);
        }
      }));
    }
  });
}
