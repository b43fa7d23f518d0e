// What this product must reach, measured beside its peers in one run. README.md has what is compared
// with what and why that is fair. Not a test: a miss is said, and is the exit status, but nothing
// rests on it.
//
//   node tests/bench/bench.mjs [--json FILE] [--rounds N] [PART]...
//
// Beside FILE, which has everything for report.mjs, goes a picture of it: FILE with .svg at its end.

import { writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { parseArgs } from 'node:util';
import { draw } from './chart.mjs';
import { hung, idle, mute } from './part_bounds.mjs';
import { expiry } from './part_expiry.mjs';
import { fanout, memory, pace } from './part_fanout.mjs';
import { page, reading } from './part_reading.mjs';
import { neighbours, rooms } from './part_rooms.mjs';
import { busyShare, complaints, limitTime, stopAll } from './processes.mjs';
import { number, Results, setRounds } from './results.mjs';

/** In this order; each starts what it needs and has so many seconds. */
const PARTS = {
  idle: [idle, 60],
  fanout: [fanout, 300],
  pace: [pace, 120],
  memory: [memory, 150],
  neighbours: [neighbours, 180],
  rooms: [rooms, 90],
  reading: [reading, 120],
  page: [page, 60],
  mute: [mute, 150],
  hung: [hung, 60],
  expiry: [expiry, 120],
};

// Above this the machine is not ours alone, and figures say little.
const BUSY_MAX = 0.15;

async function measure(name, results) {
  const [part, seconds] = PARTS[name];
  process.stderr.write(`bench: ${name}\n`);
  limitTime(name, seconds);
  try {
    await part((row) => results.add(name, row));
    for (const [program, text] of complaints()) console.log(`${program} says:\n${text.slice(0, 2000)}`);
  } catch (error) {
    results.fail(name, error);
  } finally {
    await stopAll();
  }
}

function write(file, report) {
  writeFileSync(file, `${JSON.stringify(report, null, 1)}\n`);
  writeFileSync(`${file.replace(/\.json$/, '')}.svg`, draw(report));
}

async function main() {
  const options = { json: { type: 'string' }, rounds: { type: 'string', default: '5' } };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const unknown = positionals.filter((name) => !(name in PARTS));
  if (unknown.length > 0) throw new Error(`unknown: ${unknown}; there are ${Object.keys(PARTS).join(', ')}`);
  const names = positionals.length > 0 ? positionals : Object.keys(PARTS);
  const rounds = Number(values.rounds);
  setRounds(rounds);
  const begun = Date.now();
  const results = new Results();
  const busy = [await busyShare()];
  for (const name of names) await measure(name, results);
  busy.push(await busyShare());
  const seconds = Math.round((Date.now() - begun) / 1000);

  const machine = { cores: cpus().length, processor: cpus()[0].model, kernel: release().split('-')[0], busy };
  const whole = Object.keys(PARTS).every((name) => names.includes(name));
  const { rows, failures } = results;
  const report = { at: new Date().toISOString(), seconds, machine, whole, rounds, rows, failures };
  if (values.json) write(values.json, report);
  if (Math.max(...busy) > BUSY_MAX) {
    const shares = busy.map((part) => number(100 * part)).join(' % before, ');
    console.log(`\nThe machine was busy with something else: ${shares} % after. Repeat.`);
  }
  console.log(`\n${cpus().length} cores, ${rounds} rounds, ${seconds} s\n`);
  results.print();
  const good = results.missed === 0 && results.failures.length === 0;
  console.log(good ? '\nAll targets are met.' : `\n${results.missed} missed, ${results.failures.length} parts failed.`);
  process.exitCode = good ? 0 : 1;
}

try {
  await main();
} catch (error) {
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
} finally {
  await stopAll();
}
