// The results: rows of what was measured, what is demanded of them, and how both are written.
//
// A row is what build/bench.json has of it: { part, what, unit, ours, peer, peerName, ratio, target,
// met }. `target` is { of: 'ours' | 'ratio', most } or { of, least }; a row without one is for
// information, and its `met` is null. Figures are numbers, or null where there is none to have.

export function median(values) {
  if (values.length === 0) throw new Error('there is no median of nothing');
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

let roundCount = 5;

export function setRounds(count) {
  if (!(count >= 1 && count <= 50)) throw new Error('--rounds wants a number from 1 to 50');
  roundCount = count;
}

/** What is measured in each round. */
export async function repeat(measure) {
  const rounds = [];
  for (let i = 0; i < roundCount; i += 1) rounds.push(await measure());
  return rounds;
}

/** Rounds of [ours, theirs]; who goes first changes each time. */
export async function compare(measureOurs, measureTheirs) {
  const rounds = [];
  for (let i = 0; i < roundCount; i += 1) {
    if (i % 2 === 0) {
      const ours = await measureOurs();
      rounds.push([ours, await measureTheirs()]);
    } else {
      const theirs = await measureTheirs();
      rounds.push([await measureOurs(), theirs]);
    }
  }
  return rounds;
}

/** What `figure` says of rounds: both sides' medians, and the median of the rounds' ratios, since the
 * two of a round were measured one after the other. */
export function compared(rounds, figure) {
  return {
    ours: median(rounds.map(([ours]) => figure(ours))),
    peer: median(rounds.map(([, theirs]) => figure(theirs))),
    ratio: median(rounds.map(([ours, theirs]) => figure(ours) / figure(theirs))),
  };
}

const DIGITS = {
  'deliveries/s': 0, 'answers/s': 0, 'posts/s': 0, messages: 0, threads: 0, bytes: 0, '%': 1,
  ms: 1, 'µs': 1, KiB: 2, MB: 1, s: 2,
};

export function number(value, digits = 0) {
  return value.toLocaleString('en', { maximumFractionDigits: digits, minimumFractionDigits: digits });
}

/** `12.3 ms`; nothing where there is no figure. */
export function figure(value, unit) {
  return value === null ? '' : `${number(value, DIGITS[unit])} ${unit}`;
}

export const times = (ratio) => (ratio === null ? '' : `${number(ratio, 2)} times`);

/** `>= 4 times`, `<= 50 ms`. */
export function demanded({ target, unit }) {
  if (!target) return '';
  const limit = target.least ?? target.most;
  const sign = target.least === undefined ? '<=' : '>=';
  return target.of === 'ratio' ? `${sign} ${limit} times` : `${sign} ${limit} ${unit}`;
}

const verdict = ({ met }) => (met === null ? '' : met ? 'met' : 'MISSED');

/** The cells of a row, as text. */
export function cells(row) {
  const peer = row.peer === null ? '' : `${figure(row.peer, row.unit)} (${row.peerName})`;
  return [row.what, figure(row.ours, row.unit), peer, times(row.ratio), demanded(row), verdict(row)];
}

export const HEAD = ['', 'TempMessenger', 'beside', 'ratio', 'target', ''];

function check(row) {
  if (!(row.unit in DIGITS)) throw new Error(`${row.what}: no such unit: ${row.unit}`);
  for (const name of ['ours', 'peer', 'ratio']) {
    if (row[name] !== null && !Number.isFinite(row[name])) {
      throw new Error(`${row.what}: ${name} could not be measured: ${row[name]}`);
    }
  }
  if (row.target && row[row.target.of] === null) throw new Error(`${row.what}: its target is of nothing`);
}

export class Results {
  rows = [];
  failures = [];

  /** Takes a row, judges it and says it. */
  add(part, { what, unit, ours, peer = null, peerName = null, ratio = null, target = null }) {
    const row = { part, what, unit, ours, peer, peerName, ratio, target, met: null };
    check(row);
    if (target) {
      const value = row[target.of];
      row.met = target.least === undefined ? value <= target.most : value >= target.least;
    }
    this.rows.push(row);
    process.stderr.write(`bench: ${cells(row).filter(Boolean).join(', ')}\n`);
  }

  /** A part that could not be measured. */
  fail(part, error) {
    const text = error.message.trim();
    this.failures.push({ part, error: text });
    process.stderr.write(`bench: ${part} could not be measured: ${text}\n`);
  }

  get missed() {
    return this.rows.filter(({ met }) => met === false).length;
  }

  print() {
    const lines = [HEAD, ...this.rows.map(cells)];
    const widths = HEAD.map((_, i) => Math.max(...lines.map((line) => line[i].length)));
    for (const line of lines) {
      const padded = line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])));
      console.log(padded.join('  ').trimEnd());
    }
    for (const { part, error } of this.failures) console.log(`\nFAILED: ${part}: ${error}`);
  }
}
