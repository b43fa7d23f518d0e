// What reading costs: the list beside the bare framework, the page, and the access log.

import { post, startBare, startGateway, startServices, wrk } from './processes.mjs';
import { request } from '../integration/harness.mjs';
import { compare, compared, median, repeat } from './results.mjs';

const SECONDS = 2;
const TEXT = 'x'.repeat(200);
const LISTED = 20;

const rate = (result) => result.rate;
const cost = (result) => result.cpu_us;

/** The bare framework in each of its modes: [small pool, large pool]. */
async function startPools(answer) {
  const type = answer.headers['content-type'];
  return [await startBare(type, answer.bytes, 2), await startBare(type, answer.bytes, 8)];
}

export async function reading(add) {
  const { gateway, servicePort } = await startServices();
  const target = '/rooms/reading/messages';
  await post(gateway.port, target, LISTED, TEXT);
  const answer = await request(`http://127.0.0.1:${gateway.port}`, { path: target });
  if (answer.json().length !== LISTED) throw new Error(`the list has ${answer.json().length} messages`);
  const pools = await startPools(answer);
  const logging = await startGateway(servicePort, { LOG_LEVEL: 'info' });
  await request(`http://127.0.0.1:${logging.port}`, { path: target });

  const measure = (server) => wrk(server, target, SECONDS);
  const logged = [];
  const rounds = await compare(async () => {
    const quiet = await measure(gateway);
    logged.push([await measure(logging), quiet]);
    return quiet;
  }, async () => [await measure(pools[0]), await measure(pools[1])]);
  const [small, large] = [0, 1].map((i) => median(rounds.map(([, bare]) => bare[i].rate)));
  const best = small >= large ? 0 : 1;
  const beside = rounds.map(([ours, bare]) => [ours, bare[best]]);
  const peerName = `bare, pool of ${best === 0 ? 2 : 8}`;
  const what = `GET /messages, ${LISTED} messages, ${answer.bytes.length} bytes`;
  add({ what, unit: 'answers/s', ...compared(beside, rate), peerName, target: { of: 'ratio', least: 0.85 } });
  add({ what: 'the same: CPU an answer', unit: 'µs', ...compared(beside, cost), peerName });
  add({ what: `the bare framework, pool of ${best === 0 ? 8 : 2}`, unit: 'answers/s', ours: null,
    peer: best === 0 ? large : small, peerName: 'bare' });
  add({ what: 'the same list with the access log', unit: 'answers/s', ...compared(logged, rate), peerName: 'without' });
  add({ what: 'the same: CPU an answer', unit: 'µs', ...compared(logged, cost), peerName: 'without' });
}

export async function page(add) {
  const { gateway } = await startServices();
  for (const [messages, most] of [[20, 35], [200, 120]]) {
    const target = `/rooms/page-${messages}`;
    await post(gateway.port, `${target}/messages`, messages, TEXT);
    const { bytes, text } = await request(`http://127.0.0.1:${gateway.port}`, { path: target });
    const shown = text.split(TEXT).length - 1;
    if (shown < messages) throw new Error(`the page shows ${shown} of ${messages} messages`);
    const rounds = await repeat(() => wrk(gateway, target, SECONDS));
    const what = `the page with ${messages} messages, ${bytes.length} bytes`;
    add({ what: `${what}: CPU of the gateway`, unit: 'µs', ours: median(rounds.map(cost)), target: { of: 'ours', most } });
    add({ what, unit: 'answers/s', ours: median(rounds.map(rate)) });
  }
}
