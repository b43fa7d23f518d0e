// What readers of one room get, beside Nchan: at full speed, at a steady pace, and what they cost.

import { load, startGateway, startNchan, startServices } from './processes.mjs';
import { compare, compared, median } from './results.mjs';

const TEXT_BYTES = 200;
// Nchan posts what its readers get, so its text is made longer until its events are as long as ours.
const NCHAN_TEXT_BYTES = 220;

// So many messages under way that no server is ever without work; with a few it waits for the load.
const THOUSAND = { readers: 1000, posters: 2, window: 16, warmup: 32, messages: 200 };
const SIX_THOUSAND = { readers: 6000, posters: 2, window: 16, warmup: 16, messages: 48 };
const FEW = { readers: 1000, posters: 2, window: 4, warmup: 10, messages: 100 };
const STEADY = { readers: 1000, posters: 8, rate: 50, warmup: 25, messages: 200 };
const CROWD = { readers: 8000, posters: 2, window: 2, warmup: 5, messages: 20 };
const OPENED_BEFORE_S = 1.2;

let room = 0;

/** The readers of one fresh room of `server`. */
function fanOut(server, options) {
  room += 1;
  return load('bench_sse_load', {
    connect: `127.0.0.1:${server.port}`,
    events: `/rooms/bench-${room}/events`,
    post: `/rooms/bench-${room}/messages`,
    pids: server.pids.join(','),
    ...(server.name === 'Nchan' ? { whole: true, text: NCHAN_TEXT_BYTES } : { text: TEXT_BYTES }),
    ...options,
  });
}

const p50 = (result) => result.latency_us.p50 / 1000;
const p99 = (result) => result.latency_us.p99 / 1000;
const share = (result) => 100 * result.own_cpu_s / (result.own_cpu_s + result.server_cpu_s);
const deliveryCost = (result) => result.server_cpu_s * 1e6 / result.deliveries;

async function startBoth() {
  const { gateway } = await startServices();
  const nchan = await startNchan();
  return (options) => compare(() => fanOut(gateway, options), () => fanOut(nchan, options));
}

export async function fanout(add) {
  const measure = await startBoth();
  for (const [options, least] of [[THOUSAND, 4], [SIX_THOUSAND, 6]]) {
    const rounds = await measure(options);
    const who = `${options.readers.toLocaleString('en')} readers`;
    const row = (what, unit, of, target) =>
      add({ what: `${who}: ${what}`, unit, ...compared(rounds, of), peerName: 'Nchan', target });
    row('deliveries at full speed', 'deliveries/s', ({ rate }) => rate, { of: 'ratio', least });
    row('p99 at full speed', 'ms', p99);
    row('bytes a delivery', 'bytes', (result) => result.bytes_a_delivery);
    row('CPU a delivery (gateway; nginx)', 'µs', deliveryCost);
    row('the load\'s share of its and the server\'s CPU', '%', share);
  }
  add({ what: `1,000 readers: deliveries with ${FEW.window} messages under way`, unit: 'deliveries/s',
    ...compared(await measure(FEW), ({ rate }) => rate), peerName: 'Nchan' });
}

export async function pace(add) {
  const measure = await startBoth();
  const rounds = await measure(STEADY);
  const what = `${(STEADY.readers * STEADY.rate).toLocaleString('en')} deliveries/s`;
  const row = (name, unit, of, target) =>
    add({ what: `a steady ${what}: ${name}`, unit, ...compared(rounds, of), peerName: 'Nchan', target });
  row('p99', 'ms', p99, { of: 'ratio', most: 1 });
  row('p50', 'ms', p50);
  row('CPU a delivery (gateway; nginx)', 'µs', deliveryCost);
}

/** KiB a reader: what the process grew by from its first reader on, at its largest. */
function growth({ readers, resident_kib: [alone, ...full] }) {
  return (Math.max(...full) - alone) / (readers - 1);
}

/** On servers that nobody has used yet: memory once grown is not given back. */
export async function memory(add) {
  const { servicePort } = await startServices();
  const ours = [];
  for (let i = 0; i < 3; i += 1) ours.push(await fanOut(await startGateway(servicePort), CROWD));
  const theirs = await fanOut(await startNchan(), CROWD);
  const row = (what, unit, of, target) =>
    add({ what: `8,000 readers: ${what}`, unit, ours: median(ours.map(of)), peer: of(theirs), peerName: 'Nchan', target });
  row('memory a reader', 'KiB', growth, { of: 'ours', most: 1 });
  row('let in after', 's', (result) => result.opening_us / 1e6, { of: 'ours', most: OPENED_BEFORE_S / 2 });
  const [before] = ours[0].threads;
  add({ what: `8,000 readers: threads of the gateway (${before} with one)`, unit: 'threads',
    ours: Math.max(...ours.flatMap(({ threads }) => threads)) });
}
