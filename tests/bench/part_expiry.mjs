// How punctual `expired` is while 100,000 messages are alive.

import { load, startServices } from './processes.mjs';

export async function expiry(add) {
  const { gateway } = await startServices();
  const result = await load('bench_expiry_load', { connect: `127.0.0.1:${gateway.port}` });
  const { count, min, p50, p99, max } = result.lateness_us;
  const row = (what, us, target) => add({ what: `expired, 100,000 alive: ${what}`, unit: 'ms', ours: us / 1000, target });
  row('p99 late', p99, { of: 'ours', most: 50 });
  row('earliest', min, { of: 'ours', least: 0 });
  row('p50 late', p50);
  row('latest', max);
  add({ what: 'expired, 100,000 alive: reported', unit: 'messages', ours: count,
    target: { of: 'ours', least: count + result.missing } });
  add({ what: 'posted through both services', unit: 'posts/s', ours: result.live / (result.filling_us / 1e6) });
}
