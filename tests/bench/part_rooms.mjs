// What many rooms cost a gateway: its neighbours' messages, and rest.

import { holdReaders, load, startGateway, startServices } from './processes.mjs';
import { compare, compared } from './results.mjs';

// Streams get a comment every ten seconds: a window has one of each.
const PERIOD_S = 10;
const RATE = 150;

let prefix = 0;

function roomLoad(server, options) {
  prefix += 1;
  return load('bench_room_load', {
    connect: `127.0.0.1:${server.port}`, prefix: `rooms-${prefix}`, pids: server.pids.join(','),
    rate: RATE, seconds: PERIOD_S, ...options,
  });
}

/** CPU a message beyond what rest costs, in µs; what rest costs was seen in the other's window. */
function messageCost(result, other) {
  const rest = other.resting_cpu_s / other.busy_s;
  return (result.busy_cpu_s - rest * result.busy_s) * 1e6 / result.messages;
}

export async function neighbours(add) {
  const { servicePort, gateway: crowded } = await startServices();
  const quiet = await startGateway(servicePort);
  const crowd = await holdReaders(crowded, { prefix: 'idle', rooms: 800, readers: 10 });
  const measure = (server, other) => () => roomLoad(server, { readers: 10, resting: other.pids.join(',') });
  const pairs = await compare(measure(crowded, quiet), measure(quiet, crowded));
  crowd.check();
  const rounds = pairs.map(([busy, alone]) => [messageCost(busy, alone), messageCost(alone, busy)]);
  add({ what: `a message to 10 readers, ${RATE}/s, 8,000 idle elsewhere: CPU of the gateway`, unit: 'µs',
    ...compared(rounds, (cost) => cost), peerName: 'nobody else', target: { of: 'ratio', most: 1.2 } });
  add({ what: 'the same: rest, with the 8,000', unit: '%',
    ...compared(pairs.map(([busy, alone]) => [alone, busy]), (result) => 100 * result.resting_cpu_s / result.busy_s),
    ratio: null, peerName: 'nobody else' });
  add({ what: 'the same: p99 from due to delivered', unit: 'ms',
    ...compared(pairs, (result) => result.latency_us.p99 / 1000), peerName: 'nobody else' });
}

export async function rooms(add) {
  const { gateway } = await startServices();
  const result = await roomLoad(gateway, { rooms: 2000, readers: 1, rest: PERIOD_S });
  const rest = result.rest_cpu_s / result.rest_s;
  const cost = (result.busy_cpu_s - rest * result.busy_s) * 1e3 / result.messages;
  add({ what: '2,000 rooms with a reader each: the gateway at rest, of a core', unit: '%', ours: 100 * rest,
    target: { of: 'ours', most: 3 } });
  add({ what: `2,000 rooms with a reader each: CPU of the gateway for a message, ${RATE}/s`, unit: 'ms', ours: cost,
    target: { of: 'ours', most: 0.3 } });
  add({ what: '2,000 rooms with a reader each: opened after', unit: 's', ours: result.opening_us / 1e6 });
}
