// What a gateway is at its smallest, and what others cannot do to it: readers that never read, and a
// message service that hangs.

import { freeze, load, measureStart, post, startGateway, startServices, thaw } from './processes.mjs';
import { request, sleep, until } from '../integration/harness.mjs';
import { median, repeat } from './results.mjs';

const megabytes = (kib) => kib * 1024 / 1e6;

const SOCKETS = 60;
const LARGE = { messages: 5000, bytes: 3400 };

export async function idle(add) {
  const { servicePort } = await startServices({ STORE_URL: 'memory:' });
  const programs = [
    ['web-gateway', 'an idle gateway', { MESSAGE_SERVICE_URL: `http://127.0.0.1:${servicePort}` }, 9],
    ['message-service', 'an idle message service', { STORE_URL: 'memory:' }, 8],
  ];
  for (const [program, what, env, most] of programs) {
    const starts = await repeat(() => measureStart(program, env));
    add({ what: `${what}: resident memory`, unit: 'MB', target: { of: 'ours', most },
      ours: median(starts.map(({ resident_kib: kib }) => megabytes(kib))) });
    add({ what: `${what}: from its start until it is ready`, unit: 'ms', target: { of: 'ours', most: 50 },
      ours: median(starts.map(({ ready_us: us }) => us / 1000)) });
  }
}

/** A gateway that has the room, and has not rendered any of it. */
async function startKnowing(servicePort, location) {
  const gateway = await startGateway(servicePort);
  await until('the gateway knows the room',
    async () => (await request(`http://127.0.0.1:${gateway.port}`, { path: location })).status === 200);
  await sleep(1000);
  return gateway;
}

export async function mute(add) {
  // Nothing bounds the room here but what it takes.
  const { servicePort } = await startServices({ STORE_URL: 'memory:', ROOM_MAX_BYTES: String(64 * 1024 * 1024) });
  const location = await post(servicePort, '/rooms/mute/messages', LARGE.messages, 'x'.repeat(LARGE.bytes));
  const megabytesOfText = LARGE.messages * LARGE.bytes / 1e6;
  for (const [what, target] of [['the event stream', '/events'], ['the list', '/messages'], ['the page', '']]) {
    const gateway = await startKnowing(servicePort, location);
    const result = await load('bench_mute_load', {
      connect: `127.0.0.1:${gateway.port}`, path: `/rooms/mute${target}`, sockets: SOCKETS, pids: gateway.pids.join(','),
    });
    const who = `${SOCKETS} clients ask for ${what} of a room of ${megabytesOfText} MB and never read`;
    add({ what: `${who}: memory beyond the room`, unit: 'MB', target: { of: 'ours', most: 32 },
      ours: megabytes(result.most_kib - result.before_kib) });
    add({ what: 'the same: after they have left', unit: 'MB', ours: megabytes(result.after_kib - result.before_kib) });
  }
}

export async function hung(add) {
  const { servicePort, service } = await startServices({ STORE_URL: 'memory:' });
  // It has every reason to complain.
  const gateway = await startGateway(servicePort, { LOG_LEVEL: 'error' });
  const known = '/rooms/known/messages';
  await post(gateway.port, known, 20, 'x'.repeat(200));
  await request(`http://127.0.0.1:${gateway.port}`, { path: known });
  await freeze(service);
  try {
    const result = await load('bench_ask_load', { connect: `127.0.0.1:${gateway.port}`, known, askers: 64 });
    const row = (what, { p99 }) => add({ what: `message service hung, 64 ask for unknown rooms: p99 of ${what}`, unit: 'ms',
      ours: p99 / 1000, target: { of: 'ours', most: 50 } });
    row('/livez', result.livez_us);
    row('reads of a known room', result.known_us);
    add({ what: 'the same: of those who ask, answered', unit: 'answers/s', ours: result.answers / result.seconds });
  } finally {
    thaw(service);
  }
}
