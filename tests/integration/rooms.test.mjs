// Rooms: the default one, their names, and that they do not mix.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  assertAccepted, assertMessage, assertProblem, newRoom, onEveryService,
} from './harness.mjs';

const ANY_ID = '0'.repeat(32);

onEveryService('rooms', (api) => {
  test('paths without a room are those of the lobby', async () => {
    const sent = await api.post('/messages', { message: 'short path' });
    assertAccepted(api, sent);
    const long = await api.post('/rooms/lobby/messages', { message: 'long path' });
    assertAccepted(api, long);
    const short = (await api.get('/messages')).json();
    assert.deepEqual(short.map(({ id }) => id), (await api.list('lobby')).map(({ id }) => id));
    const message = short.find(({ message: text }) => text === 'short path');
    assertMessage(message, { room: 'lobby', text: 'short path' });
    assert.equal((await api.get(`/messages/${message.id}`)).json().id, message.id);
    assert.equal((await api.find('lobby', message.id)).json().id, message.id);
  });

  test('do not mix', async () => {
    const [room, other] = [newRoom(), newRoom()];
    await api.create(room, 'a');
    await api.create(other, 'b');
    assert.deepEqual((await api.list(room)).map(({ message }) => message), ['a']);
    assert.deepEqual((await api.list(other)).map(({ message }) => message), ['b']);
  });

  for (const room of ['a', '0', 'a-', '9-', 'a--b', 'x'.repeat(64), `0${'-'.repeat(63)}`]) {
    test(`takes the name ${room}`, async () => {
      const made = await api.create(room, 'a');
      assertMessage(made, { room, text: 'a' });
      assert.ok((await api.list(room)).some(({ id }) => id === made.id));
    });
  }

  const wrong = ['A', 'Lobby', '-a', '-', 'a_b', 'a.b', 'a b', '..', 'a/b', 'a\0', 'é', '😀', 'a\n', '{a}',
    'x'.repeat(65), 'x'.repeat(1000), '%', '\u0430'];
  for (const room of wrong) {
    const name = encodeURIComponent(room).replaceAll('.', '%2E');
    describe(`refuses the name ${name.slice(0, 70)}`, () => {
      test('reading a list', async () => {
        assertProblem(await api.get(`/rooms/${name}/messages`), 400, 'invalid-room', /a-z/);
      });
      test('reading one', async () => {
        assertProblem(await api.get(`/rooms/${name}/messages/${ANY_ID}`), 400, 'invalid-room', /a-z/);
      });
      test('sending', async () => {
        assertProblem(await api.postTo(name, { message: 'a' }), 400, 'invalid-room', /a-z/);
      });
      if (api.isGateway) {
        test('the page', async () => {
          assert.equal((await api.get(`/rooms/${name}`)).status, 400);
        });
      }
    });
  }

  test('no name is no path or no room, never an answer', async () => {
    for (const target of ['/rooms//messages', '/rooms/', '/rooms', '/rooms//']) {
      const { status } = await api.get(target);
      assert.ok(status === 404 || status === 400, `${target}: ${status}`);
    }
  });
});
